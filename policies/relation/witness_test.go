package relation_test

import (
	"net/netip"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
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

// A packet to a pod that somebody described goes to a port on which it listens, if that port
// is treated like the others.
func TestWitnessAsksWhereSomebodyListens(t *testing.T) {
	t.Parallel()
	u := universeOf([]relation.Namespace{{Name: "shop"}}, nil)
	web := &meaning.Endpoint{Namespace: "shop", Name: "web", PortsKnown: true, Ports: []meaning.NamedPort{
		{Protocol: packet.UDP, Number: 53}, {Protocol: packet.TCP, Number: 8000}, {Protocol: packet.TCP, Number: 9000},
	}}
	for allowed, want := range map[string]uint16{"": 8000, "destination: {notPorts: [8000]}": 9000, "destination: {ports: ['1:100']}": 80, "destination: {ports: [7]}": 7} {
		m := meaningOf(t, nil, policy("all()", "{action: Allow, protocol: TCP, "+allowed+"}"))
		search := &relation.Search{Universe: u, Described: map[string][]*meaning.Endpoint{"shop": {web}}}
		w, err := search.Witness(relation.Question{
			Of: u.Outside(), Where: u.Namespaces(relation.Own, "shop"),
			Wanted: []relation.Wanted{{Program: u.Of(m, meaning.Ingress), Verdict: relation.Allows}},
		})
		if err != nil || w == nil || w.Own().Endpoint.Name != "web" || w.Packet.Port != want {
			t.Errorf("%q: %+v, %v, expected web's port %d", allowed, w, err, want)
		}
	}
}

// What is known of a pattern's namespaces holds of all names that fit it, whatever stands
// before its star and after it; and of no other.
func TestPatternsKnowTheirNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		fits          bool
	}{
		{"a*", "ab", true}, {"a*", "ba", false}, {"*b", "ab", true}, {"a*b", "ab", true}, {"a*b", "axb", true}, {"a*b", "xb", false}, {"a*b", "ax", false},
		{"aba*aba", "aba", false}, {"aba*aba", "ababa", false}, {"aba*aba", "abaaba", true}, {"a*a", "a", false}, {"a*a", "aa", true}, {"*", "x", true},
	} {
		u := universeOf([]relation.Namespace{{Name: c.pattern, Labels: map[string]string{"team": "a"}}}, nil)
		search := &relation.Search{Universe: u}
		named := u.Namespaces(relation.Own, c.name)
		for what, q := range map[string]struct {
			where *relation.Formula
			exist bool
		}{
			"may be in the namespace":        {named, true},
			"has a name like that":           {relation.And(named, u.NamedLike(relation.Own, c.pattern)), c.fits},
			"has another name":               {relation.And(named, relation.Not(u.NamedLike(relation.Own, c.pattern))), !c.fits},
			"may belong to another team":     {relation.And(named, relation.Not(selected(t, u, "pcns.team == 'a'"))), !c.fits},
			"may have a peer of another":     {relation.And(named, u.Namespaces(relation.Peer, c.name), relation.Not(selected(t, u, "pcns.team == 'a'").Mirror())), !c.fits},
			"may belong to the pattern's":    {relation.And(named, selected(t, u, "pcns.team == 'a'")), true},
			"may have a label that is free":  {relation.And(named, selected(t, u, "has(pcns.other)")), true},
			"may lack the label of no other": {relation.And(named, selected(t, u, "!has(pcns.other)")), true},
		} {
			w, err := search.Witness(relation.Question{Of: u.Pairs(), Where: q.where})
			if err != nil || (w != nil) != q.exist {
				t.Errorf("a pod of %s with the pattern %s %s: %v, %v", c.name, c.pattern, what, w != nil, err)
			}
		}
	}
}

// What two ends cannot have together either of them gives up, if it can.
func TestEitherEndGivesWay(t *testing.T) {
	t.Parallel()
	const shop, here, there = "projectcalico.org/namespace == 'shop'", "10.244.0.0/32", "10.244.0.0/31"
	for _, c := range []struct {
		what              string
		selects, with     string // of the ends
		address, opposite string
		exist             bool
	}{
		{"addresses, both with one", "all()", "all()", here, here, false},
		{"addresses, one of them with two", "all()", "all()", here, there, true},
		{"addresses, both with two", "all()", "all()", there, there, true},
		{"labels of one namespace", shop + " && pcns.x == 'a'", shop + " && pcns.x == 'b'", there, there, false},
		{"labels of one namespace, one of them absent", shop + " && pcns.x == 'a'", shop + " && !has(pcns.x)", there, there, false},
		{"labels of one namespace that agree", shop + " && pcns.x starts with 'a'", shop + " && pcns.x ends with 'b'", there, there, true},
		{"labels of two namespaces", shop + " && pcns.x == 'a'", "pcns.x == 'b'", there, there, true},
		{"labels of two namespaces of four", shop + " && pcns.x == 'a'", "projectcalico.org/namespace in {'shop', 'a', 'b', 'c'} && pcns.x == 'b'", there, there, true},
		{"labels of an account", shop + " && pcsa.x == 'a'", shop + " && pcsa.x == 'b'", there, there, true},
		{"labels of an account that only one end can change", shop + " && pcsa.x == 'a'", shop + " && pcsa.x == 'b' && projectcalico.org/serviceaccount == 'default'", there, there, true},
		{"labels of an account that only one end can change, with a name of two", shop + " && pcsa.x == 'a' && projectcalico.org/serviceaccount in {'r', 's'}",
			shop + " && pcsa.x == 'b' && projectcalico.org/serviceaccount == 'r'", there, there, true},
		{"labels of an account that none can change", shop + " && pcsa.x == 'a' && projectcalico.org/serviceaccount == 'r'",
			shop + " && pcsa.x == 'b' && projectcalico.org/serviceaccount == 'r'", there, there, false},
		{"labels of accounts of one name in two namespaces", shop + " && pcsa.x == 'a' && projectcalico.org/serviceaccount == 'r'",
			"pcsa.x == 'b' && projectcalico.org/serviceaccount == 'r'", there, there, true},
		{"labels of an account that agree", shop + " && pcsa.x == 'a' && projectcalico.org/serviceaccount == 'r'",
			shop + " && pcsa.x != 'b' && projectcalico.org/serviceaccount == 'r'", there, there, true},
	} {
		of := cluster{pods: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}}
		u := of.universe()
		search := &relation.Search{Universe: u}
		at := func(end relation.End, block string) *relation.Formula {
			return u.Addresses(end, packet.AddressesOf(netip.MustParsePrefix(block)))
		}
		where := relation.And(selected(t, u, c.selects), selected(t, u, c.with).Mirror(), at(relation.Own, c.address), at(relation.Peer, c.opposite))
		for _, f := range []*relation.Formula{where, where.Mirror()} {
			w, err := search.Witness(relation.Question{Of: u.Pairs(), Where: f})
			if err != nil || (w != nil) != c.exist {
				t.Errorf("%s: two ends are found: %v (%v)", c.what, w != nil, err)
			} else if w != nil && of.impossible(w) != "" {
				t.Errorf("%s: %s", c.what, of.impossible(w))
			}
		}
	}
}

// selected is a selector's formula over the own end.
func selected(t *testing.T, u *relation.Universe, text string) *relation.Formula {
	t.Helper()
	s, err := selector.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Selected(relation.Own, s)
}
