package explain

import (
	"slices"

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
	every    bool           // no port was named
	one      *packet.Header // the only packet, if it is about one
	words    string         // the traffic, for people
	note     string         // what a reader should know of the two together
}

// Places are where the two ends of a question are written.
type Places struct{ From, To diag.Span }

// ask resolves a question. Of one that means several pairs of ends in this world there
// are several.
func (w *World) ask(q language.Question, places Places) ([]question, diag.List) {
	var found diag.List
	sides := func(p language.Peer, at diag.Span) []side {
		all, wrong, hint := w.sides(p)
		if wrong != "" {
			found = append(found, language.Unanswerable.At(at, "%s", wrong).Suggest("%s", hint))
		}
		return all
	}
	from, to := sides(q.From.Peer, places.From), sides(q.To.Peer, places.To)
	if len(found) > 0 {
		return nil, found
	}
	var all []question
	for _, t := range to {
		asked := question{to: t}
		if wrong, hint := asked.ports(q.Port); wrong != "" {
			return nil, append(found, language.Unanswerable.At(places.To, "%s", wrong).Suggest("%s", hint))
		}
		if asked.every && t.exact && isIPv6(t.shown[0].Addr) {
			asked.note = "every port is meant; one of them is written after brackets, [" + t.name + "]:443"
		}
		for _, f := range from {
			asked.from = f
			if f.name == t.name && !f.set {
				asked.note = "what one pod sends to itself meets no policy; this is about two pods that look like " + f.name
			}
			all = append(all, asked)
		}
	}
	return all, nil
}

// ports finds out which traffic is asked about.
func (q *question) ports(ref *language.PortRef) (wrong, hint string) {
	var ports []plan.Port
	switch {
	case ref == nil:
		q.every, q.traffic, q.words = true, packet.Anything(), "on every port"
		return "", ""
	case ref.Name == "":
		ports = ref.Ports
	default:
		var known []string
		for _, p := range q.to.ports {
			if known = append(known, p.Name); p.Name == ref.Name {
				ports = append(ports, p.Ports...)
			}
		}
		if len(ports) == 0 {
			hint = "write the port's number"
			if near := diag.Nearest(ref.Name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return q.to.name + " has no port called " + ref.Name, hint
		}
	}
	q.traffic = plan.PacketsOn(ports)
	q.words = q.traffic.String()
	if p := ports[0]; len(ports) == 1 && p.First == p.Last && p.Protocol != plan.Any {
		if h, ok := q.traffic.Witness(); ok && h.Protocol.HasPorts() {
			q.one = &h
		}
	}
	return "", ""
}

// sides are what a peer means.
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
		if w.Peer == nil {
			return nil, "manifests have no @names", "write the addresses: 192.0.2.0/24 -> shop/cart:80"
		}
		return w.platformPeer(p.Name)
	}
	if p.Namespace == "" {
		return nil, quoted(p.Name) + " has no namespace", w.nearest(p.Name)
	}
	name := p.Namespace + "/" + p.Name
	if w.Plan != nil {
		for i := range w.Plan.Workloads {
			if wl := &w.Plan.Workloads[i]; wl.Ref() == name {
				return []side{w.workload(wl)}, "", ""
			}
		}
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

func (w *World) platformPeer(name string) (all []side, wrong, hint string) {
	ends, found := w.Peer(name)
	for _, d := range found {
		return nil, d.Message, d.Hint
	}
	for _, e := range ends {
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

// exactly is one endpoint or address.
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

// pods is a set of pods.
func (w *World) pods(name string, set plan.Pods) side {
	return side{name: name, set: true, ends: func() []end { return w.inSet(set) }}
}

// workload is the pods of an intent: those that manifests describe stand for them.
func (w *World) workload(wl *plan.Workload) side {
	n, _ := w.Plan.Namespace(wl.Namespace)
	if wl.HostNetwork {
		s := w.exactly(wl.Ref(), meaning.Pod(&meaning.Endpoint{Namespace: wl.Namespace, Name: wl.Name, NamespaceLabels: n.Labels, HostNetwork: true}))
		s.ports = wl.Ports
		return s
	}
	set := plan.Pods{Namespace: wl.Namespace, Selector: wl.Selector}
	if n.Pattern {
		set.Namespace, set.Namespaces = "", n.PatternSelector()
	}
	s := w.pods(wl.Ref(), set)
	s.set, s.ports = false, wl.Ports
	for _, e := range w.Pods {
		if !e.HostNetwork && set.Matches(e.Namespace, e.NamespaceLabels, e.Labels) {
			s.shown = append(s.shown, meaning.Pod(e))
		}
	}
	return s
}

func (w *World) namespaces() []string {
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
	return diag.SortedKeys(known)
}

func suggestion(word string, known []string, otherwise string) string {
	if near := diag.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}
