package compiler

import (
	"context"
	"iter"
	"reflect"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/render"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/relation"
	"portcullis.dev/rego"
)

// checks is the Rego engine, prepared while other stages run.
type checks struct {
	ready  chan struct{}
	engine *rego.Engine
	found  diag.List
	err    error
	own    bool // rules of the user's are among them
	partly bool // there are rules of the user's that it does not know
}

// prepareChecks begins to prepare the Rego engine with the user's own rules, beside other stages.
func prepareChecks(ctx context.Context, own map[string][]byte) *checks {
	c := &checks{ready: make(chan struct{}), own: len(own) > 0}
	go func() {
		defer close(c.ready)
		c.engine, c.found, c.err = rego.Prepare(ctx, rego.Options{Modules: own})
	}()
	return c
}

// wait waits until the engine is prepared, and returns every rule of the program, and what is
// wrong with the user's own.
func (c *checks) wait() ([]*diag.Rule, diag.List, error) {
	<-c.ready
	rules := Rules()
	if c.engine != nil {
		rules = append(rules, c.engine.Rules()...)
	}
	return rules, c.found, c.err
}

// judge lets the rules in Rego decide on documents, less those that are known to be clean. Where
// there is no engine nothing is decided: wait tells why.
func (c *checks) judge(ctx context.Context, documents func(*clean) iter.Seq[facts.Document], known *clean) (diag.List, error) {
	<-c.ready
	if c.engine == nil {
		return nil, c.err
	}
	if c.own || c.engine.Reads("environment") {
		known = nil
	}
	var asked []facts.Document
	return c.engine.CheckEach(ctx, func(yield func(any) bool) {
		for d := range documents(known) {
			if known.has(d) {
				continue
			}
			if known != nil {
				asked = append(asked, d)
			}
			if !yield(d) {
				return
			}
		}
	}, func(place int) {
		if known != nil {
			known.add(asked[place])
		}
	})
}

// factsOf prepares the documents of an environment of a build, less those of which it is known by
// what they are made of that they are clean.
func factsOf(e *render.Environment, does *relation.Relation, everybody population.Population) func(*clean) iter.Seq[facts.Document] {
	return func(known *clean) iter.Seq[facts.Document] {
		if known == nil {
			return facts.Of(e.Plan, does, e.Objects, everybody)
		}
		return facts.AllBut(e.Plan, does, e.Objects, everybody, known.hasOf)
	}
}

// clean are documents in which the rules of the program found nothing, each the last of its
// namespace, or of the cluster. Of one that is equal, or made of the same, they find nothing again:
// a rule reads its document and nothing else, and none of the program's reads of which environment it
// is. A nil one knows none.
type clean struct {
	last   map[string]facts.Document
	of     map[string]*facts.Basis // by namespace: what the last one is made of, if that settles what it says
	now    *facts.Basis            // of the documents that are asked about
	spared int                     // that rules need not judge
	unmade int                     // of these, that were not even made
}

// newClean knows no document to be clean.
func newClean() *clean {
	return &clean{last: map[string]facts.Document{}, of: map[string]*facts.Basis{}}
}

// add keeps a document in which nothing was found.
func (c *clean) add(d facts.Document) {
	d.Environment = ""
	c.last[d.Scope+"/"+d.Namespace.Name] = d
	c.settle(d)
}

// settle keeps what a clean document was made of.
func (c *clean) settle(d facts.Document) {
	delete(c.of, d.Namespace.Name)
	if facts.Settled(d) {
		c.of[d.Namespace.Name] = c.now
	}
}

// hasOf reports whether the document of a namespace is made of what one is in which nothing was
// found.
func (c *clean) hasOf(now *facts.Basis, namespace string) bool {
	c.now = now
	before := c.of[namespace]
	if before == nil || !now.Alike(before, namespace) {
		return false
	}
	c.spared++
	c.unmade++
	return true
}

// has reports whether a document is one in which nothing was found, but for its environment.
func (c *clean) has(d facts.Document) bool {
	if c == nil {
		return false
	}
	before, known := c.last[d.Scope+"/"+d.Namespace.Name]
	d.Environment = ""
	if !known || !reflect.DeepEqual(before, d) {
		return false
	}
	c.settle(d)
	c.spared++
	return true
}
