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
	states := [2]State{old, changed}
	var sides [2]delta.Side
	var all [2]*Explained
	var errs [2]error
	isEmpty := func(s State) bool { return s.Manifests && len(s.Files) == 0 }
	explain := func(i int) {
		o := o
		o.AllowEmpty = isEmpty(states[i]) && !isEmpty(states[1-i]) // a change may begin a directory, or end it
		sides[i], all[i], errs[i] = o.side(states[i])
	}
	judge := func(i int) {
		if errs[i] == nil && all[i].Worlds != nil && all[i].repo != nil {
			sides[i].Findings, errs[i] = o.judged(ctx, all[i], states[i].Files)
		}
	}
	var both sync.WaitGroup
	if o.shared == nil {
		for i := range states {
			both.Go(func() { explain(i); judge(i) })
		}
	} else { // most of the second side is that of the first
		explain(0)
		both.Go(func() { judge(0) })
		o.shared.lastRendering = true // what it does not ask for nobody does
		explain(1)
		gather(all[:])
		both.Wait()
		o.shared.lastJudgement = true
		judge(1)
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

// gather finds out who everybody is on the sides of a change, for whoever compares them later: nobody
// does where one of them cannot be explained, or is not there.
func gather(sides []*Explained) {
	if slices.ContainsFunc(sides, func(e *Explained) bool { return len(e.Worlds) == 0 }) {
		return
	}
	for _, e := range sides {
		for _, w := range e.Worlds {
			w.Everybody()
		}
	}
}

// side reads and renders one of the two states between which a change lies.
func (o Options) side(s State) (delta.Side, *Explained, error) {
	side := delta.Side{Ref: s.Ref, Commit: s.Commit, Files: sourcesOf(slices.Concat(s.Files, s.Bases)), Objects: map[string]object.Set{}}
	var e *Explained
	if s.Manifests {
		o.Bases = s.Bases
		e = o.ExplainManifests(s.Files, s.Found)
	} else if !slices.ContainsFunc(s.Files, func(f language.File) bool { return f.Path == language.PlatformFile }) {
		side.Absent = true
		return side, &Explained{}, nil
	} else {
		var err error
		if e, err = o.ExplainRepository(s.Files, s.Found, nil); err != nil {
			return side, &Explained{}, err
		}
		side.Repo = e.repo
		e.forget()
	}
	side.Findings = e.Report.Findings
	side.Worlds = e.reachWorlds()
	for _, w := range e.Worlds {
		side.Objects[w.Environment] = w.Set
	}
	return side, e, nil
}

// forget lets go of what nobody asks for once a side is explained: the files that would be emitted, and
// what it has in common with the other side.
func (e *Explained) forget() {
	if e.rendering != nil {
		e.rendering.Tree = nil
	}
	e.shared, e.parser = nil, new(language.Parser)
}

// judged judges a repository that was rendered to be explained, as far as our own rules do, and returns
// what is found. It is not rendered again. Where it has rules of the user's, which judge nothing here,
// not all codes are known that severities and waivers may name.
func (o Options) judged(ctx context.Context, e *Explained, all []language.File) (diag.List, error) {
	checks := prepareChecks(ctx, nil)
	checks.partly = slices.ContainsFunc(all, func(f language.File) bool { return language.IsRego(f.Path) })
	_, misplaced := e.repo.OwnRules(all)
	built, err := o.judge(ctx, e.repo, e.compiled, slices.Concat(e.repository.found, misplaced), checks, e.files)
	if err != nil {
		return nil, err
	}
	e.everybody = nil
	return built.Report.Findings, nil
}
