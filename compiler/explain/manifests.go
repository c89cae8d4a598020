package explain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/repair"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Change finds what turns the verdict of an example by a change of the manifests.
func (w *World) Change(e *Example) Change {
	if e.Verdict == Allow {
		return w.close(e.packet)
	}
	return w.open(e.packet)
}

// Decided reports whether what policies in manifests say of the example's ends is what it fares
// by. If not, what is at host endpoints may decide, and no change is known to turn it.
func (w *World) Decided(e *Example) bool {
	return e.verdict.Outcome() != meaning.Unknown || w.asking().Walk(e.packet).Outcome() == meaning.Unknown
}

// NotEvaluated is the change of what is not decided by policies of its ends.
var NotEvaluated = Change{Text: "no change is named: what decides is not evaluated."}

// open finds the smallest change of manifests that opens a packet's way. It is named only if it
// was tried.
func (w *World) open(k meaning.Packet) Change {
	set, m := w.Set, w.Meaning
	var steps []Step
	changes := 0
	for _, d := range []meaning.Direction{meaning.Egress, meaning.Ingress} {
		half := m.WalkHalf(k, d)
		if half.Outcome == meaning.Allowed {
			continue
		}
		by := half.By
		if half.Outcome == meaning.Unknown { // a rule that matches for certain makes good for one that may not
			by.Cause, by.Pointer = meaning.ByTierEnd, ""
		}
		r := repair.Of(m, k, d, by)
		if r.Lines == "" {
			return Change{Aim: ToOpen, Text: "no single rule does.", Steps: []Step{{Text: fmt.Sprintf("The %s of %s: %s.", d, r.Owner, r.Why)}}}
		}
		changed, err := apply(set, r)
		if err != nil {
			return Change{Aim: ToOpen, Text: "no change was found."}
		}
		set = changed
		m, _ = meaning.Of(set, w.Meaning.Cluster)
		k = moved(k, m)
		changes++
		step := Step{Text: fmt.Sprintf("the %s of %s needs a new policy", d, r.Owner), Lines: strings.Split(strings.TrimRight(r.Lines, "\n"), "\n")}
		if !r.Policy.IsZero() {
			section := r.At[:strings.LastIndexByte(r.At, '/')]
			place := "as the last of " + section
			if n := r.At[len(section)+1:]; n != "-" {
				place = "before the rule " + section + "/" + n
			}
			step.Text = fmt.Sprintf("the %s of %s needs a rule in %s, %s", d, r.Owner, r.Policy, place)
			step.At.Subject = diag.Subject{Object: r.Policy}
		}
		steps = append(steps, step)
	}
	switch v := m.Follow(k); {
	case v.Outcome() == meaning.Unknown && v.OnTheWay != nil:
		return Change{Aim: ToOpen, Text: "as far as the policies of pods decide, add what follows. Whether it passes the host endpoints on its way is not evaluated.", Steps: steps}
	case v.Outcome() != meaning.Allowed:
		return Change{Aim: ToOpen, Text: "no change was found that does."}
	}
	text := "add what follows. With it, the flow was found to be allowed."
	if changes == 2 {
		text = "add what follows; both halves need it. With it, the flow was found to be allowed."
	}
	return Change{Aim: ToOpen, Found: true, Text: text, Steps: steps}
}

// close finds the smallest removal from manifests that closes a packet's way: of the rules that
// allow it on one half, one after the other, or where no policy governs it a policy that does.
func (w *World) close(k meaning.Packet) Change {
	best := []meaning.Decision(nil)
	half := meaning.Egress
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		if rules := w.withoutRules(k, d); rules != nil && (best == nil || len(rules) < len(best)) {
			best, half = rules, d
		}
	}
	if best == nil {
		return Change{Aim: ToClose, Text: "no rule allows it that could be removed; a policy that governs either end and allows less would."}
	}
	var steps []Step
	for _, by := range best {
		steps = append(steps, Step{Text: fmt.Sprintf("%s at %s", by.Policy, by.Pointer), At: Place{Subject: diag.Subject{Object: by.Policy, Pointer: by.Pointer}}})
	}
	text := "remove the rule that allows it on the %s half, and with it whatever else it allows. Without it, the flow was found to be denied."
	if len(best) > 1 {
		text = "remove the rules that allow it on the %s half, and with them whatever else they allow. Without them, the flow was found to be denied."
	}
	return Change{Aim: ToClose, Found: true, Text: fmt.Sprintf(text, half), Steps: steps}
}

// withoutRules finds the rules whose removal from manifests denies one half, or nil.
func (w *World) withoutRules(k meaning.Packet, d meaning.Direction) []meaning.Decision {
	const most = 8
	set, m := w.Set, w.Meaning
	var removed []meaning.Decision
	shifted := map[string]int{}
	for range most {
		half := m.WalkHalf(k, d)
		switch {
		case half.Outcome == meaning.Denied:
			return removed
		case half.By.Cause != meaning.ByRule:
			return nil
		}
		by := half.By
		without, err := edit(set, by.Policy, by.Pointer, func(rules []any, at int) []any { return slices.Delete(rules, at, at+1) })
		if err != nil {
			return nil
		}
		section, at, _ := cutLast(by.Pointer)
		key := by.Policy.String() + section
		original := by
		n, _ := strconv.Atoi(at)
		original.Pointer = section + "/" + strconv.Itoa(n+shifted[key])
		shifted[key]++
		removed = append(removed, original)
		set = without
		m, _ = meaning.Of(set, w.Meaning.Cluster)
		k = moved(k, m)
	}
	return nil
}

// moved makes the packet between the same ends under changed manifests, which have another
// Meaning.
func moved(k meaning.Packet, m *meaning.Meaning) meaning.Packet {
	find := func(p meaning.Peer) meaning.Peer {
		if p.Endpoint == nil {
			return p
		}
		for _, e := range m.Endpoints {
			if e.Object == p.Endpoint.Object && !e.Object.IsZero() {
				p.Endpoint = e
			}
		}
		return p
	}
	k.From, k.To = find(k.From), find(k.To)
	return k
}

// cutLast parts the last element off a JSON pointer: the list of rules in a manifest, and the
// place in it.
func cutLast(pointer string) (section, last string, ok bool) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", "", false
	}
	return pointer[:i], pointer[i+1:], true
}

// apply carries a repair of manifests out on a copy of some objects, so that it can be tried.
func apply(set object.Set, r repair.Repair) (object.Set, error) {
	if r.Policy.IsZero() {
		added, found := object.Decode("", []byte(r.Lines))
		if err := found.Err(); err != nil {
			return set, err
		}
		changed, found := object.NewSet(slices.Concat(set.All(), added))
		return changed, found.Err()
	}
	// The item stands in a list of no meaning, which the one reader of YAML reads.
	list, found := object.Decode("", []byte("apiVersion: v1\nkind: Items\nmetadata: {name: items}\nitems:\n"+r.Lines))
	if err := found.Err(); err != nil || len(list) != 1 {
		return set, fmt.Errorf("the rule cannot be read: %w", err)
	}
	items, _ := list[0].Value("/items")
	added, _ := items.([]any)
	return edit(set, r.Policy, r.At, func(rules []any, at int) []any { return slices.Insert(rules, at, added...) })
}

// edit changes the list of rules, in a copy of one manifest, that holds the place a JSON pointer
// names; a dash is its end.
func edit(set object.Set, id object.ID, pointer string, change func(rules []any, at int) []any) (object.Set, error) {
	o, ok := set.Get(id)
	section, last, cut := cutLast(pointer)
	if !ok || !cut {
		return set, fmt.Errorf("%s has no list at %s", id, pointer)
	}
	var manifest map[string]any
	if err := json.Unmarshal(o.JSON, &manifest); err != nil {
		return set, err
	}
	spec, _ := manifest["spec"].(map[string]any)
	key := strings.TrimPrefix(section, "/spec/")
	rules, _ := spec[key].([]any)
	at, err := strconv.Atoi(last)
	if last == "-" {
		at, err = len(rules), nil
	}
	if err != nil || spec == nil || strings.Contains(key, "/") || at > len(rules) || last != "-" && at == len(rules) {
		return set, fmt.Errorf("%s has no rule at %s", id, pointer)
	}
	spec[key] = change(slices.Clone(rules), at)
	raw, err := json.Marshal(manifest)
	if err != nil {
		return set, err
	}
	changed, found := object.DecodeJSON(raw)
	if err := found.Err(); err != nil {
		return set, err
	}
	all := slices.Clone(set.All())
	for i := range all {
		if all[i].ID == id {
			changed[0].File = all[i].File
			all[i] = changed[0]
		}
	}
	out, found := object.NewSet(all)
	return out, found.Err()
}
