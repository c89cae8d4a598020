package language

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// asYAML holds what the subset's reader makes of a text against what yaml/v3 makes of it, and
// reports whether it read it.
func asYAML(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte) bool {
	t.Helper()
	got := readSubset(text, &nodes{})
	if got == nil {
		return false
	}
	var want, rest yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(text))
	if err := reader.Decode(&want); err != nil {
		t.Fatalf("yaml/v3 refuses what was read: %v\n%q", err, text)
	}
	if err := reader.Decode(&rest); err != io.EOF {
		t.Fatalf("yaml/v3 finds more behind what was read: %v\n%q", err, text)
	}
	if a, b := differing(want.Content[0], got); a != nil || b != nil {
		t.Fatalf("yaml/v3 reads %+v\nand not %+v\n%q", a, b, text)
	}
	return true
}

// differing finds the first two nodes at the same place that are not alike, comments aside and each
// for itself; where one has more below it than the other, it is nil there.
func differing(want, got *yaml.Node) (a, b *yaml.Node) {
	alone := func(n *yaml.Node) yaml.Node {
		of := *n
		of.Content, of.HeadComment, of.LineComment, of.FootComment = nil, "", "", ""
		return of
	}
	if !reflect.DeepEqual(alone(want), alone(got)) {
		return want, got
	}
	for i := range max(len(want.Content), len(got.Content)) {
		switch {
		case i >= len(want.Content):
			return nil, got.Content[i]
		case i >= len(got.Content):
			return want.Content[i], nil
		}
		if a, b = differing(want.Content[i], got.Content[i]); a != nil || b != nil {
			return a, b
		}
	}
	return nil, nil
}

// TestSubsetIsYAML asks both readers about every YAML text that lies in the repository, and all
// that were written to hurt. What is written as people write intents must not be left to yaml/v3.
func TestSubsetIsYAML(t *testing.T) {
	t.Parallel()
	asked, read := 0, 0
	ask := func(name string, data []byte) {
		for doc := range object.Documents(name, data) {
			asked++
			if asYAML(t, doc.Text) {
				read++
			}
		}
	}
	for _, text := range append(whole, hostile...) {
		ask("text.yaml", []byte(text))
	}
	for _, root := range []string{"../../testdata", "../../examples", "testdata", "../lower/testdata", "../scaffold"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			switch {
			case err != nil:
				return err
			case IsYAML(path):
				ask(path, data)
			case strings.HasSuffix(path, ".txtar"):
				for _, f := range txtar.Parse(data).Files {
					if IsYAML(f.Name) {
						ask(path+"/"+f.Name, f.Data)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if asked < 500 || read < asked/2 {
		t.Errorf("%d of %d documents were read, expected half of 500 at least", read, asked)
	}
}

// pieces are what documents are put together from at random: tokens of the subset, and what YAML
// has beside them.
var pieces = []string{
	"a", "kind", "from", "b/c.d-e", "w0", "yes", "null", "n", "8080", "007", "1.5", "1e3", "10.0.0.0/8", "2001-12-14", "53/udp", "<<", "it's", "x y", "http://a", "a:b", "_",
	": ", ":", ":\n", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", "\n\n", " ", "  ", "- ", "-", "{", "}", "{}", "[", "]", "[]", ", ", ",", "'", `"`, `""`, "'a b'", `"a: b"`, `"a\tb"`, "''''",
	"# c", " # c", "#", " #\n", "&a ", "*a", "!t ", "|", ">-", "?", "? ", "@", "%", "~", "---", "...", "\t", "\r", "é", "\u0085",
}

// TestSubsetIsYAMLOfAnyText asks both readers about texts put together at random.
func TestSubsetIsYAMLOfAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			indent := strings.Repeat(" ", rapid.SampledFrom([]int{0, 0, 0, 2, 2, 4, 6, 1}).Draw(t, "indent"))
			begin := rapid.SampledFrom([]string{"a: ", "b:", "c: {d: e, f: [g, 1]}", "- ", "- x: y", "d: # c", "", "e: 'f'"}).Draw(t, "begin")
			return indent + begin + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 4).Draw(t, "pieces"), "") + "\n"
		}), 1, 6).Draw(t, "lines")
		asYAML(t, []byte(strings.Join(lines, "")))
		text := rapid.SampledFrom(whole).Draw(t, "text") // that is read, but for what an edit does to it
		for _, piece := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 2).Draw(t, "edits") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = text[:at] + piece + text[min(len(text), at+rapid.IntRange(0, 3).Draw(t, "less")):]
		}
		asYAML(t, []byte(text))
	})
}

// FuzzSubset: whatever the text, what is read is what yaml/v3 reads.
func FuzzSubset(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<12 {
			asYAML(t, data)
		}
	})
}
