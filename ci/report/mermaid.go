package report

import (
	"fmt"
	"strings"

	"portcullis.dev/compiler/reach"
)

// mermaid gives nodes of a graph ids of ours: what comes from files stands in labels alone.
type mermaid struct{ ids map[string]int }

// node writes an end as a node of a Mermaid graph, with its label where it comes first.
func (g *mermaid) node(of []reach.Term) string {
	text := reach.TermWords(of)
	id, known := g.ids[text]
	if !known {
		id = len(g.ids)
		g.ids[text] = id
	}
	name := fmt.Sprintf("n%d", id)
	switch {
	case known:
		return name
	case len(of) > 0 && !of[0].IsPods():
		return name + "([" + mermaidText(text) + "])"
	default:
		return name + "[" + mermaidText(text) + "]"
	}
}

// mermaidText makes a text inert for Mermaid: between quotes, every character that is not
// harmless as Mermaid's own entity.
func mermaidText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range terminal(shortened(text)) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" ./:@*,_-+−?", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
