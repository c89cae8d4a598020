package halfopen_test

import (
	"testing"

	"portcullis.dev/compiler/halfopen"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Of a Namespace without a manifest no label is known but its name: where policies ask
// for others, its pods may be anybody's peers, and nothing is said of them.
func TestHalfOpenWithoutNamespaces(t *testing.T) {
	t.Parallel()
	const pods = `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: api}}}]}]}
`
	ingress := func(namespaces string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: api, namespace: shop}\n" +
			"spec: {podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {" + namespaces + "}}}]}]}\n"
	}
	const described = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
	for name, test := range map[string]struct {
		more []string
		want int
	}{
		"a half is missing":                    {nil, 1},
		"by the namespace's name":              {[]string{ingress("kubernetes.io/metadata.name: shop")}, 0},
		"by another's name":                    {[]string{ingress("kubernetes.io/metadata.name: pay")}, 1},
		"perhaps by a label of the namespace":  {[]string{ingress("env: prod")}, 0},
		"not by a label that it does not have": {[]string{ingress("env: prod"), described}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := meaning.Of(setOf(t, append([]string{pods}, test.more...)...), object.DefaultCluster())
			var known []*meaning.Endpoint // as whoever gathers them knows their namespaces
			for _, e := range m.Endpoints {
				pod := *e
				if pod.NamespaceLabels == nil {
					pod.NamespaceLabels, pod.NamespaceUnwritten = map[string]string{meaning.NameLabel: pod.Namespace}, true
				}
				known = append(known, &pod)
			}
			if found := halfopen.Find(m, known); len(found) != test.want {
				t.Errorf("%d findings, expected %d: %v", len(found), test.want, found.Err())
			}
		})
	}
}
