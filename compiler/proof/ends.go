package proof

import (
	"maps"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// ends are the sides of everything that a plan speaks of, as a relation must tell them
// apart.
type ends struct {
	pods       meaning.End
	namespaces map[string]meaning.End // of the plan, but for patterns, and of the system
	spared     []meaning.End          // patterns whose namespaces nobody closes

	flows      [][2]meaning.End // beside Plan.Flows
	tests      [][2]meaning.End // beside Plan.Tests
	guardrails []guardrail      // beside Plan.Guardrails
	quarantine []meaning.End    // beside Plan.Quarantine

	servers   []meaning.End            // beside Plan.DNSServers
	resolving map[string][]meaning.End // those that resolve names, by namespace of the plan
	// unresolving are patterns where a workload does without.
	unresolving []meaning.End
}

type guardrail struct {
	from, to meaning.End
	unless   []meaning.End
}

// endsOf makes the plan's ends known to the atoms.
func endsOf(p *plan.Plan, a *meaning.Atoms) ends {
	e := ends{pods: a.Pods("", nil, nil), namespaces: map[string]meaning.End{}, resolving: map[string][]meaning.End{}}
	for _, n := range p.Namespaces {
		all, resolvers := p.Resolvers(n.Name)
		switch {
		case n.Spared():
			e.spared = append(e.spared, a.Pods("", n.PatternSelector(), nil))
		case n.Pattern && !all:
			e.unresolving = append(e.unresolving, a.Pods("", n.PatternSelector(), nil))
		case !n.Pattern:
			a.AddNamespace(n.Name, n.Labels)
			e.namespaces[n.Name] = a.Pods(n.Name, nil, nil)
			for _, w := range resolvers {
				e.resolving[n.Name] = append(e.resolving[n.Name], a.Pods(w.Namespace, nil, w.Selector))
			}
			if all {
				e.resolving[n.Name] = []meaning.End{e.namespaces[n.Name]}
			}
		}
	}
	for _, name := range p.Cluster.System {
		e.namespaces[name] = a.Pods(name, nil, nil)
	}
	for _, f := range p.Flows {
		e.flows = append(e.flows, [2]meaning.End{end(a, f.From), end(a, f.To)})
	}
	for _, t := range p.Tests {
		e.tests = append(e.tests, [2]meaning.End{end(a, t.From), end(a, t.To)})
	}
	for _, g := range p.Guardrails {
		var made guardrail
		if g.From != nil {
			made.from = end(a, *g.From)
		}
		if g.To != nil {
			made.to = end(a, *g.To)
		}
		for _, u := range g.Unless {
			made.unless = append(made.unless, end(a, u))
		}
		e.guardrails = append(e.guardrails, made)
	}
	for _, q := range p.Quarantine {
		e.quarantine = append(e.quarantine, end(a, q.End))
	}
	for _, s := range p.DNSServers() {
		e.servers = append(e.servers, end(a, s.End))
	}
	return e
}

// exempt are pods with the labels of those whom guardrails exempt, where the guardrails
// bind others: in the namespaces of the ends, and in the system's. Whoever exempts more
// than that exempts one of them.
func exempt(p *plan.Plan) []*meaning.Endpoint {
	var all []*meaning.Endpoint
	add := func(namespace string, namespaceLabels, labels map[string]string) {
		everywhere := maps.Clone(namespaceLabels)
		if everywhere == nil {
			everywhere = map[string]string{}
		}
		everywhere[plan.NamespaceLabel] = namespace
		all = append(all, &meaning.Endpoint{
			Namespace: namespace, Name: "exempt", Labels: labels, NamespaceLabels: everywhere, ServiceAccount: "default",
		})
	}
	for _, g := range p.Guardrails {
		for _, u := range g.Unless {
			labels := u.Pods.Selector.Example()
			for _, name := range p.Cluster.System {
				add(name, nil, labels)
			}
			for _, e := range []*plan.End{g.From, g.To} {
				switch {
				case e == nil || e.Pods == nil:
				case e.Pods.Namespace != "":
					n, _ := p.Namespace(e.Pods.Namespace)
					add(e.Pods.Namespace, n.Labels, labels)
				default:
					add("exempt", e.Pods.Namespaces.Example(), labels)
				}
			}
		}
	}
	return all
}

func end(a *meaning.Atoms, e plan.End) meaning.End {
	if e.Pods != nil {
		return a.Pods(e.Pods.Namespace, e.Pods.Namespaces, e.Pods.Selector)
	}
	return a.Addresses(packet.AddressesOf(plan.Ranges(e.Blocks)...))
}

// traffic is what a port list stands for; none is everything.
func traffic(ports []plan.Port) packet.Traffic {
	if ports == nil {
		return packet.Anything()
	}
	return plan.PacketsOn(ports)
}

// side are the classes at one end of traffic, in packets of IPv4 and of IPv6.
type side [2]packet.Numbers

var families = [2]int{4, 6}

func (s side) or(o side) side    { return side{s[0].Union(o[0]), s[1].Union(o[1])} }
func (s side) and(o side) side   { return side{s[0].Intersect(o[0]), s[1].Intersect(o[1])} }
func (s side) minus(o side) side { return side{s[0].Subtract(o[0]), s[1].Subtract(o[1])} }

// sideOf are the classes of an end.
func sideOf(r *meaning.Relation, e meaning.End) side {
	return side{r.End(e, families[0]), r.End(e, families[1])}
}

func union(r *meaning.Relation, all []meaning.End) (s side) {
	for _, e := range all {
		s = s.or(sideOf(r, e))
	}
	return s
}

// rectangles are traffic from one side to another.
func rectangles(from, to side, t packet.Traffic) []meaning.Rectangle {
	if from[0].Equal(from[1]) && to[0].Equal(to[1]) {
		return []meaning.Rectangle{{From: from[0], To: to[0], Traffic: t, Families: meaning.IPv4 | meaning.IPv6}}
	}
	return []meaning.Rectangle{
		{From: from[0], To: to[0], Traffic: t, Families: meaning.IPv4},
		{From: from[1], To: to[1], Traffic: t, Families: meaning.IPv6},
	}
}
