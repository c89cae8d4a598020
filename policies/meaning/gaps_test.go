package meaning_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// side is an End, and what it stands for in other words.
type side struct {
	meaning.End
	name string
	has  func(m *meaning.Meaning, p meaning.Peer, family int) bool
}

func podsWhere(end meaning.End, name string, where func(*meaning.Endpoint) bool) side {
	return side{end, name, func(m *meaning.Meaning, p meaning.Peer, family int) bool {
		e := owner(m, p)
		return e != nil && !e.HostNetwork && where(e)
	}}
}

func addressesOf(a *meaning.Atoms, texts ...string) side {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return side{a.Addresses(packet.AddressesOf(prefixes...)), fmt.Sprint(texts), func(m *meaning.Meaning, p meaning.Peer, family int) bool {
		at := p.Addr.Unmap()
		if e := owner(m, p); e != nil {
			if !e.HostNetwork {
				return false
			}
			for _, a := range e.Addresses {
				if !at.IsValid() && a.Is4() == (family == 4) {
					at = a
				}
			}
		}
		if !at.IsValid() {
			// A node: its network has to be among the addresses, or all of the family.
			var all []netip.Prefix
			for _, p := range append(m.Cluster.NodeCIDRs, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")) {
				if len(all) == 0 && p.Addr().Is4() == (family == 4) {
					all = append(all, p)
				}
			}
			return packet.AddressesOf(prefixes...).Covers(packet.AddressesOf(all...))
		}
		for _, prefix := range prefixes {
			if prefix.Contains(at) {
				return true
			}
		}
		return false
	}}
}

// owner is the pod that a peer is.
func owner(m *meaning.Meaning, p meaning.Peer) *meaning.Endpoint {
	if p.Endpoint != nil {
		return p.Endpoint
	}
	for _, e := range m.Endpoints {
		for _, a := range e.Addresses {
			if a == p.Addr.Unmap() && !e.HostNetwork {
				return e
			}
		}
	}
	return nil
}

// ends are some that flows may have.
func ends(a *meaning.Atoms) []side {
	return []side{
		{meaning.End{}, "everything", func(*meaning.Meaning, meaning.Peer, int) bool { return true }},
		podsWhere(a.Pods("shop", nil, object.NewSelector(object.Equals("app", "web"))), "shop app=web",
			func(e *meaning.Endpoint) bool { return e.Namespace == "shop" && e.Labels["app"] == "web" }),
		podsWhere(a.Pods("", object.NewSelector(object.Equals("env", "prod")), nil), "env=prod",
			func(e *meaning.Endpoint) bool { return e.NamespaceLabels["env"] == "prod" }),
		podsWhere(a.Pods("", nil, object.NewSelector(object.Requirement{Key: "extra", Op: object.Exists}, object.Requirement{Key: "app", Op: object.NotIn, Values: []string{"api"}})), "extra, app!=api",
			func(e *meaning.Endpoint) bool { _, ok := e.Labels["extra"]; return ok && e.Labels["app"] != "api" }),
		podsWhere(a.Pods("", nil, nil), "any pod", func(*meaning.Endpoint) bool { return true }),
		addressesOf(a, "192.0.2.0/24", "2001:db8::/64"),
		addressesOf(a, "192.0.2.127/32", "192.168.0.0/28"),
		addressesOf(a, "0.0.0.0/0", "::/0"),
	}
}

// What is allowed beyond flows, what is missing of them, and what is allowed of them,
// is so packet by packet; and every witness is what it is said to be.
func TestGaps(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		set, cluster := world(t)
		m, _ := meaning.Of(set, cluster)
		var atoms meaning.Atoms
		sides := ends(&atoms)
		atoms.Add(&meaning.Endpoint{Namespace: "shop", Name: "planned", Labels: map[string]string{"extra": "yes"}, NamespaceLabels: map[string]string{"env": "prod"}})
		var flows []meaning.Flow
		var members [][2]side
		for range rapid.IntRange(0, 4).Draw(t, "flows") {
			from, to := rapid.SampledFrom(sides).Draw(t, "from"), rapid.SampledFrom(sides).Draw(t, "to")
			traffic := rapid.SampledFrom([]packet.Traffic{
				packet.Anything(), packet.Of(packet.TCP), packet.Ports(packet.TCP, 1, 80), packet.Ports(packet.UDP, 53, 53).Union(packet.Ports(packet.TCP, 53, 53)), packet.Types(packet.ICMP, 8, 8),
			}).Draw(t, "traffic")
			flows = append(flows, meaning.Flow{From: from.End, To: to.End, Traffic: traffic})
			members = append(members, [2]side{from, to})
		}
		r := meaning.EvaluateNarrow(m, &atoms, narrow(t))
		gaps := map[string][]meaning.Gap{"excess": r.Excess(flows), "missing": r.Missing(flows), "overlap": r.Overlap(flows)}
		for kind, all := range gaps {
			found[kind] += len(all)
			for _, g := range all {
				witnessed(t, r, m, kind, g)
			}
		}
		const stride = 1009
		edges(peersOf(r, m), rapid.IntRange(0, stride-1).Draw(t, "first"), stride, func(p meaning.Packet) {
			from, known := r.Class(p.From, p.Family)
			to, both := r.Class(p.To, p.Family)
			if !known || !both || !r.Families().Has(p.Family) || !r.Classes()[from].Governed() && !r.Classes()[to].Governed() {
				return
			}
			outcome := m.Walk(p).Outcome()
			meant := false
			for i, f := range flows {
				in := members[i][0].has(m, p.From, p.Family) && members[i][1].has(m, p.To, p.Family) && f.Traffic.Contains(p.Header())
				meant = meant || in
				count(t, r, gaps["missing"], i, p, in && outcome != meaning.Allowed)
				count(t, r, gaps["overlap"], i, p, in && outcome != meaning.Denied)
			}
			count(t, r, gaps["excess"], -1, p, outcome != meaning.Denied && !meant)
		})
	})
	for _, kind := range []string{"excess", "missing", "overlap"} {
		if found[kind] < 100 && !t.Failed() {
			t.Errorf("%d gaps of kind %s: too few to tell", found[kind], kind)
		}
	}
}

// count checks that a packet is in one gap of a flow, or in none.
func count(t *rapid.T, r *meaning.Relation, gaps []meaning.Gap, flow int, p meaning.Packet, want bool) {
	n := 0
	for _, g := range gaps {
		if g.Flow == flow && contains(r, g.Rectangle, p) {
			n++
		}
	}
	if n > 1 || (n == 1) != want {
		t.Fatalf("%s: in %d gaps of flow %d, expected %v", p, n, flow, want)
	}
}

func contains(r *meaning.Relation, x meaning.Rectangle, p meaning.Packet) bool {
	from, _ := r.Class(p.From, p.Family)
	to, _ := r.Class(p.To, p.Family)
	return x.Families.Has(p.Family) && x.From.Contains(from) && x.To.Contains(to) && x.Traffic.Contains(p.Header())
}

// witnessed checks the packet that stands for a gap.
func witnessed(t *rapid.T, r *meaning.Relation, m *meaning.Meaning, kind string, g meaning.Gap) {
	v, ok := r.Verdict(g.Witness)
	if !ok || !contains(r, g.Rectangle, g.Witness) {
		t.Fatalf("%s: the witness %s is not in its gap", kind, g.Witness)
	}
	walk := m.Walk(g.Witness)
	if v.Outcome() != g.Outcome || walk.Outcome() != g.Outcome || g.Verdict.Outcome() != g.Outcome {
		t.Fatalf("%s: the witness %s is %s, and said to be %s", kind, g.Witness, walk.Outcome(), g.Outcome)
	}
	if refused := g.Outcome == meaning.Denied; kind == "missing" && g.Outcome == meaning.Allowed || kind != "missing" && refused {
		t.Fatalf("%s: the witness %s is %s", kind, g.Witness, g.Outcome)
	}
}
