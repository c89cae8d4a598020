package report

import (
	"bufio"
	"fmt"

	"portcullis.dev/compiler/reach"
)

// writeMapMarkdown writes the map as a table of Markdown, as far as a comment has room, and what
// is not in it.
func writeMapMarkdown(w *bufio.Writer, m *reach.Map, o MapOptions) error {
	lines := drawnLines(m, o)
	w.WriteString("| from → to | port | where | because |\n|---|---|---|---|\n")
	left := commentBytes - 4000
	shown := 0
	for _, l := range lines {
		from, to := l.Ends()
		ends := cellCode(shortened(from)) + " → " + cellCode(shortened(to))
		if from == to {
			ends = cellCode(shortened(from)) + " → itself"
		}
		ports := "every"
		if words := l.Ports(); words != "" {
			ports = cellCode(shortened(words))
		}
		if l.Verdict != reach.Allow {
			ports += " " + map[reach.Verdict]string{reach.Deny: "denied", reach.Unknown: "not known"}[l.Verdict]
		}
		if l.Family != reach.EitherFamily {
			ports += " over " + string(l.Family)
		}
		where := ""
		if in := whereWords(l.Environments, m.Environments, m.Groups); in != "" {
			where = " " + cellCode(in)
		}
		because := ""
		if len(l.Because) > 0 {
			s := l.Because[0]
			because = cellCode(fmt.Sprintf("%s:%d", s.File, s.Line))
			if s.Why != "" {
				because += " " + cellCode(shortened(s.Why))
			}
		}
		row := "| " + ends + " | " + ports + " |" + where + " | " + because + " |\n"
		if left -= len(row); left < 0 {
			break
		}
		shown++
		w.WriteString(row)
	}
	text := fmt.Sprintf("\n<sub>%d of %s", shown, plural(m.Total, "line", "lines"))
	if n := len(m.Lines) - len(lines); n > 0 {
		text += fmt.Sprintf("; %d of the platform are not listed", n)
	}
	w.WriteString(text + ".</sub>\n")
	if len(m.Missing) > 0 {
		w.WriteString("\nNot in this map:\n\n")
		for _, s := range m.Missing {
			w.WriteString("- " + code(s) + "\n")
		}
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}
