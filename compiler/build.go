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
	"iter"
	"path"
	"slices"
	"sync"
	"time"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
	"portcullis.dev/rego"
)

// Built is the result of one run over a repository of intents.
type Built struct {
	Report       diag.Report
	Tree         overlays.Tree   // nil unless every stage passed
	Environments []Environment   // in order; nil unless every stage passed
	Proofs       []bundle.Proof  // of each environment; nil unless it could be asked for
	Waivers      []bundle.Waiver // in the order of their names
	// Carried is what either tree deploys and nobody judged, because the Platform says so.
	Carried []bundle.Carried

	// Unverified is the tree that what was judged stands against: it could be
	// rendered, and a rule refuses it. Only who says so may emit it. Otherwise nil.
	Unverified overlays.Tree
	// Inputs are the files that either tree depends on: path → bytes.
	Inputs map[string][]byte

	plans  []*plan.Plan // that were judged; nil where some rule did not judge some of them
	engine *rego.Engine // that judged them; nil where the user's rules are broken

	traffic govern.Traffic // of the plans; nil where nothing was judged
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
	// EffectiveTime is the time by which what is written to end has ended. The zero
	// time looks at no clock: then whatever is written holds.
	EffectiveTime time.Time
	// Namespace, if not empty, has been made after a pattern of the Platform: see
	// [intent.Options].
	Namespace string
	// AllowEmpty: a repository without intents is meant.
	AllowEmpty bool
	// Child starts the process in which components are rendered, which are other people's
	// work for a program that must not fall over it. Without it they are rendered in this
	// process, which is for components that nobody need fear.
	Child overlays.Child

	only []string // the environments that are rendered; empty: all
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
	var checks *checks
	if !slices.ContainsFunc(files, sources.IsRego) {
		checks = prepareChecks(ctx, nil) // beside the reading: neither needs the other
	}
	repo, parsed := intent.Parse(files)
	own, files, found := sources.OwnRules(repo, files, before)
	if checks == nil {
		checks = prepareChecks(ctx, own)
	}
	found = append(found, parsed...)
	l, found, err := o.lay(repo, files, found)
	if err != nil {
		return nil, err
	}
	if found.Failed() {
		return o.report(repo, nil, nil, checks, found, files)
	}

	found = append(found, l.deployed...) // told beside what the proof finds of the rest
	judgedTraffic := govern.Traffic{}
	for i := range l.rendering.Environments {
		e := &l.rendering.Environments[i]
		p := e.Plan
		judged, m, err := checks.prove(ctx, p, e.Objects, l.world)
		if err != nil {
			return nil, err
		}
		located := e.Places().Findings(withoutTold(judged, l.deployed))
		found = append(found, locate.WithEvidence(located, e.Emitted, locate.AuthorsOf(p)).In(p.Environment)...)
		if m != nil {
			judgedTraffic[p.Environment] = sync.OnceValue(func() *proof.Exceptions {
				everybody := population.Of(p, l.world)
				return proof.NewExceptions(p, population.RelationOf(p, anywhere(p, e.Objects, m)), slices.Concat(everybody.Described, everybody.Planned))
			})
		}
	}
	rendering := l.rendering
	if o.Namespace != "" {
		rendering = rendering.In(o.Namespace)
	}
	built, err := o.report(repo, l.plans, judgedTraffic, checks, found, files)
	if err == nil {
		built.Proofs = proofsOf(l.plans, built.Report.Findings, l.carried)
	}
	switch {
	case err != nil || built.Report.Findings.Unjudgeable():
		return built, err
	case built.Failed():
		built.Unverified = rendering.Tree
	default:
		built.Tree = rendering.Tree
		for _, e := range rendering.Environments {
			built.Environments = append(built.Environments, Environment{e.Plan.Environment, e.Objects})
		}
	}
	for _, c := range l.parts {
		for name, data := range c.Files {
			l.inputs[path.Join(c.Path, name)] = data
		}
	}
	built.Inputs, built.Carried = l.inputs, carriedOf(l.carried, o.Namespace)
	return built, nil
}

// proofsOf says what was proved of each plan.
func proofsOf(plans []*plan.Plan, found diag.List, unjudged []deploy.CarriedIn) []bundle.Proof {
	var all []bundle.Proof
	for _, p := range plans {
		s := proof.StatementOf(p)
		if names := deploy.CarriedFelix(unjudged, p.Environment); names != nil {
			s = s.CarriedFelix(names)
		}
		result := "held"
		for _, d := range found {
			if slices.Contains(proof.Rules, d.Rule) && (len(d.Environments) == 0 || slices.Contains(d.Environments, p.Environment)) {
				result = "failed"
			}
		}
		all = append(all, bundle.Proof{
			Environment: p.Environment, Result: result, Flows: s.Flows, Guardrails: s.Guardrails, Quarantines: s.Quarantines, Tests: s.Tests, Assumptions: s.Assumptions,
		})
	}
	return all
}

// report governs what was found as the repository says, and makes the report. The
// plans are nil where some rule did not judge some of them.
func (o Options) report(repo *intent.Repository, plans []*plan.Plan, judged govern.Traffic, checks *checks, found diag.List, files []intent.File) (*Built, error) {
	rules, broken, err := checks.wait()
	if err != nil {
		return nil, err
	}
	known := rules
	if found = append(found, broken...); broken.Failed() {
		plans, known = nil, nil
	}
	built := &Built{plans: plans, engine: checks.engine, traffic: judged}
	if repo.Platform != nil {
		found = govern.Of(repo, o.EffectiveTime, known, judged).Apply(found, plans)
	}
	built.Report = diag.NewReport(everywhere(found, len(repo.Environments())), rules, sourcesOf(files))
	built.Waivers = govern.Waivers(repo, built.Report.Findings)
	return built, nil
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

func prepareChecks(ctx context.Context, own map[string][]byte) *checks {
	c := &checks{ready: make(chan struct{})}
	go func() {
		defer close(c.ready)
		c.engine, c.found, c.err = rego.Prepare(ctx, rego.Options{Modules: own})
	}()
	return c
}

// wait is every rule of the program, and what is wrong with the user's own, once the
// engine is prepared.
func (c *checks) wait() ([]*diag.Rule, diag.List, error) {
	<-c.ready
	rules := Rules()
	if c.engine != nil {
		rules = append(rules, c.engine.Rules()...)
	}
	return rules, c.found, c.err
}

// prove says what rendered objects do, holds that against the plan, and lets the rules
// decide on it. The meaning is nil where it cannot be judged.
func (c *checks) prove(ctx context.Context, p *plan.Plan, rendered, world object.Set) (diag.List, *meaning.Meaning, error) {
	everybody := population.Of(p, world)
	found, does := proved(p, rendered, everybody)
	if does == nil {
		return found, nil, nil
	}
	judged, err := c.judge(ctx, facts.Of(p, does, rendered, everybody))
	return append(found, judged...), does.Meaning, err
}

// proved proves the plan, and says what the objects do; nil where they cannot be judged.
func proved(p *plan.Plan, rendered object.Set, everybody population.Population) (diag.List, *relation.Relation) {
	m, found := meaningOf(rendered, p, p.Assumed()[0])
	if found.Failed() {
		return found, nil
	}
	does := population.RelationOf(p, m)
	asked := does
	if elsewhere := anywhere(p, rendered, m); elsewhere != m {
		asked = population.RelationOf(p, elsewhere)
	}
	return append(found, proof.Prove(p, asked, slices.Concat(everybody.Described, everybody.Planned))...), does
}

// anywhere is a meaning for the proof, which takes no pod to be at this address rather than at
// that where the Platform does not say.
func anywhere(p *plan.Plan, rendered object.Set, m *meaning.Meaning) *meaning.Meaning {
	if len(p.Cluster.PodCIDRs) == 0 {
		m, _ = meaningOf(rendered, p, p.Cluster)
	}
	return m
}

// judge lets the rules decide on documents. Where there is no engine nothing is
// decided: wait tells why.
func (c *checks) judge(ctx context.Context, documents iter.Seq[facts.Document]) (diag.List, error) {
	<-c.ready
	if c.engine == nil {
		return nil, c.err
	}
	return c.engine.Check(ctx, func(yield func(any) bool) {
		for d := range documents {
			if !yield(d) {
				return
			}
		}
	})
}

func sourcesOf(files []intent.File) map[string][]byte {
	sources := make(map[string][]byte, len(files))
	for _, f := range files {
		sources[f.Path] = f.Data
	}
	return sources
}

// carriedOf are the entries of bundle.json, of one namespace where one is given.
func carriedOf(all []deploy.CarriedIn, namespace string) []bundle.Carried {
	var entries []bundle.Carried
	for _, c := range all {
		if namespace == "" || c.Object.Namespace == namespace {
			entries = append(entries, bundle.Carried{Environment: c.Environment, Object: c.Object, Labels: c.Labels, Annotations: c.Annotations})
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
