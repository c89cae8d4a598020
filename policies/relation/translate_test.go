package relation_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
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

// A network set wears the name of its namespace, and the labels that are listed of it; of its
// other labels nobody knows.
func TestNetworkSetsInheritLabels(t *testing.T) {
	t.Parallel()
	const set, far = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n---\napiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: far, namespace: %[1]s}\nspec: {nets: [203.0.113.9/32]}\n---\n", "203.0.113.9"
	for _, c := range []struct {
		namespace, selector string
		found, settled      bool
	}{
		{"a", "pcns.projectcalico.org/name == 'a'", true, true},
		{"a", "projectcalico.org/namespace == 'a' && has(projectcalico.org/namespace)", true, true},
		{"a", "pcns.kubernetes.io/metadata.name == 'b'", false, false},
		{"a", "pcns.team == 'x'", true, true},
		{"a", "pcns.team == 'y' || has(pcns.tenant)", false, false},
		{"a", "pcns.free == 'z'", true, false},
		{"a", "pcns.team == 'y' && pcns.free == 'z'", false, false},
		{"a", "!has(pcns.free)", true, false},
		{"else", "pcns.projectcalico.org/name == 'else'", true, true},
		{"else", "pcns.team == 'y'", true, false},
	} {
		objects, wrong := object.Decode("set.yaml", []byte(fmt.Sprintf(set, c.namespace)+
			"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {order: 1, selector: all(), types: [Egress], egress: [{action: Allow, destination: {selector: \""+c.selector+"\"}}]}\n"))
		of, twice := object.NewSet(objects)
		m, odd := meaning.Of(of, object.DefaultCluster())
		if err := slices.Concat(wrong, twice, odd).Err(); err != nil {
			t.Fatal(err)
		}
		pods := packet.AddressesOf(netip.MustParsePrefix("10.0.0.0/8"))
		u := relation.NewUniverse([]relation.Namespace{{Name: "a", Labels: map[string]string{"team": "x"}}, {Name: "b", Labels: map[string]string{"team": "y", "tenant": "1"}}}, pods, packet.EveryAddress().Subtract(pods))
		s := relation.Search{Universe: u}
		w, err := s.Witness(relation.Question{Of: u.Outside(), Direction: meaning.Egress, Wanted: []relation.Wanted{{Program: u.Of(m, meaning.Egress), Verdict: relation.Allows, Ungoverned: relation.Denies}}})
		switch {
		case err != nil:
			t.Fatal(err)
		case (w != nil) != c.found:
			t.Errorf("%s in %s: found %v, want %v", c.selector, c.namespace, w != nil, c.found)
		case w != nil && (w.Peer().Addr != netip.MustParseAddr(far) || (len(w.Unsettled) == 0) != c.settled):
			t.Errorf("%s in %s: %s, which hangs on %v; want settled: %v", c.selector, c.namespace, w.Packet, w.Unsettled, c.settled)
		}
	}
}
