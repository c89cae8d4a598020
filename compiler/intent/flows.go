package intent

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// claim is what one line says of one pair of ends.
type claim struct {
	from, to party
	ports    []plan.Port
	line     *line
	home     *plan.Workload // nil for the Platform
}

func (c claim) origin(ports []plan.Port) plan.Origin {
	terms := c.line.terms
	o := plan.Origin{Span: c.line.span, Why: terms.Why.Value, Ticket: terms.Ticket.Value, Until: string(terms.Until.Value), Ports: plan.NormalPorts(ports), Outbound: c.line.from == nil}
	if c.home != nil {
		o.Intent = c.home.Ref()
	}
	// The peer is the better place to point at: a line may name many.
	if far := c.far(); !far.span.IsZero() {
		o.Span = far.span
	}
	return o
}

// far is the end that the line names.
func (c claim) far() party {
	if c.line.from == nil {
		return c.to
	}
	return c.from
}

// flows turns lines into flows: it pairs their ends, asks who must agree, and
// merges lines that say the same.
func (s *resolver) flows(lines []line, exists []bool) {
	var claims []claim
	answers := acceptances{}
	for i := range lines {
		made, here := s.claims(&lines[i])
		claims = append(claims, made...)
		exists[i] = exists[i] || here
		if len(claims) > mostPairs {
			s.add(tooMuch(lines[i].span, fmt.Sprintf("the lines mean more than %d pairs of ends", mostPairs), "name a set of workloads instead of each of them"))
			return
		}
	}
	for _, c := range claims {
		answers.add(s, c)
	}
	// The Platform's flows stay apart: they hold in namespaces that nobody listed.
	type pairing struct {
		from, to string
		platform bool
	}
	byPair := map[pairing]int{}
	for _, c := range claims {
		ports := s.agreed(c, answers)
		if len(ports) == 0 {
			continue
		}
		pair := pairing{c.from.end.Name, c.to.end.Name, c.home == nil}
		i, merged := byPair[pair]
		if !merged {
			byPair[pair] = len(s.plan.Flows)
			s.plan.Flows = append(s.plan.Flows, plan.Flow{From: c.from.end, To: c.to.end, Ports: ports, Origins: []plan.Origin{c.origin(ports)}})
			continue
		}
		f := &s.plan.Flows[i]
		f.Ports = plan.NormalPorts(slices.Concat(f.Ports, ports))
		f.Origins = append(f.Origins, c.origin(ports))
	}
}

// claims resolves one line. It is here if the line, its workload and at least one
// pair of ends exist in this environment.
func (s *resolver) claims(l *line) (made []claim, here bool) {
	if !s.in(l.terms.In) {
		return nil, false
	}
	var home *plan.Workload
	namespace := ""
	if l.home != nil {
		i, ok := s.workloads[l.home.ref()]
		if !ok {
			return nil, false
		}
		home = &s.plan.Workloads[i]
		namespace = home.Namespace
	}
	ends := func(written []At[Peer]) []party {
		if written == nil {
			return []party{s.workloadParty(home, diag.Span{})}
		}
		parties := s.peers(written, namespace)
		if home != nil {
			s.checkUsedBy(written, *home)
		}
		return parties
	}
	if l.terms.Ports != nil && len(l.terms.Ports) == 0 {
		s.add(missingField.At(l.span, "the line names no port").Suggest("name the ports that it needs; everything is [any]"))
	}
	for _, p := range l.terms.Ports {
		if slices.ContainsFunc(p.Value.Ports, plan.Port.IsICMP) {
			s.requireCalico(p.Span, "a line on ICMP")
		}
	}
	froms, tos := ends(l.from), ends(l.to)
	for _, to := range tos {
		for _, target := range s.ports(l.terms.Ports, to) {
			for _, from := range froms {
				made = append(made, claim{from: from, to: target.to, ports: target.ports, line: l, home: home})
			}
		}
	}
	// An @name that has nobody here makes its lines not exist; that is no mistake.
	named := slices.ContainsFunc(slices.Concat(l.from, l.to), func(p At[Peer]) bool { return p.Value.Kind == NamedPeer })
	return made, len(made) > 0 || named && (len(froms) == 0 || len(tos) == 0)
}

func (s *resolver) checkUsedBy(written []At[Peer], w plan.Workload) {
	for _, p := range written {
		for _, e := range s.spec.Peers {
			if p.Value.Kind == NamedPeer && string(e.Key.Value) == p.Value.Name && !mayName(e.Value, w) {
				s.add(notYours.At(p.Span, "%s may not name @%s", w.Ref(), p.Value.Name).See(e.Key.Span, "its usedBy does not list %s", w.Ref()).
					Suggest("ask %s to add %s to usedBy", ownerOr(e.Value.Owner.Value), w.Ref()))
			}
		}
	}
}

func ownerOr(owner string) string {
	if owner == "" {
		return "the Platform's owners"
	}
	return owner
}

// target is a destination with the ports that a line reaches on it.
type target struct {
	to    party
	ports []plan.Port
}

// ports gives a line's port list its meaning on one destination. To a set, a name
// means each workload in the set that declares it, and a number any pod.
func (s *resolver) ports(list []At[PortRef], to party) []target {
	switch {
	case to.workload != nil:
		return s.workloadPorts(list, to)
	case to.set():
		return s.setPorts(list, to)
	}
	var all []plan.Port
	for _, p := range list {
		switch {
		case p.Value.Name == "":
			all = append(all, p.Value.Ports...)
		case to.named != nil:
			declared := map[string][]plan.Port{}
			for _, e := range to.named.Ports {
				declared[string(e.Key.Value)] = portNumbers(e.Value)
			}
			if ports, ok := declared[p.Value.Name]; ok {
				all = append(all, ports...)
				continue
			}
			s.add(suggestName(unknownPort.At(p.Span, "%s declares no port called %s", to.end.Name, p.Value.Name),
				p.Span, p.Value.Name, diag.SortedKeys(declared), "its ports are"))
		default:
			s.add(unknownPort.At(p.Span, "addresses have no port called %s", p.Value.Name).
				Suggest("write the number, or give the addresses a name with ports in the Platform's peers"))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []target{{to, plan.NormalPorts(all)}}
}

func (s *resolver) workloadPorts(list []At[PortRef], to party) []target {
	w := to.workload
	if s.misread[w.Ref()] {
		return nil // the port may stand where its intent has a mistake
	}
	var all, declared []plan.Port
	var known []string
	for _, p := range w.Ports {
		known = append(known, p.Name)
		declared = append(declared, p.Ports...)
	}
	for _, p := range list {
		i := slices.IndexFunc(w.Ports, func(d plan.NamedPort) bool { return d.Name == p.Value.Name })
		switch {
		case p.Value.Name != "" && i >= 0:
			all = append(all, w.Ports[i].Ports...)
		case p.Value.Name != "":
			s.add(suggestName(unknownPort.At(p.Span, "%s declares no port called %s", w.Ref(), p.Value.Name).See(w.Span, "%s is described here", w.Ref()),
				p.Span, p.Value.Name, known, "its ports are"))
		case p.Value.portless() || len(plan.SubtractPorts(p.Value.Ports, declared)) == 0:
			all = append(all, p.Value.Ports...)
		default:
			s.add(unknownPort.At(p.Span, "%s does not listen on %s", w.Ref(), plan.FormatPorts(p.Value.Ports)).See(w.Span, "%s is described here", w.Ref()).
				Because("policy sees the pod's own port; a Service's is translated before").
				Suggest("a Service's port? The pods listen on %s", listed(describePorts(w.Ports), "and")))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []target{{to, plan.NormalPorts(all)}}
}

func describePorts(ports []plan.NamedPort) []string {
	all := make([]string, len(ports))
	for i, p := range ports {
		all[i] = fmt.Sprintf("%s (%s)", p.Name, plan.FormatPorts(p.Ports))
	}
	return all
}

func (s *resolver) setPorts(list []At[PortRef], to party) []target {
	var numbers []plan.Port
	var all []target
	for _, p := range list {
		if p.Value.Name == "" {
			numbers = append(numbers, p.Value.Ports...)
			continue
		}
		before := len(all)
		for i := range s.plan.Workloads {
			w := &s.plan.Workloads[i]
			member := s.workloadParty(w, to.span)
			declared := slices.IndexFunc(w.Ports, func(d plan.NamedPort) bool { return d.Name == p.Value.Name })
			if declared >= 0 && s.inSet(w, *to.end.Pods) {
				all = append(all, target{member, w.Ports[declared].Ports})
			}
		}
		if len(all) == before {
			s.add(unknownPort.At(p.Span, "no workload in %s declares a port called %s", to.end.Name, p.Value.Name).
				Suggest("write the number, which any pod of the set may listen on, or declare the port in the intents that are meant"))
		}
	}
	if len(numbers) > 0 {
		all = append(all, target{to, plan.NormalPorts(numbers)})
	}
	return all
}

// inSet reports whether a workload's pods are all in a set.
func (s *resolver) inSet(w *plan.Workload, set plan.Pods) bool {
	pods := s.pods(w.Namespace)
	return s.namespaceWithin(pods, set) && implies(w.Selector, set.Selector)
}

// agreed is what of a claim both sides stand by.
func (s *resolver) agreed(c claim, answers acceptances) []plan.Port {
	if c.home == nil || !c.from.pods() || !c.to.pods() {
		return c.ports // the Platform asks nobody, and addresses cannot be asked
	}
	from, to := c.from.namespace, c.to.namespace
	if from == to && from != "" {
		return c.ports
	}
	mode := s.handshake(c.from, c.to)
	if mode == Either || c.far().set() && !s.anyHeld(*c.far().end.Pods) {
		return c.ports
	}
	outbound := c.line.from == nil
	if far := c.far(); far.set() {
		if !outbound && mode == Callee {
			return c.ports // who may call is the callee's own business
		}
		s.add(setCannotAccept.At(far.span, "%s cannot agree to this flow", far.end.Name).
			Because("a set has no intent in which its owners could accept, and the handshake between the namespaces is %s", handshakeNames[mode]).
			Suggest("name the workloads one by one, or ask the platform team for handshake: either or a Platform flow"))
		return nil
	}
	if outbound && !s.held[to] || !outbound && mode == Both && !s.held[from] {
		return c.ports // nobody there is held to anything, so nobody need accept
	}
	if !outbound && mode == Callee {
		return c.ports
	}
	accepted := answers.of(s, c, mode)
	other := c.far().workload
	if missing := plan.SubtractPorts(c.ports, accepted); len(missing) > 0 && (other == nil || !s.misread[other.Ref()]) {
		s.add(s.oneSided(c, missing, outbound, mode))
	}
	if outbound && mode == Callee {
		return nil // the callee's own line opens it
	}
	return plan.IntersectPorts(c.ports, accepted)
}

var handshakeNames = map[Handshake]string{Either: "either", Callee: "callee", Both: "both"}

// handshake is the stricter of two namespaces' settings; a set over many
// namespaces is held to the strictest that it could meet.
func (s *resolver) handshake(from, to party) Handshake {
	mode := Either
	for _, p := range []party{from, to} {
		if p.namespace != "" {
			mode = max(mode, s.handshakes[p.namespace])
			continue
		}
		for _, n := range s.plan.Namespaces {
			if s.held[n.Name] && p.end.Pods.In(n) {
				mode = max(mode, s.handshakes[n.Name])
			}
		}
	}
	return mode
}

func (s *resolver) anyHeld(set plan.Pods) bool {
	return slices.ContainsFunc(s.plan.Namespaces, func(n plan.Namespace) bool { return s.held[n.Name] && set.In(n) })
}

// acceptances are the claims that can answer another one: by the workload whose
// intent makes them, and by whether they ask for a way out.
type acceptances map[acceptor][]claim

type acceptor struct {
	workload string
	outbound bool
}

func (a acceptances) add(s *resolver, c claim) {
	if c.home != nil {
		key := acceptor{s.identity(c.home), c.line.from == nil}
		a[key] = append(a[key], c)
	}
}

// of is what the other side's lines say of the same pair.
func (a acceptances) of(s *resolver, c claim, mode Handshake) []plan.Port {
	outbound := c.line.from == nil
	asked, asking := c.to.workload, c.from.workload
	if !outbound {
		asked, asking = asking, asked
	}
	var ports []plan.Port
	for _, other := range a[acceptor{s.identity(asked), !outbound}] {
		far := other.far()
		named := far.workload != nil && asking != nil && s.identity(far.workload) == s.identity(asking)
		if named || mode != Both && far.set() && asking != nil && s.inSet(asking, *far.end.Pods) {
			ports = append(ports, other.ports...)
		}
	}
	return ports
}

// oneSided says what the other side must write.
func (s *resolver) oneSided(c claim, missing []plan.Port, outbound bool, mode Handshake) diag.Diagnostic {
	other, field, key, named := c.to.workload, "inbound", "from", c.from.end.Name
	verb := "accepted"
	if !outbound {
		other, field, key, named = c.from.workload, "outbound", "to", c.to.end.Name
		verb = "asked for"
	}
	terms := yamltext.Map{{Key: key, Value: named}, {Key: "ports", Value: s.portWords(*c.to.workload, missing)}}
	if len(c.line.terms.In) > 0 {
		terms = append(terms, yamltext.Field{Key: "in", Value: yamltext.Strings(wordsOf(c.line.terms.In))})
	}
	paste := "- " + yamltext.Line(terms)
	return oneSided.At(c.far().span, "%s has not %s %s → %s on %s", other.Ref(), verb, c.from.end.Name, c.to.end.Name, plan.FormatPorts(missing)).
		Because("the handshake between namespaces %s and %s is %s", c.from.workload.Namespace, c.to.workload.Namespace, handshakeNames[mode]).
		See(other.Span, "%s is described here", other.Ref()).
		Suggest("add to spec.%s of %s:\n\n    %s", field, other.Ref(), paste)
}

// portWords writes ports by the destination's names where it has one.
func (s *resolver) portWords(w plan.Workload, ports []plan.Port) yamltext.List {
	var words yamltext.List
	for _, p := range ports {
		word := portValue(p.String())
		for _, d := range w.Ports {
			if len(d.Ports) == 1 && d.Ports[0] == p {
				word = d.Name
			}
		}
		words = append(words, word)
	}
	return words
}
