package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// side is one end of a question.
type side struct {
	name string
	// shown are those of its members that stand for all, if some are known by name. An
	// exact side has no other members.
	shown []meaning.Peer
	exact bool
	set   bool // no name of one pod, workload or address
	ends  func() []end
	ports []plan.NamedPort // that it listens on
	note  string           // what a reader should know of the name
}

// question is what was asked, with every name resolved.
type question struct {
	from, to side
	traffic  packet.Traffic
	source   uint16         // port of the packets; zero is any
	family   int            // of the packets; zero is any
	every    bool           // no port was named, or every one of a protocol
	one      *packet.Header // the only packet, if it is about one
	words    string         // the traffic, for people
	note     string         // what a reader should know of the two together
	number   int            // in a list, from 1
	missing  []Missing      // why there is no answer
}

// ask resolves the names of a question that was read from a text. Of one that means several pairs
// of ends in this world there are several.
func (w *World) ask(text string, q language.Question) []question {
	from, to, _ := strings.Cut(text, "->")
	unanswered := question{from: side{name: strings.TrimSpace(from)}, to: side{name: strings.TrimSpace(to)}}
	sides := func(p language.Peer, what string) []side {
		all, wrong, hint := w.sides(p)
		if wrong != "" {
			unanswered.missing = append(unanswered.missing, Missing{what, wrong, hint})
		}
		return all
	}
	several := func(e language.Ends, what string) []side {
		s, wrong, hint := w.several(e, unanswered.named(what))
		if wrong != "" {
			unanswered.missing = append(unanswered.missing, Missing{what, wrong, hint})
		}
		return []side{s}
	}
	var senders, receivers []side
	if q.Ends[0].Of != nil {
		unanswered.to.name = w.cutPorts(unanswered.to.name, q)
		senders, receivers = several(q.Ends[0], "from"), several(q.Ends[1], "to")
	} else {
		senders, receivers = sides(q.From.Peer, "from"), sides(q.To.Peer, "to")
	}
	if len(unanswered.missing) > 0 {
		return []question{unanswered}
	}
	var all []question
	for _, t := range receivers {
		asked := question{to: t, source: q.SourcePort, family: q.Family}
		if q.Ports == nil && q.Beside.IsEmpty() {
			asked.about(packet.Anything())
		} else if wrong, hint := asked.ports(q.Ports, nil, q.Beside); wrong != "" {
			unanswered.missing = []Missing{{"ports", wrong, hint}}
			return []question{unanswered}
		}
		if asked.every && t.exact && isIPv6(t.shown[0].Addr) {
			asked.note = "every port is meant; one of them is written after brackets, [" + t.name + "]:443"
		}
		for _, f := range senders {
			asked.from = f
			if f.name == t.name && !f.set {
				asked.note = "what one pod sends to itself meets no policy; this is about two pods that look like " + f.name
			}
			all = append(all, asked)
		}
	}
	return all
}

// isIPv6 reports whether an end that a question names by its address is of IPv6.
func isIPv6(a netip.Addr) bool { return a.IsValid() && !a.Unmap().Is4() }

// listed resolves the names of one question of a list.
func (w *World) listed(l *language.Listed) question {
	q := question{}
	end := func(name, what string) side {
		p, wrong, hint := w.peer(name)
		if wrong != "" {
			q.missing = append(q.missing, Missing{what, wrong, hint})
			return side{name: name}
		}
		return w.exactly(name, p)
	}
	q.from, q.to = end(l.From, "from"), end(l.To, "to")
	if len(q.missing) > 0 {
		return q
	}
	if wl := w.planned(l.To); wl != nil {
		q.to.ports = wl.Ports
	}
	q.source = l.SourcePort
	switch {
	case l.Message != nil:
		h := packet.Header{Protocol: packet.ICMP, Type: l.Message.Type, Code: l.Message.Code}
		switch {
		case l.Protocol != nil:
			h.Protocol = *l.Protocol
		case isIPv6(q.from.shown[0].Addr) || isIPv6(q.to.shown[0].Addr):
			h.Protocol = packet.ICMPv6
		}
		q.about(packet.One(h))
	case l.Ports != nil:
		if wrong, hint := q.ports(l.Ports, l.Protocol, packet.Traffic{}); wrong != "" {
			q.missing = append(q.missing, Missing{"ports", wrong, hint})
		}
	case l.Protocol != nil:
		q.about(packet.Of(*l.Protocol))
	default:
		q.about(packet.Anything())
	}
	return q
}

// about sets which traffic a question asks about, and its words for people.
func (q *question) about(t packet.Traffic) {
	q.traffic, q.words = t, t.String()
	h, _ := t.Witness()
	switch {
	case t.Equal(packet.Anything()):
		q.every, q.words = true, "on every port"
	case t.Equal(packet.One(h)):
		q.one, q.words = &h, h.String()
	default:
		q.every = t.Equal(packet.Of(h.Protocol))
	}
	if q.source > 0 && t.Overlaps(withPorts) {
		q.words += fmt.Sprintf(" from port %d", q.source)
	}
}

// withPorts is the traffic of which a rule may name ports.
var withPorts = packet.Of(packet.TCP).Union(packet.Of(packet.UDP)).Union(packet.Of(packet.SCTP))

// ports finds out which traffic a question asks about by ports, of a protocol if one is given.
func (q *question) ports(refs []language.PortRef, only *packet.Protocol, beside packet.Traffic) (wrong, hint string) {
	of := packet.Anything()
	if only != nil {
		of = packet.Of(*only)
	}
	if only != nil && !only.HasPorts() { // whose ports no policy names
		q.about(of)
		return "", ""
	}
	all := beside
	for _, ref := range refs {
		traffic := plan.PacketsOn(ref.Ports)
		if ref.Name != "" {
			var known []string
			for _, p := range q.to.ports {
				if known = append(known, p.Name); p.Name == ref.Name {
					traffic = traffic.Union(plan.PacketsOn(p.Ports))
				}
			}
			if traffic = traffic.Intersect(of); traffic.IsEmpty() {
				wrong := q.to.name + " has no port called " + ref.Name
				if only != nil {
					wrong += " on " + only.String()
				}
				return wrong, suggestion(ref.Name, slices.DeleteFunc(known, func(name string) bool { return name == ref.Name }), "write the port's number")
			}
		}
		all = all.Union(traffic)
	}
	q.about(all)
	return "", ""
}

// sides resolves a peer of a question to the sides that it means in this world.
func (w *World) sides(p language.Peer) (all []side, wrong, hint string) {
	switch p.Kind {
	case language.AddressPeer:
		r := p.Addresses.CIDR.Value.Prefix
		if r.IsSingleIP() {
			return []side{w.exactly(r.Addr().String(), w.at(r.Addr()))}, "", ""
		}
		return []side{{name: r.String(), set: true, ends: func() []end { return w.inRanges(packet.AddressesOf(r)) }}}, "", ""
	case language.SetPeer:
		pods := plan.Pods{Namespace: p.Namespace}
		if p.Namespace == "*" {
			pods.Namespace = ""
		} else if names := w.namespaces(); !slices.Contains(names, p.Namespace) {
			return nil, "there is no namespace called " + quoted(p.Namespace), suggestion(p.Namespace, names, "write namespace/*, or */* for every pod")
		}
		return []side{w.pods(p.Namespace+"/*", pods)}, "", ""
	case language.NamedPeer:
		if w.Plan == nil {
			return nil, "manifests have no @names", "write the addresses: 192.0.2.0/24 -> shop/cart:80"
		}
		return w.platformPeer(p.Name)
	}
	if p.Namespace == "" {
		return nil, quoted(p.Name) + " has no namespace", w.nearest(p.Name)
	}
	name := p.Namespace + "/" + p.Name
	if wl := w.planned(name); wl != nil {
		return []side{w.workload(wl)}, "", ""
	}
	found := w.named(name)
	if len(found) == 0 {
		return nil, "there is no pod or workload called " + quoted(name), w.nearest(name)
	}
	s := w.exactly(name, meaning.Pod(found[0]))
	if len(found) > 1 {
		s.note = name + " is several objects; the " + found[0].Object.Kind + " is meant"
	}
	return []side{s}, "", ""
}

// platformPeer resolves an @name of a question to its members in the environment: sets of pods and
// ranges of addresses.
func (w *World) platformPeer(name string) (all []side, wrong, hint string) {
	named := w.Peers[name]
	if named.Wrong != "" {
		return nil, named.Wrong, named.Hint
	}
	for _, e := range named.Ends {
		if e.Pods != nil {
			all = append(all, w.pods(e.Name, *e.Pods))
			continue
		}
		ranges := packet.AddressesOf(plan.Ranges(e.Blocks)...)
		all = append(all, side{name: e.Name, set: true, ends: func() []end { return w.inRanges(ranges) }})
	}
	if len(all) == 0 {
		return nil, "@" + name + " has nobody in the environment " + w.Environment, "choose an environment in which it has by --env"
	}
	return all, "", ""
}

// exactly makes the side of a question that is one endpoint or address.
func (w *World) exactly(name string, p meaning.Peer) side {
	s := side{name: name, shown: []meaning.Peer{p}, exact: true, ends: func() []end { return w.only(p) }}
	if p.Endpoint == nil {
		return s
	}
	if s.name != p.Endpoint.Ref() {
		s.note = name + " is an address of " + p.Endpoint.Ref()
	}
	for _, port := range p.Endpoint.Ports {
		s.ports = append(s.ports, plan.NamedPort{Name: port.Name, Ports: []plan.Port{{Protocol: plan.Protocol(port.Protocol.String()), First: port.Number, Last: port.Number}}})
	}
	if p.Endpoint.HostNetwork {
		s.note = p.Endpoint.Ref() + " is on the host's network: no policy selects it, and to others it is its node"
	}
	return s
}

// pods makes the side of a question that is a set of pods.
func (w *World) pods(name string, set plan.Pods) side {
	return side{name: name, set: true, ends: func() []end { return w.inSet(set) }}
}

// workload makes the side of a question that is the pods of an intent: those that manifests
// describe stand for them.
func (w *World) workload(wl *plan.Workload) side {
	n, _ := w.Plan.Namespace(wl.Namespace)
	if wl.HostNetwork {
		s := w.exactly(wl.Ref(), meaning.Pod(&meaning.Endpoint{Namespace: wl.Namespace, Name: wl.Name, NamespaceLabels: n.Labels, HostNetwork: true}))
		s.ports = wl.Ports
		return s
	}
	set := w.podsOf(wl)
	s := w.pods(wl.Ref(), set)
	s.set, s.ports = false, wl.Ports
	for _, e := range w.podsIn(set.Namespace) {
		if !e.HostNetwork && set.Matches(e.Namespace, e.NamespaceLabels, e.Labels) {
			s.shown = append(s.shown, meaning.Pod(e))
		}
	}
	return s
}

// podsOf returns the set of a workload's pods, about which a question asks by its name.
func (w *World) podsOf(wl *plan.Workload) plan.Pods {
	if n, _ := w.Plan.Namespace(wl.Namespace); n.Pattern {
		return plan.Pods{Namespaces: n.PatternSelector(), Selector: wl.Selector}
	}
	return plan.Pods{Namespace: wl.Namespace, Selector: wl.Selector}
}

// namespaces lists the namespaces that anything is known of, among which a question may name one.
func (w *World) namespaces() []string {
	if w.spaces != nil {
		return w.spaces
	}
	known := map[string]bool{}
	for _, e := range w.Pods {
		known[e.Namespace] = true
	}
	for _, o := range w.Set.All() {
		if o.ID.Kind == "Namespace" && o.ID.Group == "" {
			known[o.ID.Name] = true
		}
		known[o.ID.Namespace] = true
	}
	if w.Plan != nil {
		for _, n := range w.Plan.Namespaces {
			known[n.Name] = true
		}
	}
	delete(known, "")
	w.spaces = diag.SortedKeys(known)
	return w.spaces
}

// suggestion offers the known name nearest to a question's word, or else other advice.
func suggestion(word string, known []string, otherwise string) string {
	if near := diag.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}

// named returns what the text of a question calls one of its sides.
func (q *question) named(what string) string {
	if what == "from" {
		return q.from.name
	}
	return q.to.name
}
