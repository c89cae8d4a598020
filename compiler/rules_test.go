package compiler

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/baseline"
	"portcullis.dev/compiler/govern"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
	"portcullis.dev/rego"
)

var update = flag.Bool("update", false, "write golden files anew")

const rulesDir = "../testdata/rules"

// elsewhere are the codes that no archive can show, with what shows them.
var elsewhere = map[string]string{
	"PC015": "TestLimits: an archive of 8 MiB would be in everybody's clone",
	"PC133": "testdata/script/explain.txtar: only who asks can ask wrongly",
}

// TestRules holds every code to its example: testdata/rules/<CODE>.txtar has the
// mistake below wrong/, the same thing put right below right/, and the text that
// people read in want. A file called *.symlink becomes a link to what it says; one
// called now holds the day on which the example is judged, one called calico the minor
// release that evaluates manifests, one called test says that its tests are run. A known.yaml
// on either side is what is known. What is waived may stand below right/.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, rule := range allRules(t) {
		t.Run(rule.Code, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(rulesDir, rule.Code+".txtar")
			if where, ok := elsewhere[rule.Code]; ok {
				if _, err := os.Stat(name); err == nil {
					t.Fatalf("%s has an example and an excuse (%s)", rule.Code, where)
				}
				return
			}
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatalf("the rule %q has no example: %v", rule.Title, err)
			}
			wrong := judge(t, archive, "wrong/")
			if !slices.ContainsFunc(wrong.Findings, func(d diag.Diagnostic) bool { return d.Rule.Code == rule.Code }) {
				t.Errorf("the wrong example does not show %s", rule.Code)
			}
			for _, d := range wrong.Findings {
				if d.Span.File == "" && !d.Is(sources.NothingToJudge) {
					t.Errorf("a finding without a place: %s %s", d.Rule.Code, d.Message)
				}
			}
			right := judge(t, archive, "right/")
			if right.Findings.Worst() != 0 {
				t.Errorf("the right example is not clean:\n%s", asText(t, right))
			}
			golden(t, name, archive, asText(t, wrong))
		})
	}
}

// TestExamplesHaveRules finds examples of codes that are gone.
func TestExamplesHaveRules(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, r := range allRules(t) {
		codes = append(codes, r.Code)
	}
	names, err := filepath.Glob(filepath.Join(rulesDir, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	for _, name := range names {
		if code := strings.TrimSuffix(filepath.Base(name), ".txtar"); !slices.Contains(codes, code) {
			t.Errorf("%s shows a code that no rule has", name)
		}
	}
}

// TestCodesAreUnique holds the tables of all packages together.
func TestCodesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, r := range allRules(t) {
		if title, twice := seen[r.Code]; twice {
			t.Errorf("%s is %q and %q", r.Code, title, r.Title)
		}
		seen[r.Code] = r.Title
		if r.Title == "" || r.Why == "" || r.Mend == "" || r.Severity == 0 {
			t.Errorf("%s lacks its title, why it matters, how to mend it, or its severity", r.Code)
		}
	}
}

// TestOnlyJudgementsCanBeRelaxed: a stage before the rules in Rego ends the build on
// an error, so that lowering it would leave the rest unjudged.
func TestOnlyJudgementsCanBeRelaxed(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		if !r.Fixed() && !slices.Contains(slices.Concat(govern.Rules, baseline.Rules, sources.Rules), r) {
			t.Errorf("%s can be lowered, and no rule in Rego would be evaluated", r.Code)
		}
	}
}

func allRules(t *testing.T) []*diag.Rule {
	t.Helper()
	engine, found, err := rego.Prepare(t.Context(), rego.Options{})
	if err != nil || found.Failed() {
		t.Fatalf("the checks do not compile: %v %v", err, found.Err())
	}
	return slices.Concat(Rules(), engine.Rules())
}

// judge runs one side of an archive through the build, or through check where it has
// no portcullis.yaml.
func judge(t *testing.T, archive *txtar.Archive, prefix string) diag.Report {
	t.Helper()
	var options Options
	repository := false
	for _, f := range archive.Files {
		switch f.Name {
		case "now":
			day, err := time.Parse(time.DateOnly, strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatal(err)
			}
			options.EffectiveTime = day
		case "calico":
			minor, err := strconv.Atoi(strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatal(err)
			}
			options.Cluster.CalicoMinor = minor
		case prefix + "known.yaml":
			options.Baseline = &Baseline{File: language.File{Path: "known.yaml", Data: f.Data}, Asked: []string{"."}}
		case prefix + "portcullis.yaml", prefix + "intents.yaml":
			repository = true
		}
	}
	run := options.Check
	if repository {
		run = options.Build
	}
	files, found, err := sources.ReadTree(unpacked(t, archive, prefix), sources.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == "test" }) {
		report, err := options.Test(t.Context(), files, found)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	built, err := run(t.Context(), files, found)
	if err != nil {
		t.Fatal(err)
	}
	return built.Report
}

// unpacked is a directory with one side of an archive.
func unpacked(t *testing.T, archive *txtar.Archive, prefix string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range archive.Files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok {
			continue
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if link, ok := strings.CutSuffix(target, ".symlink"); ok {
			if err := os.Symlink(strings.TrimSpace(string(f.Data)), link); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(target, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func asText(t *testing.T, r diag.Report) string {
	t.Helper()
	var b bytes.Buffer
	text, err := report.Lookup("text")
	if err == nil {
		err = report.Write(&b, text, r, report.Options{Full: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if *update {
		if i < 0 {
			i = len(archive.Files)
			archive.Files = append(archive.Files, txtar.File{Name: "want"})
		}
		archive.Files[i].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Fatalf("%s has no file called want", name)
	}
	if diff := cmp.Diff(string(archive.Files[i].Data), got); diff != "" {
		t.Errorf("%s reads otherwise (-want +got):\n%s", name, diff)
	}
}
