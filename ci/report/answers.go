package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/diag"
)

// AnswerFormat is one way to write answers to questions about flows.
type AnswerFormat struct {
	Name        string // as in -o NAME
	Description string // for help texts: a clause without a full stop
	write       func(w *bufio.Writer, a explain.Answers, d explain.Detail, o Options) error
}

// AnswerFormats is the table of the formats there are, the default first.
var AnswerFormats = []AnswerFormat{
	{"text", "for people: the verdict, what decides it and what would turn it", writeAnswersText},
	{"json", "for programs: the same, as answers.schema.json describes it", writeAnswersJSON},
	{"markdown", "for reviews: the same, to be pasted into a comment", writeAnswersMarkdown},
}

// LookupAnswers finds a format of answers to explain's questions by its name.
func LookupAnswers(name string) (AnswerFormat, error) {
	names := make([]string, len(AnswerFormats))
	for i, f := range AnswerFormats {
		if names[i] = f.Name; f.Name == name {
			return f, nil
		}
	}
	return AnswerFormat{}, unknownFormat(ofAnswers, name, names)
}

// WriteAnswers writes the answers of explain in the format, as far as the detail asks for. The
// error is the writer's.
func WriteAnswers(w io.Writer, f AnswerFormat, a explain.Answers, d explain.Detail, o Options) error {
	buffered := bufio.NewWriter(w)
	err := f.write(buffered, a, d, o)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the answers as %s: %w", f.Name, err)
	}
	return nil
}

// verdictWords are verdicts in words.
var verdictWords = map[explain.Verdict]string{
	explain.Allow: "allowed", explain.Deny: "denied", explain.Unknown: "not known",
	explain.Partly: "partly allowed", explain.NoPacket: "no packet", explain.Unanswered: "not asked",
}

// verdictOf puts the verdict of an answer into words, and says whether it holds for all that was
// asked about.
func verdictOf(a *explain.Answer) (word, extent string) {
	word = verdictWords[a.Verdict]
	switch several := len(a.Examples) > 1; {
	case a.Verdict == explain.Unknown && several:
		word = "partly not known"
	case a.Question.Many && (a.Verdict == explain.Allow || a.Verdict == explain.Deny || a.Verdict == explain.Unknown && len(a.Examples) == 1):
		extent = "all of it"
	}
	return word, extent
}

// flowWords writes the question of an answer for people: who sends to whom, and which traffic.
func flowWords(a *explain.Answer) string {
	text := a.Question.From + " -> " + a.Question.To
	if a.Question.Traffic != "" {
		text += " " + a.Question.Traffic
	}
	return text
}

// missingWords says why a question has no answer, with a hint where there is one.
func missingWords(all []explain.Missing) string {
	var words []string
	for _, m := range all {
		text := m.Reason
		if m.Hint != "" {
			text += "; " + m.Hint
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

// paragraph gathers what an answer says of the question as a whole, below the verdict: the
// reason, notes and open ports.
func paragraph(a *explain.Answer) []string {
	var all []string
	if a.Reason != "" {
		all = append(all, upperFirst(a.Reason)+".")
	}
	for _, note := range a.Notes {
		all = append(all, "Note: "+note+".")
	}
	switch o := a.Open; {
	case o == nil:
	case o.Traffic == "":
		all = append(all, "Open ports: none.")
	case o.Everywhere:
		all = append(all, "Open: "+o.Traffic+".")
	case !o.Sets:
		all = append(all, "Open: "+o.Traffic+". All other traffic that was asked about is not.")
	default:
		all = append(all, "Open between some of them: "+o.Traffic+".")
	}
	return all
}

// halfOpen says of an answer's example that one end alone allows it; empty if it is not so.
func halfOpen(e *explain.Example) string {
	switch {
	case e.Egress.By == "none" || e.Ingress.By == "none":
	case e.Egress.Verdict == explain.Allow && e.Ingress.Verdict == explain.Deny:
		return fmt.Sprintf("Half-open: %s may send it, and %s does not accept it, so it is dropped.", e.Egress.Of, e.Ingress.Of)
	case e.Egress.Verdict == explain.Deny && e.Ingress.Verdict == explain.Allow:
		return fmt.Sprintf("Half-open: %s would accept it, and %s may not send it, so it is dropped.", e.Ingress.Of, e.Egress.Of)
	}
	return ""
}

// meantWords names the line of an intent or of the Platform that means the packet of an answer.
func meantWords(m *explain.Meant) string {
	by := "the Platform"
	if m.Intent != "" {
		by = "the intent " + m.Intent
	}
	text := "Meant by " + by + ": " + m.From + " -> " + m.To + " on " + m.Ports
	if m.Why != "" {
		text += " (" + m.Why + ")"
	}
	return text
}

const noLine = "No line of an intent or of the Platform means it."

// half is one of an example's, with what people call it.
type half struct {
	*explain.Half
	title     string // egress of shop/cart
	direction string
}

// halves lists the halves of an answer's example, egress before ingress, and what is on the way
// last.
func halves(e *explain.Example) []half {
	all := []half{{&e.Egress, "egress of " + e.Egress.Of, "egress"}, {&e.Ingress, "ingress of " + e.Ingress.Of, "ingress"}}
	if e.OnTheWay != nil {
		all = append(all, half{e.OnTheWay, "on " + e.OnTheWay.Of, ""})
	}
	return all
}

// decidedWords says what decides a half: in a repository (lines) because of which line.
func (h half) decidedWords(lines bool) string {
	text := upperFirst(h.Reason)
	if h.Rule != "" {
		text += ", " + h.Rule
	}
	if len(h.Sets) > 0 {
		text += ", by " + ids(h.Sets)
	}
	switch {
	case h.At.IsZero():
		text += "."
	case lines:
		text += ", because of this line"
	}
	return text
}

// changeWords says what would turn a verdict: of an answer about more, that of the example alone.
func changeWords(c *explain.Change, many bool) string {
	aim := map[string]string{explain.ToOpen: "to open it: ", explain.ToClose: "to close it: "}
	if many {
		aim = map[string]string{explain.ToOpen: "to open this example alone: ", explain.ToClose: "to close this example: "}
	}
	return aim[c.Aim] + c.Text
}

// ids names objects that an answer speaks of, three at most, and counts the others.
func ids(all []diag.ObjectID) string {
	words := make([]string, len(all))
	for i, id := range all {
		words[i] = id.String()
	}
	const most = 3
	if len(words) > most {
		words = append(words[:most:most], fmt.Sprintf("%d more", len(all)-most))
	}
	return strings.Join(words, ", ")
}

// orderWords writes the order of a tier or a policy in an answer; what has none is the last.
func orderWords(order *float64) string {
	if order == nil {
		return "last"
	}
	return strconv.FormatFloat(*order, 'f', -1, 64)
}

// policyWords says which of a policy's rules matches the packet of an answer, or that none does.
func policyWords(p *explain.Policy, direction string) string {
	first := slices.IndexFunc(p.Rules, func(r explain.Rule) bool { return r.Matches != explain.No && !r.Logs })
	switch {
	case p.Count == 0:
		return fmt.Sprintf("no %s rules; it isolates, and allows nothing", direction)
	case first < 0:
		return fmt.Sprintf("none of its %d rules matches", p.Count)
	case p.Rules[first].Matches == explain.Yes:
		return fmt.Sprintf("rule %d of %d matches", first+1, p.Count)
	default:
		return fmt.Sprintf("rule %d of %d may match", first+1, p.Count)
	}
}

// ruleWords says whether a rule matches the packet of an answer, and if not, why.
func ruleWords(r *explain.Rule) string {
	const mayMatch = "may match, which depends on an address or port that is not known"
	text := r.Text
	if len(r.Sets) > 0 {
		text += ", by " + ids(r.Sets)
	}
	switch {
	case r.Decides && r.Matches == explain.Yes:
		return "matches: " + text
	case r.Decides:
		return mayMatch + ": " + text
	case r.Matches == explain.No:
		return "no match, " + r.Why + ": " + shortText(text)
	case r.Logs:
		return "matches: Log, which decides nothing"
	default:
		return mayMatch + ": " + shortText(text)
	}
}
