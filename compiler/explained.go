package compiler

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/fix"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
)

// Explained is an input of which it can be asked who reaches whom, and why.
type Explained struct {
	// Report is what is wrong with the input. Where it has findings by which nothing can
	// be judged, there are no Worlds.
	Report diag.Report
	Worlds []*explain.World // of each environment, in order; of manifests one

	places     []func(diag.Subject) diag.Span // of each world
	names      []*resolve.Names               // of each world, once asked for
	repository                                // zero for manifests
}

// repository is what a change of the intents is tried on.
type repository struct {
	Options
	files  []language.File
	parser *language.Parser // which knows the files
	repo   *language.Repository
	compiled
	found diag.List // on the way there, less what is refused
}

// ExplainRepository renders a repository of intents as Build does, asks no rule what
// it thinks of the result, and takes the environments with those names, or all.
func ExplainRepository(files []language.File, before diag.List, environments []string) (*Explained, error) {
	return Options{}.ExplainRepository(files, before, environments)
}

// ExplainRepository renders a repository of intents with these options, so that its flows can be
// explained, as the function of this name does with the strict ones.
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
			e.places = append(e.places, once(e.rendering.Environments[i].Places().At))
		}
	}
	if found.Failed() {
		e.Worlds = nil
	}
	e.Report = diag.NewReport(found, nil, sourcesOf(files))
	return e, nil
}

// readRepository reads and renders a repository whose flows are to be explained.
func (o Options) readRepository(files []language.File, before diag.List, environments []string) (repository, diag.List, error) {
	r := repository{Options: o}
	// Rules judge, and are not asked here.
	r.files = slices.DeleteFunc(slices.Clone(files), func(f language.File) bool { return language.IsRego(f.Path) })
	r.parser = o.shared.keeper()
	repo, parsed := r.parser.Parse(r.files)
	r.repo = repo
	c, found, err := r.compile(repo, r.files, slices.Concat(before, parsed), environments)
	c.everybody = map[*plan.Plan]population.Population{}
	r.compiled, r.found = c, found
	return r, slices.Concat(found, c.refused), err
}

// explained makes the world of one rendered environment in which questions are explained.
func (r *repository) explained(i int) *explain.World {
	p, rendered := r.plans[i], r.rendering.Environments[i].Objects
	everybody := population.Of(p, r.world)
	r.everybody[p] = everybody
	m, _ := r.rendering.Environments[i].Assumed()
	return &explain.World{
		Environment: p.Environment, Plan: p, Set: rendered, Meaning: m, Pods: everybody.Known(),
	}
}

// ExplainManifests reads manifests as Check does. What an API server would refuse is
// told, and explained as Calico takes it if it is stored all the same.
func (o Options) ExplainManifests(files []language.File, before diag.List) *Explained {
	s, found := o.surroundings(files, before)
	found = s.contained(found)
	e := &Explained{}
	failed := found.Failed()
	var assumptions []string
	for _, c := range s.clusters {
		if failed {
			break
		}
		m, odd := c.meaning()
		e.Worlds = append(e.Worlds, &explain.World{Environment: c.name, Set: c.set, Meaning: m, Pods: m.Endpoints, Namespaces: c.plan.Namespaces})
		e.places = append(e.places, once(s.texts.Of(c.set)))
		odd = s.texts.Manifests(odd, c.set)
		for i := range odd {
			odd[i].Severity = min(odd[i].Severity, diag.Warning)
		}
		found = append(found, odd.In(c.name)...)
		assumptions = merged(assumptions, c.known.Assumptions)
	}
	e.Report = diag.NewReport(everywhere(found, len(s.clusters)), nil, sourcesOf(s.files))
	e.Report.Assumptions = assumptions
	return e
}

// once looks up the place of each subject of an explanation once.
func once(at func(diag.Subject) diag.Span) func(diag.Subject) diag.Span {
	known := map[diag.Subject]diag.Span{}
	return func(s diag.Subject) diag.Span {
		span, asked := known[s]
		if !asked {
			span = at(s)
			known[s] = span
		}
		return span
	}
}

// AnswerList answers a list of questions in every world. The findings are about the
// list. Changes are looked for where everything is asked for: to try one takes a build.
func (e *Explained) AnswerList(f language.File, d explain.Detail) (explain.Answers, diag.Report) {
	list, found := language.ParseList(f)
	if len(found) > 0 {
		return explain.Answers{}, diag.NewReport(found, nil, map[string][]byte{f.Path: f.Data})
	}
	var all []explain.Answer
	for i, w := range e.Worlds {
		answers := w.AnswerList(list, d)
		e.locate(i, answers)
		if d == explain.Everything {
			e.change(i, answers)
		}
		all = append(all, answers...)
	}
	return e.told(all), diag.NewReport(nil, nil, nil)
}

// questionName is what findings call the text of a question.
const questionName = "FLOW"

// Explain answers one question in every world. A name need be known in one of them alone:
// where it is known in none, the findings say so.
func (e *Explained) Explain(text string, d explain.Detail) (explain.Answers, diag.Report) {
	q, err := language.ParseQuestion(text)
	if err != nil {
		return explain.Answers{}, flowReport(text, diag.List{language.Unanswerable.At(flowSpan(text, 0, len(text)), "%s", err)})
	}
	var all []explain.Answer
	for i, w := range e.Worlds {
		e.resolve(i, q)
		answers := w.Answer(text, q, d)
		e.locate(i, answers)
		if d > explain.Brief {
			e.change(i, answers)
		}
		all = append(all, answers...)
	}
	if !slices.ContainsFunc(all, func(a explain.Answer) bool { return a.Verdict != explain.Unanswered }) {
		return explain.Answers{}, flowReport(text, everywhere(unanswered(text, all), len(e.Worlds)))
	}
	return e.told(all), diag.NewReport(nil, nil, nil)
}

// resolve tells a world what the @names of a question mean there.
func (e *Explained) resolve(i int, q language.Question) {
	if e.repo == nil {
		return
	}
	e.Worlds[i].Peers = map[string]explain.Named{}
	peers := []language.Peer{q.From.Peer, q.To.Peer}
	for _, e := range q.Ends {
		for _, a := range slices.Concat(e.Of, e.But) {
			peers = append(peers, a.Peer)
		}
	}
	for _, p := range peers {
		if p.Kind == language.NamedPeer {
			e.Worlds[i].Peers[p.Name] = e.named(i, p.Name)
		}
	}
}

// named resolves an @name in a world's environment.
func (e *Explained) named(i int, name string) explain.Named {
	if e.names == nil {
		e.names = make([]*resolve.Names, len(e.plans))
	}
	if e.names[i] == nil {
		e.names[i] = resolve.NamesIn(e.repo, e.plans[i].Environment, resolve.Options{Targets: lower.Names()})
	}
	ends, found := e.names[i].Ends(name)
	for _, d := range found {
		return explain.Named{Wrong: d.Message, Hint: d.Hint}
	}
	return explain.Named{Ends: ends}
}

// fixer makes what tries changes of the explained repository in a world's environment.
func (e *Explained) fixer(i int) fix.Fixer {
	r := &e.repository
	return fix.Fixer{
		Plan: r.plans[i], Repository: r.repo, Files: r.files, Parser: r.parser, Components: r.components,
		Child: r.Child, Namespace: r.Namespace, AllowEmpty: r.AllowEmpty,
	}
}

// locate looks up the places that answers of an explanation name.
func (e *Explained) locate(i int, answers []explain.Answer) {
	for j := range answers {
		for _, p := range answers[j].Places() {
			if p.Span.IsZero() && !p.Subject.Object.IsZero() {
				p.Span = e.places[i](p.Subject)
			}
		}
	}
}

// change looks for what turns the verdicts of explained examples.
func (e *Explained) change(i int, answers []explain.Answer) {
	w := e.Worlds[i]
	for j := range answers {
		for k := range answers[j].Examples {
			x := &answers[j].Examples[k]
			c := explain.NotEvaluated
			switch {
			case !w.Decided(x):
			case e.repo != nil:
				c = e.fixer(i).Change(x)
			default:
				c = w.Change(x)
			}
			x.Change = &c
		}
		e.locate(i, answers[j:j+1])
	}
}

// told arranges explained answers as they are told: in the order of the questions, and those that
// are the same in several environments once.
func (e *Explained) told(all []explain.Answer) explain.Answers {
	t := explain.Answers{Sources: e.Report.Sources, Assumptions: e.Report.Assumptions, Flows: all}
	for _, d := range e.Report.Findings {
		if d.Severity < diag.Error {
			t.Warnings = append(t.Warnings, d)
		}
	}
	if len(e.Worlds) > 1 {
		t.Flows = joined(all)
	}
	if e.repo != nil && len(e.repo.Environments()) == 1 {
		for i := range t.Flows {
			t.Flows[i].Environments = nil
		}
	}
	return t
}

// joined joins explained answers that differ in environments alone.
func joined(all []explain.Answer) []explain.Answer {
	var out []explain.Answer
	first := map[string]int{}
	for _, a := range all {
		environments := a.Environments
		a.Environments = nil
		text, err := json.Marshal(a) // all that is told of it
		at, known := first[string(text)]
		if !known || err != nil {
			at = len(out)
			first[string(text)] = at
			out = append(out, a)
		}
		out[at].Environments = append(out[at].Environments, environments...)
	}
	slices.SortStableFunc(out, func(a, b explain.Answer) int {
		return cmp.Or(cmp.Compare(a.Question.Number, b.Question.Number), cmp.Compare(missing(a), missing(b)))
	})
	return out
}

// missing sorts answers that cannot be given in an environment behind those that can.
func missing(a explain.Answer) int {
	if a.Verdict == explain.Unanswered {
		return 1
	}
	return 0
}

// unanswered makes findings about a question that no world can explain.
func unanswered(text string, all []explain.Answer) diag.List {
	arrow := strings.Index(text, "->")
	after := text[arrow+len("->"):]
	from := flowSpan(text, 0, len(strings.TrimRight(text[:arrow], " ")))
	to := flowSpan(text, len(text)-len(strings.TrimLeft(after, " ")), len(text))
	var found diag.List
	for _, a := range all {
		for _, m := range a.Missing {
			at := to
			if m.What == "from" {
				at = from
			}
			d := language.Unanswerable.At(at, "%s", m.Reason).Suggest("%s", m.Hint)
			d.Environments = a.Environments
			found = append(found, d)
		}
	}
	return found
}

// flowReport makes the report of findings about the text of a question.
func flowReport(text string, found diag.List) diag.Report {
	return diag.NewReport(found, nil, map[string][]byte{questionName: []byte(text)})
}

// flowSpan finds a part of the text of a question that is explained, for a finding to point at.
func flowSpan(text string, start, end int) diag.Span {
	column := func(at int) diag.Position {
		return diag.At(1, utf8.RuneCountInString(text[:at])+1)
	}
	return diag.Span{File: questionName, Start: column(start), End: column(end)}
}
