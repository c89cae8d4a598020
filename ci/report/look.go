package report

// lastColumn is where the lines of maps and differences end.
const lastColumn = 80

// endOf is the last column of a table on a stream of some width: the usual one, where that is no
// terminal or there is room for it.
func endOf(width int) int {
	if width == 0 {
		return lastColumn
	}
	return min(lastColumn, max(width, narrowest))
}

// paints are the colours of maps and differences. What is opened has the colour of a warning,
// and what is closed a calm one: green and red would read the wrong way round.
type paints struct {
	strong, opened, closed, unknown, high, off string
}

// paintsOf chooses the colours of a map or a difference; none where it is written without.
func paintsOf(color bool) paints {
	if !color {
		return paints{}
	}
	return paints{strong: "\x1b[1m", opened: "\x1b[1;33m", closed: "\x1b[36m", unknown: "\x1b[35m", high: "\x1b[1;31m", off: "\x1b[0m"}
}

// paint puts a colour around a text that is already inert.
func (p paints) paint(color, text string) string {
	if color == "" || text == "" {
		return text
	}
	return color + text + p.off
}
