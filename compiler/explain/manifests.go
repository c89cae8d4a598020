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

// open is the smallest change of manifests that opens a packet's way. It is named only
// if it was tried.
func (w *World) open(e example) Change {
	set, m, k := w.Set, w.Meaning, e.packet
	var c Change
	var said page
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
			return Change{Text: "to open it: no single rule does.", Lines: []Line{{Indent: 2, Text: fmt.Sprintf("The %s of %s: %s.", d, r.Owner, r.Why)}}}
		}
		changed, err := apply(set, r)
		if err != nil {
			return Change{Text: "to open it: no change was found."}
		}
		set = changed
		m, _ = meaning.Of(set, w.Meaning.Cluster)
		k = moved(k, m)
		changes++
		where := Line{Indent: 2, Text: fmt.Sprintf("the %s of %s needs a new policy:", d, r.Owner)}
		if !r.Policy.IsZero() {
			section := r.At[:strings.LastIndexByte(r.At, '/')]
			place := "as the last of " + section
			if n := r.At[len(section)+1:]; n != "-" {
				place = "before the rule " + section + "/" + n
			}
			where.Text = fmt.Sprintf("the %s of %s needs a rule in %s, %s", d, r.Owner, r.Policy, place)
			where.Near = w.place(diag.Subject{Object: r.Policy})
		}
		said.lines = append(said.lines, where)
		for text := range strings.Lines(r.Lines) {
			said.add(6, "%s", strings.TrimRight(text, "\n"))
		}
	}
	switch v := m.Follow(k); {
	case v.Outcome() == meaning.Unknown && v.OnTheWay != nil:
		return Change{Text: "to open it, as far as the policies of pods decide: add what follows. Whether it passes the host endpoints on its way is not evaluated.", Lines: said.lines}
	case v.Outcome() != meaning.Allowed:
		return Change{Text: "to open it: no change was found that does."}
	}
	c.Text = "to open it: add what follows" + map[bool]string{true: "; both halves need it", false: ""}[changes == 2] + ". With it, the flow was found to be allowed."
	c.Lines = said.lines
	return c
}

// close is the smallest removal that closes a packet's way: of the rules that allow it
// on one half, one after the other, or where no policy governs it a policy that does.
func (w *World) close(e example) Change {
	best := []meaning.Decision(nil)
	half := meaning.Egress
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		if rules := w.withoutRules(e.packet, d); rules != nil && (best == nil || len(rules) < len(best)) {
			best, half = rules, d
		}
	}
	if best == nil {
		return Change{Text: "to close it: no rule allows it that could be removed; a policy that governs either end and allows less would."}
	}
	var said page
	for _, by := range best {
		at := w.place(diag.Subject{Object: by.Policy, Pointer: by.Pointer})
		said.lines = append(said.lines, Line{Indent: 2, Text: fmt.Sprintf("%s at %s", by.Policy, by.Pointer), At: at})
	}
	text := "to close it: remove the rule that allows it on the %s half, and with it whatever else it allows. Without it, the flow was found to be denied."
	if len(best) > 1 {
		text = "to close it: remove the rules that allow it on the %s half, and with them whatever else they allow. Without them, the flow was found to be denied."
	}
	return Change{Text: fmt.Sprintf(text, half), Lines: said.lines}
}

// withoutRules are the rules without which a half is denied, or nil.
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

// moved is the packet between the same ends in another Meaning.
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

func cutLast(pointer string) (section, last string, ok bool) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", "", false
	}
	return pointer[:i], pointer[i+1:], true
}

// apply carries a repair out on a copy of some objects.
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

// edit changes the list of rules that holds the place a pointer names; a dash is its
// end.
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
