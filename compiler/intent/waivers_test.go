package intent

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
)

func TestPortsOfWaiversCoverWhatTheySay(t *testing.T) {
	t.Parallel()
	declared := []plan.NamedPort{{Name: "http", Ports: []plan.Port{{Protocol: plan.TCP, First: 8080, Last: 8080}}}}
	for _, c := range []struct {
		written, evidence string
		want              bool
	}{
		{"8080", "8080", true},
		{"8080", "8081", false},
		{"8080", "8080/udp", false},
		{"53/udp", "53/udp", true},
		{"8000-8100", "8080", true},
		{"8000-8100", "8000-8100", true},
		{"8080", "8000-8100", false},
		{"http", "8080", true},
		{"http", "8080-8081", false},
		{"http", "http", true},
		{"admin", "8080", false},
		{"admin", "http", false},
		{"any", "any", true},
		{"any", "8080", true},
		{"8080", "any", false},
		{"1-65535", "any", false},
		{"icmp", "icmp", true},
		{"icmp", "8080", false},
		{"8080", "other protocols", false},
		{"any", "other protocols", false},
		{"any", "", false},
	} {
		var p PortRef
		if m := p.parse(c.written, "!!str"); m != nil {
			t.Fatal(m.message)
		}
		if got := p.Covers(c.evidence, declared); got != c.want {
			t.Errorf("%q covers %q: %v", c.written, c.evidence, got)
		}
	}
}

func TestReferencesOfWaivers(t *testing.T) {
	t.Parallel()
	for word, ok := range map[string]bool{
		"shop/web": true, "pr-*/web": true, "shop": false, "shop/*": false, "*/web": false, "shop/web/x": false, "Shop/web": false, "": false,
	} {
		var v WorkloadRef
		if m := v.parse(word, "!!str"); (m == nil) != ok {
			t.Errorf("%q as an intent: %v", word, m)
		}
	}
	for word, ok := range map[string]bool{
		"NetworkPolicy/shop/web": true, "Tier/default": true, "GlobalNetworkPolicy/a.b": true,
		"web": false, "NetworkPolicy shop/web": false, "a/b/c/d": false, "a//c": false, "/b": false, "a/b, c/d": false, "": false,
	} {
		var v ObjectRef
		if m := v.parse(word, "!!str"); (m == nil) != ok {
			t.Errorf("%q as an object: %v", word, m)
		}
	}
	for _, c := range []struct {
		ref, workload string
		want          bool
	}{
		{"shop/web", "shop/web", true}, {"shop/web", "shop/webs", false}, {"shop/web", "pay/web", false},
		{"pr-*/web", "pr-12/web", true}, {"pr-*/web", "pr-*/web", true}, {"pr-*/web", "pr-/web", false}, {"pr-*/web", "shop/web", false},
	} {
		if got := WorkloadRef(c.ref).Is(c.workload); got != c.want {
			t.Errorf("%s is %s: %v", c.ref, c.workload, got)
		}
	}
}

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
			repo, found := Parse([]File{{PlatformFile, []byte(root)}, {"w.yaml", []byte(waiver)},
				{"i.yaml", []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec: {}\n")}})
			_, more := repo.Resolve(Options{Targets: []string{"kubernetes", "calico"}})
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

func TestQuarantinesEnd(t *testing.T) {
	t.Parallel()
	repo, _ := Parse([]File{{PlatformFile, []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: p}\nspec: {quarantine: [{peer: shop/web, ticket: t, until: 2026-12-01}]}\n")}})
	if all := repo.Endings(); len(all) != 1 || all[0].Until.Value != "2026-12-01" || all[0].What != "this quarantine" {
		t.Errorf("endings %v", all)
	}
}
