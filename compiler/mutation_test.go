package compiler

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

var (
	mutants  = flag.Int("mutants", 100, "try one mutant of so many")
	matching = flag.String("mutant", "", "try the mutants whose names contain this")
)

// outcome is what one environment of a repository gets.
type outcome struct {
	name       string
	plan       *plan.Plan
	set, world object.Set
	emitted    origins // and not what a component adds
}

// outcomes are those of the examples, of what is right in the examples of rules, and of
// the language's page; of those that are the same, one.
func outcomes(t *testing.T) []outcome {
	t.Helper()
	var all []outcome
	seen := map[string]bool{}
	add := func(name string, files []intent.File) {
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
		files, _, err := ReadTree(dir, DefaultLimits())
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
		if _, err := os.Stat(filepath.Join(dir, intent.PlatformFile)); err == nil {
			tree(strings.TrimSuffix(filepath.Base(name), ".txtar"), dir)
		}
	}
	return all
}

func rendered(t *testing.T, name string, files []intent.File) []outcome {
	t.Helper()
	repo, found := intent.Parse(files)
	plans, resolved := repo.Resolve(intent.Options{Targets: lower.Names(), AllowEmpty: true})
	parts, vetted := components(plans, files)
	emitted, overlaid, lowered := emit(plans, parts)
	if found = slices.Concat(found, resolved, vetted, lowered); found.Failed() {
		t.Fatalf("%s: %v", name, found.Err())
	}
	environments, found, err := render(overlays.Write(overlaid), overlaid)
	if err != nil || found.Failed() {
		t.Fatal(name, err, found.Err())
	}
	world, _ := worldOf(files)
	var all []outcome
	for i, p := range plans {
		all = append(all, outcome{name + "/" + p.Environment, p, environments[i].Objects, world, emitted[i]})
	}
	return all
}

// bug is a kind of mutants that survive.
type bug struct {
	name string
	is   func(p *plan.Plan, w witness) bool
}

// bugs are what the proof is known not to find.
var bugs = []bug{
	{"what closes pods that nobody governs is not found", func(_ *plan.Plan, w witness) bool {
		closed := func(e end, was, now oracle.Half) bool {
			return !e.held && was.Outcome == oracle.Allow && now.Outcome != oracle.Allow
		}
		return closed(w.from, w.was.Egress, w.now.Egress) || closed(w.to, w.was.Ingress, w.now.Ingress)
	}},
	{"where the Platform does not say where pods are, all addresses are theirs that no line names", func(p *plan.Plan, w witness) bool {
		return len(p.Cluster.PodCIDRs) == 0 && (w.from.pod == nil || w.to.pod == nil)
	}},
}

// TestMutants changes what was rendered, one thing at a time: an object, a rule, a peer,
// a port, an address, a label, an order. What the oracle answers otherwise for some
// packet, the proof must find; what it answers alike for all, the proof must not.
//
// The answer at a pod that the plan holds is that of its half: one that lets more
// through is a mistake, though the other half still stops it. Elsewhere it is what
// becomes of the packet.
//
// It tries one of a hundred mutants; continuous integration one of ten, and -mutants 1
// all, which takes an hour. -mutant "a name's part" tries those mutants alone.
func TestMutants(t *testing.T) {
	t.Parallel()
	var tried, equivalent, killed atomic.Int64
	survivors := make([]atomic.Int64, len(bugs))
	everything := *mutants == 1 && *matching == ""
	t.Cleanup(func() {
		t.Logf("%d mutants: %d equivalent, %d killed", tried.Load(), equivalent.Load(), killed.Load())
		for i, b := range bugs {
			t.Logf("%d survivors: %s", survivors[i].Load(), b.name)
			if everything && survivors[i].Load() == 0 {
				t.Errorf("nothing shows it any more: %s", b.name)
			}
		}
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
			for i, m := range r.mutants() {
				if !strings.Contains(m.name, *matching) || *matching == "" && i%*mutants != n%*mutants {
					continue
				}
				tried.Add(1)
				w, differs := c.differs(m)
				found := prove(r.plan, m.among(r.set), r.world)
				known := slices.IndexFunc(bugs, func(b bug) bool { return b.is(r.plan, w) })
				switch {
				case !differs && found.Failed():
					t.Errorf("%s: no packet is answered otherwise, and the proof finds %v", m.name, found.Err())
				case !differs:
					equivalent.Add(1)
				case !w.meant(c.universe):
					t.Errorf("%s: %s; before, it is not what is meant", m.name, w)
				case found.Failed():
					killed.Add(1)
				case known >= 0:
					survivors[known].Add(1)
				default:
					t.Errorf("%s survives: %s", m.name, w)
				}
			}
		})
	}
}

// prove judges rendered objects as the build does: they can be read, and they are what
// is meant.
func prove(p *plan.Plan, set, world object.Set) diag.List {
	m, found := meaning.Of(set, p.Assumed())
	if found.Failed() {
		return found
	}
	everybody := population.Of(p, world)
	return append(found, proof.Prove(p, m, slices.Concat(everybody.Described, everybody.Planned, everybody.LookAlikes))...)
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
