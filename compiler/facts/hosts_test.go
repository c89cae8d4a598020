package facts_test

import (
	"strings"
	"testing"
)

// A policy closes hosts only where what its tier's rules leave over is dropped there.
func TestClosesHosts(t *testing.T) {
	t.Parallel()
	policy := func(name, spec string) string {
		return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: " + name + "}\nspec: {types: [Egress], " + spec + "}\n---\n"
	}
	tier := func(end string) string {
		return "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: guard}\nspec: {order: 50" + end + "}\n---\n"
	}
	const notSystem = "namespaceSelector: \"kubernetes.io/metadata.name not in {'kube-system'}\", "
	in := func(name, order, rest string) string {
		return policy("guard."+name, "tier: guard, order: "+order+", "+rest)
	}
	const some, all = "egress: [{action: Deny, destination: {nets: [192.0.2.0/24]}}]", "egress: [{action: Pass}]"
	for _, c := range []struct{ name, manifests, want string }{
		{"the end of the tier drops", tier("") + in("a", "1", some), "guard.a"},
		{"the end of the tier passes on", tier(", defaultAction: Pass") + in("a", "1", some), ""},
		{"the policy passes on", tier("") + in("a", "1", all), ""},
		{"another policy of the tier passes on", tier("") + in("a", "1", some) + in("b", "2", all), ""},
		{"another that no host has", tier("") + in("a", "1", some) + in("b", "2", "namespaceSelector: all(), "+all), "guard.a"},
		{"all addresses of both families", tier("") + in("a", "1", "egress: [{action: Pass, destination: {nets: [0.0.0.0/0]}}, {action: Pass, destination: {nets: [\"::/0\"]}}]"), ""},
		{"all of one family", tier("") + in("a", "1", "egress: [{action: Pass, ipVersion: 4}]"), "guard.a"},
		{"all of each family", tier("") + in("a", "1", "egress: [{action: Pass, ipVersion: 4}, {action: Allow, ipVersion: 6}]"), ""},
		{"all of one protocol", tier("") + in("a", "1", "egress: [{action: Pass, protocol: TCP}]"), "guard.a"},
		{"the policy denies everything", tier(", defaultAction: Pass") + in("a", "1", "egress: [{action: Log}, {action: Deny}]"), "guard.a"},
		{"another denies everything", tier(", defaultAction: Pass") + in("a", "1", some) + in("b", "2", "egress: [{action: Deny}]"), "guard.b"},
		{"namespaces that are only excluded", policy("a", "order: 1, "+notSystem+"egress: []"), "a"},
		{"pods alone", policy("a", "order: 1, namespaceSelector: has(projectcalico.org/name), egress: []"), ""},
		{"staged", "apiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\nmetadata: {name: a}\nspec: {order: 1}\n---\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range ask(t, world("shop", "kube-system"), c.manifests)[""].Policies {
				if p.ClosesHosts {
					got = append(got, p.Object.Name)
				}
				if strings.Contains(c.manifests, notSystem) && p.NamespaceSelector != "kubernetes.io/metadata.name not in {'kube-system'}" {
					t.Errorf("namespaceSelector %q", p.NamespaceSelector)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("found %q, expected %q", got, c.want)
			}
		})
	}
}
