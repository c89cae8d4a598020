package diag_test

import (
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

func fingerprintsOf(l diag.List) []string {
	var all []string
	for _, d := range diag.NewReport(l, nil, nil).Findings {
		all = append(all, d.Fingerprint)
	}
	return all
}

// TestFingerprint changes one thing at a time of a finding.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := rules[2].On(diag.Subject{Object: diag.ObjectID{Kind: "NetworkPolicy", Namespace: "shop", Name: "web"}, Pointer: "/spec/ingress/0"}, "one").
		Suggest("remedy\nwith lines").CausedBy("@partner")
	base.Content = "/spec/ingress/abc"
	for name, c := range map[string]struct {
		change func(*diag.Diagnostic)
		same   bool
	}{
		"line":              {func(d *diag.Diagnostic) { d.Span = diag.Span{File: "a.yaml", Start: diag.Position{Line: 7, Column: 1}} }, true},
		"environment":       {func(d *diag.Diagnostic) { d.Environments = []string{"prod"} }, true},
		"text":              {func(d *diag.Diagnostic) { d.Message, d.Why, d.Hint = "two", "because", "do" }, true},
		"severity":          {func(d *diag.Diagnostic) { d.Severity = diag.Error }, true},
		"waiver":            {func(d *diag.Diagnostic) { d.WaivedBy = "legacy" }, true},
		"index in a list":   {func(d *diag.Diagnostic) { d.Subject.Pointer = "/spec/ingress/4" }, true},
		"content of a list": {func(d *diag.Diagnostic) { d.Content = "/spec/ingress/def" }, false},
		"rule":              {func(d *diag.Diagnostic) { d.Rule = rules[3] }, false},
		"name":              {func(d *diag.Diagnostic) { d.Subject.Object.Name = "till" }, false},
		"namespace":         {func(d *diag.Diagnostic) { d.Subject.Object.Namespace = "data" }, false},
		"kind":              {func(d *diag.Diagnostic) { d.Subject.Object.Kind = "GlobalNetworkPolicy" }, false},
		"cause":             {func(d *diag.Diagnostic) { d.Cause = "@other" }, false},
		"port":              {func(d *diag.Diagnostic) { d.Evidence = map[string]string{diag.PortEvidence: "22"} }, false},
		"spelling of it": {func(d *diag.Diagnostic) {
			d.Evidence = map[string]string{diag.ObjectEvidence: "NetworkPolicy/shop/web"}
		}, true},
	} {
		changed := base
		c.change(&changed)
		before, after := fingerprintsOf(diag.List{base}), fingerprintsOf(diag.List{changed})
		if same := slices.Equal(before, after); same != c.same {
			t.Errorf("another %s: %s and %s", name, before, after)
		}
	}
	// What is written down somewhere is known again by every later release.
	if got := fingerprintsOf(diag.List{base})[0]; got != "fdb1c979da2bb01a" {
		t.Errorf("the fingerprint is %s: what people kept is not known again", got)
	}
	remedied := base
	remedied.Cause = ""
	better := remedied
	better.Hint = "a better remedy"
	if !slices.Equal(fingerprintsOf(diag.List{remedied}), fingerprintsOf(diag.List{better})) {
		t.Error("better words of a remedy make another finding")
	}
	byIntent := rules[2].At(diag.Span{}, "x").Testify(diag.IntentEvidence, "shop/web")
	other := rules[2].At(diag.Span{}, "x").Testify(diag.IntentEvidence, "shop/till")
	if slices.Equal(fingerprintsOf(diag.List{byIntent}), fingerprintsOf(diag.List{other})) {
		t.Error("two intents' findings have one fingerprint")
	}
	// What says no object is told apart by what it says of itself.
	ofNamespace, ofAnother := rules[2].At(diag.Span{}, "x").Testify(diag.NamespaceEvidence, "shop"), rules[2].At(diag.Span{}, "x").Testify(diag.NamespaceEvidence, "till")
	if slices.Equal(fingerprintsOf(diag.List{ofNamespace}), fingerprintsOf(diag.List{ofAnother})) {
		t.Error("two namespaces' findings have one fingerprint")
	}
}

// TestFingerprintsAreOfOneFinding: none is given twice, each has its form, and equal ones are
// numbered from top to bottom.
func TestFingerprintsAreOfOneFinding(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{16}(:[0-9]+)?$`)
	rapid.Check(t, func(t *rapid.T) {
		l := listGen.Draw(t, "list")
		all := fingerprintsOf(l)
		for i, f := range all {
			if !form.MatchString(f) || slices.Contains(all[:i], f) {
				t.Fatalf("%s among %v", f, all)
			}
		}
		if again := fingerprintsOf(diag.NewReport(l, nil, nil).Findings); !slices.Equal(all, again) {
			t.Fatalf("%v, and of the report again %v", all, again)
		}
	})
	at := func(line int) diag.Diagnostic {
		return rules[0].At(diag.Span{File: "a", Start: diag.At(line, 1)}, "x")
	}
	all := fingerprintsOf(diag.List{at(3), at(1), at(2)})
	if all[1] != all[0]+":2" || all[2] != all[0]+":3" {
		t.Errorf("equal ones in order of place are %v", all)
	}
}

// TestCause: what a stage says stands; else one remedy is one cause.
func TestCause(t *testing.T) {
	t.Parallel()
	help := &diag.Rule{Code: "PC501", Severity: diag.Warning, Why: "Why.", Mend: "Mend."}
	l := diag.List{
		help.At(diag.Span{File: "1"}, "x").Suggest("add this:\n- a").CausedBy("NetworkPolicy shop/web"),
		help.At(diag.Span{File: "2"}, "x").Suggest("add this:\n- b"),
		help.At(diag.Span{File: "3"}, "x"),
	}
	for i, want := range []string{"NetworkPolicy shop/web", "add this:", "Why. Mend."} {
		if got := diag.NewReport(l, nil, nil).Findings[i].Cause; got != want {
			t.Errorf("%d: the cause is %q, expected %q", i, got, want)
		}
	}
	if l[1].Cause != "" {
		t.Error("the input was changed")
	}
}
