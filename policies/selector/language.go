package selector

import (
	"slices"
	"strings"
)

// word is what a search for a member of a language ended with.
type word struct {
	text      string
	found     bool
	undecided bool
}

// find is a shortest string of the domain that is none of those listed, and that matches
// all patterns of with and none of without.
func (s *Solver) find(v *Values) word {
	key := v.content()
	if w, known := s.words[key]; known {
		return w
	}
	l := newLanguage(v)
	w := l.shortest()
	s.Deepest = max(s.Deepest, len(l.words))
	if s.words == nil {
		s.words = map[string]word{}
	}
	s.words[key] = w
	return w
}

// content is equal for sets of the same description.
func (v *Values) content() string {
	var b strings.Builder
	b.WriteByte(byte(v.domain))
	for i, patterns := range [][]pattern{v.with, v.without} {
		for _, p := range patterns {
			b.WriteByte(byte(i))
			b.WriteByte(byte(p.op))
			b.WriteString(p.text)
			b.WriteByte('\n')
		}
	}
	for _, value := range v.listed {
		b.WriteByte(2)
		b.WriteString(value)
		b.WriteByte('\n')
	}
	return b.String()
}

// language is the product of automata: the domain's, one of each pattern, and the trie of
// the strings that are left out. Characters that none of them mentions are alike, so one
// stands for all.
type language struct {
	domain   Domain
	alphabet []byte
	patterns []automaton
	trie     trie

	words []step         // in the order in which they were found: the shorter first
	known map[string]int // by state
}

// step is a state of the product, and the way to it.
type step struct {
	from   int // in words; -1 at the beginning
	last   byte
	length int
	at     position
	node   int32 // in the trie
	states []int16
}

func newLanguage(v *Values) *language {
	l := &language{domain: v.domain, trie: newTrie(v.listed), known: map[string]int{}}
	var mentioned [256]bool
	mention := func(text string) {
		for i := range len(text) {
			mentioned[text[i]] = true
		}
	}
	for _, p := range v.with {
		mention(p.text)
		l.patterns = append(l.patterns, newAutomaton(p, true))
	}
	for _, p := range v.without {
		mention(p.text)
		l.patterns = append(l.patterns, newAutomaton(p, false))
	}
	for _, value := range v.listed {
		mention(value)
	}
	stand := func(candidates string) {
		for i := range len(candidates) {
			if c := candidates[i]; !mentioned[c] && l.domain.next(afterLetter, c) != nowhere {
				l.alphabet = append(l.alphabet, c)
				return
			}
		}
	}
	stand("xyzwvutsrqponmlkjihgfedcba0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	for c := range mentioned {
		if mentioned[c] && l.domain.next(afterLetter, byte(c)) != nowhere {
			l.alphabet = append(l.alphabet, byte(c))
		}
	}
	stand("-_.")
	return l
}

// shortest searches the product breadth first, so that the longest string that the domain
// takes is never mistaken for a dead end.
func (l *language) shortest() word {
	if slices.ContainsFunc(l.patterns, func(a automaton) bool { return !a.alive(0) }) {
		return word{}
	}
	l.add(step{from: -1, states: make([]int16, len(l.patterns))})
	for i := 0; i < len(l.words); i++ {
		s := l.words[i]
		if l.accepts(&s) {
			return word{text: l.text(i), found: true}
		}
		if s.length == l.domain.longest() {
			continue
		}
		for _, c := range l.alphabet {
			next, alive := l.read(i, &s, c)
			if alive && !l.add(next) {
				return word{undecided: true}
			}
		}
	}
	return word{}
}

func (l *language) accepts(s *step) bool {
	if !l.domain.accepts(s.at) || l.trie.ends(s.node) {
		return false
	}
	for i := range l.patterns {
		if !l.patterns[i].accepts(s.states[i]) {
			return false
		}
	}
	return true
}

func (l *language) read(from int, s *step, c byte) (next step, alive bool) {
	next = step{from: from, last: c, length: s.length + 1, at: l.domain.next(s.at, c), node: l.trie.next(s.node, c)}
	if next.at == nowhere {
		return next, false
	}
	next.states = make([]int16, len(s.states))
	for i := range l.patterns {
		next.states[i] = l.patterns[i].next(s.states[i], c)
		if !l.patterns[i].alive(next.states[i]) {
			return next, false
		}
	}
	return next, true
}

// add takes note of a state that is new; false says that there are too many.
func (l *language) add(s step) bool {
	key := make([]byte, 0, 5+2*len(s.states))
	key = append(key, byte(s.at), byte(s.node), byte(s.node>>8), byte(s.node>>16), byte(s.node>>24))
	for _, n := range s.states {
		key = append(key, byte(n), byte(n>>8))
	}
	if _, old := l.known[string(key)]; old {
		return true
	}
	if len(l.words) == MostStates {
		return false
	}
	l.known[string(key)] = len(l.words)
	l.words = append(l.words, s)
	return true
}

func (l *language) text(i int) string {
	text := make([]byte, l.words[i].length)
	for ; l.words[i].length > 0; i = l.words[i].from {
		text[l.words[i].length-1] = l.words[i].last
	}
	return string(text)
}

// automaton recognises the strings that match a pattern (Knuth, Morris and Pratt) or, where
// it is not to be matched, all others. A state is how much of the text was read last.
type automaton struct {
	pattern
	matched bool
	failure []int16
}

// lost is the state of a beginning that is another.
const lost = -1

func newAutomaton(p pattern, matched bool) automaton {
	a := automaton{p, matched, make([]int16, len(p.text)+1)}
	for i := 1; i < len(p.text); i++ {
		k := a.failure[i]
		for k > 0 && p.text[k] != p.text[i] {
			k = a.failure[k]
		}
		if p.text[k] == p.text[i] {
			k++
		}
		a.failure[i+1] = k
	}
	return a
}

func (a *automaton) next(state int16, c byte) int16 {
	full := int16(len(a.text))
	switch {
	case a.op == OpStartsWith && (state == lost || state == full), a.op == OpContains && state == full:
		return state
	case a.op == OpStartsWith && a.text[state] == c:
		return state + 1
	case a.op == OpStartsWith:
		return lost
	case full == 0:
		return 0
	case state == full:
		state = a.failure[state]
	}
	for state > 0 && a.text[state] != c {
		state = a.failure[state]
	}
	if a.text[state] == c {
		state++
	}
	return state
}

// alive reports whether a string that goes on from the state may be accepted.
func (a *automaton) alive(state int16) bool {
	full := state == int16(len(a.text))
	switch a.op {
	case OpStartsWith:
		return state != lost && (a.matched || !full) || state == lost && !a.matched
	case OpContains:
		return a.matched || !full
	default:
		return a.matched || a.text != ""
	}
}

func (a *automaton) accepts(state int16) bool { return (state == int16(len(a.text))) == a.matched }

// trie holds strings by their beginnings.
type trie struct {
	children []map[byte]int32
	end      []bool
}

// offTrie is where no string of the trie begins any more.
const offTrie = -1

func newTrie(texts []string) trie {
	t := trie{[]map[byte]int32{{}}, []bool{false}}
	for _, text := range texts {
		at := int32(0)
		for i := range len(text) {
			child, found := t.children[at][text[i]]
			if !found {
				child = int32(len(t.children))
				t.children[at][text[i]] = child
				t.children, t.end = append(t.children, map[byte]int32{}), append(t.end, false)
			}
			at = child
		}
		t.end[at] = true
	}
	return t
}

func (t *trie) next(at int32, c byte) int32 {
	if at == offTrie {
		return offTrie
	}
	if child, found := t.children[at][c]; found {
		return child
	}
	return offTrie
}

func (t *trie) ends(at int32) bool { return at != offTrie && t.end[at] }
