package explain

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Answers is what many questions are answered with, in their order. answers.schema.json
// describes it.
type Answers struct {
	Flows []Answer `json:"flows"`
}

// Answer is what becomes of one packet.
type Answer struct {
	Verdict string     `json:"verdict"` // allow, deny or unknown
	Egress  HalfAnswer `json:"egress"`  // what the source may send
	Ingress HalfAnswer `json:"ingress"` // what the destination accepts
	// OnTheWay is what may decide between the halves and is not evaluated: nil for nothing.
	OnTheWay *HalfAnswer `json:"onTheWay,omitempty"`
}

// HalfAnswer is the verdict of one end, and what decides it.
type HalfAnswer struct {
	Verdict string         `json:"verdict"`
	By      string         `json:"by"` // rule, tier-end, profile or none
	Tier    string         `json:"tier,omitempty"`
	Policy  *diag.ObjectID `json:"policy,omitempty"`
	Rule    string         `json:"rule,omitempty"` // RFC 6901 JSON pointer into the policy
	File    string         `json:"file,omitempty"`
	Line    int            `json:"line,omitempty"`
	Column  int            `json:"column,omitempty"`
	Reason  string         `json:"reason"`
}

// WriteJSON writes the answers, each on a line of its own.
func (a Answers) WriteJSON(out io.Writer) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	separator := "{\"flows\": [\n"
	for i := range a.Flows {
		line.Reset()
		line.WriteString(separator)
		if err := enc.Encode(a.Flows[i]); err != nil {
			return err
		}
		line.Truncate(line.Len() - len("\n"))
		if _, err := line.WriteTo(out); err != nil {
			return err
		}
		separator = ",\n"
	}
	end := "\n]}\n"
	if len(a.Flows) == 0 {
		end = "{\"flows\": []}\n"
	}
	_, err := io.WriteString(out, end)
	return err
}

var causes = map[meaning.Cause]string{
	meaning.ByRule: "rule", meaning.ByTierEnd: "tier-end", meaning.ByProfile: "profile", meaning.Outside: "none",
}

// Answer answers a list of questions, or says of each mistake in it where it stands.
func (w *World) Answer(questions []language.Listed) (Answers, diag.List) {
	answers := Answers{Flows: make([]Answer, 0, len(questions))}
	var found diag.List
	for i := range questions {
		q := &questions[i]
		from := w.listed(q.From, q.FromSpan, &found)
		to := w.listed(q.To, q.ToSpan, &found)
		if len(found) > mostMistakes {
			found = append(found, language.Unanswerable.At(q.FromSpan(), "more unknown ends than %d, of which no more are told", mostMistakes))
			break
		}
		if len(found) == 0 {
			answers.Flows = append(answers.Flows, w.answer(q, from, to))
		}
	}
	if len(found) > 0 {
		return Answers{}, found
	}
	return answers, nil
}

// mostMistakes is how many unknown ends are told, or one more.
const mostMistakes = 100

func (w *World) listed(name string, at func() diag.Span, found *diag.List) meaning.Peer {
	p, wrong, hint := w.peer(name)
	if wrong != "" {
		*found = append(*found, language.Unanswerable.At(at(), "%s", wrong).Suggest("%s", hint))
	}
	return p
}

func (w *World) answer(q *language.Listed, from, to meaning.Peer) Answer {
	h := q.Header
	p := meaning.Packet{From: from, To: to, Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code}
	if q.AnyICMP && (isIPv6(from.Addr) || isIPv6(to.Addr)) {
		p.Protocol = packet.ICMPv6
	}
	if q.AnyMessage {
		return w.anyMessage(p)
	}
	return w.told(w.walk(p))
}

func isIPv6(a netip.Addr) bool { return a.IsValid() && !a.Unmap().Is4() }

// anyMessage is the answer for control messages of any type and code: where they do
// not fare alike, nobody knows which one is meant.
func (w *World) anyMessage(p meaning.Packet) Answer {
	first := w.walk(p)
	answer := w.told(first)
	types, codes := w.messages()
	for _, p.Code = range codes {
		for _, p.Type = range types {
			v := w.walk(p)
			for _, half := range []struct {
				now, then meaning.Half
				told      *HalfAnswer
			}{{v.Egress, first.Egress, &answer.Egress}, {v.Ingress, first.Ingress, &answer.Ingress}} {
				if half.now.Outcome != half.then.Outcome {
					*half.told = w.half(half.now)
					half.told.Verdict, half.told.Reason = meaning.Unknown.String(), "it depends on the message's type, which the question does not give"
				}
			}
			if v.Outcome() != first.Outcome() {
				answer.Verdict = meaning.Unknown.String()
			}
		}
	}
	return answer
}

// messages are the types and codes of control messages that policies name, and one of
// each that they do not: all others fare like it.
func (w *World) messages() (types, codes []uint8) {
	if w.types == nil {
		for _, p := range w.Meaning.Policies {
			for _, rules := range p.Rules {
				for _, r := range rules {
					for _, m := range []*meaning.ICMPMatch{r.ICMP, r.NotICMP} {
						if m == nil {
							continue
						}
						types = append(types, m.Type)
						if m.Code != nil {
							codes = append(codes, *m.Code)
						}
					}
				}
			}
		}
		w.types, w.codes = andAnother(types), andAnother(codes)
	}
	return w.types, w.codes
}

func andAnother(named []uint8) []uint8 {
	slices.Sort(named)
	named = slices.Compact(named)
	for n := range 256 {
		if !slices.Contains(named, uint8(n)) {
			return append(named, uint8(n))
		}
	}
	return named
}

func (w *World) told(v meaning.Verdict) Answer {
	a := Answer{Verdict: v.Outcome().String(), Egress: w.half(v.Egress), Ingress: w.half(v.Ingress)}
	if v.OnTheWay != nil {
		way := w.half(meaning.Half{Outcome: meaning.Unknown, By: *v.OnTheWay})
		way.Rule = "" // it is the policy's field that decides where it acts
		a.OnTheWay = &way
	}
	return a
}

func (w *World) half(h meaning.Half) HalfAnswer {
	a := HalfAnswer{Verdict: h.Outcome.String(), By: causes[h.By.Cause], Tier: h.By.Tier, Rule: h.By.Pointer, Reason: h.By.Reason}
	if id := h.By.Policy; !id.IsZero() {
		a.Policy = &id
		span := w.place(diag.Subject{Object: id, Pointer: h.By.Pointer})
		a.File, a.Line, a.Column = span.File, span.Start.Line, span.Start.Column
	}
	return a
}
