package report_test

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

var (
	ruleSpelling = &diag.Rule{Code: "PC101", Severity: diag.Error,
		Title: "A name that nothing bears", Why: "Names are spelt as in their declaration."}
	ruleHalf = &diag.Rule{Code: "PC501", Severity: diag.Warning,
		Title: "Half a flow", Why: "A flow needs an egress and an ingress rule."}
	ruleNote   = &diag.Rule{Code: "PC902", Severity: diag.Info, Title: "A note", Why: "Nothing need be done."}
	ruleSilent = &diag.Rule{Code: "PC903", Severity: diag.Error, Title: "Never found", Why: "It holds <everywhere> & always."}
)

const frontend = `kind: Intent
metadata:
  name: frontend
spec:
  namespace: zero-trust-demo
  flows:
    - {to: backnd, ports: [http]}
    - to: "日本語サービス"
	- to: tabbed	name
    - to: ne` + "\u0301" + `e
`

var sources = map[string][]byte{
	"bom.yaml":               []byte("\ufeffname: x\n"),
	"crlf.yaml":              []byte("kind: Intent\r\nname: \"café\" # naïve\r\nlast: one"),
	"empty.yaml":             {},
	"hostile.yaml":           []byte("name: \x1b[2Jgone \u202eevil\u202c \u200b\x07 \xff ##[error]x\n"),
	"intents/frontend.yaml":  []byte(frontend),
	"long.yaml":              []byte(strings.Repeat("a", 500_000) + " needle " + strings.Repeat("ü", 500_000) + "\n"),
	"thousand.yaml":          []byte(strings.Repeat("\n", 999) + "x: y\n"),
	"::error file=x::y.yaml": []byte("::stop-commands::x\n"),
}

func span(file string, numbers ...int) diag.Span {
	s := diag.Span{File: file}
	if len(numbers) >= 2 {
		s.Start = diag.At(numbers[0], numbers[1])
	}
	if len(numbers) == 4 {
		s.End = diag.At(numbers[2], numbers[3])
	}
	return s
}

// edges is the list with every edge: what any format must be able to write.
func edges() diag.List {
	policy := diag.ObjectID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "zero-trust-demo", Name: "frontend"}
	global := diag.ObjectID{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy", Name: "default-deny"}
	in := func(d diag.Diagnostic, environments ...string) diag.Diagnostic {
		d.Environments = environments
		return d
	}
	waived := func(d diag.Diagnostic, by, until string) diag.Diagnostic {
		d.WaivedBy, d.WaivedUntil = by, until
		return d
	}
	about := func(d diag.Diagnostic, s diag.Subject) diag.Diagnostic {
		d.Subject = s
		return d
	}
	evidence := func(d diag.Diagnostic, e map[string]string) diag.Diagnostic {
		d.Evidence = e
		return d
	}
	withObject := ruleHalf.At(span("intents/frontend.yaml", 3, 9, 3, 17), "the egress half has no ingress half")
	withObject.Related = []diag.Related{
		{Subject: diag.Subject{Object: global, Pointer: "/spec/egress/0"}, Message: "this rule decides"},
		{Span: span("intents/frontend.yaml"), Message: "declared in this file"},
		{Message: "no place at all"},
	}
	return diag.List{
		// The usual one: a place, a reason, a second place, a hint and a fix.
		ruleSpelling.At(span("intents/frontend.yaml", 7, 12, 7, 18), "no workload named %q in namespace zero-trust-demo", "backnd").
			Because("a flow needs both ends\nto be declared").
			See(span("intents/backend.yaml", 4, 19), "%q is declared here", "backend").
			Suggest("did you mean %q?", "backend").
			Replace(span("intents/frontend.yaml", 7, 12, 7, 18), "backend").
			Replace(span("intents/frontend.yaml", 1, 1, 1, 1), "# mended\n").
			Replace(span("intents/frontend.yaml", 2, 1, 3, 17), ""),
		// Places.
		ruleSpelling.At(span("intents/frontend.yaml", 8, 12, 8, 18), "multi-byte and wide runes"),
		ruleSpelling.At(span("intents/frontend.yaml", 9, 8, 9, 14), "a tab before the caret"),
		ruleSpelling.At(span("intents/frontend.yaml", 9, 14, 9, 15), "a tab under the caret"),
		ruleSpelling.At(span("intents/frontend.yaml", 10, 11, 10, 15), "a combining mark under the caret"),
		ruleSpelling.At(span("intents/frontend.yaml", 2, 1, 3, 17), "a span of several lines"),
		ruleSpelling.At(span("intents/frontend.yaml", 4, 1, 4, 1), "an empty span"),
		ruleSpelling.At(span("intents/frontend.yaml", 4, 3), "a span without an end"),
		ruleSpelling.At(span("intents/frontend.yaml", 5, 40, 5, 50), "past the end of the line"),
		ruleSpelling.At(span("intents/frontend.yaml", 5, 14, 5, 999), "beyond the end of the line"),
		ruleSpelling.At(span("intents/frontend.yaml", 5, 9, 5, 2), "an end before its start"),
		ruleSpelling.At(span("intents/frontend.yaml", 99, 1, 99, 2), "past the end of the file"),
		ruleSpelling.At(span("intents/frontend.yaml"), "a file as a whole"),
		ruleSpelling.At(span("missing.yaml", 3, 1, 3, 4), "a file without a source"),
		ruleSpelling.At(span("empty.yaml", 1, 1, 1, 1), "an empty file"),
		ruleSpelling.At(span("bom.yaml", 1, 7, 1, 8), "behind a byte order mark"),
		ruleSpelling.At(span("crlf.yaml", 2, 7, 2, 99), "lines that end in CRLF"),
		ruleSpelling.At(span("crlf.yaml", 3, 7, 3, 10), "a last line without an end"),
		ruleSpelling.At(span("thousand.yaml", 1000, 4, 1000, 5), "a wide margin"),
		ruleSpelling.At(span("long.yaml", 1, 500_002, 1, 500_008), "in the middle of a megabyte"),
		ruleSpelling.At(span("long.yaml", 1, 1, 1, 500_001), "at the beginning of a megabyte"),
		// Objects.
		evidence(ruleHalf.On(diag.Subject{Object: policy, Pointer: "/spec/egress/0"}, "an object and a pointer"),
			map[string]string{"to": "backend", "from": "frontend"}),
		ruleHalf.On(diag.Subject{Object: global}, "an object as a whole, cluster-scoped"),
		about(withObject, diag.Subject{Object: policy, Pointer: "/spec/ingress"}),
		ruleNote.At(diag.Span{}, "no place at all"),
		// Where, and whether it stands.
		in(ruleHalf.At(span("intents/frontend.yaml", 1, 1, 1, 5), "in two environments"), "prod-us"),
		in(ruleHalf.At(span("intents/frontend.yaml", 1, 1, 1, 5), "in two environments"), "prod-eu"),
		waived(ruleSpelling.At(span("intents/frontend.yaml", 1, 7, 1, 13), "waived"), "old-database", "2026-12-31"),
		// Text to copy.
		ruleNote.At(span("intents/frontend.yaml", 6, 3, 6, 8), "a hint of several lines").
			Suggest("let it in, in intents/backend.yaml:\n\ningress:\n  - from: frontend\r\n    ports: [http]\n"),
		// Hostile text, in every field that a user's file may reach.
		in(about(waived(ruleNote.At(span("hostile.yaml", 1, 7, 1, 10), "newline\n::error::x \x1b]0;title\x07 \u202edesrever\u2066").
			Because("::stop-commands::x\n ::error::y\n<script>alert(1)</script> & ```").
			Suggest("##vso[task.setvariable]x\r\nC1 \u009b31m, no-break\u00a0space, filler\u3164, emoji\ufe0f, \ue000, \U000e0041, \xc3\x28").
			See(span("a\nb.yaml", 1, 1), "over\rwritten").
			Replace(span("hostile.yaml", 1, 7, 1, 10), "a\n\x1b"),
			"waiver\n\x1b[0m", "2027-01-01"), diag.Subject{Object: diag.ObjectID{Kind: "Pod", Name: "x\ny"}, Pointer: "/\x00"}),
			"prod\n", "\u200b"),
		ruleNote.At(span("::error file=x::y.yaml", 1, 1, 1, 3), "%s", "a long message: "+strings.Repeat("é", 5000)),
	}
}

// many is the report of a large directory: groups, places of every form, what was accepted, and
// what was not judged.
func many() diag.Report {
	ruleOpen := &diag.Rule{Code: "PC904", Severity: diag.Error, Title: "Open to everybody", Why: "It is.", Mend: "Close it."}
	ruleHalves := &diag.Rule{Code: "PC312", Severity: diag.Warning, Title: "A flow of which one half is open", Why: "A connection needs both halves.", Mend: "Both halves must allow it."}
	var all diag.List
	add := func(n int, of func(i int) diag.Diagnostic) {
		for i := range n {
			all = append(all, of(i))
		}
	}
	on := func(r *diag.Rule, name string, line int) diag.Diagnostic {
		d := r.On(diag.Subject{Object: diag.ObjectID{Kind: "NetworkPolicy", Namespace: "shop", Name: name}, Pointer: "/spec"}, "%s is open", name)
		d.Span = span("shop/"+name+".yaml", line, 3, line, 9)
		return d
	}
	// A named thing, a port, an environment; one remedy.
	add(6, func(i int) diag.Diagnostic {
		d := on(ruleOpen, fmt.Sprintf("front-%d", i), 8+i).Suggest("replace the range by the addresses that are meant, for example an office's or a partner's\nfrom:\n- cidr").
			Testify(diag.PortEvidence, "80, 443").Testify(diag.IntentEvidence, fmt.Sprintf("shop/front-%d", i))
		if i == 0 {
			d.Environments = []string{"prod-eu", "prod-us"}
		}
		return d
	})
	// One cause, and a remedy for each.
	add(31, func(i int) diag.Diagnostic {
		return on(ruleHalves, fmt.Sprintf("carts-%02d", i), 44).Suggest("add this policy:\n%d", i).CausedBy("NetworkPolicy shop/default-deny").
			Testify(diag.FlowEvidence, fmt.Sprintf("shop/carts-%02d -> shop/carts-db TCP 27017", i))
	})
	// Of another cause: few, told one by one.
	add(2, func(i int) diag.Diagnostic {
		return on(ruleHalves, fmt.Sprintf("other-%d", i), 1).Suggest("add this policy:\n%d", i).CausedBy("NetworkPolicy data/default-deny")
	})
	// Nothing but messages, which differ; and one message for all.
	add(5, func(i int) diag.Diagnostic {
		return ruleSpelling.At(span("intents/frontend.yaml", 7+i, 12, 7+i, 18), "no workload named %q in namespace zero-trust-demo, which has %d others", "backnd", 70+i).Suggest("did you mean backend?")
	})
	add(4, func(i int) diag.Diagnostic {
		return ruleNote.At(span("intents/frontend.yaml", 1+i, 1, 1+i, 2), "@apiserver has no address here").CausedBy("@apiserver").Suggest("give it one")
	})
	for i, by := range []string{"public-front-door", "legacy", "legacy"} {
		d := on(ruleOpen, fmt.Sprintf("waived-%d", i), 3)
		d.WaivedBy, d.WaivedUntil = by, "2027-02-20"
		all = append(all, d)
	}
	r := diag.NewReport(all, []*diag.Rule{ruleSpelling, ruleNote, ruleOpen, ruleHalves}, sources)
	r.Survey = &diag.Survey{Workloads: 41, Policies: 27, Namespaces: 6, Environments: 4, NotJudged: []diag.NotJudged{
		{Reason: "files that are no manifests", Count: 21, Examples: []string{"a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml", "f.yaml", "g\x1b.yaml"}},
		{Reason: "charts", Count: 2, Examples: []string{"charts/a", "charts/b"}, Help: "render it: helm template charts/a | portcullis check -, and so for each of the others"},
		{Reason: "HelmReleases", Count: 4, Examples: []string{"apps/x.yaml"}},
		{Reason: "CiliumNetworkPolicies", Count: 3, Means: "verdicts about 14 pods may be wrong", Examples: []string{"CiliumNetworkPolicy shop/web"}},
		{Reason: "workloads of governed namespaces without an intent", Count: 6, Means: "they get DNS", Examples: []string{"Deployment shop/cron"}},
		{Reason: "intents of which 2 were compared with a manifest", Count: 48},
	}}
	return r
}

// tested is the report of a run that was about tests.
func tested() diag.Report {
	r := diag.NewReport(edges()[:1], []*diag.Rule{ruleSpelling}, sources)
	r.Tests = []diag.Test{
		{Name: "shop/web -> shop/till:80 allow", Outcome: diag.Failed, Span: span("intents/frontend.yaml", 7, 12, 7, 18), Environments: []string{"prod"}},
		{Name: "shop/web -> shop/till:80 allow", Outcome: diag.Passed, Span: span("intents/frontend.yaml", 7, 12, 7, 18), Environments: []string{"dev", "test"}},
		{Name: "shop/web -> shop/till deny", Outcome: diag.Paused, Span: span("intents/frontend.yaml", 8, 1, 8, 2)},
		{Name: "::error::\x1b[31m\u202e", Outcome: diag.Passed, Span: span("::error file=x::y.yaml", 1, 1, 1, 3), Environments: []string{"a\nb"}},
		{Name: "portcullis.checks.x_test.todo_test_x", Outcome: diag.Skipped, Span: span("checks/x_test.rego", 3, 1, 3, 9)},
	}
	r.Coverage = []diag.Coverage{
		{File: "::notice::\n.rego", Covered: []int{3}},
		{File: "checks/empty.rego"},
		{File: "checks/x.rego", Covered: []int{10, 11, 13}, Missed: []int{1, 2, 3, 5, 7, 8}},
	}
	return r
}
