// Package halfopen looks for rules of manifests that open one half of flows whose other half
// nobody opens, and for policies that hold none of the pods that they select.
//
// Its invariant: what it reports does nothing, for no pod that is described. It asks classes
// of described pods, not pods that may come: a rule for them may well be half of something.
//
// It must not know of plans: nothing is known of what was meant.
package halfopen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{halfOpen, onHostAlone}

var halfOpen = &diag.Rule{Code: "PC312", Severity: diag.Warning,
	Title: "A flow of which one half is open",
	Why:   "A connection passes if its source may send it and its destination may receive it: two rules, often of two people. A rule that names a peer opens one of the halves; where the peer is isolated and nothing opens the other half, the rule does nothing. A rule about all pods of a namespace names none of them, and is no half of anything.",
	Mend:  "Add the missing half, or remove the rule."}

// Find finds the rules that open one half of flows whose other half is denied for
// want of a rule: both ends are pods that manifests describe, and the rule names its
// peer. What is denied on purpose, by a rule, is no such flow, nor is what the tiers'
// order decides. A rule about all pods of a namespace names none of them: whom it is for,
// the receivers (or senders) decide. One for all pods of a namespace is half open only as
// far as it opens nothing for anybody. Names asked of the DNS pods are somebody else's
// business.
//
// The endpoints are those of the manifests, with what is known of their namespaces.
func Find(m *meaning.Meaning, described []*meaning.Endpoint) diag.List {
	var found diag.List
	s := surveyOf(m, described)
	for _, v := range merge(s.openings()) {
		found = append(found, v.finding(s.town))
	}
	return found
}

// survey looks for openings whose other half is missing.
type survey struct {
	*town
	servers packet.Numbers // the DNS pods
	names   packet.Traffic // that asks for names
	grouped [2]struct {    // the last answer of sides, which is mostly the next
		of    packet.Numbers
		sides []side
	}
}

// side is some classes under one program.
type side struct {
	*program
	classes packet.Numbers
}

// crossing is all pairs of an end whose policy it is and one of its peers.
type crossing struct{ own, peers packet.Numbers }

// isEmpty reports whether a crossing has no pair of pods.
func (p crossing) isEmpty() bool { return p.own.IsEmpty() || p.peers.IsEmpty() }

// and intersects the pairs of two crossings.
func (p crossing) and(q crossing) crossing {
	return crossing{p.own.Intersect(q.own), p.peers.Intersect(q.peers)}
}

// minus returns what others leave of the pairs.
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

// flow is traffic between pairs of which the first are under one program.
type flow struct {
	crossing
	traffic  packet.Traffic
	families families
	program  int
}

// opening is one rule, and what it allows on its half.
type opening struct {
	policy    *meaning.Policy
	rule      *meaning.Rule
	direction meaning.Direction
	ports     []port
	allOwn    bool // the rule is for all pods of some namespace
	nobodys   bool // it is about all pods of some, and names none
}

// port is one entry of a rule's ports, or all its traffic.
type port struct {
	text    string
	traffic packet.Traffic
	opened  []flow
	works   map[int][]crossing // by program: for which the other half allows some of it
	missing []flow
}

// surveyOf prepares to look for half-open flows: it picks the pods whose namespaces are known, and
// the DNS servers among them.
func surveyOf(m *meaning.Meaning, described []*meaning.Endpoint) *survey {
	var pods []*meaning.Endpoint
	asked := asksNamespaces(m)
	for _, e := range described {
		if !e.HostNetwork && e.NamespaceLabels != nil && !(asked && e.NamespaceUnwritten) {
			pods = append(pods, e)
		}
	}
	s := &survey{town: townOf(m, pods)}
	dns := m.Cluster.DNS
	for _, p := range []packet.Protocol{packet.TCP, packet.UDP} {
		s.names = s.names.Union(packet.Ports(p, uint16(dns.Port), uint16(dns.Port)))
	}
	var servers []uint32
	for n := range s.described.All() {
		if e := s.classes[n].pods[0]; e.Namespace == dns.Namespace && wears(e, dns.Labels) {
			servers = append(servers, n)
		}
	}
	s.servers = packet.NumbersOf(servers...)
	return s
}

// wears reports whether a pod has all of the labels by which DNS servers are known.
func wears(e *meaning.Endpoint, labels map[string]string) bool {
	for k, v := range labels {
		if have, ok := e.Labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// openings gathers the rules that open one half of something whose other half is missing.
func (s *survey) openings() []*opening {
	var all []*opening
	known := map[*meaning.Rule]*opening{}
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		for n, p := range s.programs[d] {
			for i := range p.opened {
				x := &p.opened[i]
				if !namesPeer(x.rule, d) {
					continue
				}
				o := known[x.rule]
				if o == nil {
					o = &opening{policy: x.policy, rule: x.rule, direction: d, ports: portsOf(x.rule)}
					known[x.rule] = o
					all = append(all, o)
				}
				s.open(o, n, x)
			}
		}
	}
	all = slices.DeleteFunc(all, func(o *opening) bool { return o.nobodys || !s.missing(o) })
	slices.SortStableFunc(all, func(a, b *opening) int {
		return cmp.Or(a.policy.ID.Compare(b.policy.ID), cmp.Compare(a.direction, b.direction))
	})
	return all
}

// namesPeer reports whether the opening rule asks who its peer is.
func namesPeer(r *meaning.Rule, d meaning.Direction) bool {
	peer := &r.Source
	if d == meaning.Egress {
		peer = &r.Destination
	}
	return peer.Selector != nil || peer.Service != nil
}

// portsOf lists the entries of an opening rule's ports. Where names are among them, which numbers
// they are depends on the pod: then they are one.
func portsOf(r *meaning.Rule) []port {
	protocol := "all traffic"
	if r.Protocol != nil {
		protocol = r.Protocol.String()
	}
	ports := r.Destination.Ports
	if r.Protocol == nil && len(ports) > 0 {
		protocol = "" // a name says it of its own
	}
	if r.Protocol == nil || len(ports) == 0 || named(ports) {
		text := make([]string, len(ports))
		for i, p := range ports {
			text[i] = spell(p)
		}
		return []port{newPort(strings.TrimSpace(protocol+" "+strings.Join(text, ", ")), packet.Anything())}
	}
	all := make([]port, len(ports))
	for i, p := range ports {
		all[i] = newPort(protocol+" "+spell(p), packet.Ports(*r.Protocol, p.First, p.Last))
	}
	return all
}

// newPort makes an entry of an opening rule's ports of its text and its traffic.
func newPort(text string, traffic packet.Traffic) port {
	return port{text: text, traffic: traffic, works: map[int][]crossing{}}
}

// spell writes an entry of an opening rule's ports: a name, a number or a range.
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

// open notes what an opening rule allows some pods, and whom it works for.
func (s *survey) open(o *opening, program int, x *segment) {
	of := crossing{s.programs[o.direction][program].classes, x.peers}
	o.allOwn = o.allOwn || of.own.Overlaps(s.unlabelled.Union(s.stranger))
	o.nobodys = o.nobodys || of.peers.Overlaps(s.unlabelled.Union(s.stranger))
	if o.nobodys {
		return
	}
	of = of.and(crossing{s.described, s.described})
	clients := crossing{of.own.Subtract(s.servers), of.peers.Subtract(s.servers)}
	other := x.traffic.Subtract(s.names)
	for _, f := range []flow{
		{clients, x.traffic, x.families, program},
		{crossing{of.own.Intersect(s.servers), of.peers}, other, x.families, program},
		{crossing{clients.own, of.peers.Intersect(s.servers)}, other, x.families, program},
	} {
		if f.isEmpty() {
			continue
		}
		for i := range o.ports {
			p, part := &o.ports[i], f
			if part.traffic = f.traffic.Intersect(p.traffic); !part.traffic.IsEmpty() {
				p.opened = append(p.opened, part)
				p.works[program] = append(p.works[program], s.working(o.direction, part)...)
			}
		}
	}
}

// working finds the pairs for which an opening works: the other half does not merely lack a rule.
func (s *survey) working(d meaning.Direction, f flow) []crossing {
	var all []crossing
	var peers [][]packet.Range
	for _, other := range s.sides(f.peers, 1-d) {
		own := other.answered.peersIn(region{f.families, f.own, f.traffic})
		if own.IsEmpty() {
			continue
		}
		at := slices.IndexFunc(all, func(c crossing) bool { return c.own.Equal(own) })
		if at < 0 {
			at = len(all)
			all, peers = append(all, crossing{own: own}), append(peers, nil)
		}
		peers[at] = append(peers[at], other.classes.Ranges()...)
	}
	for i := range all {
		all[i].peers = packet.Join(peers[i]...)
	}
	return all
}

// sides parts classes of pods by the programs that govern them.
func (s *survey) sides(classes packet.Numbers, d meaning.Direction) []side {
	if last := &s.grouped[d]; last.of.Equal(classes) {
		return last.sides
	}
	members := map[int][]uint32{}
	for n := range classes.All() {
		members[s.programOf[d][n]] = append(members[s.programOf[d][n]], n)
	}
	var all []side
	for _, n := range slices.Sorted(maps.Keys(members)) {
		all = append(all, side{s.programs[d][n], packet.NumbersOf(members[n]...)})
	}
	s.grouped[d].of, s.grouped[d].sides = classes, all
	return all
}

// missing finds for which pairs an opening's other half is missing, and reports whether there are
// any.
func (s *survey) missing(o *opening) bool {
	some := false
	for i := range o.ports {
		p := &o.ports[i]
		peers := p.worksFor()
		for _, f := range p.opened {
			works := p.works[f.program]
			if o.allOwn {
				works = append(slices.Clip(works), crossing{s.described, peers})
			}
			for _, left := range f.minus(works) {
				if !s.alone(left, o.allOwn) {
					p.missing = append(p.missing, flow{left, f.traffic, f.families, f.program})
				}
			}
		}
		some = some || len(p.missing) > 0
	}
	return some
}

// worksFor gathers the peers with whom an opening's port works for anybody.
func (p *port) worksFor() packet.Numbers {
	var all []packet.Range
	for _, works := range p.works {
		for _, w := range works {
			all = append(all, w.peers.Ranges()...)
		}
	}
	return packet.Join(all...)
}

// alone reports whether the pairs are a pod and itself: what it says to itself never
// leaves it. To a rule for all pods, or about all, a workload is no more than that.
func (s *survey) alone(p crossing, all bool) bool {
	n, _ := p.own.Min()
	c := s.classes[n]
	return p.own.Count() == 1 && p.own.Equal(p.peers) && len(c.pods) == 1 && (all || c.pods[0].Object.Kind == "Pod")
}
