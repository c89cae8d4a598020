package proof

import (
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

var cutOff = &diag.Rule{Code: "PC306", Severity: diag.Error,
	Title: "DNS servers without an upstream",
	Why:   "The cluster's DNS pods pass on what they do not know to servers outside the cluster, on UDP and TCP 53. Without that no pod finds a name outside.",
	Mend:  "A policy that selects the DNS pods must let them. This is the proof itself and cannot be waived."}

const dnsPort = 53 // IANA; where servers outside the cluster answer

// upstream asks whether the DNS pods can pass on questions to some server outside. Which
// one that is, no file says: it is their node's.
func (p *prover) upstream() diag.List {
	var found diag.List
	t := p.intended(meaning.Egress, must)
	forbidden := relation.False
	for i := range p.denials {
		forbidden = relation.Or(forbidden, t.denied(&p.denials[i]))
	}
	for _, server := range p.dnsPods() {
		pod := relation.And(p.u.Labels(relation.Own, server.Namespace, server.Labels), relation.Not(forbidden))
		var lacking []string
		var example *relation.Witness
		for _, protocol := range []packet.Protocol{packet.UDP, packet.TCP} {
			q := relation.Question{Of: p.u.Outside(), Where: relation.And(pod, p.u.Traffic(packet.Ports(protocol, dnsPort, dnsPort))), Direction: meaning.Egress}
			if any, err := p.search.Witness(q); any == nil && err == nil {
				continue // it is in quarantine
			}
			q.Wanted = []relation.Wanted{p.allowed(meaning.Egress, false)}
			if open, err := p.search.Witness(q); open != nil || err != nil {
				continue
			}
			q.Wanted[0].Verdict = relation.Denies
			if w, _ := p.search.Witness(q); w != nil {
				lacking, example = append(lacking, protocol.String()), w
			}
		}
		if example == nil {
			continue
		}
		p.show(cutOff, example)
		by := p.m.WalkHalf(example.Packet, meaning.Egress).By
		found = append(found, cutOff.On(diag.Subject{Object: by.Policy, Pointer: by.Pointer},
			"the DNS pod %s reaches no server outside on %s %d", server.Ref(), strings.Join(lacking, " and "), dnsPort).
			Because("%s", by.Reason).
			Suggest("let the DNS pods send to port %d of their upstream, on UDP and TCP", dnsPort))
	}
	return found
}

// dnsPods returns the DNS pods that ask an upstream server: those that somebody describes, or else
// one with the labels by which the Platform knows them.
func (p *prover) dnsPods() []*meaning.Endpoint {
	server := p.plan.DNSServers()[0].End.Pods
	all := slices.DeleteFunc(slices.Clone(p.search.Described[server.Namespace]), func(e *meaning.Endpoint) bool {
		return e.HostNetwork || !server.Selector.Matches(e.Labels)
	})
	if len(all) == 0 {
		all = append(all, &meaning.Endpoint{Namespace: server.Namespace, Name: "dns", Labels: server.Selector.Example()})
	}
	return all
}
