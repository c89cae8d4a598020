package plan

import (
	"net/netip"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// nodeLocalPort is where a node-local cache answers, whatever the port of the pods
// behind it (Kubernetes: cluster/addons/dns/nodelocaldns).
const nodeLocalPort = 53

// Server is where names are resolved, and the ports on which.
type Server struct {
	End   End
	Ports []Port
}

// DNSServers lists where names are resolved: the cluster's DNS pods and then, if it has one, the
// node-local cache.
func (p *Plan) DNSServers() []Server {
	dns := p.Cluster.DNS
	var labels []object.Requirement
	for _, k := range diag.SortedKeys(dns.Labels) {
		labels = append(labels, object.Equals(k, dns.Labels[k]))
	}
	all := []Server{{
		End:   End{Name: dns.Namespace + "/dns", Pods: &Pods{Namespace: dns.Namespace, Selector: object.NewSelector(labels...)}},
		Ports: onBoth(dns.Port),
	}}
	if len(dns.NodeLocal) > 0 {
		cache := End{Name: "the node-local DNS cache"}
		for _, a := range dns.NodeLocal {
			cache.Blocks = append(cache.Blocks, Block{CIDR: netip.PrefixFrom(a, a.BitLen())})
		}
		all = append(all, Server{End: cache, Ports: onBoth(nodeLocalPort)})
	}
	return all
}

// onBoth returns a port of DNS on TCP and UDP: names are asked for on either (RFC 7766).
func onBoth(port int) []Port {
	n := uint16(port)
	return []Port{{TCP, n, n}, {UDP, n, n}}
}

// Resolvers says which pods of a namespace resolve names: all of them or, where an
// intent does without, those of the intents that do.
func (p *Plan) Resolvers(namespace string) (all bool, of []Workload) {
	all = true
	for _, w := range p.Workloads {
		switch {
		case w.Namespace != namespace || w.HostNetwork:
		case w.DNS:
			of = append(of, w)
		default:
			all = false
		}
	}
	if all {
		return true, nil
	}
	return false, of
}

// Resolvers are, by namespace, whether a workload does without names, and then those that resolve
// them.
type Resolvers struct {
	with    map[string][]Workload
	without map[string]bool
}

// AllResolvers looks through the workloads once, for whoever asks about many namespaces.
func (p *Plan) AllResolvers() Resolvers {
	r := Resolvers{map[string][]Workload{}, map[string]bool{}}
	for i := range p.Workloads {
		if w := &p.Workloads[i]; !w.HostNetwork && !w.DNS {
			r.without[w.Namespace] = true
		}
	}
	for i := range p.Workloads {
		if w := &p.Workloads[i]; !w.HostNetwork && w.DNS && r.without[w.Namespace] {
			r.with[w.Namespace] = append(r.with[w.Namespace], *w)
		}
	}
	return r
}

// Of says which pods of a namespace resolve names: see [Plan.Resolvers].
func (r Resolvers) Of(namespace string) (all bool, of []Workload) {
	if !r.without[namespace] {
		return true, nil
	}
	return false, r.with[namespace]
}
