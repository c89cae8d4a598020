package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
)

// diffText writes a difference for people.
type diffText struct {
	*bufio.Writer
	d *delta.Diff
	paints
	last int // column
}

// writeDiffText writes a difference for people at a terminal: what is opened and closed, because
// of which line, and the counts.
func writeDiffText(w *bufio.Writer, d *delta.Diff, o DiffOptions) error {
	t := diffText{w, d, paintsOf(o.Color), endOf(o.Width)}
	files := d.Files
	const most = 4
	words := strings.Join(files[:min(len(files), most)], ", ")
	if n := len(files) - most; n > 0 {
		words += fmt.Sprintf(" and %d more", n)
	}
	if words == "" {
		words = "no file differs"
	}
	t.prose(refWords(&d.Old)+" -> "+refWords(&d.New)+": "+words, 0, 2)
	t.WriteByte('\n')
	for _, s := range []*delta.Side{&d.Old, &d.New} {
		if s.Absent {
			t.prose(s.Ref+" has no portcullis.yaml", 0, 2)
		}
		if s.Failed > 0 {
			t.prose(fmt.Sprintf("no comparison of traffic: %s has %s", s.Ref, plural(s.Failed, "error", "errors")), 0, 2)
		}
	}
	failed := d.Old.Failed+d.New.Failed > 0
	own := ownChanges(d)
	switch {
	case failed:
	case d.Old.Absent && !d.New.Absent:
		t.prose("No packet is compared: what was open there before is not known. portcullis map lists what is open now.", 0, 0)
	case len(d.Compared) == 0:
		t.WriteString("Nothing is compared: the two have no environment in common.\n")
	case d.IsEmpty() && len(d.Undecided) > 0:
		t.WriteString("No packet is known to be treated differently.\n")
	case d.IsEmpty():
		in := "."
		if n := len(d.Compared); n > 1 {
			in = fmt.Sprintf(", in none of %d environments.", n)
		}
		t.WriteString("No packet is treated differently" + in + "\n")
	}
	for _, m := range d.Undecided {
		t.prose("not decided: "+m, 0, 2)
	}
	for _, x := range own {
		t.change(x)
	}
	for _, n := range d.Governance {
		t.note(n)
	}
	for _, r := range d.Renamed {
		t.prose("= "+r.From+" is now "+r.To+": the same pods", 0, 4)
		t.prose(r.Labels, 4, 4)
	}
	if p := d.Policies; p.Added+p.Removed+p.Edited > 0 {
		var words []string
		for _, of := range []struct {
			n    int
			word string
		}{{p.Added, "added"}, {p.Removed, "removed"}, {p.Edited, "edited"}} {
			if of.n > 0 {
				words = append(words, fmt.Sprintf("%d %s", of.n, of.word))
			}
		}
		t.WriteString("= policies: " + strings.Join(words, ", ") + "\n")
	}
	if !failed && len(d.Compared) > 0 {
		opened, wider := count(own, delta.Opened)
		closed, _ := count(own, delta.Closed)
		unknown, _ := count(own, delta.Unknown)
		text := fmt.Sprintf("%d opened", opened)
		if wider > 0 {
			text += fmt.Sprintf(" (%d of them wider)", wider)
		}
		text += fmt.Sprintf(", %d closed, %d unknown.", closed, unknown)
		if risks := riskWords(d); risks != "" {
			text += " Risks: " + risks + "."
		}
		t.WriteByte('\n')
		t.prose(text, 0, 2)
	} else if risks := riskWords(d); risks != "" {
		t.WriteByte('\n')
		t.prose("Risks: "+risks+".", 0, 2)
	}
	if codes, n := newCodes(d); n > 0 {
		have := either(n, "which", "which")
		t.prose(fmt.Sprintf("%s has %s %s %s has not (%s): portcullis check", d.New.Ref, plural(n, "error", "errors"), have, d.Old.Ref, strings.Join(codes, ", ")), 0, 2)
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// prose writes a text of a difference, broken at the last column.
func (t *diffText) prose(text string, indent, further int) {
	lines := broken(terminal(text), t.last-indent-max(0, further-indent))
	for i, line := range lines {
		pad := indent
		if i > 0 {
			pad = further
		}
		t.WriteString(strings.Repeat(" ", pad) + line + "\n")
	}
}

// headline writes the first line of a change in its colour, with environments at its right.
func (t *diffText) headline(color, text string, in []string) {
	where := ""
	if names := whereOf(t.d, in); names != "" {
		where = terminal("[" + names + "]")
	}
	lines := broken(terminal(text), t.last-2)
	for i, line := range lines {
		if i > 0 {
			line = "    " + line
		}
		t.WriteString(t.paint(color, line))
		if i == len(lines)-1 && where != "" {
			if gap := t.last - columns(line) - columns(where); gap > 0 {
				t.WriteString(strings.Repeat(" ", gap) + where)
			} else {
				t.WriteString("\n    " + where)
			}
		}
		t.WriteByte('\n')
	}
}

const detailColumn = 27

// detail writes a name below a change, such as a place or a risk, and what there is to say of it,
// in columns.
func (t *diffText) detail(color, name, text string) {
	name = terminal(name)
	if text == "" {
		t.WriteString("    " + t.paint(color, name) + "\n")
		return
	}
	column := detailColumn
	if t.last < lastColumn {
		column = 8 // too few are left beside the names
	}
	if columns(name)+4 >= column {
		t.WriteString("    " + t.paint(color, name) + "\n")
		name = ""
	}
	lines := broken(terminal(text), t.last-column)
	t.WriteString("    " + t.paint(color, name) + strings.Repeat(" ", column-4-columns(name)) + lines[0] + "\n")
	for _, line := range lines[1:] {
		t.WriteString(strings.Repeat(" ", column+2) + line + "\n")
	}
}

// change writes what a difference opens, closes or widens: sign, ends and ports, then the lines
// that mean it and its risks.
func (t *diffText) change(x *delta.Change) {
	sign := map[delta.Sign]string{delta.Opened: "+", delta.Closed: "-", delta.Unknown: "?"}[x.Sign]
	color := map[delta.Sign]string{delta.Opened: t.opened, delta.Closed: t.closed, delta.Unknown: t.unknown}[x.Sign]
	ports, was := reach.Words(x.Packets), ""
	if x.Was != "" {
		sign, ports, was = "~", x.Now, "   was "+x.Was
	}
	if ports != "" {
		ports = ":" + ports
	}
	to := termsWithState(x.To)
	if reach.TermWords(x.From) == reach.TermWords(x.To) && len(x.From) == 1 {
		to = reach.TermWords(x.To)
	}
	family := ""
	if x.Family != reach.EitherFamily {
		family = " over " + string(x.Family)
	}
	t.headline(color, sign+" "+termsWithState(x.From)+" -> "+to+ports+family+was, x.Environments)
	for i, s := range x.Because {
		if i == 2 {
			break
		}
		place := fmt.Sprintf("%s:%d", s.File, s.Line)
		if s.File == "" {
			place = "no line"
		}
		if x.Sign == delta.Closed {
			place = "was " + place
		}
		why := s.Why
		if why == "" {
			why = s.Text
		}
		if s.Ticket != "" && !strings.Contains(why, s.Ticket) {
			why += " (" + s.Ticket + ")"
		}
		t.detail("", place, why)
	}
	for _, r := range x.Risks {
		t.risk(r)
	}
}

// risk writes the tag of a change's risk, whether that is high, and why it is one.
func (t *diffText) risk(r delta.Risk) {
	name, color := r.Tag, ""
	if r.Level == delta.High {
		name, color = name+" HIGH", t.high
	}
	text := r.Text
	if r.Perhaps {
		text = strings.TrimSpace("perhaps: " + text)
	}
	t.detail(color, name, text)
}

// note writes a change of rules for people, with its tag, or behind an equals sign where it has
// none.
func (t *diffText) note(n delta.Note) {
	if n.Tag == "" {
		t.headline("", "= "+n.What+" "+n.Text, n.Environments)
		return
	}
	name, color := n.Tag, t.strong
	if n.Level == delta.High {
		name, color = name+" HIGH", t.high
	}
	for _, s := range n.Because[:min(1, len(n.Because))] {
		name += strings.Repeat(" ", max(1, detailColumn-4-columns(name)))
		if s.Line > 0 {
			name += fmt.Sprintf("%s:%d", s.File, s.Line)
		} else {
			name += s.File
		}
	}
	t.headline(color, "! "+name, n.Environments)
	t.prose(n.What, 4, 6)
	if n.Text != "" {
		t.prose(n.Text, 4, 6)
	}
}
