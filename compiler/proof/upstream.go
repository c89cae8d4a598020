package proof

import (
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

const dnsPort = 53 // IANA; where servers outside the cluster answer

// upstream asks whether the DNS pods can pass on questions to some server outside. Which
// one that is, no file says: it is their node's.
func (p *prover) upstream(m meant, sent []meaning.Rectangle) diag.List {
	outside := p.outside()
	denied, open := p.r.Cover(m.forbidden()), p.r.Cover(sent)
	reaches := func(x meaning.Rectangle) bool { return len(open.Common(x)) > 0 }
	var found diag.List
	for n := range sideOf(p.r, p.ends.servers[0])[0].All() {
		class := packet.Between(n, n)
		var closed []string
		var asked []meaning.Rectangle
		for _, protocol := range []packet.Protocol{packet.UDP, packet.TCP} {
			var may []meaning.Rectangle // not withdrawn by a quarantine
			for _, x := range rectangles(side{class, class}, outside, packet.Ports(protocol, dnsPort, dnsPort)) {
				may = append(may, denied.Less(x)...)
			}
			if len(p.r.Merge(may)) > 0 && !slices.ContainsFunc(may, reaches) {
				closed, asked = append(closed, protocol.String()), append(asked, may...)
			}
		}
		if len(closed) == 0 {
			continue
		}
		g := p.gaps(p.r.Merge(asked), meaning.Egress)[0]
		by := g.half().By
		found = append(found, cutOff.On(diag.Subject{Object: by.Policy, Pointer: by.Pointer},
			"the DNS pod %s reaches no server outside on %s %d", g.owner(), strings.Join(closed, " and "), dnsPort).
			Because("%s", by.Reason).
			Suggest("let the DNS pods send to port %d of their upstream, on UDP and TCP", dnsPort))
	}
	return found
}

// outside are the addresses that are nobody's.
func (p *prover) outside() (s side) {
	for n, c := range p.r.Classes() {
		if c.Kind != meaning.OfAddresses || c.Host != nil {
			continue
		}
		for i, of := range families {
			if c.Families.Has(of) {
				s[i] = s[i].Union(packet.Between(uint32(n), uint32(n)))
			}
		}
	}
	return s
}
