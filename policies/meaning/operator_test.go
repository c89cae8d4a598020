package meaning_test

import (
	"net/netip"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

const operated = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-system}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: kube-system, labels: {app: proxy}}
---
apiVersion: v1
kind: Pod
metadata: {name: whisker, namespace: calico-system, labels: {app: whisker}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: calico-apiserver, labels: {app: api}}
---
apiVersion: v1
kind: Pod
metadata: {name: manager, namespace: tigera-manager, labels: {app: manager}}
---
apiVersion: v1
kind: Namespace
metadata: {name: calico-apiserver}
---
apiVersion: v1
kind: Namespace
metadata: {name: tigera-manager}
`

// Follow does not know what the operator's policies decide that nobody shows: about its
// components from its tier on, and about the name service where others deny. About
// everybody else it knows as much as Walk.
func TestOperatorTier(t *testing.T) {
	t.Parallel()
	const (
		allow, deny, unknown = meaning.Allowed, meaning.Denied, meaning.Unknown
		namespace            = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: calico-system}\n"
		tier                 = "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: NAME}\nspec: {order: 100}\n"
		denyDNS              = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: shut, namespace: kube-system}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
		guard                = "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: guard}\nspec: {order: ORDER, defaultAction: Pass}\n" +
			"---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: guard.p}\nspec: {tier: guard, types: [Ingress, Egress], ingress: [{action: Deny}], egress: [{action: Deny}]}\n"
		own = "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: NAME.p, namespace: PLACE}\nspec: {tier: NAME, types: [Ingress], ingress: [{action: Allow}]}\n"
	)
	named := func(text, name string) string { return strings.ReplaceAll(text, "NAME", name) }
	placed := func(text, place string) string { return strings.ReplaceAll(text, "PLACE", place) }
	for _, c := range []struct {
		name, objects, from, to string
		minor                   int
		want                    meaning.Outcome
	}{
		{"a component", namespace, "shop/web", "calico-system/whisker", 32, unknown},
		{"what it sends", namespace, "calico-system/whisker", "shop/web", 32, unknown},
		{"before the release that has the tier everywhere", namespace, "shop/web", "calico-system/whisker", 31, allow},
		{"unless it is named", namespace + named(tier, "allow-tigera"), "shop/web", "calico-system/whisker", 31, unknown},
		{"by a policy too", namespace + placed(named(own, "allow-tigera"), "shop"), "shop/web", "calico-system/whisker", 31, unknown},
		{"of Enterprise", "", "shop/web", "tigera-manager/manager", 31, unknown},
		{"the API server of other installations", "", "shop/web", "calico-apiserver/api", 32, allow},
		{"the operator's", named(tier, "calico-system"), "shop/web", "calico-apiserver/api", 32, unknown},
		{"nobody else", namespace + named(tier, "calico-system"), "shop/web", "kube-system/proxy", 32, allow},
		{"policies in sight", namespace + placed(named(own, "calico-system"), "calico-system"), "shop/web", "calico-system/whisker", 32, allow},
		{"policies of another namespace in sight", namespace + placed(named(own, "calico-system"), "tigera-manager"), "shop/web", "calico-system/whisker", 32, unknown},
		{"a tier above decides", namespace + strings.ReplaceAll(guard, "ORDER", "50"), "kube-system/proxy", "calico-system/whisker", 32, deny},
		{"one below does not", namespace + strings.ReplaceAll(guard, "ORDER", "150"), "203.0.113.7", "calico-system/whisker", 32, unknown},
		{"the name service is open to all", namespace, "shop/web", "kube-system/coredns", 32, allow},
		{"and where it is denied, to components perhaps", namespace + denyDNS, "calico-system/whisker", "kube-system/coredns", 32, unknown},
		{"and to nobody else", namespace + denyDNS, "shop/web", "kube-system/coredns", 32, deny},
		{"what it asks elsewhere", namespace + denyDNS, "kube-system/coredns", "203.0.113.7", 32, unknown},
		{"where nothing shows an operator", denyDNS, "kube-system/coredns", "203.0.113.7", 32, deny},
		{"in an earlier release", namespace + denyDNS, "kube-system/coredns", "203.0.113.7", 31, deny},
		{"other pods of its namespace", namespace + denyDNS, "kube-system/proxy", "203.0.113.7", 32, deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, m := inRelease(t, operated+c.objects, c.minor)
			v := m.Follow(meaning.Packet{From: endAt(t, m, c.from), To: endAt(t, m, c.to), Protocol: meaning.TCP, Port: 80})
			if v.Outcome() != c.want {
				t.Errorf("%s, expected %s\negress:  %s\ningress: %s", v.Outcome(), c.want, v.Egress.By.Reason, v.Ingress.By.Reason)
			}
			if c.want == unknown && !strings.Contains(v.Egress.By.Reason+v.Ingress.By.Reason, "Calico's operator keeps policies") {
				t.Errorf("unknown, because %q and %q", v.Egress.By.Reason, v.Ingress.By.Reason)
			}
		})
	}
}

// A policy of the operator's tier is evaluated in its order, whether a manifest shows the tier
// or not, and the oracle says the same.
func TestOperatorTierHasItsOrder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"allow-tigera", "calico-system", "ghost"} {
		for order, want := range map[string]meaning.Outcome{"50": meaning.Allowed, "100": meaning.Allowed, "150": meaning.Denied} {
			if name == "ghost" { // comes after everything that exists
				want = meaning.Allowed
			}
			set, m := inRelease(t, operated+`---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: aaa}
spec: {order: `+order+`, defaultAction: Deny}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: aaa.p}
spec: {tier: aaa, selector: app == 'web', types: [Ingress], ingress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: `+name+`.p, namespace: shop}
spec: {tier: `+name+`, selector: app == 'web', types: [Ingress]}
`, 32)
			v := m.Walk(meaning.Packet{From: endAt(t, m, "kube-system/proxy"), To: endAt(t, m, "shop/web"), Protocol: meaning.TCP, Port: 80})
			judged := oracle.Of(set, m.Cluster).Judge(oracle.Packet{From: oracle.End{Name: "kube-system/proxy"}, To: oracle.End{Name: "shop/web"}, Protocol: oracle.TCP, Port: 80})
			if v.Outcome() != want || string(judged.Outcome()) != want.String() {
				t.Errorf("%s and a tier of order %s: %s (%s), to the oracle %s, expected %s", name, order, v.Outcome(), v.Ingress.By.Reason, judged.Outcome(), want)
			}
		}
	}
}

// inRelease reads manifests, of whose findings nobody asks here.
func inRelease(t *testing.T, text string, minor int) (object.Set, *meaning.Meaning) {
	t.Helper()
	objects, found := object.Decode("m.yaml", []byte(text))
	set, twice := object.NewSet(objects)
	if len(found)+len(twice) > 0 {
		t.Fatal(found.Err(), twice.Err())
	}
	cluster := object.DefaultCluster()
	cluster.CalicoMinor = minor
	m, _ := meaning.Of(set, cluster)
	return set, m
}

// endAt is a pod by its name, or an address.
func endAt(t *testing.T, m *meaning.Meaning, name string) meaning.Peer {
	t.Helper()
	end := oracle.End{Name: name}
	if a, err := netip.ParseAddr(name); err == nil {
		end = oracle.End{Address: a}
	}
	p, err := peerOf(m, end)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
