package lower

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// unknownNamespaces emits the default deny for namespaces that nobody listed: it closes them but
// for DNS and the Platform's own flows. Neither policy holds a Deny rule. That the first selects a
// pod is enough for the tier's end to drop what nothing allows, and an allow of any order still
// counts. Its way to DNS stands inside it, because a policy of its own would isolate whatever it
// selects; for the same reason the Platform's flows have the same subjects, and are applied at the
// same time.
func (l *lowering) unknownNamespaces() {
	if !l.DenyUnknown {
		return
	}
	names, patterns := l.spared()
	subjects := l.everyPodBut(names, patterns)
	line := []plan.Origin{{Span: l.Platform}}
	clients := l.entities(nil, l.withoutDNS(), l.Platform)
	var dns []ruling
	for _, server := range l.DNSServers() {
		dns = append(dns, l.rulings("Allow", true, clients, l.entities(&server.End, "", l.Platform), server.Ports, line)...)
	}
	rules, places := sections(dns, nil)
	l.emit(calicoObject("GlobalNetworkPolicy", about{
		name: nameDefaultDeny, intent: l.platform(), wave: waveDefaults,
		reason: "a namespace that nobody listed is closed, but for DNS",
	}, slices.Concat(object.Map{
		{Key: "tier", Value: "default"},
		{Key: "order", Value: l.Stages.DefaultDenyOrder},
	}, subjects, object.Map{
		{Key: "types", Value: object.List{"Ingress", "Egress"}},
	}, rules[1:])), l.Platform, places...) // its types are both, whatever its rules
	l.platformFlows(subjects)
}

// spared lists the namespaces that the cluster's default deny leaves alone: the system's, and
// those that are not enforced. Namespaces made elsewhere are closed, and opened by what is built
// for them, unless nothing is to close them.
func (l *lowering) spared() (names []string, patterns []object.Selector) {
	names = slices.Clone(l.Cluster.System)
	for _, n := range l.Namespaces {
		switch {
		case n.Spared():
			patterns = append(patterns, n.PatternSelector())
		case !n.Governed && !n.Pattern:
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), patterns
}

// withoutDNS selects the pods of namespaces where an intent does without DNS, which is then given
// there intent by intent: the cluster's default deny must not give it back to those.
func (l *lowering) withoutDNS() string {
	var all []plan.End
	for _, w := range l.Workloads {
		if n, _ := l.Namespace(w.Namespace); !w.DNS && !w.HostNetwork && (n.Governed || n.Pattern && !n.Spared()) {
			pods := plan.Pods{Namespace: n.Name}
			if n.Pattern {
				pods = plan.Pods{Namespaces: n.PatternSelector()}
			}
			all = append(all, plan.End{Name: n.Name + "/*", Pods: &pods})
		}
	}
	return l.anyOf(all, "the list of namespaces where an intent does without DNS", l.Platform)
}

// platformFlows opens the Platform's flows to pods of namespaces that nobody
// listed; elsewhere those pods' own policies do. What intents say opens nothing
// there: it is not theirs to open.
func (l *lowering) platformFlows(subjects object.Map) {
	var all []ruling
	reaches := func(e plan.End) bool { return e.Pods != nil && l.ReachesUnknown(*e.Pods) }
	for _, f := range l.Flows {
		in, out := reaches(f.To), reaches(f.From)
		if !f.Platform() || !in && !out {
			continue
		}
		from, to := l.entities(&f.From, "", earliest(f.Origins)), l.entities(&f.To, "", earliest(f.Origins))
		if in {
			all = append(all, l.rulings("Allow", false, from, to, f.Ports, f.Origins)...)
		}
		if out {
			all = append(all, l.rulings("Allow", true, from, to, f.Ports, f.Origins)...)
		}
	}
	if len(all) == 0 {
		return
	}
	for _, p := range parts("", namePlatform, canonical(all), ruling.key, fitsCalico) {
		var lines []plan.Origin
		for _, r := range p.things {
			lines = append(lines, r.origins...)
		}
		rules, places := sections(p.things, l.why)
		l.emit(calicoObject("GlobalNetworkPolicy", about{
			name: p.name, intent: l.platform(), wave: waveDefaults,
		}, slices.Concat(object.Map{
			{Key: "tier", Value: "default"},
			{Key: "order", Value: l.Stages.PlatformOrder},
		}, subjects, rules)), earliest(lines), places...)
	}
}
