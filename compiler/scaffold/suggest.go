package scaffold

import (
	"fmt"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// suggest puts what the manifests suggest into the drafted pages: flows between the workloads,
// Services that nobody is seen to call, and ways out of the cluster.
func suggest(pages []*page, services map[string]*service) {
	byWorkload := map[*workload]*page{}
	for _, p := range pages {
		byWorkload[p.workload] = p
	}
	var workloads []*workload
	for _, p := range pages {
		workloads = append(workloads, p.workload)
	}
	flows, outside := flowsOf(workloads, services)
	for _, f := range flows {
		caller, callee := byWorkload[f.from], byWorkload[f.to]
		if callee == nil || len(f.ports) == 0 {
			continue
		}
		because := f.because
		if f.from.hostNetwork || f.to.hostNetwork {
			because += "; the Platform has to say cluster.nodeCIDRs"
		}
		line := func(key, peer string) string {
			return yamltext.Line(yamltext.Map{{Key: key, Value: peer}, {Key: "ports", Value: yamltext.Strings(f.ports)}})
		}
		if f.from.id.Namespace == f.to.id.Namespace {
			caller.outbound = append(caller.outbound, line("to", f.to.name)+"   # "+because)
			continue
		}
		// Across namespaces it is the side that is called that opens.
		callee.inbound = append(callee.inbound, line("from", f.from.id.Namespace+"/"+f.from.name)+"   # its "+because)
	}
	for _, p := range pages {
		called := slices.ContainsFunc(flows, func(f flow) bool { return f.to == p.workload })
		for _, name := range diag.SortedKeys(services) {
			if s := services[name]; !called && slices.Contains(s.behind, p.workload) {
				p.remarks = append(p.remarks, fmt.Sprintf("%s leads here, and nothing is seen to call it: who may?", s))
			}
		}
		for _, o := range outside[p.workload] {
			p.remarks = append(p.remarks, o+", outside of these manifests: a line to it needs its addresses, or an @name of the Platform.")
		}
	}
}
