package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"

	"portcullis.dev/policies/cores"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Digest is the SHA-256 of all that a plan says of something, places and reasons included.
type Digest [sha256.Size]byte

// Digests tell apart what plans say of the pods of one namespace.
type Digests struct {
	// Common is of what concerns the pods of every namespace.
	Common Digest
	// Namespaces are those that are listed by their names. Each has the digest of what concerns its
	// own pods alone: the namespace, its workloads, the flows that begin or end there, and the tests
	// about them, with the workloads that stand beside those that a test names.
	Namespaces map[string]Digest
}

// Digests digests a plan. Every field of it is in the digest of whatever it concerns.
func (p *Plan) Digests() Digests {
	concerns := p.concerns()
	names := diag.SortedKeys(concerns.of)
	digests := make([]Digest, len(names))
	cores.Share(len(names), func(first, end int) {
		var e encoder
		for i := first; i < end; i++ {
			digests[i] = e.part(p, concerns.of[names[i]], concerns.beside)
		}
	})
	all := Digests{Namespaces: make(map[string]Digest, len(names))}
	for i, name := range names {
		all.Namespaces[name] = digests[i]
	}
	var e encoder
	e.frame(p)
	all.Common = e.part(p, &concerns.common, concerns.beside)
	return all
}

// part are the parts of a plan that concern one namespace, or all of them, by their places in the
// plan's lists.
type part struct{ workloads, flows, tests []int }

// concerns are the parts of a plan by whom they concern.
type concerns struct {
	common part
	of     map[string]*part  // by the names of the namespaces that are listed by them
	beside map[string]Digest // by namespaces of which tests name workloads: the selectors of all there
}

// concerns finds out whom the parts of a plan concern. A flow or test concerns everybody where an end
// may be pods of any namespace: by labels, or by an address that a pod may have.
func (p *Plan) concerns() concerns {
	c := concerns{of: make(map[string]*part, len(p.Namespaces)), beside: p.beside()}
	for i := range p.Namespaces {
		if n := &p.Namespaces[i]; !n.Pattern {
			c.of[n.Name] = &part{}
		}
	}
	pods, _ := p.Whereabouts()
	anywhere := map[netip.Prefix]bool{} // whether pods may be there
	isAnywhere := func(e *End) bool {
		if e.Pods != nil {
			return c.of[e.Pods.Namespace] == nil
		}
		return slices.ContainsFunc(e.Blocks, func(b Block) bool {
			may, known := anywhere[b.CIDR]
			if !known {
				may = packet.AddressesOf(b.CIDR).Overlaps(pods)
				anywhere[b.CIDR] = may
			}
			return may
		})
	}
	concern := func(from, to *End, add func(*part)) {
		if isAnywhere(from) || isAnywhere(to) || from.Pods == nil && to.Pods == nil {
			add(&c.common)
			return
		}
		if from.Pods != nil {
			add(c.of[from.Pods.Namespace])
		}
		if to.Pods != nil && (from.Pods == nil || to.Pods.Namespace != from.Pods.Namespace) {
			add(c.of[to.Pods.Namespace])
		}
	}
	for i := range p.Flows {
		concern(&p.Flows[i].From, &p.Flows[i].To, func(of *part) { of.flows = append(of.flows, i) })
	}
	for i := range p.Tests {
		concern(&p.Tests[i].From, &p.Tests[i].To, func(of *part) { of.tests = append(of.tests, i) })
	}
	for i := range p.Workloads {
		of := c.of[p.Workloads[i].Namespace]
		if of == nil {
			of = &c.common
		}
		of.workloads = append(of.workloads, i)
	}
	return c
}

// namesWorkload reports whether an end of a test speaks of some of the pods of one namespace.
func (x *End) namesWorkload() bool {
	return x.Pods != nil && x.Pods.Namespace != "" && len(x.Pods.Selector) > 0
}

// beside digests, for each namespace of which a test names a workload, the selectors of all workloads
// there: a pod that is one of the others too is none of whom the test speaks, whoever's half is asked
// about.
func (p *Plan) beside() map[string]Digest {
	named := map[string]encoder{}
	for i := range p.Tests {
		for _, x := range []*End{&p.Tests[i].From, &p.Tests[i].To} {
			if x.namesWorkload() {
				named[x.Pods.Namespace] = nil
			}
		}
	}
	for i := range p.Workloads {
		w := &p.Workloads[i]
		if e, some := named[w.Namespace]; some {
			e.selector(w.Selector)
			named[w.Namespace] = e
		}
	}
	digests := make(map[string]Digest, len(named))
	for name, e := range named {
		digests[name] = sha256.Sum256(e)
	}
	return digests
}

// encoder spells values so that no two that differ are spelt alike: a text and a list begin with how
// long they are.
type encoder []byte

// part digests parts of a plan, behind what was spelt before, and begins anew. Beside is what stands
// beside the workloads that tests name.
func (e *encoder) part(p *Plan, of *part, beside map[string]Digest) Digest {
	list(e, of.workloads, func(i int) { e.workload(&p.Workloads[i]) })
	list(e, of.flows, func(i int) { e.flow(&p.Flows[i]) })
	list(e, of.tests, func(i int) { e.test(&p.Tests[i], beside) })
	digest := Digest(sha256.Sum256(*e))
	*e = (*e)[:0]
	return digest
}

// frame spells what is not said of single namespaces, and of the addresses that lines name together:
// where they leave room for pods.
func (e *encoder) frame(p *Plan) {
	e.text(p.Environment, p.PlatformName)
	list(e, p.Targets, func(s string) { e.text(s) })
	list(e, p.Namespaces, func(n Namespace) { e.namespace(&n) })
	e.cluster(&p.Cluster)
	for _, c := range p.Assumed() {
		e.cluster(&c)
	}
	pods, others := p.Whereabouts()
	list(e, pods.Prefixes(), e.prefix)
	list(e, others.Prefixes(), e.prefix)
	list(e, p.Guardrails, func(g Guardrail) {
		e.text(g.Name, g.Why)
		e.optional(g.From)
		e.optional(g.To)
		list(e, g.Ports, e.port)
		list(e, g.Unless, func(x End) { e.end(&x) })
		e.span(g.Span)
	})
	list(e, p.Quarantine, func(q Quarantined) {
		e.end(&q.End)
		e.text(q.Why, q.Ticket, q.Until)
		e.span(q.Span)
	})
	e.truth(p.DenyUnknown)
	s := &p.Stages
	e.text(s.GuardrailTier)
	e.number(s.GuardrailTierOrder, s.PlatformOrder, s.AllowOrder, s.DefaultDenyOrder)
	list(e, p.Components, func(c Component) {
		e.text(c.Path)
		list(e, c.Namespaces, func(s string) { e.text(s) })
		e.span(c.Span)
		list(e, c.Kinds, func(k NamedKind) { e.text(k.Name); e.span(k.Span) })
		for _, all := range [][]NamedMetadata{c.Labels, c.Annotations} {
			list(e, all, func(m NamedMetadata) { e.text(m.Key, m.Value); e.span(m.Span) })
		}
	})
	e.span(p.Platform)
}

// cluster spells a plan's cluster.
func (e *encoder) cluster(c *object.Cluster) {
	e.number(c.CalicoMinor, c.DNS.Port)
	e.text(string(c.API), c.DNS.Namespace)
	for _, all := range [][]netip.Prefix{c.PodCIDRs, c.ServiceCIDRs, c.NodeCIDRs, c.PodSpace} {
		list(e, all, e.prefix)
	}
	e.labels(c.DNS.Labels)
	list(e, c.DNS.NodeLocal, func(a netip.Addr) { e.text(a.String()) })
	list(e, c.System, func(s string) { e.text(s) })
}

// namespace spells a namespace of a plan.
func (e *encoder) namespace(n *Namespace) {
	e.text(n.Name, n.Owner)
	e.labels(n.Labels)
	e.truth(n.Governed, n.Staged, n.System, n.Pattern, n.Open, n.Unwritten)
	e.span(n.Span)
}

// workload spells a workload of a plan.
func (e *encoder) workload(w *Workload) {
	e.text(w.Namespace, w.Name, w.Owner)
	e.selector(w.Selector)
	list(e, w.Ports, func(p NamedPort) {
		e.text(p.Name)
		list(e, p.Ports, e.port)
		e.span(p.Span)
	})
	e.truth(w.DNS, w.HostNetwork)
	e.span(w.Span)
	e.span(w.SelectorSpan)
}

// flow spells a flow of a plan.
func (e *encoder) flow(f *Flow) {
	e.end(&f.From)
	e.end(&f.To)
	list(e, f.Ports, e.port)
	list(e, f.Origins, func(o Origin) {
		e.span(o.Span)
		e.text(o.Intent, o.Why, o.Ticket, o.Until)
		list(e, o.Ports, e.port)
		e.truth(o.Outbound)
	})
}

// test spells a test of a plan, with what stands beside the workloads that it names.
func (e *encoder) test(t *Test, beside map[string]Digest) {
	e.text(t.Text, t.Intent)
	for _, x := range []*End{&t.From, &t.To} {
		if e.end(x); x.namesWorkload() {
			digest := beside[x.Pods.Namespace]
			*e = append(*e, digest[:]...)
		}
	}
	list(e, t.Ports, e.port)
	e.truth(t.Ports == nil, t.Allow)
	e.span(t.Span)
}

// end spells an end of a flow.
func (e *encoder) end(x *End) {
	e.text(x.Name, x.Peer)
	e.truth(x.Pods != nil)
	if x.Pods != nil {
		e.text(x.Pods.Namespace)
		e.selector(x.Pods.Namespaces)
		e.selector(x.Pods.Selector)
	}
	list(e, x.Blocks, func(b Block) {
		e.prefix(b.CIDR)
		list(e, b.Except, e.prefix)
	})
}

// optional spells an end that may be missing.
func (e *encoder) optional(x *End) {
	if e.truth(x != nil); x != nil {
		e.end(x)
	}
}

// selector spells a selector.
func (e *encoder) selector(s object.Selector) {
	list(e, s, func(r object.Requirement) {
		e.text(r.Key, string(r.Op))
		list(e, r.Values, func(v string) { e.text(v) })
	})
}

// labels spells labels, by their keys.
func (e *encoder) labels(all map[string]string) {
	list(e, diag.SortedKeys(all), func(key string) { e.text(key, all[key]) })
}

// port spells a range of ports.
func (e *encoder) port(p Port) {
	e.text(string(p.Protocol))
	e.number(int(p.First), int(p.Last))
}

// prefix spells a range of addresses.
func (e *encoder) prefix(p netip.Prefix) {
	a := p.Addr().As16()
	*e = append(*e, a[:]...)
	e.number(p.Addr().BitLen(), p.Bits())
}

// span spells a place in the input.
func (e *encoder) span(s diag.Span) {
	e.text(s.File)
	e.number(int(s.Start.Line), int(s.Start.Column), int(s.End.Line), int(s.End.Column))
}

// text spells texts.
func (e *encoder) text(all ...string) {
	for _, s := range all {
		e.number(len(s))
		*e = append(*e, s...)
	}
}

// number spells numbers.
func (e *encoder) number(all ...int) {
	for _, n := range all {
		*e = binary.AppendVarint(*e, int64(n))
	}
}

// truth spells what holds and what does not.
func (e *encoder) truth(all ...bool) {
	for _, b := range all {
		if b {
			*e = append(*e, 1)
		} else {
			*e = append(*e, 0)
		}
	}
}

// list spells a list, each of its members as told.
func list[T any](e *encoder, all []T, spell func(T)) {
	e.number(len(all))
	for _, one := range all {
		spell(one)
	}
}
