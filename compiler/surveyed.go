package compiler

import (
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// surveyOf says what of a repository was judged, and what was not: what is staged or left open,
// what lies beside it that no intent describes, and what nothing was compared with.
func surveyOf(c compiled) *diag.Survey {
	s := &diag.Survey{Environments: len(c.plans)}
	policies, governed := map[object.ID]bool{}, map[string]bool{}
	workloads := map[string][]plan.Workload{} // by reference: it may be described otherwise elsewhere
	staged, open := map[string][]string{}, map[string][]string{}
	for i, p := range c.plans {
		for _, id := range c.policies(i) {
			policies[id] = true
		}
		for _, n := range p.Namespaces {
			switch {
			case n.Governed:
				governed[n.Name] = true
			case n.Staged && !n.Pattern:
				staged[n.Name] = append(staged[n.Name], p.Environment)
			case !n.System && !n.Pattern:
				open[n.Name] = append(open[n.Name], p.Environment)
			}
		}
		for _, w := range p.Workloads {
			workloads[w.Ref()] = append(workloads[w.Ref()], w)
		}
	}
	s.Workloads, s.Policies, s.Namespaces = len(workloads), len(policies), len(governed)
	add := func(n diag.NotJudged) {
		if n.Count = max(n.Count, len(n.Examples)); n.Count > 0 {
			s.NotJudged = append(s.NotJudged, n)
		}
	}
	add(diag.NotJudged{
		Reason: "namespaces that are staged", Means: "nothing is denied there yet", Examples: inSome(staged, s.Environments),
		Help: "enforce: true at the namespace, in the Platform",
	})
	add(diag.NotJudged{
		Reason: "namespaces that are not governed", Means: "nothing is closed there", Examples: inSome(open, s.Environments),
		Help: "enforce: staged, then true, at the namespace, in the Platform",
	})
	var carried []string
	for _, o := range c.carried {
		if o.Labels == nil && o.Annotations == nil { // else the policy is judged, and those are not
			carried = append(carried, o.Object.String())
		}
	}
	slices.Sort(carried)
	add(diag.NotJudged{Reason: "objects that are carried as the Platform says", Examples: slices.Compact(carried)})

	described, compared := heldTogether(c.world, workloads)
	add(withoutIntent(c.world, governed, described))
	alone := slices.DeleteFunc(diag.SortedKeys(workloads), func(ref string) bool { return compared[ref] })
	n := diag.NotJudged{
		Reason: "intents that no manifest was compared with", Examples: alone,
		Help: "put the workloads' manifests beside the intents: then labels, ports and the host network are compared",
	}
	if done := len(workloads) - len(alone); done > 0 && len(alone) > 0 {
		n.Reason, n.Count = "intents of which "+asWas(done)+" compared with a manifest", len(workloads)
	}
	add(n)
	return s
}

// policies lists for the survey the policies of one environment.
func (c compiled) policies(i int) []object.ID {
	var all []object.ID
	if r := c.recalled[c.plans[i]]; r != nil {
		for _, part := range r.known {
			all = append(all, part.Policies...)
		}
		return all
	}
	for _, o := range c.rendering.Environments[i].Objects.All() {
		if o.Role == object.Policy {
			all = append(all, o.ID)
		}
	}
	return all
}

// asWas counts for the survey with the verb that belongs to it.
func asWas(n int) string {
	if n == 1 {
		return "1 was"
	}
	return strconv.Itoa(n) + " were"
}

// inSome lists names in the survey, each with its environments where those are not all there are.
func inSome(names map[string][]string, environments int) []string {
	var all []string
	for _, name := range diag.SortedKeys(names) {
		if in := names[name]; len(in) < environments {
			name += " [" + strings.Join(in, ", ") + "]"
		}
		all = append(all, name)
	}
	return all
}

// heldTogether says for the survey which manifests an intent describes, and which intents were
// compared with one: it has the workload's name, or the pods that the intent selects.
func heldTogether(world object.Set, workloads map[string][]plan.Workload) (described map[object.ID]bool, compared map[string]bool) {
	described, compared = map[object.ID]bool{}, map[string]bool{}
	in := map[string][]plan.Workload{}
	for _, ref := range diag.SortedKeys(workloads) {
		w := workloads[ref][0]
		in[w.Namespace] = append(in[w.Namespace], workloads[ref]...)
	}
	for _, o := range world.All() {
		template := o.PodTemplate()
		if template == nil {
			continue
		}
		if ref := o.ID.Namespace + "/" + o.ID.Name; workloads[ref] != nil {
			described[o.ID], compared[ref] = true, true
			continue
		}
		for _, w := range in[o.ID.Namespace] {
			if w.Selector.Matches(template.Labels) {
				described[o.ID], compared[w.Ref()] = true, true
			}
		}
	}
	return described, compared
}

// withoutIntent lists for the survey the manifests whose pods a policy closes and no intent opens.
func withoutIntent(world object.Set, governed map[string]bool, described map[object.ID]bool) diag.NotJudged {
	n := diag.NotJudged{
		Reason: "workloads of governed namespaces without an intent", Means: "they get DNS",
		Help: "portcullis init DIR --from MANIFESTS drafts an intent for each",
	}
	for _, o := range world.All() {
		if t := o.PodTemplate(); t != nil && !t.Spec.HostNetwork && governed[o.ID.Namespace] && !described[o.ID] {
			n.Examples = append(n.Examples, o.ID.String())
		}
	}
	if len(n.Examples) == 1 {
		n.Means = "it gets DNS"
	}
	return n
}
