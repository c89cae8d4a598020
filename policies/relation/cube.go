package relation

import (
	"slices"
	"strings"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// Cube is a conjunction of answers to elementary questions: pairs of ends, and packets
// between them, as the product of what each variable may be. It does not change, and each
// variable has a value; whether two ends can have theirs together, only a witness tells.
type Cube struct {
	u           *Universe
	places      [2]*place
	constraints []constraint // by variable, of those of which something is known
	class       *Cube        // all packets of the own end's class of namespaces; nil where that may be any
}

// constraint is what is known of one variable: the field of its kind.
type constraint struct {
	variable  int32
	flag      answer
	values    *selector.Values
	addresses packet.Addresses
	numbers   packet.Numbers
}

// everything makes the cube of all packets between a pod and whoever is a pod, or is an address
// that is no pod's, or is either.
func (u *Universe) everything(peerIsPod answer) *Cube {
	peers := u.others
	switch peerIsPod {
	case yes:
		peers = u.pods
	case open:
		peers = u.pods.Union(u.others)
	}
	c := &Cube{u: u, places: [2]*place{u.anywhere(), u.anywhere()}}
	for _, known := range []constraint{
		{variable: u.variable(variableKey{ofFlag, Own, podFlag}), flag: yes},
		{variable: u.variable(variableKey{ofFlag, Peer, podFlag}), flag: peerIsPod},
		{variable: u.variable(variableKey{ofAddress, Own, ""}), addresses: u.pods},
		{variable: u.variable(variableKey{ofAddress, Peer, ""}), addresses: peers},
		{variable: u.variable(variableKey{ofTraffic, Own, ""}), numbers: packet.Anything().Numbers()},
		{variable: u.variable(variableKey{ofSourcePort, Own, ""}), numbers: packet.Between(1, 65535)},
	} {
		c = c.with(known)
	}
	return c
}

// Pairs gives the cube of all packets between pods and other pods.
func (u *Universe) Pairs() *Cube { return u.start[0] }

// Outside gives the cube of all packets between pods and addresses that are no pod's.
func (u *Universe) Outside() *Cube { return u.start[1] }

// Classes counts the classes of namespaces into which cubes are divided: each listed one, and the
// regions of the other names, those of patterns first.
func (u *Universe) Classes() int { return len(u.listed) + len(u.regions) }

// In cuts out of the cube the part whose own end is in one class of namespaces; nil where there
// is none.
func (c *Cube) In(class int) *Cube {
	p := c.places[Own].in(class, len(c.u.listed))
	if p == nil {
		return nil
	}
	n := c.at(Own, p)
	n.class = c.u.inClass(class)
	return n
}

// inClass makes, once, the cube of all packets of pods in one class of namespaces.
func (u *Universe) inClass(class int) *Cube {
	if u.classes[class] == nil {
		u.classes[class] = u.all.at(Own, u.all.places[Own].in(class, len(u.listed)))
	}
	return u.classes[class]
}

// at puts a place where the cube has another, for one end.
func (c *Cube) at(end End, p *place) *Cube {
	n := *c
	n.places[end] = p
	return &n
}

// Wearing cuts out of the cube the part in which an end has just those labels of its own; nil
// where there is none. Its service account and what it calls its ports stay open.
func (c *Cube) Wearing(end End, labels map[string]string) *Cube {
	n := *c
	n.constraints = make([]constraint, 0, len(c.constraints)+len(c.u.variables)/2)
	left := c.constraints
	for i := range c.u.variables {
		number := int32(i)
		k := constraint{variable: number}
		known := len(left) > 0 && left[0].variable == number
		if known {
			k, left = left[0], left[1:]
		}
		if v := &c.u.variables[i]; v.kind == ofLabel && v.end == end && v.name != accountName && !strings.HasPrefix(v.name, accountPrefix) {
			if !known {
				k.values = anyLabel
			}
			test := selector.Test{Op: selector.OpHas}
			value, worn := labels[v.name]
			if worn {
				test = selector.Test{Op: selector.OpIn, Values: []string{value}}
			}
			if k.values = c.u.solver.Where(k.values, test, worn); k.values == nil {
				return nil
			}
			known = true
		}
		if known {
			n.constraints = append(n.constraints, k)
		}
	}
	return &n
}

// with makes a cube with a constraint in place of what was known of its variable.
func (c *Cube) with(known constraint) *Cube {
	n := c.clone(1)
	n.learn(known)
	return n
}

// clone copies a cube, with room for some more constraints.
func (c *Cube) clone(more int) *Cube {
	n := &Cube{}
	if last := len(c.u.spare) - 1; last >= 0 {
		n, c.u.spare = c.u.spare[last], c.u.spare[:last]
	}
	own := slices.Grow(n.constraints[:0], len(c.constraints)+more)
	*n = *c
	n.constraints = append(own, c.constraints...)
	return n
}

// reuse takes back a clone that nobody else has, made of another cube: the next clone is made in
// its place. What only shares the other's constraints is left alone.
func (c *Cube) reuse(of *Cube) {
	if c != of && len(c.constraints) > 0 && (len(of.constraints) == 0 || &c.constraints[0] != &of.constraints[0]) {
		c.u.spare = append(c.u.spare, c)
	}
}

// learn puts a constraint in place of what was known of its variable, in a cube that nobody
// else has yet.
func (c *Cube) learn(known constraint) {
	at, found := c.find(known.variable)
	if found {
		c.constraints[at] = known
	} else {
		c.constraints = slices.Insert(c.constraints, at, known)
	}
}

// find looks up the constraint of a variable among those of the cube, or where one would stand.
func (c *Cube) find(variable int32) (int, bool) {
	return slices.BinarySearchFunc(c.constraints, variable, func(k constraint, v int32) int { return int(k.variable - v) })
}

// known tells what the cube knows of a variable: its constraint, or the values that it began
// with.
func (c *Cube) known(variable int32) constraint {
	if at, found := c.find(variable); found {
		return c.constraints[at]
	}
	k := constraint{variable: variable}
	if v := &c.u.variables[variable]; v.kind == ofLabel {
		k.values = initialValues[v.domain]
		if !v.always {
			k.values = anyLabel
		}
	}
	return k
}

// value tells the one value that a variable of the cube has left, if it is one.
func (c *Cube) value(variable int32) (string, bool) {
	if v := &c.u.variables[variable]; v.kind == ofNamespace {
		class, one := c.places[v.end].single()
		if !one {
			return "", false
		}
		return c.u.listed[class].Name, true
	}
	at, found := c.find(variable)
	if !found {
		return "", false
	}
	return c.constraints[at].values.Only()
}

// initialValues are those of labels that are always there.
var initialValues = [...]*selector.Values{
	selector.LabelValue:    selector.AllValues(selector.LabelValue, false),
	selector.NamespaceName: selector.AllValues(selector.NamespaceName, false),
	selector.AccountName:   selector.AllValues(selector.AccountName, false),
}

// where cuts out of the cube the part in which a literal holds, or does not; nil where there is
// none.
func (c *Cube) where(l *literal, holds bool) *Cube {
	if l.ofPlace() {
		p := c.places[l.end].where(c.u, l, holds)
		if p == nil {
			return nil
		}
		return c.at(l.end, p)
	}
	k, some := c.narrowed(l, holds)
	if !some {
		return nil
	}
	return c.with(k)
}

// narrowed works out the constraint that the cube has on a literal's variable where the literal
// holds, or does not.
func (c *Cube) narrowed(l *literal, holds bool) (k constraint, some bool) {
	k = c.known(l.variable)
	switch l.kind {
	case ofLabel:
		k.values = c.u.solver.Where(k.values, l.test, holds)
		some = k.values != nil
	case ofAddress:
		k.addresses = cutBy(k.addresses, l.addresses, holds)
		some = !k.addresses.IsEmpty()
	case ofTraffic, ofSourcePort:
		if holds {
			k.numbers = k.numbers.Intersect(l.numbers)
		} else {
			k.numbers = k.numbers.Subtract(l.numbers)
		}
		some = !k.numbers.IsEmpty()
	case ofFlag:
		wanted := yes
		if !holds {
			wanted = no
		}
		some = k.flag != -wanted
		k.flag = wanted
	}
	return k, some
}

// cutBy keeps of a cube's addresses those that are in a set, or those that are not.
func cutBy(s, by packet.Addresses, holds bool) packet.Addresses {
	if holds {
		return s.Intersect(by)
	}
	return s.Subtract(by)
}

// answer tells whether a literal holds on the whole cube, nowhere on it, or in a part of it.
func (c *Cube) answer(l *literal) answer {
	if l.ofPlace() {
		return c.places[l.end].answer(c.u, l)
	}
	var may, mayNot bool
	switch k := c.known(l.variable); l.kind {
	case ofLabel:
		may, mayNot = c.u.solver.Answers(k.values, l.test)
	case ofAddress:
		may, mayNot = k.addresses.Overlaps(l.addresses), !l.addresses.Covers(k.addresses)
	case ofFlag:
		return k.flag
	default:
		may, mayNot = k.numbers.Overlaps(l.numbers), !l.numbers.Covers(k.numbers)
	}
	switch {
	case !may:
		return no
	case !mayNot:
		return yes
	}
	return open
}

// assume takes over what a formula demands as far as it is a conjunction of literals, and
// leaves what is still to be decided; nil where nothing is left.
func (c *Cube) assume(f *Formula) (*Cube, *Formula) {
	switch f.op {
	case isFalse:
		return nil, f
	case elementary:
		return c.where(f.lit, f.sign), True
	case conjunction:
		for _, kid := range f.kids { // namespaces rule out the most, and ask for no copy
			if kid.op == elementary && kid.lit.ofPlace() {
				if a := c.answer(kid.lit); a == no && kid.sign || a == yes && !kid.sign {
					return nil, f
				}
			}
		}
		n := c.clone(c.unknown(f.kids))
		var rest []*Formula
		for _, kid := range f.kids {
			if kid.op != elementary {
				rest = append(rest, kid)
			} else if !n.require(kid.lit, kid.sign) {
				n.reuse(c)
				return nil, f
			}
		}
		return n, And(rest...)
	}
	return c, f
}

// unknown counts of how many variables the cube has no constraint that literals of a conjunction
// ask about; a variable counts as often as it is asked.
func (c *Cube) unknown(kids []*Formula) int {
	count := 0
	for _, kid := range kids {
		if kid.op == elementary && !kid.lit.ofPlace() {
			if _, known := c.find(kid.lit.variable); !known {
				count++
			}
		}
	}
	return count
}

// require narrows a cube that nobody else has yet to where a literal holds, or does not; false
// where nothing is left.
func (c *Cube) require(l *literal, holds bool) (some bool) {
	if l.ofPlace() {
		c.places[l.end] = c.places[l.end].where(c.u, l, holds)
		return c.places[l.end] != nil
	}
	k, some := c.narrowed(l, holds)
	if some {
		c.learn(k)
	}
	return some
}

// Traffic tells which traffic the packets of a cube may be.
func (c *Cube) Traffic() packet.Traffic {
	return packet.TrafficAt(c.known(c.u.variable(variableKey{ofTraffic, Own, ""})).numbers)
}

// Addresses tells which addresses an end of a cube may have, and whether that says anything:
// whether others of its kind are left out.
func (c *Cube) Addresses(end End) (of packet.Addresses, narrowed bool) {
	of = c.known(c.u.variable(variableKey{ofAddress, end, ""})).addresses
	isPod := c.known(c.u.variable(variableKey{ofFlag, end, podFlag})).flag == yes
	return of, !of.Equal(c.u.addresses(isPod))
}
