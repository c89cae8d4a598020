package relation

import (
	"cmp"
	"errors"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// ErrUndecided says that a question took more work than its budget: nothing may be
// concluded from it.
var ErrUndecided = errors.New("it takes too many steps")

// LabelError is ErrUndecided about the values of one label.
type LabelError struct {
	Label  string // as selectors call it, without the prefix of namespaces and accounts
	Values string // in words
}

// Error says in one clause for people which values of a label the search could not decide.
func (e *LabelError) Error() string {
	return "whether there is " + e.Values + ": " + ErrUndecided.Error()
}

// Unwrap gives ErrUndecided, as which the search ends.
func (e *LabelError) Unwrap() error { return ErrUndecided }

// tooMuchOf makes the error of a search that could not decide whether there are values of a
// label.
func tooMuchOf(label string, values *selector.Values) error {
	return &LabelError{strings.TrimPrefix(label, accountPrefix), values.Words(label)}
}

// MostSteps is how many cubes a question may visit: it is undecided then.
const MostSteps = 100_000

// Question asks for packets of a cube for which a formula holds and of which every program
// has the verdict that is wanted of it.
type Question struct {
	Of        *Cube
	Where     *Formula          // nil: everywhere
	Direction meaning.Direction // of the own end's half
	Wanted    []Wanted
	// Rather are verdicts that a witness has if there is such a one: what is told about an
	// answer, and no part of it.
	Rather []Wanted
}

// Wanted is a verdict that a program must have.
type Wanted struct {
	Program  *Program
	Verdict  Verdicts // Allows or Denies
	Opposite bool     // the program is that of the peer's half
	// Ungoverned is the verdict where no policy decides.
	Ungoverned Verdicts

	rule *Rule // see [Program.DecidedBy]
}

// Search answers questions about one universe. It counts its work.
type Search struct {
	Universe *Universe
	// Described are the pods that somebody knows, by namespace: witnesses are rather those.
	Described map[string][]*meaning.Endpoint
	// Budget is how many cubes a question may visit; 0 is MostSteps.
	Budget int

	Steps   int // cubes visited by all questions
	Hardest int // by one, of MostSteps

	spent, budget int
	told          int  // cubes that were handed out, which may be kept
	briefly       bool // that there is a witness is enough: who it is remains open
}

// Witness searches for a packet that answers a question, the best of several to tell; nil if
// there is none.
func (s *Search) Witness(q Question) (*Witness, error) {
	var best *Witness
	leaves, steps := 0, mostRather
	err := s.Each(q, func(leaf *Cube) (bool, error) {
		w, err := s.witness(leaf, q.Direction)
		if w == nil || err != nil {
			return false, err
		}
		if better := s.rather(leaf, q, &steps); better != nil {
			w = better
		}
		if best == nil || w.better(best) {
			best = w
		}
		leaves++
		return best.Whole && best.Described == 2 || leaves == mostLeaves, nil
	})
	if best != nil {
		return best, nil // there is an answer, whatever else was not decided
	}
	return nil, err
}

// mostLeaves is among how many answers the one is chosen that is told.
const mostLeaves = 16

// mostRather is how many cubes all answers to a question together may visit for one that is
// rather told: what is not found changes words, and no verdict.
const mostRather = 64

// rather searches inside a leaf for a witness of which other programs have verdicts as well.
func (s *Search) rather(leaf *Cube, q Question, left *int) *Witness {
	if len(q.Rather) == 0 || *left <= 0 {
		return nil
	}
	spent, budget := s.spent, s.budget
	s.spent, s.budget = 0, *left
	defer func() {
		*left -= s.spent
		s.spent, s.budget = spent, budget
	}()
	var best *Witness
	_ = s.visit(leaf, True, s.prepare(leaf, q.Rather), func(part *Cube) (bool, error) {
		w, err := s.witness(part, q.Direction)
		if w == nil || err != nil {
			return false, err
		}
		w.Whole = true
		if best == nil || w.better(best) {
			best = w
		}
		return best.Described == 2, nil
	})
	return best
}

// Each calls found with cubes that answer a question, until found says that it is enough.
// On each of them the formula holds and the programs' verdicts are the wanted ones; whether
// two ends lie in it, found has to ask.
func (s *Search) Each(q Question, found func(*Cube) (enough bool, err error)) error {
	where := q.Where
	if where == nil {
		where = True
	}
	of, left := q.Of.assume(where)
	if of == nil {
		return nil
	}
	s.spent, s.budget = 0, cmp.Or(s.Budget, MostSteps)
	told := s.told
	err := s.visit(of, left, s.prepare(of, q.Wanted), found)
	if s.told == told {
		of.reuse(q.Of)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	s.Hardest = max(s.Hardest, s.spent)
	return err
}

var errEnough = errors.New("enough")

// prepared is a wanted verdict with a part of its program that a cube has to do with.
type prepared struct {
	Wanted
	of    *Cube
	part  *Program
	asked int
}

// worthAPart is how often a program is asked before what a question leaves of it is worked
// out: most questions are answered sooner.
const worthAPart = 8

// verdicts asks a wanted program what may become of a cube's packets, and reduces it to the
// question's cube once it was asked often.
func (w *prepared) verdicts(c *Cube) (Verdicts, *literal) {
	if w.asked++; w.asked == worthAPart && w.part == w.Program {
		w.part = w.Program.part(view{w.of, false})
	}
	if w.rule != nil {
		return w.part.decidedBy(view{c, w.Opposite}, w.rule)
	}
	return w.part.verdicts(view{c, w.Opposite}, w.Ungoverned)
}

// prepare reduces the programs of wanted verdicts to the cube that is searched.
func (s *Search) prepare(of *Cube, wanted []Wanted) []prepared {
	all := make([]prepared, len(wanted))
	for i, w := range wanted {
		all[i] = prepared{Wanted: w, of: of, part: w.Program}
		if w.Opposite || w.Program.of == nil {
			all[i].part = w.Program.part(view{of, w.Opposite})
		}
	}
	return all
}

// visit searches a cube: parts it by what is open until every question has one answer.
func (s *Search) visit(c *Cube, where *Formula, wanted []prepared, found func(*Cube) (bool, error)) error {
	s.spent++
	s.Steps++
	if s.spent > s.budget {
		return ErrUndecided
	}
	holds, undecided := view{c, false}.formula(where)
	if holds == no {
		return nil
	}
	for i := range wanted {
		w := &wanted[i]
		got, l := w.verdicts(c)
		if got&w.Verdict == 0 {
			return nil
		}
		if undecided == nil && got != w.Verdict {
			undecided = l
		}
	}
	if undecided == nil {
		s.told++
		enough, err := found(c)
		if enough && err == nil {
			return errEnough
		}
		return err
	}
	for _, sign := range []bool{true, false} {
		if part := c.where(undecided, sign); part != nil {
			told := s.told
			if err := s.visit(part, where, wanted, found); err != nil {
				return err
			}
			if s.told == told {
				part.reuse(c)
			}
		}
	}
	return nil
}
