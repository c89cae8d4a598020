package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/compiler/reach"
)

// writeMapCSV writes one line of the map on each line of CSV, as spreadsheets read it.
func writeMapCSV(w *bufio.Writer, m *reach.Map, _ MapOptions) error {
	w.WriteString("from,to,ports,family,environments,verdict,platform,file,line,why,owner,until\r\n")
	for i := range m.Lines {
		l := &m.Lines[i]
		from, to := l.Ends()
		var s reach.Source
		if len(l.Because) > 0 {
			s = l.Because[0]
		}
		cells := []string{from, to, l.Ports(), string(l.Family), strings.Join(l.Environments, " "), string(l.Verdict), fmt.Sprint(l.Platform), s.File, fmt.Sprint(s.Line), s.Why, s.Owner, s.Until}
		for j := range cells {
			cells[j] = csvCell(cells[j])
		}
		w.WriteString(strings.Join(cells, ",") + "\r\n")
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// csvCell quotes a text as a cell of CSV, behind an apostrophe where a spreadsheet would take it
// for a formula.
func csvCell(text string) string {
	text = terminal(text)
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t") {
		text = "'" + text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
