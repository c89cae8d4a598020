package facts_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/packet"
	_ "portcullis.dev/testdata/seed"
)

const denyAll = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny-all, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
`

func kubernetes(name, ingress string) string {
	return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " + name +
		", namespace: shop}\nspec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: " + ingress + "}\n---\n"
}

func calico(name, ingress string) string {
	return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: " + name +
		"}\nspec: {order: 500, namespaceSelector: all(), selector: app == 'web', types: [Ingress], ingress: " + ingress + "}\n---\n"
}

// Every way to write "the whole internet" is the same fact.
func TestWorld(t *testing.T) {
	t.Parallel()
	crumbs := "8.8.8.0/24, 1.1.1.1/32, 9.9.9.9/32"
	for _, c := range []struct {
		name, manifests string
		want            []string // family protocol ports share rules
	}{
		{"nothing", "", nil},
		{"0.0.0.0/0", kubernetes("a", "[{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]"), []string{"IPv4 TCP 443 1 a/spec/ingress/0"}},
		{"::/0", kubernetes("a", "[{from: [{ipBlock: {cidr: '::/0'}}], ports: [{port: 443}]}]"), []string{"IPv6 TCP 443 1 a/spec/ingress/0"}},
		{"two halves in one rule", kubernetes("a", "[{from: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}]}]"),
			[]string{"IPv4 any any 1 a/spec/ingress/0/from/0 a/spec/ingress/0/from/1"}},
		{"two halves in two rules", kubernetes("a", "[{from: [{ipBlock: {cidr: 0.0.0.0/1}}]}, {from: [{ipBlock: {cidr: 128.0.0.0/1}}]}]"),
			[]string{"IPv4 any any 1 a/spec/ingress/0 a/spec/ingress/1"}},
		{"two halves in two policies", kubernetes("a", "[{from: [{ipBlock: {cidr: 0.0.0.0/1}}]}]") + kubernetes("b", "[{from: [{ipBlock: {cidr: 128.0.0.0/1}}]}]"),
			[]string{"IPv4 any any 1 a/spec/ingress/0 b/spec/ingress/0"}},
		{"from: []", kubernetes("a", "[{from: [], ports: [{port: 80}]}]"), []string{"IPv4 TCP 80 1 a/spec/ingress/0", "IPv6 TCP 80 1 a/spec/ingress/0"}},
		{"- {}", kubernetes("a", "[{}]"), []string{"IPv4 any any 1 a/spec/ingress/0", "IPv6 any any 1 a/spec/ingress/0"}},
		{"no from", kubernetes("a", "[{ports: [{protocol: UDP, port: 53}]}]"), []string{"IPv4 UDP 53 1 a/spec/ingress/0", "IPv6 UDP 53 1 a/spec/ingress/0"}},
		{"except crumbs", kubernetes("a", "[{from: [{ipBlock: {cidr: 0.0.0.0/0, except: ["+crumbs+"]}}]}]"), []string{"IPv4 any any 0.99999993 a/spec/ingress/0"}},
		{"Calico without a source", calico("a", "[{action: Allow, protocol: TCP, destination: {ports: ['80:443']}}]"),
			[]string{"IPv4 TCP 80-443 1 a/spec/ingress/0", "IPv6 TCP 80-443 1 a/spec/ingress/0"}},
		{"notNets", calico("a", "[{action: Allow, source: {notNets: [10.0.0.0/8]}}]"), []string{"IPv4 any any 1 a/spec/ingress/0"}},
		{"notSelector", calico("a", "[{action: Allow, source: {notSelector: app == 'web'}}]"), []string{"IPv4 any any 1 a/spec/ingress/0", "IPv6 any any 1 a/spec/ingress/0"}},
		{"a network set that covers the world", calico("a", "[{action: Allow, source: {selector: is == 'world'}}]") +
			"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: w, labels: {is: world}}\nspec: {nets: [0.0.0.0/1, 128.0.0.0/1]}\n",
			[]string{"IPv4 any any 1 a/spec/ingress/0"}},
		{"an IPv4-mapped prefix", kubernetes("a", "[{from: [{ipBlock: {cidr: '::ffff:0:0/96'}}]}]"), []string{"IPv4 any any 1 a/spec/ingress/0"}},
		{"a pass to the profile", "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: t}\nspec: {order: 10, defaultAction: Pass}\n---\n" +
			"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: t.a}\nspec: {tier: t, order: 1, namespaceSelector: all(), types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [22]}}]}\n",
			[]string{"IPv4 TCP 22 1 t.a/spec/ingress/0", "IPv6 TCP 22 1 t.a/spec/ingress/0"}},
		{"a deny takes a quarter away", calico("a", "[{action: Deny, source: {nets: [64.0.0.0/2]}}, {action: Allow, source: {nets: [0.0.0.0/0]}}]"),
			[]string{"IPv4 any any 0.7156 a/spec/ingress/1"}},
		{"a deny of some ports", calico("a", "[{action: Deny, protocol: TCP, destination: {ports: [22, '8000:65535']}}, {action: Allow, protocol: TCP, source: {nets: [0.0.0.0/0]}}]"),
			[]string{"IPv4 TCP 1-21,23-7999 1 a/spec/ingress/1"}},
		{"pings", calico("a", "[{action: Allow, protocol: ICMP, icmp: {type: 8}}]"), []string{"IPv4 ICMP 8 1 a/spec/ingress/0"}},
		{"inside addresses are not the world", kubernetes("a", "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 100.64.0.0/10}}, {podSelector: {}}]}]"), nil},
		{"selectors are not the world", calico("a", "[{action: Allow, source: {selector: all()}}, {action: Allow, source: {namespaceSelector: env != 'x'}}]"), nil},
		{"an eighth", kubernetes("a", "[{from: [{ipBlock: {cidr: 32.0.0.0/3}}]}]"), []string{"IPv4 any any 0.145 a/spec/ingress/0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := world("shop", "kube-system")
			p.Workloads = []plan.Workload{workload("shop", "web")}
			e := endpoint(t, ask(t, p, denyAll+c.manifests)["shop"], "shop/web")
			if len(e.World) != len(c.want) {
				t.Fatalf("got %+v, expected %q", e.World, c.want)
			}
			for i, w := range e.World {
				var family, protocol, ports string
				var share float64
				if _, err := fmt.Sscan(c.want[i], &family, &protocol, &ports, &share); err != nil {
					t.Fatal(err)
				}
				var rules []string
				for _, r := range w.Rules {
					rules = append(rules, r.Object.Name+r.Pointer)
				}
				if w.Family != family || w.Protocol != protocol || w.Ports != ports || math.Abs(w.Share-share) > 0.005 || share < 1 && w.Share == 1 ||
					!strings.HasSuffix(c.want[i], " "+strings.Join(rules, " ")) {
					t.Errorf("got %+v, expected %s", w, c.want[i])
				}
			}
		})
	}
}

// Endpoints under the same policies share the answer, unless a rule asks about
// them.
func TestWorldOfOneEndpoint(t *testing.T) {
	t.Parallel()
	p := world("shop", "kube-system")
	p.Workloads = []plan.Workload{workload("shop", "api"), workload("shop", "web")}
	documents := ask(t, p, denyAll+`
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: a, namespace: shop}
spec: {order: 1, selector: all(), types: [Ingress], ingress: [{action: Allow, destination: {selector: app == 'web'}}]}
`)
	for name, want := range map[string]int{"shop/web": 2, "shop/api": 0, "shop/*": 0} {
		if got := endpoint(t, documents["shop"], name).World; len(got) != want {
			t.Errorf("%s accepts %+v", name, got)
		}
	}
}

// The share that walks give is the one that set algebra gives, whatever the ranges.
func TestWorldIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		prefix := func(label string, shortest int) netip.Prefix {
			a := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, label)))
			return netip.PrefixFrom(a, rapid.IntRange(shortest, 20).Draw(r, label+" bits")).Masked()
		}
		var expected netipx.IPSetBuilder
		var rules []string
		for range rapid.IntRange(1, 5).Draw(r, "rules") {
			block := prefix("block", 0)
			var open netipx.IPSetBuilder
			open.AddPrefix(block)
			var except []string
			for range rapid.IntRange(0, 2).Draw(r, "exceptions") {
				hole := prefix("hole", 1)
				if block.Bits() < hole.Bits() && block.Contains(hole.Addr()) {
					open.RemovePrefix(hole)
					except = append(except, hole.String())
				}
			}
			set, _ := open.IPSet()
			expected.AddSet(set)
			rules = append(rules, fmt.Sprintf("{from: [{ipBlock: {cidr: %s, except: [%s]}}]}", block, strings.Join(except, ", ")))
		}
		expected.Intersect(packet.Public(packet.IPv4))
		set, _ := expected.IPSet()
		want := packet.Size(set.Ranges()...) / packet.Size(packet.Public(packet.IPv4).Ranges()...)
		p := world("shop", "kube-system")
		p.Workloads = []plan.Workload{workload("shop", "web")}
		got := 0.0
		for _, w := range endpoint(t, ask(t, p, denyAll+kubernetes("a", "["+strings.Join(rules, ", ")+"]"))["shop"], "shop/web").World {
			got += w.Share
		}
		if math.Abs(got-want) > 1e-12 {
			r.Fatalf("%v open %v of the world, expected %v", rules, got, want)
		}
	})
}
