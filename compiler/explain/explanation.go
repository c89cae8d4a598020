package explain

import (
	"fmt"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Explanation is the answer to a question, for people.
type Explanation struct {
	Environments []string // in which it is the same answer; empty for manifests
	Allowed      bool     // all that was asked about, for certain
	Lines        []Line
}

// Line is one line of an answer.
type Line struct {
	Indent int
	Text   string
	At     diag.Span // shown with its source below the text; zero for a line of text alone
	Near   diag.Span // shown behind the text, in parentheses
}

// Change is what turns a verdict: one line that says which, and what to paste.
type Change struct {
	Text  string
	Lines []Line
}

// page collects lines.
type page struct{ lines []Line }

func (p *page) add(indent int, format string, args ...any) {
	p.lines = append(p.lines, Line{Indent: indent, Text: fmt.Sprintf(format, args...)})
}

func (p *page) near(at diag.Span, indent int, format string, args ...any) {
	p.lines = append(p.lines, Line{Indent: indent, Text: fmt.Sprintf(format, args...), Near: at})
}

// Explain answers a question. Of one that means several pairs of ends there are several
// answers. The places are for what is wrong with it.
func (w *World) Explain(q language.Question, at Places) ([]Explanation, diag.List) {
	asked, found := w.ask(q, at)
	if len(found) > 0 {
		return nil, found
	}
	var all []Explanation
	for i := range asked {
		e := w.explain(&asked[i])
		if w.Environment != "" {
			e.Environments = []string{w.Environment}
		}
		all = append(all, e)
	}
	return all, nil
}

// outcomes in words.
var outcomes = map[meaning.Outcome]string{meaning.Allowed: "allowed", meaning.Denied: "denied", meaning.Unknown: "not known"}

func (w *World) explain(q *question) Explanation {
	var p page
	flow := fmt.Sprintf("%s -> %s %s", q.from.name, q.to.name, q.words)
	a := w.find(q)
	examples := a.examples
	single := q.one != nil && !q.from.set && !q.to.set
	switch {
	case len(examples) == 0:
		if nobody := w.nobody(q); nobody != "" {
			p.add(0, "%s: %s", outcomes[meaning.Unknown], flow)
			p.add(0, "%s: name the pod or its workload.", upperFirst(nobody))
			return Explanation{Lines: p.lines}
		}
		p.add(0, "no packet: %s", flow)
		p.add(0, "Nothing can go from the one to the other: they have no family of addresses in common, or nobody knows who has the addresses.")
		return Explanation{Lines: p.lines}
	case len(examples) == 1 && single:
		p.add(0, "%s: %s", outcomes[examples[0].outcome], flow)
	case len(examples) == 1:
		p.add(0, "%s: %s, all of it", outcomes[examples[0].outcome], flow)
	case examples[0].outcome != meaning.Allowed:
		p.add(0, "partly not known: %s", flow)
	default:
		p.add(0, "partly allowed: %s", flow)
	}
	for _, note := range []string{q.from.note, q.to.note, q.note} {
		if note != "" {
			p.add(0, "Note: %s.", note)
		}
	}
	if q.every || len(examples) > 1 {
		w.extent(&p, q, a)
	}
	for i, e := range examples {
		if len(examples) > 1 || !single {
			p.add(0, "")
			p.add(0, "%s: %s", []string{"for example", "and"}[min(i, 1)], sentence(e.packet, e.outcome))
		}
		w.example(&p, e, single)
	}
	return Explanation{Allowed: len(examples) == 1 && examples[0].outcome == meaning.Allowed, Lines: p.lines}
}

// nobody says of an address of a question that no known pod has it; empty where each
// is somebody's.
func (w *World) nobody(q *question) string {
	for _, s := range []side{q.from, q.to} {
		if !s.exact {
			continue
		}
		half := w.Meaning.WalkHalf(meaning.Packet{From: s.shown[0], To: s.shown[0]}, meaning.Egress)
		if half.Outcome == meaning.Unknown && half.By.Cause == meaning.Outside && s.shown[0].Endpoint == nil {
			return half.By.Reason
		}
	}
	return ""
}

func sentence(k meaning.Packet, o meaning.Outcome) string {
	return fmt.Sprintf("%s -> %s %s is %s", k.From, k.To, k.Header(), outcomes[o])
}

// extent says what is allowed of a question about much.
func (w *World) extent(p *page, q *question, a answer) {
	open := a.open
	switch {
	case open.IsEmpty():
		p.add(0, "Open ports: none.")
	case a.everywhere:
		p.add(0, "Open: %s.", open)
	case !q.from.set && !q.to.set:
		p.add(0, "Open: %s. All other traffic that was asked about is not.", open)
	default:
		p.add(0, "Open between some of them: %s.", open)
		for _, pair := range a.pairs {
			p.add(2, "%s", pair)
		}
	}
}

// example is one packet, and the way that it takes.
type example struct {
	packet  meaning.Packet
	outcome meaning.Outcome
	verdict meaning.Verdict
}

// answer is everything that is known of a question.
type answer struct {
	examples   []example      // one of each outcome, the allowed one first
	open       packet.Traffic // allowed between some of the ends
	everywhere bool           // all that was asked about is allowed
	pairs      []string       // what is allowed between whom, shortened
}

// find decides a question: by one walk where it is about one packet, and by everything
// that policies allow where it is about more.
func (w *World) find(q *question) answer {
	if q.from.exact && q.to.exact && q.one != nil {
		k := meaning.Packet{From: q.from.shown[0], To: q.to.shown[0], Protocol: q.one.Protocol, Port: q.one.Port}
		e := w.walked(k)
		return answer{examples: []example{e}, everywhere: e.outcome == meaning.Allowed}
	}
	from, to := q.from.ends(), q.to.ends()
	a := answer{everywhere: true}
	byOutcome := map[meaning.Outcome]example{}
	var all pairing
	denied := false
	receivers, senders := w.reach(to), w.reach(from)
	accepts := make([][]bool, len(to))
	for j, t := range to {
		accepts[j] = senders.from(t, meaning.Ingress)
	}
	for i, f := range from {
		sends := receivers.from(f, meaning.Egress)
		for j, t := range to {
			if closed := sends != nil && !sends[j] || accepts[j] != nil && !accepts[j][i]; closed && denied {
				continue // all of it is denied, and of that there is an example
			}
			for outcome, g := range w.between(f, t, q.traffic) {
				switch outcome {
				case meaning.Allowed:
					a.open = a.open.Union(g.traffic)
					all.add(i, j, g.traffic)
				case meaning.Denied:
					a.everywhere, denied = false, true
				default:
					a.everywhere = false
				}
				if _, known := byOutcome[outcome]; !known {
					byOutcome[outcome] = w.representative(q, g)
				}
			}
		}
	}
	for _, o := range []meaning.Outcome{meaning.Allowed, meaning.Denied, meaning.Unknown} {
		if e, some := byOutcome[o]; some {
			a.examples = append(a.examples, e)
		}
	}
	if len(a.examples) == 0 || a.everywhere {
		return a
	}
	const most = 6
	for _, r := range all.rectangles() {
		if len(a.pairs) == most {
			a.pairs = append(a.pairs, "and more")
			break
		}
		a.pairs = append(a.pairs, fmt.Sprintf("%s -> %s %s", names(from, r.from), names(to, r.to), r.traffic))
	}
	return a
}

// fate is traffic between two ends that has one outcome, and a packet of it.
type fate struct {
	traffic packet.Traffic
	witness meaning.Packet
}

// between is what becomes of traffic between two ends, by outcome.
func (w *World) between(from, to end, of packet.Traffic) map[meaning.Outcome]fate {
	all := map[meaning.Outcome]fate{}
	parts := w.asking().Parts(from.Peer, to.Peer, of)
	if w.hostAt(from.Peer) != nil || w.hostAt(to.Peer) != nil {
		parts = split(split(parts, meaning.Failsafe(meaning.Egress)), meaning.Failsafe(meaning.Ingress))
	}
	for _, family := range w.Meaning.Families() {
		if !from.can(family) || !to.can(family) {
			continue
		}
		for _, part := range parts {
			h, _ := part.Witness()
			k := meaning.Packet{From: from.Peer, To: to.Peer, Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code, Family: family}
			outcome := w.walk(k).Outcome()
			g, known := all[outcome]
			if !known {
				g.witness = k
			}
			g.traffic = g.traffic.Union(part)
			all[outcome] = g
		}
	}
	return all
}

// split cuts traffic where other traffic ends.
func split(parts []packet.Traffic, by packet.Traffic) []packet.Traffic {
	var all []packet.Traffic
	for _, p := range parts {
		for _, half := range []packet.Traffic{p.Intersect(by), p.Subtract(by)} {
			if !half.IsEmpty() {
				all = append(all, half)
			}
		}
	}
	return all
}

func (w *World) walked(k meaning.Packet) example {
	v := w.walk(k)
	return example{packet: k, verdict: v, outcome: v.Outcome()}
}

// representative is a packet of a fate: between those who stand for the ends, where they
// fare alike, and on a port that people know.
func (w *World) representative(q *question, g fate) example {
	best := w.walked(g.witness)
	h := telling(q, g.traffic)
	try := func(k meaning.Packet) bool {
		k.Protocol, k.Port, k.Type, k.Code = h.Protocol, h.Port, h.Type, h.Code
		e := w.walked(k)
		if e.outcome != best.outcome {
			return false
		}
		best = e
		return true
	}
	try(g.witness)
	from, to := []meaning.Peer{g.witness.From}, []meaning.Peer{g.witness.To}
	if len(q.from.shown) > 0 {
		from = q.from.shown
	}
	if len(q.to.shown) > 0 {
		to = q.to.shown
	}
	const tries = 4
	for _, f := range from[:min(len(from), tries)] {
		for _, t := range to[:min(len(to), tries)] {
			k := g.witness
			k.From, k.To = f, t
			if k.Family = 0; try(k) {
				return best
			}
		}
	}
	return best
}

// telling is the header of some traffic that tells people most: a port that the
// destination listens on, HTTP's, any of TCP, any of UDP, a ping, any at all.
func telling(q *question, t packet.Traffic) packet.Header {
	var wanted packet.Traffic
	for _, p := range q.to.ports {
		if wanted = t.Intersect(plan.PacketsOn(p.Ports)); !wanted.IsEmpty() {
			break
		}
	}
	for _, usual := range []packet.Traffic{wanted, packet.Ports(packet.TCP, 80, 80), packet.Ports(packet.TCP, 1, 65535), packet.Ports(packet.UDP, 1, 65535), plan.PacketsOn(plan.Ping), packet.Anything()} {
		if h, ok := t.Intersect(usual).Witness(); ok {
			return h
		}
	}
	return packet.Header{}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
