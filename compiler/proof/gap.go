package proof

import (
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// gap is traffic on which one half is wrong, for one reason. Its classes and traffic are
// those that are concerned, though perhaps not each with each; the witness is a packet.
type gap struct {
	direction  meaning.Direction
	own, peers packet.Numbers
	traffic    packet.Traffic
	witness    meaning.Packet
	verdict    meaning.Verdict // of the witness
}

// half is the one that is wrong, other the one beyond it.
func (g *gap) half() meaning.Half { return halfOf(g.verdict, g.direction) }

func (g *gap) other() (half meaning.Half, direction meaning.Direction) {
	direction = meaning.Egress
	if g.direction == meaning.Egress {
		direction = meaning.Ingress
	}
	return halfOf(g.verdict, direction), direction
}

func halfOf(v meaning.Verdict, d meaning.Direction) meaning.Half {
	if d == meaning.Egress {
		return v.Egress
	}
	return v.Ingress
}

// owner is the pod whose half it is.
func (g *gap) owner() meaning.Peer {
	if g.direction == meaning.Egress {
		return g.witness.From
	}
	return g.witness.To
}

// gaps sorts out rectangles by what decides the half, in their order. Where one and the
// same rule is certain about some and not about others, the certain ones stand for all.
func (p *prover) gaps(left []meaning.Rectangle, d meaning.Direction) []*gap {
	var all []*gap
	known := map[meaning.Decision]*gap{}
	for _, x := range left {
		shown := p.r.Gap(x)
		half := halfOf(shown.Verdict, d)
		by := half.By
		if by.Pointer != "" {
			by.Reason = "" // which tells certain from uncertain
		}
		g := known[by]
		if g == nil {
			g = &gap{}
			known[by] = g
			all = append(all, g)
		}
		certain := half.Outcome != meaning.Unknown
		switch was := g.half().Outcome; {
		case was == 0, was == meaning.Unknown && certain:
			*g = gap{direction: d, witness: shown.Witness, verdict: shown.Verdict}
		case was != meaning.Unknown && !certain:
			continue
		}
		own, peers := x.From, x.To
		if d == meaning.Ingress {
			own, peers = peers, own
		}
		g.own, g.peers, g.traffic = g.own.Union(own), g.peers.Union(peers), g.traffic.Union(x.Traffic)
	}
	return all
}

// flow is the gap's traffic for people, with what the half does about it.
func (p *prover) flow(g *gap, out, in string) string {
	from, to, does := g.own, g.peers, out
	if g.direction == meaning.Ingress {
		from, to, does = g.peers, g.own, in
	}
	return g.traffic.String() + " from " + p.r.Names(from) + " to " + p.r.Names(to) + " " + does
}
