package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

var halfOpen = &diag.Rule{Code: "PC312", Severity: diag.Warning,
	Title: "A flow of which one half is open",
	Help:  "A connection passes if its source may send it and its destination may receive it: two rules, often of two people. A rule that names a peer opens one of the halves; where the peer is isolated and nothing opens the other half, the rule does nothing. Add the missing half, or remove the rule."}

// HalfOpen finds the rules that open one half of flows whose other half is denied for
// want of a rule: both ends are pods that manifests describe, and the rule names its
// peer. What is denied on purpose, by a rule, is no such flow, nor is what the tiers'
// order decides. A rule for all pods of a namespace, or about them, is one only as far
// as it opens nothing for anybody. Names asked of the DNS pods are somebody else's
// business.
//
// The endpoints are those of the manifests, with what is known of their namespaces.
func HalfOpen(m *meaning.Meaning, described []*meaning.Endpoint) diag.List {
	strays := map[string]bool{} // pods whose Namespace no manifest describes
	for _, e := range m.Endpoints {
		strays[e.Ref()] = e.NamespaceLabels == nil
	}
	var a meaning.Atoms
	for _, e := range described {
		if strays[e.Ref()] && !e.HostNetwork {
			a.Add(e)
		}
	}
	r := meaning.Evaluate(m, &a)
	var found diag.List
	for _, v := range merge(surveyOf(m, r).openings()) {
		found = append(found, v.finding(m, r))
	}
	return found
}

// survey looks for openings whose other half is missing.
type survey struct {
	m *meaning.Meaning
	r *meaning.Relation

	described  packet.Numbers // the classes of pods in manifests
	unlabelled packet.Numbers // of pods without labels, in each namespace
	stranger   packet.Numbers // of one in a namespace that nobody names
	servers    packet.Numbers // of the DNS pods
	names      packet.Traffic // that asks for names

	answers map[*meaning.Segment][]answered // by a side's first segment
}

// crossing is all pairs of an end whose policy it is and one of its peers.
type crossing struct{ own, peers packet.Numbers }

func (p crossing) isEmpty() bool { return p.own.IsEmpty() || p.peers.IsEmpty() }

func (p crossing) and(q crossing) crossing {
	return crossing{p.own.Intersect(q.own), p.peers.Intersect(q.peers)}
}

// minus is what others leave of pairs.
func (p crossing) minus(others []crossing) []crossing {
	left := []crossing{p}
	for _, q := range others {
		var next []crossing
		for _, part := range left {
			common := part.and(q)
			if common.isEmpty() {
				next = append(next, part)
				continue
			}
			for _, rest := range []crossing{{part.own.Subtract(q.own), part.peers}, {common.own, part.peers.Subtract(q.peers)}} {
				if !rest.isEmpty() {
					next = append(next, rest)
				}
			}
		}
		left = next
	}
	return left
}

// region is traffic between pairs.
type region struct {
	crossing
	traffic  packet.Traffic
	families meaning.Families
}

// answered is traffic with some peers about which the other half's policies say more
// than that nothing allows it.
type answered struct {
	peers    packet.Numbers
	traffic  packet.Traffic
	families meaning.Families
}

// opening is one rule, and what it allows on its half.
type opening struct {
	policy    *meaning.Policy
	rule      *meaning.Rule
	direction meaning.Direction
	ports     []port
	// The rule is for all pods of some namespace, about all of some, or about everybody.
	allOwn, allPeers, everybody bool
}

// port is one entry of a rule's ports, or all its traffic.
type port struct {
	text    string
	traffic packet.Traffic
	opened  []region
	works   []crossing // for which the other half allows some of it
	missing []region
}

func surveyOf(m *meaning.Meaning, r *meaning.Relation) *survey {
	s := &survey{m: m, r: r, answers: map[*meaning.Segment][]answered{}}
	stranger := uint32(0)
	s.unlabelled, stranger = r.Unlabelled()
	s.stranger = packet.NumbersOf(stranger)
	dns := m.Cluster.DNS
	for _, p := range []packet.Protocol{packet.TCP, packet.UDP} {
		s.names = s.names.Union(packet.Ports(p, uint16(dns.Port), uint16(dns.Port)))
	}
	unknown := map[string]bool{}
	if s.r.AsksNamespaces() {
		for _, e := range s.m.Endpoints {
			unknown[e.Namespace] = e.NamespaceLabels == nil
		}
	}
	var described, servers []uint32
	for n, c := range s.r.Classes() {
		if c.Kind != meaning.OfPods || c.Future {
			continue
		}
		e := c.Endpoints[0]
		if e.NamespaceLabels == nil || unknown[e.Namespace] {
			continue
		}
		described = append(described, uint32(n))
		if e.Namespace == dns.Namespace && wears(e, dns.Labels) {
			servers = append(servers, uint32(n))
		}
	}
	s.described, s.servers = packet.NumbersOf(described...), packet.NumbersOf(servers...)
	return s
}

func wears(e *meaning.Endpoint, labels map[string]string) bool {
	for k, v := range labels {
		if have, ok := e.Labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// openings are the rules that open something and whose other half is missing.
func (s *survey) openings() []*opening {
	var all []*opening
	known := map[*meaning.Rule]*opening{}
	everybody := s.described.Union(s.unlabelled).Union(s.stranger)
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		for side := range s.r.Sides(everybody, d) {
			for i := range side.Segments {
				segment := &side.Segments[i]
				policy, rule := side.Rule(segment)
				if segment.Outcome != meaning.Allowed || rule == nil || !names(rule, d) {
					continue
				}
				o := known[rule]
				if o == nil {
					o = &opening{policy: policy, rule: rule, direction: d, ports: portsOf(rule)}
					known[rule] = o
					all = append(all, o)
				}
				s.open(o, crossing{side.Classes, segment.Peers.Intersect(everybody)}, segment)
			}
		}
	}
	all = slices.DeleteFunc(all, func(o *opening) bool { return o.everybody || !s.missing(o) })
	slices.SortStableFunc(all, func(a, b *opening) int {
		return cmp.Or(a.policy.ID.Compare(b.policy.ID), cmp.Compare(a.direction, b.direction))
	})
	return all
}

// names reports whether the rule asks who its peer is.
func names(r *meaning.Rule, d meaning.Direction) bool {
	peer := &r.Source
	if d == meaning.Egress {
		peer = &r.Destination
	}
	return peer.Selector != nil || peer.Service != nil
}

// portsOf are the entries of a rule's ports. Where names are among them, which numbers
// they are depends on the pod: then they are one.
func portsOf(r *meaning.Rule) []port {
	protocol := "all traffic"
	if r.Protocol != nil {
		protocol = r.Protocol.String()
	}
	ports := r.Destination.Ports
	named := slices.ContainsFunc(ports, func(p meaning.PortMatch) bool { return p.Name != "" })
	if r.Protocol == nil || len(ports) == 0 || named {
		text := make([]string, len(ports))
		for i, p := range ports {
			text[i] = spell(p)
		}
		return []port{{text: strings.TrimSpace(protocol + " " + strings.Join(text, ", ")), traffic: packet.Anything()}}
	}
	all := make([]port, len(ports))
	for i, p := range ports {
		all[i] = port{text: protocol + " " + spell(p), traffic: packet.Ports(*r.Protocol, p.First, p.Last)}
	}
	return all
}

func spell(p meaning.PortMatch) string {
	switch {
	case p.Name != "":
		return p.Name
	case p.First == p.Last:
		return fmt.Sprint(p.First)
	default:
		return fmt.Sprintf("%d-%d", p.First, p.Last)
	}
}

// open takes note of what a rule allows between pairs, and whom it works for.
func (s *survey) open(o *opening, of crossing, segment *meaning.Segment) {
	if of.isEmpty() {
		return
	}
	o.allOwn = o.allOwn || of.own.Overlaps(s.unlabelled.Union(s.stranger))
	o.allPeers = o.allPeers || of.peers.Overlaps(s.unlabelled)
	o.everybody = o.everybody || of.peers.Overlaps(s.stranger)
	of = of.and(crossing{s.described, s.described})
	clients := crossing{of.own.Subtract(s.servers), of.peers.Subtract(s.servers)}
	other := segment.Traffic.Subtract(s.names)
	for _, x := range []region{
		{clients, segment.Traffic, segment.Families},
		{crossing{of.own.Intersect(s.servers), of.peers}, other, segment.Families},
		{crossing{clients.own, of.peers.Intersect(s.servers)}, other, segment.Families},
	} {
		if x.isEmpty() {
			continue
		}
		for i := range o.ports {
			y := x
			y.traffic = x.traffic.Intersect(o.ports[i].traffic)
			if !y.traffic.IsEmpty() {
				o.ports[i].opened = append(o.ports[i].opened, y)
				o.ports[i].works = append(o.ports[i].works, s.working(o.direction, y)...)
			}
		}
	}
}

// working are the pairs of which the other half does not merely lack a rule.
func (s *survey) working(d meaning.Direction, x region) []crossing {
	var all []crossing
	for side := range s.r.Sides(x.peers, 1-d) {
		var own packet.Numbers
		for _, a := range s.answersOf(side) {
			if a.families&x.families != 0 && a.peers.Overlaps(x.own) && a.traffic.Overlaps(x.traffic) {
				own = own.Union(a.peers.Intersect(x.own))
			}
		}
		if !own.IsEmpty() {
			all = append(all, crossing{own, side.Classes})
		}
	}
	return all
}

func (s *survey) answersOf(side meaning.Side) []answered {
	if len(side.Segments) == 0 {
		return nil
	}
	key := &side.Segments[0]
	if known, ok := s.answers[key]; ok {
		return known
	}
	var all []answered
	for i := range side.Segments {
		segment := &side.Segments[i]
		switch {
		case side.Forgotten(segment):
		case segment.Outcome == meaning.Denied:
			for _, part := range s.r.Parts(*segment) {
				all = append(all, answered{part.Peers, part.Traffic, part.Families})
			}
		default:
			all = append(all, answered{segment.Peers, segment.Traffic, segment.Families})
		}
	}
	s.answers[key] = all
	return all
}

// missing finds what lacks its other half, and reports whether anything does.
func (s *survey) missing(o *opening) bool {
	some := false
	for i := range o.ports {
		p := &o.ports[i]
		works := slices.Clone(p.works)
		for _, w := range p.works {
			if o.allOwn {
				works = append(works, crossing{s.described, w.peers})
			}
			if o.allPeers {
				works = append(works, crossing{w.own, s.described})
			}
		}
		for _, x := range p.opened {
			for _, left := range x.minus(works) {
				if !s.alone(left, o.allOwn || o.allPeers) {
					p.missing = append(p.missing, region{left, x.traffic, x.families})
				}
			}
		}
		some = some || len(p.missing) > 0
	}
	return some
}

// alone reports whether the pairs are a pod and itself: what it says to itself never
// leaves it. To a rule for all pods, or about all, a workload is no more than that.
func (s *survey) alone(p crossing, all bool) bool {
	n, _ := p.own.Min()
	c := s.r.Classes()[n]
	return p.own.Count() == 1 && p.own.Equal(p.peers) && len(c.Endpoints) == 1 && (all || c.Endpoints[0].Object.Kind == "Pod")
}
