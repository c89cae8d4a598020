package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// tests runs the tests of a repository and returns its report, each test as FILE:LINE
// OUTCOME [ENVIRONMENTS], and each finding as CODE FILE:LINE [ENVIRONMENTS].
func tests(t *testing.T, files map[string]string) (report diag.Report, outcomes, found []string) {
	t.Helper()
	var all []language.File
	for _, name := range diag.SortedKeys(files) {
		all = append(all, language.File{Path: name, Data: []byte(files[name])})
	}
	report, err := Options{}.Test(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := func(environments []string) string {
		if len(environments) == 0 {
			return ""
		}
		return fmt.Sprint(" ", environments)
	}
	at := func(s diag.Span) string { return fmt.Sprintf("%s:%d", s.File, s.Start.Line) }
	for _, test := range report.Tests {
		outcomes = append(outcomes, at(test.Span)+" "+string(test.Outcome)+in(test.Environments))
	}
	for _, d := range report.Findings {
		found = append(found, d.Rule.Code+" "+at(d.Span)+in(d.Environments))
	}
	return report, outcomes, found
}

const testedPlatform = `apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  cluster: {podCIDRs: [10.244.0.0/16]}
  environments: {dev: {}, prod: {}}
  namespaces: {shop: {}}
`

const testedShop = `apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec:
  ports: {http: 8080}
  inbound:
    - {from: till, ports: [http], in: [dev]}
    - {from: "@internet", ports: [http]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: till, namespace: shop}
spec: {}
`

// TestOutcomes: a line is said to have come out in every way in which it did, with the
// environments. What rules find in the policies, PC203 here, is not what tests are about.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		platform        string
		outcomes, found []string
	}{
		"passes everywhere": {`  tests: ["shop/web -> shop/till deny"]`, []string{"portcullis.yaml:8 passed"}, nil},
		"passes where it is": {`  tests: ["shop/till -> shop/web:http allow in dev"]`,
			[]string{"portcullis.yaml:8 passed [dev]"}, nil},
		"fails everywhere": {`  tests: ["shop/web -> shop/till:80 allow"]`,
			[]string{"portcullis.yaml:8 failed"}, []string{"PC301 portcullis.yaml:8"}},
		"fails somewhere": {`  tests: ["shop/till -> shop/web:http allow"]`,
			[]string{"portcullis.yaml:8 failed [prod]", "portcullis.yaml:8 passed [dev]"}, []string{"PC301 portcullis.yaml:8 [prod]"}},
		"fails for some of a set": {`  tests: ["shop/* -> shop/web:http allow in dev"]`,
			[]string{"portcullis.yaml:8 failed [dev]"}, []string{"PC301 portcullis.yaml:8 [dev]"}},
		"about nothing": {`  tests: ["shop/web -> [2001:db8::1]:443 deny"]`,
			[]string{"portcullis.yaml:8 failed"}, []string{"PC302 portcullis.yaml:8"}},
		"in quarantine": {"  quarantine: [{peer: shop/till, why: broken into, ticket: SEC-1, until: 2027-01-01, in: [prod]}]\n  tests: [\"shop/till -> shop/web:http allow\"]",
			[]string{"portcullis.yaml:9 passed [dev]", "portcullis.yaml:9 paused [prod]"}, nil},
		"several, by place": {"  tests:\n    - \"shop/web -> shop/till deny\"\n    - \"shop/web -> shop/till:80 allow in dev\"\n    - \"shop/till -> 192.0.2.1 deny\"",
			[]string{"portcullis.yaml:9 passed", "portcullis.yaml:10 failed [dev]", "portcullis.yaml:11 passed"}, []string{"PC301 portcullis.yaml:10 [dev]"}},
		"none":                    {"", nil, []string{"PC016 portcullis.yaml:0"}},
		"a mistake in the intent": {"  nonsense: 1\n  tests: [\"shop/web -> shop/till deny\"]", nil, []string{"PC002 portcullis.yaml:8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, outcomes, found := tests(t, map[string]string{"portcullis.yaml": testedPlatform + c.platform + "\n", "shop.yaml": testedShop})
			if diff := cmp.Diff(c.outcomes, outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.found, found); diff != "" {
				t.Errorf("findings (-want +got):\n%s%v", diff, report.Findings.Err())
			}
			if outcomes != nil && slices.ContainsFunc(report.Rules, func(r *diag.Rule) bool { return r.Code == "PC203" }) {
				t.Error("the report claims to know of what it leaves to check")
			}
		})
	}
}

// TestTestsOfRulesBesideIntents: whatever is wrong with the intents, rules are tested;
// and whatever is wrong with rules, the intents are.
func TestTestsOfRulesBesideIntents(t *testing.T) {
	t.Parallel()
	const good = "package portcullis.checks.own_test\n\nimport data.portcullis.checks.own\n\ntest_it if count(own.findings) == 1 with input as {\"scope\": \"namespace\", \"namespace\": {\"name\": \"x\", \"governed\": true}}\n"
	rule := ownRule("own", "PC900")
	platform := testedPlatform + "  tests: [\"shop/web -> shop/till deny\"]\n"
	const holds = "portcullis.yaml:8 passed"
	for name, c := range map[string]struct {
		files           map[string]string
		outcomes, found []string
	}{
		"both": {map[string]string{"checks/own.rego": rule, "checks/own_test.rego": good}, []string{"checks/own_test.rego:5 passed", holds}, nil},
		"a broken intent": {map[string]string{"checks/own.rego": rule, "checks/own_test.rego": good, "shop.yaml": strings.Replace(testedShop, "spec: {}", "spec: {x: 1}", 1)},
			[]string{"checks/own_test.rego:5 passed"}, []string{"PC002 shop.yaml:13"}},
		"a broken test": {map[string]string{"checks/own.rego": rule, "checks/own_test.rego": good + "\ntest_x if nowhere\n"},
			[]string{holds}, []string{"PC030 checks/own_test.rego:7"}},
		"a broken rule": {map[string]string{"checks/own.rego": rule + "\nx if nowhere\n", "checks/own_test.rego": good},
			nil, []string{"PC030 checks/own.rego:15"}},
		"a test that fails": {map[string]string{"checks/own.rego": rule, "checks/own_test.rego": good + "\ntest_x if 1 == 2\n"},
			[]string{"checks/own_test.rego:5 passed", "checks/own_test.rego:7 failed", holds}, []string{"PC310 checks/own_test.rego:7"}},
		"a rule without a test":   {map[string]string{"checks/own.rego": rule}, []string{holds}, []string{"PC311 checks/own.rego:8"}},
		"a tenant's test":         {map[string]string{"shop/own_test.rego": "nonsense"}, []string{holds}, nil},
		"a test without any rule": {map[string]string{"checks/x_test.rego": "package x\n\ntest_x if true\n"}, []string{"checks/x_test.rego:3 passed", holds}, nil},
		"nothing but a rule":      {map[string]string{"checks/own.rego": rule, "portcullis.yaml": testedPlatform}, nil, []string{"PC016 portcullis.yaml:0", "PC311 checks/own.rego:8"}},
		"nothing that is ready":   {map[string]string{"checks/x_test.rego": "package x\n\ntodo_test_x if true\n", "portcullis.yaml": testedPlatform}, []string{"checks/x_test.rego:3 skipped"}, []string{"PC016 portcullis.yaml:0"}},
		"tests of rules alone":    {map[string]string{"checks/own.rego": rule, "checks/own_test.rego": good, "portcullis.yaml": testedPlatform}, []string{"checks/own_test.rego:5 passed"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"portcullis.yaml": platform, "shop.yaml": testedShop}
			for file, text := range c.files {
				files[file] = text
			}
			report, outcomes, found := tests(t, files)
			if diff := cmp.Diff(c.outcomes, outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			slices.Sort(found)
			if diff := cmp.Diff(c.found, found); diff != "" {
				t.Errorf("findings (-want +got):\n%s%v", diff, report.Findings.Err())
			}
		})
	}
}

// A test of a rule changes nothing that is built, and is no input of it.
func TestTestsOfRulesAreNoInput(t *testing.T) {
	t.Parallel()
	built, _ := read(t, map[string]string{
		"portcullis.yaml": strings.Replace(testedPlatform, "dev: {}, prod: {}", "dev: {}", 1), "shop.yaml": strings.Replace(testedShop, "\"@internet\"", "{cidr: 192.0.2.0/24}", 1),
		"checks/own.rego": strings.Replace(ownRule("own", "PC900"), "input.scope == \"namespace\"", "input.scope == \"nothing\"", 1), "checks/own_test.rego": "nonsense",
	}, nil, sources.DefaultLimits())
	if want := []string{"checks/own.rego", "portcullis.yaml", "shop.yaml"}; !slices.Equal(diag.SortedKeys(built.Inputs), want) {
		t.Errorf("inputs %v, want %v: %v", diag.SortedKeys(built.Inputs), want, built.Report.Findings.Err())
	}
}
