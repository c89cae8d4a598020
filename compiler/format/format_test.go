package format_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/format"
	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// layOut writes a file as a caller does; the keys of each document's root stand in that
// order.
func layOut(t *rapid.T, text string, order []string) (string, []string) {
	w := format.NewWriter([]byte(text))
	for doc := range object.Documents("f.yaml", []byte(text)) {
		var n yaml.Node
		if err := yaml.Unmarshal(doc.Text, &n); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		root := n.Content[0]
		w.Document(doc, root, map[*yaml.Node][]string{root: order})
	}
	out, comments := w.Close()
	return string(out), comments
}

// values are what a parser reads. A key without a value stands for an empty mapping.
func values(t *rapid.T, text string) []any {
	var all []any
	reader := yaml.NewDecoder(strings.NewReader(text))
	for {
		var v any
		switch err := reader.Decode(&v); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("%v:\n%s", err, text)
		case v != nil:
			all = append(all, filled(v))
		}
	}
}

func filled(v any) any {
	switch v := v.(type) {
	case nil:
		return map[string]any{}
	case map[string]any:
		for k := range v {
			v[k] = filled(v[k])
		}
	case []any:
		for i := range v {
			v[i] = filled(v[i])
		}
	}
	return v
}

// author writes YAML as carelessly as the grammar lets it, with a comment wherever one may
// stand.
type author struct {
	*rapid.T
	out      bytes.Buffer
	comments []string
	literal  bool // the last line is a block scalar's, to which deeper comments would belong
}

func (a *author) oneIn(n int) bool { return rapid.IntRange(1, n).Draw(a.T, "one in") == n }

func (a *author) upTo(n int) int { return rapid.IntRange(0, n).Draw(a.T, "up to") }

func (a *author) comment() string {
	c := fmt.Sprintf("# %d: - {a: 'b' # x", len(a.comments))
	a.comments = append(a.comments, c)
	return c
}

func (a *author) behind() string {
	if a.oneIn(5) {
		return strings.Repeat(" ", 1+a.upTo(3)) + a.comment()
	}
	return ""
}

// above writes comments and empty lines above a line with that indentation.
func (a *author) above(indent int) {
	for a.oneIn(4) {
		deepest := indent + 6
		if a.literal {
			deepest = indent
		}
		if a.oneIn(2) {
			fmt.Fprintln(&a.out, strings.Repeat(" ", a.upTo(deepest))+a.comment())
			a.literal = false
		} else {
			fmt.Fprintln(&a.out)
		}
	}
}

var texts = []string{
	"a", "two words", "yes", "1.0", "", "null", "a # b", "a: b", "it's", `say "so"`, "- x", "[x]", "{x", "*x", "&x", "!x", "%x", "@x", "é ∀ 𝒳", "2026-01-01", "0x1F", "a,b",
	"tab\there", "two\nlines", " edge ", "#", "?", "trailing:", strings.Repeat("words of a long text ", 7) + "end",
}

// scalar is a value on one line, or a text over several in quotes.
func (a *author) scalar(indent int) string {
	if a.oneIn(4) {
		return rapid.SampledFrom([]string{"true", "False", "80", "0o17", "1.5", "~", "null", "plain words", "plain/x"}).Draw(a.T, "plain")
	}
	text := rapid.SampledFrom(texts).Draw(a.T, "text")
	if printable := !strings.ContainsAny(text, "\n\t"); printable && a.oneIn(2) {
		text = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	} else {
		text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
	}
	if strings.Contains(text, "of a") && a.oneIn(2) {
		text = strings.ReplaceAll(text, " of a", "\n"+strings.Repeat(" ", indent+1+a.upTo(3))+"of a")
	}
	return text
}

// key is unlike every other of its mapping.
func (a *author) key(i int) string {
	return fmt.Sprintf(rapid.SampledFrom([]string{"k%d", "'k %d'", `"%d"`, `"k%d: x"`, `"k # %d"`, "%d-é"}).Draw(a.T, "key"), i)
}

// brackets writes a collection between brackets, broken over lines here and there.
func (a *author) brackets(indent, depth int) {
	space := func() {
		for a.oneIn(6) {
			a.out.WriteString(a.behind() + "\n")
			for a.oneIn(4) {
				fmt.Fprintln(&a.out, strings.Repeat(" ", indent+1+a.upTo(3))+a.comment())
			}
			a.out.WriteString(strings.Repeat(" ", indent+1+a.upTo(3)))
		}
	}
	mapping := a.oneIn(2)
	marks := "[]"
	if mapping {
		marks = "{}"
	}
	a.out.WriteByte(marks[0])
	for i, n := 0, a.upTo(4); i < n; i++ {
		space()
		if mapping {
			a.out.WriteString(a.key(i) + ": ")
		}
		if depth > 0 && a.oneIn(3) {
			a.brackets(indent, depth-1)
		} else {
			a.out.WriteString(a.scalar(indent))
		}
		space()
		if i < n-1 || a.oneIn(4) {
			a.out.WriteString(", ")
		}
	}
	space()
	a.out.WriteByte(marks[1])
}

// value writes what follows a key or a dash, to the end of the line.
func (a *author) value(indent, depth int) {
	switch kind := a.upTo(6); {
	case kind == 0 && depth > 0:
		a.out.WriteString(a.behind() + "\n")
		deeper := indent + 1 + a.upTo(4)
		if a.oneIn(2) {
			a.mapping(deeper, depth-1)
		} else {
			a.list(deeper, depth-1)
		}
		return
	case kind <= 2:
		a.out.WriteByte(' ')
		a.brackets(indent, depth)
	case kind == 3:
		a.out.WriteString(rapid.SampledFrom([]string{" |", " >-", " |-", " >"}).Draw(a.T, "block") + a.behind() + "\n")
		pad := strings.Repeat(" ", indent+2)
		a.out.WriteString(pad + "one # of the text\n" + pad + rapid.SampledFrom(texts[:2]).Draw(a.T, "line") + "\n")
		a.literal = true
		return
	case kind == 4:
	default:
		a.out.WriteString(" " + a.scalar(indent))
	}
	a.out.WriteString(a.behind() + "\n")
}

func (a *author) mapping(indent, depth int) {
	for i := range 1 + a.upTo(3) {
		a.above(indent)
		a.literal = false
		a.out.WriteString(strings.Repeat(" ", indent) + a.key(i) + ":")
		a.value(indent, depth)
	}
}

func (a *author) list(indent, depth int) {
	for range 1 + a.upTo(3) {
		a.above(indent)
		a.literal = false
		a.out.WriteString(strings.Repeat(" ", indent) + "-")
		a.value(indent, depth)
	}
}

// file writes documents, with comments and empty ones between them.
func (a *author) file() string {
	for i := range 1 + a.upTo(2) {
		a.above(0)
		a.literal = false
		if i > 0 || a.oneIn(2) {
			a.out.WriteString("---" + a.behind() + "\n")
		}
		a.mapping(0, 3)
	}
	a.above(0)
	return a.out.String()
}

// TestLaws: whatever is laid out says the same values, holds the same comments, which
// Close tells, has its keys in the order that was asked for, and is left alone when it is
// laid out again.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := &author{T: t}
		in := a.file()
		order := rapid.Permutation([]string{"k0", "k1", "k 2", "3"}).Draw(t, "order")[:rapid.IntRange(0, 4).Draw(t, "known")]
		out, comments := layOut(t, in, order)
		if diff := cmp.Diff(values(t, in), values(t, out)); diff != "" {
			t.Fatalf("it says something else (-before +after):\n%s\n%s\n→\n%s", diff, in, out)
		}
		written := slices.Sorted(slices.Values(a.comments))
		var kept []string
		for line := range strings.Lines(out) {
			if at := strings.Index(line, ": - {a: 'b' # x"); at >= 0 {
				kept = append(kept, strings.TrimSpace(line[strings.LastIndex(line[:at], "#"):]))
			}
		}
		slices.Sort(kept)
		if !slices.Equal(written, kept) || !slices.Equal(written, comments) {
			t.Fatalf("comments %q\nkept %q\ntold %q\n%s\n→\n%s", written, kept, comments, in, out)
		}
		if again, _ := layOut(t, out, order); again != out {
			t.Fatalf("not a fixed point (-once +twice):\n%s\n%s", cmp.Diff(out, again), in)
		}
		before, after := roots(t, in), roots(t, out)
		for i, keys := range before {
			slices.SortStableFunc(keys, func(a, b string) int { return rank(order, a) - rank(order, b) })
			if !slices.Equal(keys, after[i]) {
				t.Fatalf("keys %q, expected %q", after[i], keys)
			}
		}
	})
}

// rank is a key's place: those that the order does not know stay behind, in their own.
func rank(order []string, key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

// roots are the keys of each document, in the order of the text.
func roots(t *rapid.T, text string) [][]string {
	var all [][]string
	for doc := range object.Documents("f.yaml", []byte(text)) {
		var n yaml.Node
		if err := yaml.Unmarshal(doc.Text, &n); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for i, c := range n.Content[0].Content {
			if i%2 == 0 {
				keys = append(keys, c.Value)
			}
		}
		all = append(all, keys)
	}
	return all
}
