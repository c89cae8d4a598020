package resolve_test

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/resolve"
)

// A waiver that the language refuses, at the word that is wrong.
func TestWaiversThatAreNone(t *testing.T) {
	t.Parallel()
	const platform = "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: p}\nspec: {checks: {waiverDays: 90}}\n"
	const whole = `apiVersion: portcullis.dev/v1alpha1
kind: Waiver
metadata: {name: w}
spec:
  rule: PC203
  match: {intent: shop/web, port: 8080}
  owner: a
  approvedBy: b
  reason: c
  ticket: d
  expires: 2027-01-31
`
	for name, c := range map[string]struct{ old, new, want string }{
		"as it should be":      {"", "", ""},
		"no subject":           {"intent: shop/web, port: 8080", "port: 8080, environment: default", "PC008 w.yaml:6:10"},
		"an empty match":       {"intent: shop/web, port: 8080", "", "PC008 w.yaml:6:10"},
		"no match":             {"  match: {intent: shop/web, port: 8080}\n", "", "PC008 w.yaml:5:3"},
		"no last day":          {"  expires: 2027-01-31\n", "", "PC008 w.yaml:5:3"},
		"no approval":          {"  approvedBy: b\n", "", "PC008 w.yaml:5:3"},
		"a day that is none":   {"2027-01-31", "2027-02-31", "PC122 w.yaml:11:12"},
		"every rule":           {"PC203", "PC2*", "PC108 w.yaml:5:9"},
		"every intent":         {"shop/web", `"*/*"`, "PC108 w.yaml:6:19"},
		"a port that is none":  {"8080", "70000", "PC107 w.yaml:6:35"},
		"an unknown field":     {"port: 8080", "ports: 8080", "PC002 w.yaml:6:29"},
		"an unknown cluster":   {"port: 8080", "environment: prod", "PC105 w.yaml:6:42"},
		"days that are none":   {"90", "0", "PC004 portcullis.yaml:4:29"},
		"days without a limit": {"90", "4000", "PC004 portcullis.yaml:4:29"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waiver, root := strings.Replace(whole, c.old, c.new, 1), platform
			if strings.HasPrefix(name, "days") {
				waiver, root = whole, strings.Replace(platform, c.old, c.new, 1)
			}
			repo, found := language.Parse([]language.File{{Path: language.PlatformFile, Data: []byte(root)}, {Path: "w.yaml", Data: []byte(waiver)},
				{Path: "i.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec: {}\n")}})
			_, more := resolve.Plans(repo, options)
			var got []string
			for _, d := range append(found, more...) {
				got = append(got, d.Rule.Code+" "+d.Span.String())
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("found %v, want %s", got, c.want)
			}
		})
	}
}
