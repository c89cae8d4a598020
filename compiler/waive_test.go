package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
)

const testPlatform = `apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  environments: {dev: {}, eu: {group: prod}, us: {group: prod}}
`

// openIntent is a workload that the internet reaches on some of its ports, somewhere.
func openIntent(namespace, name, ports, in string) string {
	return fmt.Sprintf(`---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: %s, namespace: %s}
spec:
  ports: {http: 8080, https: 8443}
  inbound:
    - {from: "@internet", ports: [%s], in: [%s]}
`, name, namespace, ports, in)
}

type testWaiver struct{ name, rule, intent, namespace, object, peer, port, environment, expires string }

func (w testWaiver) String() string {
	var parts []string
	for _, p := range [][2]string{{"intent", w.intent}, {"namespace", w.namespace}, {"object", w.object}, {"peer", w.peer}, {"port", w.port}, {"environment", w.environment}} {
		if p[1] != "" {
			parts = append(parts, fmt.Sprintf("%s: %q", p[0], p[1]))
		}
	}
	return fmt.Sprintf(`---
apiVersion: portcullis.dev/v1alpha1
kind: Waiver
metadata: {name: %s}
spec: {rule: %s, match: {%s}, owner: a, approvedBy: b, reason: c, ticket: d, expires: %s}
`, w.name, w.rule, strings.Join(parts, ", "), w.expires)
}

// accepts is what a waiver means, in the words of the language's page, where everything that
// a finding is about is what lines of its intent mean.
func (w testWaiver) accepts(code string, evidence map[string]string, environment, day string) bool {
	only := func(part, key string) bool {
		if part == "" {
			return true
		}
		for _, v := range strings.Split(evidence[key], ", ") {
			if v != part && !(key == "port" && part == "https" && v == "8443") && !(key == "port" && part == "8000-9000" && v < "9000") {
				return false
			}
		}
		return true
	}
	here := w.environment == "" || w.environment == environment || w.environment == "prod" && environment != "dev"
	lines := w.intent != "" || w.namespace != "" // an object is not a line
	return w.rule == code && here && lines && day <= w.expires && only(w.intent, "intent") && only(w.namespace, "namespace") &&
		only(w.object, "object") && only(w.peer, "peer") && only(w.port, "port")
}

// apart is every finding in every environment, once each: code, message, evidence,
// environment → severity and what waives it.
type apart struct{ code, message, environment string }

type fate struct {
	severity diag.Severity
	waivedBy string
	until    string
}

func expanded(found diag.List, environments []string) (map[apart]fate, map[apart]map[string]string) {
	fates, evidence := map[apart]fate{}, map[apart]map[string]string{}
	for _, d := range found {
		where := d.Environments
		if len(where) == 0 {
			where = environments
		}
		for _, e := range where {
			message, _, _ := strings.Cut(d.Message, "; ") // less what a waiver falls short of
			key := apart{d.Rule.Code, message, e}
			fates[key], evidence[key] = fate{d.Severity, d.WaivedBy, d.WaivedUntil}, d.Evidence
		}
	}
	return fates, evidence
}

// TestWaiversAreWhatTheySay holds random waivers, on random days, to a reading of the
// language's page that knows nothing of how they are applied: each finding is waived
// exactly where it says, by the waiver that lasts longest, and nothing else changes.
func TestWaiversAreWhatTheySay(t *testing.T) {
	t.Parallel()
	files := []language.File{{Path: "portcullis.yaml", Data: []byte(testPlatform)}, {Path: "intents.yaml", Data: []byte(
		openIntent("shop", "a", "http", "dev, prod") + openIntent("shop", "b", "http, https", "dev, prod") + openIntent("pay", "a", "https", "eu"))}}
	plain, err := Build(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	environments := []string{"dev", "eu", "us"}
	before, evidence := expanded(plain.Report.Findings, environments)
	if len(before) != 7 {
		t.Fatalf("the fleet has %d findings, want 7: %v", len(before), plain.Report.Findings.Err())
	}
	seen := map[string]bool{}
	pick := func(rt *rapid.T, name string, words ...string) string { return rapid.SampledFrom(words).Draw(rt, name) }
	rapid.Check(t, func(rt *rapid.T) {
		var waivers []testWaiver
		text := ""
		for i := range rapid.IntRange(0, 4).Draw(rt, "waivers") {
			w := testWaiver{
				name: fmt.Sprintf("w-%d", i), rule: pick(rt, "rule", "PC203", "PC203", "PC203", "PC201"),
				intent: pick(rt, "intent", "", "shop/a", "shop/b", "pay/a"), namespace: pick(rt, "namespace", "", "", "shop", "pay"),
				object: pick(rt, "object", "", "", "NetworkPolicy/shop/allow-a"), peer: pick(rt, "peer", "", "@internet", "*/*"),
				port: pick(rt, "port", "", "", "8443", "https", "8080", "8000-9000", "8443/udp"), environment: pick(rt, "environment", "", "dev", "prod", "eu"),
				expires: pick(rt, "expires", "2026-11-30", "2026-12-01", "2026-12-31", "2027-01-15"),
			}
			if w.intent+w.namespace+w.object == "" {
				w.namespace = "shop"
			}
			waivers = append(waivers, w)
			text += w.String()
		}
		day := pick(rt, "day", "", "2026-12-01", "2027-01-15")
		var now time.Time
		if day != "" {
			now, _ = time.Parse(time.DateOnly, day)
		}
		repo, found := language.Parse(append(slices.Clone(files), language.File{Path: "waivers.yaml", Data: []byte(text)}))
		plans, more := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		if found = append(found, more...); len(found) > 0 {
			rt.Fatal(found.Err())
		}
		g := govern.Of(repo, now, plain.Report.Rules, plain.traffic)
		got := g.Apply(plain.Report.Findings, plans)
		after, _ := expanded(slices.DeleteFunc(got, func(d diag.Diagnostic) bool { return d.Rule.Code[2] == '5' }), environments)

		want := map[apart]fate{}
		for key, f := range before {
			for _, w := range waivers {
				if !w.accepts(key.code, evidence[key], key.environment, day) {
					continue
				}
				if f.waivedBy == "" || w.expires > f.until || w.expires == f.until && w.name < f.waivedBy {
					f.waivedBy, f.until = w.name, w.expires
				}
			}
			want[key] = f
			seen[fmt.Sprint(f.waivedBy != "")] = true
		}
		if diff := cmp.Diff(want, after, cmp.AllowUnexported(apart{}, fate{})); diff != "" {
			rt.Fatalf("day %q, waivers\n%s\n(-want +got):\n%s", day, text, diff)
		}
	})
	if len(seen) != 2 {
		t.Errorf("the waivers accepted %v: all or nothing proves nothing", seen)
	}
}

// governed builds a small repository as at a time, and shows code, place and
// environments of what was found, with a tilde before what is waived.
func governed(t *testing.T, o Options, files map[string]string) (*Built, []string) {
	t.Helper()
	var all []language.File
	for _, name := range diag.SortedKeys(files) {
		all = append(all, language.File{Path: name, Data: []byte(files[name])})
	}
	built, err := o.Build(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, d := range built.Report.Findings {
		mark := ""
		if d.WaivedBy != "" {
			mark = "~"
		}
		found = append(found, strings.TrimSpace(fmt.Sprintf("%s%s %s %s", mark, d.Rule.Code, d.Severity, strings.Join(d.Environments, ","))))
	}
	return built, found
}

// The last day ends when UTC says so, wherever the clock hangs; build has none.
func TestTheLastDay(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"portcullis.yaml": testPlatform,
		"a.yaml":          openIntent("shop", "a", "http", "dev, prod"),
		"b.yaml": strings.Replace(strings.Replace(openIntent("shop", "b", "http", "dev, prod"), `"@internet"`, "{cidr: 192.168.1.0/24}", 1),
			"in: [dev, prod]", "until: 2026-12-01", 1),
		"w.yaml": testWaiver{name: "w", rule: "PC203", intent: "shop/a", expires: "2026-12-01"}.String(),
	}
	holds, over := []string{"~PC203 error"}, []string{"PC203 error", "PC508 error", "PC501 error"}
	for at, want := range map[string][]string{
		"":                          holds,
		"2026-12-01T00:00:00Z":      holds,
		"2026-12-01T23:59:59Z":      holds,
		"2026-12-02T00:00:00Z":      over,
		"2026-12-02T04:59:59+05:00": holds,
		"2026-12-01T19:00:00-05:00": over,
		"2035-01-01T00:00:00Z":      over,
	} {
		var now time.Time
		if at != "" {
			var err error
			if now, err = time.Parse(time.RFC3339, at); err != nil {
				t.Fatal(err)
			}
		}
		built, found := governed(t, Options{EffectiveTime: now}, files)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("at %q (-want +got):\n%s", at, diff)
		}
		if built.Failed() == (built.Tree != nil) {
			t.Errorf("at %q: failed %v, and a tree: %v", at, built.Failed(), built.Tree != nil)
		}
	}
	built, _ := governed(t, Options{}, files)
	if d := built.Report.Findings[0]; d.WaivedBy != "w" || d.WaivedUntil != "2026-12-01" {
		t.Errorf("waived by %q until %q", d.WaivedBy, d.WaivedUntil)
	}
	if diff := cmp.Diff([]bundle.Waiver{{Name: "w", Rule: "PC203", Expires: "2026-12-01"}}, built.Waivers); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
}

// A severity holds before anything is decided: what is lowered is emitted, what is
// raised is not, and an environment's own mapping replaces the Platform's in whole.
func TestSeverities(t *testing.T) {
	t.Parallel()
	with := func(checks, dev string) map[string]string {
		platform := strings.Replace(testPlatform, "dev: {}", "dev: {"+dev+"}", 1)
		return map[string]string{"portcullis.yaml": platform + checks, "a.yaml": openIntent("shop", "a", "http", "dev, prod")}
	}
	for name, c := range map[string]struct {
		checks, dev string
		want        []string
		emitted     bool
	}{
		"the rule's own":              {"", "", []string{"PC203 error"}, false},
		"lowered":                     {"  checks: {severity: {PC203: info}}\n", "", []string{"PC203 info"}, true},
		"an environment's own":        {"  checks: {severity: {PC203: warning}}\n", "severity: {PC203: info}", []string{"PC203 warning eu,us", "PC203 info dev"}, true},
		"replaced in whole":           {"  checks: {severity: {PC203: warning}}\n", "severity: {PC201: error}", []string{"PC203 error dev", "PC203 warning eu,us"}, false},
		"replaced by nothing":         {"  checks: {severity: {PC203: warning}}\n", "severity: {}", []string{"PC203 error dev", "PC203 warning eu,us"}, false},
		"lowered in one place":        {"", "severity: {PC203: warning}", []string{"PC203 error eu,us", "PC203 warning dev"}, false},
		"what cannot be lowered":      {"  checks: {severity: {PC112: info}}\n", "", []string{"PC203 error", "PC505 error"}, false},
		"what is a warning, an error": {"  checks: {severity: {PC203: info, PC502: error}}\n", "", []string{"PC203 info", "PC502 error"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := with(c.checks, c.dev)
			if strings.Contains(c.checks, "PC502") {
				files["w.yaml"] = testWaiver{name: "w", rule: "PC201", intent: "shop/a", expires: "2026-12-01"}.String()
			}
			built, found := governed(t, Options{}, files)
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (built.Tree != nil) != c.emitted {
				t.Errorf("emitted: %v", built.Tree != nil)
			}
		})
	}
}

// What a lowered rule finds is no reason to believe what was not judged: a mistake in
// the language stays one, and waivers are not called unused where nobody looked.
func TestNothingIsSaidOfWhatWasNotJudged(t *testing.T) {
	t.Parallel()
	_, found := governed(t, Options{}, map[string]string{
		"portcullis.yaml": testPlatform + "  checks: {severity: {PC101: info}}\n",
		"a.yaml":          strings.Replace(openIntent("shop", "a", "http", "prod"), `"@internet"`, "shop/nobody", 1),
		"w.yaml":          testWaiver{name: "w", rule: "PC203", intent: "shop/gone", expires: "2026-12-01"}.String() + testWaiver{name: "v", rule: "PC999", namespace: "shop", expires: "2026-12-01"}.String(),
	})
	if diff := cmp.Diff([]string{"PC101 error eu,us", "PC505 error", "PC504 error"}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
