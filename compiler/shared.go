package compiler

import (
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// shared is what is known of the environments of a build and of the sides of a difference that came
// before, so that what they have in common is read and judged once. It lives as long as one build or
// one difference. What is judged again is only what was found clean: a finding names places and
// environments, and is found anew. A nil one knows nothing: what is told is the same.
type shared struct {
	parser    language.Parser
	rendered  *render.Memory
	documents *clean
	held      *proof.Held // of which nothing was found; nil for none
	spared    int         // namespaces about which proofs did not ask again

	// Of two sides one may be rendered while the one before is judged.
	lastRendering bool // what is rendered next is the last of all
	lastJudgement bool // the last environment of what is judged next is
	final         bool // what is judged is
}

// newShared makes what has seen nothing yet. Of a difference, of which each side is rendered by itself,
// it keeps the files that it reads.
func newShared(difference bool) *shared {
	s := &shared{rendered: render.NewMemory(), documents: newClean(), lastRendering: !difference, lastJudgement: !difference}
	if difference {
		s.parser.Keep()
	}
	return s
}

// keeper returns what reads a repository of intents, less the files that the side before has as
// well, or that it read itself.
func (s *shared) keeper() *language.Parser {
	if s == nil {
		return new(language.Parser).Keep()
	}
	return &s.parser
}

// render renders plans, less the objects that those before have as well.
func (s *shared) render(plans []*plan.Plan, components map[string]overlays.Component, child overlays.Child) (*render.Rendering, diag.List, error) {
	if s == nil {
		return render.Plans(plans, components, child)
	}
	r, found, err := s.rendered.Plans(plans, components, child)
	if s.lastRendering {
		s.rendered.Forget()
	}
	return r, found, err
}

// begin begins to judge an environment, the last one of its build or not. What was kept for the last
// of all is let go of as that asks for it, since nobody does again.
func (s *shared) begin(last bool) {
	if s != nil {
		s.final = s.lastJudgement && last
		s.documents.final = s.final
	}
}

// clean returns the documents that are known to be clean.
func (s *shared) clean() *clean {
	if s == nil {
		return nil
	}
	return s.documents
}

// prove holds what was rendered of an environment against its plan. Where something is found although
// some of it was not asked again, all of it is asked: what is told is one packet of many.
func (s *shared) prove(e *render.Environment, r *relation.Relation, endpoints []*meaning.Endpoint) diag.List {
	if s == nil {
		return proof.Prove(e.Plan, r, endpoints)
	}
	found, spared, held := proof.Again(e.Plan, r, e.Objects, endpoints, s.held)
	if len(found) > 0 && spared > 0 {
		return proof.Prove(e.Plan, population.RelationOf(e.Plan, r.Meaning), endpoints)
	}
	if s.spared += spared; s.final {
		s.held = nil
	} else if held != nil {
		s.held = held
	}
	return found
}
