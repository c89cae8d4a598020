package meaning

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/object"
)

func TestPolicyOrder(t *testing.T) {
	t.Parallel()
	policy := func(kind, namespace, name string, order float64) *Policy {
		id := object.ID{Group: "projectcalico.org", Kind: kind, Namespace: namespace, Name: name}
		if kind == "KNP" {
			id.Group, id.Kind = "networking.k8s.io", "NetworkPolicy"
		}
		return &Policy{ID: id, Order: order}
	}
	const gnp, np = "GlobalNetworkPolicy", "NetworkPolicy"
	last := math.Inf(1)
	for _, c := range []struct {
		minor  int
		sorted []*Policy
	}{
		{31, []*Policy{policy(gnp, "", "z", -1.5), policy(gnp, "", "rule", 10), policy(gnp, "", "rule-extra", 10), policy(gnp, "", "a", last)}},
		{32, []*Policy{policy(gnp, "", "z", -1.5), policy(gnp, "", "rule-extra", 10), policy(gnp, "", "rule", 10), policy(gnp, "", "rule2", 10), policy(gnp, "", "a", last)}},
		// Up to 3.31 a global policy's name is compared with the other's namespace.
		{31, []*Policy{policy("KNP", "app", "zzz", 1000), policy(gnp, "", "deny-all", 1000), policy("KNP", "prod", "aaa", 1000)}},
		{32, []*Policy{policy("KNP", "prod", "aaa", 1000), policy(gnp, "", "deny-all", 1000), policy("KNP", "app", "zzz", 1000)}},
		{32, []*Policy{policy(gnp, "", "same", 10), policy("KNP", "prod", "same", 10), policy(np, "prod", "same", 10)}},
		{31, []*Policy{policy("KNP", "prod", "same", 10), policy(np, "prod", "same", 10), policy("StagedNetworkPolicy", "prod", "a", 10)}},
	} {
		shuffled := slices.Clone(c.sorted)
		rand.New(rand.NewPCG(1, uint64(c.minor))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		sortPolicies(shuffled, c.minor)
		if !slices.Equal(shuffled, c.sorted) {
			t.Errorf("3.%d sorts %s, expected %s", c.minor, names(shuffled), names(c.sorted))
		}
	}
}

func names(policies []*Policy) string {
	var all []string
	for _, p := range policies {
		all = append(all, p.ID.String())
	}
	return strings.Join(all, ", ")
}

func TestTierOrder(t *testing.T) {
	t.Parallel()
	set := decode(t, `
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: zzz}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: aaa}
spec: {defaultAction: Pass}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: first}
spec: {order: 10, defaultAction: Deny}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: ghost.p}
spec: {tier: ghost, types: [Ingress]}
`)
	for minor, want := range map[int]string{
		31: "first adminnetworkpolicy aaa default zzz baselineadminnetworkpolicy ghost",
		32: "first kube-admin aaa default zzz kube-baseline ghost",
	} {
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = minor
		m, _ := Of(set, cluster)
		var got []string
		pass := map[string]bool{}
		for _, tier := range m.Tiers {
			got = append(got, tier.Name)
			pass[tier.Name] = tier.PassAtEnd
		}
		if strings.Join(got, " ") != want {
			t.Errorf("3.%d: %q, expected %q", minor, got, want)
		}
		if !pass["aaa"] || pass["zzz"] || pass["default"] || pass["ghost"] || !pass[want[6:6+strings.Index(want[6:], " ")]] {
			t.Errorf("3.%d: pass at the end: %v", minor, pass)
		}
	}
}

func decode(t *testing.T, text string) object.Set {
	t.Helper()
	objects, found := object.Decode("test.yaml", []byte(text))
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	set, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	return set
}
