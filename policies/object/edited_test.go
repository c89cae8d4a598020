package object_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/policies/object"
)

// TestEdited shows of what differs which namespaces it is about, from both sides.
func TestEdited(t *testing.T) {
	t.Parallel()
	const policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: NS}\nspec: {podSelector: {}}\n"
	const calico = "apiVersion: projectcalico.org/v3\nkind: KIND\nmetadata: {name: a, namespace: shop}\nspec: {}\n"
	in := func(namespace string) string { return strings.Replace(policy, "NS", namespace, 1) }
	of := func(kind string) string { return strings.Replace(calico, "KIND", kind, 1) }
	common := "---\n" + in("bank") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: bank}\n"
	set := func(text string) object.Set {
		objects, _ := object.Decode("m.yaml", []byte(text+common)) // which tells of what is nobody's kind
		set, twice := object.NewSet(objects)
		if len(twice) > 0 {
			t.Fatal(twice.Err())
		}
		return set
	}
	for name, c := range map[string]struct {
		a, b string
		want map[string]bool // nil: not comparable
	}{
		"nothing":                {in("shop"), in("shop"), map[string]bool{}},
		"a policy":               {in("shop"), strings.Replace(in("shop"), "{}", "{matchLabels: {a: b}}", 1), map[string]bool{"shop": true}},
		"a policy more":          {in("shop"), in("shop") + "---\n" + in("a") + "---\n" + in("z"), map[string]bool{"a": true, "z": true}},
		"a policy less":          {in("shop") + "---\n" + in("zoo"), "", map[string]bool{"shop": true, "zoo": true}},
		"Calico's policy":        {of("NetworkPolicy"), "", map[string]bool{"shop": true}},
		"a staged policy":        {of("StagedNetworkPolicy"), "", map[string]bool{"shop": true}},
		"a network set":          {of("NetworkSet"), "", nil},
		"a global policy":        {strings.Replace(of("GlobalNetworkPolicy"), ", namespace: shop", "", 1), "", nil},
		"somebody else's policy": {"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\n", "", nil},
		"a pod":                  {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: c, image: c}]}\n", "", nil},
		"nobody's kind":          {"apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n", "", nil},
	} {
		for _, sides := range [][2]object.Set{{set(c.a), set(c.b)}, {set(c.b), set(c.a)}} {
			got, comparable := object.Edited(sides[0], sides[1])
			if diff := cmp.Diff(c.want, got); diff != "" || comparable != (c.want != nil) {
				t.Errorf("%s: comparable %v, (-want +got):\n%s", name, comparable, diff)
			}
		}
	}
}
