package diag_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
)

// Findings that say the same of several things become one; what differs in anything else,
// whoever accepted it included, stays apart.
func TestTogether(t *testing.T) {
	t.Parallel()
	rule := &diag.Rule{Code: "PC999", Severity: diag.Error}
	about := func(name string, change func(*diag.Diagnostic)) diag.Diagnostic {
		d := rule.On(diag.Subject{Object: diag.ObjectID{Kind: "K", Name: "x"}}, "")
		d.Evidence = map[string]string{"namespace": name}
		d = d.Of(diag.Among{Message: "{names} are shut", Hint: "open them:", Names: []string{name}, Paste: []diag.Paste{{YAML: "open: {names}", Names: []string{name}}}, Most: 2})
		if change != nil {
			change(&d)
		}
		return d
	}
	in := func(environments ...string) func(*diag.Diagnostic) {
		return func(d *diag.Diagnostic) { d.Environments = environments }
	}
	at := func(namespace string, line int) func(*diag.Diagnostic) {
		return func(d *diag.Diagnostic) {
			d.Subject.Object.Namespace, d.Span = namespace, diag.Span{File: "f", Start: diag.At(line, 1)}
		}
	}
	for name, c := range map[string]struct {
		found diag.List
		want  string
	}{
		"one":             {diag.List{about("a", nil)}, "a are shut|open them:\nopen: a"},
		"two":             {diag.List{about("b", nil), about("a", nil)}, "a, b are shut|open them:\n# This once more, with another name in place of a:\n#   b\nopen: a"},
		"more than shown": {diag.List{about("c", nil), about("b", nil), about("a", nil)}, "a, b and 1 more are shut|open them:\n# This once more, with another name in place of a:\n#   b, c\nopen: a"},
		"one is waived":   {diag.List{about("a", nil), about("b", func(d *diag.Diagnostic) { d.WaivedBy = "w" })}, "a are shut|open them:\nopen: a;b are shut|open them:\nopen: b"},
		"another object": {diag.List{about("a", nil), about("b", func(d *diag.Diagnostic) { d.Subject.Object.Name = "y" })},
			"a are shut|open them:\nopen: a;b are shut|open them:\nopen: b"},
		"another paste": {diag.List{about("a", nil), about("b", func(d *diag.Diagnostic) { d.Among.Paste = []diag.Paste{{YAML: "undo: x", Names: []string{"b"}}} })},
			"a, b are shut|open them:\nopen: a\n---\nundo: x"},
		"in other environments": {diag.List{about("a", in("dev")), about("b", in("dev", "prod")), about("c", in("prod"))},
			"a (dev), b and 1 more are shut|open them:\n# This once more, with another name in place of a:\n#   b, c\nopen: a"},
		"at one place": {diag.List{about("a", at("a", 3)), about("b", at("b", 3)), about("c", at("c", 4))},
			"a, b are shut|open them:\n# This once more, with another name in place of a:\n#   b\nopen: a;c are shut|open them:\nopen: c"},
		"another reason": {diag.List{about("a", nil), about("b", func(d *diag.Diagnostic) { d.Why = "w" })}, "a are shut|open them:\nopen: a;b are shut|open them:\nopen: b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, evidence []string
			for _, d := range diag.NewReport(c.found, nil, nil).Findings {
				got = append(got, d.Message+"|"+d.Hint)
				evidence = append(evidence, d.EvidenceOf("namespace")...)
			}
			if strings.Join(got, ";") != c.want {
				t.Errorf("found %q, expected %q", got, c.want)
			}
			if len(evidence) != len(c.found) {
				t.Errorf("the evidence of %d findings is %q", len(c.found), evidence)
			}
		})
	}
	apart := func(name string, line int) diag.Diagnostic {
		return about(name, func(d *diag.Diagnostic) {
			d.Subject, d.Span = diag.Subject{}, diag.Span{File: "f", Start: diag.At(line, 1)}
		})
	}
	found := diag.NewReport(diag.List{apart("a", 3), apart("b", 1)}, nil, nil).Findings
	if len(found) != 1 || found[0].Span.Start.Line != 1 || len(found[0].Related) != 1 || found[0].Related[0].Message != "the same of a" {
		t.Errorf("findings about no object, at two places: %+v", found)
	}

	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("namespace-%02d", i)
	}
	hint := rule.On(diag.Subject{}, "").Of(diag.Among{Names: many, Paste: []diag.Paste{{YAML: "open: {names}", Names: many}}}).Hint
	if lines := strings.Split(hint, "\n"); len(lines) != 9 || !strings.HasSuffix(lines[7], ", namespace-39") {
		t.Errorf("a long list of names: %s", hint)
	}
	for line := range strings.Lines(hint) {
		if len(line) > 100 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}
