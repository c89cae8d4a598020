package compiler

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

var (
	mutants  = flag.Int("mutants", 400, "try one mutant of so many")
	shard    = flag.Int("shard", 0, "which one of so many")
	matching = flag.String("mutant", "", "try the mutants whose names contain this")
)

// outcome is what one environment of a repository gets.
type outcome struct {
	name       string
	plan       *plan.Plan
	set, world object.Set
	emitted    locate.Origins // and not what a component adds
}

// outcomes are those of the examples, of what is right in the examples of rules, and of
// the language's page; of those that are the same, one.
func outcomes(t *testing.T) []outcome {
	t.Helper()
	var all []outcome
	seen := map[string]bool{}
	add := func(name string, files []language.File) {
		for _, r := range rendered(t, name, files) {
			var key strings.Builder
			for _, o := range r.set.All() {
				key.Write(o.JSON)
			}
			if !seen[key.String()] && r.set.Len() > 0 {
				seen[key.String()] = true
				all = append(all, r)
			}
		}
	}
	tree := func(name, dir string) {
		files, _, err := sources.ReadTree(dir, sources.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		add(name, files)
	}
	for _, dir := range repositories(t) {
		tree(filepath.Base(dir), dir)
	}
	add("language", languagePage(t))
	names, err := filepath.Glob(filepath.Join(rulesDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dir := unpacked(t, archive, "right/")
		if _, err := os.Stat(filepath.Join(dir, language.PlatformFile)); err == nil {
			tree(strings.TrimSuffix(filepath.Base(name), ".txtar"), dir)
		}
	}
	return all
}

func rendered(t *testing.T, name string, files []language.File) []outcome {
	t.Helper()
	repo, found := language.Parse(files)
	plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names(), AllowEmpty: true})
	parts, vetted := render.Components(plans, files)
	r, lowered, err := render.Plans(plans, parts, nil)
	if err != nil {
		t.Fatal(name, err)
	}
	if found = slices.Concat(found, resolved, vetted, lowered); found.Failed() {
		t.Fatalf("%s: %v", name, found.Err())
	}
	world, _, _ := sources.World(repo, files)
	var all []outcome
	for _, e := range r.Environments {
		all = append(all, outcome{name + "/" + e.Plan.Environment, e.Plan, e.Objects, world, e.Emitted})
	}
	return all
}

// TestMutants changes what was rendered, one thing at a time: an object, a rule, a peer,
// a port, an address, a label, an order. What the oracle answers otherwise for some
// packet, the proof must find; what it answers alike for all, the proof must not.
//
// The answer at a pod that the plan holds is that of its half: one that lets more
// through is a mistake, though the other half still stops it. Elsewhere it is what
// becomes of the packet.
//
// It tries one of 400 mutants, and always the same ones; -mutants 20 -shard K one of
// twenty, for each K others, so that ci/explore tries all. -mutant "a name's part" tries
// those mutants alone.
func TestMutants(t *testing.T) {
	t.Parallel()
	var tried, equivalent, killed atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d mutants: %d equivalent, %d killed", tried.Load(), equivalent.Load(), killed.Load())
		if *matching == "" && 5*equivalent.Load() > 2*tried.Load() {
			t.Error("most mutants change no answer: the packets are too few")
		}
	})
	for n, r := range outcomes(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if found := prove(r.plan, r.set, r.world); found.Failed() {
				t.Fatal(found.Err())
			}
			c := compare(r)
			before := &shared{}
			before.prove(r.judged(t, r.plan, r.set))
			for i, m := range r.mutants() {
				if !strings.Contains(m.name, *matching) || *matching == "" && i%*mutants != (n+*shard)%*mutants {
					continue
				}
				tried.Add(1)
				r.again(t, *before, r.plan, m.among(r.set))
				if less := *r.plan; len(less.Flows) > 0 { // a line that nobody wrote any more
					less.Flows = slices.Delete(slices.Clone(less.Flows), i%len(less.Flows), i%len(less.Flows)+1)
					r.again(t, *before, &less, r.set)
				}
				w, differs := c.differs(m)
				found := prove(r.plan, m.among(r.set), r.world)
				switch {
				case !differs && found.Failed():
					t.Errorf("%s: no packet is answered otherwise, and the proof finds %v", m.name, found.Err())
				case !differs:
					equivalent.Add(1)
				case !w.meant(c.universe):
					t.Errorf("%s: %s; before, it is not what is meant", m.name, w)
				case found.Failed():
					killed.Add(1)
				default:
					t.Errorf("%s survives: %s", m.name, w)
				}
			}
		})
	}
}

// judged prepares a proof of objects for a plan, of those whom the outcome knows.
func (r outcome) judged(t *testing.T, p *plan.Plan, set object.Set) (*render.Environment, *relation.Relation, []*meaning.Endpoint) {
	t.Helper()
	e := &render.Environment{Plan: p, Objects: set}
	does, _ := relationOf(e)
	if does == nil {
		t.Fatal("the objects cannot be judged")
	}
	return e, provable(e, does), population.Of(p, r.world).Known()
}

// again proves with what a proof before found clean, and says what it says without.
func (r outcome) again(t *testing.T, before shared, p *plan.Plan, set object.Set) {
	t.Helper()
	e := &render.Environment{Plan: p, Objects: set}
	if does, _ := relationOf(e); does == nil {
		return
	}
	together := before.prove(r.judged(t, p, set))
	apart := (*shared)(nil).prove(r.judged(t, p, set))
	if !reflect.DeepEqual(together, apart) {
		t.Errorf("with a proof before: %v, and without: %v", together.Err(), apart.Err())
	}
}

// prove judges rendered objects as the build does: they can be read, and they are what
// is meant.
func prove(p *plan.Plan, set, world object.Set) diag.List {
	e := &render.Environment{Plan: p, Objects: set}
	does, found := relationOf(e)
	if does == nil {
		return found
	}
	return append(found, proof.Prove(p, provable(e, does), population.Of(p, world).Known())...)
}

// mutants are those of all objects that were emitted.
func (r outcome) mutants() []mutant {
	orders := map[string][]float64{} // of policies, by tier
	tierOf := func(o object.Object) (string, float64) {
		order := 1000.0
		tier := "default"
		switch typed := o.Typed.(type) {
		case *calico.GlobalNetworkPolicy:
			tier, order = typed.Spec.Tier, *typed.Spec.Order
		case *calico.NetworkPolicy:
			tier, order = typed.Spec.Tier, *typed.Spec.Order
		}
		return tier, order
	}
	for _, o := range r.set.All() {
		if strings.HasSuffix(o.ID.Kind, "NetworkPolicy") && !strings.HasPrefix(o.ID.Kind, "Staged") {
			tier, order := tierOf(o)
			if !slices.Contains(orders[tier], order) {
				orders[tier] = append(orders[tier], order)
			}
		}
	}
	var all []mutant
	for _, o := range r.set.All() {
		if _, ours := r.emitted[o.ID]; ours {
			tier, _ := tierOf(o)
			all = append(all, mutate(o, orders[tier])...)
		}
	}
	return all
}
