package relation_test

import (
	"testing"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// A pod's own label is no other thing of the pod, whatever its key.
func TestLabelsAreOnlyLabels(t *testing.T) {
	t.Parallel()
	u := relation.NewUniverse(nil, packet.EveryAddress(), packet.EveryAddress())
	for _, key := range []string{"account", "namespace", "IPv4"} {
		s, err := selector.Parse("!has(" + key + ")")
		if err != nil {
			t.Fatal(err)
		}
		search := &relation.Search{Universe: u}
		w, err := search.Witness(relation.Question{Of: u.Pairs(), Where: u.Selected(relation.Own, s)})
		if err != nil || w == nil {
			t.Errorf("no pod is without a label %s (%v)", key, err)
		}
	}
}
