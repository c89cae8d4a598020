// Package oracle says what becomes of one packet, in the plainest way there is: it
// reads the objects as Calico does, step by step, and loops over everything. It is
// the judge of what evaluates policies faster; tests alone import it.
//
// Its invariant: it shares no code with policies/meaning, not even the parser of
// selectors, and it is written to be compared with what Calico documents and does,
// never to be fast. What the objects leave open is tried both ways, and where that
// makes a difference the answer is unknown.
//
// It must not know who asks. What is not modelled is the same as in policies/meaning.
package oracle

import (
	"fmt"
	"net/netip"
	"slices"
)

// IANA's numbers of the protocols that policies name.
const (
	ICMP    = 1
	TCP     = 6
	UDP     = 17
	ICMPv6  = 58
	SCTP    = 132
	UDPLite = 136
)

// End is one end of a packet: a pod or workload by namespace/name, an address, or a
// pod with the one of its addresses that the packet carries.
type End struct {
	Name    string
	Address netip.Addr
}

// Packet is the first packet of a connection.
type Packet struct {
	From, To         End
	Protocol         int
	SourcePort, Port int // a SourcePort of 0 may be any
	Type, Code       int // of ICMP and ICMPv6
	Family           int // 4 or 6, where neither end has an address
}

// Outcome is what becomes of a packet.
type Outcome string

// The outcomes, spelt as in the recorded verdicts.
const (
	Allow   Outcome = "allow"
	Deny    Outcome = "deny"
	Unknown Outcome = "unknown"
)

// Half is the outcome at one end, and what decided there; empty for Unknown.
type Half struct {
	Outcome Outcome
	By      string
}

// Verdict is the outcome at both ends.
type Verdict struct{ Egress, Ingress Half }

// Outcome joins the oracle's outcomes of both halves: what one denies is denied.
func (v Verdict) Outcome() Outcome {
	switch {
	case v.Egress.Outcome == Deny || v.Ingress.Outcome == Deny:
		return Deny
	case v.Egress.Outcome == Unknown || v.Ingress.Outcome == Unknown:
		return Unknown
	default:
		return Allow
	}
}

// Judge says what becomes of the packet. Whatever is not known of it is tried in all
// ways that could make a difference.
func (w *World) Judge(p Packet) Verdict {
	var verdict Verdict
	merge := func(into *Half, h Half) {
		switch {
		case into.Outcome == "":
			*into = h
		case into.Outcome != h.Outcome:
			*into = Half{Outcome: Unknown}
		}
	}
	family := p.familyIn(w)
	for _, from := range w.guesses(p.From, family, false, p.To.Address) {
		for _, to := range w.guesses(p.To, family, true, from) {
			assumed := w.assume(p.From.Name, from).assume(p.To.Name, to)
			for _, sourcePort := range w.sourcePorts(p) {
				c := concrete{from: from, to: to, protocol: p.Protocol, sourcePort: sourcePort, port: p.Port, icmpType: p.Type, icmpCode: p.Code}
				merge(&verdict.Egress, assumed.half(from, c, false))
				merge(&verdict.Ingress, assumed.half(to, c, true))
			}
		}
	}
	return verdict
}

// concrete is a packet of which everything is known.
type concrete struct {
	from, to           netip.Addr
	protocol           int
	sourcePort, port   int
	icmpType, icmpCode int
}

// family tells the family of a packet of which everything is known.
func (p concrete) family() int {
	if p.to.Is4() {
		return 4
	}
	return 6
}

// half judges one half of a packet for the oracle: it asks the tiers of the end that has the
// address; one that neither a pod nor a host endpoint has is not governed.
func (w *World) half(address netip.Addr, p concrete, ingress bool) Half {
	for _, t := range slices.Concat(w.pods, w.hosts) {
		if within(t.nets, address) {
			return w.evaluate(t, p, ingress)
		}
	}
	return Half{Allow, "nothing governs " + address.String()}
}

// evaluate judges a packet for the oracle by the tiers and profiles of one end, in the plainest
// way: policy by policy, rule by rule.
func (w *World) evaluate(t thing, p concrete, ingress bool) Half {
tiers:
	for _, tier := range w.tiers {
		applies := false
		for _, policy := range tier.policies {
			governs, rules := policy.onEgress, policy.egress
			if ingress {
				governs, rules = policy.onIngress, policy.ingress
			}
			if !governs || !policy.selects(t.labels) {
				continue
			}
			applies = true
			for i, r := range rules {
				if r.action == "Log" || !w.matches(r, p) {
					continue
				}
				by := fmt.Sprintf("tier %s, %s, rule %d", tier.name, policy.id, i)
				switch r.action {
				case "Allow":
					return Half{Allow, by}
				case "Deny":
					return Half{Deny, by}
				case "Pass":
					continue tiers
				}
			}
		}
		if applies && !tier.passAtEnd {
			return Half{Deny, "the end of tier " + tier.name}
		}
	}
	for _, name := range t.profiles {
		profile, ok := w.profiles[name]
		if !ok {
			return Half{Deny, "there is no profile " + name}
		}
		rules := profile.egress
		if ingress {
			rules = profile.ingress
		}
		for _, r := range rules {
			if r.action == "Log" || !w.matches(r, p) {
				continue
			}
			if r.action == "Allow" {
				return Half{Allow, "profile " + name}
			}
			return Half{Deny, "profile " + name}
		}
	}
	return Half{Deny, "no profile"}
}
