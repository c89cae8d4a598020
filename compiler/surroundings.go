package compiler

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/cluster"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// surroundings is somebody's manifests, with what is known of the clusters that they are for.
type surroundings struct {
	files    []language.File // of the report: manifests, their bases, Platform and waivers
	texts    locate.Texts    // of the files
	clusters []running
	repo     *language.Repository // the Platform and the waivers beside them; nil without either
	survey   diag.Survey
}

// running is what runs in one cluster, and what is known of that.
type running struct {
	name  string // of the variant; empty where there is one cluster alone
	set   object.Set
	known cluster.Known
	plan  *plan.Plan // the namespaces of the manifests, and no flow

	unread []*meaning.Unread // texts that no object stands for
}

// surroundings reads manifests, and takes a Platform among them, or the one that was named,
// for the description of their cluster. With it they are no repository: nothing is meant.
func (o Options) surroundings(files []language.File, before diag.List) (surroundings, diag.List) {
	s := surroundings{files: append(slices.Clip(files), o.Bases...)}
	ours, manifests := beside(files)
	repo, platform, found := o.described(ours)
	if o.Platform != nil {
		s.files = append(s.files, *o.Platform)
	}
	if repo.Platform != nil || len(repo.Waivers) > 0 {
		s.repo = repo
	}
	s.texts = locate.TextsOf(s.files)
	shown, read := o.show(manifests, slices.Concat(before, found))
	s.survey = shown.survey
	for _, c := range shown.clusters {
		runs := running{name: c.Name, set: c.Set, known: cluster.Of(o.Cluster, platform, c.Set)}
		if c.Assumed != "" {
			runs.known.Assumptions = append(runs.known.Assumptions, c.Assumed)
		}
		runs.plan = assumed(c.Set, runs.known.Cluster, platform)
		read = meaning.ByRelease(s.texts.Manifests(read, c.Set), runs.known.Cluster)
		runs.unread = unreadTexts(read, c.Set)
		s.clusters = append(s.clusters, runs)
	}
	return s, read
}

// ClusterOf tells what is known of the cluster around manifests, and returns the manifests less
// what says it.
func (o Options) ClusterOf(files []language.File) (cluster.Known, []language.File, diag.List) {
	ours, manifests := beside(files)
	_, platform, found := o.described(ours)
	var objects []object.Object
	for _, f := range manifests {
		scanned, _ := object.Scan(f.Path, f.Data) // what is wrong there, whoever drafts says
		objects = append(objects, scanned.Objects...)
	}
	set, _ := object.Merge(objects)
	return cluster.Of(o.Cluster, platform, set), manifests, found
}

// merged joins the sentences of both lists of assumptions, in order, each once.
func merged(all, more []string) []string {
	for _, text := range more {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// described reads a Platform and waivers. The one that was named goes before one that lies
// beside.
func (o Options) described(ours []language.File) (*language.Repository, *cluster.Platform, diag.List) {
	repo, found := language.Parse(ours)
	found = withoutMissing(found)
	if o.Platform != nil {
		told, more := language.Parse([]language.File{*o.Platform})
		repo.Platform = told.Platform
		found = append(found, more...)
		for i, d := range found {
			if d.Is(language.NoPlatform) {
				found[i].Span.File = o.Platform.Path
			}
		}
	}
	if repo.Platform == nil || found.Failed() {
		return repo, nil, found
	}
	all, wrong := resolve.Clusters(repo, resolve.Options{Targets: lower.Names()})
	first := all[0]
	return repo, &cluster.Platform{Plan: first.Plan, Calico: first.Calico, DNS: first.DNS, Named: first.Named, Others: len(all) - 1}, append(found, wrong...)
}

// beside parts files into those of the language that may stand beside manifests, which is all but
// intents, and the others.
func beside(files []language.File) (ours, manifests []language.File) {
	for _, f := range files {
		if language.Ours(f) && !language.IsRego(f.Path) {
			ours = append(ours, f)
		}
	}
	repo, _ := language.Parse(ours)
	isIntent := map[string]bool{}
	for _, i := range repo.Intents {
		isIntent[i.Span.File] = true
	}
	ours = slices.DeleteFunc(ours, func(f language.File) bool { return isIntent[f.Path] })
	for _, f := range files {
		if !slices.ContainsFunc(ours, func(o language.File) bool { return o.Path == f.Path }) {
			manifests = append(manifests, f)
		}
	}
	return ours, manifests
}

// withoutMissing leaves out the finding that there is no Platform, which the surroundings of
// manifests need not have.
func withoutMissing(found diag.List) diag.List {
	return slices.DeleteFunc(found, func(d diag.Diagnostic) bool { return d.Is(language.NoPlatform) })
}

// meaning reads what the policies that run in one cluster do. No pod is without its namespace.
func (r running) meaning() (*meaning.Meaning, diag.List) {
	m, found := meaning.Of(r.set, r.known.Cluster)
	m.Hide(r.unread...)
	population.Settle(r.plan, r.set, m.Endpoints)
	return m, append(found, m.HostsNotEvaluated()...)
}

// assumed makes the plan of people who have none: the namespaces of their manifests, governed
// unless the Platform says otherwise, and no flow. Of a Namespace that nobody wrote down the name
// is known, for every Namespace has the label with it, and no other label.
func assumed(set object.Set, known object.Cluster, platform *cluster.Platform) *plan.Plan {
	p := &plan.Plan{Environment: language.DefaultEnvironment, Cluster: known, Stages: plan.DefaultStages()}
	all := map[string]plan.Namespace{}
	if platform != nil {
		p.Environment = platform.Environment
		for _, n := range platform.Namespaces {
			if !n.Pattern {
				n.Governed = false // nothing of it is in sight
				all[n.Name] = n
			}
		}
	}
	written := meaning.Namespaces(set)
	note := func(name string, inSight bool) {
		n, listed := all[name]
		if !listed {
			n = plan.Namespace{Name: name, Labels: map[string]string{}, Unwritten: written[name] == nil}
		}
		labels := map[string]string{plan.NamespaceLabel: name}
		for _, more := range []map[string]string{written[name], n.Labels} {
			for k, v := range more {
				labels[k] = v
			}
		}
		n.Labels, n.System = labels, slices.Contains(known.System, name)
		n.Governed = (n.Governed || inSight) && !n.System
		if platform != nil && listed {
			told, _ := platform.Namespace(name)
			n.Governed = n.Governed && told.Governed
		}
		all[name] = n
	}
	for _, o := range set.All() {
		switch {
		case o.ID.Kind == "Namespace" && o.Role == object.World:
			note(o.ID.Name, true)
		case o.ID.Namespace != "" && (o.Role == object.Policy || o.Role == object.World):
			note(o.ID.Namespace, !(ofBuild(o) && strings.HasPrefix(o.ID.Kind, "Staged"))) // which says that it is not yet governed
		case o.ID.Kind == "Tier" && ofBuild(o): // what stands in it is meant to go before whatever others allow
			p.Stages.GuardrailTier = o.ID.Name
			p.Guardrails = append(p.Guardrails, plan.Guardrail{Name: o.ID.Name})
		}
	}
	for _, name := range append(slices.Clone(known.System), known.DNS.Namespace) {
		note(name, false)
	}
	for _, name := range diag.SortedKeys(all) {
		p.Namespaces = append(p.Namespaces, all[name])
	}
	return p
}
