package compiler

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	_ "portcullis.dev/testdata/seed"
)

// TestNearIsWhatMaySelect renders random fleets, and of each what is near one namespace: each
// object there is as in the whole, and of the whole nothing is missing that can select a pod of
// the namespace.
func TestNearIsWhatMaySelect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		files := fleets.Draw(rt, "fleet").spread(rt)
		repo, _ := language.Parse(files)
		plans, _ := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		whole, found, err := render.Plans(plans, nil, nil)
		if err != nil || found.Failed() {
			rt.Fatal(err, found.Err())
		}
		for i, p := range plans {
			for _, n := range p.Namespaces {
				near, found, err := render.Near(p, []string{n.Name}, nil, nil)
				if err != nil || len(found) > 0 {
					rt.Fatal(err, found.Err())
				}
				for _, o := range near.Objects.All() {
					if same, _ := whole.Environments[i].Objects.Get(o.ID); !reflect.DeepEqual(o, same) {
						rt.Errorf("%s near %s is another object", o.ID, n.Name)
					}
				}
				for _, o := range whole.Environments[i].Objects.All() {
					if _, there := near.Objects.Get(o.ID); !there && (o.ID.Namespace == n.Name || o.ID.Namespace == "") {
						rt.Errorf("%s is missing near %s", o.ID, n.Name)
					}
				}
			}
		}
	})
}
