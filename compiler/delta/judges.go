package delta

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// waivers compares which findings waivers take from the judges.
func (c *comparison) waivers() {
	was := map[string]*language.Waiver{}
	for i := range c.Old.Repo.Waivers {
		w := &c.Old.Repo.Waivers[i]
		was[string(w.Metadata.Name.Value)] = w
	}
	now := map[string]bool{}
	for i := range c.New.Repo.Waivers {
		w := &c.New.Repo.Waivers[i]
		name := string(w.Metadata.Name.Value)
		now[name] = true
		text := fmt.Sprintf("%s of %s until %s: %s", w.Spec.Rule.Value, matchWords(w.Spec.Match), w.Spec.Expires.Value, w.Spec.Reason.Value)
		switch o := was[name]; {
		case o == nil:
			c.note("waiver-added", name, text, "", w.Metadata.Name.Span)
		case o.Spec.Rule.Value != w.Spec.Rule.Value || matchWords(o.Spec.Match) != matchWords(w.Spec.Match):
			c.note("waiver-added", name, text+" (was "+string(o.Spec.Rule.Value)+" of "+matchWords(o.Spec.Match)+")", "", w.Metadata.Name.Span)
		case w.Spec.Expires.Value > o.Spec.Expires.Value:
			c.note("waiver-extended", name, fmt.Sprintf("until %s, was %s", w.Spec.Expires.Value, o.Spec.Expires.Value), "", w.Spec.Expires.Span)
		case w.Spec.Expires.Value < o.Spec.Expires.Value:
			c.note("waiver-removed", name, fmt.Sprintf("until %s, was %s", w.Spec.Expires.Value, o.Spec.Expires.Value), "", w.Spec.Expires.Span)
		}
	}
	for _, name := range diag.SortedKeys(was) {
		if !now[name] {
			c.note("waiver-removed", name, "no finding is accepted by it any more", "", diag.Span{})
		}
	}
}

// matchWords puts into words what a waiver matches: intent, object, peer, port, environment.
func matchWords(m language.Match) string {
	var words []string
	add := func(key, value string) {
		if value != "" {
			words = append(words, key+" "+value)
		}
	}
	add("intent", string(m.Intent.Value))
	add("namespace", string(m.Namespace.Value))
	add("object", fmt.Sprint(m.Object.Value))
	add("peer", m.Peer.Value)
	if m.Port.Given() {
		add("port", strings.Trim(m.Port.Value.Name+" "+plan.FormatPorts(m.Port.Value.Ports), " "))
	}
	add("environment", string(m.Environment.Value))
	return strings.Join(words, ", ")
}

// rules compares how strictly rules judge: severities that are lowered, and the user's own rules
// that are gone.
func (c *comparison) rules() {
	severities := func(s *Side) map[string]language.At[language.Severity] {
		all := map[string]language.At[language.Severity]{}
		if s.Repo.Platform == nil {
			return all
		}
		spec := &s.Repo.Platform.Spec
		add := func(of *language.Mapping[language.Code, language.At[language.Severity]], in string) {
			if of != nil {
				for _, x := range *of {
					all[string(x.Key.Value)+in] = x.Value
				}
			}
		}
		if spec.Checks != nil {
			add(spec.Checks.Severity, "")
		}
		for _, e := range spec.Environments {
			add(e.Value.Severity, " in "+string(e.Key.Value))
		}
		return all
	}
	was, is := severities(&c.Old), severities(&c.New)
	for _, code := range diag.SortedKeys(is) {
		now := diag.Severity(is[code].Value)
		before, said := was[code]
		switch {
		case said && now < diag.Severity(before.Value):
			c.note("rule-lowered", code, now.String()+", was "+diag.Severity(before.Value).String(), "", is[code].Span)
		case !said && now < diag.Error:
			c.note("rule-lowered", code, now.String()+", was as the rule says", "", is[code].Span)
		}
	}
	for _, file := range diag.SortedKeys(c.Old.Files) {
		if _, there := c.New.Files[file]; language.IsRego(file) && !strings.HasSuffix(file, "_test.rego") && !there {
			c.note("rule-lowered", file, "the rule is gone", "", diag.Span{})
		}
	}
}

// components compares the bytes of the kustomize components that are laid over the emitted tree.
func (c *comparison) components() {
	opened := slices.ContainsFunc(c.Changes, func(x Change) bool {
		return slices.ContainsFunc(x.Risks, func(r Risk) bool { return r.Tag == "component-opens" })
	})
	paths := map[string]diag.Span{}
	for _, s := range []*Side{&c.Old, &c.New} {
		if s.Repo.Platform == nil {
			continue
		}
		for _, of := range s.Repo.Platform.Spec.Components {
			paths[string(of.Path.Value)] = of.Path.Span
		}
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if i := slices.IndexFunc(c.Files, func(f string) bool { return strings.HasPrefix(f, p+"/") }); i >= 0 && !opened {
			c.note("component-changed", p, "what is laid over the policies differs", "", diag.Span{File: c.Files[i]})
		}
	}
}

// findings compares what the two sides' judges found: which findings are new, and which are gone.
func (c *comparison) findings() {
	fingerprints := func(l diag.List) map[string]bool {
		all := map[string]bool{}
		for _, d := range l {
			all[d.Fingerprint] = true
		}
		return all
	}
	was, is := fingerprints(c.Old.Findings), fingerprints(c.New.Findings)
	for _, d := range c.New.Findings {
		if !was[d.Fingerprint] && d.WaivedBy == "" {
			c.NewFindings = append(c.NewFindings, d)
			if strings.HasPrefix(d.Rule.Code, "PC30") && d.Severity == diag.Error {
				c.note("test-fails", d.Message, d.Rule.Code+": "+d.Rule.Title, "", d.Span)
				c.Governance[len(c.Governance)-1].Environments = d.Environments
			}
		}
	}
	for _, d := range c.Old.Findings {
		if !is[d.Fingerprint] && d.WaivedBy == "" {
			c.GoneFindings = append(c.GoneFindings, d)
		}
	}
}
