package report

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/reach"
)

// The columns of a map: where destinations, ports and environments begin.
const (
	toColumn    = 26
	portsColumn = 52
	whereColumn = 67
)

// mapText writes a map for people.
type mapText struct {
	*bufio.Writer
	m *reach.Map
	o MapOptions
	paints
	last int // column
}

// writeMapText writes a map for people at a terminal: in sections, or by namespaces where it is
// too large, then the Platform's lines and the total.
func writeMapText(w *bufio.Writer, m *reach.Map, o MapOptions) error {
	t := mapText{w, m, o, paintsOf(o.Color), endOf(o.Width)}
	lines := slices.DeleteFunc(slices.Clone(m.Lines), func(l reach.Line) bool { return l.Platform && !o.Platform })
	if folded(m, o) {
		t.byNamespace(lines)
	} else {
		t.sections(lines)
	}
	if !o.Platform {
		t.platform()
	}
	t.total()
	return nil // what a bufio.Writer could not write, its Flush tells
}

// section names what a line of the map stands under: into or from which namespace, or the
// outside.
func (t *mapText) section(l *reach.Line) string {
	of, word := l.To, "into "
	if t.o.BySource {
		of, word = l.From, "from "
	}
	namespace := ""
	for _, term := range of {
		switch {
		case !term.IsPods() && t.o.BySource:
			return "from the outside"
		case !term.IsPods():
			return "to the outside"
		case term.Namespace == "" || namespace != "" && namespace != term.Namespace:
			return word + "several namespaces"
		}
		namespace = term.Namespace
	}
	if owner := t.m.Namespaces[namespace]; owner != "" {
		return word + namespace + " (" + owner + ")"
	}
	return word + namespace
}

// sections writes the lines of a map under the namespaces that they lead into, or come from.
func (t *mapText) sections(lines []reach.Line) {
	var order []string
	bySection := map[string][]*reach.Line{}
	for i := range lines {
		s := t.section(&lines[i])
		if bySection[s] == nil {
			order = append(order, s)
		}
		bySection[s] = append(bySection[s], &lines[i])
	}
	if t.o.BySource {
		slices.Sort(order)
	}
	for _, s := range order {
		t.WriteString(t.paint(t.strong, terminal(s)) + "\n")
		for _, l := range bySection[s] {
			t.line(l)
		}
	}
}

// line writes a line of the map: who reaches whom on which ports, in which environments, and what
// else limits it.
func (t *mapText) line(l *reach.Line) {
	from, to := l.Ends()
	if from == to && len(l.From) == 1 && l.From[0].Kind == "workload" {
		to = "the same"
	}
	ports := l.Ports()
	if ports == "" {
		ports = "everything"
	}
	where := ""
	if in := whereWords(l.Environments, t.m.Environments, t.m.Groups); in != "" {
		where = "[" + in + "]"
	}
	if l.Family != reach.EitherFamily {
		where = strings.TrimSpace(where + " " + string(l.Family))
	}
	if l.Verdict != reach.Allow {
		where = strings.TrimSpace(where + " " + map[reach.Verdict]string{reach.Deny: "denied", reach.Unknown: "not known"}[l.Verdict])
	}
	if len(l.Because) > 0 && l.Because[0].Until != "" {
		where = strings.TrimSpace(where + " until " + l.Because[0].Until)
	}
	t.row(from, to, ports, where)
}

// row writes the cells of a line in the map's columns: what does not fit into its column gets
// lines of its own.
func (t *mapText) row(from, to, ports, where string) {
	column := t.cell(0, 2, from)
	column = t.cell(column, toColumn, to)
	column = t.cell(column, portsColumn, ports)
	if where != "" {
		t.cell(column, whereColumn, where)
	}
	t.WriteByte('\n')
}

// cell writes a text of the map from a column on, and says where it ends.
func (t *mapText) cell(at, start int, text string) (column int) {
	text = terminal(text)
	if width := columns(text); (start >= portsColumn || t.last < lastColumn) && start+width > t.last {
		start = max(2, t.last-width)
	}
	if at >= start && at > 0 {
		t.WriteByte('\n')
		at = 0
	}
	t.WriteString(strings.Repeat(" ", start-at))
	lines := broken(text, t.last-start)
	for i, line := range lines {
		if i > 0 {
			t.WriteString("\n" + strings.Repeat(" ", start+2))
			column = start + 2 + columns(line)
		} else {
			column = start + columns(line)
		}
		t.WriteString(line)
	}
	if len(lines) > 1 {
		column = t.last
	}
	return column
}

// byNamespace tells the map by namespaces alone: how many flows lead from one to another, and on
// which ports.
func (t *mapText) byNamespace(lines []reach.Line) {
	type flow struct{ from, to string }
	count, ports := map[flow]int{}, map[flow][]string{}
	var order []flow
	for i := range lines {
		l := &lines[i]
		told := map[flow]bool{}
		for _, from := range l.From {
			for _, to := range l.To {
				f := flow{endpointOf(from), endpointOf(to)}
				if told[f] {
					continue
				}
				told[f] = true
				if count[f]++; count[f] == 1 {
					order = append(order, f)
				}
				for word := range strings.SplitSeq(l.Ports(), ",") {
					if word == "" {
						word = "everything"
					}
					if !slices.Contains(ports[f], word) {
						ports[f] = append(ports[f], word)
					}
				}
			}
		}
	}
	for _, f := range order {
		words := ports[f]
		if len(words) > 4 {
			words = append(words[:4:4], fmt.Sprintf("%d more", len(words)-4))
		}
		fmt.Fprintf(t, "%s\n", strings.Join(broken(terminal(fmt.Sprintf("  %s -> %s  %s: %s", f.from, f.to, plural(count[f], "flow", "flows"), strings.Join(words, ", "))), t.last), "\n    "))
	}
	if len(order) > 0 {
		if namespace, _, _ := strings.Cut(order[0].to, "/"); !strings.HasPrefix(namespace, "@") {
			fmt.Fprintf(t, "--namespace %s shows its lines\n", terminal(namespace))
		}
	}
}

// platform tells of each line of the Platform once in the map, whomever it is about.
func (t *mapText) platform() {
	type fold struct {
		from, to, ports, in []string
		dns                 bool
	}
	folds := map[string]*fold{}
	var order []string
	add := func(to []string, more ...string) []string {
		for _, s := range more {
			if !slices.Contains(to, s) {
				to = append(to, s)
			}
		}
		return to
	}
	for i := range t.m.Lines {
		l := &t.m.Lines[i]
		if !l.Platform {
			continue
		}
		key := fmt.Sprint(l.Because[0].File, l.Because[0].Line, l.Because[0].Column, l.Because[0].Why)
		f := folds[key]
		if f == nil {
			f = &fold{dns: l.Because[0].Why == reach.DNS}
			folds[key] = f
			order = append(order, key)
		}
		for _, term := range l.From {
			f.from = add(f.from, reach.TermWords([]reach.Term{term}))
		}
		for _, term := range l.To {
			f.to = add(f.to, reach.TermWords([]reach.Term{term}))
		}
		for word := range strings.SplitSeq(l.Ports(), ",") {
			f.ports = add(f.ports, word)
		}
		f.in = add(f.in, l.Environments...)
	}
	if len(order) > 0 {
		t.WriteString(t.paint(t.strong, "platform") + "\n")
	}
	ends := func(all []string) string {
		if slices.Contains(all, "*/*") {
			return "*/*"
		}
		if len(all) > 0 && strings.HasPrefix(all[0], "*/* but") {
			return all[0]
		}
		if len(all) > 2 {
			return plural(len(all), "end", "ends")
		}
		return strings.Join(all, ", ")
	}
	for _, key := range order {
		f := folds[key]
		slices.Sort(f.ports)
		where := whereWords(inOrder(f.in, t.m.Environments), t.m.Environments, t.m.Groups)
		if where != "" {
			where = "[" + where + "]"
		}
		to := ends(f.to)
		if f.dns {
			to = "DNS"
		}
		t.row(ends(f.from), to, strings.Join(f.ports, ","), where)
	}
}

// inOrder puts the environments of a Platform's line into the map's own order.
func inOrder(some, all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(e string) bool { return !slices.Contains(some, e) })
}

// total ends the map with how much there is, and of what nothing was said.
func (t *mapText) total() {
	ofPlatform := 0
	for _, l := range t.m.Lines {
		if l.Platform {
			ofPlatform++
		}
	}
	namespaces := map[string]bool{}
	for _, w := range t.m.Workloads {
		namespaces[w.Namespace] = true
	}
	lines := plural(t.m.Total, "line", "lines")
	if len(t.m.Lines) != t.m.Total {
		lines = fmt.Sprintf("%d of %s", len(t.m.Lines), lines)
	}
	text := plural(len(t.m.Workloads), "workload", "workloads") + ", " + plural(len(namespaces), "namespace", "namespaces")
	if n := len(t.m.Environments); n > 1 {
		text += ", " + plural(n, "environment", "environments")
	}
	text += ": " + lines
	if ofPlatform > 0 {
		text += fmt.Sprintf(", %d of the platform", ofPlatform)
		if !t.o.Platform {
			text += " (--all)"
		}
	}
	t.WriteString("\n" + strings.Join(broken(text, t.last), "\n  ") + "\n")
	if len(t.m.Missing) > 0 {
		t.WriteString(strings.Join(broken(terminal("not in this map: "+strings.Join(t.m.Missing, "; ")), t.last), "\n  ") + "\n")
	}
}
