package bundle

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/policies/diag"
)

// someRecord has a rule with every outcome, and waivers in no order.
func someRecord() Record {
	rule := func(code string) *diag.Rule {
		return &diag.Rule{Code: code, Title: "t", Why: "h", Severity: diag.Error}
	}
	held, found, waived, both, own := rule("PC201"), rule("PC202"), rule("PC203"), rule("PC204"), rule("PC900")
	at := func(r *diag.Rule, s diag.Severity, waiver string) diag.Diagnostic {
		d := r.At(diag.Span{File: "a.yaml"}, "found")
		d.Severity, d.WaivedBy = s, waiver
		return d
	}
	return Record{
		Tool:   "v1.2.3",
		Inputs: map[string][]byte{"a.yaml": []byte("a"), "b/<c>.yaml": nil},
		Report: diag.Report{
			Findings: diag.List{
				at(found, diag.Warning, ""), at(found, diag.Warning, ""), at(found, diag.Info, ""),
				at(waived, diag.Error, "w"), at(both, diag.Error, ""), at(both, diag.Error, "w"),
				at(own, diag.Info, ""), // not among the rules: it is not lost
			},
			Rules: []*diag.Rule{both, waived, found, held},
		},
		Proofs: []Proof{
			{Environment: "dev", Result: "held", Assumptions: []string{"Nobody <looks>."}},
			{Environment: "prod", Result: "failed", Assumptions: []string{"Nobody looks."}},
		},
		Waivers: []Waiver{{"w", "PC204", "2027-01-31"}, {"w", "PC203", "2026-12-31"}, {"a", "PC201", "2020-02-29"}},
		Carried: []Carried{
			{Environment: "dev", Object: diag.ObjectID{Kind: "ServiceAccount", Namespace: "shop", Name: "robot"}},
			{Environment: "prod", Object: diag.ObjectID{Group: "projectcalico.org", Kind: "Tier", Name: "a"}, Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "<d>"}},
		},
		Unverified: true,
	}
}

func indexOf(t *testing.T, r Record, tree map[string][]byte) (raw []byte, index Index) {
	t.Helper()
	b, err := New(r, tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b[IndexFile], &index); err != nil {
		t.Fatal(err)
	}
	return b[IndexFile], index
}

func TestIndexTellsHowEachRuleCameOut(t *testing.T) {
	t.Parallel()
	_, index := indexOf(t, someRecord(), nil)
	want := Rules{Held: []string{"PC201"}, Waived: []string{"PC203"}, Found: []string{"PC202", "PC204", "PC900"}}
	if diff := cmp.Diff(want, index.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Waiver{{"a", "PC201", "2020-02-29"}, {"w", "PC203", "2026-12-31"}, {"w", "PC204", "2027-01-31"}}, index.Waivers); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
}

// TestDigests compares with digests from elsewhere (sha256sum).
func TestDigests(t *testing.T) {
	t.Parallel()
	_, index := indexOf(t, someRecord(), map[string][]byte{"base/x.yaml": []byte("abc")})
	want := map[string]string{
		"a.yaml":     "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
		"b/<c>.yaml": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}
	if diff := cmp.Diff(want, index.Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	want = map[string]string{"base/x.yaml": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
	if diff := cmp.Diff(want, index.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

// TestOrderDoesNotShow builds the same record from findings, rules and waivers in
// the opposite order.
func TestOrderDoesNotShow(t *testing.T) {
	t.Parallel()
	want, _ := indexOf(t, someRecord(), nil)
	r := someRecord()
	slices.Reverse(r.Report.Findings)
	slices.Reverse(r.Report.Rules)
	slices.Reverse(r.Waivers)
	got, _ := indexOf(t, r, nil)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the order shows:\n%s", diff)
	}
}

func TestIndexFollowsItsSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("bundle.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if schema.DraftVersion != 7 {
		t.Errorf("draft %d, expected 7", schema.DraftVersion)
	}
	validate := func(raw []byte) error {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(document)
	}
	full, _ := indexOf(t, someRecord(), map[string][]byte{"base/x.yaml": nil})
	bare, _ := indexOf(t, Record{Tool: "devel"}, nil)
	for _, raw := range [][]byte{full, bare} {
		if err := validate(raw); err != nil {
			t.Errorf("%v in\n%s", err, raw)
		}
	}
	// Each of these says something that an index never does.
	for _, wrong := range []map[string]any{
		{"schema": "portcullis.dev/bundle/v9"},
		{"tool": ""},
		{"tool": nil},
		{"unverified": false},
		{"time": "2026-01-01T00:00:00Z"},
		{"inputs": map[string]any{"a": "abc"}},
		{"inputs": map[string]any{"/a": full}},
		{"outputs": map[string]any{"../a": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}},
		{"proofs": nil},
		{"proofs": []any{map[string]any{"environment": "dev", "result": "held"}}},
		{"proofs": []any{map[string]any{"environment": "dev", "result": "maybe", "assumptions": []any{"x"}}}},
		{"proofs": []any{map[string]any{"environment": "dev", "result": "held", "flows": 3, "assumptions": []any{"x"}}}},
		{"rules": []any{}},
		{"rules": map[string]any{}},
		{"rules": map[string]any{"held": []any{"PC1"}}},
		{"rules": map[string]any{"held": []any{"PC201", "PC201"}}},
		{"rules": map[string]any{"held": []any{}, "found": []any{}}},
		{"rules": map[string]any{"held": []any{}, "found": 3}},
		{"carried": []any{}},
		{"carried": []any{map[string]any{"environment": "dev"}}},
		{"carried": []any{map[string]any{"environment": "dev", "object": map[string]any{"kind": "Tier"}}}},
		{"carried": []any{map[string]any{"environment": "dev", "object": map[string]any{"kind": "Tier", "name": "a"}, "labels": map[string]any{}}}},
		{"waivers": []any{}},
		{"waivers": []any{map[string]any{"name": "a", "rule": "PC201", "expires": "soon"}}},
		{"waivers": []any{map[string]any{"name": "a", "rule": "PC201", "expires": "2026-01-01", "used": 1}}},
	} {
		var document map[string]any
		if err := json.Unmarshal(full, &document); err != nil {
			t.Fatal(err)
		}
		maps.Copy(document, wrong)
		raw, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if validate(raw) == nil {
			t.Errorf("the schema accepts %v", wrong)
		}
	}
}
