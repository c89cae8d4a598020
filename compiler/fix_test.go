package compiler

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/yamltext"
)

// A workload whose name YAML takes for something else gets the advice that web gets: the same
// line in the same file, which opens the flow when it is pasted.
func TestAdviceIsTheSameForEveryName(t *testing.T) {
	t.Parallel()
	for _, form := range []struct{ name, spec string }{
		{"in lines", "spec:\n  ports: {http: 80}\n  inbound:\n    - {from: tester, ports: [http]}\n"},
		{"in braces", "spec: {ports: {http: 80}, inbound: [{from: tester, ports: [http], why: \"]} 'tis, \\\"so\\\" [\"}]}\n"},
		{"empty", "spec: {ports: {http: 80}}\n"},
	} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			ask := func(name, namespace string) string {
				files := []language.File{{Path: language.PlatformFile, Data: fmt.Appendf(nil, "apiVersion: %s\nkind: Platform\nmetadata: {name: p}\nspec: {namespaces: {shop: {}, stall: {}}}\n", language.APIVersion)}}
				add := func(path, namespace, name, spec string) {
					files = append(files, language.File{Path: path, Data: fmt.Appendf(nil, "apiVersion: %s\nkind: NetworkIntent\nmetadata: %s\n%s", language.APIVersion,
						yamltext.Line(yamltext.Map{{Key: "name", Value: name}, {Key: "namespace", Value: namespace}}), spec)})
				}
				add("api.yaml", "shop", "api", form.spec)
				add("tester.yaml", "shop", "tester", "spec: {}\n")
				add("caller.yaml", namespace, name, "spec: {}\n")
				e, err := ExplainRepository(files, nil, []string{"default"})
				if err != nil || e.Report.Findings.Failed() {
					t.Fatal(err, e.Report.Findings)
				}
				question := namespace + "/" + name + " -> shop/api:80"
				a := explained(t, e, question)[0]
				again, err := ExplainRepository(pasted(t, files, a), nil, []string{"default"})
				if err != nil || again.Report.Findings.Failed() || explained(t, again, question)[0].Verdict != explain.Allow {
					t.Errorf("%s is not opened: %v %v\n%s", question, err, again.Report.Findings, text(a))
				}
				_, advice, _ := strings.Cut(text(a), string(explain.ToOpen))
				return advice
			}
			for _, namespace := range []string{"shop", "stall"} {
				want := ask("web", namespace)
				for _, name := range []string{"123", "yes", "y", "no", "null", "1e3", "0x1f", "0777", "2026-01-01"} {
					other := regexp.MustCompile(`"`+name+`"|\b`+name+`\b`).ReplaceAllString(ask(name, namespace), "web")
					if diff := cmp.Diff(want, other); diff != "" {
						t.Errorf("%s/%s (-web +%s):\n%s", namespace, name, name, diff)
					}
				}
			}
		})
	}
}
