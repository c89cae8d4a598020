package report

import (
	"bufio"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
)

// The budget of a comment about a difference: rows of its table, and arrows of its graph.
const (
	highRows   = 50
	otherRows  = 150
	graphEdges = 60
)

// row is one of the table: what it says, whether it is of high risk, and whose it is.
type row struct {
	text      string
	high      bool
	namespace string
}

// comment is a Markdown comment on its way.
type comment struct {
	d *delta.Diff
	o DiffOptions
}

// writeDiffMarkdown writes the comment of a pull request about a difference: title, table, graph
// and footer, within the bytes that a comment may have.
func writeDiffMarkdown(w *bufio.Writer, d *delta.Diff, o DiffOptions) error {
	c := comment{d, o}
	own := ownChanges(d)
	key := cmp.Or(o.Key, "default")
	changes := len(own)
	for _, n := range d.Governance {
		if n.Tag != "" {
			changes++
		}
	}
	fmt.Fprintf(w, "<!-- portcullis:diff key=%s changes=%d risk=%s -->\n", marker(key), changes, cmp.Or(string(d.Worst()), "none"))
	w.WriteString("### " + c.title(own) + "\n\n")
	line := code(shortened(refWords(&d.Old))) + " → " + code(shortened(refWords(&d.New)))
	if n := len(d.Environments); n > 1 {
		line += fmt.Sprintf(" · %d environments", n)
	}
	if risks := riskWords(d); risks != "" {
		line += " · " + strings.ReplaceAll(strings.ReplaceAll(risks, "HIGH", "high"), "high", "**high**")
	}
	w.WriteString(line + "\n")
	left := commentBytes - 20_000 // for what stands around the rows: texts of a few hundred characters
	c.table(w, own, &left)
	if moved := c.moved(); moved != "" {
		w.WriteString("\n" + moved + "\n")
	}
	if missing := slices.Concat(d.Undecided, d.Missing); len(missing) > 0 {
		var b strings.Builder
		fmt.Fprintf(&b, "\n<details><summary>What was not judged (%d)</summary>\n\n", len(missing))
		for i, m := range missing {
			if i == 20 {
				fmt.Fprintf(&b, "- and %d more\n", len(missing)-i)
				break
			}
			b.WriteString("- " + code(shortened(m)) + "\n")
		}
		b.WriteString("\n</details>\n")
		if b.Len() < left {
			left -= b.Len()
			w.WriteString(b.String())
		}
	}
	if graph := c.graph(own); graph != "" && len(graph) < left {
		w.WriteString("\n<details><summary>Graph of the change</summary>\n\n" + graph + "\n</details>\n")
	}
	c.footer(w, own)
	return nil // what a bufio.Writer could not write, its Flush tells
}

// marker keeps of a key, which tells several comments of one pull request apart, what can stand
// in a comment of HTML.
func marker(key string) string {
	const most = 64
	key = key[:min(len(key), most)]
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, key)
}

// title says in the comment's heading how many flows the change opens and closes, or why nothing
// was compared.
func (c *comment) title(own []*delta.Change) string {
	if c.d.Old.Failed+c.d.New.Failed > 0 {
		s := &c.d.Old
		if s.Failed == 0 {
			s = &c.d.New
		}
		return "⛔ Not compared: " + code(shortened(s.Ref)) + " has " + plural(s.Failed, "error", "errors")
	}
	opened, _ := count(own, delta.Opened)
	closed, _ := count(own, delta.Closed)
	unknown, _ := count(own, delta.Unknown)
	whole := slices.ContainsFunc(c.d.Changes, func(x delta.Change) bool { return x.Isolation })
	var words []string
	if opened > 0 {
		words = append(words, "opens "+plural(opened, "flow", "flows"))
	}
	if closed > 0 {
		words = append(words, "closes "+plural(closed, "flow", "flows"))
	}
	if unknown > 0 {
		words = append(words, "makes "+plural(unknown, "flow", "flows")+" uncertain")
	}
	sign := "ℹ️"
	if c.d.Worst() == delta.High {
		sign = "⚠️"
	}
	switch {
	case len(words) == 0 && whole:
		return sign + " This change decides otherwise who is held back at all"
	case c.d.Old.Absent && !c.d.New.Absent:
		return sign + " What no line allows is dropped from now on"
	case len(c.d.Compared) == 0:
		return sign + " Nothing is compared: no environment is on both sides"
	case len(words) == 0 && len(c.d.Undecided) > 0:
		return "⚠️ No packet is known to be treated differently, and not all was decided"
	case len(words) == 0 && c.d.Worst() != "":
		return sign + " No packet is treated differently, but rules for people are"
	case len(words) == 0:
		return "✅ No packet is treated differently"
	default:
		return sign + " This change " + strings.Join(words, " and ")
	}
}

// table writes a row for each change and note of the difference, high risks first, and counts by
// namespace what has no room.
func (c *comment) table(w *bufio.Writer, own []*delta.Change, left *int) {
	var rows []row
	for _, x := range own {
		rows = append(rows, c.change(x))
	}
	for _, n := range c.d.Governance {
		if n.Tag != "" {
			rows = append(rows, c.note(n))
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.high == b.high:
			return 0
		case a.high:
			return -1
		}
		return 1
	})
	if len(rows) == 0 {
		return
	}
	w.WriteString("\n| | from → to | port | where | because |\n|:-:|---|---|---|---|\n")
	high, others := highRows, otherRows
	over := map[string]int{}
	for _, r := range rows {
		most := &others
		if r.high {
			most = &high
		}
		if *most == 0 || len(r.text) > *left {
			over[r.namespace]++
			continue
		}
		*most--
		*left -= len(r.text)
		w.WriteString(r.text)
	}
	if len(over) == 0 {
		return
	}
	n := 0
	var words []string
	for _, ns := range sortedByCount(over) {
		n += over[ns]
		if len(words) < 10 {
			words = append(words, fmt.Sprintf("%s %d", code(ns), over[ns]))
		} else if len(words) == 10 {
			words = append(words, "…")
		}
	}
	fmt.Fprintf(w, "\nand %s into %s: %s; all of them in the report\n", plural(n, "row", "rows"), plural(len(over), "namespace", "namespaces"), strings.Join(words, ", "))
}

// sortedByCount orders namespaces by how many rows the comment's table left out of them, most
// first.
func sortedByCount(of map[string]int) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	return names
}

// change makes a row of the comment's table from what a difference opens or closes: sign, ends,
// ports, reason and risks.
func (c *comment) change(x *delta.Change) row {
	r := row{high: slices.ContainsFunc(x.Risks, func(r delta.Risk) bool { return r.Level == delta.High }), namespace: "outside"}
	for _, t := range x.To {
		if t.Namespace != "" {
			r.namespace = t.Namespace
		}
	}
	sign := map[delta.Sign]string{delta.Opened: "**+**", delta.Closed: "**−**", delta.Unknown: "**?**"}[x.Sign]
	ports := "every"
	if words := reach.Words(x.Packets); words != "" {
		ports = cellCode(shortened(words))
	}
	if x.Was != "" {
		sign, ports = "**~**", cellCode(shortened(x.Was))+" → "+cellCode(shortened(x.Now))
	}
	if r.high {
		sign = "🔴 " + sign
	}
	from, to := termsWithState(x.From), termsWithState(x.To)
	ends := cellCode(shortened(from)) + " → " + cellCode(shortened(to))
	if from == to && len(x.From) == 1 {
		ends = cellCode(shortened(from)) + " → itself"
	}
	if x.Family != "" {
		ports += " over " + string(x.Family)
	}
	because := ""
	for _, s := range x.Because[:min(1, len(x.Because))] {
		if because = c.place(s); x.Sign == delta.Closed {
			because = "was " + cellCode(shortened(fmt.Sprintf("%s:%d", s.File, s.Line)))
		}
		because += " " + cellCode(shortened(cmp.Or(s.Why, s.Text, "no reason is given")))
	}
	r.text = "| " + sign + " | " + ends + " | " + ports + " |" + c.where(x.Environments) + " | " + strings.TrimSpace(because+risksIn(x.Risks)) + " |\n"
	return r
}

// risksIn writes the risks of a change behind its reason, in a row of the comment's table.
func risksIn(all []delta.Risk) string {
	text := ""
	for _, r := range all {
		text += " **" + r.Tag + "**"
		if r.Text != "" {
			said := r.Text
			if r.Perhaps {
				said = "perhaps " + said
			}
			text += ": " + cellCode(shortened(said))
		}
	}
	return text
}

// note makes a row of the comment's table from a change of rules for people, such as guardrails
// and waivers.
func (c *comment) note(n delta.Note) row {
	r := row{high: n.Level == delta.High, namespace: "rules for people"}
	sign := "**!**"
	if r.high {
		sign = "🔴 **!**"
	}
	because := ""
	for _, s := range n.Because[:min(1, len(n.Because))] {
		because = c.place(s) + " "
	}
	if n.Text != "" {
		because += cellCode(shortened(n.Text)) + " "
	}
	r.text = "| " + sign + " | " + cellCode(shortened(n.What)) + " | |" + c.where(n.Environments) + " | " + because + "**" + n.Tag + "** |\n"
	return r
}

// where names the environments of a row in the comment's table, unless they are all there are.
func (c *comment) where(in []string) string {
	if names := whereOf(c.d, in); names != "" {
		return " " + cellCode(names)
	}
	return ""
}

// place writes in the comment where something stands, with a link where the seat is known.
func (c *comment) place(s reach.Source) string {
	text := cellCode(shortened(fmt.Sprintf("%s:%d", s.File, s.Line)))
	if c.o.LinkBase == "" || s.File == "" {
		return text
	}
	parts := strings.Split(s.File, "/")
	for i := range parts {
		parts[i] = strings.NewReplacer("(", "%28", ")", "%29").Replace(url.PathEscape(parts[i]))
	}
	return fmt.Sprintf("[%s](%s%s#L%d)", text, c.o.LinkBase, strings.Join(parts, "/"), s.Line)
}

// moved says in the comment what has another name on the new side, and changes nothing.
func (c *comment) moved() string {
	var words []string
	for i, r := range c.d.Renamed {
		if i == 10 {
			words = append(words, fmt.Sprintf("and %d more", len(c.d.Renamed)-i))
			break
		}
		words = append(words, code(shortened(r.From))+" is now "+code(shortened(r.To))+": the same pods.")
	}
	for _, n := range c.d.Governance {
		if n.Tag == "" && len(words) < 20 {
			words = append(words, code(shortened(n.What+" "+n.Text))+".")
		}
	}
	return strings.Join(words, " ")
}

// graph draws in the comment what a difference opens and closes, as a flowchart of Mermaid,
// unless there are too many flows.
func (c *comment) graph(own []*delta.Change) string {
	if len(own) == 0 {
		return ""
	}
	if len(own) > graphEdges {
		return fmt.Sprintf("%d flows are too many for a graph.\n", len(own))
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart LR\n")
	g := mermaid{ids: map[string]int{}}
	var opened []string
	for i, x := range own {
		sign, left, right := "+", "--", "-->"
		if x.Sign == delta.Closed {
			sign, left, right = "−", "-.", ".->"
		}
		if x.Sign == delta.Unknown {
			sign = "?"
		}
		if x.Sign == delta.Opened {
			opened = append(opened, fmt.Sprint(i))
		}
		label := strings.TrimSpace(sign + " " + reach.Words(x.Packets))
		b.WriteString("  " + g.node(x.From) + " " + left + " " + mermaidText(label) + " " + right + " " + g.node(x.To) + "\n")
	}
	if len(opened) > 0 {
		b.WriteString("  linkStyle " + strings.Join(opened, ",") + " stroke:#c24e0c,stroke-width:3px\n")
	}
	b.WriteString("```\n")
	return b.String()
}

// footer ends the comment: how many policies differ, which errors are new, and which question to
// ask explain.
func (c *comment) footer(w *bufio.Writer, own []*delta.Change) {
	var words []string
	if p := c.d.Policies; p.Added+p.Removed+p.Edited > 0 {
		words = append(words, fmt.Sprintf("Policies: %d added, %d removed, %d edited.", p.Added, p.Removed, p.Edited))
	}
	if codes, n := newCodes(c.d); n > 0 {
		words = append(words, fmt.Sprintf("%s more than before (%s): `portcullis check`.", plural(n, "error", "errors"), strings.Join(codes, ", ")))
	}
	if len(own) > 0 {
		words = append(words, "Ask: "+code(`portcullis explain "`+shortened(own[0].Question())+`"`))
	}
	if len(words) > 0 {
		w.WriteString("\n<sub>" + strings.Join(words, " ") + "</sub>\n")
	}
}
