package facts

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// worldMap answers what of the internet an endpoint accepts. Endpoints under the
// same policies share an answer, unless a rule asks something of the endpoint.
type worldMap struct {
	m          *meaning.Meaning
	walks      *meaning.Asker
	ranges     []netip.Prefix // by which selectors tell addresses apart
	known      bool           // some of them are public: a selector may admit the internet
	publicPods bool           // pods may have public addresses
	answers    map[string][]World
	servers    map[string]netip.Addr // see anywhere
	open       map[Reference]bool    // rules of ingress that name no peer

	concerns [2]map[*meaning.Policy]concern // by direction, of the policies that were looked at
}

// newWorldMap prepares to ask what of the internet endpoints accept: it notes which rules name
// nobody and whether any range is public.
func newWorldMap(m *meaning.Meaning, walks *meaning.Asker) *worldMap {
	w := &worldMap{m: m, walks: walks, ranges: m.Ranges(), answers: map[string][]World{}, servers: map[string]netip.Addr{}, open: map[Reference]bool{}}
	for _, p := range m.Policies {
		for i := range p.Rules[meaning.Ingress] {
			if r := &p.Rules[meaning.Ingress][i]; namesNobody(&r.Source) {
				w.open[Reference{Object: p.ID, Pointer: r.Pointer}] = true
			}
		}
	}
	w.concerns = [2]map[*meaning.Policy]concern{{}, {}}
	w.known = slices.ContainsFunc(w.ranges, isPublic)
	w.publicPods = slices.ContainsFunc(m.Cluster.PodCIDRs, isPublic)
	return w
}

// isPublic reports whether a prefix holds addresses of the internet.
func isPublic(p netip.Prefix) bool { return packet.Public(familyOf(p)).OverlapsPrefix(p) }

// familyOf tells IPv4 from IPv6 by a prefix.
func familyOf(p netip.Prefix) packet.Family {
	if p.Addr().Is4() {
		return packet.IPv4
	}
	return packet.IPv6
}

// of computes what of the world the endpoint accepts, by family, protocol and ports, from those
// whom the policies that govern it let in.
func (w *worldMap) of(e *population.Pods, g meaning.Governed) []World {
	key := w.sharing(e, g.Policies, meaning.Ingress)
	if got, ok := w.answers[key]; ok {
		return got
	}
	got := []World{}
	if !g.Isolated || w.mayAdmit(g.Policies, meaning.Ingress) {
		for _, family := range []packet.Family{packet.IPv4, packet.IPv6} {
			got = append(got, w.ask(e, family, g.Policies)...)
		}
	}
	w.answers[key] = got
	return got
}

// concern is what a policy has to say about packets to or from public addresses, in one
// direction.
type concern struct {
	number  int
	some    bool // a rule may match one
	admits  bool // a rule that does not deny may, of what goes out one that asks for names
	ownEnds bool // such a rule asks something of the endpoint
}

// concern reads, once for each policy and direction, what its rules have to say of the world's
// addresses.
func (w *worldMap) concern(p *meaning.Policy, d meaning.Direction) concern {
	c, known := w.concerns[d][p]
	if !known {
		c.number = len(w.concerns[d])
		for i := range p.Rules[d] {
			r := &p.Rules[d][i]
			may := w.mayMatch(r, d)
			c.admits = c.admits || may && r.Action != meaning.Deny && (d == meaning.Ingress || r.Traffic().Overlaps(asking(dnsPort)))
			if may || w.publicPods {
				c.some, c.ownEnds = true, c.ownEnds || r.AsksOwnEnd(d)
			}
		}
		w.concerns[d][p] = c
	}
	return c
}

// sharing makes a key that is the same for endpoints of which public addresses get the same
// answers: the tiers that apply to them are the same, and so are the policies that have to do with
// such addresses.
func (w *worldMap) sharing(e *population.Pods, policies []*meaning.Policy, d meaning.Direction) string {
	var key []byte
	tier, own := "", false
	for _, p := range policies {
		if p.Tier != tier {
			tier = p.Tier
			key = append(append(key, '/'), tier...)
		}
		if e.NamespaceUnwritten && meaning.Uncertain(p.Selector(), e.Endpoint) {
			key = append(key, '?') // as it stands for others who are selected for certain
		}
		if c := w.concern(p, d); c.some {
			key = strconv.AppendInt(append(key, ' '), int64(c.number), 10)
			own = own || c.ownEnds
		}
	}
	if own || e.NamespaceLabels == nil { // what no tier decides is dropped then
		key = append(append(key, '\n'), e.Ref()...)
	}
	return string(key)
}

// mayAdmit reports whether a rule could let in a public address at all, or let out who asks
// one for names. Under the usual policies none does, and nothing needs to be walked.
func (w *worldMap) mayAdmit(policies []*meaning.Policy, d meaning.Direction) bool {
	return slices.ContainsFunc(policies, func(p *meaning.Policy) bool { return w.concern(p, d).admits })
}

// mayMatch reports whether a rule may match a public address of the world.
func (w *worldMap) mayMatch(r *meaning.Rule, d meaning.Direction) bool {
	peer := peerOf(r, d)
	switch {
	case len(peer.Nets) > 0 && !slices.ContainsFunc(peer.Nets, isPublic):
		return false
	case peer.Selector != nil || peer.Service != nil:
		return w.known
	}
	return true
}

// namesNobody reports whether a rule asks nothing of its peer, so that all the world matches.
func namesNobody(e *meaning.Entity) bool {
	return len(e.Nets)+len(e.NotNets) == 0 && e.Selector == nil && e.NotSelector == nil && e.Service == nil
}

// peerOf returns what a rule asks of the other end, where the world is.
func peerOf(r *meaning.Rule, d meaning.Direction) *meaning.Entity {
	if d == meaning.Egress {
		return &r.Destination
	}
	return &r.Source
}

// cell is a range of ports of one protocol, or of types of ICMP, that every rule
// treats alike. Of ICMP's codes only 0 is asked about.
type cell struct {
	protocol    meaning.Protocol
	first, last uint16
}

// isICMP reports whether a cell's numbers are types of control messages and not ports.
func isICMP(p meaning.Protocol) bool { return p == meaning.ICMP || p == meaning.ICMPv6 }

// packet makes the packet that stands for the ports of one cell.
func (c cell) packet(from, to meaning.Peer) meaning.Packet {
	p := meaning.Packet{From: from, To: to, Protocol: c.protocol, Port: c.first}
	if isICMP(c.protocol) {
		p.Port, p.Type = 0, uint8(c.first)
	}
	return p
}

// accepted is what comes in on one cell.
type accepted struct {
	cell
	share   float64
	rules   []Reference
	anybody bool // the first of them names no peer
}

// ask walks one packet of every elementary range of the world's addresses and cell of ports.
func (w *worldMap) ask(e *population.Pods, family packet.Family, policies []*meaning.Policy) []World {
	space := packet.Public(family)
	ranges := packet.Elementary(space, w.boundaries(policies, meaning.Ingress))
	all := packet.Size(space.Ranges()...)
	var answers []accepted
	asked := cells(policies, e)
	for _, c := range asked {
		a := accepted{cell: c}
		size := 0.0
		for _, r := range ranges {
			half := w.walks.WalkHalf(c.packet(meaning.Address(r.From()), meaning.Pod(e.Endpoint)), meaning.Ingress)
			if half.Outcome == meaning.Denied {
				continue
			}
			// What may be accepted counts as accepted.
			size += packet.Size(r)
			if ref := reference(half.By); half.By.Cause == meaning.ByRule && !slices.Contains(a.rules, ref) {
				a.rules = append(a.rules, ref)
			}
		}
		if size > 0 {
			a.share = size / all
			slices.SortFunc(a.rules, compareReferences)
			a.anybody = len(a.rules) > 0 && w.open[a.rules[0]]
			answers = append(answers, a)
		}
	}
	return merge(family, answers, len(asked))
}

// compareReferences orders the rules that let the world in by object and place.
func compareReferences(a, b Reference) int {
	return cmp.Or(a.Object.Compare(b.Object), cmp.Compare(a.Pointer, b.Pointer))
}

// boundaries gathers the prefixes by which the policies' rules tell the world's addresses apart.
func (w *worldMap) boundaries(policies []*meaning.Policy, d meaning.Direction) []netip.Prefix {
	bounds := slices.Clone(w.ranges)
	for _, p := range policies {
		for i := range p.Rules[d] {
			peer := peerOf(&p.Rules[d][i], d)
			bounds = append(append(bounds, peer.Nets...), peer.NotNets...)
		}
	}
	return bounds
}

// otherProtocol stands for all protocols that no policy names (IANA: reserved for
// experiments).
const otherProtocol meaning.Protocol = 253

// cells parts protocols and ports into cells at the boundaries of the policies' rules.
func cells(policies []*meaning.Policy, e *population.Pods) []cell {
	protocols := map[meaning.Protocol]bool{meaning.TCP: true, meaning.UDP: true, otherProtocol: true}
	var ports, types []int // first numbers of ranges
	for _, p := range policies {
		for i := range p.Rules[meaning.Ingress] {
			r := &p.Rules[meaning.Ingress][i]
			for _, protocol := range []*meaning.Protocol{r.Protocol, r.NotProtocol} {
				if protocol != nil {
					protocols[*protocol] = true
				}
			}
			for _, match := range []*meaning.ICMPMatch{r.ICMP, r.NotICMP} {
				if match != nil {
					types = append(types, int(match.Type), int(match.Type)+1)
				}
			}
			for _, matches := range [][]meaning.PortMatch{r.Destination.Ports, r.Destination.NotPorts} {
				for _, port := range matches {
					if port.Name == "" {
						ports = append(ports, int(port.First), int(port.Last)+1)
					}
				}
			}
		}
	}
	for _, port := range e.Ports {
		ports = append(ports, int(port.Number), int(port.Number)+1)
	}
	var all []cell
	for protocol := range protocols {
		switch {
		case protocol.HasPorts():
			all = append(all, parts(protocol, ports, 1, 65535)...)
		case isICMP(protocol):
			all = append(all, parts(protocol, types, 0, 255)...)
		default:
			all = append(all, cell{protocol, 0, 65535})
		}
	}
	slices.SortFunc(all, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.first, b.first))
	})
	return all
}

// parts cuts the ports from lowest to highest into cells where ranges begin.
func parts(protocol meaning.Protocol, starts []int, lowest, highest int) []cell {
	starts = append(slices.Clone(starts), lowest)
	slices.Sort(starts)
	starts = slices.DeleteFunc(slices.Compact(starts), func(n int) bool { return n < lowest || n > highest })
	var all []cell
	for i, first := range starts {
		last := highest
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		all = append(all, cell{protocol, uint16(first), uint16(last)})
	}
	return all
}

// merge joins cells of ports from which the world gets the same answer. If all cells have it, it
// is that of any protocol and port.
func merge(family packet.Family, answers []accepted, cells int) []World {
	same := func(a, b accepted) bool { return a.share == b.share && slices.Equal(a.rules, b.rules) }
	if len(answers) == cells && !slices.ContainsFunc(answers, func(a accepted) bool { return !same(a, answers[0]) }) {
		return []World{{Family: family.String(), Protocol: "any", Ports: "any", Share: answers[0].share, Rules: list(answers[0].rules), Anybody: answers[0].anybody}}
	}
	var out []World
	for len(answers) > 0 {
		first := answers[0]
		var group, rest []accepted
		for _, a := range answers {
			if a.protocol == first.protocol && same(a, first) {
				group = append(group, a)
			} else {
				rest = append(rest, a)
			}
		}
		answers = rest
		out = append(out, World{
			Family: family.String(), Protocol: protocolName(first.protocol), Ports: join(group), Share: first.share, Rules: list(first.rules), Anybody: first.anybody,
		})
	}
	return out
}

// protocolName names the protocol of a cell of the world's packets, or all that no rule names.
func protocolName(p meaning.Protocol) string {
	if p == otherProtocol {
		return "other protocols"
	}
	return p.String()
}

// join spells the ports of adjacent cells as ranges: 80,8000-8100, or any; for ICMP they are
// types.
func join(group []accepted) string {
	lowest, highest := uint16(1), uint16(65535)
	switch protocol := group[0].protocol; {
	case isICMP(protocol):
		lowest, highest = 0, 255
	case !protocol.HasPorts():
		return "any"
	}
	var spelt []string
	for i := 0; i < len(group); {
		first, last := group[i].first, group[i].last
		for i++; i < len(group) && group[i].first == last+1; i++ {
			last = group[i].last
		}
		switch {
		case first == lowest && last == highest:
			return "any"
		case first == last:
			spelt = append(spelt, strconv.Itoa(int(first)))
		default:
			spelt = append(spelt, strconv.Itoa(int(first))+"-"+strconv.Itoa(int(last)))
		}
	}
	return strings.Join(spelt, ",")
}
