package facts

import (
	"cmp"
	"iter"
	"slices"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// conflicts looks for packets on which the order of two policies matters: for rules that
// decide nothing for any pod, or nothing for one that somebody knows; for policies of
// equal order that disagree; and for packets that are passed on to nobody.
func (a *asker) conflicts() []Conflict { return a.conflictsBut((*judge).quiet) }

// conflictsBut looks for conflicts but in the classes of namespaces that are said to be quiet in a
// direction.
func (a *asker) conflictsBut(quiet func(*judge, meaning.Direction) map[int]bool) []Conflict {
	j := &judge{asker: a, tiers: map[string]*meaning.Tier{}, found: map[pair]Conflict{}, tied: map[[2]*meaning.Policy]tie{}}
	for _, t := range a.m.Tiers {
		j.tiers[t.Name] = t
	}
	for _, r := range a.undecided {
		j.cannotTell(r)
	}
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		if !j.isHarmless(d) {
			j.drops[d] = j.dropping(d)
			j.direction(d, quiet(j, d))
		}
	}
	out := []Conflict{}
	for _, c := range j.found {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareReferences(a.First, b.First), compareReferences(a.Second, b.Second))
	})
	return out
}

type pair struct {
	kind          string
	first, second Reference
}

// judge is one hunt for conflicts.
type judge struct {
	*asker
	tiers map[string]*meaning.Tier
	drops [2]map[string]bool // by direction, the tiers that packets may be dropped before
	found map[pair]Conflict
	tied  map[[2]*meaning.Policy]tie
}

// add keeps a conflict, of several about the same two policies or rules the first.
func (j *judge) add(c Conflict) {
	key := pair{c.Kind, c.First, c.Second}
	if _, known := j.found[key]; !known {
		j.found[key] = c
	}
}

// cannotTell keeps as a conflict that nothing is known of a rule, for the question took too much
// work.
func (j *judge) cannotTell(r *relation.Rule) {
	j.add(Conflict{Kind: "undecided", First: ruleReference(r), Endpoint: "any pod", Packet: "any packet"})
}

// ruleReference points at a rule that is part of a conflict, by the place it has in its manifest.
func ruleReference(r *relation.Rule) Reference {
	return Reference{Object: r.Policy.ID, Pointer: r.Of.Pointer}
}

// class is what has to do with the pods of one class of namespaces, in one direction: of
// both kinds of peer, the packets, the part of the program, and when each rule matches.
type class struct {
	d     meaning.Direction
	cubes [2]*relation.Cube
	parts [2]*relation.Program
	when  [2]map[*relation.Rule]*relation.Formula
	rules []*relation.Rule // in order
}

// The kinds of peer.
const (
	pods = iota
	addresses
)

// class gathers what conflicts of one class of namespaces in one direction are looked for in: its
// packets, its part of the program and its rules in order.
func (a *asker) class(number int, d meaning.Direction) *class {
	c := &class{d: d}
	for kind, all := range []*relation.Cube{a.search.Universe.Pairs(), a.search.Universe.Outside()} {
		c.when[kind] = map[*relation.Rule]*relation.Formula{}
		if c.cubes[kind] = all.In(number); c.cubes[kind] == nil {
			continue
		}
		c.parts[kind] = a.programs[d].On(c.cubes[kind])
		for r, when := range c.parts[kind].Rules() {
			if c.when[kind][r] = when; kind == 0 || c.when[0][r] == nil {
				c.rules = append(c.rules, r)
			}
		}
	}
	slices.SortFunc(c.rules, inOrder)
	return c
}

// matching yields the rules of a class that may match packets of one kind of peer, in order, to look for
// conflicts among them.
func (c *class) matching(kind int) iter.Seq[*relation.Rule] {
	return func(yield func(*relation.Rule) bool) {
		for _, r := range c.rules {
			if c.when[kind][r] != nil && !yield(r) {
				return
			}
		}
	}
}

// inOrder compares two rules by which is evaluated first.
func inOrder(a, b *relation.Rule) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// ask makes the question about a rule's packets, in the hunt for conflicts; of a pod alone, unless
// that is nil.
func (c *class) ask(kind int, r *relation.Rule, e *population.Pods, wanted ...relation.Wanted) (q relation.Question, some bool) {
	if c.when[kind][r] == nil {
		return q, false
	}
	q = relation.Question{Of: c.cubes[kind], Where: c.when[kind][r], Direction: c.d, Wanted: wanted}
	if e != nil {
		q.Of = q.Of.Wearing(relation.Own, e.Labels)
	}
	return q, q.Of != nil
}

// direction hunts for conflicts of the rules of one direction, class by class but for those that are
// quiet.
func (j *judge) direction(d meaning.Direction, quiet map[int]bool) {
	known := map[int][]*population.Pods{}
	for _, e := range j.known.All {
		if number, listed := j.search.Universe.Class(e.Namespace); listed {
			known[number] = append(known[number], e)
		}
	}
	deaths := map[*relation.Rule]*death{}
	for number := range j.search.Universe.Classes() {
		if quiet[number] || j.unknown[number] {
			continue
		}
		c := j.class(number, d)
		for _, r := range c.rules {
			if r.Action == meaning.Pass {
				j.pass(c, r)
			}
		}
		j.dead(c, known[number], deaths)
		j.ties(c)
	}
	j.buried(d, deaths)
}

// quiet finds the classes of listed namespaces in which there is no conflict to look for in a direction.
func (j *judge) quiet(d meaning.Direction) map[int]bool {
	all := map[int]bool{}
	for _, n := range j.plan.Namespaces {
		if number, listed := j.search.Universe.Class(n.Name); listed && !n.Pattern && j.isQuiet(d, j.programs[d].Among(n.Name)) {
			all[number] = true
		}
	}
	return all
}

// isQuiet reports whether there is no conflict to look for among some rules in their order, nor among
// fewer of them: none passes or may be dead, and no policies of equal order may disagree. That is so in
// nearly all namespaces, whose part of the program need not be worked out then.
func (j *judge) isQuiet(d meaning.Direction, rules iter.Seq[*relation.Rule]) bool {
	for r := range rules {
		if r.Action == meaning.Pass {
			return false
		}
	}
	return len(j.suspects(d, rules)) == 0 && len(disagreeing(rules)) == 0
}

// isHarmless reports whether conflicts are impossible in a direction, for the order of policies cannot
// matter: nothing denies or passes, and one tier at most governs.
func (j *judge) isHarmless(d meaning.Direction) bool {
	tiers := 0
	for _, t := range j.m.Tiers {
		governing := false
		for _, p := range t.Policies {
			if !p.Live() || !p.Governs[d] {
				continue
			}
			governing = true
			for i := range p.Rules[d] {
				if a := p.Rules[d][i].Action; a == meaning.Deny || a == meaning.Pass {
					return false
				}
			}
		}
		if governing {
			tiers++
		}
	}
	return tiers <= 1
}

// pass looks for a conflict of one policy with its tier: a packet that a rule passes on where no
// policy below selects the pod.
func (j *judge) pass(c *class, r *relation.Rule) {
	if _, known := j.found[pair{"pass-to-nothing", ruleReference(r), Reference{}}]; known {
		return
	}
	for kind := range c.cubes {
		q, some := c.ask(kind, r, nil, c.parts[kind].DecidedBy(r))
		if !some {
			continue
		}
		q.Where = relation.And(q.Where, relation.Not(c.parts[kind].SelectedBelow(r)))
		if q.Where == relation.False {
			continue
		}
		w, err := j.search.Witness(q)
		switch {
		case err != nil:
			j.cannotTell(r)
			return
		case w != nil && j.plan.Governs(w.Own().Endpoint.Namespace):
			j.add(j.witnessed("pass-to-nothing", ruleReference(r), Reference{}, w, nil))
			return
		}
	}
}

// meant reports whether a conflict is meant: what decides is one of the plan's guardrails or
// quarantines, which win over every allow because somebody said so.
func (j *judge) meant(tier string) bool {
	return len(j.plan.Guardrails)+len(j.plan.Quarantine) > 0 && tier == j.plan.Stages.GuardrailTier
}

// ties looks for conflicts between two policies of equal order: packets that they decide
// differently.
func (j *judge) ties(c *class) {
	for _, two := range disagreeing(slices.Values(c.rules)) {
		j.tie(c, two[0], two[1])
	}
}

// disagreeing pairs among some rules in their order those of two policies of equal order that may be
// in conflict: one of them does not only allow.
func disagreeing(rules iter.Seq[*relation.Rule]) (pairs [][2][]*relation.Rule) {
	var policies [][]*relation.Rule // by policy, in order
	for r := range rules {
		if last := len(policies) - 1; last >= 0 && policies[last][0].Policy == r.Policy {
			policies[last] = append(policies[last], r)
		} else {
			policies = append(policies, []*relation.Rule{r})
		}
	}
	allows := func(rules []*relation.Rule) bool {
		return !slices.ContainsFunc(rules, func(r *relation.Rule) bool { return r.Action != meaning.Allow })
	}
	for len(policies) > 0 {
		// Those of one order stand together.
		tied := 1
		for tied < len(policies) && meaning.Tied(policies[0][0].Policy, policies[tied][0].Policy) {
			tied++
		}
		for i, p := range policies[:tied] {
			for _, q := range policies[i+1 : tied] {
				if !allows(p) || !allows(q) {
					pairs = append(pairs, [2][]*relation.Rule{p, q})
				}
			}
		}
		policies = policies[tied:]
	}
	return pairs
}

// tie looks for a packet that a rule of the first policy decides, and that one of the
// second would decide otherwise. One pair of rules stands for all; one at a pod that
// somebody knows for one at another.
func (j *judge) tie(c *class, first, second []*relation.Rule) {
	policies := [2]*meaning.Policy{first[0].Policy, second[0].Policy}
	before, told := j.tied[policies]
	if told && before.known {
		return
	}
	for _, s := range second {
		for _, f := range first {
			if f.Action == s.Action {
				continue
			}
			for kind := range c.cubes {
				q, some := c.ask(kind, f, nil, c.parts[kind].DecidedBy(f))
				if !some || c.when[kind][s] == nil {
					continue
				}
				q.Where = relation.And(q.Where, c.when[kind][s])
				w, err := j.search.Witness(q)
				if err != nil {
					j.cannotTell(f)
					return
				}
				if w == nil {
					continue
				}
				known := j.isKnown(w.Own().Endpoint)
				if told && !known {
					return
				}
				delete(j.found, before.pair)
				found := j.witnessed("tie", ruleReference(f), ruleReference(s), w, nil)
				j.tied[policies] = tie{pair{"tie", found.First, found.Second}, known}
				j.add(found)
				return
			}
		}
	}
}

// tie is what was told of two policies of equal order.
type tie struct {
	pair
	known bool // at a pod that somebody knows
}
