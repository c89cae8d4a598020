package object_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// A small universe, so that requirements meet labels and each other.
var (
	keyGen         = rapid.SampledFrom([]string{"app", "app.kubernetes.io/name", "tier"})
	labelValueGen  = rapid.SampledFrom([]string{"", "a", "b", "yes", "1"})
	requirementGen = rapid.Custom(func(t *rapid.T) object.Requirement {
		return object.Requirement{
			Key:    keyGen.Draw(t, "key"),
			Op:     rapid.SampledFrom([]object.Operator{object.In, object.NotIn, object.Exists, object.DoesNotExist}).Draw(t, "op"),
			Values: rapid.SliceOfN(labelValueGen, 0, 3).Draw(t, "values"),
		}
	})
	requirementsGen = rapid.SliceOfN(requirementGen, 0, 4)
	labelsGen       = rapid.MapOfN(keyGen, labelValueGen, 0, 3)
)

// A generator takes its name when it is first drawn as part of another one, and two
// tests that share it would race for that.
var _, _, _ = keyGen.String(), labelValueGen.String(), requirementGen.String()

// TestSelectorMatchesAsKubernetes reads the manifest back with Kubernetes' own code
// and asks it about the same labels.
func TestSelectorMatchesAsKubernetes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := object.NewSelector(requirementsGen.Draw(t, "requirements")...)
		var parsed metav1.LabelSelector
		manifest := s.Manifest().YAML()
		if err := yaml.UnmarshalStrict(manifest, &parsed); err != nil {
			t.Fatalf("%v\n%s", err, manifest)
		}
		theirs, err := metav1.LabelSelectorAsSelector(&parsed)
		if err != nil {
			t.Fatalf("Kubernetes refuses the selector: %v\n%s", err, manifest)
		}
		kubectl, err := labels.Parse(s.String())
		if err != nil {
			t.Fatalf("kubectl refuses %q: %v", s, err)
		}
		for range 8 {
			l := labelsGen.Draw(t, "labels")
			if got, want := s.Matches(l), theirs.Matches(labels.Set(l)); got != want {
				t.Fatalf("%v: %v, Kubernetes says %v\n%s", l, got, want, manifest)
			}
			if got, want := s.Matches(l), kubectl.Matches(labels.Set(l)); got != want {
				t.Fatalf("%v: %v, kubectl says %v of %q", l, got, want, s)
			}
		}
	})
}

// TestSelectorIsCanonical: neither order nor repetition shows, and canonical form
// does not change what is selected.
func TestSelectorIsCanonical(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		requirements := requirementsGen.Draw(t, "requirements")
		s := object.NewSelector(requirements...)
		shuffled := rapid.Permutation(requirements).Draw(t, "shuffled")
		if len(shuffled) > 0 {
			shuffled = append(shuffled, shuffled[0])
		}
		for i := range shuffled {
			shuffled[i].Values = append(slices.Clone(shuffled[i].Values), shuffled[i].Values...)
			slices.Reverse(shuffled[i].Values)
		}
		if diff := cmp.Diff(s, object.NewSelector(shuffled...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the order shows:\n%s", diff)
		}
		if diff := cmp.Diff(s, object.NewSelector(s...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("canonical form is not final:\n%s", diff)
		}
		l := labelsGen.Draw(t, "labels")
		if got, want := s.Matches(l), object.Selector(requirements).Matches(l); got != want {
			t.Fatalf("%v: %v in canonical form, %v as given", l, got, want)
		}
	})
}

func TestSelectorText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ selector object.Selector }{
		{nil}, {object.Selector{}}, {object.NewSelector()},
	} {
		if got := c.selector.Calico(); got != "all()" {
			t.Errorf("everything is %q in Calico's grammar", got)
		}
		if got := string(c.selector.Manifest().YAML()); got != "{}\n" {
			t.Errorf("everything is %q in a manifest", got)
		}
	}
	s := object.NewSelector(
		object.Requirement{Key: "tier", Op: object.NotIn, Values: []string{"b", "a"}},
		object.Equals("app", "x"),
		object.Requirement{Key: "app", Op: object.In, Values: []string{"x", "y"}},
		object.Requirement{Key: "old", Op: object.DoesNotExist},
		object.Requirement{Key: "new", Op: object.Exists, Values: []string{"ignored"}},
	)
	if got, want := s.Calico(), "app == 'x' && app in {'x', 'y'} && has(new) && !has(old) && tier not in {'a', 'b'}"; got != want {
		t.Errorf("Calico: %s, not %s", got, want)
	}
	if got, want := s.String(), "app=x,app in (x,y),new,!old,tier notin (a,b)"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
