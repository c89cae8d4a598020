package language

import (
	"strings"
	"testing"
)

// TestReadBaseline: it is one document, and a mistake is told where it is.
func TestReadBaseline(t *testing.T) {
	t.Parallel()
	const entry = "findings:\n  - {rule: PC203, severity: error, message: a, fingerprint: %}\n"
	with := func(fingerprint string) string { return baseline + strings.Replace(entry, "%", fingerprint, 1) }
	for name, c := range map[string]struct{ text, at, says string }{
		"right":               {with("00aa11bb22cc33dd"), "", ""},
		"nothing":             {"", "b.yaml", "one document of kind Baseline"},
		"two":                 {with("00aa11bb22cc33dd") + "---\n" + with("00aa11bb22cc33dd"), "b.yaml", "one document of kind Baseline"},
		"another kind beside": {with("00aa11bb22cc33dd") + "---\n" + platform, "b.yaml", "one document of kind Baseline"},
		"of another group":    {strings.Replace(with("00aa11bb22cc33dd"), APIVersion, "example.com/v1", 1), "b.yaml:1:13", "expected apiVersion"},
		"a number":            {with("1234567890123456"), "b.yaml:4:61", "expected a fingerprint"},
		"a short fingerprint": {with("abc"), "b.yaml:4:61", "expected a fingerprint"},
		"no fingerprint":      {baseline + "findings:\n  - {rule: PC203, severity: error, message: a}\n", "b.yaml:4:5", "fingerprint is missing"},
		"a misspelt field":    {strings.Replace(with("00aa11bb22cc33dd"), "message", "mesage", 1), "b.yaml:4:36", "did you mean message?"},
		"no YAML":             {"findings: [\n", "b.yaml", ""},
	} {
		b, found := ReadBaseline(File{Path: "b.yaml", Data: []byte(c.text)})
		switch {
		case c.at == "" && (len(found) > 0 || len(b.Findings) != 1 || string(b.Findings[0].Fingerprint.Value) != "00aa11bb22cc33dd"):
			t.Errorf("%s: %+v, %v", name, b, found)
		case c.at != "" && (len(found) == 0 || !strings.HasPrefix(found[0].Span.String(), c.at) || !strings.Contains(found[0].Message+found[0].Hint, c.says)):
			t.Errorf("%s: expected %q at %s, found %v", name, c.says, c.at, found)
		case c.at != "" && (!found.Failed() || len(b.Findings) > 0):
			t.Errorf("%s: a file with a mistake is used: %+v", name, b)
		}
	}
}

// TestBaselinesOfOthers: the kind alone makes no document ours.
func TestBaselinesOfOthers(t *testing.T) {
	t.Parallel()
	theirs := "apiVersion: example.com/v1\nkind: Baseline\n"
	if Ours(File{Path: "a.yaml", Data: []byte(theirs)}) || InJSON([]byte(`{"apiVersion": "example.com/v1", "kind": "Baseline"}`)) {
		t.Error("somebody else's Baseline is taken for ours")
	}
	if !Ours(File{Path: "a.yaml", Data: []byte("# mine\n" + baseline)}) {
		t.Error("a Baseline is not taken for ours")
	}
}
