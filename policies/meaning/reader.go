package meaning

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
	"portcullis.dev/policies/yamltext"
)

// reader turns one object into its form for evaluation. What the API would refuse
// is a finding, and evaluation goes on with what Calico makes of it when the object
// is stored all the same.
type reader struct {
	id      object.ID
	cluster object.Cluster
	raw     json.RawMessage
	found   *diag.List
	dropped string            // why Calico ignores the policy as a whole
	own     selector.Selector // see home
}

// add adds a finding about the object that is read.
func (r *reader) add(d diag.Diagnostic) { *r.found = append(*r.found, d) }

// at makes the subject of a finding: a place in the object that is read.
func (r *reader) at(pointer string) diag.Subject { return diag.Subject{Object: r.id, Pointer: pointer} }

// drop notes why Felix leaves the whole policy out; the first reason stands.
func (r *reader) drop(reason string) {
	if r.dropped == "" {
		r.dropped = reason
	}
}

// selector parses one selector of the object that is read; global() is at home only in a rule's
// namespaceSelector, and there alone.
func (r *reader) selector(text, pointer string, mayBeGlobal bool) (selector.Selector, bool) {
	s, err := selector.Parse(text)
	var syntax *selector.SyntaxError
	if errors.As(err, &syntax) {
		r.add(badSelector.On(r.at(pointer), "the selector %q does not parse %s", text, syntax).
			Because("Calico leaves out what it cannot parse: the policy that runs is not the one that is written").
			Suggest("write it as in: app == 'web' && env in {'dev', 'test'} || !has(tier)"))
		return selector.Selector{}, false
	}
	if s.Uses(selector.OpGlobal) && (!mayBeGlobal || s.Root().Op != selector.OpGlobal) {
		r.add(badSelector.On(r.at(pointer), "global() is not allowed in the selector %q", text).
			Because("it stands for the objects without a namespace, alone, in the namespaceSelector of a rule's source or destination").
			Suggest("use namespaceSelector: global(), and put other conditions into selector"))
	}
	return s, true
}

// network parses one CIDR of the object that is read. Calico leaves out a range that it cannot
// parse, which the result says with false.
func (r *reader) network(text, pointer string) (netip.Prefix, bool) {
	p, err := ParseNet(text)
	if err != nil {
		r.add(badCIDR.On(r.at(pointer), "%q is not an address range", text).
			Because("Calico leaves the range out, and a rule that is left without ranges matches every address").
			Suggest("write address/length without leading zeros, e.g. 10.0.0.0/8"))
		return netip.Prefix{}, false
	}
	return p, true
}

// canonical reports whether the text that was read is the network itself, with its length.
func canonical(text string) bool {
	p, err := netip.ParsePrefix(text)
	return err == nil && p == p.Masked()
}

// inCase finds the word that is meant where one was read in another case; none where it is not.
func inCase(written string, words ...string) string {
	for _, w := range words {
		if strings.EqualFold(written, w) {
			return w
		}
	}
	return ""
}

// oneHost writes an address that was read without a length as the range of itself; none for one
// that ends in zero, for a network may be meant.
func oneHost(n netip.Prefix) string {
	if text := n.Addr().AsSlice(); text[len(text)-1] == 0 {
		return ""
	}
	return yamltext.Quote(n.String())
}

// typeMeant finds the policy type that is meant where one was read in another case, and stands
// nowhere else in its list.
func typeMeant[T ~string](written []T, i int) string {
	for j, t := range written {
		if j != i && strings.EqualFold(string(t), string(written[i])) {
			return ""
		}
	}
	return inCase(string(written[i]), "Ingress", "Egress")
}

// portNumber recognizes a number that was read as text; none where it is no port.
func portNumber(text string) string {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == text {
		return text
	}
	return ""
}

// item points at a member of a list of the object that is read.
func item(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

// has reports whether the spec of the manifest that is read holds the key, empty or not.
func (r *reader) has(key string) bool {
	var manifest struct {
		Spec map[string]json.RawMessage `json:"spec"`
	}
	if json.Unmarshal(r.raw, &manifest) != nil {
		return false
	}
	value, ok := manifest.Spec[key]
	return ok && string(value) != "null"
}

// readTypes reads the written types, which decide what the policy governs, and reports those that
// do not exist or occur twice.
func readTypes[T ~string](r *reader, written []T, pointer string) (governs [2]bool) {
	for i, t := range written {
		var d Direction
		switch t {
		case "Ingress":
			d = Ingress
		case "Egress":
			d = Egress
		default:
			r.add(badAction.On(r.at(item(pointer, i)), "the type %q is neither Ingress nor Egress", string(t)).
				Respell(typeMeant(written, i)))
			continue
		}
		if slices.Contains(written[:i], t) {
			r.add(badAction.On(r.at(item(pointer, i)), "the type %s is written twice", string(t)).
				Suggest("keep one"))
		}
		governs[d] = true
	}
	return governs
}
