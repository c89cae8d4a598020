package compiler

import (
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/meaning"
)

// TestEveryTestCanFail turns each test of the examples round: what held must not hold
// any more, whether it expected that traffic passes or that it does not.
func TestEveryTestCanFail(t *testing.T) {
	t.Parallel()
	turned := map[bool]int{}
	for _, example := range repositories(t) {
		files, _, err := sources.ReadTree(example, sources.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		repo, _ := language.Parse(files)
		plans, found := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		if found.Failed() {
			t.Fatal(found.Err())
		}
		rendered, _, err := render.Plans(plans, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range plans {
			m, _ := meaning.Of(rendered.Environments[i].Objects, p.Assumed()[0])
			if found := proof.Tests(p, population.RelationOf(p, m), nil); len(found) > 0 {
				t.Errorf("%s in %s: %v", example, p.Environment, found.Err())
			}
			for _, test := range p.Tests {
				test.Allow = !test.Allow
				turned[test.Allow]++
				with := *p
				with.Tests = []plan.Test{test}
				if found := proof.Tests(&with, population.RelationOf(&with, m), nil); len(found) != 1 || found[0].Rule.Code != "PC301" {
					t.Errorf("%s in %s: %q holds, and so does its opposite", example, p.Environment, test.Text)
				}
			}
		}
	}
	if slices.Contains([]int{turned[false], turned[true]}, 0) {
		t.Errorf("the examples have tests of one kind alone: %v", turned)
	}
}

// TestSeveralPorts: a test of several ports is one of each: allowed, all of them must be,
// and denied, none.
func TestSeveralPorts(t *testing.T) {
	t.Parallel()
	for test, want := range map[string]string{
		"frontend -> backend:http,80 allow":      "80 allow, 80 allow",
		"frontend -> backend:81,82,http deny":    "81-82 deny, 80 deny",
		"frontend -> backend:53/udp,53 deny":     "53, 53/udp deny",
		"frontend -> backend:http, 8080 allow":   "8080 allow, 80 allow",
		"frontend -> backend:any,81 deny":        "any deny",
		"frontend:40000 -> backend:http allow":   "PC124",
		"frontend -> backend:http, allow":        "PC107",
		"frontend -> backend:http,nothing allow": "PC103",
	} {
		files := exampleFiles(t, "zero-trust-demo")
		for i, f := range files {
			if strings.HasSuffix(f.Path, "backend.yaml") {
				files[i].Data = append(slices.Clone(f.Data), "  tests: [\""+test+"\"]\n"...)
			}
		}
		repo, parsed := language.Parse(files)
		plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		var got []string
		for _, d := range append(parsed, resolved...) {
			got = append(got, d.Rule.Code)
		}
		if len(got) == 0 {
			for _, test := range plans[0].Tests {
				verdict := "deny"
				if test.Allow {
					verdict = "allow"
				}
				got = append(got, plan.FormatPorts(test.Ports)+" "+verdict)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, expected %s", test, strings.Join(got, ", "), want)
		}
	}
}
