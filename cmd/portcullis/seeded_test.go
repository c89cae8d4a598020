package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/ci/report"
)

// mistakes are what somebody may get wrong in the online shop, each in a line of its own: the
// text that is there, and what is written instead.
var mistakes = []struct{ code, file, is, becomes string }{
	{"PC101", "shop/cart.yaml", "{to: cart-cache,", "{to: cart-cach,"},
	{"PC103", "shop/catalog.yaml", "ports: [http]}", "ports: [htp]}"},
	{"PC508", "shop/checkout.yaml", "until: 2027-03-31", "until: 2026-01-01"},
	{"PC002", "shop/frontend.yaml", "  outbound:", "  outbond:"},
	{"PC109", "payments/ledger.yaml", "{from: shop/checkout,", `{from: "0.0.0.0/0",`},
	{"PC104", "data/databases.yaml", `"@analytics-partner"`, `"@analytics-partnr"`},
	{"PC105", "data/search.yaml", "in: [dev]", "in: [dve]"},
	{"PC107", "monitoring/monitoring.yaml", "metrics: 8888", "metrics: 88888"},
	{"PC106", "portcullis.yaml", "[10.92.0.0/24]", "[10.92.0.1/24]"},
	{"PC503", "waivers/public-front-door.yaml", "expires: 2027-02-20", "expires: 2028-02-20"},
}

// findingAt is how a format says where a finding is: a file, a line, and in some the rule.
var findingAt = map[string]*regexp.Regexp{
	"text":     regexp.MustCompile(`(?m)^(?P<file>\S+):(?P<line>\d+):\d+: error (?P<code>PC\d+)`),
	"brief":    regexp.MustCompile(`(?m)^(?P<file>\S+):(?P<line>\d+):\d+: error (?P<code>PC\d+)`),
	"json":     regexp.MustCompile(`"rule": "(?P<code>PC\d+)",\s*"severity": "error",\s*"message": .*\s*(?:"why": .*\s*)?"span": \{\s*"file": "(?P<file>[^"]*)",\s*"start": \{\s*"line": (?P<line>\d+)`),
	"sarif":    regexp.MustCompile(`"ruleId": "(?P<code>PC\d+)",(?s:.*?)"locations": \[\s*\{\s*"physicalLocation": \{\s*"artifactLocation": \{\s*"uri": "(?P<file>[^"]*)"\s*\},\s*"region": \{\s*"startLine": (?P<line>\d+)`),
	"github":   regexp.MustCompile(`(?m)^::error file=(?P<file>[^,]*),line=(?P<line>\d+),.*title=(?P<code>PC\d+)%3A`),
	"gitlab":   regexp.MustCompile(`"check_name": "(?P<code>PC\d+)",[^}]*"path": "(?P<file>[^"]*)",\s*"lines": \{\s*"begin": (?P<line>\d+)`),
	"junit":    regexp.MustCompile(`(?:>|&#xA;)(?P<file>[^ >]+):(?P<line>\d+):\d+: error (?P<code>PC\d+)`),
	"markdown": regexp.MustCompile("(?m)^\\| error \\| `(?P<code>PC\\d+)` \\| `(?P<file>[^`]+):(?P<line>\\d+):\\d+`"),
}

// TestSeededMistakes makes ten mistakes at once: one run finds each where it was made, and says
// so in every format there is.
func TestSeededMistakes(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "shop")
	if err := os.CopyFS(dir, os.DirFS("../../examples/online-shop")); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range mistakes {
		name := filepath.Join(dir, m.file)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before, after, found := strings.Cut(string(data), m.is)
		if !found {
			t.Fatalf("%s has no %s", m.file, m.is)
		}
		if err := os.WriteFile(name, []byte(before+m.becomes+after), 0o644); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s:%d %s", m.file, strings.Count(before, "\n")+1, m.code))
	}
	slices.Sort(want)
	args := []string{"check", "--effective-time=2026-11-30"}
	for _, f := range report.Formats {
		args = append(args, "-o", f.Name+"="+filepath.Join(top, f.Name))
	}
	if code, _, said := here(t.Context(), append(args, dir), nil); code != exitInput {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for _, f := range report.Formats {
		data, err := os.ReadFile(filepath.Join(top, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		place := findingAt[strings.TrimSuffix(f.Name, "-github")]
		if place == nil {
			t.Errorf("nobody knows how %s says where a finding is", f.Name)
			continue
		}
		var got []string
		for _, m := range place.FindAllStringSubmatch(string(data), -1) {
			of := func(name string) string { return m[place.SubexpIndex(name)] }
			got = append(got, strings.TrimPrefix(of("file"), filepath.ToSlash(dir)+"/")+":"+of("line")+" "+of("code"))
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s tells (-made +told):\n%s", f.Name, diff)
		}
	}
}
