package resolve

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// claim is what one line says of one pair of ends.
type claim struct {
	from, to party
	ports    []plan.Port
	line     *line
	at       int            // the place among what the line claims
	home     *plan.Workload // nil for the Platform
}

// span is the place of the peer that a claim's line names: a line may name many.
func (c *claim) span() diag.Span {
	if far := c.far(); !far.span.IsZero() {
		return far.span
	}
	return c.line.span
}

// origin makes the record of which line asked for a flow, at the place of the peer that it names,
// with why and until when.
func (c *claim) origin(ports []plan.Port) plan.Origin {
	terms := c.line.terms
	o := plan.Origin{Span: c.span(), Why: terms.Why.Value, Ticket: terms.Ticket.Value, Until: string(terms.Until.Value), Ports: plan.NormalPorts(ports), Outbound: c.line.from == nil}
	if c.home != nil {
		o.Intent = c.home.Ref()
	}
	return o
}

// far returns the end of a flow that the line names, not that of the intent it stands in.
func (c *claim) far() *party {
	if c.line.from == nil {
		return &c.to
	}
	return &c.from
}

// flows turns lines into flows: it pairs their ends, asks who must agree, and
// merges lines that say the same.
func (s *resolver) flows(lines []line, exists []bool) {
	claims := make([]claim, 0, len(lines))
	answers := acceptances{}
	for i := range lines {
		var here bool
		claims, here = s.claims(claims, &lines[i])
		exists[i] = exists[i] || here
		if len(claims) > mostPairs {
			s.add(language.TooMuch(lines[i].span, fmt.Sprintf("the lines mean more than %d pairs of ends", mostPairs), "name a set of workloads instead of each of them"))
			return
		}
	}
	for i := range claims {
		answers.add(s, &claims[i])
	}
	s.plan.Flows = slices.Grow(s.plan.Flows, len(claims))
	// The Platform's flows stay apart: they hold in namespaces that nobody listed.
	type pairing struct {
		from, to string
		platform bool
	}
	byPair := make(map[pairing]int, len(claims))
	for i := range claims {
		c := &claims[i]
		ports := s.agreed(c, answers)
		if len(ports) == 0 {
			continue
		}
		t := s.tell(c, ports)
		pair := pairing{c.from.end.Name, c.to.end.Name, c.home == nil}
		known, merged := byPair[pair]
		if !merged {
			byPair[pair] = len(s.plan.Flows)
			s.plan.Flows = append(s.plan.Flows, plan.Flow{From: c.from.end, To: c.to.end, Ports: t.ports, Origins: t.origins})
			continue
		}
		f := &s.plan.Flows[known]
		f.Ports = plan.NormalPorts(slices.Concat(f.Ports, ports))
		f.Origins = append(f.Origins, t.origins...) // there is no room in what is told but for it
	}
}

// claims resolves one line into the pairs of ends between which it claims flows, and puts them
// behind those of other lines. It is here if the line, its workload and at least one pair of ends
// exist in this environment. Namespaces of one pattern are told apart by nothing here: what stays
// within each, as a bare name does, is claimed of the one for which is built, and of none of the
// others with it.
func (s *resolver) claims(all []claim, l *line) (more []claim, here bool) {
	if !s.in(l.terms.In) {
		return all, false
	}
	var home *plan.Workload
	namespace := ""
	if l.home != nil {
		i, ok := s.workloads[l.home.ref()]
		if !ok {
			return all, false
		}
		home = &s.plan.Workloads[i]
		namespace = home.Namespace
	}
	ends := func(written []language.At[language.Peer]) []party {
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
		s.add(language.MissingField.At(l.span, "the line names no port").Suggest("name the ports that it needs; everything is [any]"))
	}
	for _, p := range l.terms.Ports {
		if slices.ContainsFunc(p.Value.Ports, plan.Port.IsICMP) {
			s.requireCalico(p.Span, "a line on ICMP")
		}
	}
	froms, tos := ends(l.from), ends(l.to)
	within := false
	if n, ok := s.plan.Namespace(namespace); ok {
		within = n.Pattern
	}
	more = all
	for _, to := range tos {
		for _, target := range s.ports(l.terms.Ports, to) {
			for _, from := range froms {
				if within && (from.bare || to.bare) {
					here = true
					continue
				}
				more = append(more, claim{from: from, to: target.to, ports: target.ports, line: l, at: len(more) - len(all), home: home})
			}
		}
	}
	// An @name that has nobody here makes its lines not exist; that is no mistake.
	isNamed := func(p language.At[language.Peer]) bool { return p.Value.Kind == language.NamedPeer }
	named := slices.ContainsFunc(l.from, isNamed) || slices.ContainsFunc(l.to, isNamed)
	return more, here || len(more) > len(all) || named && (len(froms) == 0 || len(tos) == 0)
}

// checkUsedBy complains of a line of an intent with an @name whose usedBy does not list the
// workload.
func (s *resolver) checkUsedBy(written []language.At[language.Peer], w plan.Workload) {
	for _, p := range written {
		for _, e := range s.Platform.Spec.Peers {
			if p.Value.Kind == language.NamedPeer && string(e.Key.Value) == p.Value.Name && !mayName(e.Value, w) {
				s.add(notYours.At(p.Span, "%s may not name @%s", w.Ref(), p.Value.Name).See(e.Key.Span, "its usedBy does not list %s", w.Ref()).
					Suggest("ask %s to add %s to usedBy", ownerOr(e.Value.Owner.Value), w.Ref()).CausedBy("@" + p.Value.Name))
			}
		}
	}
}

// ownerOr returns whom to ask about an @name: its owner, or the Platform's.
func ownerOr(owner string) string {
	if owner == "" {
		return "the Platform's owners"
	}
	return owner
}

// told is what a line told of one of the pairs of ends that it claims.
type told struct {
	ports   []plan.Port
	origins []plan.Origin // one
}

// tell returns the ports of a claim's flow and its origin, those that were told before where they are the
// same.
func (s *resolver) tell(c *claim, ports []plan.Port) told {
	if s.common == nil {
		return told{ports, []plan.Origin{c.origin(ports)}}
	}
	l := c.line
	for len(l.told) <= c.at {
		l.told = append(l.told, told{})
	}
	t := &l.told[c.at]
	if t.origins == nil || t.origins[0].Span != c.span() || !slices.Equal(t.ports, ports) {
		*t = told{ports, []plan.Origin{c.origin(ports)}}
	}
	return *t
}
