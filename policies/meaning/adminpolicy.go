package meaning

import (
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// adminPolicies are the kinds that ClusterNetworkPolicy replaced: the tier of it that says
// the same, and the first release of Calico that enforced them. The last was 3.31.
var adminPolicies = map[string]adminPolicy{
	"AdminNetworkPolicy":         {"Admin", 29},
	"BaselineAdminNetworkPolicy": {"Baseline", 30},
}

type adminPolicy struct {
	tier  string
	first int
}

const adminGroup = "policy.networking.k8s.io"

// inForce reports whether a minor release of Calico enforces this kind of AdminNetworkPolicy.
func (a adminPolicy) inForce(minor int) bool { return minor >= a.first && minor < clusterPolicies }

// ByRelease says of findings that a kind cannot be judged what the release of Calico makes
// of it. One that it does not enforce decides nothing, and spoils no verdict beside it.
func ByRelease(found diag.List, cluster object.Cluster) diag.List {
	found = slices.Clone(found)
	for i, d := range found {
		id := d.Subject.Object
		of, known := adminPolicies[id.Kind]
		if !known || id.Group != adminGroup || d.Subject.Pointer != "/kind" {
			continue
		}
		instead := "rewrite it as a ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2 in tier " + of.tier
		switch minor := cluster.CalicoMinor; {
		case minor >= clusterPolicies:
			d.Severity = diag.Warning
			d = d.Because("it is not enforced from Calico 3.%d on, and 3.%d is assumed: it is taken to have no effect", clusterPolicies, minor).
				Suggest("%s", instead)
		case minor < of.first:
			d.Severity = diag.Warning
			d = d.Because("it is enforced from Calico 3.%d on, and 3.%d is assumed: it is taken to have no effect", of.first, minor).
				Suggest("rewrite it as a GlobalNetworkPolicy of %s in a tier of its own", object.CalicoAPI)
		default:
			d = d.Because("it is in force in Calico 3.%d, in a way that is not modelled, so every verdict beside it would be a guess", minor).
				Suggest("rewrite it as a GlobalNetworkPolicy of %s in a tier of its own; from Calico 3.32 on it is not enforced any more, and a ClusterNetworkPolicy is", object.CalicoAPI)
		}
		found[i] = d
	}
	return found
}
