// Package compiler is the build: it runs the stages in order and hands what each
// found to one report.
//
// Its invariant: what it returns as built passed every stage. A stage runs only on
// input that the stages before it did not refuse, and no finding is dropped.
//
// It must not know how a report is written, nor where the output goes.
package compiler

import (
	"context"
	"slices"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/rego"
)

// Built is the result of one run over a repository of intents.
type Built struct {
	Report       diag.Report
	Tree         overlays.Tree // nil unless every stage passed
	Environments []Environment // in order; nil unless every stage passed
}

// Environment is what one cluster gets.
type Environment struct {
	Name    string
	Objects object.Set
}

// Failed reports whether something stands against emitting the result.
func (b *Built) Failed() bool { return b.Report.Findings.Failed() }

// Options are the choices of whoever runs a build. The zero Options are the strict
// ones.
type Options struct {
	AllowEmpty bool // a repository without intents is meant
}

// Build compiles a repository with the strict options.
func Build(ctx context.Context, files []intent.File, before diag.List) (*Built, error) {
	return Options{}.Build(ctx, files, before)
}

// Build compiles a repository of intents: it resolves them, lowers them to
// policies, lays those out as overlays, renders the overlays, and judges what was
// rendered. The error is a failure of the machine; whatever is wrong with the input
// is in the report.
func (o Options) Build(ctx context.Context, files []intent.File, before diag.List) (*Built, error) {
	checks := prepareChecks(ctx) // beside the reading: neither needs the other

	repo, parsed := intent.Parse(files)
	repo.AllowEmpty = o.AllowEmpty
	found := slices.Concat(before, parsed)
	plans, resolved := repo.Resolve(lower.Names())
	found = append(found, resolved...)
	if found.Failed() {
		return checks.report(found, files)
	}

	emitted, tree := emit(plans)
	environments, rendered, err := render(tree, plans)
	if err != nil {
		return nil, err
	}
	found = append(found, rendered...)
	if found.Failed() {
		return checks.report(found, files)
	}

	world := worldOf(files)
	for i, p := range plans {
		judged, err := checks.judge(ctx, p, environments[i].Objects, world)
		if err != nil {
			return nil, err
		}
		found = append(found, locateEmitted(judged, emitted[i]).In(p.Environment)...)
	}
	built, err := checks.report(everywhere(found, len(plans)), files)
	if err == nil && !built.Failed() {
		built.Tree, built.Environments = tree, environments
	}
	return built, err
}

// emit lowers the plans and lays their objects out. The first result has, for each
// plan, the lines that its objects came from.
func emit(plans []*plan.Plan) ([]origins, overlays.Tree) {
	all := make([]origins, len(plans))
	environments := make([]overlays.Environment, len(plans))
	for i, p := range plans {
		all[i] = origins{}
		environments[i].Name = p.Environment
		for _, e := range lower.Lower(p) {
			environments[i].Objects = append(environments[i].Objects, e.Manifest)
			all[i][e.Manifest.ID()] = e.Origins
		}
	}
	return all, overlays.Write(environments)
}

// render builds every unit of every plan's environment, each apart.
func render(tree overlays.Tree, plans []*plan.Plan) ([]Environment, diag.List, error) {
	var all []Environment
	var found diag.List
	renderer := overlays.NewRenderer(tree)
	for _, p := range plans {
		var objects []object.Object
		for _, unit := range tree.Units(p.Environment) {
			rendered, f, err := renderer.Render(p.Environment, unit)
			if err != nil {
				return nil, nil, err // the tree is our own: no input can be at fault
			}
			found = append(found, f...)
			objects = append(objects, rendered...)
		}
		set, f := object.NewSet(objects)
		found = append(found, f...)
		all = append(all, Environment{Name: p.Environment, Objects: set})
	}
	return all, found, nil
}

// worldOf reads the manifests beside the intents, for what they tell of namespaces
// and workloads. They are other people's YAML: what does not parse is not judged.
func worldOf(files []intent.File) object.Set {
	var objects []object.Object
	for _, f := range files {
		if intent.Ours(f) {
			continue
		}
		decoded, _ := object.Decode(f.Path, f.Data)
		for _, o := range decoded {
			if o.Role == object.World && o.Typed != nil {
				objects = append(objects, o)
			}
		}
	}
	set, _ := object.NewSet(objects)
	return set
}

// everywhere clears the list of environments where it names them all.
func everywhere(found diag.List, environments int) diag.List {
	sorted := found.Sorted()
	for i := range sorted {
		if len(sorted[i].Environments) == environments {
			sorted[i].Environments = nil
		}
	}
	return sorted
}

// checks is the Rego engine, prepared while other stages run.
type checks struct {
	ready  chan struct{}
	engine *rego.Engine
	found  diag.List
	err    error
}

func prepareChecks(ctx context.Context) *checks {
	c := &checks{ready: make(chan struct{})}
	go func() {
		defer close(c.ready)
		c.engine, c.found, c.err = rego.Prepare(ctx, rego.Options{})
	}()
	return c
}

// judge says what rendered objects do, and lets the rules decide on it.
func (c *checks) judge(ctx context.Context, p *plan.Plan, set, world object.Set) (diag.List, error) {
	m, found := meaning.Of(set, p.Cluster)
	if found.Failed() {
		return found, nil
	}
	documents := facts.Of(p, m, set, world)
	<-c.ready
	if c.err != nil || c.found.Failed() {
		return append(found, c.found...), c.err
	}
	inputs := make([]any, len(documents))
	for i := range documents {
		inputs[i] = documents[i]
	}
	judged, err := c.engine.Check(ctx, inputs)
	return append(found, judged...), err
}

func (c *checks) report(found diag.List, files []intent.File) (*Built, error) {
	<-c.ready
	if c.err != nil {
		return nil, c.err
	}
	sources := make(map[string][]byte, len(files))
	for _, f := range files {
		sources[f.Path] = f.Data
	}
	rules := Rules()
	if c.engine != nil {
		rules = append(rules, c.engine.Rules()...)
	}
	return &Built{Report: diag.NewReport(found, rules, sources)}, nil
}
