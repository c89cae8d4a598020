package compiler

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// ownRule is a rule of the user's that finds something in every governed namespace.
func ownRule(name, code string) string {
	return strings.NewReplacer("NAME", name, "CODE", code).Replace(`# METADATA
# title: A test
# description: It tests.
# custom:
#   code: CODE
#   severity: error
#   remediation: Nothing to do.
package portcullis.checks.NAME

findings contains {"message": "found", "evidence": {"namespace": input.namespace.name}} if {
	input.scope == "namespace"
	input.namespace.governed
}
`)
}

// read builds the tree that lies in a directory, links and all.
func read(t *testing.T, files, links map[string]string, limits sources.Limits) (*Built, []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range links {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, target); err != nil {
			t.Fatal(err)
		}
	}
	all, found, err := sources.ReadRepository(dir, limits)
	if err != nil {
		t.Fatal(err)
	}
	built, err := Build(t.Context(), all, found)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range built.Report.Findings {
		said = append(said, strings.TrimSpace(d.Rule.Code+" "+d.Severity.String()+" "+d.Span.File))
	}
	return built, said
}

// TestOwnRules: rules come from one directory, and nothing that stands there or
// claims to is left out in silence. Rego elsewhere is nobody's rule.
func TestOwnRules(t *testing.T) {
	t.Parallel()
	platform := strings.Replace(testPlatform, "  environments: {dev: {}, eu: {group: prod}, us: {group: prod}}\n", "", 1)
	shop := strings.Replace(openIntent("shop", "a", "http", "default"), `"@internet"`, "{cidr: 192.168.1.0/24}", 1)
	rule := ownRule("own", "PC900")
	small := sources.DefaultLimits()
	small.FileBytes = 600
	for name, c := range map[string]struct {
		checks string // of the Platform
		files  map[string]string
		links  map[string]string
		limits sources.Limits
		want   []string
	}{
		"the default directory":        {files: map[string]string{"checks/own.rego": rule}, want: []string{"PC900 error shop.yaml"}},
		"and below it":                 {files: map[string]string{"checks/deep/er/own.rego": rule}, want: []string{"PC900 error shop.yaml"}},
		"several":                      {files: map[string]string{"checks/a.rego": ownRule("a", "PC900"), "checks/b.rego": ownRule("b", "PC901")}, want: []string{"PC900 error shop.yaml", "PC901 error shop.yaml"}},
		"a directory of one's own":     {checks: "checks: {dir: policy}", files: map[string]string{"policy/own.rego": rule, "checks/x.rego": "no rule"}, want: []string{"PC900 error shop.yaml"}},
		"tests are no rules":           {files: map[string]string{"checks/own.rego": rule, "checks/own_test.rego": "no rule"}, want: []string{"PC900 error shop.yaml"}},
		"a tenant's Rego":              {files: map[string]string{"shop/checks/own.rego": rule, "policy/x.rego": "no rule", "checks.rego": "no rule"}},
		"a tenant's copy of ours":      {files: map[string]string{"shop/dns.rego": "package portcullis.checks.dns\n\nfindings := set()\n"}},
		"our package":                  {files: map[string]string{"checks/dns.rego": "package portcullis.checks.dns\n\nfindings := set()\n"}, want: []string{"PC030 error checks/dns.rego"}},
		"a package over our library":   {files: map[string]string{"checks/t.rego": "package portcullis.lib.title\n\nx := 1\n"}, want: []string{"PC030 error checks/t.rego"}},
		"no rules where some are said": {checks: "checks: {dir: policy}", files: map[string]string{"checks/own.rego": rule}, want: []string{"PC509 error portcullis.yaml"}},
		"a link for a rule":            {links: map[string]string{"checks/own.rego": "../shop.yaml"}, want: []string{"PC014 error checks/own.rego"}},
		"a link below the rules":       {files: map[string]string{"shop/x.rego": rule}, links: map[string]string{"checks/more": "../shop"}, want: []string{"PC014 error checks/more"}},
		"a link for the directory":     {files: map[string]string{"shop/x.rego": rule}, links: map[string]string{"checks": "shop"}, want: []string{"PC014 error checks"}},
		"a link above the directory":   {checks: "checks: {dir: policy/rego}", files: map[string]string{"shop/rego/x.rego": rule}, links: map[string]string{"policy": "shop"}, want: []string{"PC014 error policy"}},
		"a dangling link elsewhere":    {links: map[string]string{"shop/x.rego": "/nowhere"}, want: []string{"PC014 error shop/x.rego"}},
		"a rule that is too large":     {files: map[string]string{"checks/own.rego": rule + strings.Repeat("#", 600)}, limits: small, want: []string{"PC015 error checks/own.rego"}},
		"a large file elsewhere":       {files: map[string]string{"shop/own.rego": rule + strings.Repeat("#", 600)}, limits: small, want: []string{"PC015 warning shop/own.rego"}},
		"trusted":                      {checks: "trusted: [platform, checks]", files: map[string]string{"checks/own.rego": rule}, want: []string{"PC900 error shop.yaml"}},
		"below what is trusted":        {checks: "trusted: [platform]\n  checks: {dir: platform/rego}", files: map[string]string{"platform/rego/own.rego": rule}, want: []string{"PC900 error shop.yaml"}},
		"not trusted":                  {checks: "trusted: [platform]", files: map[string]string{"checks/own.rego": rule}, want: []string{"PC125 error checks/own.rego"}},
		"named, and not trusted":       {checks: "trusted: [platform]\n  checks: {dir: policy}", files: map[string]string{"policy/own.rego": rule}, want: []string{"PC125 error portcullis.yaml"}},
		"no rules, and not trusted":    {checks: "trusted: [platform]"},
		"out of the repository":        {checks: "checks: {dir: ../policy}", files: map[string]string{"checks/own.rego": rule}, want: []string{"PC123 error portcullis.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.limits.Files == 0 {
				c.limits = sources.DefaultLimits()
			}
			files := map[string]string{"portcullis.yaml": platform, "shop.yaml": shop}
			if c.checks != "" {
				files["portcullis.yaml"] += "  " + c.checks + "\n"
			}
			for name, text := range c.files {
				files[name] = text
			}
			built, got := read(t, files, c.links, c.limits)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, built.Report.Findings.Err())
			}
			for name := range built.Report.Sources {
				if strings.HasSuffix(name, ".rego") && !strings.HasPrefix(name, "checks/") && !strings.Contains(files["portcullis.yaml"], filepath.Dir(name)) {
					t.Errorf("%s counts as an input", name)
				}
			}
		})
	}
}

// A finding of a rule of the user's is waived and graded like any other, and is about
// the same documents whatever else the rules do.
func TestOwnRulesAreRules(t *testing.T) {
	t.Parallel()
	shop := strings.Replace(openIntent("shop", "a", "http", "dev, prod"), `"@internet"`, "{cidr: 192.168.1.0/24}", 1)
	pay := strings.Replace(openIntent("pay", "a", "http", "dev, prod"), `"@internet"`, "{cidr: 192.168.1.0/24}", 1)
	built, found := governed(t, Options{}, map[string]string{
		"portcullis.yaml": testPlatform + "  checks: {severity: {PC900: warning}}\n",
		"intents.yaml":    shop + pay, "checks/own.rego": ownRule("own", "PC900"),
		"w.yaml": testWaiver{name: "w", rule: "PC900", namespace: "shop", environment: "prod", expires: "2026-12-31"}.String(),
	})
	if diff := cmp.Diff([]string{"PC900 warning dev", "~PC900 warning eu,us", "PC900 warning"}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, code := range []string{"PC203", "PC900"} {
		if !slices.ContainsFunc(built.Report.Rules, func(r *diag.Rule) bool { return r.Code == code }) {
			t.Errorf("the report does not list %s as evaluated", code)
		}
	}
}
