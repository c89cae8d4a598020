package compiler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/relation"
	"portcullis.dev/testdata/fleet"
)

// stages are those of a build, one after the other: what each hands to the next.
type stages struct {
	files     []language.File
	repo      *language.Repository
	plans     []*plan.Plan
	lowered   *render.Rendering
	rendering *render.Rendering
	relations []*relation.Relation
	documents []facts.Document
	found     diag.List
	err       error
}

func newStages(size fleet.Size) *stages {
	s := &stages{}
	files := size.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.files = append(s.files, language.File{Path: name, Data: []byte(files[name])})
	}
	return s
}

// stage is one of them by its name.
type stage struct {
	name string
	run  func()
}

func (s *stages) all() []stage {
	add := func(found diag.List) { s.found = append(s.found, found...) }
	environments := func() []render.Environment { return s.rendering.Environments }
	return []stage{
		{"parse", func() { s.repo, s.found = language.Parse(s.files) }},
		{"resolve", func() {
			plans, found := resolve.Plans(s.repo, resolve.Options{Targets: lower.Names()})
			s.plans = plans
			add(found)
		}},
		{"lower", func() { s.lowered, _ = render.NewMemory().Lower(s.plans, nil) }},
		{"lower and render", func() {
			rendering, found, err := render.NewMemory().Plans(s.plans, nil, nil)
			s.rendering, s.err = rendering, err
			add(found)
		}},
		{"relate", func() {
			s.relations = nil
			for i := range environments() {
				r, found := relationOf(&environments()[i])
				s.relations = append(s.relations, r)
				add(found)
			}
		}},
		{"prove", func() {
			for i, e := range environments() {
				add(proof.Prove(e.Plan, s.relations[i], population.Of(e.Plan, e.Objects).Known()))
			}
		}},
		{"facts", func() {
			s.documents = nil
			for i, e := range environments() {
				s.documents = slices.AppendSeq(s.documents, facts.Of(e.Plan, s.relations[i], e.Objects, population.Of(e.Plan, e.Objects)))
			}
		}},
		{"rules", func() {
			found, err := prepareChecks(context.Background(), nil).judge(context.Background(), func(*clean) iter.Seq[facts.Document] { return slices.Values(s.documents) }, nil, nil)
			s.err = err
			add(found)
		}},
		{"check the base", func() {
			var base []language.File
			for _, name := range slices.Sorted(maps.Keys(s.rendering.Tree)) {
				if strings.HasPrefix(name, "base/") && filepath.Base(name) != "kustomization.yaml" {
					base = append(base, language.File{Path: name, Data: s.rendering.Tree[name]})
				}
			}
			var built *Built
			if built, s.err = Check(context.Background(), base, nil); s.err == nil && built.Report.Survey.Policies == 0 {
				s.err = errors.New("nothing was checked")
			}
		}},
		{"digest", func() { _, s.err = bundle.New(bundle.Record{}, s.rendering.Tree) }},
	}
}

// work counts what is done for a fleet: what each stage allocates, and how many bytes are
// handed on. It is never time.
func work(t *testing.T, size fleet.Size) map[string]uint64 {
	t.Helper()
	counted := map[string]uint64{}
	s := newStages(size)
	for _, stage := range s.all() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		stage.run()
		runtime.ReadMemStats(&after)
		if s.err != nil || len(s.found) > 0 {
			t.Fatalf("%s of %+v: %v %v", stage.name, size, s.err, s.found.Err())
		}
		counted["allocations: "+stage.name] = after.Mallocs - before.Mallocs
	}
	for _, data := range s.rendering.Tree {
		counted["bytes: tree"] += uint64(len(data))
	}
	for _, d := range s.documents {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		counted["bytes: documents"] += uint64(len(text))
	}
	counted["files: tree"] = uint64(len(s.rendering.Tree))
	return counted
}

// TestWorkGrowsWithTheFleet: ten times the namespaces are at most eleven times the work, in each
// stage, and none is a tenth above what it was when somebody last said why (-update). It is not
// parallel: what others allocate would count.
func TestWorkGrowsWithTheFleet(t *testing.T) {
	if _, err := prepareChecksOnce(); err != nil { // what is prepared once is nobody's work
		t.Fatal(err)
	}
	for _, environments := range []int{1, 4} {
		small := work(t, fleet.Size{Namespaces: 20, Environments: environments})
		large := work(t, fleet.Size{Namespaces: 200, Environments: environments})
		var table strings.Builder
		for _, name := range slices.Sorted(maps.Keys(large)) {
			if large[name] > 11*small[name] {
				t.Errorf("%d environments: %s grow from %d to %d with ten times the namespaces", environments, name, small[name], large[name])
			}
			fmt.Fprintf(&table, "%-30s %9d\n", name, large[name])
		}
		golden := filepath.Join("testdata", "work", fmt.Sprintf("environments-%d.golden", environments))
		if *update {
			if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		listed := 0
		for line := range strings.Lines(string(text)) {
			name, number := strings.TrimSpace(line[:30]), uint64(0)
			if _, err := fmt.Sscan(line[30:], &number); err != nil {
				t.Fatalf("%s: %q: %v", golden, line, err)
			}
			listed++
			if large[name] == 0 || large[name] > number+number/10 {
				t.Errorf("%d environments: %s: %d, expected %d at most: see %s", environments, name, large[name], number+number/10, golden)
			}
		}
		if listed != len(large) {
			t.Errorf("%s lists %d of %d counters", golden, listed, len(large))
		}
	}
}

func prepareChecksOnce() ([]*diag.Rule, error) {
	rules, _, err := prepareChecks(context.Background(), nil).wait()
	return rules, err
}

// BenchmarkFleet builds a fleet stage by stage.
func BenchmarkFleet(b *testing.B) {
	for _, size := range []fleet.Size{{Namespaces: 100, Environments: 1}, {Namespaces: 1000, Environments: 1}} {
		s := newStages(size)
		for _, stage := range s.all() {
			b.Run(fmt.Sprintf("%s/namespaces=%d", strings.ReplaceAll(stage.name, " ", "-"), size.Namespaces), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					stage.run()
				}
				if s.err != nil || s.found.Failed() {
					b.Fatal(s.err, s.found.Err())
				}
			})
		}
	}
}
