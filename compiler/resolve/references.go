package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// clusterUnit is where the tree keeps what belongs to no namespace.
const clusterUnit = "cluster"

// checkReferences finds names that are wrong whatever the environment: environments,
// groups and targets that there are not, and names that two things have.
func (r *repository) checkReferences(w written, targets []string) diag.List {
	spec := r.Platform.Spec
	c := references{environments: map[string]diag.Span{}}
	c.declare(spec)
	for _, i := range r.Intents {
		c.lists(i.Spec.In)
	}
	for _, l := range w.lines {
		c.lists(l.terms.In)
	}
	for _, t := range w.tests {
		for _, name := range t.In {
			c.environment(language.At[language.Name]{Value: name, Span: t.span})
		}
	}
	for _, g := range spec.Guardrails {
		c.lists(g.In)
	}
	for _, q := range spec.Quarantine {
		c.lists(q.In)
	}
	for _, component := range spec.Components {
		c.lists(component.In)
	}
	for _, n := range r.order {
		c.lists(n.Value.In)
		c.lists(keys(n.Value.Enforce.By))
	}
	for _, p := range spec.Peers {
		c.lists(keys(p.Value.Is.By))
		if builtInPeers[p.Key.Value] != "" {
			c.add(language.Reserved.At(p.Key.Span, "@%s is what the language calls %s", p.Key.Value, builtInPeers[p.Key.Value]).Suggest("choose another name"))
		}
	}
	for _, w := range r.Waivers {
		if e := w.Spec.Match.Environment; e.Given() {
			c.environment(e)
		}
	}
	c.once(r)
	lists := [][]language.At[language.Name]{spec.Targets}
	for _, e := range spec.Environments {
		lists = append(lists, e.Value.Targets)
	}
	for _, t := range slices.Concat(lists...) {
		if !slices.Contains(targets, string(t.Value)) {
			c.add(suggestName(language.BadName.At(t.Span, "there is no target called %s", t.Value), t.Span, string(t.Value), targets, "the targets are"))
		}
	}
	return c.found
}

// references is one look at every name of a repository.
type references struct {
	environments map[string]diag.Span // and groups
	found        diag.List
}

// add keeps a finding about a name that refers to nothing, or to two things.
func (c *references) add(f diag.Diagnostic) { c.found = append(c.found, f) }

// declare learns the names of environments and groups, which share one space.
func (c *references) declare(spec language.PlatformSpec) {
	groups := map[string]diag.Span{}
	for _, e := range spec.Environments {
		c.environments[string(e.Key.Value)] = e.Key.Span
		if g := e.Value.Group; g.Given() {
			groups[string(g.Value)] = g.Span
		}
	}
	for _, name := range diag.SortedKeys(groups) {
		if first, both := c.environments[name]; both {
			c.add(language.Reserved.At(groups[name], "%s is an environment and a group", name).See(first, "the environment").
				Suggest("rename one of the two: %s must mean one thing", yamltext.Line(yamltext.Field{Key: "in", Value: yamltext.List{name}})))
		}
		c.environments[name] = groups[name]
	}
	if len(c.environments) == 0 {
		c.environments[language.DefaultEnvironment] = diag.Span{}
	}
}

// lists looks up every name of a list of environments and groups.
func (c *references) lists(names []language.At[language.Name]) {
	for _, n := range names {
		c.environment(n)
	}
}

// environment looks up one name among the environments and groups, and suggests a near one.
func (c *references) environment(n language.At[language.Name]) {
	if _, ok := c.environments[string(n.Value)]; !ok && n.Value != "" {
		c.add(suggestName(unknownEnvironment.At(n.Span, "there is no environment or group called %s", n.Value),
			n.Span, string(n.Value), diag.SortedKeys(c.environments), "the environments and groups are"))
	}
}

// once complains of names that are given twice, and of those that the emitted tree needs for
// itself.
func (c *references) once(r *repository) {
	refuseUnit := func(name string, span diag.Span) {
		if name == clusterUnit {
			c.add(language.Reserved.At(span, "a namespace cannot be called %s", clusterUnit).
				Because("base/%s holds the objects that belong to no namespace", clusterUnit).
				Suggest("leave the namespace to other means, or rename it"))
		}
	}
	for _, e := range r.order {
		refuseUnit(string(e.Key.Value), e.Key.Span)
	}
	seen := make(map[string]diag.Span, len(r.instances))
	for _, i := range r.instances {
		if !r.exclusive {
			refuseUnit(i.namespace, i.span)
		}
		name, ref := i.intent.Metadata.Name, i.ref()
		if first, twice := seen[ref]; twice {
			f := workloadTwice.At(name.Span, "%s is described twice", ref).Suggest("merge the two documents, or give one another name")
			if first != name.Span {
				f = f.See(first, "first here")
			}
			c.add(f)
			continue
		}
		seen[ref] = name.Span
	}
	twice := func(what string, names []language.At[language.Name]) {
		seen := map[language.Name]diag.Span{}
		for _, n := range names {
			if first, again := seen[n.Value]; again {
				c.add(language.SaidTwice.At(n.Span, "%s %s is declared twice", what, n.Value).See(first, "first here").Suggest("give one another name"))
			}
			seen[n.Value] = n.Span
		}
	}
	var guardrails, waivers []language.At[language.Name]
	for _, g := range r.Platform.Spec.Guardrails {
		guardrails = append(guardrails, g.Name)
	}
	for _, w := range r.Waivers {
		waivers = append(waivers, w.Metadata.Name)
	}
	twice("the guardrail", guardrails)
	twice("the waiver", waivers)
}

// keys lists the environments that a mapping refers to by its keys.
func keys[V any](m language.Mapping[language.Name, V]) []language.At[language.Name] {
	all := make([]language.At[language.Name], len(m))
	for i, e := range m {
		all[i] = e.Key
	}
	return all
}

// suggestName adds to a finding about a wrong name which one was probably meant, or which there
// are.
func suggestName(f diag.Diagnostic, span diag.Span, word string, known []string, there string) diag.Diagnostic {
	if near := diag.Nearest(word, known); near != "" {
		near = yamltext.Quote(near)
		return f.Suggest("did you mean %s?", near).Replace(span, near)
	}
	return f.Suggest("%s %s", there, diag.Enumerate(known, "and"))
}
