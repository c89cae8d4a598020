package meaning_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

const unreadWorld = operated + `---
apiVersion: v1
kind: Pod
metadata: {name: shut, namespace: shop, labels: {app: shut}}
---
apiVersion: v1
kind: Pod
metadata: {name: fed, namespace: shop, labels: {app: fed}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: shop}
spec: {podSelector: {matchLabels: {app: shut}}, policyTypes: [Ingress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: fed, namespace: shop}
spec: {podSelector: {matchLabels: {app: fed}}, policyTypes: [Ingress], ingress: [{}]}
`

// unreadPolicies are policies that nobody evaluates, in a file of their own.
var unreadPolicies = map[string]string{
	"Cilium":             "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {endpointSelector: {}}\n",
	"Cilium, one app":    "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {endpointSelector: {matchLabels: {k8s:app: shut}}}\n",
	"Cilium, several":    "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspecs: [{endpointSelector: {matchLabels: {app: other}}}]\n",
	"Cilium, everywhere": "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: x, namespace: elsewhere}\nspec: {endpointSelector: {}}\n",
	"Antrea":             "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {priority: 1}\n",
	"AdminNetworkPolicy": "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\nspec: {subject: {namespaces: {}}}\n",
	"Istio":              "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: shop}\nspec: {}\n",
	"Istio, the mesh":    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: istio-system}\nspec: {}\n",
	"Linkerd":            "apiVersion: policy.linkerd.io/v1beta1\nkind: Server\nmetadata: {name: x, namespace: shop}\nspec: {}\n",
	"OVN":                "apiVersion: k8s.ovn.org/v1\nkind: EgressFirewall\nmetadata: {name: x, namespace: shop}\nspec: {}\n",
	"AWS":                "apiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: {name: x, namespace: shop}\nspec: {podSelector: {matchLabels: {app: shut}}}\n",
	"AWS, by account":    "apiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: {name: x, namespace: shop}\nspec: {podSelector: {matchLabels: {app: none}}, serviceAccountSelector: {}}\n",
	"Calico's storage":   "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec: {selector: app == 'fed'}\n",
	"Calico Enterprise":  "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec: {selector: app == 'shut', egress: [{action: Allow, destination: {domains: [example.com]}}]}\n",
	"an unknown field":   "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {podSelector: {}, ingres: []}\n",
	"a wrong selector":   "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {podSelector: {matchLabel: {app: none}}}\n",
	"an unread set":      "apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: x, namespace: elsewhere}\nspec: {net: []}\n",
	"staged":             "apiVersion: projectcalico.org/v3\nkind: StagedNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {slector: all()}\n",
	"elsewhere":          "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: elsewhere}\n",
}

// withUnread reads the world, and a policy that nobody evaluates beside it.
func withUnread(t *testing.T, policy string, minor int) *meaning.Meaning {
	t.Helper()
	objects, found := object.Decode("m.yaml", []byte(unreadWorld))
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	scanned, _ := object.Scan("x.yaml", []byte(policy)) // what is wrong there is what is tried
	set, differ := object.Merge(append(objects, scanned.Objects...))
	if len(differ) > 0 && !strings.Contains(policy, "name: shut") {
		t.Fatal(differ.Err())
	}
	cluster := object.DefaultCluster()
	cluster.CalicoMinor = minor
	m, _ := meaning.Of(set, cluster)
	return m
}

// TestUnread holds what becomes of packets beside each of the policies that nobody evaluates: to
// a pod that nothing isolates, to one that is isolated, and to one that a rule opens.
func TestUnread(t *testing.T) {
	t.Parallel()
	const firm, all = "allow deny allow", "unknown unknown unknown"
	for name, want := range map[string]string{
		"Cilium": all, "Cilium, one app": "allow unknown allow", "Cilium, several": all, "Cilium, everywhere": all, "Antrea": all,
		"AdminNetworkPolicy": firm, // which 3.32 does not enforce any more
		"Istio":              "unknown deny unknown", "Istio, the mesh": "unknown deny unknown", "Linkerd": "unknown deny unknown",
		"OVN": firm, "AWS": "allow unknown allow", "AWS, by account": all,
		"Calico's storage": "allow deny unknown", "Calico Enterprise": "allow unknown allow",
		"an unknown field": "unknown unknown allow", // an allow beside an allow changes nothing
		"a wrong selector": "unknown unknown allow", "an unread set": all, "staged": firm, "elsewhere": firm,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withUnread(t, unreadPolicies[name], 32)
			var got []string
			for _, to := range []string{"web", "shut", "fed"} {
				v := m.Follow(meaning.Packet{From: endAt(t, m, "kube-system/proxy"), To: endAt(t, m, "shop/"+to), Protocol: meaning.TCP, Port: 80})
				got = append(got, v.Outcome().String())
				if v.Outcome() == meaning.Unknown && (!strings.Contains(v.Ingress.By.Reason, " x ") && !strings.Contains(v.Ingress.By.Reason, "/x ") || !strings.Contains(v.Ingress.By.Reason, "(x.yaml)")) {
					t.Errorf("unknown, because %q, which names no object and file", v.Ingress.By.Reason)
				}
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("%s, expected %s", text, want)
			}
		})
	}
}

// TestUnreadByHalf: what is about one half leaves the other alone.
func TestUnreadByHalf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"OVN": "unknown allow", "Istio": "allow unknown", "Cilium": "unknown unknown", "AdminNetworkPolicy": "unknown unknown"} {
		m := withUnread(t, unreadPolicies[name], 31) // which enforces AdminNetworkPolicies
		v := m.Follow(meaning.Packet{From: endAt(t, m, "shop/web"), To: endAt(t, m, "shop/web"), Protocol: meaning.TCP, Port: 80})
		if got := fmt.Sprint(v.Egress.Outcome, " ", v.Ingress.Outcome); got != want {
			t.Errorf("%s: %s, expected %s", name, got, want)
		}
	}
}

// TestUnreadMakesNothingFirm is the law: beside a policy that nobody evaluates, a verdict is what
// it was or unknown; what can only deny more leaves what is denied alone. The same holds where a
// policy is defined twice, and differently.
func TestUnreadMakesNothingFirm(t *testing.T) {
	t.Parallel()
	alone := withUnread(t, "", 31)
	ends := []string{"shop/web", "shop/shut", "shop/fed", "kube-system/proxy", "kube-system/coredns", "calico-apiserver/api", "10.0.0.1", "203.0.113.7"}
	turned := 0
	twice := "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: shut, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Egress]}\n"
	policies := map[string]string{"twice": twice}
	for name, policy := range unreadPolicies {
		policies[name] = policy
	}
	for name, policy := range policies {
		m := withUnread(t, policy, 31)
		for _, from := range ends {
			for _, to := range ends {
				k := func(m *meaning.Meaning) meaning.Packet {
					return meaning.Packet{From: endAt(t, m, from), To: endAt(t, m, to), Protocol: meaning.TCP, Port: 80}
				}
				was, is := alone.Follow(k(alone)).Outcome(), m.Follow(k(m)).Outcome()
				restricts := strings.HasPrefix(name, "Istio") || name == "Linkerd"
				if is != was && is != meaning.Unknown || restricts && was == meaning.Denied && is != was {
					t.Errorf("%s: %s -> %s is %s, and was %s without", name, from, to, is, was)
				}
				if is != was {
					turned++
				}
			}
		}
	}
	if turned < 100 {
		t.Errorf("only %d verdicts are unknown beside them: the law was not tried", turned)
	}
}
