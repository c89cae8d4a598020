package delta

import (
	"cmp"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

// note adds a note on a change of governance, or joins it with the same one of another
// environment.
func (c *comparison) note(tag, what, text, environment string, at diag.Span) {
	n := Note{What: what, Risk: Risk{Tag: tag, Text: text}, Because: []reach.Source{}}
	if tag != "" {
		n.Level = LevelOf(tag)
	}
	if !at.IsZero() {
		n.Because = append(n.Because, reach.Source{File: at.File, Line: at.Start.Line, Column: at.Start.Column})
	}
	if environment != "" {
		n.Environments = []string{environment}
	}
	for i := range c.Governance {
		if have := &c.Governance[i]; have.Tag == tag && have.What == what && have.Text == text {
			if environment != "" && !slices.Contains(have.Environments, environment) {
				have.Environments = append(have.Environments, environment)
			}
			return
		}
	}
	c.Governance = append(c.Governance, n)
}

// isolation notes pods that are isolated, or open, as they were not.
func (c *comparison) isolation(name string, old, changed *reach.Relation) {
	for _, tag := range []string{"unisolated", "isolated"} {
		sides := map[string][]string{}
		for d, side := range map[meaning.Direction]string{meaning.Ingress: "ingress", meaning.Egress: "egress"} {
			var all []int
			for i := range old.Members {
				if old.Alike(i) {
					continue
				}
				if was, is := old.Isolated(i, d), changed.Isolated(i, d); was != is && is == (tag == "isolated") {
					all = append(all, i)
				}
			}
			if len(all) > 0 {
				who := whoever(changed.Terms(all))
				sides[who] = append(sides[who], side)
			}
		}
		for who, of := range sides {
			slices.Sort(of)
			text := "nothing is held back there any more: " + strings.Join(of, " and ")
			if tag == "isolated" {
				text = "what no line allows is dropped there now: " + strings.Join(of, " and ")
			}
			c.note(tag, who, text, name, diag.Span{})
		}
	}
	slices.SortStableFunc(c.Governance, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.What, b.What)) })
}

// whoever names ends for people in a note: pods of namespaces that nobody lists are one.
func whoever(all []reach.Term) string {
	named := slices.DeleteFunc(slices.Clone(all), func(t reach.Term) bool { return strings.HasPrefix(t.Selector, "{") })
	if len(named) == len(all) {
		return reach.TermWords(all)
	}
	const unlisted = "pods in namespaces that are not listed"
	if len(named) == 0 {
		return unlisted
	}
	return reach.TermWords(named) + ", and " + unlisted
}

// governance compares what holds people and not packets: enforcement, tests, deadlines, waivers,
// rules, components, findings.
func (c *comparison) governance() {
	if c.New.Absent && !c.Old.Absent {
		c.note("enforcement-loosened", "everything", "there is no repository of intents any more", "", diag.Span{})
	}
	for _, e := range c.Gone {
		c.note("", "environment "+e, "is no more", "", diag.Span{})
	}
	if c.Old.Absent {
		c.adoption()
	} else {
		for _, e := range c.Added {
			c.note("", "environment "+e, "is new: nothing to compare it with", "", diag.Span{})
		}
	}
	for _, e := range c.Compared {
		old, changed := c.Old.relations[e], c.New.relations[e]
		if old.World.Plan != nil && changed.World.Plan != nil {
			c.denials(e, old, changed)
			c.enforcement(e, old.World.Plan, changed.World.Plan)
			c.tests(e, old, changed)
			c.deadlines(e, old.World.Plan, changed.World.Plan)
		}
	}
	c.replaced()
	if c.Old.Repo != nil && c.New.Repo != nil {
		c.waivers()
		c.rules()
		c.components()
	}
	levels := func(n *Note) int {
		if n.Tag == "" {
			return len(Levels)
		}
		return slices.Index(Levels, n.Level)
	}
	slices.SortStableFunc(c.Governance, func(a, b Note) int {
		return cmp.Or(cmp.Compare(levels(&a), levels(&b)), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.What, b.What))
	})
}

// adoption notes what is closed where there were no intents before: what others have in the clusters is
// not known, and no packet is compared.
func (c *comparison) adoption() {
	for _, w := range c.New.Worlds {
		for _, n := range w.Plan.Namespaces {
			if n.Governed {
				c.note("isolated", n.Name+"/*", "what no line allows is dropped there now: egress and ingress", w.Environment, n.Span)
			}
		}
	}
}

// enforcement compares in which namespaces a default deny is enforced.
func (c *comparison) enforcement(e string, old, changed *plan.Plan) {
	names := map[string]bool{}
	for _, p := range []*plan.Plan{old, changed} {
		for _, n := range p.Namespaces {
			names[n.Name] = names[n.Name] || !n.System
		}
	}
	state := func(p *plan.Plan, name string) (rank int, words string, at diag.Span) {
		n, listed := p.Namespace(name)
		switch {
		case !listed && p.DenyUnknown:
			return 2, "not listed, and closed as such", p.Platform
		case !listed:
			return 0, "not listed", p.Platform
		case n.Governed:
			return 2, "enforced", n.Span
		case n.Staged:
			return 1, "staged", n.Span
		default:
			return 0, "not governed", n.Span
		}
	}
	for _, name := range diag.SortedKeys(names) {
		if !names[name] {
			continue
		}
		was, before, _ := state(old, name)
		is, now, at := state(changed, name)
		switch {
		case is < was:
			c.note("enforcement-loosened", "namespace "+name, now+", was "+before, e, at)
		case is > was:
			c.note("enforcement-tightened", "namespace "+name, now+", was "+before, e, at)
		}
	}
	if old.DenyUnknown != changed.DenyUnknown {
		tag := map[bool]string{true: "enforcement-tightened", false: "enforcement-loosened"}[changed.DenyUnknown]
		c.note(tag, "namespaces that are not listed", map[bool]string{true: "closed, were open", false: "open, were closed"}[changed.DenyUnknown], e, changed.Platform)
	}
	for _, t := range old.Targets {
		if !changed.HasTarget(t) {
			c.note("enforcement-loosened", "target "+t, "is emitted no more", e, changed.Platform)
		}
	}
	for _, t := range changed.Targets {
		if !old.HasTarget(t) {
			c.note("enforcement-tightened", "target "+t, "is emitted now", e, changed.Platform)
		}
	}
}

// holds reports whether an end of one test holds all members of another's.
func holds(in, of []bool) bool {
	for i, is := range of {
		if is && !in[i] {
			return false
		}
	}
	return true
}

// membersOf marks the members in an end of a test or a guardrail; a nil end has everybody.
func membersOf(r *reach.Relation, e *plan.End) []bool {
	all := make([]bool, len(r.Members))
	for i := range all {
		all[i] = e == nil || r.World.Has(*e, &r.Members[i])
	}
	return all
}

// tests compares what tests hold people to. A test is kept where one of the new side covers it.
func (c *comparison) tests(e string, old, changed *reach.Relation) {
	type expected struct {
		*plan.Test
		from, to []bool
	}
	read := func(r *reach.Relation, t *plan.Test) expected {
		return expected{t, membersOf(r, &t.From), membersOf(r, &t.To)}
	}
	written := map[string]bool{}
	for i := range changed.World.Plan.Tests {
		written[changed.World.Plan.Tests[i].Text] = true
	}
	meets := func(a, b []bool) bool {
		for i := range a {
			if a[i] && b[i] {
				return true
			}
		}
		return false
	}
	var now []expected // once a test is missing
	for i := range old.World.Plan.Tests {
		if written[old.World.Plan.Tests[i].Text] {
			continue
		}
		t := read(old, &old.World.Plan.Tests[i])
		if now == nil {
			for i := range changed.World.Plan.Tests {
				now = append(now, read(changed, &changed.World.Plan.Tests[i]))
			}
		}
		tag := "test-removed"
		for _, n := range now {
			ports := func(x *plan.Test) []plan.Port {
				if x.Ports == nil {
					return plan.Everything
				}
				return x.Ports
			}
			switch a, b := plan.PacketsOn(ports(n.Test)), plan.PacketsOn(ports(t.Test)); {
			case n.Allow != t.Allow:
			case holds(n.from, t.from) && holds(n.to, t.to) && a.Covers(b):
				tag = ""
			case tag != "" && meets(n.from, t.from) && meets(n.to, t.to) && a.Overlaps(b):
				tag = "test-weakened"
			}
		}
		if tag != "" {
			c.note(tag, t.Text, "was "+t.Span.String(), e, diag.Span{})
		}
	}
}

// deadlines compares the last days until when lines hold.
func (c *comparison) deadlines(e string, old, changed *plan.Plan) {
	key := func(f *plan.Flow, o plan.Origin) string {
		return o.Intent + "\x00" + f.From.Name + "\x00" + f.To.Name + "\x00" + plan.FormatPorts(o.Ports)
	}
	ends := func(f plan.Flow) bool {
		return slices.ContainsFunc(f.Origins, func(o plan.Origin) bool { return o.Until != "" })
	}
	if !slices.ContainsFunc(old.Flows, ends) {
		return
	}
	until := map[string]string{}
	for i := range old.Flows {
		for _, o := range old.Flows[i].Origins {
			until[key(&old.Flows[i], o)] = o.Until
		}
	}
	for i := range changed.Flows {
		f := &changed.Flows[i]
		for _, o := range f.Origins {
			if was := until[key(f, o)]; was != "" && (o.Until == "" || o.Until > was) {
				now := "has no end"
				if o.Until != "" {
					now = "until " + o.Until
				}
				c.note("deadline-extended", f.From.Name+" -> "+f.To.Name, now+", was until "+was, e, o.Span)
			}
		}
	}
}
