package object

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

// TestPositionsInALongLine: what is remembered of a line, so that ten thousand values in
// it are not ten thousand walks through it, tells every value where the text has it.
func TestPositionsInALongLine(t *testing.T) {
	t.Parallel()
	for _, comment := range []string{"", " # a word, [another"} {
		var b strings.Builder
		b.WriteString("kind: Ü\nlist: [")
		for i := range 400 {
			fmt.Fprintf(&b, "{name: größe-%d, 'is': [€%d, \"漢, ]\"]}, ", i, i)
		}
		b.WriteString("end]" + comment + "\nlast: ä\n")
		text := b.String()
		var doc Document
		for doc = range Documents("long.yaml", []byte(text)) {
		}
		var root yamlv3.Node
		if err := yamlv3.Unmarshal([]byte(text), &root); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(text, "\n")
		asked := 0
		var walk func(n *yamlv3.Node)
		walk = func(n *yamlv3.Node) {
			span := doc.Span(n)
			if asked++; span.Start != diag.At(n.Line, n.Column) {
				t.Fatalf("%q at %d:%d is said to begin at %v", n.Value, n.Line, n.Column, span)
			}
			said := string([]rune(lines[span.Start.Line-1])[span.Start.Column-1 : span.End.Column-1])
			switch {
			case n.Kind == yamlv3.ScalarNode && strings.Trim(said, `'"`) != n.Value:
				t.Fatalf("%q is said to be %q", n.Value, said)
			case n.Kind != yamlv3.ScalarNode && n.Style&yamlv3.FlowStyle != 0 && !bytes.ContainsAny([]byte(said[len(said)-1:]), "]}") && comment == "":
				t.Fatalf("a list or mapping is said to be %q", said)
			}
			for _, c := range n.Content {
				walk(c)
			}
		}
		for range 2 { // the second time what is remembered is asked from its beginning
			walk(root.Content[0])
		}
		if asked < 5000 {
			t.Fatalf("%d values are no long line", asked)
		}
	}
}
