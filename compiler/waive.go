package compiler

import (
	"cmp"
	"slices"
	"time"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// lastingFirst puts the waivers into the order in which they are tried, so that of
// two for the same finding the one that lasts longer is shown.
func lastingFirst(waivers []intent.Waiver) []*intent.Waiver {
	var all []*intent.Waiver
	for i := range waivers {
		all = append(all, &waivers[i])
	}
	slices.SortStableFunc(all, func(a, b *intent.Waiver) int {
		return cmp.Or(cmp.Compare(b.Spec.Expires.Value, a.Spec.Expires.Value), cmp.Compare(a.Metadata.Name.Value, b.Metadata.Name.Value))
	})
	return all
}

// waiver is what accepts a finding in an environment, or what once did.
func (g *governance) waiver(d diag.Diagnostic, environment string) (holds, expired *intent.Waiver) {
	for _, w := range g.waivers {
		if string(w.Spec.Rule.Value) != d.Rule.Code || !g.matches(w.Spec.Match, d, environment) {
			continue
		}
		g.matched[w] = true
		switch {
		case g.over(w.Spec.Expires.Value):
			expired = cmp.Or(expired, w)
		default:
			holds = cmp.Or(holds, w)
		}
	}
	if holds != nil {
		return holds, nil
	}
	return nil, expired
}

// matches reports whether a finding is, in an environment, what a waiver names: all
// that is given must hold of everything that the finding names. One about two ports
// is not accepted by a waiver for one of them.
func (g *governance) matches(m intent.Match, d diag.Diagnostic, environment string) bool {
	if e := string(m.Environment.Value); m.Environment.Given() && e != environment && e != g.groups[environment] {
		return false
	}
	if !m.Intent.Given() && !m.Namespace.Given() && !m.Object.Given() {
		return false // refused by the language
	}
	intents := d.EvidenceOf(diag.IntentEvidence)
	var declared []plan.NamedPort
	if len(intents) == 1 {
		declared = g.ports[environment+" "+intents[0]]
	}
	return only(m.Intent, intents, m.Intent.Value.Is) &&
		only(m.Namespace, d.EvidenceOf(diag.NamespaceEvidence), m.Namespace.Value.Is) &&
		only(m.Object, d.EvidenceOf(diag.ObjectEvidence), func(v string) bool { return v == string(m.Object.Value) }) &&
		only(m.Peer, d.EvidenceOf(diag.PeerEvidence), func(v string) bool { return v == m.Peer.Value }) &&
		only(m.Port, d.EvidenceOf(diag.PortEvidence), func(v string) bool { return m.Port.Value.Covers(v, declared) })
}

// only reports whether a part of a match, if it is given, holds of all values, and
// that there are some.
func only[T any](part intent.At[T], values []string, holds func(string) bool) bool {
	return !part.Given() || len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !holds(v) })
}

// checkWaivers finds waivers that must not be, whatever was found.
func (g *governance) checkWaivers() diag.List {
	var found diag.List
	for _, w := range g.repo.Waivers {
		spec := w.Spec
		code := spec.Rule
		switch r := g.rules[string(code.Value)]; {
		case g.rules == nil || code.Value == "": // not known, or already said
		case r == nil:
			found = append(found, g.unknown(code, (*diag.Rule).Waivable))
		case !r.Waivable():
			reason := fixedReason
			if !r.Fixed() {
				reason = "a waiver that could accept findings about waivers would excuse itself"
			}
			found = append(found, fixedRule.At(code.Span, "%s cannot be waived", code.Value).Because("%s", reason).
				Suggest("remove the waiver, and mend what the rule finds"))
		}
		if spec.Owner.Value != "" && spec.Owner.Value == spec.ApprovedBy.Value {
			found = append(found, selfApproved.At(spec.ApprovedBy.Span, "%s owns the waiver and approved it", spec.Owner.Value).
				See(spec.Owner.Span, "the owner").
				Suggest("name who else agreed to it"))
		}
		found = append(found, g.checkExpiry(w)...)
	}
	return found
}

// checkExpiry compares a waiver's last day with today, if somebody looked at a clock.
func (g *governance) checkExpiry(w intent.Waiver) diag.List {
	expires := w.Spec.Expires
	if g.day == "" || expires.Value == "" {
		return nil
	}
	if g.over(expires.Value) {
		return diag.List{waiverExpired.At(expires.Span, "the waiver %s ended on %s, and it is %s", w.Metadata.Name.Value, expires.Value, g.day).
			Because("%s was accepted until that day: %s", w.Spec.Rule.Value, w.Spec.Reason.Value).
			Suggest("mend what was waived and remove the waiver, or have a new day approved (%s)", w.Spec.Ticket.Value)}
	}
	days, at := defaultWaiverDays, diag.Span{}
	if checks := g.repo.Platform.Spec.Checks; checks != nil && checks.WaiverDays.Given() {
		days, at = int(checks.WaiverDays.Value), checks.WaiverDays.Span
	}
	last := g.now.AddDate(0, 0, days).Format(time.DateOnly)
	if string(expires.Value) <= last {
		return nil
	}
	d := waiverTooLong.At(expires.Span, "the waiver %s ends on %s, more than %d days after %s", w.Metadata.Name.Value, expires.Value, days, g.day).
		Because("an exception that nobody looks at again is a rule").
		Suggest("end it by %s, and renew it then if it is still needed", last)
	if !at.IsZero() {
		d = d.See(at, "the Platform allows %d days", days)
	}
	return diag.List{d}
}

// strays are waivers for intents and namespaces that no environment has.
func (g *governance) strays(plans []*plan.Plan) diag.List {
	workloads, namespaces := map[string]bool{}, map[string]bool{}
	for _, p := range plans {
		for _, w := range p.Workloads {
			workloads[w.Ref()] = true
		}
		for _, n := range p.Namespaces {
			namespaces[n.Name] = true
		}
	}
	var found diag.List
	look := func(w intent.Waiver, at diag.Span, what, name string, is func(string) bool, known map[string]bool) {
		names := diag.SortedKeys(known)
		if at.IsZero() || name == "" || slices.ContainsFunc(names, is) {
			return
		}
		d := waiverStray.At(at, "there is no %s %s for the waiver %s", what, name, w.Metadata.Name.Value)
		if near := diag.Nearest(name, names); near != "" {
			found = append(found, d.Suggest("did you mean %s?", near).Replace(at, near))
			return
		}
		found = append(found, d.Suggest("remove the waiver"))
	}
	for _, w := range g.repo.Waivers {
		m := w.Spec.Match
		look(w, m.Intent.Span, "intent", string(m.Intent.Value), m.Intent.Value.Is, workloads)
		look(w, m.Namespace.Span, "namespace", string(m.Namespace.Value), m.Namespace.Value.Is, namespaces)
	}
	return found
}

// unused are waivers that no finding matched, though every rule was evaluated. One
// about which something else was found already is not reported again.
func (g *governance) unused(found diag.List) diag.List {
	said := map[diag.Span]bool{}
	for _, d := range found {
		said[d.Span] = !d.Span.IsZero() && !d.Is(waiverTooLong)
	}
	var all diag.List
	for i := range g.repo.Waivers {
		w := &g.repo.Waivers[i]
		m := w.Spec.Match
		if g.matched[w] || said[w.Spec.Rule.Span] || said[w.Spec.Expires.Span] || said[m.Intent.Span] || said[m.Namespace.Span] {
			continue
		}
		all = append(all, waiverUnused.At(w.Metadata.Name.Span, "no finding of %s is what the waiver %s names", w.Spec.Rule.Value, w.Metadata.Name.Value).
			Because("it would accept the next finding that looks like the old one, without anybody having looked at it").
			Suggest("remove it; if the finding still stands, compare match with the evidence that -o json shows"))
	}
	return all
}

// waiversOf are the repository's waivers, and how many findings each covers.
func waiversOf(repo *intent.Repository, found diag.List) []bundle.Waiver {
	used := map[string]int{}
	for _, d := range found {
		used[d.WaivedBy]++
	}
	var all []bundle.Waiver
	for _, w := range repo.Waivers {
		name := string(w.Metadata.Name.Value)
		all = append(all, bundle.Waiver{Name: name, Rule: string(w.Spec.Rule.Value), Expires: string(w.Spec.Expires.Value), Used: used[name]})
	}
	slices.SortFunc(all, func(a, b bundle.Waiver) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
