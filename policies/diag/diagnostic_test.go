package diag_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

func TestSeverityReadsBack(t *testing.T) {
	t.Parallel()
	for _, s := range []diag.Severity{diag.Info, diag.Warning, diag.Error} {
		if back, err := diag.ParseSeverity(s.String()); err != nil || back != s {
			t.Errorf("%v is read as %v, %v", s, back, err)
		}
		raw, err := json.Marshal(s)
		if err != nil || string(raw) != `"`+s.String()+`"` {
			t.Errorf("%v is written as %s, %v", s, raw, err)
		}
		var back diag.Severity
		if err := json.Unmarshal(raw, &back); err != nil || back != s {
			t.Errorf("%s is read as %v, %v", raw, back, err)
		}
	}
	if !(diag.Info < diag.Warning && diag.Warning < diag.Error) {
		t.Error("severities do not compare")
	}
	for _, name := range []string{"", "Error", "severity(0)", diag.Severity(0).String()} {
		if _, err := diag.ParseSeverity(name); err == nil || !strings.Contains(err.Error(), "expected info, warning or error") {
			t.Errorf("%q is read: %v", name, err)
		}
	}
}

func TestUnjudgeable(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"PC001": true, "PC099": true, "PC101": true, "PC199": true, "PC200": false, "PC901": false, "PC0": false, "": false,
	} {
		if got := (&diag.Rule{Code: code}).Unjudgeable(); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}

// What cannot be judged or proved stands whoever accepts it, and a waiver does not
// excuse itself.
func TestWhatCanBeAccepted(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct{ fixed, waivable bool }{
		"PC001": {true, false}, "PC130": {true, false}, "PC301": {true, false},
		"PC201": {false, true}, "PC402": {false, true}, "PC999": {false, true},
		"PC501": {false, false},
	} {
		r := &diag.Rule{Code: code}
		if r.Fixed() != want.fixed || r.Waivable() != want.waivable {
			t.Errorf("%s: fixed %v, waivable %v", code, r.Fixed(), r.Waivable())
		}
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	stem := rules[0].At(diag.Span{}, "x")
	d := stem.Testify(diag.PortEvidence, "80, 53/udp").Testify(diag.PortEvidence, "81").Testify(diag.PeerEvidence, "")
	if diff := cmp.Diff([]string{"80", "53/udp"}, d.EvidenceOf(diag.PortEvidence)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.EvidenceOf(diag.PeerEvidence) != nil || stem.Evidence != nil {
		t.Errorf("evidence out of nothing: %v, %v", d.Evidence, stem.Evidence)
	}
	if twig := d.Testify("x", "y"); d.Evidence["x"] != "" || twig.Evidence["x"] != "y" {
		t.Error("the twig shares the stem's evidence")
	}
	for want, id := range map[string]diag.ObjectID{
		"NetworkPolicy/shop/web": {Group: "g", Kind: "NetworkPolicy", Namespace: "shop", Name: "web"},
		"Tier/default":           {Kind: "Tier", Name: "default"},
	} {
		if got := id.Evidence(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// TestBuildersShareNothing: a diagnostic that was used as a stem is not changed by
// what grows out of it.
func TestBuildersShareNothing(t *testing.T) {
	t.Parallel()
	at := diag.Span{File: "a"}
	stem := rules[0].At(at, "x").See(at, "1").Replace(at, "1")
	stem.Related = append(make([]diag.Related, 0, 8), stem.Related...)
	stem.Fix = append(make([]diag.Edit, 0, 8), stem.Fix...)
	one := stem.See(at, "one").Replace(at, "one").Because("one").Suggest("one")
	two := stem.See(at, "two").Replace(at, "two").Because("two").Suggest("two")
	if one.Related[1].Message != "one" || two.Related[1].Message != "two" || one.Fix[1].NewText != "one" || two.Fix[1].NewText != "two" {
		t.Errorf("the twigs share memory: %v, %v", one, two)
	}
	if stem.Why != "" || stem.Hint != "" || len(stem.Related) != 1 || len(stem.Fix) != 1 {
		t.Errorf("the stem has changed: %v", stem)
	}
	if !stem.Is(rules[0]) || stem.Is(rules[1]) {
		t.Error("Is does not tell rules apart")
	}
}

func TestCompareIsAnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := spanGen.Draw(t, "a"), spanGen.Draw(t, "b"), spanGen.Draw(t, "c")
		order(t, a, b, c, diag.Span.Compare)
		x, y, z := subjectGen.Draw(t, "x"), subjectGen.Draw(t, "y"), subjectGen.Draw(t, "z")
		order(t, x, y, z, diag.Subject.Compare)
		order(t, x.Object, y.Object, z.Object, diag.ObjectID.Compare)
		if (diag.Span{}).Compare(a) > 0 {
			t.Fatalf("%v comes before nowhere", a)
		}
	})
}

func order[T comparable](t *rapid.T, a, b, c T, compare func(T, T) int) {
	if compare(a, b) != -compare(b, a) || (compare(a, b) == 0) != (a == b) {
		t.Fatalf("%v and %v compare as %d and %d", a, b, compare(a, b), compare(b, a))
	}
	if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
		t.Fatalf("%v, %v and %v stand in no order", a, b, c)
	}
}

func TestSpanString(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]diag.Span{
		"":           {},
		"a.yaml":     {File: "a.yaml"},
		"a.yaml:7:3": {File: "a.yaml", Start: diag.Position{Line: 7, Column: 3}, End: diag.Position{Line: 8, Column: 1}},
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestReportListsEachRuleOnce(t *testing.T) {
	t.Parallel()
	given := []*diag.Rule{rules[2], rules[0], rules[2], rules[1]}
	r := diag.NewReport(nil, given, nil)
	if diff := cmp.Diff([]*diag.Rule{rules[0], rules[1], rules[2]}, r.Rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if given[0] != rules[2] {
		t.Error("the caller's list was sorted")
	}
}
