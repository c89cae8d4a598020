package relation_test

import (
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// TestExcludesIsTheSearch asks of namespaces that are listed, free or unknown whether their pods can be
// what selectors ask for. Of what is excluded the search finds no pod; and where selectors ask of
// namespaces alone, what it finds none of is excluded.
func TestExcludesIsTheSearch(t *testing.T) {
	t.Parallel()
	u := universeOf([]relation.Namespace{
		{Name: "shop", Labels: map[string]string{"tier": "front"}}, {Name: "data", Labels: map[string]string{"tier": "back", "keep": ""}},
		{Name: "bare"}, {Name: "free", Free: true}, {Name: "pr-*", Labels: map[string]string{"tier": "trial"}},
	}, nil)
	of := []string{
		"pcns.tier == 'front'", "pcns.tier != 'front'", "has(pcns.tier)", "!has(pcns.tier)", "pcns.tier in {'front', 'back'}",
		"pcns.tier not in {'front'}", "pcns.tier starts with 'b'", "pcns.keep == ''", "pcns.other == 'x'", "!has(pcns.other)",
		"pcns.projectcalico.org/name == 'shop'", "projectcalico.org/namespace == 'data'", "pcns.kubernetes.io/metadata.name != 'bare'",
		"projectcalico.org/orchestrator == 'k8s'", "projectcalico.org/orchestrator == 'other'", "all()",
	}
	beside := []string{"all()", "app == 'a'", "!has(app)", "projectcalico.org/serviceaccount == 'default'", "pcsa.role == 'x'"}
	listed := map[string]bool{"shop": true, "data": true, "bare": true, "free": true}
	excluded, found := 0, 0
	for _, namespace := range []string{"shop", "data", "bare", "free", "pr-1", "nobody"} {
		for _, a := range of {
			for _, b := range append(of, beside...) {
				for _, text := range []string{"(" + a + ") && (" + b + ")", "(" + a + ") || (" + b + ")", "!((" + a + ") && (" + b + "))"} {
					s, err := selector.Parse(text)
					if err != nil {
						t.Fatal(text, err)
					}
					search := relation.Search{Universe: u}
					w, err := search.Witness(relation.Question{Of: u.Pairs(), Direction: meaning.Egress, Where: relation.And(
						u.IsPod(relation.Own), u.Namespaces(relation.Own, namespace), u.Selected(relation.Own, s))})
					if err != nil {
						t.Fatal(text, err)
					}
					switch excludes := u.Excludes(namespace, s); {
					case excludes && w != nil:
						t.Errorf("%s in %s is excluded, and %s is it", text, namespace, w.Own())
					case !excludes && w == nil && b == "all()" && listed[namespace]:
						t.Errorf("no pod of %s is %s, which is not excluded", namespace, text)
					case excludes:
						excluded++
					case w != nil:
						found++
					}
				}
			}
		}
	}
	if excluded < 500 || found < 500 {
		t.Errorf("%d selectors were excluded, and of %d pods were found", excluded, found)
	}
}
