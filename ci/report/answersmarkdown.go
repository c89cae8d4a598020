package report

import (
	"bufio"
	"fmt"

	"portcullis.dev/compiler/explain"
)

// writeAnswersMarkdown writes answers to be pasted into a comment. What comes from files stands
// in code alone, where it is neither a link nor a command.
func writeAnswersMarkdown(w *bufio.Writer, a explain.Answers, d explain.Detail, _ Options) error {
	for i := range a.Flows {
		f := &a.Flows[i]
		if i > 0 && d > explain.Brief {
			w.WriteByte('\n')
		}
		word, extent := verdictOf(f)
		head := "- **" + word + "**"
		if extent != "" {
			head += ", " + extent
		}
		head += ": " + code(flowWords(f))
		for _, name := range f.Environments {
			head += " " + code(name)
		}
		if len(f.Missing) > 0 {
			head += " " + code(missingWords(f.Missing))
		}
		w.WriteString(head + "\n")
		for _, text := range paragraph(f) {
			w.WriteString("  - " + code(text) + "\n")
		}
		if f.Open != nil {
			for _, pair := range f.Open.Pairs {
				w.WriteString("    - " + code(pair) + "\n")
			}
		}
		for j := range f.Examples {
			e := &f.Examples[j]
			indent := "  "
			if f.Question.Many {
				fmt.Fprintf(w, "  - %s is **%s**\n", code(e.Flow), verdictWords[e.Verdict])
				indent = "    "
			}
			markdownExample(w, e, f.Question.Many, indent, d == explain.Everything)
		}
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// markdownExample writes an answer's example as a nested list of Markdown: who means it, what
// decides each half, what would turn it.
func markdownExample(w *bufio.Writer, e *explain.Example, many bool, indent string, all bool) {
	item := func(more, text string) { w.WriteString(indent + more + "- " + text + "\n") }
	if text := halfOpen(e); text != "" {
		item("", code(text))
	}
	if e.Meant != nil && len(e.Meant) == 0 {
		item("", noLine)
	}
	for i := range e.Meant {
		item("", code(meantWords(&e.Meant[i]))+at(e.Meant[i].At))
	}
	for _, h := range halves(e) {
		item("", code(h.title)+": **"+verdictWords[h.Verdict]+"**. "+code(h.decidedWords(e.Meant != nil))+at(h.At))
		if !all {
			continue
		}
		for i := range h.Tiers {
			tier := &h.Tiers[i]
			item("  ", code(fmt.Sprintf("tier %s, order %s: %s", tier.Name, orderWords(tier.Order), tier.Result)))
			for j := range tier.Policies {
				p := &tier.Policies[j]
				item("    ", code(p.ID.String()+": "+policyWords(p, h.direction))+at(p.At))
			}
		}
	}
	c := e.Change
	if c == nil {
		return
	}
	item("", code(changeWords(c, many)))
	for _, s := range c.Steps {
		item("  ", code(s.Text)+at(s.At))
		if len(s.Lines) > 0 {
			w.WriteString("\n" + fenced(s.Lines, indent+"    ") + "\n")
		}
	}
}

// at puts the place of an answer's line behind it, in brackets and in Markdown's code.
func at(p explain.Place) string {
	if p.IsZero() {
		return ""
	}
	return " (" + code(p.String()) + ")"
}
