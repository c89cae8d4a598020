package facts

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// The kinds of endpoints.
const (
	kindWorkload   = "workload"
	kindUnlabelled = "unlabelled"
	kindDNS        = "dns"
)

// pods is an endpoint that verdicts are asked about.
type pods struct {
	*meaning.Endpoint
	name, kind string
	dns        bool // meant to resolve names
}

// population is everybody that verdicts are asked about.
type population struct {
	byNamespace map[string][]*pods
	all         []*pods // by namespace, in the order of the plan; the DNS pods last
	dns         []*pods
	// stranger wears the DNS pods' labels in a namespace that nobody knows.
	stranger *pods
}

// known gathers the endpoints of each namespace: the plan's workloads, the manifests'
// that none of those selects, and a pod without labels. Host-network pods, which no
// policy selects, are left out.
func known(p *plan.Plan, world object.Set) population {
	described := meaning.Endpoints(world)
	namespaces := meaning.Namespaces(world)
	var pop population
	pop.byNamespace = map[string][]*pods{}
	byNamespace := map[string][]*meaning.Endpoint{}
	for _, e := range described {
		e.NamespaceLabels = namespaceLabels(p, namespaces, e.Namespace)
		byNamespace[e.Namespace] = append(byNamespace[e.Namespace], e)
	}
	workloads := map[string][]plan.Workload{}
	for _, w := range p.Workloads {
		workloads[w.Namespace] = append(workloads[w.Namespace], w)
	}
	for _, n := range p.Namespaces {
		everywhere := namespaceLabels(p, namespaces, n.Name)
		g := gathering{seen: map[string]bool{}, cut: p.Quarantine}
		// Where one workload is to have no DNS, it is given intent by intent, and pods
		// without an intent have none.
		dns := true
		for _, w := range workloads[n.Name] {
			dns = dns && (w.DNS || w.HostNetwork)
		}
		for _, w := range workloads[n.Name] {
			if w.HostNetwork {
				continue
			}
			e := &meaning.Endpoint{
				Namespace: w.Namespace, Name: w.Name, Labels: w.Selector.Example(), NamespaceLabels: everywhere, ServiceAccount: "default",
			}
			g.add(&pods{Endpoint: e, name: w.Ref(), kind: kindWorkload, dns: w.DNS})
		}
		for _, e := range byNamespace[n.Name] {
			if e.HostNetwork || slices.ContainsFunc(workloads[n.Name], func(w plan.Workload) bool { return w.Selector.Matches(e.Labels) }) {
				continue
			}
			g.add(&pods{Endpoint: e, name: e.Ref(), kind: kindWorkload, dns: dns})
		}
		slices.SortStableFunc(g.members, func(a, b *pods) int { return strings.Compare(a.name, b.name) })
		g.add(&pods{ // nothing describes them
			Endpoint: &meaning.Endpoint{Namespace: n.Name, Name: "*", Labels: map[string]string{}, NamespaceLabels: everywhere, ServiceAccount: "default"},
			name:     n.Name + "/*", kind: kindUnlabelled, dns: dns,
		})
		pop.byNamespace[n.Name] = g.members
		pop.all = append(pop.all, g.members...)
	}
	pop.dns = servers(p, byNamespace, namespaceLabels(p, namespaces, p.Cluster.DNS.Namespace))
	pop.all = append(pop.all, pop.dns...)
	pop.stranger = stranger(p)
	return pop
}

// gathering keeps one endpoint of each set of labels and service account.
type gathering struct {
	members []*pods
	seen    map[string]bool
	cut     []plan.Quarantined
}

// add takes in an endpoint, unless it is in quarantine: that it reaches nobody is what
// was asked for.
func (g *gathering) add(e *pods) {
	for _, q := range g.cut {
		if q.End.Pods.Matches(e.Namespace, e.NamespaceLabels, e.Labels) {
			return
		}
	}
	var key strings.Builder
	key.WriteString(e.ServiceAccount)
	for _, k := range diag.SortedKeys(e.Labels) {
		key.WriteString("\x00" + k + "\x00" + e.Labels[k])
	}
	if !g.seen[key.String()] {
		g.seen[key.String()] = true
		g.members = append(g.members, e)
	}
}

// namespaceLabels are what is known of a Namespace: its place in the plan, or its
// manifest, and in any case the label with its name, which every Namespace has.
func namespaceLabels(p *plan.Plan, manifests map[string]map[string]string, name string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, manifests[name])
	if n, ok := p.Namespace(name); ok {
		maps.Copy(all, n.Labels)
	}
	all[plan.NamespaceLabel] = name
	return all
}

// servers are the DNS pods: those of the manifests that wear the Platform's labels,
// or else a pod with those labels and nothing more.
func servers(p *plan.Plan, described map[string][]*meaning.Endpoint, everywhere map[string]string) []*pods {
	dns := p.Cluster.DNS
	g := gathering{seen: map[string]bool{}}
	wanted := make(object.Selector, 0, len(dns.Labels))
	for _, k := range diag.SortedKeys(dns.Labels) {
		wanted = append(wanted, object.Equals(k, dns.Labels[k]))
	}
	for _, e := range described[dns.Namespace] {
		if !e.HostNetwork && wanted.Matches(e.Labels) {
			g.add(&pods{Endpoint: e, name: e.Ref(), kind: kindDNS, dns: true})
		}
	}
	if len(g.members) == 0 {
		e := &meaning.Endpoint{Namespace: dns.Namespace, Name: "dns", Labels: dns.Labels, NamespaceLabels: everywhere, ServiceAccount: "coredns", Addresses: podAddress(p)}
		g.add(&pods{Endpoint: e, name: e.Ref(), kind: kindDNS, dns: true})
	}
	return g.members
}

// podAddress is an address that a pod may have where the Platform does not say which they
// have: one that no line names, for what lines name is outside the cluster. It is none
// where the pods' own ranges tell, or no line names any.
func podAddress(p *plan.Plan) []netip.Addr {
	var outside []netip.Prefix
	add := func(e *plan.End) {
		if e != nil {
			outside = append(outside, plan.Ranges(e.Blocks)...)
		}
	}
	for _, f := range p.Flows {
		add(&f.From)
		add(&f.To)
	}
	for _, g := range p.Guardrails {
		add(g.From)
		add(g.To)
	}
	if len(p.Cluster.PodCIDRs) > 0 || len(outside) == 0 {
		return nil
	}
	for _, network := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"} {
		if left := packet.Subtract([]netip.Prefix{netip.MustParsePrefix(network)}, outside); len(left) > 0 {
			return []netip.Addr{left[0].Addr()}
		}
	}
	return nil
}

func stranger(p *plan.Plan) *pods {
	name := "unknown-namespace"
	for {
		if _, taken := p.Namespace(name); !taken {
			break
		}
		name += "-x"
	}
	e := &meaning.Endpoint{
		Namespace: name, Name: "look-alike", Labels: p.Cluster.DNS.Labels,
		NamespaceLabels: map[string]string{plan.NamespaceLabel: name}, ServiceAccount: "default",
	}
	return &pods{Endpoint: e, name: e.Ref(), kind: kindWorkload}
}
