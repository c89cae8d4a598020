package compiler

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
)

var (
	step     = flag.Int("step", 1, "")
	mutants  = flag.Bool("mutants", false, "try every mutant, not one of some")
	matching = flag.String("mutant", "", "try the mutants whose names contain this")
)

// rendering is what one environment of a repository gets.
type rendering struct {
	name       string
	plan       *plan.Plan
	set, world object.Set
	emitted    origins // and not what a component adds
}

// renderings are those of the examples, of what is right in the examples of rules, and of
// the language's page; of those that are the same, one.
func renderings(t *testing.T) []rendering {
	t.Helper()
	var all []rendering
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

func rendered(t *testing.T, name string, files []intent.File) []rendering {
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
	var all []rendering
	for i, p := range plans {
		all = append(all, rendering{name + "/" + p.Environment, p, environments[i].Objects, world, emitted[i]})
	}
	return all
}

// TestMutants changes what was rendered, one thing at a time: an object, a rule, a peer,
// a port, an address, a label, an order. What the oracle answers otherwise for some packet,
// the proof must find; what it answers alike for all of them, the proof must not.
//
// Answers are the verdict on the packet and, at pods that the plan holds, that of their
// half: a half that lets more through is a mistake, though the other one still stops it.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, r := range renderings(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if found := prove(r.plan, r.set, r.world); found.Failed() {
				t.Fatal(found.Err())
			}
			c := compare(r)
			total, equivalent := 0, 0
			for i, m := range r.mutants() {
				if *step > 1 && i%*step != 0 {
					continue
				}
				if !strings.Contains(m.name, *matching) {
					continue
				}
				total++
				w, differs := c.differs(m)
				killed := prove(r.plan, m.among(r.set), r.world).Failed()
				if !differs {
					equivalent++
				}
				switch {
				case !differs && killed:
					t.Errorf("%s: the proof finds something, and no packet is answered otherwise: %v", m.name, prove(r.plan, m.among(r.set), r.world).Err())
				case differs && !killed:
					cat := ""
					for _, e := range []end{w.from, w.to} {
						switch {
						case e.Namespace == "":
							cat += "A"
						case e.held:
							cat += "H"
						default:
							cat += "U"
						}
					}
					cat += fmt.Sprint(" ", w.was.Egress.Outcome, "/", w.was.Ingress.Outcome, "->", w.now.Egress.Outcome, "/", w.now.Ingress.Outcome)
					t.Errorf("CAT %s %s: the proof finds nothing, and %s", cat, m.name, w)
				case differs && !w.meant(c.universe):
					t.Errorf("%s: what was rendered for %s is not what is meant", m.name, w)
				}
			}
			t.Logf("COUNT %d %d (%d pods)", total, equivalent, len(c.pods))
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
func (r rendering) mutants() []mutant {
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
