package report

import (
	"bufio"
	"fmt"
	"strings"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/diag"
)

// answerWriter writes one answer after another.
type answerWriter struct {
	*bufio.Writer
	sources map[string][]byte
	all     bool               // everything is asked for
	shown   map[diag.Span]bool // a line is quoted once in an answer, and then named
}

// writeAnswersText writes answers for people at a terminal, with an empty line between them
// unless they are brief.
func writeAnswersText(w *bufio.Writer, a explain.Answers, d explain.Detail, _ Options) error {
	t := answerWriter{Writer: w, sources: a.Sources, all: d == explain.Everything}
	for i := range a.Flows {
		if i > 0 && d > explain.Brief {
			t.WriteByte('\n')
		}
		t.shown = map[diag.Span]bool{}
		t.answer(&a.Flows[i])
	}
	return nil // what a bufio.Writer could not write, its Flush tells
}

// line writes one indented line of an answer, made inert for a terminal.
func (t *answerWriter) line(indent int, format string, args ...any) {
	t.WriteString(strings.Repeat(" ", indent) + terminal(fmt.Sprintf(format, args...)) + "\n")
}

// near writes a line of an answer, and behind it where that is written.
func (t *answerWriter) near(at explain.Place, indent int, text string) {
	if !at.IsZero() {
		text += " (" + at.String() + ")"
	}
	t.line(indent, "%s", text)
}

// quoted writes a line of an answer, and below it the source line, unless that was quoted
// already.
func (t *answerWriter) quoted(at explain.Place, indent int, text string) {
	if at.IsZero() || t.shown[at.Span] {
		t.near(at, indent, text)
		return
	}
	t.shown[at.Span] = true
	t.line(indent, "%s:", text)
	for _, line := range Quote(t.sources, at.Span) {
		t.WriteString(strings.Repeat(" ", indent+2) + line + "\n")
	}
}

// answer writes the verdict and the question, what there is to say of all of it, and its
// examples.
func (t *answerWriter) answer(a *explain.Answer) {
	word, extent := verdictOf(a)
	text := word + ": " + flowWords(a)
	switch {
	case a.Verdict == explain.Unanswered && a.Question.Number > 0:
		text += ": " + missingWords(a.Missing)
	case a.Verdict == explain.Unanswered:
		text = word + ": " + missingWords(a.Missing)
	case extent != "":
		text += ", " + extent
	}
	t.WriteString(terminal(text) + environments(a.Environments) + "\n")
	for _, line := range paragraph(a) {
		t.line(0, "%s", line)
	}
	if a.Open != nil {
		for _, pair := range a.Open.Pairs {
			t.line(2, "%s", pair)
		}
	}
	for i := range a.Examples {
		e := &a.Examples[i]
		if a.Question.Many {
			t.WriteByte('\n')
			t.line(0, "%s: %s is %s", []string{"for example", "and"}[min(i, 1)], e.Flow, verdictWords[e.Verdict])
		}
		t.example(e, a.Question.Many)
	}
}

// example writes which lines mean a packet, how both of its halves are decided, and what would
// turn the verdict.
func (t *answerWriter) example(e *explain.Example, many bool) {
	if text := halfOpen(e); text != "" {
		t.line(0, "%s", text)
	}
	if e.Meant != nil && len(e.Meant) == 0 {
		t.line(0, "%s", noLine)
	}
	for i := range e.Meant {
		if t.all {
			t.quoted(e.Meant[i].At, 0, meantWords(&e.Meant[i]))
		} else {
			t.near(e.Meant[i].At, 0, meantWords(&e.Meant[i]))
		}
	}
	for _, h := range halves(e) {
		if t.all {
			t.WriteByte('\n')
		}
		t.line(0, "%s: %s", h.title, verdictWords[h.Verdict])
		if !t.all {
			t.near(h.At, 2, h.decidedWords(e.Meant != nil))
			continue
		}
		t.quoted(h.At, 2, h.decidedWords(e.Meant != nil))
		t.way(h)
	}
	if c := e.Change; c != nil {
		t.WriteByte('\n')
		t.line(0, "%s", changeWords(c, many))
		for i := range c.Steps {
			t.step(&c.Steps[i])
		}
	}
}

// step writes one step of the change that would turn a verdict, with the lines to add.
func (t *answerWriter) step(s *explain.Step) {
	text := s.Text
	if s.At.IsZero() && len(s.Lines) > 0 {
		text += ":"
	}
	t.quoted(s.At, 2, text)
	for _, line := range s.Lines {
		t.line(6, "%s", line)
	}
}

// way tells how one half of an answer is decided, tier by tier.
func (t *answerWriter) way(h half) {
	for i := range h.Tiers {
		t.tier(&h.Tiers[i], h.direction)
	}
	switch {
	case h.By != "profile":
	case len(h.Tiers) == 0:
		t.line(2, "No policy governs the %s here, so no tier has a say.", h.direction)
	default:
		t.line(2, "After the last tier: the profile, %s.", map[explain.Verdict]string{
			explain.Allow: "which allows what no tier decides", explain.Deny: "which drops it", explain.Unknown: "of which it is not known",
		}[h.Verdict])
	}
	if h.NoSay != nil {
		t.noSay(h.NoSay)
	}
}

// tier writes how a tier of an answer ends, and below it each policy that was asked there.
func (t *answerWriter) tier(tier *explain.Tier, direction string) {
	end := map[string]string{"allow": "allowed here", "deny": "denied here", "pass": "passed on to the next tier", "unknown": "not known here"}[tier.Result]
	switch {
	case tier.AtEnd && tier.Result == "pass":
		end = "no rule matches; its end passes on to the next tier"
	case tier.AtEnd:
		end = "no rule matches; its end denies"
	}
	t.line(2, "tier %s, order %s: %s", tier.Name, orderWords(tier.Order), end)
	for i := range tier.Policies {
		p := &tier.Policies[i]
		title := fmt.Sprintf("%d. %s, order %s: ", i+1, p.ID, orderWords(p.Order))
		if p.Count == 1 { // the only rule stands on the policy's own line
			t.near(p.Rules[0].At, 4, title+ruleWords(&p.Rules[0]))
			continue
		}
		t.near(p.At, 4, title+policyWords(p, direction))
		t.rules(p.Rules)
	}
	if n := tier.NotAsked; n > 0 {
		t.line(4, "%s of the tier after it %s not asked", plural(n, "policy", "policies"), either(n, "is", "are"))
	}
}

// rules tells of the first rules of a policy that do not match, up to the one that decides the
// answer, and counts the others.
func (t *answerWriter) rules(rules []explain.Rule) {
	const most = 4
	told, others := 0, 0
	for i := range rules {
		r := &rules[i]
		switch {
		case r.Decides:
			if others > 0 {
				t.line(7, "%s before it %s not match", plural(others, "other rule", "other rules"), either(others, "does", "do"))
			}
			t.near(r.At, 7, ruleWords(r))
			return
		case r.Matches != explain.No:
			t.near(r.At, 7, ruleWords(r))
		case told < most:
			told++
			t.near(r.At, 7, ruleWords(r))
		default:
			others++
		}
	}
	if others > 0 {
		t.line(7, "%s %s not match either", plural(others, "other rule", "other rules"), either(others, "does", "do"))
	}
}

// noSay tells of the policies near an end that have no say in the answer: the first that select
// it, and one of the others.
func (t *answerWriter) noSay(n *explain.NoSay) {
	scope := "of the cluster"
	if n.Namespace != "" {
		scope = "of namespace " + n.Namespace + " and of the cluster"
	}
	t.line(2, "no say: %s %s", plural(len(n.Policies), "other policy", "other policies"), scope)
	selecting := 0
	for selecting < len(n.Policies) && n.Policies[selecting].Selects {
		selecting++
	}
	const most = 3
	for i, p := range n.Policies[:selecting] {
		if i == most {
			t.line(4, "and %d more that select it", selecting-most)
			break
		}
		t.near(p.At, 4, p.ID.String()+" "+p.Why)
	}
	if others := n.Policies[selecting:]; len(others) > 0 {
		t.near(others[0].At, 4, others[0].ID.String()+" "+shortText(others[0].Why))
		if rest := len(others) - 1; rest > 0 {
			t.line(4, "and %d more that %s others", rest, either(rest, "selects", "select"))
		}
	}
}
