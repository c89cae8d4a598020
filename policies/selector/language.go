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

// find finds a shortest string of the language of a set: of the domain, none of those listed,
// matched by all patterns of with and none of without.
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

// content writes a key that is equal for sets whose language is described alike.
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

// newLanguage makes the language of a set of values, with an alphabet of the characters that
// matter.
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

// accepts reports whether a word that is at this state of the product is in the language.
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

// read steps the product over a character; alive reports whether a word of the language may go on
// so.
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

// add takes note of a state of the product that is new; false says that there are too many.
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

// text reads back the word of the language that led to a state.
func (l *language) text(i int) string {
	text := make([]byte, l.words[i].length)
	for ; l.words[i].length > 0; i = l.words[i].from {
		text[l.words[i].length-1] = l.words[i].last
	}
	return string(text)
}
