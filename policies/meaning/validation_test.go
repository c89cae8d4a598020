package meaning_test

import (
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// accepted are the objects of the matrix that Calico's validators of the pinned API
// (release 3.31) accept; they refuse all others.
var accepted = []string{
	"v07-port-range", "v15-proto-num6-port", "v21-noticmp-noproto", "v39-empty-types", "v44-svc-ingress-src-ports",
	"v47-neg-order", "v48-ns-set", "kube-admin", "gns-ip", "gns-dup", "knp.default.foo.bar",
}

// acceptedSince332 changes with that release: named ports need no protocol, names
// need no tier, and other tiers are Calico's own.
var acceptedSince332 = append([]string{"v12-namedport-noproto", "v32.onedot", "adminnetworkpolicy"},
	slices.DeleteFunc(slices.Clone(accepted), func(name string) bool { return name == "kube-admin" })...)

func TestValidationMatrix(t *testing.T) {
	t.Parallel()
	docs := oracle.ValidationMatrix()
	for minor, want := range map[int][]string{31: accepted, 32: acceptedSince332} {
		var got []string
		for _, doc := range docs {
			objects, found := object.Decode("matrix.yaml", doc)
			if len(objects) == 1 && !found.Failed() {
				set, more := object.NewSet(objects)
				cluster := object.DefaultCluster()
				cluster.CalicoMinor = minor
				_, invalid := meaning.Of(set, cluster)
				found = append(append(found, more...), invalid...)
			}
			if !found.Failed() {
				got = append(got, objects[0].ID.Name)
			}
			for _, d := range found {
				pointsInto(t, objects, d)
			}
		}
		wanted := slices.Sorted(slices.Values(want))
		slices.Sort(got)
		if !slices.Equal(got, wanted) {
			t.Errorf("Calico 3.%d accepts\n%q, found valid\n%q", minor, wanted, got)
		}
	}
	if len(docs) != 62 {
		t.Errorf("read %d objects, expected 62", len(docs))
	}
}

// pointsInto checks that a finding names its object and a value in it, or the place
// where one is missing.
func pointsInto(t *testing.T, objects []object.Object, d diag.Diagnostic) {
	t.Helper()
	if d.Span.HasPosition() { // the decoder's own
		return
	}
	if len(objects) != 1 || d.Subject.Object != objects[0].ID {
		t.Errorf("%s %s is about %s", d.Rule.Code, d.Message, d.Subject.Object)
	}
	if d.Message == "" || strings.Contains(d.Message, "%!") || strings.HasSuffix(d.Message, ".") {
		t.Errorf("%s says %q", d.Rule.Code, d.Message)
	}
}
