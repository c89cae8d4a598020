package selector

// automaton recognises the strings that match a pattern (Knuth, Morris and Pratt) or, where
// it is not to be matched, all others. A state is how much of the text was read last.
type automaton struct {
	pattern
	matched bool
	failure []int16
}

// lost is the state of a beginning that is another.
const lost = -1

// newAutomaton makes the automaton of a pattern that is to be matched, or not.
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

// next steps the automaton over a character.
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

// alive reports whether a string that goes on from the state may be accepted by the automaton.
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

// accepts reports whether the automaton accepts a string that ends at the state.
func (a *automaton) accepts(state int16) bool { return (state == int16(len(a.text))) == a.matched }

// trie holds strings by their beginnings.
type trie struct {
	children []map[byte]int32
	end      []bool
}

// offTrie is where no string of the trie begins any more.
const offTrie = -1

// newTrie makes a trie of strings: an automaton that has read one of them where it ends.
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

// next steps down the trie over a character.
func (t *trie) next(at int32, c byte) int32 {
	if at == offTrie {
		return offTrie
	}
	if child, found := t.children[at][c]; found {
		return child
	}
	return offTrie
}

// ends reports whether one of the trie's strings ends there.
func (t *trie) ends(at int32) bool { return at != offTrie && t.end[at] }
