package compiler

import (
	"context"
	"iter"
	"slices"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/halfopen"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
)

// Check judges manifests with nothing said of their cluster.
func Check(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	return Options{}.Check(ctx, files, before)
}

// Check judges manifests that somebody else wrote, by the same rules and the same
// meaning as Build. Nothing is known of what was meant: every namespace among the
// manifests, the system's excepted, is held to be governed. Of the cluster is known what the
// options say, a Platform beside the manifests, or objects in sight, and the report tells what
// is taken for granted beyond that.
func (o Options) Check(ctx context.Context, files []language.File, before diag.List) (*Built, error) {
	checks := prepareChecks(ctx, nil)
	s, found := o.surroundings(files, before)
	var plans []*plan.Plan // of which every rule has judged everything
	var assumptions []string
	for _, c := range s.clusters {
		judged, all, err := checks.cluster(ctx, c)
		if err != nil {
			return nil, err
		}
		if all {
			plans = append(plans, c.plan)
			assumptions = merged(assumptions, c.known.Assumptions)
		}
		found = append(found, locate.WithEvidence(s.texts.Manifests(judged, c.set), nil, locate.Authors{}).In(c.name)...)
	}
	rules, broken, err := checks.wait()
	if err != nil {
		return nil, err
	}
	found = everywhere(append(found, broken...), len(s.clusters))
	built := &Built{}
	if s.repo != nil {
		if broken.Failed() {
			plans = nil
		}
		found = govern.OfManifests(s.repo, language.DefaultEnvironment, o.EffectiveTime, rules).Apply(found, plans)
		built.Waivers = govern.Waivers(s.repo)
	}
	if o.Baseline != nil {
		if found, built.Baseline, err = o.Baseline.apply(found.Sorted()); err != nil {
			return nil, err
		}
		s.files = append(slices.Clip(s.files), o.Baseline.File)
	}
	built.Report = diag.NewReport(found, rules, sourcesOf(s.files))
	built.Report.Survey, built.Report.Assumptions = &s.survey, assumptions
	return built, nil
}

// cluster checks what runs in one cluster, and reports whether every rule judged it.
func (c *checks) cluster(ctx context.Context, runs running) (found diag.List, judged bool, err error) {
	m, found := runs.meaning()
	if found.Failed() {
		return found, false, nil
	}
	everybody := population.Of(runs.plan, runs.set)
	runs.asBuilt(m, everybody)
	found = append(append(found, halfopen.Find(m, everybody.Described)...), halfopen.OnHost(m, everybody.Described)...)
	wrong, err := c.judge(ctx, func(*clean) iter.Seq[facts.Document] {
		return facts.Of(runs.plan, population.RelationOf(runs.plan, m), runs.set, everybody)
	}, nil, nil)
	return doubted(append(found, wrong...), m, everybody), true, err
}
