package overlays

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// policy is one whose text is told apart by a number.
func policy(namespace, name string, number int) object.Map {
	return object.Map{
		{Key: "apiVersion", Value: object.KubernetesAPI}, {Key: "kind", Value: "NetworkPolicy"},
		{Key: "metadata", Value: object.Map{{Key: "name", Value: name}, {Key: "namespace", Value: namespace}}},
		{Key: "spec", Value: object.Map{{Key: "podSelector", Value: object.Map{{Key: "matchLabels", Value: object.Map{{Key: "n", Value: fmt.Sprint("v", number)}}}}}}},
	}
}

// TestSharedOnce: kustomize builds for each environment what was put in, in the order that is
// taken for granted where it is not asked, and from fewer files where it is; and what all environments have, or all but few, stands
// in the tree once.
func TestSharedOnce(t *testing.T) {
	t.Parallel()
	once, apart := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		names := []string{"dev", "eu", "us", "store", "lab"}[:rapid.IntRange(1, 5).Draw(r, "environments")]
		var environments []Environment
		for _, name := range names {
			e := Environment{Name: name}
			for _, namespace := range []string{"shop", "all-but-dev"} {
				for i := range 3 {
					if n := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3}).Draw(r, "text"); n < 3 {
						e.Objects = append(e.Objects, policy(namespace, fmt.Sprint("p", i), n))
					}
				}
			}
			if rapid.IntRange(0, 3).Draw(r, "component") == 0 {
				marking := Component{Path: "parts", Files: map[string][]byte{"kustomization.yaml": []byte(kustomizeKind + "labels: [{pairs: {marked: by-it}}]\n")}}
				e.Components = []Laid{{Component: marking, Units: []string{"shop"}}}
			}
			environments = append(environments, e)
		}
		tree := Write(environments)
		rendered, found, err := Render(tree, environments, nil)
		if err != nil || len(found) > 0 {
			r.Fatalf("%v %v", err, found)
		}
		j := job{Files: tree}
		for i, e := range environments {
			for _, u := range rendered[i] {
				var want, got []string
				for _, o := range u.Objects {
					want = append(want, string(o.JSON))
				}
				built := j.build(jobUnit{Dir: path.Join("overlays", e.Name, u.Unit), Files: tree.Paths()})
				for _, raw := range built.Manifests {
					got = append(got, string(raw))
				}
				if diff := cmp.Diff(want, got); diff != "" || built.Error != "" {
					r.Fatalf("%s of %s: %s (-as it was put in +as kustomize builds it)\n%s", u.Unit, e.Name, built.Error, diff)
				}
			}
		}
		copies := map[string][]string{} // text → files
		for _, name := range tree.Paths() {
			if text := tree[name]; bytes.Contains(text, []byte("kind: NetworkPolicy")) {
				copies[string(text)] = append(copies[string(text)], name)
			}
		}
		for _, all := range copies {
			unit, without := 0, 0 // environments that have the unit, and those that its directory names
			parts := strings.Split(strings.TrimPrefix(all[0], "overlays/"), "/")
			for _, name := range names {
				if slices.Contains(tree.Units(name), parts[1]) {
					unit++
				}
				if len(parts) == 4 && excepts(parts[2], name) {
					without++
				}
			}
			switch n := len(all); {
			case n == 1 && parts[0] == "base" && without < unit-without && without <= mostExceptions:
				once++
			case strings.HasPrefix(all[0], "base/") || n > 1 && unit-n < n && unit-n <= mostExceptions:
				r.Fatalf("of %d environments, the same is written %d times: %v", unit, n, all)
			default:
				apart++
			}
		}
	})
	if once < 100 || apart < 50 {
		t.Errorf("%d were written once, %d apart: the law says little", once, apart)
	}
}

// TestOneEnvironmentsChange shows which files change where one of four environments departs from
// the others: what it departs from moves, and nothing is written that was not.
func TestOneEnvironmentsChange(t *testing.T) {
	t.Parallel()
	of := func(dev int) Tree {
		var all []Environment
		for _, name := range []string{"dev", "eu", "store", "us"} {
			e := Environment{Name: name, Objects: []object.Map{policy("shop", "a", 0), policy("shop", "b", 0)}}
			if name == "dev" {
				e.Objects[1] = policy("shop", "b", dev)
			}
			all = append(all, e)
		}
		return Write(all)
	}
	before, after := of(0), of(1)
	var got []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(before.Paths(), after.Paths()...)))) {
		switch {
		case before[name] == nil:
			got = append(got, "new "+name)
		case after[name] == nil:
			got = append(got, "gone "+name)
		case !bytes.Equal(before[name], after[name]):
			got = append(got, "changed "+name)
		}
	}
	want := []string{
		"new base/shop/all-but-dev/kustomization.yaml", "new base/shop/all-but-dev/networkpolicy-b.yaml",
		"changed base/shop/kustomization.yaml", "gone base/shop/networkpolicy-b.yaml",
		"changed overlays/dev/shop/kustomization.yaml", "new overlays/dev/shop/networkpolicy-b.yaml",
		"changed overlays/eu/shop/kustomization.yaml", "changed overlays/store/shop/kustomization.yaml", "changed overlays/us/shop/kustomization.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if moved := after["base/shop/all-but-dev/networkpolicy-b.yaml"]; !bytes.Equal(moved, before["base/shop/networkpolicy-b.yaml"]) {
		t.Errorf("it was moved as\n%s", moved)
	}
	if again := of(1); !cmp.Equal(after, again) {
		t.Errorf("the same environments are laid out in two ways: %v, %v", diag.SortedKeys(after), diag.SortedKeys(again))
	}
}
