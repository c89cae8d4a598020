package language

import (
	"fmt"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Handshake says who must agree to a flow between two namespaces; a later value is
// stricter.
type Handshake int

// The handshakes, from the loosest.
const (
	Either Handshake = iota + 1
	Callee
	Both
)

// String spells the handshake as the language's choices do.
func (v Handshake) String() string {
	for word, h := range handshakes {
		if h == v {
			return word
		}
	}
	return ""
}

// Unknown says what becomes of a namespace that nobody listed.
type Unknown int

// The choices for unknown namespaces.
const (
	Open Unknown = iota + 1
	Deny
)

// APIForm is object.APIForm as the language spells it.
type APIForm object.APIForm

// choose reads a word that is one of a few choices, and suggests the nearest of them for any
// other.
func choose[T any](word string, choices map[string]T) (T, *mistake) {
	v, ok := choices[word]
	if ok {
		return v, nil
	}
	known := diag.SortedKeys(choices)
	m := &mistake{rule: WrongType, message: fmt.Sprintf("expected %s, found %.60q", diag.Enumerate(known, "or"), word),
		hint: "write " + diag.Enumerate(known, "or")}
	m.replace = diag.Nearest(word, known)
	return v, m
}

// The words of each choice.
var (
	handshakes = map[string]Handshake{"either": Either, "callee": Callee, "both": Both}
	unknowns   = map[string]Unknown{"open": Open, "deny": Deny}
	apiForms   = map[string]APIForm{"aggregated": APIForm(object.Aggregated), "crd": APIForm(object.NativeCRD)}
	severities = map[string]Severity{"error": Severity(diag.Error), "warning": Severity(diag.Warning), "info": Severity(diag.Info)}
	operators  = map[string]operator{
		"In": operator(object.In), "NotIn": operator(object.NotIn),
		"Exists": operator(object.Exists), "DoesNotExist": operator(object.DoesNotExist),
	}
)

// parse reads one of the choices for a handshake: who must agree to a flow.
func (v *Handshake) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, handshakes)
	return m
}

// parse reads one of the choices for namespaces that nobody listed.
func (v *Unknown) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, unknowns)
	return m
}

// parse reads one of the choices for the API group in which Calico's policies are stored.
func (v *APIForm) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, apiForms)
	return m
}

// Enforce says what the policies of a namespace do.
type Enforce int

// The ways to enforce. Staged policies are evaluated and reported by Calico, and drop
// nothing.
const (
	Enforced Enforce = iota + 1
	Staged
	Described
)

// parse reads a choice of three: true, false, or the word staged.
func (v *Enforce) parse(word, tag string) *mistake {
	if tag == "!!str" && word == "staged" {
		*v = Staged
		return nil
	}
	var enforced flag
	if m := enforced.parse(word, tag); m != nil {
		m.message = "expected true, false or staged, found " + tagged(word, tag)
		return m
	}
	*v = Described
	if enforced {
		*v = Enforced
	}
	return nil
}
