package compiler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"

	"portcullis.dev/compiler/cache"
	"portcullis.dev/compiler/deploy"
	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// What a cache keeps is where nothing was found: in a whole repository, by the bytes of its files, and
// in namespaces of an environment, by what its plan says of them. Whatever somebody has to be told is
// found anew in each run, at the places where it is now.

// quiet is kept of a repository in which nothing was found.
type quiet struct{ Survey *diag.Survey }

// keyOfFiles makes the key of a whole repository; none where what is found hangs on more than its files.
func (o Options) keyOfFiles(files []language.File, before diag.List) (key cache.Key, some bool) {
	if o.Cache == nil || !o.Unemitted || len(before) > 0 {
		return key, false
	}
	parts := []string{"repository", o.Namespace, o.Environment, strconv.FormatBool(o.AllowEmpty)}
	for _, f := range files {
		if language.IsRego(f.Path) { // it may ask what day it is
			return key, false
		}
		parts = append(parts, f.Path, string(f.Data))
	}
	return o.Cache.Key(parts...), true
}

// quietly makes the report of a repository in which nothing is found.
func quietly(q quiet, checks *checks, files []language.File) (*Built, error) {
	rules, _, err := checks.wait() // of the program's own rules nothing is wrong
	if err != nil {
		return nil, err
	}
	built := &Built{Report: diag.NewReport(nil, rules, sourcesOf(files))}
	built.Report.Survey, built.recalled = q.Survey, q.Survey.Environments
	return built, nil
}

// isTimeless reports whether what is found in a repository hangs on no day.
func isTimeless(repo *language.Repository) bool {
	return len(repo.Waivers) == 0 && len(repo.Endings()) == 0
}

// knowledge is kept of an environment: what is known of its namespaces, by their names, and of the
// objects of its cluster, which has none.
type knowledge map[string]knownPart

// knownPart is a part of an environment. Nothing was found in it when it had this digest, which is that
// of a namespace in the plan, or of the objects of the cluster; where something was, there is none.
type knownPart struct {
	Digest   string      `json:"digest"`
	Policies []object.ID `json:"policies"` // that it came to
}

// keyOfEnvironment makes the key of what is known of an environment: of all that concerns more than one
// of its namespaces, manifests beside the intents included.
func (o Options) keyOfEnvironment(digests plan.Digests, world object.Set) cache.Key {
	parts := []string{"environment", string(digests.Common[:])}
	for _, x := range world.All() {
		parts = append(parts, x.ID.String(), x.File, string(x.JSON))
	}
	return o.Cache.Key(parts...)
}

// knownOf gathers what is known of the parts of an environment whose objects are there, once they were
// judged.
func knownOf(digests plan.Digests, set object.Set, quiet map[string]bool) knowledge {
	all := knowledge{}
	for name, digest := range digests.Namespaces {
		if quiet[name] {
			all[name] = knownPart{Digest: hex.EncodeToString(digest[:])}
		}
	}
	all[""] = knownPart{Digest: digestOfCluster(set)}
	for _, o := range set.All() {
		if o.Role == object.Policy {
			part := all[o.ID.Namespace]
			part.Policies = append(part.Policies, o.ID)
			all[o.ID.Namespace] = part
		}
	}
	return all
}

// digestOfCluster digests the objects that are in no namespace.
func digestOfCluster(set object.Set) string {
	h := sha256.New()
	for _, o := range set.All() {
		if o.ID.Namespace == "" {
			h.Write([]byte(o.ID.String() + "\n" + string(o.JSON) + "\n"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// changed lists the namespaces of which it is not known that nothing is found in them.
func (k knowledge) changed(digests plan.Digests) map[string]bool {
	changed := map[string]bool{}
	for name, digest := range digests.Namespaces {
		if k[name].Digest != hex.EncodeToString(digest[:]) {
			changed[name] = true
		}
	}
	return changed
}

// recalled is an environment of which only was judged what a cache does not know.
type recalled struct {
	found   diag.List
	traffic func() *proof.Exceptions
	known   knowledge // of all of it
	unkept  error     // why the cache did not keep that
}

// recallAll judges of the plans of a compiled repository what a cache does not know.
func (o Options) recallAll(ctx context.Context, c compiled, checks *checks) (map[*plan.Plan]*recalled, error) {
	all := map[*plan.Plan]*recalled{}
	for _, p := range c.plans {
		r, err := o.recall(ctx, p, c.world, checks)
		if err != nil {
			return nil, err
		}
		if r != nil {
			all[p] = r
		}
	}
	return all, nil
}

// isRecalled reports whether of every environment only was judged what a cache does not know.
func (c compiled) isRecalled() bool { return len(c.recalled) == len(c.plans) }

// recall judges of a plan what a cache does not know. It is nil where that cannot be judged by itself, or
// more is found than what rules find in a namespace: then all of the environment is to be judged.
func (o Options) recall(ctx context.Context, p *plan.Plan, world object.Set, checks *checks) (*recalled, error) {
	if o.Cache == nil || len(p.Components) > 0 || checks.own {
		return nil, nil
	}
	digests := p.Digests()
	key := o.keyOfEnvironment(digests, world)
	r := &recalled{traffic: trafficLater(p, world)}
	if !o.Cache.Load(key, &r.known) {
		return nil, nil
	}
	changed := r.known.changed(digests)
	if len(changed) == 0 {
		return r, nil
	}
	dns := p.Cluster.DNS.Namespace // of those whom everybody asks for names
	if changed[dns] || 2*len(changed) > len(digests.Namespaces) {
		return nil, nil
	}
	around := maps.Clone(changed)
	if _, listed := digests.Namespaces[dns]; listed {
		around[dns] = true
	}
	e, found, err := render.Near(p, diag.SortedKeys(around), nil, nil)
	if err != nil || len(found) > 0 || digestOfCluster(e.Objects) != r.known[""].Digest {
		return nil, err
	}
	refused, carried := deploy.Judge(&render.Rendering{Environments: []render.Environment{*e}})
	does, unread := relationOf(e)
	if len(refused)+len(carried)+len(unread) > 0 {
		return nil, nil
	}
	everybody := population.Of(p, world)
	if len(proof.Near(p, provable(e, does), everybody.Known(), around, changed)) > 0 {
		return nil, nil
	}
	var h hearing
	wrong, err := checks.judge(ctx, func(*clean) iter.Seq[facts.Document] {
		return facts.Near(p, does, e.Objects, everybody, around)
	}, nil, &h)
	if err != nil || !h.quiet[""] || h.unsettled {
		return nil, err
	}
	located := locate.Governed(e.Places().Findings(wrong), p)
	r.found = locate.WithEvidence(located, e.Emitted, locate.AuthorsOf(p)).In(p.Environment)
	now := knownOf(digests, e.Objects, h.quiet)
	for name := range around {
		r.known[name] = now[name]
	}
	r.unkept = o.Cache.Keep(key, r.known)
	return r, nil
}

// trafficLater prepares a build's governance to decide what lines mean, once somebody asks, of an
// environment of which not all was judged.
func trafficLater(p *plan.Plan, world object.Set) func() *proof.Exceptions {
	return sync.OnceValue(func() *proof.Exceptions {
		var all []string
		for _, n := range p.Namespaces {
			all = append(all, n.Name)
		}
		e, _, _ := render.Near(p, all, nil, nil) // without components it comes to the same whenever it is asked for
		does, _ := relationOf(e)
		return trafficOf(e, provable(e, does).Meaning, population.Of(p, world))()
	})
}

// listen prepares to hear where nothing is found in an environment of which nothing was found until now;
// nil for nobody who would want to know.
func (o Options) listen(c compiled, e *render.Environment, found diag.List) *hearing {
	if o.Cache == nil || len(e.Plan.Components) > 0 || len(found)+len(c.unclear)+len(c.refused)+len(c.carried) > 0 {
		return nil
	}
	return &hearing{}
}

// keep keeps where nothing was found in an environment all of which was judged: by the rules, as heard,
// and by the proof, in which there was nothing anywhere.
func (o Options) keep(e *render.Environment, world object.Set, h *hearing) error {
	if h == nil || !h.quiet[""] {
		return nil
	}
	digests := e.Plan.Digests()
	unjudged := func(n plan.Namespace) bool { return n.Pattern && !h.quiet[n.Name] }
	if slices.ContainsFunc(e.Plan.Namespaces, unjudged) {
		return nil
	}
	for _, x := range e.Objects.All() {
		if _, listed := digests.Namespaces[x.ID.Namespace]; !listed && x.ID.Namespace != "" {
			return nil
		}
	}
	return o.Cache.Keep(o.keyOfEnvironment(digests, world), knownOf(digests, e.Objects, h.quiet))
}
