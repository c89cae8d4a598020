package relation_test

import (
	"net/netip"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// meaningOf reads manifests.
func meaningOf(t *testing.T, pods []netip.Prefix, text string) *meaning.Meaning {
	t.Helper()
	objects, found := object.Decode("world.yaml", []byte(text))
	if found.Failed() {
		t.Fatalf("%v\n%s", found.Err(), text)
	}
	set, _ := object.NewSet(objects)
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = pods
	m, found := meaning.Of(set, cluster)
	if found.Failed() {
		t.Fatalf("%v\n%s", found.Err(), text)
	}
	return m
}

// universeOf is what is known where pods have the addresses of some blocks and nothing else
// has; of none, where nothing is known of addresses.
func universeOf(namespaces []relation.Namespace, pods []netip.Prefix) *relation.Universe {
	inside, outside := packet.EveryAddress(), packet.EveryAddress()
	if len(pods) > 0 {
		inside = packet.AddressesOf(pods...)
		outside = inside.Complement()
	}
	return relation.NewUniverse(namespaces, inside, outside)
}

// policy is the manifest of a global policy for ingress, with one rule.
func policy(selects, rule string) string {
	return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec:\n  selector: \"" + selects + "\"\n  types: [Ingress]\n  ingress: [" + rule + "]\n"
}

// A pod that somebody described is shown for a packet only if it calls the packet's port
// what the rule says, and nothing that the rule excludes.
func TestWitnessCallsPortsByTheirNames(t *testing.T) {
	t.Parallel()
	u := universeOf([]relation.Namespace{{Name: "shop"}}, nil)
	web := &meaning.Endpoint{Namespace: "shop", Name: "web", PortsKnown: true, Ports: []meaning.NamedPort{{Name: "http", Protocol: packet.TCP, Number: 80}}}
	for _, c := range []struct {
		ports string
		known bool // the witness is the described pod
	}{{"ports: [http]", true}, {"notPorts: [http]", false}, {"notPorts: [dns]", true}} {
		m := meaningOf(t, nil, policy("all()", "{action: Allow, protocol: TCP, destination: {"+c.ports+"}}"))
		search := &relation.Search{Universe: u, Described: map[string][]*meaning.Endpoint{"shop": {web}}}
		w, err := search.Witness(relation.Question{
			Of: u.Outside(), Where: relation.And(u.Namespaces(relation.Own, "shop"), u.Traffic(packet.Ports(packet.TCP, 80, 80))),
			Wanted: []relation.Wanted{{Program: u.Of(m, meaning.Ingress), Verdict: relation.Allows}},
		})
		if err != nil || w == nil {
			t.Fatalf("%s: %v, %v", c.ports, w, err)
		}
		if got := w.Own().Endpoint.Name == "web"; got != c.known {
			t.Errorf("%s: the witness is %s %+v", c.ports, w.Packet, *w.Own().Endpoint)
		}
		if h := m.WalkHalf(w.Packet, meaning.Ingress); h.Outcome != meaning.Allowed {
			t.Errorf("%s: the witness %s is %s by %v", c.ports, w.Packet, h.Outcome, h.By)
		}
	}
}
