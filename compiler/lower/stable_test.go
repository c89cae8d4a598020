package lower

import (
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// byID is the text and the origins of each object.
func byID(t failer, p *plan.Plan) map[object.ID]string {
	t.Helper()
	emitted, found := Lower(p)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	all := map[object.ID]string{}
	for _, e := range emitted {
		all[object.IDOf(e.Manifest)] = string(e.Manifest.YAML())
	}
	return all
}

// changed are the objects in which two results differ.
func changed(before, after map[object.ID]string) []object.ID {
	var all []object.ID
	for id, text := range before {
		if after[id] != text {
			all = append(all, id)
		}
	}
	for id := range after {
		if _, was := before[id]; !was {
			all = append(all, id)
		}
	}
	return all
}

// TestOrderOfFlowsDoesNotShow lowers a plan with its flows in another order.
func TestOrderOfFlowsDoesNotShow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		for i, f := range p.Flows { // what several lines ask for is written once
			origin := f.Origins[0]
			origin.Span.Start.Line, origin.Why = rapid.Int32Range(1, 100).Draw(t, "line"), "reason "+strconv.Itoa(i)
			f.Origins = []plan.Origin{origin}
			p.Flows = append(p.Flows, f)
		}
		before, _ := Lower(p)
		other := *p
		other.Flows = rapid.Permutation(p.Flows).Draw(t, "flows")
		after, _ := Lower(&other)
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("the order of flows shows:\n%s", cmp.Diff(before, after))
		}
	})
}

// TestFlowsKeepToTheirEnds removes one flow: nothing changes but what would be
// emitted for that flow alone.
func TestFlowsKeepToTheirEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		if len(p.Flows) == 0 {
			return
		}
		i := rapid.IntRange(0, len(p.Flows)-1).Draw(t, "which flow")
		without, alone, none := *p, *p, *p
		without.Flows = slices.Delete(slices.Clone(p.Flows), i, i+1)
		alone.Flows, none.Flows = p.Flows[i:i+1], nil
		its := changed(byID(t, &none), byID(t, &alone))
		for _, id := range changed(byID(t, p), byID(t, &without)) {
			// The addresses of an @name may be a guardrail's as well.
			if !slices.Contains(its, id) {
				t.Fatalf("without %s → %s, %s changes", p.Flows[i].From.Name, p.Flows[i].To.Name, id)
			}
		}
	})
}

// TestStagedIsWhatWouldBeEnforced compares what is emitted for staged namespaces
// with what is emitted once they are governed.
func TestStagedIsWhatWouldBeEnforced(t *testing.T) {
	t.Parallel()
	enforced := map[string]string{"StagedKubernetesNetworkPolicy": "NetworkPolicy", "StagedNetworkPolicy": "NetworkPolicy"}
	groups := map[string]string{"StagedKubernetesNetworkPolicy": "networking.k8s.io", "StagedNetworkPolicy": "projectcalico.org"}
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		p.DenyUnknown = false // it spares what is staged
		governed := *p
		governed.Namespaces = slices.Clone(p.Namespaces)
		staged := map[string]bool{}
		for i := range governed.Namespaces {
			if n := &governed.Namespaces[i]; n.Staged && !n.Pattern {
				n.Governed, n.Staged, staged[n.Name] = true, false, true
			}
		}
		specs := map[object.ID]object.Map{}
		after, _ := Lower(&governed)
		for _, e := range after {
			if id := object.IDOf(e.Manifest); staged[id.Namespace] {
				specs[id] = e.Manifest.Get("spec").(object.Map)
			}
		}
		before, _ := Lower(p)
		for _, e := range before {
			id := object.IDOf(e.Manifest)
			if !staged[id.Namespace] {
				continue
			}
			spec := e.Manifest.Get("spec").(object.Map)
			if spec.Get("stagedAction") != "Set" {
				t.Fatalf("%s is not set", id)
			}
			id.Group, id.Kind = groups[id.Kind], enforced[id.Kind]
			if diff := cmp.Diff(specs[id], spec[1:]); diff != "" {
				t.Fatalf("%s (-enforced +staged):\n%s", id, diff)
			}
			delete(specs, id)
		}
		if len(specs) > 0 {
			t.Fatalf("not staged: %v", specs)
		}
	})
}

// TestPartsAreStable adds a thing to things that fill several parts: one part
// changes, or is divided, and the others stay as they are.
func TestPartsAreStable(t *testing.T) {
	t.Parallel()
	fits := func(things []string) bool { return len(things) <= 8 }
	self := func(s string) string { return s }
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 200).Draw(t, "things")
		var things []string
		for i := range count {
			things = append(things, strconv.Itoa(i*rapid.SampledFrom([]int{1, 1001}).Draw(t, "stretch"))+"-"+strconv.Itoa(i))
		}
		contents := func(all []part[string]) map[string]string {
			by := map[string]string{}
			for _, p := range all {
				if !p.fits {
					t.Fatalf("%s holds %d", p.name, len(p.things))
				}
				if _, twice := by[p.name]; twice {
					t.Fatalf("two parts are called %s", p.name)
				}
				slices.Sort(p.things)
				for _, thing := range p.things {
					by[p.name] += thing + "\n"
				}
			}
			return by
		}
		before := contents(parts("", "allow-web", things, self, fits))
		after := contents(parts("", "allow-web", append(things, "another"), self, fits))
		touched := 0
		for name, was := range before {
			if after[name] != was {
				touched++
			}
		}
		if touched > 1 {
			t.Fatalf("%d of %d parts changed", touched, len(before))
		}
	})
}
