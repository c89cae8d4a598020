package proof

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/repair"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"

	"portcullis.dev/policies/packet"
)

// line is what one rule, as it is written, opens in vain: peers and protocols make
// several rules of it.
type line struct {
	at        diag.Subject
	direction meaning.Direction
	pairs              // whose half it is, and who lacks theirs
	ports     []string // that lack the other half
	others    []string // the rule's ports that do not
	first     []region // what is missing, by opening
	instead   *line    // the other half's own line, which is in vain as well
}

// merge makes lines of openings. Two that open the halves of the same pairs, and do
// not meet, are one mistake: it is told at the sender's.
func merge(openings []*opening) []*line {
	var lines []*line
	for _, o := range openings {
		at := diag.Subject{Object: o.policy.ID, Pointer: o.rule.Pointer}
		i := slices.IndexFunc(lines, func(l *line) bool { return l.at == at && l.direction == o.direction })
		if i < 0 {
			i = len(lines)
			lines = append(lines, &line{at: at, direction: o.direction})
		}
		lines[i].add(o)
	}
	told := map[*line]bool{}
	for _, l := range lines {
		if l.direction != meaning.Egress {
			continue
		}
		i := slices.IndexFunc(lines, func(other *line) bool {
			return other.direction == meaning.Ingress && !told[other] && other.own.Equal(l.peers) && other.peers.Equal(l.own)
		})
		if i >= 0 {
			l.instead = lines[i]
			told[l.instead] = true
		}
	}
	return slices.DeleteFunc(lines, func(l *line) bool { return told[l] })
}

func (l *line) add(o *opening) {
	for _, p := range o.ports {
		for _, x := range p.missing {
			l.own, l.peers = l.own.Union(x.own), l.peers.Union(x.peers)
		}
		texts := &l.others
		if len(p.missing) > 0 {
			texts = &l.ports
			l.first = append(l.first, p.missing...)
		}
		if !slices.Contains(*texts, p.text) {
			*texts = append(*texts, p.text)
		}
	}
}

func (l *line) finding(m *meaning.Meaning, r *meaning.Relation) diag.Diagnostic {
	x := l.first[0]
	witness := r.Witness(meaning.Rectangle{From: x.own, To: x.peers, Traffic: x.traffic, Families: x.families})
	way, back, lacking := "send %s to %s, which may not receive it", "receive", meaning.Ingress
	if l.direction == meaning.Ingress {
		witness = r.Witness(meaning.Rectangle{From: x.peers, To: x.own, Traffic: x.traffic, Families: x.families})
		way, back, lacking = "receive %s from %s, which may not send it", "send", meaning.Egress
	}
	verdict := m.Walk(witness)
	half, far := verdict.Ingress, witness.To
	if lacking == meaning.Egress {
		half, far = verdict.Egress, witness.From
	}
	d := halfOpen.On(l.at, "%s may "+way, r.Names(l.own), strings.Join(l.ports, ", "), r.Names(l.peers))
	why := fmt.Sprintf("a connection needs both halves, and the %s half of %s is missing: %s", lacking, far, half.By.Reason)
	if l.instead != nil {
		why += fmt.Sprintf("; what it may %s is %s", back, strings.Join(l.instead.ports, ", "))
		d.Related = append(d.Related, diag.Related{Subject: l.instead.at, Message: "the other half is open for " + strings.Join(l.instead.ports, ", ")})
	} else if working := without(l.others, l.ports); len(working) > 0 {
		why += fmt.Sprintf("; both halves are open for %s", strings.Join(working, ", "))
	}
	for _, e := range owners(r, l.peers) {
		d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: e.Object}, Message: fmt.Sprintf("the %s of %s is what is missing", lacking, e.Ref())})
	}
	if !half.By.Policy.IsZero() {
		d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: half.By.Policy}, Message: "this policy isolates " + far.String()})
	}
	mended := repair.Of(m, witness, lacking, half.By)
	if mended.Lines != "" && (len(l.ports) > 1 || l.peers.Count() > 1) {
		why += "; the lines below mend the first of these flows"
	}
	return d.Because("%s", why).Suggest("%s", mended.Hint())
}

func without(texts, others []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return slices.Contains(others, s) })
}

// owners are the first few pods of some classes that have a manifest.
func owners(r *meaning.Relation, classes packet.Numbers) []*meaning.Endpoint {
	const most = 3
	var all []*meaning.Endpoint
	for n := range classes.All() {
		for _, e := range r.Classes()[n].Endpoints {
			if len(all) < most && !e.Object.IsZero() && !slices.ContainsFunc(all, func(o *meaning.Endpoint) bool { return o.Object == e.Object }) {
				all = append(all, e)
			}
		}
	}
	return all
}
