package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/compiler/reach"
)

// drawnLines lists the lines of a map that its graph shows: those of the Platform are between
// everybody.
func drawnLines(m *reach.Map, o MapOptions) []*reach.Line {
	var all []*reach.Line
	for i := range m.Lines {
		if l := &m.Lines[i]; !l.Platform || o.Platform {
			all = append(all, l)
		}
	}
	return all
}

// edge is an arrow of a picture, which stands for all lines between its ends.
type edge struct {
	from, to []reach.Term
	ports    string
}

// edges makes the arrows of a map's graph from lines: by namespaces where lines are too many to
// look at.
func edges(lines []*reach.Line) []edge {
	at := map[string]int{}
	var all []edge
	add := func(from, to []reach.Term, ports string) {
		key := reach.TermWords(from) + " -> " + reach.TermWords(to)
		if i, known := at[key]; known {
			if !strings.Contains(","+all[i].ports+",", ","+ports+",") {
				all[i].ports += "," + ports
			}
			return
		}
		at[key] = len(all)
		all = append(all, edge{from, to, ports})
	}
	whole := func(of []reach.Term) []reach.Term {
		var terms []reach.Term
		said := map[string]bool{}
		for _, t := range of {
			if name := endpointOf(t); !said[name] {
				said[name] = true
				if t.Namespace != "" {
					t = reach.Term{Kind: "namespace", Namespace: t.Namespace}
				}
				terms = append(terms, t)
			}
		}
		return terms
	}
	for _, l := range lines {
		ports := l.Ports()
		if ports == "" {
			ports = "everything"
		}
		if len(lines) > mostLines {
			add(whole(l.From), whole(l.To), ports)
		} else {
			add(l.From, l.To, ports)
		}
	}
	return all
}

// writeMapMermaid draws the map as a graph in Mermaid's language.
func writeMapMermaid(w *bufio.Writer, m *reach.Map, o MapOptions) error {
	w.WriteString("flowchart LR\n")
	g := mermaid{ids: map[string]int{}}
	for _, e := range edges(drawnLines(m, o)) {
		w.WriteString("  " + g.node(e.from) + " -- " + mermaidText(e.ports) + " --> " + g.node(e.to) + "\n")
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// dotText makes a text inert for a graph in Graphviz' language: a string between quotes.
func dotText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(terminal(shortened(text))) + `"`
}

// writeMapDOT draws the map as a graph in Graphviz' language.
func writeMapDOT(w *bufio.Writer, m *reach.Map, o MapOptions) error {
	w.WriteString("digraph portcullis {\n  rankdir=LR;\n  node [shape=box];\n")
	ids := map[string]int{}
	node := func(of []reach.Term) string {
		text := reach.TermWords(of)
		id, known := ids[text]
		if !known {
			id = len(ids)
			ids[text] = id
			shape := ""
			if len(of) > 0 && !of[0].IsPods() {
				shape = ", shape=ellipse"
			}
			fmt.Fprintf(w, "  n%d [label=%s%s];\n", id, dotText(text), shape)
		}
		return fmt.Sprintf("n%d", id)
	}
	for _, e := range edges(drawnLines(m, o)) {
		from, to := node(e.from), node(e.to)
		fmt.Fprintf(w, "  %s -> %s [label=%s];\n", from, to, dotText(e.ports))
	}
	w.WriteString("}\n")
	return nil // what a bufio.Writer could not write, its Flush tells
}
