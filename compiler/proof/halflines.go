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
	rectangle := meaning.Rectangle{From: x.own, To: x.peers, Traffic: x.traffic, Families: x.families}
	way, back, lacking := "send %s to %s, which may not receive it", "receive", meaning.Ingress
	if l.direction == meaning.Ingress {
		rectangle.From, rectangle.To = x.peers, x.own
		way, back, lacking = "receive %s from %s, which may not send it", "send", meaning.Egress
	}
	witness := likely(r, rectangle)
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
	if l.instead != nil {
		return d.Because("%s", why).Suggest("name the same protocols and ports in both rules: those on which the pods listen, whatever their Service's are")
	}
	mended := repair.Of(m, witness, lacking, half.By)
	if one := witness.Header().String(); mended.Lines != "" && (len(l.ports) > 1 || l.ports[0] != one || l.own.Count()*l.peers.Count() > 1) {
		why += fmt.Sprintf("; the lines below open %s, and the others are like it", witness)
	}
	return d.Because("%s", why).Suggest("%s", mended.Hint())
}

// likely is a packet of the rectangle: where there is much to choose from, one to a port
// that its receiver names, or to the web's.
func likely(r *meaning.Relation, x meaning.Rectangle) meaning.Packet {
	witness := r.Witness(x)
	ports := []meaning.NamedPort{{Protocol: packet.TCP, Number: 80}}
	if e := witness.To.Endpoint; e != nil {
		ports = append(slices.Clone(e.Ports), ports...)
	}
	for _, p := range ports {
		if one := x.Traffic.Intersect(packet.Ports(p.Protocol, p.Number, p.Number)); !one.IsEmpty() {
			x.Traffic = one
			return r.Witness(x)
		}
	}
	return witness
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
