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
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"portcullis.dev/compiler/cache"
	"portcullis.dev/compiler/cluster"
	"portcullis.dev/compiler/crosscheck"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// Options are the choices of whoever runs a build. The zero Options are the strict
// ones.
type Options struct {
	// EffectiveTime is the time by which what is written to end has ended. The zero
	// time looks at no clock: then whatever is written holds.
	EffectiveTime time.Time
	// Namespace, if not empty, has been made after a pattern of the Platform: see
	// [resolve.Options].
	Namespace string
	// AllowEmpty: a repository without intents is meant, or that there is nothing to judge.
	AllowEmpty bool
	// Exclude and IgnoreKinds leave out manifests of somebody else's: see [sources.Choice].
	Exclude, IgnoreKinds []string
	// Bases are files outside of what is asked about that kustomizations of somebody else's
	// list: see [sources.ReadBases].
	Bases []language.File
	// Child starts the process in which components are rendered, which are other people's
	// work for a program that must not fall over it. Without it they are rendered in this
	// process, which is for components that nobody need fear.
	Child overlays.Child

	// Cluster is what the command line says of the cluster that manifests are for, and
	// Platform the file that describes it, if one was named. A repository has its own.
	Cluster  cluster.Said
	Platform *language.File
	// Baseline, if not nil, says which findings about manifests are known.
	Baseline *Baseline

	// Environment is the only one that is resolved, judged and reported on; empty: all. What
	// is wrong with the language is everybody's.
	Environment string

	// Flow, if not empty, is all that [Options.ExplainRepository] will be asked: of the
	// repository only what can decide it is rendered, where that is known.
	Flow string

	// Cache, if not nil, knows where nothing was found before: that is not judged again. What is
	// found is the same.
	Cache *cache.Dir
	// Unemitted: the report is all that is asked for. There need be no tree and no environments.
	Unemitted bool

	shared *shared // what is known from before; nil for nothing
	apart  bool    // nothing is shared, to hold what is told against
}

// Build compiles a repository with the strict options.
func Build(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	return Options{}.Build(ctx, files, before)
}

// Build compiles a repository of intents, and judges what it comes to. The error is a failure
// of the machine; whatever is wrong with the input is in the report.
func (o Options) Build(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	var checks *checks
	if !slices.ContainsFunc(files, func(f language.File) bool { return language.IsRego(f.Path) }) {
		checks = prepareChecks(ctx, nil) // beside the reading: neither needs the other
	}
	whole, some := o.keyOfFiles(files, before)
	if known := (quiet{}); some && o.Cache.Load(whole, &known) && known.Survey != nil {
		return quietly(known, checks, files)
	}
	repo, parsed := language.Parse(files)
	own, files, found := sources.OwnRules(repo, files, before)
	if checks == nil {
		checks = prepareChecks(ctx, own)
	}
	only, err := o.only(repo, append(found, parsed...))
	if err != nil {
		return nil, err
	}
	if o.shared == nil && !o.apart && len(only) == 0 && len(repo.Environments()) > 1 {
		o.shared = newShared(false)
	}
	c, found := o.resolve(repo, files, append(found, parsed...), only)
	if !found.Failed() {
		if c.recalled, err = o.recallAll(ctx, c, checks); err == nil && !(o.Unemitted && c.isRecalled()) {
			found, err = o.emit(&c, found)
		}
		if err != nil {
			return nil, err
		}
	}
	repo.Resolved()
	built, err := o.judge(ctx, repo, c, found, checks, files)
	if err == nil && built.traffic != nil && !built.Report.Findings.Unjudgeable() {
		built.Report.Survey = surveyOf(c)
	}
	if err == nil && some && len(built.Report.Findings) == 0 && isTimeless(repo) {
		built.Unkept = errors.Join(built.Unkept, o.Cache.Keep(whole, quiet{built.Report.Survey}))
	}
	return built, err
}

// judge judges a compiled repository, and reports on it. Where what was found on the way fails,
// that is all the report has.
func (o Options) judge(ctx context.Context, repo *language.Repository, c compiled, found diag.List, checks *checks, files []language.File) (*Built, error) {
	if found.Failed() {
		return o.report(repo, nil, nil, checks, found, files)
	}

	found = append(found, c.refused...) // told beside what the proof finds of the rest
	traffic := govern.Traffic{}
	var unkept error
	for i, p := range c.plans {
		if r := c.recalled[p]; r != nil {
			found = append(found, r.found...)
			traffic[p.Environment] = r.traffic
			unkept = errors.Join(unkept, r.unkept)
			continue
		}
		o.shared.begin(i == len(c.plans)-1)
		e := &c.rendering.Environments[i]
		everybody, known := c.everybody[e.Plan]
		if !known {
			everybody = population.Of(e.Plan, c.world)
		}
		does, unread := relationOf(e)
		judged := unread
		if does != nil {
			proven := provable(e, does)
			judged = append(judged, o.shared.prove(e, proven, everybody.Known())...)
			h := o.listen(c, e, judged)
			wrong, err := checks.judge(ctx, factsOf(e, does, everybody), o.shared.clean(), h)
			if err != nil {
				return nil, err
			}
			judged = append(judged, wrong...)
			traffic[e.Plan.Environment] = trafficOf(e, proven.Meaning, everybody)
			unkept = errors.Join(unkept, o.keep(e, c.world, h))
		}
		if len(judged) > 0 {
			located := locate.Governed(e.Places().Findings(withoutTold(judged, c.refused)), e.Plan)
			found = append(found, locate.WithEvidence(located, e.Emitted, locate.AuthorsOf(e.Plan)).In(e.Plan.Environment)...)
		}
	}
	built, err := o.report(repo, c.plans, traffic, checks, found, files)
	if err == nil {
		built.Unkept, built.recalled = unkept, len(c.recalled)
		built.take(c, o.Namespace)
	}
	return built, err
}

// only checks that there are the environments for which to build, and returns them, or none for
// all.
func (o Options) only(repo *language.Repository, found diag.List) ([]string, error) {
	if o.Environment == "" {
		return nil, nil
	}
	if known := repo.Environments(); !found.Failed() && !slices.Contains(known, o.Environment) {
		return nil, &UnknownEnvironment{Name: o.Environment, Known: known}
	}
	return []string{o.Environment}, nil
}

// UnknownEnvironment is the error of whoever asks about an environment that there is not.
type UnknownEnvironment struct {
	Name  string
	Known []string
}

// Error says which environments there are to build.
func (e *UnknownEnvironment) Error() string {
	return fmt.Sprintf("there is no environment %.60q; there is %s", e.Name, strings.Join(e.Known, ", "))
}

// report governs what was found as the repository says, and makes the report. The
// plans are nil where some rule did not judge some of them.
func (o Options) report(repo *language.Repository, plans []*plan.Plan, judged govern.Traffic, checks *checks, found diag.List, files []language.File) (*Built, error) {
	rules, broken, err := checks.wait()
	if err != nil {
		return nil, err
	}
	known := rules
	if found = append(found, broken...); broken.Failed() {
		plans, known = nil, nil
	}
	if checks.partly {
		known = nil
	}
	built := &Built{plans: plans, engine: checks.engine, traffic: judged}
	if repo.Platform != nil {
		found = govern.Of(repo, o.EffectiveTime, known, judged).Apply(found, plans)
	}
	built.Report = diag.NewReport(everywhere(found, len(repo.Environments())), rules, sourcesOf(files))
	built.Waivers = govern.Waivers(repo)
	return built, nil
}

// compiled is a repository on its way to being judged: what every later stage stands on.
type compiled struct {
	world      object.Set        // the manifests beside the intents
	inputs     map[string][]byte // the files that count
	plans      []*plan.Plan
	components map[string]overlays.Component // by path
	rendering  *render.Rendering
	unclear    diag.List          // what was found when it was rendered
	refused    diag.List          // what acts on those who deploy it
	carried    []deploy.CarriedIn // what is not judged, because the Platform says so

	everybody map[*plan.Plan]population.Population // of the plans whose flows are to be explained

	recalled map[*plan.Plan]*recalled // the plans that a cache knows so well that they need not be judged
}

// compile resolves a repository and renders it, in some environments or in all. Where the findings, to which its own are
// added, fail, the rest of the result is not whole.
func (o Options) compile(repo *language.Repository, files []language.File, found diag.List, only []string) (compiled, diag.List, error) {
	c, found := o.resolve(repo, files, found, only)
	if found.Failed() {
		return c, found, nil
	}
	found, err := o.emit(&c, found)
	return c, found, err
}

// resolve compiles a repository as far as to its plans, and reads what they refer to.
func (o Options) resolve(repo *language.Repository, files []language.File, found diag.List, only []string) (compiled, diag.List) {
	var c compiled
	var more diag.List
	c.plans, more = resolve.Plans(repo, resolve.Options{Targets: lower.Names(), Namespace: o.Namespace, AllowEmpty: o.AllowEmpty, Only: only})
	found = sources.Hidden(repo, append(found, more...))
	c.world, c.inputs, more = sources.World(repo, files)
	found = append(found, more...)
	texts := locate.TextsOf(files)
	for _, p := range c.plans {
		found = append(found, texts.Manifests(crosscheck.Check(p, c.world), c.world).In(p.Environment)...)
	}
	if found.Failed() {
		return c, found
	}

	c.components, more = render.Components(c.plans, files)
	found = append(found, more...)
	for _, p := range c.plans {
		found = append(found, deploy.VetNames(p.Components).In(p.Environment)...)
	}
	return c, found
}

// emit renders what was compiled as far as to its plans.
func (o Options) emit(c *compiled, found diag.List) (diag.List, error) {
	var err error
	c.rendering, c.unclear, err = o.render(*c)
	if found = append(found, c.unclear...); err == nil && !found.Failed() {
		c.refused, c.carried = deploy.Judge(c.rendering)
	}
	return found, err
}

// relationOf makes the relation of what a build's rendered objects do; nil where they cannot be
// judged.
func relationOf(e *render.Environment) (*relation.Relation, diag.List) {
	m, found := e.Assumed()
	if found.Failed() {
		return nil, found
	}
	return population.RelationOf(e.Plan, m), found
}

// provable returns the relation of what rendered objects do where no pod is taken to be at this
// address rather than at that, if the Platform does not say.
func provable(e *render.Environment, assumed *relation.Relation) *relation.Relation {
	if len(e.Plan.Cluster.PodCIDRs) > 0 {
		return assumed
	}
	m, _ := e.Meaning(e.Plan.Cluster)
	return population.RelationOf(e.Plan, m)
}

// trafficOf prepares a build's governance to decide, once somebody asks, what lines mean of what
// the objects let through.
func trafficOf(e *render.Environment, m *meaning.Meaning, everybody population.Population) func() *proof.Exceptions {
	return sync.OnceValue(func() *proof.Exceptions {
		return proof.NewExceptions(e.Plan, population.RelationOf(e.Plan, m), everybody.Known())
	})
}

// withoutTold leaves out of a build's findings warnings about parts of objects that are refused as
// it is, and what else is wrong with a name or label that is.
func withoutTold(found, refused diag.List) diag.List {
	if len(refused) == 0 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(d diag.Diagnostic) bool {
		told := d.Severity < diag.Error || strings.HasPrefix(d.Subject.Pointer, "/metadata/")
		return told && slices.ContainsFunc(refused, func(r diag.Diagnostic) bool { return r.Subject == d.Subject })
	})
}
