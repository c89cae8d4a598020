// Package govern applies to what was found what a repository says of findings: how grave they
// are, and which of them somebody accepted, and until when.
//
// Its invariant: a waiver lifts a finding only where all traffic of it is what a line means
// that the waiver names; no mistake in the input and no failure of the proof is lifted or
// lowered. What is wrong with a waiver or a severity is a finding itself.
//
// It must not know how anything was found.
package govern

import (
	"slices"
	"time"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/diag"
)

// Findings of governance: who accepted what, and until when.
var (
	waiverExpired = &diag.Rule{Code: "PC501", Severity: diag.Error,
		Title: "A waiver that has expired",
		Why:   "A waiver holds to the end of its last day, UTC; after that the finding stands again.",
		Mend:  "Mend what was waived and remove the waiver, or have a new day approved. Only check looks at the clock: build applies the waiver, and says until when."}
	waiverUnused = &diag.Rule{Code: "PC502", Severity: diag.Warning,
		Title: "A waiver that no finding needs",
		Why:   "It would accept the next finding that looks like the old one, without anybody having looked at it.",
		Mend:  "Remove it; or, if a finding still stands that it was meant for, no line that its match names means the finding's traffic."}
	waiverTooLong = &diag.Rule{Code: "PC503", Severity: diag.Error,
		Title: "A waiver that lasts too long",
		Why:   "An exception that nobody looks at again is a rule.",
		Mend:  "End it within the days that the Platform grants: checks.waiverDays, 90 unless it is given."}
	unknownCode = &diag.Rule{Code: "PC504", Severity: diag.Error,
		Title: "A code that no rule has",
		Why:   "The waiver, or the severity, would have no effect, and nobody would notice.",
		Mend:  "Codes are written as findings show them."}
	fixedRule = &diag.Rule{Code: "PC505", Severity: diag.Error,
		Title: "A rule that cannot be relaxed",
		Why:   "Input that could not be judged (PC0xx, PC1xx) and a proof that failed (PC3xx) leave nothing to be accepted: they can be neither waived nor lowered. Findings about governance (PC5xx) can be lowered, and not waived: a waiver must not excuse itself.",
		Mend:  "Remove the waiver or the severity, and mend what the rule finds."}
	waiverStray = &diag.Rule{Code: "PC506", Severity: diag.Warning,
		Title: "A waiver for something that does not exist",
		Why:   "Either the name is misspelt, and the finding that was meant still stands; or the workload is gone, and the waiver would accept whatever comes under its name next.",
		Mend:  "Correct the name, or remove the waiver."}
	selfApproved = &diag.Rule{Code: "PC507", Severity: diag.Warning,
		Title: "A waiver that its owner approved",
		Why:   "The point of an approval is a second pair of eyes.",
		Mend:  "Name in approvedBy who agreed to carry the risk."}
	pastLastDay = &diag.Rule{Code: "PC508", Severity: diag.Error,
		Title: "A line or quarantine whose last day is over",
		Why:   "It was agreed on until that day, its end included, UTC. Only check looks at the clock: build still emits it, so that a pipeline does not change what it deploys overnight.",
		Mend:  "Remove it, or agree on a new day."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{waiverExpired, waiverUnused, waiverTooLong, unknownCode, fixedRule, waiverStray, selfApproved, pastLastDay}

// defaultWaiverDays is how far ahead a waiver may end unless the Platform says.
const defaultWaiverDays = 90

// Governance is what a repository says of findings.
type Governance struct {
	repo         *language.Repository
	environments []string
	groups       map[string]string     // by environment
	waivers      []*language.Waiver    // the one that lasts longest first
	now          time.Time             // UTC; zero: nobody looked at a clock
	day          string                // of now, as 2006-01-02; or empty
	rules        map[string]*diag.Rule // by code; nil where they are not all known
	matched      map[*language.Waiver]bool
	ports        map[string][]plan.NamedPort // by environment and workload
	traffic      Traffic
	lines        map[waived]*proof.Lines
	bare         bool // no line means anything: of manifests
}

// Traffic decides, in each environment that was judged, what lines of intents mean.
type Traffic map[string]func() *proof.Exceptions

// Of reads what a repository governs of findings: severities and waivers, at a time; at the zero
// time nobody looked at a clock, and nothing has ended. The rules are all that there are, or nil
// where they are not all known.
func Of(repo *language.Repository, now time.Time, rules []*diag.Rule, judged Traffic) *Governance {
	g := &Governance{
		repo: repo, traffic: judged, environments: repo.Environments(), groups: map[string]string{},
		matched: map[*language.Waiver]bool{}, ports: map[string][]plan.NamedPort{}, lines: map[waived]*proof.Lines{},
	}
	if !now.IsZero() {
		g.now = now.UTC()
		g.day = g.now.Format(time.DateOnly)
	}
	if rules != nil {
		g.rules = map[string]*diag.Rule{}
	}
	for _, r := range rules {
		g.rules[r.Code] = r
	}
	for _, e := range repo.Platform.Spec.Environments {
		g.groups[string(e.Key.Value)] = string(e.Value.Group.Value)
	}
	g.waivers = lastingFirst(repo.Waivers)
	return g
}

// OfManifests reads what is said of findings about manifests without intents, in the
// environment of whose cluster they are. A waiver names all that it lifts there.
func OfManifests(repo *language.Repository, environment string, now time.Time, rules []*diag.Rule) *Governance {
	if repo.Platform == nil {
		repo.Platform = &language.Platform{}
	}
	g := Of(repo, now, rules, nil)
	g.bare, g.environments = true, []string{environment}
	return g
}

// Apply applies the repository's severities and waivers to what was found, and says
// what is wrong with them. The plans are nil unless every rule has judged every one
// of them: only then, and if they are of all environments, is it known which waivers nothing
// needs.
func (g *Governance) Apply(found diag.List, plans []*plan.Plan) diag.List {
	for _, p := range plans {
		for _, w := range p.Workloads {
			g.ports[p.Environment+" "+w.Ref()] = w.Ports
		}
	}
	found = slices.Concat(found, g.checkSeverities(), g.checkWaivers())
	if !g.bare {
		found = append(found, g.endings()...)
	}
	whole := len(plans) >= len(g.environments)
	if whole {
		found = append(found, g.strays(plans)...)
	}
	var all diag.List
	for _, d := range found {
		all = append(all, g.settle(d)...)
	}
	if whole && g.rules != nil { // a rule that is not known may find what a waiver is for
		for _, d := range g.unused(all) {
			all = append(all, g.settle(d)...)
		}
	}
	return all
}

// ruling is what becomes of a finding in one environment.
type ruling struct {
	severity diag.Severity
	waiver   *language.Waiver
	expired  *language.Waiver // accepted it once
	short    *language.Waiver // names it, and does not lift all of it
	beyond   string           // what that one does not lift
}

// settle rules on a finding in each of its environments. Where they differ, it
// becomes several.
func (g *Governance) settle(d diag.Diagnostic) diag.List {
	where := d.Environments
	if len(where) == 0 {
		where = g.environments
	}
	var rulings []ruling
	in := map[ruling][]string{}
	for _, environment := range where {
		r := g.rule(d, environment)
		if in[r] == nil {
			rulings = append(rulings, r)
		}
		in[r] = append(in[r], environment)
	}
	var all diag.List
	for _, r := range rulings {
		f := d
		if len(rulings) > 1 {
			f.Environments = in[r]
		}
		f.Severity = r.severity
		switch {
		case r.waiver != nil:
			f.WaivedBy, f.WaivedUntil = string(r.waiver.Metadata.Name.Value), string(r.waiver.Spec.Expires.Value)
		case r.expired != nil:
			f = f.See(r.expired.Spec.Expires.Span, "the waiver %s accepted this until %s", r.expired.Metadata.Name.Value, r.expired.Spec.Expires.Value)
		case r.short != nil:
			f.Message += "; " + r.beyond
			if f.Among != nil { // of which the message is made again
				among := *f.Among
				among.Message += "; " + r.beyond
				f.Among = &among
			}
			lifts := "what a line means that its match names, and no more"
			if g.bare {
				lifts = "what is of its object, to or from its peer, and on its port, and no more"
			}
			f = f.See(r.short.Spec.Match.Span, "the waiver %s lifts %s", r.short.Metadata.Name.Value, lifts)
		}
		all = append(all, f)
	}
	return all
}

// rule rules on a finding in one environment: its severity there, and what waives it.
func (g *Governance) rule(d diag.Diagnostic, environment string) ruling {
	r := ruling{severity: g.severity(d, environment)}
	if d.Rule.Waivable() {
		g.applyWaivers(&r, d, environment)
	}
	return r
}

// endings finds the lines and quarantines that were agreed on until a day that is over.
func (g *Governance) endings() diag.List {
	var found diag.List
	for _, e := range g.repo.Endings() {
		if g.over(e.Until.Value) {
			found = append(found, pastLastDay.At(e.Until.Span, "%s was to hold until %s, and it is %s", e.What, e.Until.Value, g.day).
				Because("build goes on emitting it, for it reads no clock").
				Suggest("remove it, or agree on a new day"))
		}
	}
	return found
}

// over reports whether the last day of a waiver or a line has ended. Nothing has where nobody
// looked at a clock.
func (g *Governance) over(day language.Date) bool { return string(day) < g.day }
