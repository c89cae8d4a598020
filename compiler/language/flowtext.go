package language

import (
	"fmt"
	"regexp"
	"strings"

	"portcullis.dev/policies/packet"
)

// Question is a flow in one line, as tests and explain write it:
//
//	SOURCE[:PORT] -> DESTINATION[:PORT,…]
//
// The ends are peers without braces, or addresses; an IPv6 address before a port
// stands in brackets. Without a port it asks about every one.
type Question struct {
	From, To   Member
	SourcePort uint16    // zero is any
	Ports      []PortRef // of the destination; nil is every one, unless there is something Beside

	// Ends are both sides of a question about several, which explain alone takes; of one about
	// two peers they are empty. Beside is traffic that has neither ports nor types.
	Ends   [2]Ends
	Beside packet.Traffic
	Family int // 4 or 6 where it is about one family of addresses alone; else 0
}

// Test is a Question with the answer that is expected.
type Test struct {
	Question
	Allow bool
	In    []Name // environments or groups; none is everywhere

	Text string // as written; empty if it could not be read
}

const questionForm = "SOURCE -> DESTINATION[:PORT]"

// ParseQuestion reads a flow from one line of text, SOURCE[:PORT] -> DESTINATION[:PORT,…], as
// explain is asked.
func ParseQuestion(text string) (Question, error) {
	family := 0
	for name, number := range map[string]int{" over IPv4": 4, " over IPv6": 6} {
		if rest, only := strings.CutSuffix(text, name); only {
			text, family = rest, number
		}
	}
	read := parseQuestion
	if several(text) {
		read = parseSeveral
	}
	q, m := read(text)
	if q.Family = family; m == nil {
		return q, nil
	}
	if m.hint != "" {
		return q, fmt.Errorf("%s; %s", m.message, m.hint)
	}
	return q, fmt.Errorf("%s", m.message)
}

// parseQuestion reads the text of a flow around its arrow: a source with a port at most, and a
// destination with ports.
func parseQuestion(text string) (q Question, m *mistake) {
	from, to, arrow := strings.Cut(text, "->")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !arrow || from == "" || to == "" {
		return q, &mistake{rule: badTest, message: fmt.Sprintf("%.80q is not a flow", text),
			hint: "write it as " + questionForm + ": frontend -> checkout:http"}
	}
	from, source, m := cutPort(from, "source")
	if m != nil {
		return q, m
	}
	if m := q.From.parse(from, "!!str"); m != nil {
		return q, m
	}
	if source != "" {
		number, ok := portNumber(source)
		if !ok {
			return q, &mistake{rule: BadPort, message: fmt.Sprintf("%.60q is not a source port", source), hint: "write a number from 1 to 65535, or leave it out for any"}
		}
		q.SourcePort = number
	}
	to, port, m := cutPort(to, "destination")
	if m != nil {
		return q, m
	}
	if m := q.To.parse(to, "!!str"); m != nil {
		return q, m
	}
	return q, q.parsePorts(port)
}

// mostPorts is how many ports a flow may name.
const mostPorts = 100

// cutPort parts an end in the text of a flow from the ports behind its colon.
func cutPort(word, what string) (end, port string, m *mistake) {
	if inside, rest, closed := strings.Cut(strings.TrimPrefix(word, "["), "]"); strings.HasPrefix(word, "[") {
		if port, given := strings.CutPrefix(rest, ":"); closed && (given && port != "" || rest == "") {
			return inside, port, nil
		}
		return "", "", &mistake{rule: badTest, message: fmt.Sprintf("%.80q is not a %s", word, what), hint: "write an IPv6 address and a port as [2001:db8::1]:53/udp"}
	}
	if _, m := parseCIDR(word); m == nil {
		return word, "", nil // with all its colons
	}
	if i := strings.LastIndexByte(word, ':'); i >= 0 {
		if word[i+1:] == "" {
			return "", "", &mistake{rule: badTest, message: fmt.Sprintf("%.80q ends where a port should stand", word), hint: "write the port, or leave out the colon"}
		}
		return word[:i], word[i+1:], nil
	}
	return word, "", nil
}

var verdict = regexp.MustCompile(`^(.*\S)[ \t]+(allow|deny)(?:[ \t]+in[ \t]+(\S.*))?$`)

// parse reads a test's line: the text of a flow, allow or deny, and the environments it holds in.
func (t *Test) parse(word, tag string) *mistake {
	bad := func(format string, args ...any) *mistake {
		return &mistake{rule: badTest, message: fmt.Sprintf(format, args...),
			hint: "write it as " + questionForm + " allow|deny [in ENVIRONMENT, …]: frontend -> checkout:http allow"}
	}
	parts := verdict.FindStringSubmatch(word)
	if tag != "!!str" || parts == nil {
		return bad("the test does not end in allow or deny")
	}
	q, m := parseQuestion(parts[1])
	if m != nil {
		return m
	}
	if q.SourcePort > 0 {
		m := bad("a test names a source port")
		m.hint = "leave it out: what a line allows, it allows from every port of the source"
		return m
	}
	if !q.Beside.IsEmpty() {
		return bad("a test names protocols without ports")
	}
	t.Question, t.Allow, t.Text = q, parts[2] == "allow", word
	if parts[3] != "" {
		for name := range strings.SplitSeq(parts[3], ",") {
			var n Name
			if m := n.parse(strings.TrimSpace(name), "!!str"); m != nil {
				return m
			}
			t.In = append(t.In, n)
		}
	}
	if t.Allow && t.Ports == nil {
		m := bad("a test that expects allow names no port")
		m.hint = "write the port that must be reachable; without one deny means every port"
		return m
	}
	return nil
}
