package lower

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// probe is a packet's protocol and port, or message type, in both worlds.
type probe struct {
	planned  plan.Protocol
	protocol meaning.Protocol
	family   int // 0 is either
}

var probes = []probe{
	{plan.TCP, meaning.TCP, 0}, {plan.TCP, meaning.TCP, 0}, {plan.UDP, meaning.UDP, 0}, {plan.SCTP, meaning.SCTP, 0},
	{plan.ICMP, meaning.ICMP, 4}, {plan.ICMPv6, meaning.ICMPv6, 6}, {"GRE", 47, 0},
}

// edges are numbers at which the generator's ports begin and end.
var edges = []uint16{0, 1, 2, 3, 5, 6, 7, 8, 9, 52, 53, 54, 79, 80, 81, 127, 128, 129, 254, 255, 3868, 5353, 7999, 8000, 8100, 8101, 65535}

// TestMeaningOfLoweredPlans is the law of this package: what is emitted for a plan
// lets a packet pass if, and only if, the plan means it to.
func TestMeaningOfLoweredPlans(t *testing.T) {
	t.Parallel()
	asked, allowed, held, heldAllowed := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		emitted, found := Lower(p)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		m := meaningOf(t, emitted, p.Cluster, bystanders)
		for _, policy := range m.Policies {
			if policy.Selects(m.Hosts[0]) {
				t.Fatalf("%s governs a host endpoint\n%s", policy.ID, text(emitted))
			}
		}
		origins := map[object.ID]Emitted{}
		for _, e := range emitted {
			origins[object.IDOf(e.Manifest)] = e
		}
		places := places(p)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "packets"), 1))
		for range 600 {
			from, to, kind, number := drawn(p, places, random)
			family := familyOf(from)
			if family == 0 {
				family = familyOf(to)
			}
			if family == 0 {
				family = []int{4, 6}[random.IntN(2)]
			}
			if !sameFamily(from, to, kind) || kind.family != 0 && kind.family != family {
				continue
			}
			if kind.family != 0 && number > 255 || kind.protocol.HasPorts() && number == 0 {
				continue
			}
			traffic := p.Between(from, to)
			want := traffic.Allows(kind.planned, number)
			packet := meaning.Packet{From: peer(from), To: peer(to), Protocol: kind.protocol, Port: number, Type: uint8(number), Family: family}
			verdict := m.Walk(packet)
			if got := verdict.Outcome(); (got == meaning.Allowed) != want || got == meaning.Unknown {
				t.Fatalf("%s (IPv%d, number %d): %s, and meant is %v\nleaves %s: %s\nenters %s: %s\ndenied %s\n%s", packet, family, number, got, want,
					plan.FormatPorts(traffic.Leaves), verdict.Egress.By.Reason, plan.FormatPorts(traffic.Enters), verdict.Ingress.By.Reason,
					plan.FormatPorts(traffic.Denied), text(emitted))
			}
			for _, by := range []meaning.Decision{verdict.Egress.By, verdict.Ingress.By} {
				if by.Cause == meaning.ByRule && !askedFor(p, origins[by.Policy], by, from, to, kind.planned, number) {
					t.Fatalf("%s: %s at %s comes from %s, which did not ask for it\n%s", packet, by.Policy, by.Pointer, origins[by.Policy].At(by.Pointer), text(emitted))
				}
			}
			asked++
			if want {
				allowed++
			}
			if p.Holds(from) || p.Holds(to) {
				held++
				if want {
					heldAllowed++
				}
			}
		}
	})
	t.Logf("%d packets, %d allowed; %d with an end that is held, %d of them allowed", asked, allowed, held, heldAllowed)
	if 5*allowed < asked || 20*heldAllowed < held {
		t.Errorf("too few packets pass for the law to say much")
	}
}

// drawn is any packet or, two times of three, one at the edges of a flow or of the way
// to DNS.
func drawn(p *plan.Plan, places []plan.Place, random *rand.Rand) (from, to plan.Place, kind probe, number uint16) {
	any := func(of plan.End) plan.Place {
		start := random.IntN(len(places))
		for i := range places {
			if place := places[(start+i)%len(places)]; of.Has(place) {
				return place
			}
		}
		return places[start]
	}
	from, to = places[random.IntN(len(places))], places[random.IntN(len(places))]
	kind, number = probes[random.IntN(len(probes))], edges[random.IntN(len(edges))]
	var ports []plan.Port
	switch n := random.IntN(9); {
	case n < 5 && len(p.Flows) > 0:
		f := p.Flows[random.IntN(len(p.Flows))]
		from, to, ports = any(f.From), any(f.To), f.Ports
	case n == 5:
		servers := p.DNSServers()
		s := servers[random.IntN(len(servers))]
		to, ports = any(s.End), s.Ports
	default:
		return from, to, kind, number
	}
	port := ports[random.IntN(len(ports))]
	for _, k := range probes {
		if k.planned == port.Protocol {
			kind, number = k, []uint16{port.First, port.First, port.Last, port.First - 1, port.Last + 1}[random.IntN(5)]
		}
	}
	return from, to, kind, number
}

// askedFor reports whether a rule that decided on a packet comes from a line that
// speaks of it; of a rule with many peers, whether one of the peers does.
func askedFor(p *plan.Plan, e Emitted, by meaning.Decision, from, to plan.Place, protocol plan.Protocol, number uint16) bool {
	name := by.Policy.Name
	if name == nameDefaultDeny || name == nameDNS || strings.HasPrefix(name, prefixDNS) {
		return !e.At(by.Pointer).IsZero()
	}
	asking := map[diag.Span]bool{}
	for _, f := range p.Flows {
		if f.From.Has(from) && f.To.Has(to) && (plan.Traffic{Leaves: f.Ports, Enters: f.Ports}).Allows(protocol, number) {
			for _, o := range f.Origins {
				asking[o.Span] = true
			}
		}
	}
	for _, q := range p.Quarantine {
		asking[q.Span] = asking[q.Span] || q.End.Has(from) || q.End.Has(to)
	}
	for _, g := range p.Guardrails {
		if (g.From == nil || g.From.Has(from)) && (g.To == nil || g.To.Has(to)) {
			asking[g.Span] = true
		}
	}
	for _, part := range slices.Concat(e.Places, []Place{{Span: e.Span}}) {
		if asking[part.Span] && (part.Pointer == by.Pointer || strings.HasPrefix(part.Pointer, by.Pointer+"/") || by.Pointer != "" && e.At(by.Pointer) == part.Span) {
			return true
		}
	}
	return false
}

// sameFamily reports whether a packet of the kind can go from one place to another, one
// of which is a pod.
func sameFamily(from, to plan.Place, kind probe) bool {
	family := kind.family
	for _, place := range []plan.Place{from, to} {
		of := familyOf(place)
		if of != 0 && family != 0 && of != family {
			return false
		}
		family = max(family, of)
	}
	return from.Namespace != "" || to.Namespace != ""
}

func familyOf(p plan.Place) int {
	switch {
	case p.Namespace != "":
		return 0
	case p.Address.Is4():
		return 4
	default:
		return 6
	}
}

func peer(p plan.Place) meaning.Peer {
	if p.Namespace == "" {
		return meaning.Address(p.Address)
	}
	var name strings.Builder
	for k, v := range p.Labels {
		name.WriteString(k + "." + v + " ")
	}
	return meaning.Pod(&meaning.Endpoint{Namespace: p.Namespace, Name: name.String(), Labels: p.Labels, NamespaceLabels: p.NamespaceLabels, PortsKnown: true})
}

type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// meaningOf reads emitted text as a cluster would. Nothing in it may be amiss.
func meaningOf(t failer, emitted []Emitted, cluster object.Cluster, beside string) *meaning.Meaning {
	t.Helper()
	objects, found := object.Decode("emitted.yaml", []byte(text(emitted)+beside))
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	set, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	m, found := meaning.Of(set, cluster)
	if len(found) > 0 {
		t.Fatalf("%v\n%s", found.Err(), text(emitted))
	}
	return m
}

// bystanders are no pods and wear pods' labels: a node, and addresses that the owner
// of a namespace gave a name. No policy of ours may take them for pods.
const bystanders = `---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: node, labels: {app: web, role: db, team: x, tenant: "1", preview: "true", k8s-app: kube-dns}}
spec: {node: node, interfaceName: "*", expectedIPs: [172.18.0.5], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: forged, namespace: a, labels: {app: web, role: db, k8s-app: kube-dns}}
spec: {nets: [8.8.8.8/32, 198.51.100.7/32, "2606:4700::1111/128"]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: others, labels: {app: api, team: "y"}}
spec: {nets: [8.8.8.8/32, "2606:4700::1111/128"]}
`

// text is a stream of manifests.
func text(emitted []Emitted) string {
	var b strings.Builder
	for _, e := range emitted {
		b.WriteString("---\n")
		b.Write(e.Manifest.YAML())
	}
	return b.String()
}
