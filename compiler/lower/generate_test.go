package lower

import (
	"fmt"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// generator draws plans with everything that a plan can say, over few enough names
// that its parts meet.
type generator struct {
	t    *rapid.T
	plan *plan.Plan
	line int
}

// aPlan draws a plan.
func aPlan(t *rapid.T) *plan.Plan {
	g := &generator{t: t}
	cluster := object.DefaultCluster()
	cluster.CalicoMinor = rapid.IntRange(31, 33).Draw(t, "minor")
	cluster.PodCIDRs = prefixes("10.244.0.0/16", "fd00:10::/64")
	if g.chance(3, "node-local") {
		cluster.DNS.NodeLocal = []netip.Addr{netip.MustParseAddr("169.254.20.10"), netip.MustParseAddr("fd00::a")}
	}
	if g.chance(4, "other DNS port") {
		cluster.DNS.Port = 5353
	}
	g.plan = &plan.Plan{
		Environment: "drawn", Targets: Names(), Cluster: cluster, Stages: plan.DefaultStages(), PlatformName: "drawn",
		DenyUnknown: rapid.Bool().Draw(t, "deny unknown"), Platform: g.span(),
	}
	g.namespaces()
	g.workloads()
	for range rapid.IntRange(0, 8).Draw(t, "flows") {
		g.flow()
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "guardrails") {
		g.guardrail(fmt.Sprintf("g%d", i))
	}
	for range max(0, rapid.IntRange(-3, 2).Draw(t, "quarantine")) {
		g.plan.Quarantine = append(g.plan.Quarantine, plan.Quarantined{End: g.pods(), Why: "breach", Ticket: "INC-1", Until: "2026-12-01", Span: g.span()})
	}
	return g.plan
}

func (g *generator) chance(n int, what string) bool { return rapid.IntRange(1, n).Draw(g.t, what) == n }

func pick[T any](g *generator, what string, of ...T) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(g.t, what)]
}

func (g *generator) span() diag.Span {
	g.line++
	return diag.Span{File: "drawn.yaml", Start: diag.At(g.line, 1), End: diag.At(g.line, 9)}
}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func (g *generator) namespaces() {
	add := func(n plan.Namespace) {
		labels := map[string]string{plan.NamespaceLabel: n.Name}
		for k, v := range n.Labels {
			labels[k] = v
		}
		n.Labels, n.Span = labels, g.span()
		g.plan.Namespaces = append(g.plan.Namespaces, n)
	}
	for _, name := range []string{"a", "b", "c"} {
		n := plan.Namespace{Name: name, Owner: "team-" + name, Labels: map[string]string{"team": pick(g, "team", "x", "y")}}
		switch pick(g, "enforce", "yes", "yes", "yes", "staged", "no") {
		case "yes":
			n.Governed = true
		case "staged":
			n.Staged = true
		}
		if g.chance(3, "tenant") {
			n.Labels["tenant"] = pick(g, "which tenant", "1", "2")
		}
		add(n)
	}
	add(plan.Namespace{Name: "kube-system", System: true})
	if rapid.Bool().Draw(g.t, "pattern") {
		n := plan.Namespace{Name: "pr-*", Labels: map[string]string{"preview": "true"}, Pattern: true}
		switch pick(g, "pattern's enforce", "yes", "staged", "no") {
		case "staged":
			n.Staged = true
		case "no":
			n.Open = true
		}
		add(n)
	}
	if n := g.plan.Namespaces[0]; n.Governed && g.chance(4, "governed DNS") {
		g.plan.Cluster.DNS.Namespace = n.Name
	}
}

func (g *generator) selector() object.Selector {
	return pick(g, "selector",
		nil,
		object.NewSelector(object.Equals("app", "web")),
		object.NewSelector(object.Equals("app", "api")),
		object.NewSelector(object.Requirement{Key: "app", Op: object.In, Values: []string{"web", "api"}}, object.Requirement{Key: "role", Op: object.DoesNotExist}),
		object.NewSelector(object.Requirement{Key: "app", Op: object.NotIn, Values: []string{"web"}}),
		object.NewSelector(object.Requirement{Key: "role", Op: object.Exists}),
	)
}

func (g *generator) workloads() {
	for _, n := range g.plan.Namespaces {
		for _, name := range []string{"api", "web"} {
			if n.System || g.chance(4, "no such workload") {
				continue
			}
			w := plan.Workload{Namespace: n.Name, Name: name, Owner: n.Owner, Selector: object.NewSelector(object.Equals("app", name)), Span: g.span()}
			if g.chance(5, "other selector") {
				w.Selector = g.selector()
			}
			w.DNS = !g.chance(6, "no DNS")
			w.HostNetwork = g.chance(8, "host network")
			g.plan.Workloads = append(g.plan.Workloads, w)
		}
	}
}

// addresses are ends outside the cluster, with a name of the Platform's or without.
var addresses = []plan.End{
	{Name: "@corp", Peer: "corp", Blocks: []plan.Block{
		{CIDR: netip.MustParsePrefix("192.0.2.0/24"), Except: prefixes("192.0.2.64/26", "192.0.2.200/32")},
		{CIDR: netip.MustParsePrefix("2001:db8::/32"), Except: prefixes("2001:db8:1::/48")},
	}},
	{Name: "@nodes", Peer: "nodes", Blocks: []plan.Block{{CIDR: netip.MustParsePrefix("172.18.0.0/16")}}},
	{Name: "198.51.100.7", Blocks: []plan.Block{{CIDR: netip.MustParsePrefix("198.51.100.7/32")}}},
	{Name: "2001:db8:9::/64", Blocks: []plan.Block{{CIDR: netip.MustParsePrefix("2001:db8:9::/64")}}},
	{Name: "192.0.2.0/25 and 2001:db8::/33", Blocks: []plan.Block{
		{CIDR: netip.MustParsePrefix("192.0.2.0/25"), Except: prefixes("192.0.2.0/28")},
		{CIDR: netip.MustParsePrefix("2001:db8::/33")},
	}},
}

func (g *generator) end() plan.End {
	if g.chance(4, "addresses") {
		return pick(g, "which addresses", addresses...)
	}
	return g.pods()
}

// pods draws an end that is pods: a workload, all of a namespace, or a set over
// several.
func (g *generator) pods() plan.End {
	if rapid.Bool().Draw(g.t, "workload") && len(g.plan.Workloads) > 0 {
		w := pick(g, "which workload", g.plan.Workloads...)
		if w.HostNetwork {
			return plan.End{Name: w.Ref(), Pods: &plan.Pods{Namespace: "b"}}
		}
		pods := plan.Pods{Namespace: w.Namespace, Selector: w.Selector}
		if n, _ := g.plan.Namespace(w.Namespace); n.Pattern {
			pods = plan.Pods{Namespaces: n.PatternSelector(), Selector: w.Selector}
		}
		return plan.End{Name: w.Ref(), Pods: &pods}
	}
	pods := pick(g, "set",
		plan.Pods{Namespace: "a"}, plan.Pods{Namespace: "b"}, plan.Pods{Namespace: "c"}, plan.Pods{Namespace: "kube-system"}, plan.Pods{}, plan.Pods{},
		plan.Pods{Namespaces: object.NewSelector(object.Equals("team", "x"))},
		plan.Pods{Namespaces: object.NewSelector(object.Requirement{Key: "team", Op: object.NotIn, Values: []string{"x"}})},
		plan.Pods{Namespaces: object.NewSelector(object.Requirement{Key: "tenant", Op: object.Exists})},
		plan.Pods{Namespaces: object.NewSelector(object.Requirement{Key: plan.NamespaceLabel, Op: object.In, Values: []string{"a", "b"}})},
		plan.Pods{Namespaces: object.NewSelector(object.Requirement{Key: plan.NamespaceLabel, Op: object.NotIn, Values: []string{"a", "kube-system"}})},
	)
	pods.Selector = g.selector()
	return plan.End{Name: fmt.Sprintf("%s/{%s}/{%s}", pods.Namespace, pods.Namespaces, pods.Selector), Pods: &pods}
}

func (g *generator) ports() []plan.Port {
	var all []plan.Port
	for range rapid.IntRange(1, 3).Draw(g.t, "how many ports") {
		all = append(all, pick(g, "ports",
			[]plan.Port{{Protocol: plan.TCP, First: 80, Last: 80}}, []plan.Port{{Protocol: plan.TCP, First: 8000, Last: 8100}},
			[]plan.Port{{Protocol: plan.TCP, First: 1, Last: 65535}}, []plan.Port{{Protocol: plan.UDP, First: 53, Last: 53}},
			[]plan.Port{{Protocol: plan.SCTP, First: 3868, Last: 3868}}, plan.Everything, plan.AllICMP, plan.Ping,
			[]plan.Port{{Protocol: plan.ICMP, First: 3, Last: 5}})...)
	}
	return plan.NormalPorts(all)
}

func (g *generator) flow() {
	from, to := g.end(), g.end()
	if from.Pods == nil && to.Pods == nil {
		to = g.pods()
	}
	o := plan.Origin{Span: g.span(), Why: pick(g, "why", "", "because", "for ${REASONS}"), Ticket: pick(g, "ticket", "", "T-1"), Until: pick(g, "until", "", "2026-12-31")}
	if g.chance(3, "an intent's") {
		o.Intent = "a/web"
	}
	g.plan.Flows = append(g.plan.Flows, plan.Flow{From: from, To: to, Ports: g.ports(), Origins: []plan.Origin{o}})
}

func (g *generator) guardrail(name string) {
	span := g.span()
	for range rapid.IntRange(1, 2).Draw(g.t, "parts") {
		r := plan.Guardrail{Name: name, Span: span}
		ends := []**plan.End{&r.From, &r.To}
		both := g.chance(3, "both ends")
		first := rapid.IntRange(0, 1).Draw(g.t, "first end")
		for i, at := range []**plan.End{ends[first], ends[1-first]} {
			if i == 0 || both {
				end := g.end()
				*at = &end
			}
		}
		for range rapid.IntRange(0, 2).Draw(g.t, "unless") {
			r.Unless = append(r.Unless, g.pods())
		}
		if rapid.Bool().Draw(g.t, "guarded ports") {
			r.Ports = g.ports()
			if r.Ports[0].Protocol == plan.Any {
				r.Ports = nil
			}
		}
		g.plan.Guardrails = append(g.plan.Guardrails, r)
	}
}

// places are where packets of the plan's edges begin and end: pods with every
// combination of labels that selectors tell apart, in known, unknown and patterned
// namespaces, and addresses at the borders of blocks.
func places(p *plan.Plan) []plan.Place {
	namespaces := map[string]map[string]string{
		"pr-1": {plan.NamespaceLabel: "pr-1", "preview": "true"}, "stranger": {plan.NamespaceLabel: "stranger", "team": "x"},
		"nobody": {plan.NamespaceLabel: "nobody"}, "calico-system": {plan.NamespaceLabel: "calico-system"},
	}
	for _, n := range p.Namespaces {
		if !n.Pattern {
			namespaces[n.Name] = n.Labels
		}
	}
	var all []plan.Place
	for _, name := range diag.SortedKeys(namespaces) {
		for _, labels := range []map[string]string{{}, {"app": "web"}, {"app": "api"}, {"app": "api", "role": "db"}, {"app": "other", "role": "web"}, {"k8s-app": "kube-dns"}} {
			all = append(all, plan.Place{Namespace: name, NamespaceLabels: namespaces[name], Labels: labels})
		}
	}
	var edges []netip.Addr
	for _, text := range []string{"8.8.8.8", "2606:4700::1111", "169.254.20.10", "fd00::a", "172.18.0.5"} {
		edges = append(edges, netip.MustParseAddr(text))
	}
	for _, end := range addresses {
		for _, b := range end.Blocks {
			for _, prefix := range append([]netip.Prefix{b.CIDR}, b.Except...) {
				edges = append(edges, prefix.Addr(), prefix.Addr().Prev())
			}
		}
	}
	slices.SortFunc(edges, netip.Addr.Compare)
	for _, a := range slices.Compact(edges) {
		all = append(all, plan.Place{Address: a})
	}
	return all
}
