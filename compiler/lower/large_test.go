package lower

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// large is a plan of which every list is longer than an object holds.
func large() *plan.Plan {
	p := &plan.Plan{
		Environment: "large", Targets: Names(), Cluster: object.DefaultCluster(), Stages: plan.DefaultStages(), DenyUnknown: true,
		Platform:  diag.Span{File: "plan", Start: diag.Position{Line: 1, Column: 1}},
		Workloads: []plan.Workload{{Namespace: "shop", Name: "web", Selector: object.NewSelector(object.Equals("app", "web")), DNS: true}},
	}
	p.Cluster.PodCIDRs = prefixes("10.244.0.0/16")
	for i := range 40 {
		p.Namespaces = append(p.Namespaces, plan.Namespace{Name: fmt.Sprintf("described-%02d-with-a-long-name", i), Labels: map[string]string{}})
	}
	p.Namespaces = append(p.Namespaces, plan.Namespace{Name: "shop", Governed: true, Labels: map[string]string{plan.NamespaceLabel: "shop"}})
	line := 1
	origin := func(intent string) []plan.Origin {
		line++
		return []plan.Origin{{Span: diag.Span{File: "plan", Start: diag.At(line, 1)}, Intent: intent, Why: strings.Repeat("because ", 20) + fmt.Sprint(line)}}
	}
	web := plan.End{Name: "shop/web", Pods: &plan.Pods{Namespace: "shop", Selector: p.Workloads[0].Selector}}
	named := plan.End{Name: "@many", Peer: "many"}
	nameless := plan.End{Name: "many addresses"}
	for i := range 2500 {
		block := plan.Block{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 25)}
		named.Blocks = append(named.Blocks, block)
		if i < 700 {
			nameless.Blocks = append(nameless.Blocks, block)
		}
	}
	var ports []plan.Port
	for i := range 120 {
		ports = append(ports, plan.Port{Protocol: plan.TCP, First: uint16(2 * i), Last: uint16(2 * i)})
	}
	ports = ports[1:]
	var apps []string
	for i := range 60 {
		apps = append(apps, fmt.Sprintf("application-%02d-%s", i, strings.Repeat("x", 30)))
	}
	wide := plan.End{Name: "*/{app}", Pods: &plan.Pods{Selector: object.NewSelector(object.Requirement{Key: "app", Op: object.In, Values: apps})}}
	for i := range 1100 {
		from := plan.End{Name: fmt.Sprintf("ns-%d/*", i), Pods: &plan.Pods{Namespaces: object.NewSelector(object.Equals("n", fmt.Sprint(i)))}}
		p.Flows = append(p.Flows, plan.Flow{From: from, To: web, Ports: append([]plan.Port{{Protocol: plan.TCP, First: 81, Last: 81}}, plan.Ping...), Origins: origin("")})
	}
	p.Flows = append(p.Flows,
		plan.Flow{From: web, To: named, Ports: plan.AllICMP, Origins: origin("shop/web")},
		plan.Flow{From: web, To: nameless, Ports: append([]plan.Port{{Protocol: plan.UDP, First: 53, Last: 53}}, plan.AllICMP...), Origins: origin("shop/web")},
		plan.Flow{From: wide, To: web, Ports: append(plan.AllICMP, ports...), Origins: origin("")},
	)
	for i := range 400 {
		from := plan.End{Name: fmt.Sprintf("ns-%d/*", i), Pods: &plan.Pods{Namespaces: object.NewSelector(object.Equals("n", fmt.Sprint(i)))}}
		p.Guardrails = append(p.Guardrails, plan.Guardrail{Name: "many", From: &from, To: &web, Ports: ports, Span: p.Platform})
	}
	p.Quarantine = []plan.Quarantined{{End: wide, Ticket: "INC-1", Until: "2026-12-01", Span: p.Platform}}
	for i := range p.Flows {
		p.Flows[i].Ports = plan.NormalPorts(p.Flows[i].Ports)
	}
	return p
}

// TestLargePlansAreSharedOut holds the objects of a plan with long lists to the
// limits, and their meaning to the plan's.
func TestLargePlansAreSharedOut(t *testing.T) {
	t.Parallel()
	p := large()
	emitted := lowered(t, p)
	schemas := calicoSchemas(t)
	for _, e := range emitted {
		obeys(t, schemas, e)
	}
	for _, ending := range []string{"-allow-web", "-icmp-web", "-platform-flows", "-guardrail-many", "-portcullis-many"} {
		if !slices.ContainsFunc(emitted, func(e Emitted) bool { return strings.HasSuffix(object.IDOf(e.Manifest).Name, ending) }) {
			t.Errorf("there are no parts of %s: the plan is not large", ending)
		}
	}
	m := meaningOf(t, emitted, p.Cluster, "")
	place := func(namespace string, namespaceLabels map[string]string, app string) plan.Place {
		labels := map[string]string{}
		if app != "" {
			labels["app"] = app
		}
		return plan.Place{Namespace: namespace, NamespaceLabels: namespaceLabels, Labels: labels}
	}
	wide := p.Quarantine[0].End.Pods.Selector[0].Values
	outside := func(text string) plan.Place { return plan.Place{Address: netip.MustParseAddr(text)} }
	places := []plan.Place{
		place("shop", p.Namespaces[40].Labels, "web"), place("shop", p.Namespaces[40].Labels, ""),
		place("x", map[string]string{"n": "0"}, ""), place("x", map[string]string{"n": "399"}, ""), place("x", map[string]string{"n": "400"}, ""), place("x", map[string]string{"n": "1099"}, ""),
		place("x", map[string]string{}, wide[0]), place("x", map[string]string{}, wide[59]), place("x", map[string]string{}, ""),
		place("described-39-with-a-long-name", map[string]string{}, ""), place("kube-system", map[string]string{}, ""),
		outside("20.0.0.1"), outside("20.0.0.128"), outside("20.9.195.127"), outside("20.2.187.1"), outside("20.2.188.1"),
	}
	allowed := 0
	for i, from := range places {
		for j, to := range places {
			if i > 1 && j > 1 { // every flow begins or ends at the first place
				continue
			}
			traffic := p.Between(from, to)
			for _, k := range []struct {
				probe
				number uint16
			}{{probes[0], 81}, {probes[0], 238}, {probes[0], 239}, {probes[2], 53}, {probes[4], 8}, {probes[4], 9}} {
				packet := meaning.Packet{From: peer(from), To: peer(to), Protocol: k.protocol, Port: k.number, Type: uint8(k.number), Family: 4}
				verdict := m.Walk(packet)
				if want := traffic.Allows(k.planned, k.number); (verdict.Outcome() == meaning.Allowed) != want {
					t.Errorf("%s number %d: meant is %v, leaves: %s, enters: %s", packet, k.number, want, verdict.Egress.By.Reason, verdict.Ingress.By.Reason)
				} else if want && p.Holds(to) {
					allowed++
				}
			}
		}
	}
	if allowed == 0 {
		t.Error("nothing that is held is allowed")
	}
}

// TestWhatCannotBeDividedIsReported makes single things longer than an object holds.
func TestWhatCannotBeDividedIsReported(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("value-%03d", i))
	}
	none := object.NewSelector(object.Requirement{Key: "app", Op: object.NotIn, Values: many})
	set := plan.End{Name: "shop/{app}", Pods: &plan.Pods{Namespace: "shop", Selector: none}}
	spaces := plan.End{Name: "{app}/*", Pods: &plan.Pods{Namespaces: none}}
	ping := func(from, to plan.End) func(*plan.Plan) {
		return func(p *plan.Plan) {
			p.Flows = []plan.Flow{{From: from, To: to, Ports: plan.Ping, Origins: []plan.Origin{{Span: p.Platform}}}}
		}
	}
	for _, c := range []struct {
		what   string
		change func(*plan.Plan)
		want   string
	}{
		{"a set", ping(set, set), "too long for a Calico policy"},
		{"a set of namespaces", ping(spaces, plan.End{Name: "shop/*", Pods: &plan.Pods{Namespace: "shop"}}), "too long for a Calico policy"},
		{"quarantine", func(p *plan.Plan) { p.Quarantine = []plan.Quarantined{{End: set, Span: p.Platform}} }, "too long for a Calico policy"},
		{"exempt pods", func(p *plan.Plan) {
			p.Guardrails = []plan.Guardrail{{Name: "g", To: &spaces, Unless: []plan.End{set}, Span: p.Platform}}
		}, "the list of exempt pods is too long"},
		{"spared namespaces", func(p *plan.Plan) {
			for i := range 200 {
				p.Namespaces = append(p.Namespaces, plan.Namespace{Name: fmt.Sprintf("described-%d", i)})
			}
		}, "cannot leave out as many namespaces"},
		{"one rule", func(p *plan.Plan) {
			f := &p.Flows[0]
			f.Ports = nil
			for i := 1; i < 65535; i += 2 {
				f.Ports = append(f.Ports, plan.Port{Protocol: plan.TCP, First: uint16(i), Last: uint16(i)})
			}
		}, "one rule of the policy shop/"},
		{"no kubernetes", func(p *plan.Plan) { p.Targets = []string{"calico"} }, "nothing closes the namespace"},
	} {
		p := everyConstruct()
		c.change(p)
		_, found := Lower(p)
		if !found.Failed() || !strings.Contains(found.Err().Error(), c.want) {
			t.Errorf("%s: found %v", c.what, found.Err())
		}
		for _, d := range found {
			if d.Span.IsZero() || d.Rule != inexpressible || d.Hint == "" {
				t.Errorf("%s: %+v", c.what, d)
			}
		}
	}
}
