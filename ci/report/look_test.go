package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// TestColoursAndWidthChangeNoWord writes maps and differences for terminals: without their
// colours, and with other line breaks, they say what a pipe gets.
func TestColoursAndWidthChangeNoWord(t *testing.T) {
	t.Parallel()
	m, d := trafficOf("quite-a-long-name-of-something")
	colours := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	written := func(color bool, width int) string {
		var b bytes.Buffer
		if err := WriteMap(&b, MapFormats[0], m, MapOptions{Color: color, Width: width}); err != nil {
			t.Fatal(err)
		}
		if err := WriteDiff(&b, DiffFormats[0], d, DiffOptions{Color: color, Width: width}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	piped := written(false, 0)
	for _, width := range []int{0, 1, 40, 55, 80, 200} {
		coloured, plain := written(true, width), written(false, width)
		if !strings.Contains(coloured, "\x1b[1;33m") || colours.ReplaceAllString(coloured, "") != plain {
			t.Errorf("%d columns: colours are no more than that:\n%s", width, coloured)
		}
		if width >= lastColumn && plain != piped {
			t.Errorf("%d columns: other than in a pipe:\n%s", width, plain)
		}
		if a, b := strings.Fields(plain), strings.Fields(piped); strings.Join(a, " ") != strings.Join(b, " ") {
			t.Errorf("%d columns: other words:\n%s", width, plain)
		}
		for line := range strings.Lines(plain) {
			line = strings.TrimSuffix(line, "\n")
			if text := strings.TrimSpace(line); width > 0 && columns(line) > max(width, narrowest) && strings.Contains(text, " ") {
				t.Errorf("%d columns: %d in a line that could be broken: %s", width, columns(line), line)
			}
		}
	}
}
