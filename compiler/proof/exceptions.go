package proof

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// Internet is what lines call every public address.
const Internet = "@internet"

// Concern is the traffic that a finding is about: what rules of policies allow, as far as it
// is of pods of one namespace, with some peers and on some ports.
type Concern struct {
	Rules     []diag.Subject // of policies, or parts of them; none: of every policy
	Namespace string         // or a pattern; empty: of all
	Internet  bool           // with public addresses alone
	Ports     []plan.Port    // nil: on all
}

// Scope says which lines an exception is for: those of some intents, as far as they are
// about a peer and about some ports.
type Scope struct {
	Intent func(workload string) bool // namespace/name
	Peer   string                     // as the lines call it; empty: about any
	Ports  func(destination string) (ports []plan.Port, all bool)
}

// Exception is what becomes of a finding's traffic where the lines of a scope excuse it.
type Exception struct {
	Traffic bool   // a rule lets through some that the finding is about
	Excused bool   // some of it is what a line means
	Beyond  string // a packet that none of the lines means, in words; empty: there is none
}

// Exceptions decides which traffic of findings lines of intents mean.
type Exceptions struct {
	p       *prover
	allowed map[half]map[object.ID][]allowance // by policy; once asked for
}

// half is one direction between pods and others, or between pods and other pods.
type half struct {
	d     meaning.Direction
	pairs bool
}

// allowance is a rule that allows, and when it matches.
type allowance struct {
	rule *relation.Rule
	when *relation.Formula
}

// NewExceptions prepares to decide which exceptions lines make, from what was rendered for a plan.
func NewExceptions(p *plan.Plan, r *relation.Relation, endpoints []*meaning.Endpoint) *Exceptions {
	return &Exceptions{newProver(p, r, endpoints), map[half]map[object.ID][]allowance{}}
}

// Lines are those of a scope.
type Lines struct {
	programs   [2]*relation.Program // by direction
	namespaces map[string]bool      // of their ends; nil where some are by labels
}

// touch reports whether a line of an exception's scope may have an end in a namespace; an empty
// one is any.
func (l *Lines) touch(namespace string) bool {
	return l.namespaces == nil || l.namespaces[namespace] || len(l.namespaces) > 0 && (namespace == "" || strings.Contains(namespace, "*"))
}

// Of collects the lines of an exception's scope.
func (e *Exceptions) Of(s Scope) *Lines {
	lines := e.lines(s)
	of := &Lines{namespaces: map[string]bool{}}
	for _, d := range directions {
		of.programs[d] = e.p.intended(d, may).program(lines, nil)
	}
	for i := range lines {
		for _, end := range []*plan.End{&lines[i].from, &lines[i].to} {
			switch {
			case end.Pods == nil:
			case end.Pods.Namespace == "":
				of.namespaces = nil
				return of
			default:
				of.namespaces[end.Pods.Namespace] = true
			}
		}
	}
	return of
}

// Decide compares the traffic of a finding with what lines mean. It counts what the rules
// match, whichever of them decides it. What takes too many steps is beyond the lines. Where the
// lines touch nothing of the namespace in question, and the packet beyond them is of no
// interest, nothing is searched.
func (e *Exceptions) Decide(c Concern, l *Lines, shown bool) Exception {
	if !shown && !l.touch(c.Namespace) {
		return Exception{Traffic: true, Beyond: "all of it"}
	}
	var found Exception
	for _, d := range directions {
		for _, pairs := range []bool{false, true} {
			where := e.concerned(c, half{d, pairs})
			if where == relation.False {
				continue
			}
			asked := func(v relation.Verdicts) relation.Question {
				return relation.Question{Of: e.cube(pairs), Where: where, Direction: d, Rather: e.p.whole(d),
					Wanted: []relation.Wanted{{Program: l.programs[d], Verdict: v, Ungoverned: relation.Denies}}}
			}
			excused, err := e.p.search.Some(asked(relation.Allows))
			found.Excused = found.Excused || excused && err == nil
			beyond, err := e.p.search.Witness(asked(relation.Denies))
			found.Traffic = found.Traffic || excused || beyond != nil || err != nil
			switch {
			case found.Beyond != "":
			case beyond != nil:
				found.Beyond = packetOf(beyond)
			case err != nil:
				found.Beyond = "what takes too many steps to decide"
			}
		}
	}
	return found
}

// cube returns all packets between two pods, or between pods and addresses outside.
func (e *Exceptions) cube(pairs bool) *relation.Cube {
	if pairs {
		return e.p.u.Pairs()
	}
	return e.p.u.Outside()
}

// allowances gathers the rules that allow something of a half, by policy, which a finding may be
// about.
func (e *Exceptions) allowances(h half) map[object.ID][]allowance {
	if e.allowed[h] == nil {
		all := map[object.ID][]allowance{}
		for r, when := range e.p.rendered[h.d].On(e.cube(h.pairs)).Rules() {
			if r.Action == meaning.Allow {
				all[r.Policy.ID] = append(all[r.Policy.ID], allowance{r, when})
			}
		}
		e.allowed[h] = all
	}
	return e.allowed[h]
}

// concerned makes the formula of the traffic that a finding, which lines may excuse, is about on
// one half.
func (e *Exceptions) concerned(c Concern, h half) *relation.Formula {
	var matched []*relation.Formula
	all := e.allowances(h)
	for _, s := range c.Rules {
		for _, a := range all[s.Object] {
			if of := a.rule.Of.Place(); within(s.Pointer, of) || within(of, s.Pointer) {
				matched = append(matched, a.when)
			}
		}
	}
	if len(c.Rules) == 0 {
		for _, id := range slices.SortedFunc(maps.Keys(all), object.ID.Compare) {
			for _, a := range all[id] {
				matched = append(matched, a.when)
			}
		}
	}
	where := relation.Or(matched...)
	if c.Namespace != "" {
		where = relation.And(where, e.p.u.NamedLike(relation.Own, c.Namespace))
	}
	if c.Internet {
		where = relation.And(where, relation.Not(e.p.u.IsPod(relation.Peer)), e.p.u.Addresses(relation.Peer, public))
	}
	if c.Ports != nil {
		where = relation.And(where, e.p.u.Traffic(plan.PacketsOn(c.Ports)))
	}
	return where
}

var public = packet.AddressRanges(slices.Concat(packet.Public(packet.IPv4).Ranges(), packet.Public(packet.IPv6).Ranges())...)

// within reports whether a JSON pointer points into what another one points at, so that a finding
// about the one is about the other.
func within(pointer, whole string) bool {
	return pointer == whole || strings.HasPrefix(pointer, whole+"/")
}

// lines selects the plan's lines that are in an exception's scope, narrowed to its peer and ports.
func (e *Exceptions) lines(s Scope) []line {
	var all []line
	for i := range e.p.plan.Flows {
		f := &e.p.plan.Flows[i]
		for _, o := range f.Origins {
			if o.Intent == "" || !s.Intent(o.Intent) {
				continue
			}
			l := line{span: o.Span, from: f.From, to: f.To, ports: f.Ports}
			carried := plan.PacketsOn(o.Ports)
			if ports, every := s.Ports(f.To.Name); !every {
				carried = carried.Intersect(plan.PacketsOn(ports))
			}
			far := &l.from
			if o.Outbound {
				far = &l.to
			}
			if l.only = &carried; !carried.IsEmpty() && narrowed(far, s.Peer) {
				all = append(all, l)
			}
		}
	}
	return all
}

// narrowed takes out of a line's far end what is not the peer of an exception, and reports whether
// something is left.
func narrowed(far *plan.End, peer string) bool {
	switch {
	case peer == "" || peer == far.Name || far.Peer != "" && peer == "@"+far.Peer:
		return true
	case peer != Internet || far.Pods != nil:
		return false
	}
	left := packet.AddressesOf(plan.Ranges(far.Blocks)...).Intersect(public)
	far.Blocks = nil
	for _, prefix := range left.Prefixes() {
		far.Blocks = append(far.Blocks, plan.Block{CIDR: prefix})
	}
	return !left.IsEmpty()
}
