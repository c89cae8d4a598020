package compiler

import (
	"path"
	"slices"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
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

	// Baseline is the text of the one that a check was asked to write; nil where it was not, or
	// where something could not be judged.
	Baseline []byte

	// Unverified is the tree that what was judged stands against: it could be
	// rendered, and a rule refuses it. Only who says so may emit it. Otherwise nil.
	Unverified overlays.Tree
	// Inputs are the files that either tree depends on: path → bytes.
	Inputs map[string][]byte

	// Unkept is why a cache did not keep what became known; nil if nothing went wrong.
	Unkept error

	recalled int // environments that a cache knew so well that they were not judged whole

	plans  []*plan.Plan // that were judged; nil where some rule did not judge some of them
	engine *rego.Engine // that judged them; nil where the user's rules are broken

	traffic govern.Traffic // of the plans; nil where nothing was judged
}

// Environment is what one cluster gets.
type Environment struct {
	Name    string
	Objects object.Set

	emitted locate.Origins // what it was lowered to, with the reasons
}

// Failed reports whether something stands against emitting what was built.
func (b *Built) Failed() bool { return b.Report.Findings.Failed() }

// take takes over into the result what was compiled, as far as the report lets anybody have it: of
// one namespace where one is given.
func (b *Built) take(c compiled, namespace string) {
	b.Proofs = proofsOf(c.plans, b.Report.Findings, c.carried)
	if b.Report.Findings.Unjudgeable() {
		return
	}
	rendering := c.rendering
	if rendering == nil { // a report was all that was asked for
		return
	}
	if namespace != "" {
		rendering = rendering.In(namespace)
	}
	if b.Failed() {
		b.Unverified = rendering.Tree
	} else {
		b.Tree = rendering.Tree
		for _, e := range rendering.Environments {
			b.Environments = append(b.Environments, Environment{e.Plan.Environment, e.Objects, e.Emitted})
		}
	}
	b.Inputs, b.Carried = c.inputs, carriedOf(c.carried, namespace)
	for _, of := range c.components {
		for name, data := range of.Files {
			b.Inputs[path.Join(of.Path, name)] = data
		}
	}
}

// proofsOf says of a built bundle what was proved of each plan.
func proofsOf(plans []*plan.Plan, found diag.List, unjudged []deploy.CarriedIn) []bundle.Proof {
	var all []bundle.Proof
	for _, p := range plans {
		assumed := proof.AssumptionsOf(p)
		if names := deploy.CarriedFelix(unjudged, p.Environment); names != nil {
			assumed = assumed.CarriedFelix(names)
		}
		result := "held"
		for _, d := range found {
			if slices.Contains(proof.Rules, d.Rule) && (len(d.Environments) == 0 || slices.Contains(d.Environments, p.Environment)) {
				result = "failed"
			}
		}
		all = append(all, bundle.Proof{Environment: p.Environment, Result: result, Assumptions: assumed})
	}
	return all
}

// carriedOf makes the entries of bundle.json for what was built and not judged, of one namespace
// where one is given.
func carriedOf(all []deploy.CarriedIn, namespace string) []bundle.Carried {
	var entries []bundle.Carried
	for _, c := range all {
		if namespace == "" || c.Object.Namespace == namespace {
			entries = append(entries, bundle.Carried{Environment: c.Environment, Object: c.Object, Labels: c.Labels, Annotations: c.Annotations})
		}
	}
	return entries
}

// everywhere clears the list of a finding's environments where it names them all.
func everywhere(found diag.List, environments int) diag.List {
	sorted := found.Sorted()
	for i := range sorted {
		if len(sorted[i].Environments) == environments {
			sorted[i].Environments = nil
		}
	}
	return sorted
}

// sourcesOf maps files to their bytes by path, for the report to show lines of.
func sourcesOf(files []language.File) map[string][]byte {
	sources := make(map[string][]byte, len(files))
	for _, f := range files {
		sources[f.Path] = f.Data
	}
	return sources
}
