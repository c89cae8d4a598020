package meaning_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	v3 "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"
	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Spelling does not matter: what is written otherwise, and means the same, allows the
// same.
func TestRelationLaws(t *testing.T) {
	t.Parallel()
	for name, respell := range map[string]func(string) string{
		"ranges of addresses in halves": func(text string) string { return halves.Replace(text) },
		"ranges of ports in parts":      func(text string) string { return portParts.Replace(text) },
		"a tier that does nothing": func(text string) string {
			return text + idleTier
		},
		"a policy that is staged": func(text string) string {
			return text + "---\napiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\nmetadata: {name: staged}\nspec: {order: 0, types: [Ingress, Egress], ingress: [{action: Deny}], egress: [{action: Allow}]}\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				g := &drawn{T: t}
				g.draw()
				text := g.text.String() + spelt
				again := respell(text)
				if again == text {
					t.Fatal("nothing is written otherwise")
				}
				sameVerdicts(t, g.set(text), g.set(again), g.cluster, func(p meaning.Peer) (netip.Addr, bool) { return p.Addr, false })
			})
		})
	}
}

// spelt stands in every world, so that something can always be written otherwise.
const spelt = `---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: spelt}
spec: {tier: default, order: 30, types: [Ingress], selector: has(app), ingress: [{action: Allow, protocol: TCP, source: {nets: [10.0.0.0/8]}, destination: {ports: ['1:1024']}}]}
`

var halves = strings.NewReplacer(
	"[10.0.0.0/8]", "[10.128.0.0/9, 10.0.0.0/9]", "[192.0.2.0/24]", "[192.0.2.0/25, 192.0.2.128/25]", "[0.0.0.0/0]", "[0.0.0.0/1, 128.0.0.0/1]",
	"['2001:db8::/64']", "['2001:db8::/65', '2001:db8:0:0:8000::/65']",
)

var portParts = strings.NewReplacer("'1:1024'", "'1:79', '80:1024'", "['80:8080']", "['80:80', 81, '82:8080']", "port: 80, endPort: 8080}", "port: 80}, {port: 81, endPort: 8080}")

const idleTier = `---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: idle}
spec: {order: 20, defaultAction: Pass}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: idle.p}
spec: {tier: idle, types: [Ingress, Egress], selector: has(projectcalico.org/namespace), ingress: [{action: Log}, {action: Pass, source: {nets: [10.0.0.0/8]}}]}
`

// Rules that stand together and do the same may stand in any order.
func TestRelationOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := &drawn{T: t}
		g.draw()
		set, again := g.set(g.text.String()), g.set(g.text.String())
		for _, o := range again.All() {
			switch p := o.Typed.(type) {
			case *networkingv1.NetworkPolicy:
				slices.Reverse(p.Spec.Ingress)
				slices.Reverse(p.Spec.Egress)
			case *v3.NetworkPolicy:
				exchange(p.Spec.Ingress)
				exchange(p.Spec.Egress)
			case *v3.GlobalNetworkPolicy:
				exchange(p.Spec.Ingress)
				exchange(p.Spec.Egress)
			}
		}
		sameVerdicts(t, set, again, g.cluster, func(p meaning.Peer) (netip.Addr, bool) { return p.Addr, false })
	})
}

// exchange reverses every row of rules with one action.
func exchange(rules []v3.Rule) {
	for first := 0; first < len(rules); {
		last := first
		for last < len(rules) && rules[last].Action == rules[first].Action {
			last++
		}
		slices.Reverse(rules[first:last])
		first = last
	}
}

// IPv6 is treated as IPv4 is: with every address and control message in the other
// family's form, the verdicts are the same.
func TestRelationFamilies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := &drawn{T: t, ipv4: true}
		g.draw()
		text := g.text.String()
		mirrored := v4Text.ReplaceAllStringFunc(text, func(s string) string {
			p, err := meaning.ParseNet(s)
			if err != nil {
				t.Fatal(err)
			}
			m := mirror(p)
			if strings.Contains(s, "/") {
				return "'" + m.String() + "'"
			}
			return "'" + m.Addr().String() + "'"
		})
		for _, pair := range [][2]string{{"protocol: ICMPv6", "protocol: ICMP-"}, {"protocol: ICMP,", "protocol: ICMPv6,"}, {"protocol: ICMP}", "protocol: ICMPv6}"}, {"protocol: ICMP-", "protocol: ICMP"},
			{"notProtocol: ICMP", "notProtocol: ICMPv6"}, {"notProtocol: ICMPv6v6", "notProtocol: ICMPv6"}, {"ipVersion: 4", "ipVersion: 6"}, {"addressType: IPv4", "addressType: IPv6"}} {
			mirrored = strings.ReplaceAll(mirrored, pair[0], pair[1])
		}
		set, again := g.set(text), g.set(mirrored)
		other := g.cluster
		other.PodCIDRs, other.NodeCIDRs = mirrorAll(other.PodCIDRs), mirrorAll(other.NodeCIDRs)
		if len(g.cluster.PodCIDRs) == 0 {
			// Pods that may have both families answer for one alone.
			g.cluster.PodCIDRs, other.PodCIDRs = []netip.Prefix{podNetwork}, []netip.Prefix{mirror(podNetwork)}
		}
		alike(t, set, again, g.cluster, other, func(p meaning.Peer) (netip.Addr, bool) {
			if !p.Addr.IsValid() {
				return p.Addr, true
			}
			return mirror(netip.PrefixFrom(p.Addr, p.Addr.BitLen())).Addr(), true
		})
	})
}

var v4Text = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(/\d+)?`)

// mirror puts an IPv4 network into 2001:db9::/96; all of IPv4 is all of IPv6.
func mirror(p netip.Prefix) netip.Prefix {
	switch {
	case !p.Addr().Is4():
		return p
	case p.Bits() == 0:
		return netip.MustParsePrefix("::/0")
	}
	a := netip.MustParseAddr("2001:db9::").As16()
	v4 := p.Addr().As4()
	copy(a[12:], v4[:])
	return netip.PrefixFrom(netip.AddrFrom16(a), 96+p.Bits())
}

func mirrorAll(all []netip.Prefix) []netip.Prefix {
	var mirrored []netip.Prefix
	for _, p := range all {
		mirrored = append(mirrored, mirror(p))
	}
	return mirrored
}

func sameVerdicts(t *rapid.T, a, b object.Set, cluster object.Cluster, address func(meaning.Peer) (netip.Addr, bool)) {
	alike(t, a, b, cluster, cluster, address)
}

// alike asks two worlds about the same packets. The address says where a peer of
// the first world is in the second, and whether the family is the other one there.
func alike(t *rapid.T, a, b object.Set, inA, inB object.Cluster, address func(meaning.Peer) (netip.Addr, bool)) {
	first, _ := meaning.Of(a, inA)
	second, _ := meaning.Of(b, inB)
	r, s := meaning.Evaluate(first, &meaning.Atoms{}), meaning.Evaluate(second, &meaning.Atoms{})
	peers := slices.DeleteFunc(peersOf(r, first), func(p meaning.Peer) bool {
		if _, mirrored := address(p); mirrored && p.Addr.IsValid() && !p.Addr.Is4() {
			return true
		}
		return p.Endpoint != nil && p.Endpoint.Object.IsZero() // made up, and so not in the other world
	})
	others := map[string]*meaning.Endpoint{}
	for _, e := range second.Endpoints {
		others[e.Object.String()] = e
	}
	there := func(p meaning.Peer) meaning.Peer {
		at, _ := address(p)
		if p.Endpoint == nil {
			return meaning.Address(at)
		}
		return meaning.Peer{Endpoint: others[p.Endpoint.Object.String()], Addr: at}
	}
	const stride = 499
	edges(peers, rapid.IntRange(0, stride-1).Draw(t, "first"), stride, func(p meaning.Packet) {
		q := p
		q.From, q.To = there(p.From), there(p.To)
		if _, mirrored := address(p.From); mirrored {
			if p.Family != 4 {
				return
			}
			q.Family = 6
			q.Protocol = map[packet.Protocol]packet.Protocol{packet.ICMP: packet.ICMPv6, packet.ICMPv6: packet.ICMP}[p.Protocol]
			if q.Protocol == 0 {
				q.Protocol = p.Protocol
			}
		}
		got, ok := r.Verdict(p)
		want, known := s.Verdict(q)
		if ok != known || got.Outcome() != want.Outcome() || got.Egress.Outcome != want.Egress.Outcome {
			t.Fatalf("%s is %s, and %s written otherwise:\n%s", p, said(got, ok), said(want, known), q)
		}
	})
}

func said(v meaning.Verdict, ok bool) string {
	if !ok {
		return "unknown here"
	}
	return fmt.Sprintf("%s (%s; %s)", v.Outcome(), v.Egress.By.Reason, v.Ingress.By.Reason)
}
