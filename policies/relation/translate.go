package relation

import (
	"maps"
	"slices"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Relation is what a set of policies does with every packet: a program for each direction, over
// one universe. Like that it is not for several goroutines at once.
type Relation struct {
	Universe *Universe
	Meaning  *meaning.Meaning
	Programs [2]*Program // by direction
}

// RelationOf translates a set of policies in both directions.
func (u *Universe) RelationOf(m *meaning.Meaning) *Relation {
	return &Relation{u, m, [2]*Program{meaning.Ingress: u.Of(m, meaning.Ingress), meaning.Egress: u.Of(m, meaning.Egress)}}
}

// Of translates a set of policies in one direction into a program. What no policy of the cluster
// evaluates (staged ones, those for hosts alone) is not in it.
func (u *Universe) Of(m *meaning.Meaning, d meaning.Direction) *Program {
	t := translation{u: u, m: m, d: d, holders: m.Holders()}
	var tiers []Tier
	for _, of := range m.Tiers {
		made := Tier{Name: of.Name, Pass: of.PassAtEnd}
		for _, p := range of.Policies {
			if p.Live() && p.Governs[d] {
				made.Policies = append(made.Policies, t.policy(p))
			}
		}
		tiers = append(tiers, made)
	}
	return NewProgram(tiers)
}

// translation turns the policies of one direction into formulas.
type translation struct {
	u       *Universe
	m       *meaning.Meaning
	d       meaning.Direction
	holders []meaning.Holder
}

// policy translates a policy: whom it selects, and its rules. One that matches nothing, or only
// logs, is left out.
func (t *translation) policy(p *meaning.Policy) *Policy {
	made := &Policy{Selects: t.u.Selected(Own, p.Selector()), Policy: p}
	for i := range p.Rules[t.d] {
		r := &p.Rules[t.d][i]
		if r.Action == meaning.Log {
			continue
		}
		if match := t.rule(r); match != False {
			made.Rules = append(made.Rules, Rule{Action: r.Action, Match: match, Policy: p, Of: r})
		}
	}
	return made
}

// rule translates what a rule asks into a formula. Felix leaves it out of a family of which it
// names no range.
func (t *translation) rule(r *meaning.Rule) *Formula {
	family := True
	switch in4, in6 := r.Rendered(4), r.Rendered(6); {
	case !in4 && !in6:
		return False
	case !in4:
		family = Not(t.u.isIPv4())
	case !in6:
		family = t.u.isIPv4()
	}
	source, destination := Peer, Own
	if t.d == meaning.Egress {
		source, destination = Own, Peer
	}
	return And(family, t.entity(&r.Source, source, r, true), t.entity(&r.Destination, destination, r, false), t.u.Traffic(r.Traffic()))
}

// entity translates what a rule asks of one end. A selector speaks of the objects that have the
// end's address: the pod, if it is one, and every network set and host endpoint. Beside a
// selector, notSelector sorts out objects; alone, it excludes their addresses
// (felix/calc/rule_scanner.go).
func (t *translation) entity(e *meaning.Entity, end End, r *meaning.Rule, source bool) *Formula {
	var room [few]*Formula
	all := room[:0]
	if of, asks := e.Addresses(); asks {
		all = append(all, t.u.Addresses(end, of))
	}
	labels := True // what the pod itself must wear
	switch {
	case e.Selector != nil:
		labels = t.u.Selected(end, *e.Selector)
		if e.NotSelector != nil {
			labels = And(labels, Not(t.u.Selected(end, *e.NotSelector)))
		}
		all = append(all, Or(And(t.u.IsPod(end), labels), t.held(end, func() string { return found(e) }, func(l selector.Labels, unknown func(string) bool) (mayHold, mayFail bool) {
			mayHold, mayFail = e.Selector.Possible(l, unknown)
			if e.NotSelector != nil {
				excluded, spared := e.NotSelector.Possible(l, unknown)
				mayHold, mayFail = mayHold && spared, mayFail || excluded
			}
			return mayHold, mayFail
		})))
	case e.NotSelector != nil:
		all = append(all, Not(Or(And(t.u.IsPod(end), t.u.Selected(end, *e.NotSelector)), t.held(end, e.NotSelector.String, e.NotSelector.Possible))))
	}
	// Numbers alone at the destination are the rule's traffic.
	asked := source || named(e.Ports) || named(e.NotPorts)
	if len(e.Ports) > 0 && asked {
		all = append(all, t.ports(e.Ports, end, r, source, labels))
	}
	if len(e.NotPorts) > 0 && asked {
		all = append(all, Not(t.ports(e.NotPorts, end, r, source, labels)))
	}
	if s := e.Service; s != nil {
		if s.Namespace == "" || s.Name == "" {
			return False
		}
		all = append(all, t.behind(*s, end, source))
	}
	return And(all...)
}

// behind translates a match on a Service: whether an end stands behind it and, of a destination,
// whether the packet is for a port to which the Service leads. Of what no manifest describes, and
// of hosts, nobody knows.
func (t *translation) behind(s meaning.ServiceMatch, end End, source bool) *Formula {
	unknown := t.u.flag(end, "service "+s.Namespace+"/"+s.Name)
	labels, ports, known := t.m.Selected(s)
	if !known {
		return unknown
	}
	pods := t.u.Namespaces(end, s.Namespace)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pods = And(pods, t.u.label(end, key, selector.Test{Op: selector.OpIn, Values: []string{labels[key]}}))
	}
	if !source {
		any := []*Formula{False}
		for _, p := range ports {
			if p.Name != "" {
				any = append(any, And(t.u.Traffic(packet.Of(p.Protocol)), t.u.flag(end, portFlag(false, p.Name, p.Protocol))))
			} else {
				any = append(any, t.u.Traffic(packet.Ports(p.Protocol, p.Number, p.Number)))
			}
		}
		pods = And(pods, Or(any...))
	}
	return Or(pods, And(Not(t.u.IsPod(end)), unknown))
}

// found writes what an entity selects, to name the question about it.
func found(e *meaning.Entity) string {
	if e.NotSelector == nil {
		return e.Selector.String()
	}
	return e.Selector.String() + " and not " + e.NotSelector.String()
}

// held translates a selector for what is no pod: whether an end has an address of a network set
// that it may find or, where the end is no pod, of a host endpoint. Whether it finds a network
// set by a label of the set's namespace that is free, is open.
func (t *translation) held(end End, by func() string, finds func(selector.Labels, func(key string) bool) (mayHold, mayFail bool)) *Formula {
	if len(t.holders) == 0 {
		return False
	}
	sets, hosts := packet.AddressesOf(), packet.AddressesOf()
	open := []*Formula{False}
	for _, h := range t.holders {
		labels := setLabels{t.u, h}
		mayHold, mayFail := finds(labels, labels.isFree)
		switch {
		case !mayHold:
		case h.Host:
			hosts = hosts.Union(h.Addresses)
		case mayFail:
			open = append(open, And(t.u.Addresses(end, h.Addresses), t.u.flag(end, t.u.finding(h.Labels, by()))))
		default:
			sets = sets.Union(h.Addresses)
		}
	}
	return Or(t.u.Addresses(end, sets), And(Not(t.u.IsPod(end)), t.u.Addresses(end, hosts)), Or(open...))
}

// setLabels are the labels of a network set or host endpoint. A network set inherits those of
// its namespace: what is listed of it, and its name.
type setLabels struct {
	u *Universe
	meaning.Holder
}

// Label looks up a label of a network set or host endpoint while a selector is translated,
// inherited ones included.
func (l setLabels) Label(key string) (value string, there bool) {
	if l.Namespace != "" {
		switch of, name := meaning.LabelOf(key); of {
		case meaning.NamespaceName:
			return l.Namespace, true
		case meaning.NamespaceLabel:
			if class, listed := l.u.index[l.Namespace]; listed {
				value, there = l.u.listed[class].Labels[name]
				return value, there
			}
		}
	}
	return l.Labels.Label(key)
}

// isFree reports whether a key is that of a label of the namespace of which nothing is known:
// without a Namespace object Calico finds not even its name.
func (l setLabels) isFree(key string) bool {
	of, name := meaning.LabelOf(key)
	switch {
	case l.Namespace == "":
		return false
	case of == meaning.NamespaceName:
		_, own := l.Labels.Label(key) // as the set itself wears it
		return !l.Known && !own
	case of != meaning.NamespaceLabel:
		return false
	}
	_, listed := l.u.index[l.Namespace]
	return !l.Known || !listed || !l.u.named[name]
}

// ports translates the ports that a rule asks at one end. What a pod calls a port nobody knows of
// all pods; Calico asks those alone that the entity selects (felix/calc/rule_scanner.go).
func (t *translation) ports(ports []meaning.PortMatch, end End, r *meaning.Rule, source bool, labels *Formula) *Formula {
	any := []*Formula{False}
	var ranges []packet.Range
	for _, p := range ports {
		if p.Name == "" {
			ranges = append(ranges, packet.Range{First: uint32(p.First), Last: uint32(p.Last)})
			continue
		}
		named := And(t.u.IsPod(end), labels)
		if t.hostNames(p.Name) {
			named = Or(named, Not(t.u.IsPod(end)))
		}
		for _, protocol := range withPorts {
			if t.m.Names(r, protocol) {
				any = append(any, And(named, t.u.Traffic(packet.Of(protocol)), t.u.flag(end, portFlag(source, p.Name, protocol))))
			}
		}
	}
	numbers := packet.Join(ranges...)
	switch {
	case numbers.IsEmpty():
	case source:
		any = append(any, t.u.sourcePorts(numbers))
	default:
		var of packet.Traffic
		for _, n := range numbers.Ranges() {
			for _, p := range withPorts {
				of = of.Union(packet.Ports(p, uint16(n.First), uint16(n.Last)))
			}
		}
		any = append(any, t.u.Traffic(of))
	}
	return Or(any...)
}

var withPorts = []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP}

// hostNames reports whether a host endpoint calls one of its ports so, for which a rule's port by
// name is translated.
func (t *translation) hostNames(name string) bool {
	return slices.ContainsFunc(t.m.Hosts, func(h *meaning.Host) bool {
		return slices.ContainsFunc(h.Ports, func(p meaning.NamedPort) bool { return p.Name == name })
	})
}

// named reports whether one of a rule's ports is a name, which is no traffic of the rule's own.
func named(ports []meaning.PortMatch) bool {
	return slices.ContainsFunc(ports, func(p meaning.PortMatch) bool { return p.Name != "" })
}

// portFlag names the question into which a port by name is translated: whether the packet's port
// is one that the end calls so.
func portFlag(source bool, name string, protocol packet.Protocol) string {
	if source {
		return "source port " + name + "/" + protocol.String()
	}
	return "port " + name + "/" + protocol.String()
}

// Selected translates a selector into the formula that asks whether it selects the pod at an end.
func (u *Universe) Selected(end End, s selector.Selector) *Formula { return u.selected(end, s.Root()) }

// selected translates a node of a selector's tree, and those below it.
func (u *Universe) selected(end End, n *selector.Node) *Formula {
	switch n.Op {
	case selector.OpAll, selector.OpGlobal:
		return True
	case selector.OpNot:
		return Not(u.selected(end, &n.Kids[0]))
	case selector.OpAnd, selector.OpOr:
		kids := make([]*Formula, len(n.Kids))
		for i := range n.Kids {
			kids[i] = u.selected(end, &n.Kids[i])
		}
		if n.Op == selector.OpAnd {
			return And(kids...)
		}
		return Or(kids...)
	}
	test, holds := n.Test()
	f := u.label(end, n.Key, test)
	if !holds {
		return Not(f)
	}
	return f
}

// label translates a test of a label of a pod, by the name under which Calico's selectors know
// it, into one of the universe's variables.
func (u *Universe) label(end End, key string, t selector.Test) *Formula {
	switch of, name := meaning.LabelOf(key); of {
	case meaning.OrchestratorLabel:
		if t.Holds("k8s") {
			return True
		}
		return False
	case meaning.NamespaceName:
		return u.test(variableKey{ofNamespace, end, namespaceName}, t)
	case meaning.NamespaceLabel:
		return u.test(variableKey{ofNamespaceLabel, end, name}, t)
	case meaning.AccountName:
		return u.test(variableKey{ofLabel, end, accountName}, t)
	case meaning.AccountLabel:
		return u.test(variableKey{ofLabel, end, accountPrefix + name}, t)
	default:
		return u.test(variableKey{ofLabel, end, key}, t)
	}
}
