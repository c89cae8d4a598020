package meaning_test

import (
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// The kinds that ClusterNetworkPolicy replaced are in force in the releases that read them,
// and in no other; findings about other kinds stay as they are.
func TestAdminPoliciesByRelease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		group, kind string
		minor       int
		want        diag.Severity
		because     string
		instead     string
	}{
		{"policy.networking.k8s.io", "AdminNetworkPolicy", 28, diag.Warning, "enforced from Calico 3.29 on", "GlobalNetworkPolicy"},
		{"policy.networking.k8s.io", "AdminNetworkPolicy", 29, diag.Error, "in force in Calico 3.29", "GlobalNetworkPolicy"},
		{"policy.networking.k8s.io", "AdminNetworkPolicy", 31, diag.Error, "in force in Calico 3.31", "GlobalNetworkPolicy"},
		{"policy.networking.k8s.io", "AdminNetworkPolicy", 32, diag.Warning, "not enforced from Calico 3.32 on", "in tier Admin"},
		{"policy.networking.k8s.io", "BaselineAdminNetworkPolicy", 29, diag.Warning, "enforced from Calico 3.30 on", "GlobalNetworkPolicy"},
		{"policy.networking.k8s.io", "BaselineAdminNetworkPolicy", 30, diag.Error, "in force in Calico 3.30", "GlobalNetworkPolicy"},
		{"policy.networking.k8s.io", "BaselineAdminNetworkPolicy", 33, diag.Warning, "not enforced from Calico 3.32 on, and 3.33", "in tier Baseline"},
		{"example.com", "AdminNetworkPolicy", 33, diag.Error, "it decides traffic", ""},
		{"cilium.io", "CiliumNetworkPolicy", 33, diag.Error, "it decides traffic", ""},
	} {
		_, found := object.Decode("m.yaml", []byte("apiVersion: "+c.group+"/v1alpha1\nkind: "+c.kind+"\nmetadata: {name: p}\n"))
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = c.minor
		got := meaning.ByRelease(found, cluster)
		if len(got) != 1 || got[0].Severity != c.want || !strings.Contains(got[0].Why, c.because) || !strings.Contains(got[0].Hint, c.instead) {
			t.Errorf("%s of %s in Calico 3.%d: %+v; expected %s, because %q, instead %q", c.kind, c.group, c.minor, got, c.want, c.because, c.instead)
		}
	}
}
