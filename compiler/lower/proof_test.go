package lower

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/meaning"
)

// TestLoweredPlansAreProved holds one half of the compiler against the other: what is
// emitted for a plan is, by the proof, what the plan means.
func TestLoweredPlansAreProved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		emitted, found := Lower(p)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		var everybody []*meaning.Endpoint
		for _, place := range places(p) {
			if place.Namespace != "" {
				everybody = append(everybody, peer(place).Endpoint)
			}
		}
		for _, d := range proof.Prove(p, meaningOf(t, emitted, p.Assumed(), bystanders), everybody) {
			// DNS pods of a governed namespace are nobody's to open but the intents'.
			if dns := d.Rule.Code == "PC306" || strings.HasSuffix(d.Why, "no name is resolved"); !dns || !p.Governs(p.Cluster.DNS.Namespace) {
				t.Fatalf("%s %s: %s\n%s", d.Rule.Code, d.Message, d.Why, text(emitted))
			}
		}
	})
}
