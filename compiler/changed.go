package compiler

import (
	"context"
	"slices"
	"sync"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// State is one of two states that are compared.
type State struct {
	Ref, Commit string // as people call it, and what that is in Git
	Files       []language.File
	Bases       []language.File // that kustomizations of manifests list beside
	Found       diag.List       // when it was read
	// Manifests of anybody, and no repository of intents.
	Manifests bool
}

// Diff says what a change from one state to another does. The reports are what is wrong with
// each: where one has findings by which nothing can be judged, no traffic is compared. Rules of
// the user's are not run, for whoever writes a change could write those.
func (o Options) Diff(ctx context.Context, old, changed State) (*delta.Diff, [2]diag.Report, error) {
	if !o.apart && !old.Manifests && !changed.Manifests {
		o.shared = newShared(true)
	}
	return o.diff(ctx, old, changed)
}

// diff says what a change does, with what the options let the two sides share.
func (o Options) diff(ctx context.Context, old, changed State) (*delta.Diff, [2]diag.Report, error) {
	var sides [2]delta.Side
	var all [2]*Explained
	var errs [2]error
	var both sync.WaitGroup
	for i, s := range []State{old, changed} {
		both.Go(func() { sides[i], all[i], errs[i] = o.side(ctx, s) })
		if o.shared != nil { // most of the second side is that of the first
			both.Wait()
			o.shared.end()
		}
	}
	both.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, [2]diag.Report{}, err
		}
	}
	o.shared = nil
	reports := [2]diag.Report{all[0].Report, all[1].Report}
	failed := false
	for i := range sides {
		if len(all[i].Worlds) == 0 && !sides[i].Absent {
			sides[i].Failed = errorsIn(all[i].Report.Findings)
			failed = true
		}
	}
	if failed {
		sides[0].Worlds, sides[1].Worlds = nil, nil
	}
	d := delta.Compare(sides[0], sides[1])
	d.Groups = all[1].groups()
	if !failed {
		d.Missing = all[1].beyond()
	}
	return d, reports, nil
}

// errorsIn counts the errors of one state that nothing waives, by which a change cannot be judged.
func errorsIn(found diag.List) int {
	n := 0
	for _, d := range found {
		if d.Severity == diag.Error && d.WaivedBy == "" {
			n++
		}
	}
	return n
}

// side reads and renders one of the two states between which a change lies, and judges it as far
// as rules of ours do.
func (o Options) side(ctx context.Context, s State) (delta.Side, *Explained, error) {
	side := delta.Side{Ref: s.Ref, Commit: s.Commit, Files: sourcesOf(s.Files), Objects: map[string]object.Set{}}
	var e *Explained
	var err error
	if s.Manifests {
		o.Bases = s.Bases
		e = o.ExplainManifests(s.Files, s.Found)
		side.Findings = e.Report.Findings
	} else if !slices.ContainsFunc(s.Files, func(f language.File) bool { return f.Path == language.PlatformFile }) {
		side.Absent = true
		return side, &Explained{}, nil
	} else {
		if e, err = o.ExplainRepository(s.Files, s.Found, nil); err != nil {
			return side, nil, err
		}
		side.Repo = e.repo
		side.Findings = e.Report.Findings
		if e.Worlds != nil {
			built, err := o.judged(ctx, e, s.Files)
			if err != nil {
				return side, nil, err
			}
			side.Findings = built.Report.Findings
			e.forget()
		}
	}
	side.Worlds = e.reachWorlds()
	for _, w := range e.Worlds {
		side.Objects[w.Environment] = w.Set
	}
	return side, e, nil
}

// judged builds a repository that was rendered to be explained, with our own rules alone, and does
// not render it again. Where it has rules of the user's, which judge nothing here, not all codes are
// known that severities and waivers may name.
func (o Options) judged(ctx context.Context, e *Explained, all []language.File) (*Built, error) {
	checks := prepareChecks(ctx, nil)
	checks.partly = slices.ContainsFunc(all, func(f language.File) bool { return language.IsRego(f.Path) })
	_, misplaced := e.repo.OwnRules(all)
	return o.judge(ctx, e.repo, e.compiled, slices.Concat(e.repository.found, misplaced), checks, e.files)
}

// forget lets go of what nobody asks for once a side is judged: the files that would be emitted, and
// what it has in common with the other side.
func (e *Explained) forget() {
	e.rendering.Tree, e.everybody = nil, nil
	e.shared, e.parser = nil, new(language.Parser)
}
