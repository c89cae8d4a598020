package facts_test

import "testing"

// Rules say by a port or a namespace that they are for OpenShift's DNS, and of no other who else
// resolves names.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	const there = "openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353"
	for rule, want := range map[string]string{
		"{ports: [{port: 5353, protocol: UDP}]}":                                                                    there,
		"{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-dns}}}]}":                  there,
		"{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-dns}}, podSelector: {}}]}": there,
		"{ports: [{port: 5000, endPort: 6000}]}":                                                                    "",
		"{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}":                    "",
		"{to: [{podSelector: {matchLabels: {app: openshift-dns}}}]}":                                                "",
	} {
		documents := ask(t, world("shop"), "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Egress], egress: ["+rule+"]}\n")
		if got := documents["shop"].Platform.DNS.Elsewhere; got != want {
			t.Errorf("%s: found %q, expected %q", rule, got, want)
		}
	}
}
