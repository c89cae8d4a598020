package relation_test

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// z3 is a solver of other people's that is asked over a pipe, in SMT-LIB.
type z3 struct {
	in  io.Writer
	out *bufio.Scanner
}

// effort is what z3 may spend on a question, in its own units: no clock decides.
const effort = 400_000

func startZ3(t *testing.T) *z3 {
	t.Helper()
	path, err := exec.LookPath("z3")
	if err != nil {
		t.Skip("SKIPPED: there is no z3 (Debian's package z3): what only it judges is NOT tested")
	}
	cmd := exec.Command(path, "-in", "-smt2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &z3{in, bufio.NewScanner(out)}
}

// check is sat, unsat or unknown.
func (z *z3) check(t *testing.T, text string) string {
	t.Helper()
	if _, err := fmt.Fprintf(z.in, "(reset)\n(set-option :rlimit %d)\n%s\n(check-sat)\n", effort, text); err != nil {
		t.Fatal(err)
	}
	if !z.out.Scan() {
		t.Fatalf("z3 ended: %v\n%s", z.out.Err(), text)
	}
	answer := z.out.Text()
	if !slices.Contains([]string{"sat", "unsat", "unknown"}, answer) {
		t.Fatalf("z3 says %s\n%s", answer, text)
	}
	return answer
}

// theory is two ends and a packet as variables of z3's, as far as something speaks of them:
// strings for what labels hold, bit vectors for addresses, integers for the header. What
// the API server takes, and what two ends share, it says once more and in its own words.
type theory struct {
	text      strings.Builder
	variables map[string]bool
	labels    []theoryLabel
	shared    [2][]string // keys of labels of namespaces, and of service accounts
	peerIsPod bool
	// anyString leaves out what the API server takes: for constants that all of it holds, of
	// which it cuts nothing off.
	anyString bool
}

type theoryLabel struct {
	kind, key string
	end       relation.End
	name      string
}

func newTheory(peerIsPod bool) *theory {
	m := &theory{variables: map[string]bool{}, peerIsPod: peerIsPod}
	m.say("(declare-const protocol Int) (declare-const port Int) (assert (<= 0 protocol 255)) (assert (<= 0 port 65535))")
	for _, end := range []relation.End{relation.Own, relation.Peer} {
		m.say("(declare-const address%d (_ BitVec 32))", end)
	}
	return m
}

func (m *theory) say(format string, args ...any) { fmt.Fprintf(&m.text, format+"\n", args...) }

const (
	lower = `(re.union (re.range "a" "z") (re.range "0" "9"))`
	alnum = `(re.union (re.range "a" "z") (re.range "0" "9") (re.range "A" "Z"))`
)

// variable declares a name or a value, which it holds to what the API server takes.
func (m *theory) variable(name, ends, inside string, longest int, mayBeEmpty bool) string {
	if m.variables[name] {
		return name
	}
	m.variables[name] = true
	if m.anyString {
		m.say("(declare-const %s String)", name)
		return name
	}
	m.say("(declare-const %s String) (assert (<= (str.len %s) %d))", name, name, longest)
	in := fmt.Sprintf("(str.in_re %s (re.++ %s (re.opt (re.++ (re.* %s) %s))))", name, ends, inside, ends)
	if mayBeEmpty {
		in = fmt.Sprintf(`(or (= %s "") %s)`, name, in)
	}
	m.say("(assert %s)", in)
	return name
}

func (m *theory) namespace(end relation.End) string {
	return m.variable(fmt.Sprint("namespace", end), lower, `(re.union `+lower+` (str.to_re "-"))`, 63, false)
}

// account is a DNS subdomain: its dots are between letters and digits.
func (m *theory) account(end relation.End) string {
	name := fmt.Sprint("account", end)
	if !m.variables[name] {
		if m.variable(name, lower, `(re.union `+lower+` (str.to_re "-") (str.to_re "."))`, 253, false); m.anyString {
			return name
		}
		for _, wrong := range []string{"..", ".-", "-."} {
			m.say("(assert (not (str.contains %s %q)))", name, wrong)
		}
	}
	return name
}

// label is a value, and the name of the truth that it is there.
func (m *theory) label(kind string, end relation.End, key string) (value, there string) {
	value = fmt.Sprintf("%s-%s-%d", kind, key, end)
	there = "has-" + value
	if !m.variables[value] {
		m.labels = append(m.labels, theoryLabel{kind, key, end, value})
		m.say("(declare-const %s Bool)", there)
		m.variable(value, alnum, `(re.union `+alnum+` (str.to_re "-") (str.to_re "_") (str.to_re "."))`, 63, true)
	}
	return value, there
}

func (m *theory) namespaceLabel(end relation.End, key string) (value, there string) {
	if !slices.Contains(m.shared[0], key) {
		m.shared[0] = append(m.shared[0], key)
	}
	return m.label("team", end, key)
}

func (m *theory) accountLabel(end relation.End, key string) (value, there string) {
	if !slices.Contains(m.shared[1], key) {
		m.shared[1] = append(m.shared[1], key)
	}
	return m.label("role", end, key)
}

// of is what a selector asks of one end.
func (m *theory) of(end relation.End, n *selector.Node) string {
	join := func(op string) string {
		var b strings.Builder
		for i := range n.Kids {
			b.WriteString(" " + m.of(end, &n.Kids[i]))
		}
		return "(" + op + b.String() + ")"
	}
	switch n.Op {
	case selector.OpAll, selector.OpGlobal:
		return "true"
	case selector.OpNot:
		return join("not")
	case selector.OpAnd:
		return join("and")
	case selector.OpOr:
		return join("or")
	}
	value, there := "", "true"
	switch key := n.Key; {
	case key == "projectcalico.org/namespace" || key == "pcns.projectcalico.org/name":
		value = m.namespace(end)
	case key == "projectcalico.org/serviceaccount" || key == "pcsa.projectcalico.org/name":
		value = m.account(end)
	case strings.HasPrefix(key, "pcns."):
		value, there = m.namespaceLabel(end, key[5:])
	case strings.HasPrefix(key, "pcsa."):
		value, there = m.accountLabel(end, key[5:])
	default:
		value, there = m.label("label", end, key)
	}
	is := []string{"or false"}
	for _, v := range n.Values {
		is = append(is, fmt.Sprintf(`(= %s %q)`, value, v))
	}
	oneOf := "(and " + there + " (" + strings.Join(is, " ") + "))"
	switch n.Op {
	case selector.OpEqual, selector.OpIn:
		return oneOf
	case selector.OpNotEqual, selector.OpNotIn:
		return "(not " + oneOf + ")"
	}
	if n.Op == selector.OpHas {
		return there
	}
	text := n.Values[0]
	switch first, last := strings.Trim(text[:min(1, len(text))], marks), strings.Trim(text[max(0, len(text)-1):], marks); {
	case strings.Trim(text, letters+marks) != "", strings.Trim(text, strings.ToLower(letters)+marks) != "" && !strings.Contains(there, "has"):
		return "false" // no value has such a character, which z3 is slow to see
	case n.Op == selector.OpStartsWith && text != "" && first == "", n.Op == selector.OpEndsWith && text != "" && last == "":
		return "false" // so with the ends
	case n.Op == selector.OpStartsWith:
		return fmt.Sprintf("(and %s (str.prefixof %q %s))", there, text, value)
	case n.Op == selector.OpEndsWith:
		return fmt.Sprintf("(and %s (str.suffixof %q %s))", there, text, value)
	}
	return fmt.Sprintf("(and %s (str.contains %s %q))", there, value, text)
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	marks   = "-_."
)

// is says that an end is a pod.
func (m *theory) is(end relation.End, e *meaning.Endpoint, at netip.Addr) {
	m.say("(assert (and (= %s %q) (= %s %q)))", m.namespace(end), e.Namespace, m.account(end), e.ServiceAccount)
	m.at(end, at)
	for _, l := range m.labels {
		if l.end != end {
			continue
		}
		if value, there := map[string]map[string]string{"label": e.Labels, "team": e.NamespaceLabels, "role": e.ServiceAccountLabels}[l.kind][l.key]; there {
			m.say("(assert (and has-%s (= %s %q)))", l.name, l.name, value)
		} else {
			m.say("(assert (not has-%s))", l.name)
		}
	}
}

// at says that an end has an address.
func (m *theory) at(end relation.End, at netip.Addr) {
	m.say("(assert %s)", m.within(end, netip.PrefixFrom(at, 32)))
}

// within is whether an end has an address of a block.
func (m *theory) within(end relation.End, block netip.Prefix) string {
	a := block.Masked().Addr().As4()
	mask := uint32(0xffffffff) << (32 - block.Bits())
	return fmt.Sprintf("(= (bvand address%d #x%08x) #x%02x%02x%02x%02x)", end, mask, a[0], a[1], a[2], a[3])
}

// world says what is known of a cluster, and what two ends share and cannot share.
func (m *theory) world(c cluster) {
	within := func(end relation.End) string {
		any := []string{"or false"}
		for _, block := range c.pods {
			any = append(any, m.within(end, block))
		}
		return "(" + strings.Join(any, " ") + ")"
	}
	m.say("(assert %s)", within(relation.Own))
	if m.peerIsPod {
		m.say("(assert %s) (assert (not (= address0 address1)))", within(relation.Peer))
	} else {
		m.say("(assert (not %s))", within(relation.Peer))
	}
	for _, n := range c.namespaces {
		for _, end := range []relation.End{relation.Own, relation.Peer} {
			here := fmt.Sprintf("(= %s %q)", m.namespace(end), n.Name)
			for _, key := range m.shared[0] {
				named := slices.ContainsFunc(c.namespaces, func(n relation.Namespace) bool { _, there := n.Labels[key]; return there })
				value, there := m.namespaceLabel(end, key)
				if known, listed := n.Labels[key]; listed {
					m.say("(assert (=> %s (and %s (= %s %q))))", here, there, value, known)
				} else if named {
					m.say("(assert (=> %s (not %s)))", here, there)
				}
			}
		}
	}
	if !m.peerIsPod {
		return
	}
	same := fmt.Sprintf("(= %s %s)", m.namespace(relation.Own), m.namespace(relation.Peer))
	m.alike(same, m.shared[0], m.namespaceLabel)
	m.alike(fmt.Sprintf("(and %s (= %s %s))", same, m.account(relation.Own), m.account(relation.Peer)), m.shared[1], m.accountLabel)
}

// alike says that where two ends share something they see the same labels of it.
func (m *theory) alike(same string, keys []string, of func(relation.End, string) (string, string)) {
	for _, key := range keys {
		a, hasA := of(relation.Own, key)
		b, hasB := of(relation.Peer, key)
		m.say("(assert (=> %s (and (= %s %s) (=> %s (= %s %s)))))", same, hasA, hasB, hasA, a, b)
	}
}
