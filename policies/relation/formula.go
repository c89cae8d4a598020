package relation

// Formula is a condition on both ends of a packet and on the packet, in negation normal
// form. It does not change.
type Formula struct {
	op   operation
	kids []*Formula // of and, or
	lit  *literal   // of an elementary formula, which holds where the literal is true
	sign bool       // or, where sign is false, where it is not
}

type operation uint8

const (
	isTrue operation = iota
	isFalse
	elementary
	conjunction
	disjunction
)

// True and False are the formulas that hold always, and never.
var (
	True  = &Formula{op: isTrue}
	False = &Formula{op: isFalse}
)

// And joins formulas to their conjunction; of nothing it is True.
func And(all ...*Formula) *Formula { return join(conjunction, True, False, all) }

// Or joins formulas to their disjunction; of nothing it is False.
func Or(all ...*Formula) *Formula { return join(disjunction, False, True, all) }

// join makes a conjunction or a disjunction of formulas, flat, and without those that change
// nothing.
func join(op operation, neutral, absorbing *Formula, all []*Formula) *Formula {
	count, only := 0, neutral
	for _, f := range all {
		switch f.op {
		case absorbing.op:
			return absorbing
		case neutral.op:
			continue
		case op:
			count += len(f.kids)
		default:
			count++
		}
		only = f
	}
	if count <= 1 || only.op == op && len(only.kids) == count {
		return only // which is all that there is
	}
	made := room(count)
	made.op = op
	kids := made.kids
	for _, f := range all {
		switch f.op {
		case neutral.op:
		case op:
			kids = append(kids, f.kids...)
		default:
			kids = append(kids, f)
		}
	}
	made.kids = kids
	return made
}

// room makes a formula with room for its kids, in one piece where they are few.
func room(kids int) *Formula {
	if kids > few {
		return &Formula{kids: make([]*Formula, 0, kids)}
	}
	f := &struct {
		Formula
		room [few]*Formula
	}{}
	f.kids = f.room[:0:kids]
	return &f.Formula
}

// few is how many kids most formulas have at most.
const few = 4

// Not negates a formula, down to its literals.
func Not(f *Formula) *Formula {
	switch f.op {
	case isTrue:
		return False
	case isFalse:
		return True
	case elementary:
		if f.sign {
			return &f.lit.formulas[0]
		}
		return is(f.lit)
	}
	n := &Formula{op: conjunction, kids: make([]*Formula, len(f.kids))}
	if f.op == conjunction {
		n.op = disjunction
	}
	for i, kid := range f.kids {
		n.kids[i] = Not(kid)
	}
	return n
}

// Mirror exchanges the two ends that a formula is about.
func (f *Formula) Mirror() *Formula {
	switch f.op {
	case isTrue, isFalse:
		return f
	case elementary:
		if f.sign {
			return is(f.lit.mirror)
		}
		return &f.lit.mirror.formulas[0]
	}
	n := &Formula{op: f.op, kids: make([]*Formula, len(f.kids))}
	for i, kid := range f.kids {
		n.kids[i] = kid.Mirror()
	}
	return n
}

// is makes the formula that holds where a literal is true.
func is(l *literal) *Formula { return &l.formulas[1] }

// answer is what is known of a formula on a whole cube.
type answer int8

const (
	no   answer = iota - 1 // it holds nowhere
	open                   // it may hold in one part and not in another
	yes                    // it holds everywhere
)

// view is a cube, or the cube with the ends exchanged.
type view struct {
	*Cube
	mirrored bool
}

// literal answers a literal of a formula on the view, and names the one that it is about on the
// cube.
func (v view) literal(l *literal) (answer, *literal) {
	if v.mirrored {
		l = l.mirror
	}
	return v.answer(l), l
}

// formula answers a formula on the view; where that is open, with a literal that is.
func (v view) formula(f *Formula) (answer, *literal) {
	switch f.op {
	case isTrue:
		return yes, nil
	case isFalse:
		return no, nil
	case elementary:
		a, l := v.literal(f.lit)
		if a == open {
			return open, l
		}
		if !f.sign {
			a = -a
		}
		return a, nil
	}
	absorbing := no
	if f.op == disjunction {
		absorbing = yes
	}
	var undecided *literal
	for _, kid := range f.kids {
		a, l := v.formula(kid)
		if a == absorbing {
			return a, nil
		}
		if a == open && undecided == nil {
			undecided = l
		}
	}
	if undecided != nil {
		return open, undecided
	}
	return -absorbing, nil
}

// holds reports whether a formula holds everywhere on the view, which is found out sooner than
// its answer where that is open.
func (v view) holds(f *Formula) bool {
	switch f.op {
	case isTrue:
		return true
	case isFalse:
		return false
	case elementary:
		a, _ := v.literal(f.lit)
		return a == yes && f.sign || a == no && !f.sign
	}
	for _, kid := range f.kids {
		if v.holds(kid) == (f.op == disjunction) {
			return f.op == disjunction
		}
	}
	return f.op == conjunction
}
