package yamltext_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/yamltext"
)

// readAlike fails where the reader is sure of a document, and a parser reads something else.
func readAlike(t failer, r *yamltext.Reader, text string) (sure bool) {
	t.Helper()
	m, sure := r.Read([]byte(text))
	if !sure {
		return false
	}
	want, err := yaml.YAMLToJSONStrict([]byte(text))
	if got := string(m.JSON()); err != nil || got != string(want) {
		t.Fatalf("%q\nis read as %s\nand parsed as %s %v", text, got, want, err)
	}
	var v3 any
	if err := yamlv3.Unmarshal([]byte(text), &v3); err != nil {
		t.Fatalf("%q is read as %s, and yaml/v3 refuses it: %v", text, m.JSON(), err)
	}
	return true
}

// TestReaderReadsAsParsersDo puts documents together of what lines are made of: what the reader
// is sure of is what parsers read. Enough of them it is sure of.
func TestReaderReadsAsParsersDo(t *testing.T) {
	t.Parallel()
	parts := []string{
		"a", "b: ", "c:", "d: 1", "- ", "-", "- e", "- f: g", "\n", "\n", "\n", "\n  ", "\n  ", "\n    ", "\n ", "\n  - ", "\n- ", " ", "# x", " # y: z", "#", ": ", ":",
		"{}", "[]", "[", "{a: b}", "'", "\"", "'q r'", "\"s: t\"", "'it''s'", "\"\\n\"", "true", "no", "8080", "-1", "007", "1.5", "12:30", "null", "~", "<<", "&a", "*a", "!!str", "|", ">-",
		"---", "---\n", "...", "%YAML 1.1", "? ", "@", "\t", "\r\n", "\u0085", "\u2028", "\ufeff", "é", "\xff", "10.0.0.0/8", "app.kubernetes.io/name", "has(x) && y == 'z'",
	}
	sure := 0
	rapid.Check(t, func(t *rapid.T) {
		r := yamltext.NewReader()
		for range 20 { // what it remembers of one document serves the next
			if readAlike(t, r, strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 12).Draw(t, "parts"), "")) {
				sure++
			}
		}
	})
	if sure < 10 {
		t.Errorf("the reader is sure of %d documents", sure)
	}
}

// TestReaderReadsWhatIsWritten: what the pen writes is read back, unless a text in it needs more
// than a line of its own.
func TestReaderReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	sure := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			if m := mapGen(3).Draw(t, "map"); readAlike(t, yamltext.NewReader(), string(m.YAML())) {
				sure++
			}
		}
	})
	if sure < 5 {
		t.Errorf("the reader is sure of %d documents", sure)
	}
}

// TestReaderReadsExamples reads the documents of the examples, and each with one character more,
// less or another: it is sure of some, though most have members between brackets, and of each of all these it reads what a
// parser does.
func TestReaderReadsExamples(t *testing.T) {
	t.Parallel()
	var documents []string
	if err := filepath.WalkDir("../../examples", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(file)
		documents = append(documents, strings.SplitAfter(string(text), "\n---\n")...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r, sure := yamltext.NewReader(), 0
	for _, text := range documents {
		if readAlike(t, r, text) {
			sure++
		}
	}
	if sure*4 < len(documents) {
		t.Fatalf("the reader is sure of %d among %d documents", sure, len(documents))
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(documents).Draw(t, "document")
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = text[:at] + rapid.SampledFrom([]string{"", " ", "  ", "\n", "\n  ", "- ", ": ", "'", "\"", "#", " #", "{", "[", "\t", "a", "1", "&", "*", "|"}).Draw(t, "new") +
				text[min(at+rapid.IntRange(0, 3).Draw(t, "less"), len(text)):]
		}
		readAlike(t, yamltext.NewReader(), text)
	})
}
