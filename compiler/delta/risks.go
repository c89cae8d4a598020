package delta

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/packet"
)

// Tag is a kind of risk: how bad it is, and exactly when it is there.
type Tag struct {
	Tag      string
	Level    Level
	Sentence string // for help texts: what it means
	flow     func(*comparison, *flow) (text string, perhaps, is bool)
	level    func(*comparison, *flow) Level // where it is not always the same
}

// Risks is the table of risks: those of traffic, which have a condition on a flow, and those of
// governance, of which governance.go has the conditions.
var Risks = []Tag{
	{Tag: "internet-exposure", Level: High, Sentence: "an endpoint accepts a large part of the internet that it did not accept", flow: exposed},
	{Tag: "outside-exposure", Level: Medium, Sentence: "addresses outside of the cluster may send what they could not", flow: exposedOutside},
	{Tag: "internet-egress", Level: Medium, Sentence: "an endpoint may send to a large part of the internet to which it could not", flow: leaking},
	{Tag: "control-plane", Level: High, Sentence: "the API server, kubelets, metadata of the cloud or the system's namespaces are reached", flow: controlPlane},
	{Tag: "boundary-crossing", Level: Medium, Sentence: "traffic between namespaces whose labels guardrails tell apart", flow: crossing, level: crossingLevel},
	{Tag: "owner-crossing", Level: Low, Sentence: "traffic between namespaces of different owners", flow: owners},
	{Tag: "protected-flow-lost", Level: High, Sentence: "what a test asks for, or DNS, is closed", flow: lost},
	{Tag: "component-opens", Level: High, Sentence: "traffic that no line of an intent or of the Platform means", flow: unmeant},
	{Tag: "wide-ports", Level: Medium, Sentence: "a hundred ports or more of a protocol", flow: wide},
	{Tag: "endpoint-replaced", Level: Low, Sentence: "a workload that is gone had the same flows"},
	{Tag: "unisolated", Level: High, Sentence: "nothing holds back pods that were held back"},
	{Tag: "isolated", Level: Medium, Sentence: "pods are held back that were not"},
	{Tag: "guardrail-loosened", Level: High, Sentence: "a guardrail or a quarantine denies less"},
	{Tag: "guardrail-tightened", Level: Medium, Sentence: "a guardrail or a quarantine denies more"},
	{Tag: "enforcement-loosened", Level: High, Sentence: "a default deny is for fewer pods"},
	{Tag: "enforcement-tightened", Level: Medium, Sentence: "a default deny is for more pods"},
	{Tag: "test-fails", Level: High, Sentence: "a test or the proof fails that did not"},
	{Tag: "test-removed", Level: Medium, Sentence: "no test says any more what one said"},
	{Tag: "test-weakened", Level: Medium, Sentence: "tests say a part of what one said"},
	{Tag: "waiver-added", Level: Medium, Sentence: "more findings are accepted"},
	{Tag: "waiver-extended", Level: Medium, Sentence: "findings are accepted for longer"},
	{Tag: "waiver-removed", Level: Low, Sentence: "fewer findings are accepted, or not as long"},
	{Tag: "rule-lowered", Level: Medium, Sentence: "a rule counts for less, or is gone"},
	{Tag: "component-changed", Level: Medium, Sentence: "the bytes of a component differ"},
	{Tag: "deadline-extended", Level: Low, Sentence: "a line holds for longer"},
}

// LevelOf returns how bad a risk with a tag is in general.
func LevelOf(tag string) Level {
	i := slices.IndexFunc(Risks, func(t Tag) bool { return t.Tag == tag })
	return Risks[i].Level
}

// largePart is the share of a family's public addresses above which PC203 speaks of the internet.
const largePart = 0.25

// share computes for the risk of exposure the part of a family's public addresses with which an
// end has some traffic.
func share(r *reach.Relation, pod int, h packet.Header, f packet.Family, outward bool) float64 {
	public := packet.Public(f)
	of, all := 0.0, packet.Size(public.Ranges()...)
	world := packet.AddressRanges(public.Ranges()...)
	for i := range r.Members {
		m := &r.Members[i]
		if m.IsPod() || !m.Addresses.Overlaps(world) {
			continue
		}
		p := reach.Pair{From: i, To: pod}
		if outward {
			p = reach.Pair{From: pod, To: i}
		}
		fate := r.At(p)
		load := fate.Allowed.Union(fate.Unknown)
		if t := map[packet.Family]packet.Traffic{packet.IPv4: load.V4, packet.IPv6: load.V6}[f]; t.Contains(h) {
			of += packet.Size(m.Addresses.Intersect(world).IPSet().Ranges()...)
		}
	}
	return of / all
}

// opens reports whether a flow bears the risks of opening: it is allowed, or may be.
func opens(f *flow) bool { return f.sign == Opened || f.sign == Unknown }

// internet reports whether a flow opens pods to a large part of the public addresses that they had
// not before, from outside or outward.
func internet(f *flow, outward bool) (text string, is bool) {
	pods, others := f.of.To, f.of.From
	if outward {
		pods, others = others, pods
	}
	if !opens(f) || !slices.ContainsFunc(others, func(i int) bool { return !f.new.Members[i].IsPod() }) {
		return "", false
	}
	h, _ := f.of.Traffic.Witness()
	for _, pod := range pods {
		if !f.new.Members[pod].IsPod() {
			continue
		}
		for _, family := range []packet.Family{packet.IPv4, packet.IPv6} {
			now, before := share(f.new, pod, h, family, outward), share(f.old, pod, h, family, outward)
			if now > largePart && before <= largePart {
				return fmt.Sprintf("%.0f%% of the public %s addresses, %.0f%% before", now*100, family, before*100), true
			}
		}
	}
	return "", false
}

// exposed judges the risk that a flow lets the internet in.
func exposed(_ *comparison, f *flow) (string, bool, bool) {
	text, is := internet(f, false)
	return text, false, is
}

// leaking judges the risk that a flow lets pods send to the internet.
func leaking(_ *comparison, f *flow) (string, bool, bool) {
	text, is := internet(f, true)
	return text, false, is
}

// exposedOutside judges the risk that a flow lets somebody in from outside the cluster who is less
// than the internet.
func exposedOutside(_ *comparison, f *flow) (string, bool, bool) {
	if _, is := internet(f, false); is || !opens(f) {
		return "", false, false
	}
	var own packet.Addresses
	if p := f.new.World.Plan; p != nil {
		own = packet.AddressesOf(slices.Concat(p.Cluster.PodCIDRs, p.Cluster.NodeCIDRs, p.Cluster.ServiceCIDRs)...)
	}
	for _, i := range f.of.From {
		if m := &f.new.Members[i]; !m.IsPod() && !own.Covers(m.Addresses) {
			return "from outside the cluster", false, true
		}
	}
	return "", false, false
}

var linkLocal = packet.AddressesOf(netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("fd00:ec2::254/128"))

// planes are the @names of what runs a cluster.
var planes = []string{"@apiserver", "@control-plane", "@kubelets"}

// controlPlane judges the risk that a flow reaches the system's namespaces, the API server or
// link-local addresses, DNS apart.
func controlPlane(_ *comparison, f *flow) (string, bool, bool) {
	p := f.new.World.Plan
	if !opens(f) || p == nil {
		return "", false, false
	}
	for _, j := range f.of.To {
		m := &f.new.Members[j]
		if slices.ContainsFunc(p.DNSServers(), func(s plan.Server) bool {
			return f.new.World.Has(s.End, m) && plan.PacketsOn(s.Ports).Covers(f.of.Traffic)
		}) {
			continue
		}
		if m.IsPod() {
			if slices.Contains(p.Cluster.System, m.Endpoint.Namespace) {
				return "reaches the system namespace " + m.Endpoint.Namespace, false, true
			}
			continue
		}
		for _, peer := range f.new.World.Peers {
			if slices.Contains(planes, peer.Name) && peer.Addresses.Overlaps(m.Addresses) {
				return "reaches " + peer.Name, false, true
			}
		}
		if m.Addresses.Overlaps(linkLocal) && linkLocal.Covers(m.Addresses) {
			return "reaches " + m.Addr.String() + ", a link-local address", false, true
		}
	}
	return "", false, false
}

// between calls found with the namespaces of a flow's ends, each two once, until it says that the
// risk is there.
func (f *flow) between(found func(from, to string) (enough bool)) {
	names := func(of []int) []string {
		var all []string
		for _, i := range of {
			if m := &f.new.Members[i]; m.IsPod() && !slices.Contains(all, m.Endpoint.Namespace) {
				all = append(all, m.Endpoint.Namespace)
			}
		}
		return all
	}
	for _, a := range names(f.of.From) {
		for _, b := range names(f.of.To) {
			if a != b && found(a, b) {
				return
			}
		}
	}
}

// boundaries lists the labels of namespaces by which guardrails tell them apart, on either side;
// isolating ones first. A flow that crosses one is a risk.
func (c *comparison) boundaries() (isolating, all []string) {
	for _, s := range []*Side{&c.Old, &c.New} {
		if s.Repo == nil || s.Repo.Platform == nil {
			continue
		}
		for _, g := range s.Repo.Platform.Spec.Guardrails {
			if key := string(g.Isolate.Value); key != "" {
				isolating = append(isolating, key)
			}
			if g.Deny == nil {
				continue
			}
			for _, p := range slices.Concat(g.Deny.From, g.Deny.To) {
				if of := p.Value.Labels; of != nil && of.NamespaceSelector != nil {
					for _, r := range of.NamespaceSelector.Selector {
						all = append(all, r.Key)
					}
				}
			}
		}
	}
	return isolating, append(all, isolating...)
}

// crossed finds the first boundary, by its label, between the namespaces of a flow that opens.
func crossed(c *comparison, f *flow) (key string, text string) {
	p := f.new.World.Plan
	if !opens(f) || p == nil {
		return "", ""
	}
	_, keys := c.boundaries()
	value := func(ns, key string) string {
		n, _ := p.Namespace(ns)
		if v, there := n.Labels[key]; there {
			return key + "=" + v
		}
		return "no " + key
	}
	f.between(func(from, to string) bool {
		for _, k := range keys {
			if a, b := value(from, k), value(to, k); a != b {
				key, text = k, from+" has "+a+", "+to+" has "+b
				return true
			}
		}
		return false
	})
	return key, text
}

// crossing judges the risk that a flow crosses a boundary between namespaces.
func crossing(c *comparison, f *flow) (string, bool, bool) {
	key, text := crossed(c, f)
	return text, false, key != ""
}

// crossingLevel rates the risk of a crossed boundary: high where a guardrail isolates by its
// label.
func crossingLevel(c *comparison, f *flow) Level {
	key, _ := crossed(c, f)
	if isolating, _ := c.boundaries(); slices.Contains(isolating, key) {
		return High
	}
	return Medium
}

// owners judges the risk that a flow opens between namespaces of different owners.
func owners(_ *comparison, f *flow) (text string, perhaps, is bool) {
	p := f.new.World.Plan
	if !opens(f) || p == nil {
		return "", false, false
	}
	f.between(func(from, to string) bool {
		a, _ := p.Namespace(from)
		b, _ := p.Namespace(to)
		if is = a.Owner != b.Owner && a.Owner+b.Owner != ""; is {
			name := func(owner string) string {
				return strings.TrimSpace(owner + map[bool]string{true: "nobody"}[owner == ""])
			}
			text = name(a.Owner) + " to " + name(b.Owner)
		}
		return is
	})
	return text, false, is
}

// lost judges the risk that a flow which is closed was needed: a test expects it, or names are
// resolved by it.
func lost(_ *comparison, f *flow) (string, bool, bool) {
	p := f.old.World.Plan
	if f.sign == Opened || p == nil {
		return "", false, false
	}
	touches := func(of []int, e plan.End) bool {
		return slices.ContainsFunc(of, func(i int) bool { return f.old.World.Has(e, &f.old.Members[i]) })
	}
	for _, t := range p.Tests {
		if t.Allow && touches(f.of.From, t.From) && touches(f.of.To, t.To) && plan.PacketsOn(t.Ports).Overlaps(f.of.Traffic) {
			return "the test " + t.Text, false, true
		}
	}
	for _, s := range p.DNSServers() {
		if touches(f.of.To, s.End) && plan.PacketsOn(s.Ports).Overlaps(f.of.Traffic) {
			return "names are not resolved there any more", false, true
		}
	}
	return "", false, false
}

// unmeant judges the risk that a flow opens that no line means.
func unmeant(_ *comparison, f *flow) (string, bool, bool) {
	if !opens(f) || f.new.World.Plan == nil {
		return "", false, false
	}
	for _, i := range f.of.From {
		for _, j := range f.of.To {
			p := reach.Pair{From: i, To: j}
			if rest := f.new.Unmeant(p, reach.Both(f.of.Traffic)); !rest.IsEmpty() && rest.Overlaps(f.new.At(p).Allowed) {
				return "no line of an intent or of the Platform means it", false, true
			}
		}
	}
	return "", false, false
}

// wide judges the risk that a flow opens a hundred ports or more.
func wide(_ *comparison, f *flow) (string, bool, bool) {
	if !opens(f) {
		return "", false, false
	}
	const many = 100
	p := reach.Pair{From: f.of.From[0], To: f.of.To[0]}
	before := f.old.At(p).Allowed
	for _, protocol := range []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP} {
		of := packet.Ports(protocol, 1, 65535)
		was := before.V4.Union(before.V6).Intersect(of)
		now := was.Union(f.of.Traffic.Intersect(of))
		if n := now.Numbers().Count(); n >= many && n > was.Numbers().Count() {
			return fmt.Sprintf("%d ports of %s, %d before", n, protocol, was.Numbers().Count()), false, true
		}
	}
	return "", false, false
}

// replaced finds the risk of a replaced endpoint: flows that a workload which is gone had as one
// that is new has them.
func (c *comparison) replaced() {
	swapped := func(terms []reach.Term, with []reach.Term) (string, bool) {
		new, gone := "", ""
		for _, t := range terms {
			if t.State == "new" {
				new = t.String()
			}
		}
		for _, t := range with {
			if t.State == "gone" {
				gone = t.String()
			}
		}
		return new + "\x00" + gone, new != "" && gone != ""
	}
	for i := range c.Changes {
		for j := range c.Changes {
			a, b := &c.Changes[i], &c.Changes[j]
			if a.Sign != Opened || b.Sign != Closed || reach.Words(a.Packets) != reach.Words(b.Packets) {
				continue
			}
			pair, from := swapped(a.From, b.From)
			if !from {
				var to bool
				if pair, to = swapped(a.To, b.To); !to {
					continue
				}
			}
			new, gone, _ := strings.Cut(pair, "\x00")
			if strings.ReplaceAll(b.Question(), gone, new) == a.Question() {
				a.Risks = append(a.Risks, Risk{Tag: "endpoint-replaced", Level: LevelOf("endpoint-replaced"), Text: gone + " had it, and is gone"})
			}
		}
	}
}
