package explain

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Answer finds the answer to a question, which was read from a text. Of one that means several
// pairs of ends there are several answers.
func (w *World) Answer(text string, q language.Question, d Detail) []Answer {
	return w.answers(w.ask(text, q), d)
}

// AnswerList finds the answers to a list of questions.
func (w *World) AnswerList(list []language.Listed, d Detail) []Answer {
	all := make([]Answer, 0, len(list))
	for i := range list {
		q := w.listed(&list[i])
		q.number = i + 1
		all = append(all, w.answers([]question{q}, d)...)
	}
	return all
}

// answers answers questions whose names are resolved, one after the other, for the world's
// environment.
func (w *World) answers(asked []question, d Detail) []Answer {
	all := make([]Answer, len(asked))
	for i := range asked {
		all[i] = w.answer(&asked[i], d)
		if w.Environment != "" {
			all[i].Environments = []string{w.Environment}
		}
	}
	return all
}

// verdicts are what becomes of packets, as answers call it.
var verdicts = map[meaning.Outcome]Verdict{meaning.Allowed: Allow, meaning.Denied: Deny, meaning.Unknown: Unknown}

// answer finds the answer to one question: its verdict, packets as examples with what decides
// them, and, as far as detail is asked for, what would change it.
func (w *World) answer(q *question, d Detail) Answer {
	single := q.one != nil && !q.from.set && !q.to.set
	a := Answer{Question: Query{Number: q.number, From: q.from.name, To: q.to.name, Traffic: q.words, Many: !single}}
	if len(q.missing) > 0 {
		a.Verdict, a.Missing = Unanswered, q.missing
		return a
	}
	f := w.find(q)
	for _, note := range []string{q.from.note, q.to.note, q.note} {
		if note != "" && d > Brief {
			a.Notes = append(a.Notes, note)
		}
	}
	switch examples := f.examples; {
	case len(examples) == 0:
		a.Notes = nil
		if nobody := w.nobody(q); nobody != "" {
			a.Verdict, a.Reason = Unknown, nobody+": name the pod or its workload"
		} else {
			a.Verdict, a.Reason = NoPacket, "nothing can go from the one to the other: they have no family of addresses in common, or nobody knows who has the addresses"
		}
		return a
	case len(examples) == 1:
		a.Verdict = verdicts[examples[0].outcome]
	case examples[0].outcome == meaning.Allowed:
		a.Verdict = Partly
	default:
		a.Verdict = Unknown
	}
	if d == Brief {
		return a
	}
	if q.every || len(f.examples) > 1 {
		a.Open = &Open{Everywhere: f.everywhere}
		if a.Open.Sets = q.from.set || q.to.set; a.Open.Sets {
			a.Open.Pairs = f.pairs
		}
		if !f.open.IsEmpty() {
			a.Open.Traffic = f.open.String()
		}
	}
	for _, e := range f.examples {
		a.Examples = append(a.Examples, w.example(e, d))
	}
	return a
}

// nobody says of an address for which no packet was found that no known pod has it; empty where
// each is somebody's.
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

// sample is one packet, and the way that it takes.
type sample struct {
	packet  meaning.Packet
	outcome meaning.Outcome
	verdict meaning.Verdict
}

// findings is everything that is known of a question.
type findings struct {
	examples   []sample       // one of each outcome, the allowed one first
	open       packet.Traffic // allowed between some of the ends
	everywhere bool           // all that was asked about is allowed
	pairs      []string       // what is allowed between whom, shortened
}

// find decides a question: by one walk where it is about one packet, and by everything
// that policies allow where it is about more.
func (w *World) find(q *question) findings {
	if q.from.exact && q.to.exact && q.one != nil {
		k := packetOf(*q.one, q.source, q.from.shown[0], q.to.shown[0])
		k.Family = q.family
		e := w.walked(k)
		return findings{examples: []sample{e}, everywhere: e.outcome == meaning.Allowed}
	}
	from, to := q.from.ends(), q.to.ends()
	a := findings{everywhere: true}
	byOutcome := map[meaning.Outcome]sample{}
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
			for outcome, g := range w.between(f, t, q.traffic, q.source, q.family) {
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

// packetOf makes the packet whose fate is to be found: with a header, between two ends, from a
// port if the protocol has ports.
func packetOf(h packet.Header, source uint16, from, to meaning.Peer) meaning.Packet {
	if !h.Protocol.HasPorts() {
		source = 0
	}
	return meaning.Packet{From: from, To: to, Protocol: h.Protocol, SourcePort: source, Port: h.Port, Type: h.Type, Code: h.Code}
}

// fate is traffic between two ends that has one outcome, and a packet of it.
type fate struct {
	traffic packet.Traffic
	witness meaning.Packet
}

// between finds what becomes of traffic between two ends, by outcome: of one family, or of 0, all.
func (w *World) between(from, to end, of packet.Traffic, source uint16, only int) map[meaning.Outcome]fate {
	all := map[meaning.Outcome]fate{}
	if !slices.ContainsFunc(w.asking().Families(), func(f int) bool { return (only == 0 || f == only) && from.can(f) && to.can(f) }) {
		return all
	}
	parts := w.asking().Parts(from.Peer, to.Peer, of)
	if w.hostAt(from.Peer) != nil || w.hostAt(to.Peer) != nil {
		parts = split(split(parts, meaning.Failsafe(meaning.Egress)), meaning.Failsafe(meaning.Ingress))
	}
	for _, family := range w.asking().Families() {
		if only > 0 && family != only || !from.can(family) || !to.can(family) {
			continue
		}
		for _, part := range parts {
			// Messages of the other family are in no packet of this one (RFC 792, RFC 4443).
			if part = part.Subtract(packet.Of(map[int]packet.Protocol{4: packet.ICMPv6, 6: packet.ICMP}[family])); part.IsEmpty() {
				continue
			}
			h, _ := part.Witness()
			k := packetOf(h, source, from.Peer, to.Peer)
			k.Family = family
			outcome := w.asking().Outcome(k)
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

// split cuts each part of traffic where other traffic ends, as that of failsafe ports at host
// endpoints.
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

// walked walks one packet that a search for an answer samples, and keeps the way that it takes.
func (w *World) walked(k meaning.Packet) sample {
	v := w.walk(k)
	return sample{packet: k, verdict: v, outcome: v.Outcome()}
}

// representative finds the packet that shows a fate best: between those who stand for the ends,
// where they fare alike, and on a port that people know.
func (w *World) representative(q *question, g fate) sample {
	best := w.walked(g.witness)
	h := telling(q, g.traffic)
	try := func(k meaning.Packet) bool {
		family := k.Family
		k = packetOf(h, q.source, k.From, k.To)
		k.Family = family
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

// telling finds the header of some traffic that tells people most: a port that the destination
// listens on, HTTP's, any of TCP, any of UDP, a ping, any at all.
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
