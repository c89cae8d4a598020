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
func (c *checks) judge(ctx context.Context, documents func(*clean) iter.Seq[facts.Document], known *clean, h *hearing) (diag.List, error) {
	<-c.ready
	if c.engine == nil {
		return nil, c.err
	}
	if c.own || c.engine.Reads("environment") {
		known = nil
	}
	if c.own { // who knows what those read
		h = nil
	}
	var asked []facts.Document
	keeps := known != nil && !known.final
	if known != nil {
		known.heard = h
	}
	return c.engine.CheckEach(ctx, func(yield func(any) bool) {
		for d := range documents(known) {
			h.hear(d)
			if known.has(d) {
				h.clean(d)
				continue
			}
			if keeps || h != nil {
				asked = append(asked, d)
			}
			if !yield(d) {
				return
			}
		}
	}, func(place int) {
		if keeps {
			known.add(asked[place])
		}
		if h != nil {
			h.clean(asked[place])
		}
	})
}

// hearing is what the documents of one environment come to. A nil one does not listen.
type hearing struct {
	// quiet are the namespaces in whose document nothing was found, and the cluster, which has no name,
	// if what their document says hangs on their own policies, the cluster's and the DNS pods'.
	quiet map[string]bool
	// unsettled: of some document it hangs on more.
	unsettled bool
}

// hear takes in what a document says.
func (h *hearing) hear(d facts.Document) {
	if h != nil {
		h.unsettled = h.unsettled || !hangsTogether(d)
	}
}

// clean takes in that nothing is found in a document.
func (h *hearing) clean(d facts.Document) {
	if h != nil && hangsTogether(d) {
		h.cleanOf(d.Namespace.Name)
	}
}

// cleanOf takes in that nothing would be found in the document of a namespace.
func (h *hearing) cleanOf(namespace string) {
	if h == nil {
		return
	}
	if h.quiet == nil {
		h.quiet = map[string]bool{}
	}
	h.quiet[namespace] = true
}

// hangsTogether reports whether what a document says hangs on nobody's policies elsewhere: that rules
// mean other DNS pods is read out of all of them. Of the cluster's, whose conflicts are looked for
// everywhere, it is for whoever makes the document to say.
func hangsTogether(d facts.Document) bool {
	return d.Platform.DNS.Elsewhere == "" && (d.Scope == "cluster" || facts.Settled(d))
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
	heard  *hearing                // whoever listens to what becomes of these; nil for nobody
	spared int                     // that rules need not judge
	unmade int                     // of these, that were not even made
	final  bool                    // nobody asks after those that are asked about: nothing is kept
}

// newClean knows no document to be clean.
func newClean() *clean {
	return &clean{last: map[string]facts.Document{}, of: map[string]*facts.Basis{}}
}

// keyOf makes the key of the clean document of a namespace, or of the cluster.
func keyOf(scope, namespace string) string { return scope + "/" + namespace }

// add keeps a document in which nothing was found.
func (c *clean) add(d facts.Document) {
	d.Environment = ""
	c.last[keyOf(d.Scope, d.Namespace.Name)] = d
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
	if c.final {
		delete(c.of, namespace)
	}
	if before == nil || !now.Alike(before, namespace) {
		return false
	}
	c.spared++
	c.unmade++
	if c.final {
		delete(c.last, keyOf("namespace", namespace))
	}
	c.heard.cleanOf(namespace)
	return true
}

// has reports whether a document is one in which nothing was found, but for its environment.
func (c *clean) has(d facts.Document) bool {
	if c == nil {
		return false
	}
	key := keyOf(d.Scope, d.Namespace.Name)
	before, known := c.last[key]
	if c.final {
		delete(c.last, key)
	}
	d.Environment = ""
	if !known || !reflect.DeepEqual(before, d) {
		return false
	}
	if !c.final {
		c.settle(d)
	}
	c.spared++
	return true
}
