package report_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/diag"
)

// evil is text that a terminal, a build system or a renderer of Markdown might obey.
const evil = "\x1b[2J``` <b>@team</b> [x](y) ::error::\u202eevil\n/merge"

func policy(name string) diag.ObjectID {
	return diag.ObjectID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "shop", Name: name}
}

// answered has every form that an answer and its parts may have.
func answered() explain.Answers {
	id, line, order := policy("allow-cart"), explain.Place{Span: span("intents/frontend.yaml", 7, 7, 7, 34)}, 100.0
	rule := func(matches explain.Match, decides bool) explain.Rule {
		return explain.Rule{Pointer: "/spec/egress/0", Text: "Allow TCP 80 to " + strings.Repeat("anyone ", 30), Matches: matches, Decides: decides, At: line}
	}
	no := rule(explain.No, false)
	no.Why = "other port"
	logs := rule(explain.Yes, false)
	logs.Logs = true
	bySet := rule(explain.Yes, true)
	bySet.Sets = []diag.ObjectID{{Kind: "GlobalNetworkSet", Name: "a"}, {Kind: "GlobalNetworkSet", Name: "b"}, {Kind: "GlobalNetworkSet", Name: "c"}, {Kind: "GlobalNetworkSet", Name: "d"}}
	byRule := explain.Half{
		Of: "shop/cart", Verdict: explain.Allow, By: "rule", Tier: "default", Policy: &id, Rule: "/spec/egress/0", Sets: bySet.Sets[:1], Reason: "a rule of NetworkPolicy shop/allow-cart allows it", At: line,
		Tiers: []explain.Tier{
			{Name: "first", Order: &order, Result: "pass", AtEnd: true, Policies: []explain.Policy{{ID: policy("none"), Order: &order, Count: 0}}},
			{Name: "second", Result: "pass", Policies: []explain.Policy{{ID: policy("pass"), Count: 1, Rules: []explain.Rule{rule(explain.Yes, true)}}}},
			{Name: "default", Result: "allow", NotAsked: 2, Policies: []explain.Policy{
				{ID: policy("misses"), Count: 7, Rules: []explain.Rule{no, no, no, no, no, no, no}},
				{ID: policy("one"), Count: 1, Rules: []explain.Rule{no}},
				{ID: policy("allow-cart"), Count: 9, Rules: []explain.Rule{no, no, no, no, no, logs, rule(explain.Maybe, false), bySet}, At: line},
			}},
		},
		NoSay: &explain.NoSay{Namespace: "shop", Policies: []explain.Bystander{
			{ID: policy("a"), Selects: true, Why: "governs ingress alone", At: line}, {ID: policy("b"), Selects: true, Why: "is staged: it decides nothing yet"},
			{ID: policy("c"), Selects: true, Why: "is for host endpoints alone"}, {ID: policy("d"), Selects: true, Why: "governs ingress alone"},
			{ID: policy("e"), Why: "selects others: " + strings.Repeat("all() && ", 20)}, {ID: policy("f"), Why: "selects others: x"}, {ID: policy("g"), Why: "selects others: y"},
		}},
	}
	atEnd := explain.Half{
		Of: "shop/db", Verdict: explain.Deny, By: "tier-end", Tier: "default", Policy: &id, Reason: "no rule in tier default allows it", At: line,
		Tiers: []explain.Tier{{Name: "default", Result: "deny", AtEnd: true, Policies: []explain.Policy{{ID: id, Count: 2, Rules: []explain.Rule{no, rule(explain.Maybe, false)}}}}},
		NoSay: &explain.NoSay{Policies: []explain.Bystander{{ID: policy("e"), Why: "selects others: x"}, {ID: policy("f"), Why: "selects others: y"}}},
	}
	profile := explain.Half{Of: "10.0.0.1", Verdict: explain.Deny, By: "profile", Reason: "no policy and no profile allows it", Tiers: atEnd.Tiers}
	noTier := explain.Half{Of: "shop/free", Verdict: explain.Allow, By: "profile", Reason: "no policy decides"}
	outside := explain.Half{Of: "192.0.2.1", Verdict: explain.Allow, By: "none", Reason: "no policy governs this end"}
	way := explain.Half{Of: "the way between them", Verdict: explain.Unknown, By: "none", Policy: &id, Reason: "a policy may decide at a host endpoint", At: line}
	open := &explain.Change{Aim: explain.ToOpen, Found: true, Text: "add what follows.", Steps: []explain.Step{
		{Text: "to spec.inbound of shop/db, after this line", At: line, Lines: []string{"    - {from: cart, ports: [http]}"}}, {Text: "the egress of shop/cart needs a new policy", Lines: []string{"kind: NetworkPolicy", evil}},
	}}
	closing := &explain.Change{Aim: explain.ToClose, Text: "remove this line.", Steps: []explain.Step{{Text: "the line that allows it", At: line}, {Text: "The rest stays."}}}
	return explain.Answers{
		Warnings: edges()[:1],
		Sources:  sources,
		Flows: []explain.Answer{
			{
				Question: explain.Query{Number: 1, From: "shop/cart", To: "shop/db", Traffic: "TCP 80"}, Environments: []string{"dev", "prod"}, Verdict: explain.Allow, Notes: []string{"a note"},
				Examples: []explain.Example{{Flow: "shop/cart -> shop/db TCP 80", Verdict: explain.Allow, Egress: byRule, Ingress: outside, Change: closing,
					Meant: []explain.Meant{{Intent: "shop/cart", From: "shop/cart", To: "shop/db", Ports: "80", Why: "it asks", At: line}, {From: "*/*", To: "*/*", Ports: "80", At: line}}}},
			},
			{
				Question: explain.Query{Number: 2, From: "shop/*", To: "shop/db", Traffic: "on every port", Many: true}, Verdict: explain.Partly,
				Open: &explain.Open{Traffic: "TCP 80", Sets: true, Pairs: []string{"shop/a -> shop/db TCP 80", "and more"}},
				Examples: []explain.Example{
					{Flow: "shop/a -> shop/db TCP 80", Verdict: explain.Allow, Egress: byRule, Ingress: noTier, Meant: []explain.Meant{}, Change: closing},
					{Flow: "shop/b -> shop/db TCP 80", Verdict: explain.Deny, Egress: byRule, Ingress: atEnd, Meant: []explain.Meant{}, Change: open},
					{Flow: "shop/c -> shop/db TCP 80", Verdict: explain.Unknown, Egress: outside, Ingress: outside, OnTheWay: &way, Change: &explain.NotEvaluated},
				},
			},
			{Question: explain.Query{Number: 3, From: "a/b", To: "c/d", Traffic: "TCP 80", Many: true}, Verdict: explain.Deny, Open: &explain.Open{},
				Examples: []explain.Example{{Flow: "a/b -> c/d TCP 80", Verdict: explain.Deny, Egress: atEnd, Ingress: byRule}}},
			{Question: explain.Query{Number: 4, From: "a/b", To: "c/d", Traffic: "TCP 80", Many: true}, Verdict: explain.Allow, Open: &explain.Open{Traffic: "TCP 80", Everywhere: true},
				Examples: []explain.Example{{Flow: "a/b -> c/d TCP 80", Verdict: explain.Allow, Egress: outside, Ingress: outside}}},
			{Question: explain.Query{Number: 5, From: "a/b", To: "c/d", Traffic: "on every port", Many: true}, Verdict: explain.Unknown, Open: &explain.Open{Traffic: "TCP 1"},
				Examples: []explain.Example{{Flow: "a/b -> c/d TCP 80", Verdict: explain.Deny, Egress: profile, Ingress: outside}, {Flow: "a/b -> c/d TCP 81", Verdict: explain.Unknown, Egress: outside, Ingress: outside}}},
			{Question: explain.Query{Number: 6, From: "10.0.0.1", To: "fd00::1", Traffic: "TCP 80"}, Verdict: explain.NoPacket, Reason: "nothing can go from the one to the other"},
			{Question: explain.Query{Number: 7, From: "a/x", To: "c/y"}, Environments: []string{"dev"}, Verdict: explain.Unanswered,
				Missing: []explain.Missing{{What: "from", Reason: "there is no a/x", Hint: "did you mean a/b?"}, {What: "to", Reason: "there is no c/y"}}},
			{Question: explain.Query{From: "a/x", To: "c/y"}, Verdict: explain.Unanswered, Missing: []explain.Missing{{What: "ports", Reason: "there is no port"}}},
			{Question: explain.Query{From: evil, To: evil, Traffic: evil}, Environments: []string{evil}, Verdict: explain.Deny, Notes: []string{evil}, Reason: evil,
				Open: &explain.Open{Traffic: evil, Sets: true, Pairs: []string{evil}},
				Examples: []explain.Example{{Flow: evil, Verdict: explain.Deny, Egress: explain.Half{Of: evil, Verdict: explain.Deny, By: "none", Reason: evil, At: explain.Place{Span: diag.Span{File: evil}}}, Ingress: outside,
					Meant: []explain.Meant{{Intent: evil, From: evil, To: evil, Ports: evil, Why: evil}}, Change: &explain.Change{Aim: explain.ToOpen, Text: evil, Steps: []explain.Step{{Text: evil, Lines: []string{evil}}}}}}},
		},
	}
}

func written(t *testing.T, format string, d explain.Detail) []byte {
	t.Helper()
	f, err := report.LookupAnswers(format)
	if err != nil {
		t.Fatal(err)
	}
	a := answered()
	if d == explain.Brief { // of which no more is known
		for i := range a.Flows {
			q := &a.Flows[i]
			*q = explain.Answer{Question: q.Question, Environments: q.Environments, Verdict: q.Verdict, Missing: q.Missing}
		}
	}
	var b bytes.Buffer
	if err := report.WriteAnswers(&b, f, a, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnswers writes answers of every form in every format, at every detail.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, f := range report.AnswerFormats {
		for name, d := range map[string]explain.Detail{"brief": explain.Brief, "deciding": explain.Deciding, "everything": explain.Everything} {
			compare(t, filepath.Join("testdata", "answers", name+"."+f.Name), written(t, f.Name, d))
		}
	}
}

// TestAnswersAreInert: whatever a name holds, it moves no cursor, begins no line and closes
// no code in which it stands.
func TestAnswersAreInert(t *testing.T) {
	t.Parallel()
	for _, f := range report.AnswerFormats {
		text := string(written(t, f.Name, explain.Everything))
		for _, bad := range []string{"\x1b", "\u202e", "\n/merge", "\n::"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %q", f.Name, bad)
			}
		}
	}
	fence := ""
	for _, line := range strings.Split(string(written(t, "markdown", explain.Everything)), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if trimmed == fence {
				fence = ""
			}
			continue
		case strings.HasSuffix(trimmed, "`yaml") && strings.Trim(strings.TrimSuffix(trimmed, "yaml"), "`") == "":
			fence = strings.TrimSuffix(trimmed, "yaml")
			continue
		}
		if outside := outsideCode(line); strings.Contains(outside, "team") || strings.Contains(outside, "merge") || strings.Contains(outside, "`") {
			t.Errorf("foreign text is outside code: %s", line)
		}
	}
	if fence != "" {
		t.Error("a block of code has no end")
	}
}

// outsideCode is a line of Markdown without its code spans (CommonMark 0.31, 6.1).
func outsideCode(line string) string {
	var out strings.Builder
	for line != "" {
		i := strings.IndexByte(line, '`')
		if i < 0 {
			out.WriteString(line)
			break
		}
		out.WriteString(line[:i])
		rest := strings.TrimLeft(line[i:], "`")
		open := len(line) - i - len(rest)
		end := 0
		for {
			j := strings.IndexByte(rest[end:], '`')
			if j < 0 {
				return out.String() + line[i:] // not closed
			}
			after := strings.TrimLeft(rest[end+j:], "`")
			run := len(rest) - end - j - len(after)
			end += j + run
			if run == open {
				break
			}
		}
		line = rest[end:]
	}
	return out.String()
}

// TestAnswersFollowTheirSchema validates every form, reads it back, and lets the schema
// refuse what lacks something.
func TestAnswersFollowTheirSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("answers.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []explain.Detail{explain.Brief, explain.Everything} {
		raw := written(t, "json", d)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Error(err)
		}
		document.(map[string]any)["flows"].([]any)[0].(map[string]any)["verdict"] = "perhaps"
		if schema.Validate(document) == nil {
			t.Error("the schema accepts any verdict")
		}
	}
	var read explain.Answers
	if err := json.Unmarshal(written(t, "json", explain.Everything), &struct{ Flows *[]explain.Answer }{&read.Flows}); err != nil {
		t.Fatal(err)
	}
	// What is not written is for writers alone.
	ignore := []cmp.Option{cmpopts.IgnoreUnexported(explain.Example{}), cmpopts.IgnoreFields(explain.Open{}, "Sets"), cmpopts.IgnoreFields(explain.Place{}, "Subject")}
	if diff := cmp.Diff(answered().Flows, read.Flows, ignore...); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestAnswersSayWhatFailed(t *testing.T) {
	t.Parallel()
	for _, f := range report.AnswerFormats {
		if err := report.WriteAnswers(brokenPipe{}, f, answered(), explain.Everything, report.Options{}); err == nil {
			t.Errorf("%s: a failed write went unnoticed", f.Name)
		}
	}
	if _, err := report.LookupAnswers("txet"); err == nil || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("an unknown format: %v", err)
	}
}
