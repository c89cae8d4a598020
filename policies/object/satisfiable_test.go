package object_test

import (
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// TestSatisfiable holds the answer against labels that are tried: of two keys, absent or with
// each value that occurs, and one that does not.
func TestSatisfiable(t *testing.T) {
	t.Parallel()
	values := []string{"x", "y"}
	requirements := rapid.Custom(func(t *rapid.T) object.Requirement {
		return object.Requirement{
			Key:    rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"),
			Op:     rapid.SampledFrom([]object.Operator{object.In, object.NotIn, object.Exists, object.DoesNotExist}).Draw(t, "operator"),
			Values: rapid.SliceOfN(rapid.SampledFrom(values), 1, 2).Draw(t, "values"),
		}
	})
	satisfiable := 0
	rapid.Check(t, func(t *rapid.T) {
		s := object.Selector(rapid.SliceOfN(requirements, 0, 5).Draw(t, "requirements"))
		some := false
		for _, a := range []string{"", "x", "y", "z"} {
			for _, b := range []string{"", "x", "y", "z"} {
				labels := map[string]string{"a": a, "b": b}
				for key, value := range labels {
					if value == "" {
						delete(labels, key)
					}
				}
				some = some || s.Matches(labels)
			}
		}
		if some {
			satisfiable++
		}
		if s.Satisfiable() != some {
			t.Fatalf("%v: %v, and labels that satisfy it: %v", s, s.Satisfiable(), some)
		}
	})
	if satisfiable == 0 {
		t.Error("nothing was satisfiable")
	}
}
