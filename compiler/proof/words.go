package proof

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// halfOf returns the half of a verdict that a finding's words are about.
func halfOf(v meaning.Verdict, d meaning.Direction) meaning.Half {
	if d == meaning.Egress {
		return v.Egress
	}
	return v.Ingress
}

// ends returns a witness's ends in the order of its packet, for the words of a finding.
func ends(w *relation.Witness) (from, to relation.End) {
	if w.Direction == meaning.Ingress {
		return relation.Peer, relation.Own
	}
	return relation.Own, relation.Peer
}

// packetOf puts a witness's packet into words, with what its ends' names do not say.
func packetOf(w *relation.Witness) string {
	from, to := ends(w)
	sender, receiver := w.Packet.From.String(), w.Packet.To.String()
	header := strings.TrimPrefix(w.Packet.String(), sender+" -> "+receiver)
	return sender + w.Leaf.Besides(from) + " -> " + receiver + w.Leaf.Besides(to) + header
}

// flow puts a witness's traffic into words, with what the half does about it.
func (p *prover) flow(w *relation.Witness, out, in string) string {
	from, to := ends(w)
	does := out
	if w.Direction == meaning.Ingress {
		does = in
	}
	return trafficOf(w) + " from " + p.end(w, from) + " to " + p.end(w, to) + " " + does
}

// trafficOf puts into words the traffic that is treated like the witness's. Of what is almost all
// traffic, control messages of the other family are no exception worth telling.
func trafficOf(w *relation.Witness) string {
	other := packet.ICMPv6
	if w.Packet.Family == 6 {
		other = packet.ICMP
	}
	if text := w.Leaf.Traffic().Union(packet.Of(other)).String(); strings.HasPrefix(text, packet.Anything().String()) {
		return text
	}
	return w.Leaf.Traffic().Subtract(packet.Of(other)).String()
}

// end puts one end of a witness into words: the pod that somebody knows, or what is known of pods
// like the one that was made.
func (p *prover) end(w *relation.Witness, x relation.End) string {
	peer := w.Own()
	if x == relation.Peer {
		peer = w.Peer()
	}
	of, narrowed := w.Leaf.Addresses(x)
	switch {
	case peer.Endpoint == nil && narrowed:
		return of.String()
	case peer.Endpoint == nil:
		return "any address outside"
	case !strings.ContainsAny(peer.Endpoint.Name, "=*"):
		return peer.Endpoint.Ref() + w.Leaf.Besides(x)
	}
	return w.Leaf.Words(x, peer.Endpoint.Namespace)
}

// decides points at the policy that decides a witness's packet, beside the words of a finding, if
// it is one.
func decides(by meaning.Decision) []diag.Related {
	if by.Policy.IsZero() {
		return nil
	}
	return []diag.Related{{
		Subject: diag.Subject{Object: by.Policy, Pointer: by.Pointer}, Message: fmt.Sprintf("%s decides", by.Policy),
	}}
}

// cause names the policy that decides a witness's packet, for findings that one change of it mends
// together.
func cause(by meaning.Decision) string {
	if by.Policy.IsZero() {
		return ""
	}
	return by.Policy.String()
}
