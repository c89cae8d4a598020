package resolve

import (
	"fmt"
	"slices"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// TestLimits: as much as a limit allows passes, and one more is refused at the line or the
// intent that is too much.
func TestLimits(t *testing.T) {
	t.Parallel()
	in := func(namespace string, n, lines int) []instance {
		i := &language.NetworkIntent{Spec: language.IntentSpec{Inbound: make([]language.Inbound, lines)}}
		i.Metadata.Name.Span = diag.Span{File: namespace}
		return slices.Repeat([]instance{{intent: i, namespace: namespace}}, n)
	}
	spread := func(n, perNamespace int) (all []instance) {
		for i := 0; len(all) < n; i++ {
			all = append(all, in(fmt.Sprint("ns-", i), min(perNamespace, n-len(all)), 0)...)
		}
		return all
	}
	for name, c := range map[string]struct {
		instances []instance
		flows     int
		want      string // empty: none
	}{
		"10,000 lines of one intent":          {in("shop", 1, 10_000), 0, ""},
		"10,001 lines of one intent":          {in("shop", 1, 10_001), 0, "the intent has 10001 lines, expected 10000 at most"},
		"20,000 intents of one namespace":     {in("shop", 20_000, 0), 0, ""},
		"20,001 intents of one namespace":     {in("shop", 20_001, 0), 0, "more than 20000 intents in the namespace shop"},
		"200,000 intents":                     {spread(200_000, 20_000), 0, ""},
		"200,001 intents":                     {spread(200_001, 20_000), 0, "more than 200000 intents in all"},
		"1,000,000 lines":                     {in("shop", 100, 9_999), 100, ""},
		"1,000,001 lines":                     {in("shop", 100, 9_999), 101, "more than 1000000 lines in all"},
		"the Platform's flows, and no intent": {nil, 1000, ""},
	} {
		r := &repository{Repository: &language.Repository{Platform: &language.Platform{}}, instances: c.instances}
		r.Platform.Spec.Flows = slices.Grow(r.Platform.Spec.Flows, c.flows)[:c.flows]
		found := r.capped()
		switch {
		case c.want == "" && found != nil:
			t.Errorf("%s: %v", name, found.Err())
		case c.want != "" && (len(found) != 1 || found[0].Rule.Code != "PC006" || found[0].Message != c.want || found[0].Span.File == ""):
			t.Errorf("%s: %v, want PC006: %s", name, found, c.want)
		}
	}
}
