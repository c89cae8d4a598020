package lower

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
)

// TestDollarsAreGuarded holds that Flux leaves an object alone whose texts hold a dollar:
// it would replace ${…}, and make one dollar of two.
func TestDollarsAreGuarded(t *testing.T) {
	t.Parallel()
	for text, guarded := range map[string]bool{
		"a page": false, "": false, "{HOME}": false, "costs 5$": true, "$$": true, "${HOME}": true, "$HOME": true,
	} {
		for _, a := range []about{{name: "a", reason: text}, {name: "a", owner: text}, {name: "a", intent: text}} {
			annotations, _ := metadata(a).Get("annotations").(object.Map)
			if got := annotations.Get(noSubstitutes) == "disabled"; got != guarded {
				t.Errorf("%+v: guarded: %v", a, got)
			}
		}
	}
}

// TestEveryObjectNamesItsIntent: whoever reads an object in a cluster finds in it the intent that
// asks for it, or several, or that the Platform does.
func TestEveryObjectNamesItsIntent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		known := map[string]bool{"Platform/" + p.PlatformName: true}
		for _, f := range p.Flows {
			for _, o := range f.Origins {
				known[o.Intent] = true
			}
		}
		for _, w := range p.Workloads {
			known[w.Ref()] = true
		}
		emitted, _ := Lower(p)
		for _, e := range emitted {
			metadata, _ := e.Manifest.Get("metadata").(object.Map)
			annotations, _ := metadata.Get("annotations").(object.Map)
			text, _ := annotations.Get(IntentAnnotation).(string)
			for name := range strings.SplitSeq(text, ", ") {
				if name == "" || !known[name] {
					t.Fatalf("%s is of %q, of which nothing asks for it", object.IDOf(e.Manifest), text)
				}
			}
		}
	})
}
