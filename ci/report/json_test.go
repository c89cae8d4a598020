package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/ci/report"
	"portcullis.dev/policies/diag"
)

func jsonFormat(t *testing.T) report.Format {
	t.Helper()
	f, err := report.Lookup("json")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestJSONFollowsItsSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]diag.Report{
		"edges": diag.NewReport(edges(), []*diag.Rule{ruleHalf, ruleSilent}, sources),
		"clean": diag.NewReport(nil, nil, nil),
		"tests": tested(),
		"many":  many(),
	} {
		raw := write(t, jsonFormat(t), r, report.Options{})
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.HasSuffix(raw, []byte("}\n")) {
			t.Errorf("%s does not end in a line break", name)
		}
		// The schema must be able to refuse: take away what it calls for.
		document.(map[string]any)["summary"].(map[string]any)["errors"] = "many"
		if schema.Validate(document) == nil {
			t.Errorf("%s: the schema accepts anything", name)
		}
	}
}

// TestJSONLosesNothing reads every finding back and compares it with the original,
// hostile text included.
func TestJSONLosesNothing(t *testing.T) {
	t.Parallel()
	r := diag.NewReport(edges(), []*diag.Rule{ruleHalf, ruleSilent}, sources)
	raw := write(t, jsonFormat(t), r, report.Options{})
	type rule struct {
		Code, Title, Help string
		Severity          diag.Severity
	}
	var back struct {
		Findings []struct {
			Rule string
			diag.Diagnostic
		}
		Rules []rule
	}
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, r := range r.Rules {
		rules = append(rules, rule{r.Code, r.Title, r.Help(), r.Severity})
	}
	if diff := cmp.Diff(rules, back.Rules); diff != "" {
		t.Errorf("rules (-written +read):\n%s", diff)
	}
	if len(back.Findings) != len(r.Findings) {
		t.Fatalf("%d findings were written and %d read", len(r.Findings), len(back.Findings))
	}
	// JSON holds no invalid UTF-8.
	valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
	text := cmp.Comparer(func(a, b string) bool { return valid(a) == valid(b) })
	for i, want := range r.Findings {
		got := back.Findings[i].Diagnostic
		if back.Findings[i].Rule != want.Rule.Code {
			t.Errorf("finding %d: rule %s, not %s", i, back.Findings[i].Rule, want.Rule.Code)
		}
		got.Rule = want.Rule
		if diff := cmp.Diff(want, got, text); diff != "" {
			t.Errorf("finding %d (-written +read):\n%s", i, diff)
		}
	}
}

// TestJSONLosesNoTest does the same for tests and what they reach.
func TestJSONLosesNoTest(t *testing.T) {
	t.Parallel()
	r := tested()
	var back diag.Report
	if err := json.Unmarshal(write(t, jsonFormat(t), r, report.Options{}), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Tests, back.Tests); diff != "" {
		t.Errorf("tests (-written +read):\n%s", diff)
	}
	if diff := cmp.Diff(r.Coverage, back.Coverage); diff != "" {
		t.Errorf("coverage (-written +read):\n%s", diff)
	}
}

func TestJSONKeepsMarkup(t *testing.T) {
	t.Parallel()
	raw := write(t, jsonFormat(t), diag.NewReport(nil, []*diag.Rule{ruleSilent}, nil), report.Options{})
	if !bytes.Contains(raw, []byte("<everywhere> & always")) {
		t.Errorf("markup is escaped:\n%s", raw)
	}
}
