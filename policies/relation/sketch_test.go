package relation_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// criterion is one thing that a rule asks: a selector or a block of one end, or ports.
type criterion struct {
	end         relation.End
	selects     selector.Selector
	block       netip.Prefix // if valid, it and no selector
	protocol    packet.Protocol
	first, last uint16 // with a protocol, they and no selector
	not         bool
}

// formula is the criterion over a universe. A selector speaks of pods alone.
func (c criterion) formula(u *relation.Universe) *relation.Formula {
	var f *relation.Formula
	switch {
	case c.block.IsValid():
		f = u.Addresses(c.end, packet.AddressesOf(c.block))
	case c.protocol != 0:
		f = u.Traffic(packet.Ports(c.protocol, c.first, c.last))
	default:
		f = relation.And(u.IsPod(c.end), u.Selected(c.end, c.selects))
	}
	if c.not {
		return relation.Not(f)
	}
	return f
}

// smt is the same in the words of z3.
func (c criterion) smt(m *theory) string {
	text := "false"
	switch {
	case c.block.IsValid():
		text = m.within(c.end, c.block)
	case c.protocol != 0:
		text = fmt.Sprintf("(and (= protocol %d) (<= %d port %d))", c.protocol, c.first, c.last)
	case c.end == relation.Own || m.peerIsPod:
		text = m.of(c.end, c.selects.Root())
	}
	if c.not {
		return "(not " + text + ")"
	}
	return text
}

// sketch is a program as data: it can be changed, and be said in other words.
type sketch []sketchTier

type sketchTier struct {
	pass     bool
	policies []sketchPolicy
}

type sketchPolicy struct {
	selects []criterion // of the own end, all of them
	rules   []sketchRule
}

type sketchRule struct {
	action meaning.Action
	when   []criterion // all of them
}

// program numbers the rules in their order, as their sources.
func (s sketch) program(u *relation.Universe) *relation.Program {
	all := func(of []criterion) *relation.Formula {
		f := relation.True
		for _, c := range of {
			f = relation.And(f, c.formula(u))
		}
		return f
	}
	var tiers []relation.Tier
	source := 0
	for _, t := range s {
		made := relation.Tier{Pass: t.pass}
		for _, p := range t.policies {
			of := &relation.Policy{Selects: all(p.selects)}
			for _, r := range p.rules {
				of.Rules = append(of.Rules, relation.Rule{Action: r.action, Match: all(r.when), Source: source})
				source++
			}
			made.Policies = append(made.Policies, of)
		}
		tiers = append(tiers, made)
	}
	return relation.NewProgram(tiers)
}

// smt is whether the program allows the packet, in the words of z3.
func (s sketch) smt(m *theory, name string) string {
	all := func(of []criterion) string {
		terms := []string{"and true"}
		for _, c := range of {
			terms = append(terms, c.smt(m))
		}
		return "(" + strings.Join(terms, " ") + ")"
	}
	below := "true"
	for i := len(s) - 1; i >= 0; i-- {
		if len(s[i].policies) == 0 {
			continue
		}
		tier := fmt.Sprintf("%s-tier%d", name, i)
		applies := []string{"or false"}
		end := "false"
		if s[i].pass {
			end = below
		}
		var chain, closing string
		for _, p := range s[i].policies {
			selects := all(p.selects)
			applies = append(applies, selects)
			for _, r := range p.rules {
				verdict := map[meaning.Action]string{meaning.Allow: "true", meaning.Deny: "false", meaning.Pass: below}[r.action]
				chain += fmt.Sprintf("(ite (and %s %s) %s ", selects, all(r.when), verdict)
				closing += ")"
			}
		}
		m.say("(declare-const %s Bool)", tier)
		m.say("(assert (= %s %s(ite (%s) %s %s)%s))", tier, chain, strings.Join(applies, " "), end, below, closing)
		below = tier
	}
	return below
}

// sketcher draws programs over few words, so that they meet.
type sketcher struct{ *rand.Rand }

func (g sketcher) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g sketcher) selector(t *testing.T) selector.Selector {
	t.Helper()
	key := g.pick("app", "app", "tier", "pcns.team", "pcns.env", "pcsa.role", "projectcalico.org/namespace", "projectcalico.org/serviceaccount")
	value := func() string { return g.pick("a", "b", "ab", "ba", "prod") }
	text := g.pick("KEY == 'ONE'", "KEY == 'ONE'", "KEY != 'ONE'", "has(KEY)", "!has(KEY)", "KEY in {'ONE', 'OTHER'}", "KEY not in {'ONE', 'OTHER'}",
		"KEY starts with 'ONE'", "KEY ends with 'ONE'", "!(KEY contains 'ONE')")
	s, err := selector.Parse(strings.NewReplacer("KEY", key, "ONE", value(), "OTHER", value()).Replace(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g sketcher) criteria(t *testing.T, most int, ends ...relation.End) []criterion {
	t.Helper()
	var all []criterion
	for range g.IntN(most + 1) {
		c := criterion{end: ends[g.IntN(len(ends))], not: g.IntN(5) == 0}
		switch n := g.IntN(10); {
		case n < 6:
			c.selects = g.selector(t)
		case n < 8:
			c.block = netip.MustParsePrefix(g.pick("10.244.0.0/32", "10.244.0.1/32", "10.244.0.0/31", "10.0.0.0/8", "203.0.113.0/24", "203.0.113.128/25"))
		default:
			c.protocol = []packet.Protocol{packet.TCP, packet.UDP}[g.IntN(2)]
			c.first = []uint16{0, 53, 80, 443}[g.IntN(4)]
			c.last = c.first + []uint16{0, 1, 1000}[g.IntN(3)]
		}
		all = append(all, c)
	}
	return all
}

func (g sketcher) sketch(t *testing.T) sketch {
	t.Helper()
	var s sketch
	for range 1 + g.IntN(3) {
		tier := sketchTier{pass: g.IntN(2) == 0}
		for range 1 + g.IntN(2) {
			p := sketchPolicy{selects: g.criteria(t, 1, relation.Own)}
			for range 1 + g.IntN(3) {
				p.rules = append(p.rules, sketchRule{
					[]meaning.Action{meaning.Allow, meaning.Allow, meaning.Deny, meaning.Pass}[g.IntN(4)], g.criteria(t, 2, relation.Own, relation.Peer, relation.Peer),
				})
			}
			tier.policies = append(tier.policies, p)
		}
		s = append(s, tier)
	}
	return s
}

// changed is the program with one rule dropped or turned, or another program.
func (g sketcher) changed(t *testing.T, s sketch) sketch {
	t.Helper()
	if g.IntN(2) == 0 {
		return g.sketch(t)
	}
	of := s.clone()
	p := &of[g.IntN(len(of))].policies[0]
	i := g.IntN(len(p.rules))
	switch g.IntN(3) {
	case 0:
		p.rules = append(p.rules[:i:i], p.rules[i+1:]...)
	case 1:
		p.rules[i].action = []meaning.Action{meaning.Allow, meaning.Deny, meaning.Pass}[g.IntN(3)]
	default:
		p.rules[i].when = append(p.rules[i].when, g.criteria(t, 2, relation.Own, relation.Peer)...)
	}
	return of
}

func (s sketch) clone() sketch {
	c := append(sketch(nil), s...)
	for i := range c {
		c[i].policies = append([]sketchPolicy(nil), c[i].policies...)
		for j := range c[i].policies {
			p := &c[i].policies[j]
			p.rules = append([]sketchRule(nil), p.rules...)
			for k := range p.rules {
				p.rules[k].when = append([]criterion(nil), p.rules[k].when...)
			}
		}
	}
	return c
}

// known draws what is known of the cluster.
func (g sketcher) known() cluster {
	c := cluster{pods: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/31")}}
	for _, name := range []string{"prod", "ab"} {
		n := relation.Namespace{Name: name, Labels: map[string]string{}}
		if g.IntN(2) == 0 {
			n.Labels["team"] = g.pick("a", "b")
		}
		if g.IntN(2) == 0 {
			c.namespaces = append(c.namespaces, n)
		}
	}
	return c
}
