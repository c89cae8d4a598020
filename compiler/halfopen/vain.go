package halfopen

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/repair"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// vain is what one rule, as it is written, opens and nobody uses: peers and protocols make
// several rules of it.
type vain struct {
	at        diag.Subject
	direction meaning.Direction
	crossing           // whose half it is, and who lacks theirs
	ports     []string // that lack the other half
	others    []string // the rule's ports that do not
	first     []flow   // what is missing, by opening
	instead   *vain    // the other half's own line, which is in vain as well
}

// merge joins the openings of one rule. Two rules that open the halves of the same pairs, and do
// not meet, are one mistake: it is told at the sender's.
func merge(openings []*opening) []*vain {
	type line struct {
		at        diag.Subject
		direction meaning.Direction
	}
	var lines []*vain
	known := map[line]*vain{}
	for _, o := range openings {
		of := line{diag.Subject{Object: o.policy.ID, Pointer: o.rule.Pointer}, o.direction}
		v := known[of]
		if v == nil {
			v = &vain{at: of.at, direction: o.direction}
			known[of] = v
			lines = append(lines, v)
		}
		v.add(o)
	}
	accepting := map[string][]*vain{} // by their pairs, those that are still to be told
	for _, v := range lines {
		if v.direction == meaning.Ingress {
			accepting[v.pairs()] = append(accepting[v.pairs()], v)
		}
	}
	told := map[*vain]bool{}
	for _, v := range lines {
		if same := accepting[v.pairs()]; v.direction == meaning.Egress && len(same) > 0 {
			v.instead = same[0]
			told[v.instead] = true
			accepting[v.pairs()] = same[1:]
		}
	}
	return slices.DeleteFunc(lines, func(v *vain) bool { return told[v] })
}

// pairs tells who would send to whom in vain.
func (v *vain) pairs() string {
	from, to := v.own, v.peers
	if v.direction == meaning.Ingress {
		from, to = to, from
	}
	return fmt.Sprint(from.Ranges(), to.Ranges())
}

// add adds one opening to what a rule opens in vain: the pairs that lack the other half, and the
// ports that do or do not work.
func (v *vain) add(o *opening) {
	for _, p := range o.ports {
		for _, x := range p.missing {
			v.own, v.peers = v.own.Union(x.own), v.peers.Union(x.peers)
		}
		texts := &v.others
		if len(p.missing) > 0 {
			texts = &v.ports
			v.first = append(v.first, p.missing...)
		}
		if !slices.Contains(*texts, p.text) {
			*texts = append(*texts, p.text)
		}
	}
}

// finding makes the finding of a rule that opens in vain, with a witness, what is open instead,
// and whom to ask.
func (v *vain) finding(t *town) diag.Diagnostic {
	x := v.first[0]
	from, to := x.own, x.peers
	way, back, lacking := "send %s to %s, which may not receive it", "receive", meaning.Ingress
	if v.direction == meaning.Ingress {
		from, to = x.peers, x.own
		way, back, lacking = "receive %s from %s, which may not send it", "send", meaning.Egress
	}
	witness := t.likely(from, to, region{families: x.families, traffic: x.traffic})
	verdict := t.asker.Walk(witness)
	half, far := verdict.Ingress, witness.To
	if lacking == meaning.Egress {
		half, far = verdict.Egress, witness.From
	}
	d := halfOpen.On(v.at, "%s may "+way, t.names(v.own), strings.Join(v.ports, ", "), t.names(v.peers))
	if v.direction == meaning.Ingress {
		d = d.Testify(diag.FlowEvidence, fmt.Sprintf("%s -> %s %s", t.names(v.peers), t.names(v.own), strings.Join(v.ports, ", ")))
	} else {
		d = d.Testify(diag.FlowEvidence, fmt.Sprintf("%s -> %s %s", t.names(v.own), t.names(v.peers), strings.Join(v.ports, ", ")))
	}
	why := fmt.Sprintf("a connection needs both halves, and the %s half of %s is missing: %s", lacking, far, half.By.Reason)
	if v.instead != nil {
		why += fmt.Sprintf("; what it may %s is %s", back, strings.Join(v.instead.ports, ", "))
		d.Related = append(d.Related, diag.Related{Subject: v.instead.at, Message: "the other half is open for " + strings.Join(v.instead.ports, ", ")})
	} else if working := without(v.others, v.ports); len(working) > 0 {
		why += fmt.Sprintf("; both halves are open for %s", strings.Join(working, ", "))
	}
	for _, e := range t.owners(v.peers) {
		d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: e.Object}, Message: fmt.Sprintf("the %s of %s is what is missing", lacking, e.Ref())})
	}
	if !half.By.Policy.IsZero() {
		d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: half.By.Policy}, Message: "this policy isolates " + far.String()})
		d.Cause = half.By.Policy.String()
	}
	if v.instead != nil {
		return d.Because("%s", why).Suggest("name the same protocols and ports in both rules: those on which the pods listen, whatever their Service's are")
	}
	mended := repair.Of(t.m, witness, lacking, half.By)
	if one := witness.Header().String(); mended.Lines != "" && (len(v.ports) > 1 || v.ports[0] != one || v.own.Count()*v.peers.Count() > 1) {
		why += fmt.Sprintf("; the lines below open %s, and the others are like it", witness)
	}
	return d.Because("%s", why).Suggest("%s", mended.Hint())
}

// likely makes a packet that would be sent in vain: where there is much to choose from, one to a
// port that its receiver names, or to the web's.
func (t *town) likely(from, to packet.Numbers, x region) meaning.Packet {
	witness := t.witness(from, to, x)
	for _, p := range append(slices.Clone(witness.To.Endpoint.Ports), meaning.NamedPort{Protocol: packet.TCP, Number: 80}) {
		if one := x.traffic.Intersect(packet.Ports(p.Protocol, p.Number, p.Number)); !one.IsEmpty() {
			x.traffic = one
			return t.witness(from, to, x)
		}
	}
	return witness
}

// without returns the ports of the one list that are not in the other.
func without(texts, others []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return slices.Contains(others, s) })
}

// owners finds whom a finding of what is opened in vain points at: the first few pods of some
// classes that have a manifest.
func (t *town) owners(classes packet.Numbers) []*meaning.Endpoint {
	const most = 3
	var all []*meaning.Endpoint
	for n := range classes.All() {
		for _, e := range t.classes[n].pods {
			if len(all) == most {
				return all
			}
			if !e.Object.IsZero() && !slices.ContainsFunc(all, func(o *meaning.Endpoint) bool { return o.Object == e.Object }) {
				all = append(all, e)
			}
		}
	}
	return all
}
