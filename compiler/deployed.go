package compiler

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// carried is what one environment's bundle holds without a judgement.
type carried struct {
	environment string
	deploy.Carried
}

// vetDeployed judges what of rendered objects acts on those who deploy them. Objects of
// units without a component are as we wrote them, and were not read by anybody since: of
// those only text is looked at.
func vetDeployed(plans []*plan.Plan, r rendering) (diag.List, []carried) {
	var found diag.List
	var all []carried
	for i, p := range plans {
		e := r.environments[i]
		here, components := places{more: map[place]int{}}, stacks(p, r.overlaid[i].Components)
		for _, o := range e.Objects.All() {
			over := components[e.unitOf(o.ID)]
			if len(over.plan) == 0 && !bytes.ContainsRune(o.JSON, '$') {
				continue
			}
			wrong, unjudged := deploy.Vet(o, deploy.Before{
				Emitted: func() *deploy.Metadata { return emittedMetadata(r.emitted[i], o.ID) }, Components: over.plan,
				Wrote: func(c plan.Component, words ...string) bool { return mayHaveWritten(c, over.files, words) },
			})
			for _, f := range wrong {
				d := f.Diagnostic
				d.Span = placeOf(f, o, over.files, e.Objects)
				if len(over.plan) == 0 {
					d.Span = r.emitted[i][o.ID].At(d.Subject.Pointer)
				}
				for _, c := range over.plan {
					if strings.HasPrefix(d.Span.File, c.Path+"/") {
						d = d.See(c.Span, "the Platform names the component here")
					}
				}
				here.add(d)
			}
			if unjudged != nil {
				all = append(all, carried{p.Environment, *unjudged})
			}
		}
		found = append(found, here.found().In(p.Environment)...)
	}
	return found, all
}

// places collects what one line of a component does to many objects.
type places struct {
	first diag.List // of each place
	more  map[place]int
}

type place struct {
	span diag.Span
	rule *diag.Rule
}

func (p *places) add(d diag.Diagnostic) {
	at := place{d.Span, d.Rule}
	n, known := p.more[at]
	if known && d.Span.Start.Line > 0 {
		p.more[at] = n + 1
		return
	}
	p.more[at], p.first = 0, append(p.first, d)
}

// found is the first finding of each place, with the number of objects that are not named.
func (p *places) found() diag.List {
	for i := range p.first {
		if n := p.more[place{p.first[i].Span, p.first[i].Rule}]; n > 0 {
			p.first[i].Message += ", and so it is with " + count(n, "more object")
		}
	}
	return p.first
}

// stack are the components over one unit, as the plan and as the tree have them.
type stack struct {
	plan  []plan.Component
	files []overlays.Laid
}

// stacks are the components of a plan by unit.
func stacks(p *plan.Plan, laid []overlays.Laid) map[string]stack {
	all := map[string]stack{}
	for i, c := range p.Components { // laid has one for each, in this order
		for _, unit := range laid[i].Units {
			s := all[unit]
			all[unit] = stack{append(s.plan, c), append(s.files, laid[i])}
		}
	}
	return all
}

// emittedMetadata are the labels and annotations that we wrote, or nil.
func emittedMetadata(from origins, id object.ID) *deploy.Metadata {
	emitted, ours := from[id]
	if !ours {
		return nil
	}
	decoded, _ := object.Decode("", emitted.Manifest.YAML())
	if len(decoded) != 1 {
		return nil
	}
	m := deploy.MetadataOf(decoded[0])
	return &m
}

// placeOf is where components over the unit gave an object what a finding is about: the
// object's own file, or whatever patch has one of the finding's words.
func placeOf(f deploy.Finding, o object.Object, components []overlays.Laid, rendered object.Set) diag.Span {
	want, _ := o.Value(f.Subject.Pointer)
	for _, c := range components {
		for _, name := range diag.SortedKeys(c.Files) {
			if span, how := object.Locate(path.Join(c.Path, name), c.Files[name], f.Subject, want); how == object.AtValue {
				return span
			}
		}
	}
	for _, word := range f.Words {
		for _, c := range components {
			for _, name := range diag.SortedKeys(c.Files) {
				if span, there := mention(path.Join(c.Path, name), c.Files[name], word); there {
					return span
				}
			}
		}
	}
	span, _ := locateComponent(f.Subject, rendered, components)
	return span
}

// mention finds the first line that has a word and is no comment. A patch in a string has
// its own form, so that only its text can be searched.
func mention(file string, data []byte, word string) (diag.Span, bool) {
	if word == "" || strings.Contains(word, "\n") {
		return diag.Span{}, false
	}
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		if strings.HasPrefix(strings.TrimSpace(text), "#") {
			continue
		}
		for at := 0; ; {
			i := strings.Index(text[at:], word)
			if i < 0 {
				break
			}
			start := at + i
			if at = start + len(word); continues(word, text[at:]) {
				continue
			}
			column := utf8.RuneCountInString(text[:start]) + 1
			return diag.Span{File: file, Start: diag.Position{Line: line, Column: column},
				End: diag.Position{Line: line, Column: column + utf8.RuneCountInString(word)}}, true
		}
	}
	return diag.Span{}, false
}

// mayHaveWritten reports whether a component has one of some words, or none of those over
// the unit has: a file can spell a word in more ways than one.
func mayHaveWritten(c plan.Component, laid []overlays.Laid, words []string) bool {
	somebody := false
	for _, l := range laid {
		for _, name := range diag.SortedKeys(l.Files) {
			for _, word := range words {
				if _, there := mention(name, l.Files[name], word); there && l.Path == c.Path {
					return true
				} else if there {
					somebody = true
				}
			}
		}
	}
	return !somebody
}

// continues reports whether a word goes on in the text behind it, and is another one.
func continues(word, rest string) bool {
	letter := func(c byte) bool {
		return c == '-' || c == '_' || c == '/' || c == '.' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return rest != "" && letter(rest[0]) && letter(word[len(word)-1])
}

// carriedOf are the entries of bundle.json, of one namespace where one is given.
func carriedOf(all []carried, namespace string) []bundle.Carried {
	var entries []bundle.Carried
	for _, c := range all {
		if namespace == "" || c.Object.Namespace == namespace {
			entries = append(entries, bundle.Carried{Environment: c.environment, Object: c.Object, Labels: c.Labels, Annotations: c.Annotations})
		}
	}
	return entries
}

// withoutTold leaves out warnings about parts of objects that are refused as it is.
func withoutTold(found, refused diag.List) diag.List {
	if len(refused) == 0 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(d diag.Diagnostic) bool {
		return d.Severity < diag.Error && slices.ContainsFunc(refused, func(r diag.Diagnostic) bool { return r.Subject == d.Subject })
	})
}
