package locate

import (
	"testing"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// TestContentIsFoundAgain: what a pointer leads to has one name wherever in its lists it stands,
// and two things have two.
func TestContentIsFoundAgain(t *testing.T) {
	t.Parallel()
	set := func(rules string) object.Set {
		text := "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n" +
			"spec: {podSelector: {}, ingress: [" + rules + "]}\n"
		objects, found := object.Decode("a.yaml", []byte(text))
		all, twice := object.NewSet(objects)
		if found = append(found, twice...); found.Failed() {
			t.Fatal(found)
		}
		return all
	}
	content := func(in object.Set, pointer string) string {
		l := diag.List{{Subject: diag.Subject{Object: in.All()[0].ID, Pointer: pointer}}}
		withContents(l, in)
		return l[0].Content
	}
	const one, two = `{ports: [{port: 80}, {port: 81}]}`, `{ports: [{port: 82}]}`
	alone, before, other := set(one), set(two+","+one), set(`{ports: [{port: 90}, {port: 81}]}`)
	for _, c := range []struct {
		first, second string // in alone, in before
		same          bool
	}{
		{"/spec/ingress/0", "/spec/ingress/1", true},
		{"/spec/ingress/0/ports/1", "/spec/ingress/1/ports/1", true},
		{"/spec/ingress/0/ports/1/port", "/spec/ingress/1/ports/1/port", true},
		{"/spec/ingress/0", "/spec/ingress/0", false},
		{"/spec/ingress/0/ports/0", "/spec/ingress/1/ports/1", false},
		{"/spec/ingress/0/ports/1", "/spec/ingress/1/ports/1/port", false},
		{"/spec/ingress/7", "/spec/ingress/7", true}, // nothing is there: the pointer itself
	} {
		if a, b := content(alone, c.first), content(before, c.second); (a == b) != c.same || a == "" {
			t.Errorf("%s is %q, and %s with a rule before it %q", c.first, a, c.second, b)
		}
	}
	if content(alone, "/spec/ingress/0/ports/1") == content(other, "/spec/ingress/0/ports/1") {
		t.Error("one port in two rules has one name")
	}
	if got := content(alone, "/spec/podSelector"); got != "" {
		t.Errorf("a pointer through no list is named %q", got)
	}
}
