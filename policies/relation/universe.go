// Package relation decides what policies do for every pod, service account and namespace
// that may exist: nobody is invented, and none is left out. What policies ask becomes
// formulas over free variables, policies become programs of rules by tier, and a question
// about them is one search for values of the variables, which ends in a witness or in the
// certainty that there is none.
//
// Its invariant: the search finds a witness if and only if there is one, over everything
// that the API server takes, and a witness is two ends and a packet of which
// [meaning.Meaning.WalkHalf] says the same. What a budget stops is an error, never a
// verdict.
//
// It must not know what was meant: a plan comes in as a program like any other.
package relation

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Namespace is what is known of one namespace, or of all whose names fit a pattern.
type Namespace struct {
	Name   string            // or a pattern, which has one star
	Labels map[string]string // of the Namespace object, less those that hold its name
	// Closed: where no policy governs a pod of it, another build's does. It is for
	// patterns: see [Search.Ungoverned].
	Closed bool
	// Free: nobody says which labels it has, so that it may have any.
	Free bool
}

// isPattern reports whether the Namespace stands for all whose names fit a pattern.
func (n Namespace) isPattern() bool { return strings.Contains(n.Name, "*") }

// Universe is what all questions share: the variables, and what is known of them before
// anything is asked. Of a namespace that it lists, the labels whose keys any of its
// namespaces names are as listed, and absent where they are not; all other labels of
// namespaces, and all of those that are said to be free, are free, and so are labels of pods, service accounts and their labels.
//
// It grows with what is asked, and is not for several goroutines at once.
type Universe struct {
	listed   []Namespace // by name
	patterns []Namespace // in their order
	regions  []region    // of the names that are not listed
	index    map[string]int
	free     []int            // the places of listed ones whose labels are
	named    map[string]bool  // keys of labels that are known of every listed namespace
	pods     packet.Addresses // those that pods have
	others   packet.Addresses // those that everything else has

	solver    selector.Solver
	variables []variable // in pairs, one of each end: the other is at the number with its last bit turned
	numbers   map[variableKey]int32
	literals  map[literalKey]*literal
	inOne     [2]map[string]*Formula  // by end and namespace: that it is a pod there
	sets      map[selector.Labels]int // network sets whose namespaces have free labels that matter
	start     [2]*Cube                // a pod's peer is a pod; is another address
	all       *Cube                   // both
	classes   []*Cube                 // of all, by the own end's class of namespaces, once asked for
	spare     []*Cube                 // which nobody has any more

	// What one specialization keeps is gathered here before it is known how much it is.
	keptPolicies []residualPolicy
	keptRules    []*Rule
}

// NewUniverse makes a universe of what is known of a cluster: its namespaces, the addresses that
// pods may have, and those that everything else may have. They overlap where it is not known
// whose some are.
func NewUniverse(namespaces []Namespace, pods, others packet.Addresses) *Universe {
	u := &Universe{
		index: map[string]int{}, named: map[string]bool{}, pods: pods, others: others,
		numbers: map[variableKey]int32{}, literals: map[literalKey]*literal{}, inOne: [2]map[string]*Formula{{}, {}}, sets: map[selector.Labels]int{},
	}
	for _, n := range namespaces {
		if n.isPattern() {
			u.patterns = append(u.patterns, n)
		} else {
			u.listed = append(u.listed, n)
		}
		for key := range n.Labels {
			u.named[key] = true
		}
	}
	slices.SortFunc(u.listed, func(a, b Namespace) int { return strings.Compare(a.Name, b.Name) })
	for i, n := range u.listed {
		u.index[n.Name] = i
		if n.Free {
			u.free = append(u.free, i)
		}
	}
	u.regions = u.partNames()
	u.start = [2]*Cube{u.everything(yes), u.everything(no)}
	u.all, u.classes = u.everything(open), make([]*Cube, u.Classes())
	return u
}

// Hardest tells the largest number of states that a decision about one label of the universe
// took, of [selector.MostStates].
func (u *Universe) Hardest() int { return u.solver.Deepest }

// Class finds the class of a listed namespace of the universe or, by its name, the first of a
// pattern.
func (u *Universe) Class(name string) (class int, known bool) {
	if class, known = u.index[name]; known {
		return class, true
	}
	at := slices.IndexFunc(u.regions, func(r region) bool { return r.pattern != nil && r.pattern.Name == name })
	return len(u.listed) + at, at >= 0
}

// addresses gives the addresses that pods of the universe have, or that others have.
func (u *Universe) addresses(ofPods bool) packet.Addresses {
	if ofPods {
		return u.pods
	}
	return u.others
}

// End is an end of a packet, as seen from the pod whose half is asked about.
type End uint8

// The ends.
const (
	Own End = iota
	Peer
)

// kind is what a variable's values are.
type kind uint8

const (
	ofLabel kind = iota
	ofNamespace
	ofNamespaceLabel
	ofAddress
	ofTraffic
	ofSourcePort
	ofFlag
)

// variable is what two packets between two ends may differ in.
type variable struct {
	variableKey
	domain selector.Domain // of labels
	always bool            // the label is never absent
}

// isPodLabel reports whether the variable is a label that pods themselves wear.
func (v *variable) isPodLabel() bool {
	return v.kind == ofLabel && v.name != accountName && !strings.HasPrefix(v.name, accountPrefix)
}

type variableKey struct {
	kind kind
	end  End
	name string // the label's key, or the flag's name
}

// The names of labels that every pod has, whatever a selector calls them. No label's key
// is one of them.
const (
	namespaceName = "its namespace"
	accountName   = "its account"
	accountPrefix = "pcsa."
	podFlag       = "is a pod"
	ipv4Flag      = "IPv4"
	setPrefix     = "by labels of its namespace, "
)

// variable numbers a variable of the universe. Both ends' are made together.
func (u *Universe) variable(k variableKey) int32 {
	if n, known := u.numbers[k]; known {
		return n
	}
	v := variable{variableKey: k}
	switch {
	case k.kind == ofNamespace:
		v.domain, v.always = selector.NamespaceName, true
	case k.kind == ofLabel && k.name == accountName:
		v.domain, v.always = selector.AccountName, true
	}
	first := int32(len(u.variables))
	for _, end := range []End{Own, Peer} {
		v.end = end
		u.numbers[v.variableKey] = first + int32(end)
		u.variables = append(u.variables, v)
	}
	return first + int32(k.end)
}

// literal is an elementary question about one variable.
type literal struct {
	variable  int32
	kind      kind
	end       End
	test      selector.Test    // of labels and namespaces
	addresses packet.Addresses // one of those
	numbers   packet.Numbers   // one of those
	mirror    *literal         // the same of the other end; itself where it is about the packet
	formulas  [2]Formula       // that it is false, and that it is true
	number    int

	// members are, of a question about namespaces, the listed ones for which it may be false,
	// and those for which it may be true; nil until somebody asks.
	members [2][]uint64
}

// literalKey is equal for literals that ask the same.
type literalKey struct {
	variable int32
	op       selector.Operator
	text     string
}

// literal makes a literal of the universe, and its mirror, or finds the one that asks the same.
func (u *Universe) literal(k variableKey, op selector.Operator, text string, fill func(*literal)) *Formula {
	v := u.variable(k)
	if l, known := u.literals[literalKey{v, op, text}]; known {
		return is(l)
	}
	l := &literal{variable: v, kind: k.kind, end: k.end, number: len(u.literals)}
	fill(l)
	l.mirror = l
	l.formulas = [2]Formula{{op: elementary, lit: l}, {op: elementary, lit: l, sign: true}}
	u.literals[literalKey{v, op, text}] = l
	if k.kind != ofTraffic && k.kind != ofSourcePort && k.name != ipv4Flag {
		m := *l
		m.variable, m.end, m.number = v^1, 1-k.end, len(u.literals)
		m.mirror, l.mirror = l, &m
		m.formulas = [2]Formula{{op: elementary, lit: &m}, {op: elementary, lit: &m, sign: true}}
		u.literals[literalKey{m.variable, op, text}] = &m
	}
	return is(l)
}

// test makes the formula that asks a test of a label or of a namespace's name.
func (u *Universe) test(k variableKey, t selector.Test) *Formula {
	v := &u.variables[u.variable(k)]
	switch t.Op {
	case selector.OpHas:
		if v.always {
			return True
		}
	case selector.OpIn:
		impossible := func(value string) bool { return !v.domain.Holds(value) }
		if slices.ContainsFunc(t.Values, impossible) {
			t.Values = slices.DeleteFunc(slices.Clone(t.Values), impossible)
		}
		if len(t.Values) == 0 {
			return False
		}
	case selector.OpContains, selector.OpStartsWith, selector.OpEndsWith:
		if t.Values[0] == "" {
			return u.test(k, selector.Test{Op: selector.OpHas})
		}
	}
	return u.literal(k, t.Op, strings.Join(t.Values, "\x00"), func(l *literal) { l.test = t })
}

// Namespaces asks whether an end is a pod in one of the namespaces.
func (u *Universe) Namespaces(end End, names ...string) *Formula {
	if len(names) != 1 {
		return u.namespaces(end, slices.Compact(slices.Sorted(slices.Values(names))))
	}
	f := u.inOne[end][names[0]]
	if f == nil {
		f = u.namespaces(end, names)
		u.inOne[end][names[0]] = f
	}
	return f
}

// namespaces makes the formula that an end is a pod in one of these namespaces.
func (u *Universe) namespaces(end End, names []string) *Formula {
	return And(u.IsPod(end), u.test(variableKey{ofNamespace, end, namespaceName}, selector.Test{Op: selector.OpIn, Values: names}))
}

// NamedLike asks whether an end is a pod in a namespace whose name fits a pattern with one star,
// or none.
func (u *Universe) NamedLike(end End, pattern string) *Formula {
	if !strings.Contains(pattern, "*") {
		return u.Namespaces(end, pattern)
	}
	all := []*Formula{u.IsPod(end)}
	for _, t := range patternTests(pattern) {
		f := u.test(variableKey{ofNamespace, end, namespaceName}, t.Test)
		if !t.holds {
			f = Not(f)
		}
		all = append(all, f)
	}
	return And(all...)
}

// Labels asks whether an end is a pod that wears exactly what a pod wears of the labels that
// the universe knows, in its namespace, with whatever service account.
func (u *Universe) Labels(end End, namespace string, labels map[string]string) *Formula {
	all := []*Formula{u.Namespaces(end, namespace)}
	for i := range u.variables {
		v := &u.variables[i]
		if v.end != end || !v.isPodLabel() {
			continue
		}
		if value, there := labels[v.name]; there {
			all = append(all, u.test(v.variableKey, selector.Test{Op: selector.OpIn, Values: []string{value}}))
		} else {
			all = append(all, Not(u.test(v.variableKey, selector.Test{Op: selector.OpHas})))
		}
	}
	return And(all...)
}

// IsPod asks whether an end is a pod on the pod network. The own end is one.
func (u *Universe) IsPod(end End) *Formula { return u.flag(end, podFlag) }

// flag makes the formula of an elementary question, yes or no, of which nothing is known.
func (u *Universe) flag(end End, name string) *Formula {
	return u.literal(variableKey{ofFlag, end, name}, selector.OpHas, "", func(*literal) {})
}

// finding names the question whether a selector finds a network set: one for each set of each set
// of policies.
func (u *Universe) finding(of selector.Labels, by string) string {
	n, known := u.sets[of]
	if !known {
		n = len(u.sets)
		u.sets[of] = n
	}
	return fmt.Sprintf("%snetwork set %d is found by %s", setPrefix, n, by)
}

// isIPv4 asks whether the packet is one of IPv4, and not of IPv6.
func (u *Universe) isIPv4() *Formula { return u.flag(Own, ipv4Flag) }

// Addresses asks whether an end has one of the addresses.
func (u *Universe) Addresses(end End, set packet.Addresses) *Formula {
	switch {
	case set.IsEmpty():
		return False
	case set.Equal(packet.EveryAddress()):
		return True
	}
	var text strings.Builder
	for _, r := range set.IPSet().Ranges() {
		from, to := r.From().As16(), r.To().As16()
		text.Write(from[:])
		text.Write(to[:])
	}
	return u.literal(variableKey{ofAddress, end, ""}, selector.OpIn, text.String(), func(l *literal) { l.addresses = set })
}

// Traffic asks whether the packet is one of those.
func (u *Universe) Traffic(t packet.Traffic) *Formula {
	switch {
	case t.IsEmpty():
		return False
	case t.Equal(packet.Anything()):
		return True
	}
	return u.numbered(ofTraffic, t.Numbers())
}

// sourcePorts asks whether the packet comes from one of the ports.
func (u *Universe) sourcePorts(ports packet.Numbers) *Formula {
	if ports.IsEmpty() {
		return False
	}
	return u.numbered(ofSourcePort, ports)
}

// numbered makes the formula that asks whether the packet's number, of its traffic or its source
// port, is one of some.
func (u *Universe) numbered(k kind, n packet.Numbers) *Formula {
	text := make([]byte, 0, 8*len(n.Ranges()))
	for _, r := range n.Ranges() {
		text = append(text, byte(r.First), byte(r.First>>8), byte(r.First>>16), byte(r.First>>24), byte(r.Last), byte(r.Last>>8), byte(r.Last>>16), byte(r.Last>>24))
	}
	return u.literal(variableKey{k, Own, ""}, selector.OpIn, string(text), func(l *literal) { l.numbers = n })
}

// isOneOf reports whether the literal asks for one of some values, by name.
func (l *literal) isOneOf() bool { return l.test.Op == selector.OpIn }

// ofPlace reports whether the literal asks about the namespace of an end.
func (l *literal) ofPlace() bool { return l.kind == ofNamespace || l.kind == ofNamespaceLabel }
