// Package population gathers the endpoints about which verdicts are asked: those that
// the plan knows, those that manifests describe, and those that may come.
//
// Its invariant: whoever asks about an environment asks about the same pods, with the
// labels that their namespaces have in the plan or in manifests.
//
// It must not know what is asked, nor how policies answer.
package population

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Kind is what is known of pods.
type Kind string

// The kinds of pods.
const (
	Workload   Kind = "workload"
	Unlabelled Kind = "unlabelled" // nothing describes them
	DNS        Kind = "dns"        // the cluster's own
)

// Pods are pods with the same labels.
type Pods struct {
	*meaning.Endpoint
	Kind     Kind
	Resolves bool // meant to resolve names
}

// Population is everybody about whom verdicts are asked, less, but for the last two
// lists, whom the plan puts into quarantine.
type Population struct {
	ByNamespace map[string][]*Pods
	All         []*Pods // by namespace, in the order of the plan; the DNS pods last
	DNS         []*Pods
	// Stranger wears the DNS pods' labels in a namespace that nobody knows.
	Stranger *Pods

	// Described are all endpoints of the manifests, and Planned a pod of each workload
	// with just the labels by which it is selected; those in quarantine and, of the
	// first, those of the host's network too. Both are sorted by namespace and name.
	Described, Planned []*meaning.Endpoint
}

// Known lists the pods of the population that manifests describe and those that the plan knows.
func (p Population) Known() []*meaning.Endpoint { return slices.Concat(p.Described, p.Planned) }

// Of gathers the endpoints of each namespace: the plan's workloads, the manifests'
// that none of those selects, and a pod without labels. Host-network pods, which no
// policy selects, are left out.
func Of(p *plan.Plan, world object.Set) Population {
	described := meaning.Endpoints(world)
	namespaces := meaning.Namespaces(world)
	pop := Population{ByNamespace: map[string][]*Pods{}, Described: described}
	byNamespace := map[string][]*meaning.Endpoint{}
	Settle(p, world, described)
	for _, e := range described {
		byNamespace[e.Namespace] = append(byNamespace[e.Namespace], e)
	}
	workloads := map[string][]*plan.Workload{}
	for i := range p.Workloads {
		w := &p.Workloads[i]
		workloads[w.Namespace] = append(workloads[w.Namespace], w)
	}
	resolvers := p.AllResolvers()
	for _, n := range p.Namespaces {
		everywhere := namespaceLabels(p, namespaces, n.Name)
		g := gathering{seen: map[string]bool{}, cut: p.Quarantine}
		// Where one workload is to have no DNS, it is given intent by intent, and pods
		// without an intent have none.
		dns, _ := resolvers.Of(n.Name)
		for _, w := range workloads[n.Name] {
			if w.HostNetwork {
				continue
			}
			e := &meaning.Endpoint{
				Namespace: w.Namespace, Name: w.Name, Labels: w.Selector.Example(), NamespaceLabels: everywhere, NamespaceUnwritten: n.Unwritten, ServiceAccount: "default",
			}
			g.add(&Pods{Endpoint: e, Kind: Workload, Resolves: w.DNS})
			if !n.Pattern {
				pop.Planned = append(pop.Planned, e)
			}
		}
		for _, e := range byNamespace[n.Name] {
			if e.HostNetwork || slices.ContainsFunc(workloads[n.Name], func(w *plan.Workload) bool { return w.Selector.Matches(e.Labels) }) {
				continue
			}
			g.add(&Pods{Endpoint: e, Kind: Workload, Resolves: dns})
		}
		slices.SortStableFunc(g.members, func(a, b *Pods) int { return strings.Compare(a.Name, b.Name) })
		g.add(&Pods{ // nothing describes them
			Endpoint: &meaning.Endpoint{Namespace: n.Name, Name: "*", Labels: map[string]string{}, NamespaceLabels: everywhere, NamespaceUnwritten: n.Unwritten, ServiceAccount: "default"},
			Kind:     Unlabelled, Resolves: dns,
		})
		pop.ByNamespace[n.Name] = g.members
		pop.All = append(pop.All, g.members...)
	}
	pop.DNS = servers(p, byNamespace, namespaceLabels(p, namespaces, p.Cluster.DNS.Namespace))
	pop.All = append(pop.All, pop.DNS...)
	pop.Stranger = stranger(p)
	return pop
}

// Settle puts endpoints into the namespaces of a plan: no pod is without its namespace, though
// no manifest describes that.
func Settle(p *plan.Plan, world object.Set, endpoints []*meaning.Endpoint) {
	namespaces := meaning.Namespaces(world)
	for _, e := range endpoints {
		n, _ := p.Namespace(e.Namespace)
		e.NamespaceLabels, e.NamespaceUnwritten = namespaceLabels(p, namespaces, e.Namespace), n.Unwritten
	}
}

// gathering keeps one endpoint of each set of labels and service account.
type gathering struct {
	members []*Pods
	seen    map[string]bool
	cut     []plan.Quarantined
}

// add takes pods into the population, unless they are in quarantine: that they reach nobody is
// what was asked for.
func (g *gathering) add(e *Pods) {
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

// namespaceLabels collects what is known of the labels of a population's namespace: its place in
// the plan, or its manifest, and in any case the label with its name, which every Namespace has.
func namespaceLabels(p *plan.Plan, manifests map[string]map[string]string, name string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, manifests[name])
	if n, ok := p.Namespace(name); ok {
		maps.Copy(all, n.Labels)
	}
	all[plan.NamespaceLabel] = name
	return all
}

// servers finds the DNS pods of the population: those of the manifests that wear the Platform's
// labels, or else a pod with those labels and nothing more.
func servers(p *plan.Plan, described map[string][]*meaning.Endpoint, everywhere map[string]string) []*Pods {
	dns := p.Cluster.DNS
	g := gathering{seen: map[string]bool{}}
	wanted := make(object.Selector, 0, len(dns.Labels))
	for _, k := range diag.SortedKeys(dns.Labels) {
		wanted = append(wanted, object.Equals(k, dns.Labels[k]))
	}
	for _, e := range described[dns.Namespace] {
		if !e.HostNetwork && wanted.Matches(e.Labels) {
			g.add(&Pods{Endpoint: e, Kind: DNS, Resolves: true})
		}
	}
	if len(g.members) == 0 {
		n, _ := p.Namespace(dns.Namespace)
		e := &meaning.Endpoint{
			Namespace: dns.Namespace, Name: "dns", Labels: dns.Labels, ServiceAccount: "coredns",
			NamespaceLabels: everywhere, NamespaceUnwritten: n.Unwritten,
		}
		g.add(&Pods{Endpoint: e, Kind: DNS, Resolves: true})
	}
	return g.members
}

// stranger makes up a pod of the population that looks like a DNS pod and is in a namespace that
// nobody knows.
func stranger(p *plan.Plan) *Pods {
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
	return &Pods{Endpoint: e, Kind: Workload}
}
