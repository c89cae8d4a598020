package meaning_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// TestMemoryServesSeveral asks one memory from several sides at once about sets that have most policies in
// common: each means what it means to whoever remembers nothing.
func TestMemoryServesSeveral(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: shop}\nspec: {podSelector: {matchLabels: {app: a%d}}, ingress: [{ports: [{port: %d}]}]}\n", i, i, i+1)
	}
	objects, found := object.Decode("policies.yaml", []byte(text.String()))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	memory := meaning.NewMemory()
	var all sync.WaitGroup
	for side := range 4 {
		all.Go(func() {
			set, _ := object.NewSet(objects[side : len(objects)-side])
			for range 8 {
				got, _ := memory.Of(set, object.DefaultCluster())
				want, _ := meaning.Of(set, object.DefaultCluster())
				if len(got.Policies) != len(want.Policies) {
					t.Errorf("%d policies, expected %d", len(got.Policies), len(want.Policies))
					return
				}
				for i, p := range got.Policies {
					if of := want.Policies[i]; p.ID != of.ID || p.Selector().String() != of.Selector().String() {
						t.Errorf("%v is remembered where %v was asked about", p.ID, of.ID)
					}
				}
			}
		})
	}
	all.Wait()
	if memory.Remembered < 4*7*30 {
		t.Errorf("%d policies are remembered", memory.Remembered)
	}
}
