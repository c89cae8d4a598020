package compiler

import (
	"slices"
	"strings"
	"unicode/utf8"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// Explained is an input of which it can be asked who reaches whom, and why.
type Explained struct {
	// Report is what is wrong with the input. Where it has findings by which nothing can
	// be judged, there are no Worlds.
	Report diag.Report
	Worlds []*explain.World // of each environment, in order; of manifests one

	repository // zero for manifests
}

// repository is what a change of the intents is tried on.
type repository struct {
	Options
	files []language.File
	repo  *language.Repository
	compiled
}

// ExplainRepository renders a repository of intents as Build does, asks no rule what
// it thinks of the result, and takes the environments with those names, or all.
func ExplainRepository(files []language.File, before diag.List, environments []string) (*Explained, error) {
	return Options{}.ExplainRepository(files, before, environments)
}

// ExplainRepository is the function of this name with options.
func (o Options) ExplainRepository(files []language.File, before diag.List, environments []string) (*Explained, error) {
	r, found, err := o.readRepository(files, before, environments)
	if err != nil {
		return nil, err
	}
	e := &Explained{repository: r}
	if !found.Failed() {
		for _, name := range environments {
			if known := r.repo.Environments(); !slices.Contains(known, name) {
				found = append(found, language.Unanswerable.At(r.repo.Platform.Metadata.Name.Span, "there is no environment %.80q", name).
					Suggest("the environments are %s", strings.Join(known, ", ")))
			}
		}
		for i := range r.plans {
			e.Worlds = append(e.Worlds, e.repository.explained(i))
		}
	}
	if found.Failed() {
		e.Worlds = nil
	}
	e.Report = diag.NewReport(found, nil, sourcesOf(files))
	return e, nil
}

// readRepository reads and renders a repository.
func (o Options) readRepository(files []language.File, before diag.List, environments []string) (repository, diag.List, error) {
	o.only = environments
	r := repository{Options: o}
	for _, f := range files {
		if !sources.IsRego(f) { // rules judge, and are not asked here
			r.files = append(r.files, f)
		}
	}
	repo, parsed := language.Parse(r.files)
	r.repo = repo
	c, found, err := r.compile(repo, r.files, slices.Concat(before, parsed))
	r.compiled = c
	return r, append(found, c.refused...), err
}

// explained is one environment of what was rendered.
func (r *repository) explained(i int) *explain.World {
	at := &r.rendering.Environments[i]
	p, rendered := at.Plan, at.Objects
	known := population.Of(p, r.world)
	m, _ := meaningOf(rendered, p, p.Assumed()[0])
	lines := mender{r, i}
	return &explain.World{
		Environment: p.Environment, Plan: p, Set: rendered, Meaning: m, Pods: known.Known(),
		Locate: at.Places().At,
		Peer:   lines.peer, Mend: lines.mend, Unmean: lines.unmean,
	}
}

// ExplainManifests reads manifests as Check does. What an API server would refuse is
// told, and explained as Calico takes it if it is stored all the same.
func ExplainManifests(files []language.File, before diag.List, calicoMinor int) *Explained {
	set, found := sources.Manifests(files, before)
	e := &Explained{}
	if !found.Failed() {
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = calicoMinor
		m, odd := meaning.Of(set, cluster)
		odd = append(odd, m.HostsNotEvaluated()...)
		e.Worlds = []*explain.World{{Set: set, Meaning: m, Pods: m.Endpoints, Locate: locate.InManifests(set, files)}}
		for _, d := range odd {
			d.Severity = min(d.Severity, diag.Warning)
			found = append(found, d)
		}
	}
	e.Report = diag.NewReport(locate.Manifests(found, set, files), nil, sourcesOf(files))
	return e
}

// AnswerList answers a list of questions in every world. The findings are about the
// list.
func (e *Explained) AnswerList(f language.File) (map[string]explain.Answers, diag.Report) {
	asked, found := language.ParseList(f)
	all := map[string]explain.Answers{}
	asked = slices.DeleteFunc(asked, func(q language.Listed) bool { return q.From == "" || q.To == "" }) // which is said
	for _, w := range e.Worlds {
		answers, wrong := w.Answer(asked)
		if all[w.Environment] = answers; w.Environment != "" {
			wrong = wrong.In(w.Environment)
		}
		found = append(found, wrong...)
	}
	return all, diag.NewReport(everywhere(found, len(e.Worlds)), nil, map[string][]byte{f.Path: f.Data})
}

// questionName is what findings call the text of a question.
const questionName = "FLOW"

// Explain answers one question in every world. Answers that are the same in several
// environments are told once. A name need be known in one environment alone.
func (e *Explained) Explain(text string) ([]explain.Explanation, diag.Report) {
	within := func(start, end int) diag.Span {
		column := func(at int) diag.Position {
			return diag.Position{Line: 1, Column: utf8.RuneCountInString(text[:at]) + 1}
		}
		return diag.Span{File: questionName, Start: column(start), End: column(end)}
	}
	report := func(found diag.List) diag.Report {
		return diag.NewReport(everywhere(found, len(e.Worlds)), nil, map[string][]byte{questionName: []byte(text)})
	}
	q, err := language.ParseQuestion(text)
	if err != nil {
		return nil, report(diag.List{language.Unanswerable.At(within(0, len(text)), "%s", err)})
	}
	from, _, _ := strings.Cut(text, "->")
	places := explain.Places{From: within(0, len(strings.TrimRight(from, " "))), To: within(len(text)-len(strings.TrimLeft(text[len(from)+len("->"):], " ")), len(text))}
	var all []explain.Explanation
	var found diag.List
	for _, w := range e.Worlds {
		answers, wrong := w.Explain(q, places)
		if w.Environment != "" {
			wrong = wrong.In(w.Environment)
		}
		found = append(found, wrong...)
		for _, a := range answers {
			same := slices.IndexFunc(all, func(b explain.Explanation) bool { return slices.Equal(a.Lines, b.Lines) })
			if same < 0 {
				all = append(all, a)
				continue
			}
			all[same].Environments = append(all[same].Environments, a.Environments...)
		}
	}
	if e.repo != nil && len(e.repo.Environments()) == 1 {
		for i := range all {
			all[i].Environments = nil
		}
	}
	if len(all) == 0 {
		return nil, report(found)
	}
	for _, d := range report(found).Findings {
		all = append(all, explain.Explanation{Environments: d.Environments, Allowed: true, Lines: []explain.Line{{Text: "not asked: " + d.Message}}})
	}
	return all, report(nil)
}
