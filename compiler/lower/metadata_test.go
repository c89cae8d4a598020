package lower

import (
	"testing"

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
