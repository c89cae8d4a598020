package govern

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// lastingFirst puts the waivers into the order in which they are tried, so that of
// two for the same finding the one that lasts longer is shown.
func lastingFirst(waivers []language.Waiver) []*language.Waiver {
	var all []*language.Waiver
	for i := range waivers {
		all = append(all, &waivers[i])
	}
	slices.SortStableFunc(all, func(a, b *language.Waiver) int {
		return cmp.Or(cmp.Compare(b.Spec.Expires.Value, a.Spec.Expires.Value), cmp.Compare(a.Metadata.Name.Value, b.Metadata.Name.Value))
	})
	return all
}

// applyWaivers says what lifts a finding in an environment, or once did, or falls short.
func (g *Governance) applyWaivers(r *ruling, d diag.Diagnostic, environment string) {
	for _, w := range g.waivers {
		if string(w.Spec.Rule.Value) != d.Rule.Code || !g.isIn(w.Spec.Match, environment) {
			continue
		}
		over := g.over(w.Spec.Expires.Value)
		switch lifted, beyond := g.lifts(w, d, environment); {
		case lifted && over:
			r.expired = cmp.Or(r.expired, w)
		case lifted:
			r.waiver = cmp.Or(r.waiver, w)
		case beyond != "" && !over && r.short == nil:
			r.short, r.beyond = w, beyond
		}
	}
	switch {
	case r.waiver != nil:
		r.expired, r.short, r.beyond = nil, nil, ""
	case r.expired != nil:
		r.short, r.beyond = nil, ""
	}
}

// isIn reports whether a waiver's match holds in an environment, by its name or its group's.
func (g *Governance) isIn(m language.Match, environment string) bool {
	e := string(m.Environment.Value)
	return !m.Environment.Given() || e == environment || e == g.groups[environment]
}

// lifts reports whether all traffic of a finding is what a line means that a waiver names. If
// not, and the waiver seems to be meant for it, beyond is a clause about the rest.
func (g *Governance) lifts(w *language.Waiver, d diag.Diagnostic, environment string) (lifted bool, beyond string) {
	m := w.Spec.Match
	if m.Object.Given() && !only(m.Object, d.EvidenceOf(diag.ObjectEvidence), func(v string) bool { return v == string(m.Object.Value) }) {
		return false, ""
	}
	if g.bare {
		return g.liftsBare(w, d, environment)
	}
	named := g.names(m, d, environment)
	if !m.Intent.Given() && !m.Namespace.Given() {
		if named {
			return false, "the waiver " + string(w.Metadata.Name.Value) + " names an object and no line, and lifts nothing"
		}
		return false, ""
	}
	e := proof.Exception{}
	if decide := g.traffic[environment]; decide != nil && !isNotTraffic(d) {
		e = decide().Decide(concern(d), g.linesOf(w, environment), named)
	}
	switch {
	case !e.Traffic:
		// Nothing is open that a line could mean. What is about something else than traffic goes
		// by what it says of itself.
		lifted = named && !isZeroTrust(d.Rule)
		g.matched[w] = g.matched[w] || lifted
		return lifted, ""
	case e.Beyond == "":
		g.matched[w] = true
		return true, ""
	case e.Excused || named:
		g.matched[w] = true
		return false, "beyond the lines that the waiver " + string(w.Metadata.Name.Value) + " names: " + e.Beyond
	}
	return false, ""
}

// isZeroTrust reports whether a rule judges nothing but traffic (PC2xx), whose findings waivers
// lift by lines.
func isZeroTrust(r *diag.Rule) bool { return strings.HasPrefix(r.Code, "PC2") }

// isNotTraffic reports whether a finding speaks of no policy, peer or port, so that a waiver is
// held to what it says of itself.
func isNotTraffic(d diag.Diagnostic) bool {
	return d.Subject.IsZero() && d.Evidence[diag.PeerEvidence] == "" && d.Evidence[diag.PortEvidence] == ""
}

// concern gathers the traffic that a finding is about, all of which a waiver has to lift: that of
// the policies' rules that it names, as far as its evidence narrows it.
func concern(d diag.Diagnostic) proof.Concern {
	c := proof.Concern{Internet: d.Evidence[diag.PeerEvidence] == proof.Internet}
	if !d.Subject.IsZero() {
		c.Rules = append(c.Rules, d.Subject)
		for _, r := range d.Related {
			if !r.Subject.IsZero() {
				c.Rules = append(c.Rules, r.Subject)
			}
		}
	}
	if namespaces := d.EvidenceOf(diag.NamespaceEvidence); len(namespaces) == 1 {
		c.Namespace = namespaces[0]
	}
	for _, word := range d.EvidenceOf(diag.PortEvidence) {
		ports, ok := language.PortsOf(word)
		if !ok {
			c.Ports = nil
			break
		}
		c.Ports = append(c.Ports, ports...)
	}
	return c
}

// waived is a waiver in one environment.
type waived struct {
	waiver      *language.Waiver
	environment string
}

// linesOf finds the lines whose traffic a waiver lifts, once for each waiver and environment.
func (g *Governance) linesOf(w *language.Waiver, environment string) *proof.Lines {
	key := waived{w, environment}
	if g.lines[key] == nil {
		g.lines[key] = g.traffic[environment]().Of(g.scope(w.Spec.Match, environment))
	}
	return g.lines[key]
}

// scope translates a waiver's match into the scope of lines of an environment.
func (g *Governance) scope(m language.Match, environment string) proof.Scope {
	return proof.Scope{
		Intent: func(workload string) bool {
			namespace, _, _ := strings.Cut(workload, "/")
			return (!m.Intent.Given() || m.Intent.Value.Is(workload)) && (!m.Namespace.Given() || m.Namespace.Value.Is(namespace))
		},
		Peer: m.Peer.Value,
		Ports: func(destination string) ([]plan.Port, bool) {
			return m.Port.Value.Of(g.ports[environment+" "+destination]), !m.Port.Given()
		},
	}
}

// names reports whether a finding says of itself what a waiver's match names.
func (g *Governance) names(m language.Match, d diag.Diagnostic, environment string) bool {
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

// only reports whether a part of a waiver's match, if it is given, holds of all values, and that
// there are some.
func only[T any](part language.At[T], values []string, holds func(string) bool) bool {
	return !part.Given() || len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !holds(v) })
}

// checkWaivers finds waivers that must not be, whatever was found.
func (g *Governance) checkWaivers() diag.List {
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
func (g *Governance) checkExpiry(w language.Waiver) diag.List {
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

// strays finds waivers for intents and namespaces that no environment has.
func (g *Governance) strays(plans []*plan.Plan) diag.List {
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
	look := func(w language.Waiver, at diag.Span, what, name string, is func(string) bool, known map[string]bool) {
		names := diag.SortedKeys(known)
		if at.IsZero() || name == "" || slices.ContainsFunc(names, is) {
			return
		}
		d := waiverStray.At(at, "there is no %s %s for the waiver %s", what, name, w.Metadata.Name.Value)
		if near := diag.Nearest(name, names); near != "" {
			near = yamltext.Quote(near)
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

// unused finds waivers that no finding matched, though every rule was evaluated. One about which
// something else was found already is not reported again.
func (g *Governance) unused(found diag.List) diag.List {
	said := map[diag.Span]bool{}
	for _, d := range found {
		said[d.Span] = !d.Span.IsZero() && !d.Is(waiverTooLong)
	}
	var all diag.List
	for i := range g.repo.Waivers {
		w := &g.repo.Waivers[i]
		m := w.Spec.Match
		if missing := lacking(m); g.bare && len(missing) > 0 {
			all = append(all, g.incomplete(w, missing, found))
			continue
		}
		if g.matched[w] || said[w.Spec.Rule.Span] || said[w.Spec.Expires.Span] || said[m.Intent.Span] || said[m.Namespace.Span] {
			continue
		}
		if !g.bare && !m.Intent.Given() && !m.Namespace.Given() {
			all = append(all, waiverUnused.At(m.Object.Span, "the waiver %s names an object alone, and lifts nothing", w.Metadata.Name.Value).
				Because("a waiver lifts traffic that a line of an intent means, and an object is not a line").
				Suggest("name the intent, or the namespace, whose lines are meant"))
			continue
		}
		all = append(all, waiverUnused.At(w.Metadata.Name.Span, "no finding of %s is what the waiver %s names", w.Spec.Rule.Value, w.Metadata.Name.Value).
			Because("it would accept the next finding that looks like the old one, without anybody having looked at it").
			Suggest("%s", g.unusedHint()))
	}
	return all
}

// Waivers lists a repository's waivers, by name, as a bundle tells of them.
func Waivers(repo *language.Repository) []bundle.Waiver {
	var all []bundle.Waiver
	for _, w := range repo.Waivers {
		all = append(all, bundle.Waiver{Name: string(w.Metadata.Name.Value), Rule: string(w.Spec.Rule.Value), Expires: string(w.Spec.Expires.Value)})
	}
	slices.SortFunc(all, func(a, b bundle.Waiver) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
