package proof

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// reading is how a line is read where nobody knows whom it is about.
type reading int

const (
	// may: a line from or to addresses is one for pods as well that have such an address,
	// and one by labels of namespaces for all that wear them.
	may reading = iota
	// must: what a line promises for certain.
	must
)

// line is something that the plan asks for.
type line struct {
	span     diag.Span
	resolves bool // the way to DNS, which no flow asks for
	from, to plan.End
	ports    []plan.Port
	only     *packet.Traffic // of the ports' that counts; nil: all
	// platform: it counts for pods of namespaces that nobody listed, too.
	platform bool
	// resolving asks, in place of from, whether an end is a pod that resolves names.
	resolving func(*intended, relation.End) *relation.Formula
	namespace string // of the pods that resolve names, if it is one: every pod there, or those of resolvers
	every     bool
	resolvers []plan.Workload
}

// intended turns a plan into programs of one direction. It reads nothing of what was
// emitted, nor how.
type intended struct {
	u       *relation.Universe
	p       *plan.Plan
	d       meaning.Direction
	reading reading

	spared map[string]bool // namespaces about whose pods' halves nothing is asked

	asked map[question]*relation.Formula // that many lines ask
	known
}

// pods are those of an end of a packet that many lines name.
type pods struct {
	*plan.Pods
	end relation.End
}

// question is one that a plan asks of an end.
type question struct {
	what string
	end  relation.End
}

// once makes the formula of a plan's question when it is asked for the first time.
func (t *intended) once(what string, x relation.End, make func() *relation.Formula) *relation.Formula {
	q := question{what, x}
	if t.asked[q] == nil {
		if t.asked == nil {
			t.asked = map[question]*relation.Formula{}
		}
		t.asked[q] = make()
	}
	return t.asked[q]
}

// source returns the end that sends, as the half in question sees the intended packet.
func (t *intended) source() relation.End {
	if t.d == meaning.Egress {
		return relation.Own
	}
	return relation.Peer
}

// destination returns the end that receives, as the half in question sees the intended packet.
func (t *intended) destination() relation.End { return 1 - t.source() }

// end makes the formula of whether an end of a packet is one that a line intends.
func (t *intended) end(e *plan.End, x relation.End) *relation.Formula {
	switch {
	case e == nil:
		return relation.True
	case e.Pods == nil:
		of := t.u.Addresses(x, t.addresses(e.Blocks))
		if t.reading == must {
			return relation.And(relation.Not(t.u.IsPod(x)), of)
		}
		return of
	case e.Pods.Namespace != "":
		f := t.ends[pods{e.Pods, x}]
		if f == nil {
			f = relation.And(t.u.Namespaces(x, e.Pods.Namespace), t.u.Selected(x, selector.OfRequirements(e.Pods.Selector)))
			t.ends[pods{e.Pods, x}] = f
		}
		return f
	}
	pods := t.u.Selected(x, selector.OfRequirements(e.Pods.Selector))
	byLabels := relation.And(t.u.IsPod(x), t.u.Selected(x, selector.OfRequirements(e.Pods.Namespaces).Prefixed(namespacePrefix)))
	if t.reading == may {
		return relation.And(byLabels, pods)
	}
	var listed, meant []string
	for _, n := range t.p.Namespaces {
		if n.Pattern {
			continue
		}
		listed = append(listed, n.Name)
		if e.Pods.In(n) {
			meant = append(meant, n.Name)
		}
	}
	return relation.And(pods, relation.Or(t.u.Namespaces(x, meant...), relation.And(byLabels, relation.Not(t.u.Namespaces(x, listed...)))))
}

// namespacePrefix is how Calico's selectors call labels of namespaces.
const namespacePrefix = "pcns."

// labelled makes the formula of whether an end is a pod in a namespace with the labels of a
// pattern.
func (t *intended) labelled(n plan.Namespace, x relation.End) *relation.Formula {
	return relation.And(t.u.IsPod(x), t.u.Selected(x, selector.OfRequirements(n.PatternSelector()).Prefixed(namespacePrefix)))
}

// unlisted makes, once, the formula of whether an end is a pod in a namespace that nobody listed,
// and that is closed all the same.
func (t *intended) unlisted(x relation.End) *relation.Formula {
	if !t.p.DenyUnknown {
		return relation.False
	}
	return t.once("unlisted", x, func() *relation.Formula { return t.makeUnlisted(x) })
}

// makeUnlisted makes the formula of pods in no namespace that the plan lists, spares or leaves to
// the system.
func (t *intended) makeUnlisted(x relation.End) *relation.Formula {
	var listed []string
	spared := relation.False
	for _, n := range t.p.Namespaces {
		switch {
		case n.Spared():
			spared = relation.Or(spared, t.labelled(n, x))
		case !n.Pattern:
			listed = append(listed, n.Name)
		}
	}
	listed = append(listed, t.p.Cluster.System...)
	return relation.And(t.u.IsPod(x), relation.Not(t.u.Namespaces(x, listed...)), relation.Not(spared))
}

// held makes the formula of whether an end is a pod that is let through no more than lines intend.
func (t *intended) held(x relation.End) *relation.Formula {
	var governed []string
	for _, n := range t.p.Namespaces {
		if n.Governed && !n.Pattern {
			governed = append(governed, n.Name)
		}
	}
	return relation.Or(t.u.Namespaces(x, governed...), t.unlisted(x))
}

// closedElsewhere makes the formula of whether an end is a pod of a pattern's namespace, which
// what is built for it closes, and opens for the lines.
func (t *intended) closedElsewhere(x relation.End) *relation.Formula {
	return t.once("closed elsewhere", x, func() *relation.Formula {
		all := relation.False
		for _, n := range t.p.Namespaces {
			if n.Pattern && !n.Open && !n.Staged {
				all = relation.Or(all, t.u.NamedLike(x, n.Name))
			}
		}
		return all
	})
}

// lines lists what the plan intends to pass: its flows, and then the ways to DNS.
func (t *intended) lines() []line {
	resolvers, servers := t.p.AllResolvers(), t.p.DNSServers()
	all := make([]line, 0, len(t.p.Flows)+len(servers)*(len(t.p.Namespaces)+1))
	for i := range t.p.Flows {
		f := &t.p.Flows[i]
		all = append(all, line{span: f.Origins[0].Span, from: f.From, to: f.To, ports: f.Ports, platform: f.Platform()})
	}
	for _, s := range servers {
		for _, n := range t.p.Namespaces {
			if !n.Governed || n.Pattern {
				continue
			}
			every, of := resolvers.Of(n.Name)
			all = append(all, line{span: n.Span, resolves: true, to: s.End, ports: s.Ports, platform: true, namespace: n.Name, every: every, resolvers: of,
				resolving: func(t *intended, x relation.End) *relation.Formula {
					if every {
						return t.u.Namespaces(x, n.Name)
					}
					pods := relation.False
					for _, w := range of {
						pods = relation.Or(pods, t.u.Selected(x, selector.OfRequirements(w.Selector)))
					}
					return relation.And(t.u.Namespaces(x, n.Name), pods)
				}})
		}
		all = append(all, line{span: t.p.Platform, resolves: true, to: s.End, ports: s.Ports, platform: true, resolving: (*intended).resolvingUnlisted})
	}
	return all
}

// resolvingUnlisted makes the formula of whether an end is a pod of a namespace that nobody
// listed, and is intended to resolve names there.
func (t *intended) resolvingUnlisted(x relation.End) *relation.Formula {
	without := relation.False
	for _, n := range t.p.Namespaces {
		if !n.Pattern || n.Spared() {
			continue
		}
		if every, _ := t.p.Resolvers(n.Name); !every {
			without = relation.Or(without, t.labelled(n, x))
		}
	}
	pods := relation.And(t.unlisted(x), relation.Not(without))
	if t.reading == may {
		return relation.Or(pods, t.closedElsewhere(x))
	}
	return pods
}

// match makes the formula of whether a packet is one that a line intends, on the half in question.
func (t *intended) match(l *line) *relation.Formula {
	from := func() *relation.Formula {
		if l.resolving != nil {
			return l.resolving(t, t.source())
		}
		return t.end(&l.from, t.source())
	}()
	all := relation.And(from, t.end(&l.to, t.destination()), t.carried(l))
	if !l.platform {
		all = relation.And(all, t.once("of intents", relation.Own, t.ofIntents))
	}
	return all
}

// ofIntents asks whether lines of intents count for the own end: in a namespace that nobody
// listed the Platform's word alone does.
func (t *intended) ofIntents() *relation.Formula {
	unlisted := t.unlisted(relation.Own)
	if t.reading == may {
		unlisted = relation.And(unlisted, relation.Not(t.closedElsewhere(relation.Own)))
	}
	return relation.Not(unlisted)
}

// home finds the one namespace whose pods' half a line is about; empty where it is not one.
func (t *intended) home(l *line) string {
	own := &l.to
	if t.d == meaning.Egress {
		own = &l.from
		if l.resolving != nil {
			return l.namespace
		}
	}
	if own.Pods == nil {
		return ""
	}
	return own.Pods.Namespace
}

// traffic returns what a port list of the plan stands for; none is everything.
func traffic(ports []plan.Port) packet.Traffic {
	if len(ports) == 0 {
		return packet.Anything()
	}
	return plan.PacketsOn(ports)
}

// program makes the program of what the plan intends for one half: lines, below what nobody may
// open where that counts, and nothing else for those who are held. The rules' sources are the
// lines' places.
func (t *intended) program(lines []line, denials []denial) *relation.Program {
	var tiers []relation.Tier
	if t.reading == must {
		forbidden := &relation.Policy{Selects: relation.True}
		for i := range denials {
			forbidden.Rules = append(forbidden.Rules, relation.Rule{Action: meaning.Deny, Match: t.denied(&denials[i])})
		}
		tiers = append(tiers, relation.Tier{Name: "denials", Pass: true, Policies: []*relation.Policy{forbidden}})
	}
	everywhere := &relation.Policy{Selects: relation.True}
	policies := []*relation.Policy{everywhere}
	at := map[string]*relation.Policy{}
	for i := range lines {
		if t.spared[t.home(&lines[i])] {
			continue
		}
		match := t.match(&lines[i])
		if match == relation.False {
			continue
		}
		into := everywhere
		if name := t.home(&lines[i]); name != "" {
			if into = at[name]; into == nil {
				into = &relation.Policy{Selects: t.u.Namespaces(relation.Own, name)}
				at[name], policies = into, append(policies, into)
			}
		}
		into.Rules = append(into.Rules, relation.Rule{Action: meaning.Allow, Match: match, Source: i})
	}
	held := t.held(relation.Own)
	if t.reading == may {
		held = relation.Or(held, t.closedElsewhere(relation.Own))
	}
	tiers = append(tiers,
		relation.Tier{Name: "lines", Pass: true, Policies: policies},
		relation.Tier{Name: "default deny", Policies: []*relation.Policy{{Selects: held}}})
	return relation.NewProgram(tiers)
}

// denial is what a guardrail or a quarantine forbids, whatever lines say.
type denial struct {
	name      string // for people
	span      diag.Span
	guardrail *plan.Guardrail
	pods      *plan.End // in quarantine; nil for a guardrail
}

// denialsOf lists what a plan intends to be denied whatever lines say: its quarantines, then its
// guardrails.
func denialsOf(p *plan.Plan) []denial {
	var all []denial
	for i := range p.Quarantine {
		q := &p.Quarantine[i]
		all = append(all, denial{name: "the quarantine of " + q.End.Name, span: q.Span, pods: &q.End})
	}
	for i := range p.Guardrails {
		g := &p.Guardrails[i]
		all = append(all, denial{name: "guardrail " + g.Name, span: g.Span, guardrail: g})
	}
	return all
}

// denied makes the formula of whether a packet is forbidden by a guardrail or quarantine. What is
// denied is denied to whoever may be meant.
func (t *intended) denied(x *denial) *relation.Formula {
	read := *t
	read.reading = may
	if x.pods != nil {
		return relation.Or(read.end(x.pods, relation.Own), read.end(x.pods, relation.Peer))
	}
	g := x.guardrail
	from, to := read.end(g.From, t.source()), read.end(g.To, t.destination())
	for i := range g.Unless {
		from = relation.And(from, relation.Not(read.end(&g.Unless[i], t.source())))
		to = relation.And(to, relation.Not(read.end(&g.Unless[i], t.destination())))
	}
	return relation.And(from, to, t.u.Traffic(traffic(g.Ports)), relation.Or(t.bound(relation.Own), t.bound(relation.Peer)))
}

// bound makes the formula of whether guardrails can stop a packet at an end. Without Calico
// nothing can deny: then a guardrail holds of what is emitted, and nobody else's pods are bound by
// it.
func (t *intended) bound(x relation.End) *relation.Formula {
	if t.p.HasTarget("calico") {
		return relation.And(t.u.IsPod(x), relation.Not(t.u.Namespaces(x, t.p.Cluster.System...)))
	}
	var governed []string
	for _, n := range t.p.Namespaces {
		if n.Governed && !n.Pattern {
			governed = append(governed, n.Name)
		}
	}
	return t.u.Namespaces(x, governed...)
}
