package halfopen

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// class is pods that nobody can tell apart but by their names.
type class struct {
	pods []*meaning.Endpoint
	made bool // no manifest describes them
}

// town is the pods that manifests describe, in classes: with one without labels in each of
// their namespaces, and one in a namespace that nobody describes. Sets of classes hold
// places in it.
type town struct {
	m           *meaning.Meaning
	asker       *meaning.Asker
	of          families
	classes     []class
	byNamespace map[string]packet.Numbers
	byAddresses []packet.Numbers // those with the same known addresses

	described  packet.Numbers
	unlabelled packet.Numbers // of pods without labels, in each namespace
	stranger   packet.Numbers // of one in a namespace that nobody names

	holders   []meaning.Holder // network sets, whose labels belong to whoever has the address
	selected  map[string]packet.Numbers
	asked     map[*meaning.Rule][]met    // of the rule's peer
	alike     map[*meaning.Rule]*ownRule // of which no pod hears anything else than another
	endPasses map[string]bool            // by tier
	number    map[*meaning.Policy]int

	programs  [2][]*program
	programOf [2][]int // of each class
}

// families is a set of address families.
type families uint8

// familyBit returns the set of one address family, 4 or 6.
func familyBit(family int) families { return families(1) << ((family - 4) / 2) }

// has reports whether a set of address families has one.
func (f families) has(family int) bool { return f&familyBit(family) != 0 }

// townOf sorts the pods that manifests describe into the classes of a town.
func townOf(m *meaning.Meaning, pods []*meaning.Endpoint) *town {
	t := &town{
		m: m, asker: m.Asker(), byNamespace: map[string]packet.Numbers{}, selected: map[string]packet.Numbers{},
		asked: map[*meaning.Rule][]met{}, alike: map[*meaning.Rule]*ownRule{}, endPasses: map[string]bool{}, number: map[*meaning.Policy]int{},
	}
	for _, family := range m.Families() {
		t.of |= familyBit(family)
	}
	for _, tier := range m.Tiers {
		t.endPasses[tier.Name] = tier.PassAtEnd
	}
	for i, p := range m.Policies {
		t.number[p] = i
	}
	for _, h := range m.Holders() {
		if !h.Host {
			t.holders = append(t.holders, h)
		}
	}
	pods = slices.Clone(pods)
	slices.SortStableFunc(pods, func(a, b *meaning.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	known := map[string]int{}
	var names []*meaning.Endpoint // the first pod of each namespace
	for _, e := range pods {
		if len(names) == 0 || names[len(names)-1].Namespace != e.Namespace {
			names = append(names, e)
		}
		key := fmt.Sprint(e.Namespace, "\x00", e.Labels, "\x00", e.ServiceAccount, e.ServiceAccountLabels, e.Ports, e.Addresses)
		n, ok := known[key]
		if !ok {
			n = len(t.classes)
			known[key] = n
			t.classes = append(t.classes, class{})
		}
		t.classes[n].pods = append(t.classes[n].pods, e)
	}
	t.described = until(0, len(t.classes))
	for _, e := range names {
		t.classes = append(t.classes, class{made: true, pods: []*meaning.Endpoint{{
			Namespace: e.Namespace, Name: "*", NamespaceLabels: e.NamespaceLabels, ServiceAccount: "default",
		}}})
	}
	t.unlabelled = until(len(t.classes)-len(names), len(t.classes))
	unknown := "unknown-namespace"
	for slices.ContainsFunc(names, func(e *meaning.Endpoint) bool { return e.Namespace == unknown }) {
		unknown += "-x"
	}
	t.classes = append(t.classes, class{made: true, pods: []*meaning.Endpoint{{
		Namespace: unknown, Name: "*", NamespaceLabels: map[string]string{meaning.NameLabel: unknown}, ServiceAccount: "default",
	}}})
	t.stranger = until(len(t.classes)-1, len(t.classes))
	t.index()
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		t.readPrograms(d)
	}
	return t
}

// until returns the places in a town from one on that are smaller than another.
func until(first, end int) packet.Numbers {
	if first >= end {
		return packet.Numbers{}
	}
	return packet.Between(uint32(first), uint32(end-1))
}

// everybody returns all classes of the town.
func (t *town) everybody() packet.Numbers { return until(0, len(t.classes)) }

// index groups the town's classes by namespace and by addresses, so that what policies ask is
// asked once for each group.
func (t *town) index() {
	namespaces, addresses := map[string][]uint32{}, map[string][]uint32{}
	for n, c := range t.classes {
		e := c.pods[0]
		namespaces[e.Namespace] = append(namespaces[e.Namespace], uint32(n))
		key := fmt.Sprint(e.Addresses)
		addresses[key] = append(addresses[key], uint32(n))
	}
	for name, in := range namespaces {
		t.byNamespace[name] = packet.NumbersOf(in...)
	}
	for _, key := range diag.SortedKeys(addresses) {
		t.byAddresses = append(t.byAddresses, packet.NumbersOf(addresses[key]...))
	}
}

// asksNamespaces reports whether a policy asks for labels of Namespaces beside those that
// hold their names: where no manifest describes a Namespace, those are not known.
func asksNamespaces(m *meaning.Meaning) bool {
	var asks func(n *selector.Node) bool
	asks = func(n *selector.Node) bool {
		of, _ := meaning.LabelOf(n.Key)
		if of == meaning.NamespaceLabel {
			return true
		}
		for i := range n.Kids {
			if asks(&n.Kids[i]) {
				return true
			}
		}
		return false
	}
	for _, p := range m.Policies {
		if !p.Live() {
			continue
		}
		if s := p.Selector(); asks(s.Root()) {
			return true
		}
		for d, rules := range p.Rules {
			for i := range rules {
				for _, e := range []*meaning.Entity{&rules[i].Source, &rules[i].Destination} {
					for _, s := range []*selector.Selector{e.Selector, e.NotSelector} {
						if p.Governs[d] && s != nil && asks(s.Root()) {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

// names lists classes of pods for people: the first three names, and how many more there are.
func (t *town) names(classes packet.Numbers) string {
	const most = 3
	var names []string
	for n := range classes.All() {
		for _, e := range t.classes[n].pods {
			if name := e.Ref(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// witness makes one packet of a region between classes of the town, of IPv4 if there is one, on
// the smallest port.
func (t *town) witness(from, to packet.Numbers, x region) meaning.Packet {
	family := 4
	if !x.families.has(4) {
		family = 6
	}
	h, _ := x.traffic.Witness()
	return meaning.Packet{From: t.first(from, family), To: t.first(to, family), Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code, Family: family}
}

// first picks the first pod of some classes, at its first address of a family.
func (t *town) first(classes packet.Numbers, family int) meaning.Peer {
	n, _ := classes.Min()
	e := t.classes[n].pods[0]
	p := meaning.Pod(e)
	if at := slices.IndexFunc(e.Addresses, func(a netip.Addr) bool { return a.Is4() == (family == 4) }); at >= 0 {
		p.Addr = e.Addresses[at]
	}
	return p
}

// met is traffic of which some classes are what a rule asks of one end.
type met struct {
	families          families
	classes           packet.Numbers
	certain, possible packet.Traffic
}

// peers finds the classes of the town that a rule names as the peers of a direction.
func (t *town) peers(r *meaning.Rule, d meaning.Direction) []met {
	known, ok := t.asked[r]
	if !ok {
		known = t.meet(r, d == meaning.Ingress)
		t.asked[r] = known
	}
	return known
}

// meet finds the classes of the town that are what a rule asks of one end. It asks about one of
// each group whose members answer alike.
func (t *town) meet(r *meaning.Rule, source bool) []met {
	e := &r.Destination
	if source {
		e = &r.Source
	}
	groups := []packet.Numbers{t.selectedBy(e)}
	others := t.others(e)
	if others {
		groups = append(groups, t.everybody().Subtract(groups[0]))
	}
	_, asksAddresses := e.Addresses()
	switch {
	case e.Service != nil || named(e.Ports) || named(e.NotPorts):
		var each []packet.Numbers
		for _, g := range groups {
			for n := range g.All() {
				each = append(each, packet.NumbersOf(n))
			}
		}
		groups = each
	case asksAddresses || others:
		var parts []packet.Numbers
		for _, g := range groups {
			for _, at := range t.byAddresses {
				parts = append(parts, g.Intersect(at))
			}
		}
		groups = parts
	}
	var all []met
	index := map[string]int{}
	var members [][]packet.Range
	for _, g := range groups {
		n, some := g.Min()
		if !some {
			continue
		}
		for _, family := range []int{4, 6} {
			if !t.of.has(family) {
				continue
			}
			certain, possible := t.asker.Meets(r, source, t.classes[n].pods[0], family)
			if possible.IsEmpty() {
				continue
			}
			key := fmt.Sprint(family, certain.Numbers().Ranges(), possible.Numbers().Ranges())
			at, ok := index[key]
			if !ok {
				at = len(all)
				index[key] = at
				all, members = append(all, met{families: familyBit(family), certain: certain, possible: possible}), append(members, nil)
			}
			members[at] = append(members[at], g.Ranges()...)
		}
	}
	for i := range all {
		all[i].classes = packet.Join(members[i]...)
	}
	return joined(all)
}

// joined joins the answers for the two families of addresses where they do not differ.
func joined(all []met) []met {
	if len(all) == 2 && all[0].classes.Equal(all[1].classes) && all[0].certain.Equal(all[1].certain) && all[0].possible.Equal(all[1].possible) {
		all[0].families |= all[1].families
		return all[:1]
	}
	return all
}

// named reports whether a rule's ports are written by name, which each pod of the town may declare
// otherwise.
func named(ports []meaning.PortMatch) bool {
	return slices.ContainsFunc(ports, func(p meaning.PortMatch) bool { return p.Name != "" })
}

// selectedBy gathers the classes whose own labels a rule's entity asks for.
func (t *town) selectedBy(e *meaning.Entity) packet.Numbers {
	if e.Selector == nil {
		return t.everybody() // notSelector alone is about whoever has the address
	}
	key := e.Selector.String()
	if e.NotSelector != nil {
		key += "\x00" + e.NotSelector.String()
	}
	found, known := t.selected[key]
	if known {
		return found
	}
	among := t.everybody()
	if names, some := namespacesOf(e.Selector.Root()); some {
		var in []packet.Range
		for _, name := range names {
			in = append(in, t.byNamespace[name].Ranges()...)
		}
		among = packet.Join(in...)
	}
	var all []uint32
	for n := range among.All() {
		pod := t.classes[n].pods[0]
		if e.Selector.Matches(pod) && (e.NotSelector == nil || !e.NotSelector.Matches(pod)) {
			all = append(all, n)
		}
	}
	found = packet.NumbersOf(all...)
	t.selected[key] = found
	return found
}

// namespacesOf lists the namespaces of which a selector demands one, so that only classes there
// are asked.
func namespacesOf(n *selector.Node) (names []string, some bool) {
	if n.Op == selector.OpAnd {
		for i := range n.Kids {
			if names, some = namespacesOf(&n.Kids[i]); some {
				return names, true
			}
		}
		return nil, false
	}
	of, _ := meaning.LabelOf(n.Key)
	return n.Values, of == meaning.NamespaceName && (n.Op == selector.OpEqual || n.Op == selector.OpIn)
}

// others reports whether somebody else than the town's pod can make its address one that a
// selector finds, or rules one out.
func (t *town) others(e *meaning.Entity) bool {
	switch {
	case e.Selector != nil:
		return slices.ContainsFunc(t.holders, func(h meaning.Holder) bool { return e.Selector.Matches(h.Labels) })
	case e.NotSelector != nil:
		return true
	}
	return false
}
