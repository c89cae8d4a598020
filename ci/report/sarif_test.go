package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
)

// oasisSchema is the schema of SARIF 2.1.0 as OASIS has published it. The module that carries it
// keeps it to itself and judges only what its own types can hold, so it is read from the source.
func oasisSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatalf("go list does not know the module of the schema: %v", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && len(l.Value) > len(text) {
			text = l.Value
		}
		return true
	})
	if text, err = strconv.Unquote(text); err != nil || !strings.Contains(text, "docs.oasis-open.org/sarif/sarif/v2.1.0") {
		t.Fatalf("the schema is not OASIS': %v", err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const id = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIFFollowsItsSchema(t *testing.T) {
	t.Parallel()
	schema := oasisSchema(t)
	for name, r := range reports() {
		for _, format := range []string{"sarif", "sarif-github"} {
			raw := write(t, lookup(t, format), r, report.Options{Version: "v1.2.3"})
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			if err != nil {
				t.Fatalf("%s of %s: %v", format, name, err)
			}
			if err := schema.Validate(document); err != nil {
				t.Errorf("%s of %s: %v", format, name, err)
			}
			run := document.(map[string]any)["runs"].([]any)[0].(map[string]any)
			run["columnKind"] = "runes"
			if schema.Validate(document) == nil {
				t.Errorf("%s of %s: the schema accepts anything", format, name)
			}
		}
	}
}

func sarifOf(t *testing.T, format string, r diag.Report) *sarif.Run {
	t.Helper()
	log, err := sarif.FromBytes(write(t, lookup(t, format), r, report.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

// TestSARIFTellsWhatIsAccepted: a waived or known finding is a suppressed result, and of a run
// with a baseline every result is compared with it. GitHub's form has none of them.
func TestSARIFTellsWhatIsAccepted(t *testing.T) {
	t.Parallel()
	all := edges()
	known := ruleHalf.At(span("crlf.yaml", 1, 1, 1, 5), "known for long")
	known.KnownBy = "known.yaml"
	all = append(all, known)
	r := diag.NewReport(all, nil, sources)
	accepted := 0
	for i, result := range sarifOf(t, "sarif", r).Results {
		d := r.Findings[i]
		if len(result.Suppressions) == 1 == d.Stands() {
			t.Errorf("%s has %d suppressions", d.Message, len(result.Suppressions))
		}
		if want := map[bool]string{true: "unchanged", false: "new"}[d.KnownBy != ""]; result.BaselineState == nil || *result.BaselineState != want {
			t.Errorf("%s is not %s", d.Message, want)
		}
		if result.PartialFingerprints["primaryLocationLineHash"] != d.Fingerprint {
			t.Errorf("%s has another fingerprint", d.Message)
		}
		if !d.Stands() {
			accepted++
		}
	}
	if accepted < 3 {
		t.Errorf("%d accepted findings show too little", accepted)
	}
	results := sarifOf(t, "sarif-github", r).Results
	for i, result := range results {
		if len(result.Suppressions) > 0 || result.BaselineState != nil || len(result.Locations) != 1 {
			t.Errorf("GitHub's result %d is suppressed, compared or without a place: %v", i, *result.Message.Text)
		}
		if i > 0 && results[i-1].Level != result.Level && result.Level == "error" {
			t.Errorf("result %d is graver than the one before", i)
		}
	}
}

// TestSARIFPlaces: columns count UTF-16 units, a path is a reference that leads back to it, and
// what has no place has that of the repository's main file.
func TestSARIFPlaces(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"a b/ü:x%.yaml":       []byte("k: 😀é \"x\"\r\n"),
		"sub/portcullis.yaml": []byte("x"), "portcullis.yaml": []byte("x"),
	}
	at := func(file string, numbers ...int) diag.Diagnostic {
		return ruleHalf.At(span(file, numbers...), "%s%v", file, numbers)
	}
	for name, test := range map[string]struct {
		of   diag.Diagnostic
		want [4]int
		file string
	}{
		"behind a pair":     {at("a b/ü:x%.yaml", 1, 7, 1, 10), [4]int{1, 8, 1, 11}, "a b/ü:x%.yaml"},
		"on a pair":         {at("a b/ü:x%.yaml", 1, 4, 1, 5), [4]int{1, 4, 1, 6}, "a b/ü:x%.yaml"},
		"beyond the line":   {at("a b/ü:x%.yaml", 1, 4, 1, 99), [4]int{1, 4, 1, 11}, "a b/ü:x%.yaml"},
		"a file as a whole": {at("a b/ü:x%.yaml"), [4]int{1, 0, 0, 0}, "a b/ü:x%.yaml"},
		"end before start":  {at("a b/ü:x%.yaml", 1, 4, 1, 2), [4]int{1, 4, 0, 0}, "a b/ü:x%.yaml"},
		"without a source":  {at("gone.yaml", 3, 4, 3, 9), [4]int{3, 4, 3, 9}, "gone.yaml"},
		"no place":          {ruleHalf.At(diag.Span{}, "x"), [4]int{1, 0, 0, 0}, "portcullis.yaml"},
	} {
		place := sarifOf(t, "sarif", diag.NewReport(diag.List{test.of}, nil, files)).Results[0].Locations[0].PhysicalLocation
		number := func(n *int) int {
			if n == nil {
				return 0
			}
			return *n
		}
		g := place.Region
		if got := [4]int{number(g.StartLine), number(g.StartColumn), number(g.EndLine), number(g.EndColumn)}; got != test.want {
			t.Errorf("%s: %v, expected %v", name, got, test.want)
		}
		u, err := url.Parse(*place.ArtifactLocation.URI)
		if err != nil || u.Scheme != "" || u.Path != test.file {
			t.Errorf("%s: %q does not lead to %q: %v", name, *place.ArtifactLocation.URI, test.file, err)
		}
	}
	lost := sarifOf(t, "sarif", diag.NewReport(diag.List{ruleHalf.At(diag.Span{}, "x")}, nil, nil))
	if len(lost.Results[0].Locations) != 0 || *lost.Invocations[0].ToolExecutionNotifications[0].Message.Text != "1 result has no place" {
		t.Error("a result without a place is not counted")
	}
}

// TestSARIFForGitHubIsCut: of more than GitHub shows, or takes, there are the worst, and the
// file says what it lacks.
func TestSARIFForGitHubIsCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		each int // bytes of a message
		most int // results
	}{"by number": {1, 5000}, "by bytes": {4000, 1000}} {
		var all diag.List
		for i := range 5100 {
			rule := ruleHalf
			if i >= 5050 {
				rule = ruleSpelling
			}
			all = append(all, rule.At(span("a.yaml", i+1, 1, i+1, 2), "%s", strings.Repeat("x", test.each)))
		}
		raw := write(t, lookup(t, "sarif-github"), diag.NewReport(all, nil, nil), report.Options{})
		if len(raw) > 10_000_000 {
			t.Errorf("%s: %d bytes", name, len(raw))
		}
		var log sarif.Report
		if err := json.Unmarshal(raw, &log); err != nil {
			t.Fatal(err)
		}
		results := log.Runs[0].Results
		n := len(results)
		if n > test.most || n < 50 || results[49].Level != "error" || results[50].Level != "warning" {
			t.Errorf("%s: %d results are not the worst", name, n)
		}
		want := fmt.Sprintf("%d of 5100 findings are here, the worst; left out: %d of PC501 warning", n, 5100-n)
		if got := *log.Runs[0].Invocations[0].ToolExecutionNotifications[0].Message.Text; got != want {
			t.Errorf("%s: it says %q, expected %q", name, got, want)
		}
	}
}
