package compiler

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/mend"
	"portcullis.dev/policies/diag"
)

// checked judges files, by their names.
func checked(t *testing.T, files map[string]string) diag.Report {
	t.Helper()
	var all []language.File
	for _, name := range diag.SortedKeys(files) {
		all = append(all, language.File{Path: name, Data: []byte(files[name])})
	}
	built, err := Check(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built.Report
}

// TestMended mends one policy after another. It comes to the text of somebody who mended it by hand;
// the finding is gone and nothing of the file is left unread, what was found besides is found still,
// and there is nothing more to mend.
func TestMended(t *testing.T) {
	t.Parallel()
	const kubernetes = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
    - from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.9/32]}}] # the office
      ports: [{port: 8080, protocol: TCP}]
`
	const calico = `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  order: 10
  selector: app == "web"
  types:
    - Ingress
  ingress:
    - action: Allow # the office
      protocol: TCP
      source: {nets: [192.0.2.7/32]}
      destination: {ports: [8080]}
`
	for _, c := range []struct{ right, from, to string }{
		{kubernetes, "namespace: shop", `namespace: "no"`},
		{kubernetes, "name: web", `name: "1e3"`},
		{kubernetes, "192.0.2.0/24", "192.0.2.7"},
		{kubernetes, "192.0.2.9/32", "192.0.2.9"},
		{kubernetes, "192.0.2.0/24, except: [192.0.2.9/32]", "2001:db8::1"},
		{kubernetes, "port: 8080", `port: "8080"`},
		{kubernetes, "port: 8080", `port: '8080'`},
		{kubernetes, "protocol: TCP", "protocol: tcp"},
		{kubernetes, "[Ingress]", "[ingress]"},
		{calico, "192.0.2.7/32", "192.0.2.7"},
		{calico, "action: Allow", "action: allow"},
		{calico, "- Ingress", "- INGRESS"},
	} {
		wrong := strings.Replace(c.right, c.from, c.to, 1)
		want := c.right
		switch c.to {
		case `namespace: "no"`, `name: "1e3"`:
			want = wrong
			wrong = strings.Replace(want, c.to, strings.ReplaceAll(c.to, `"`, ""), 1)
		case "192.0.2.7":
			want = strings.Replace(c.right, c.from, "192.0.2.7/32", 1)
			if c.right == kubernetes { // an address has no exception
				wrong, want = strings.Replace(wrong, ", except: [192.0.2.9/32]", "", 1), strings.Replace(want, ", except: [192.0.2.9/32]", "", 1)
			}
		case "2001:db8::1":
			want = strings.Replace(c.right, c.from, `"2001:db8::1/128"`, 1)
		}
		before := checked(t, map[string]string{"a.yaml": wrong})
		all := mend.Files(before.Findings, before.Sources, func(string) bool { return true })
		if len(all) != 1 || string(all[0].After) != want {
			t.Errorf("%s: %d files become\n%s\nfound: %v", c.to, len(all), all, before.Findings.Err())
			continue
		}
		after := checked(t, map[string]string{"a.yaml": want})
		byHand := checked(t, map[string]string{"a.yaml": c.right})
		if after.Findings.Unjudgeable() || len(after.Findings) != len(byHand.Findings) {
			t.Errorf("%s: mended, there are %v", c.to, after.Findings.Err())
		}
		if again := mend.Files(after.Findings, after.Sources, func(string) bool { return true }); len(again) > 0 {
			t.Errorf("%s: once more there is something to mend: %s", c.to, again[0].After)
		}
	}
}

// TestNotMended: where two things may be meant, or the value is said elsewhere as well, a person
// decides.
func TestNotMended(t *testing.T) {
	t.Parallel()
	policy := func(name, cidr, port string) string {
		return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ` + name + `, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{ipBlock: {cidr: ` + cidr + `}}], ports: [{` + port + `}]}]
`
	}
	bare := policy("web", "192.0.2.7", "port: 80")
	for name, files := range map[string]map[string]string{
		"host bits":                    {"a.yaml": policy("web", "192.0.2.7/24", "port: 80")},
		"what may be a network":        {"a.yaml": policy("web", "192.0.2.0", "port: 80")},
		"leading zeros":                {"a.yaml": policy("web", "192.0.02.7", "port: 80")},
		"a port out of range":          {"a.yaml": policy("web", "192.0.2.0/24", `port: "80800"`)},
		"a range of a quoted port":     {"a.yaml": policy("web", "192.0.2.0/24", `port: "80", endPort: 90`)},
		"another protocol":             {"a.yaml": policy("web", "192.0.2.0/24", "port: 80, protocol: icmp")},
		"a policy that is there twice": {"a.yaml": bare, "b.yaml": bare},
		"one file that has it twice":   {"a.yaml": bare + "---\n" + bare},
		"the base of a kustomization":  {"base/a.yaml": bare, "base/kustomization.yaml": "resources: [a.yaml]\n", "over/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n"},
		"an anchor":                    {"a.yaml": policy("web", "&a 192.0.2.7", "port: 80") + "---\n" + policy("api", "192.0.2.0/24", "port: 80")},
		"a block":                      {"a.yaml": strings.Replace(bare, "  ingress: [{from: [{ipBlock: {cidr: 192.0.2.7}}], ports: [{port: 80}]}]", "  ingress:\n    - from:\n        - ipBlock:\n            cidr: >-\n              192.0.2.7", 1)},
		"a template beside it":         {"a.yaml": bare + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"{{ b }}\"}\n"},
		"a type in both cases":         {"a.yaml": strings.Replace(policy("web", "192.0.2.0/24", "port: 80"), "[Ingress]", "[Ingress, ingress]", 1)},
	} {
		before := checked(t, files)
		if len(before.Findings) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
		if all := mend.Files(before.Findings, before.Sources, func(string) bool { return true }); len(all) > 0 {
			t.Errorf("%s: %s becomes\n%s", name, all[0].Path, all[0].After)
		}
	}
}
