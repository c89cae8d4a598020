package rego

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portcullis.dev/policies/diag"
)

func TestAFindingBecomesADiagnostic(t *testing.T) {
	t.Parallel()
	e := prepared(t, usersRule(`findings contains {
	"subject": {"object": {"group": "g", "kind": "K", "namespace": "shop", "name": "x"}, "pointer": "/spec/a~1b"},
	"severity": "info",
	"message": "100% of it",
	"why": "because",
	"hint": "do\nthis",
	"evidence": {"namespace": input.namespace.name},
	"related": [{"object": {"kind": "Service", "name": "y"}, "pointer": "", "message": "see"}],
}
`))
	encoded, err := json.Marshal(namespaceDoc("shop", nil))
	if err != nil {
		t.Fatal(err)
	}
	want := diag.List{{
		Rule:     e.Rules()[4],
		Severity: diag.Info,
		Message:  "100% of it",
		Why:      "because",
		Hint:     "do\nthis",
		Subject:  diag.Subject{Object: diag.ObjectID{Group: "g", Kind: "K", Namespace: "shop", Name: "x"}, Pointer: "/spec/a~1b"},
		Evidence: map[string]string{"namespace": "shop"},
		Related:  []diag.Related{{Subject: diag.Subject{Object: diag.ObjectID{Kind: "Service", Name: "y"}}, Message: "see"}},
	}}
	for name, document := range map[string]any{"value": namespaceDoc("shop", nil), "bytes": encoded, "raw": json.RawMessage(encoded)} {
		found, err := e.Check(t.Context(), slices.Values([]any{document}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
	}
}

// Nothing that a rule does wrong while it runs passes for a clean bill, and the
// other rules are heard all the same.
func TestRulesThatFail(t *testing.T) {
	t.Parallel()
	message := func(fields string) string { return "findings contains {" + fields + "}\n" }
	for name, c := range map[string]struct{ body, says, at string }{
		"builtin error":           {`findings contains {"message": "m"} if to_number("80a") > 1024`, "to_number", "10:39"},
		"builtin error under not": {`findings contains {"message": "m"} if not to_number(input.scope)`, "to_number", "10:39"},
		"division by zero":        {`findings contains {"message": "m"} if 1 / input.platform.dns.port * 0 == 1 / (input.platform.dns.port - 53)`, "divide by zero", ""},
		"conflicting rules":       {"a := 1 if input.scope\n\na := 2 if input.version\n\nfindings contains {\"message\": \"m\"} if a > 0", "produced conflicting values", ""},
		"conflicting functions":   {"a(_) := 1 if input.scope\n\na(_) := 2 if input.version\n\nfindings contains {\"message\": \"m\"} if a(1) > 0", "produced conflicting values", ""},
		"text for a finding":      {`findings contains "bad"`, "another shape", "8:1"},
		"unknown field":           {message(`"message": "m", "msg": "n"`), `unknown field "msg"`, "8:1"},
		"evidence of numbers":     {message(`"message": "m", "evidence": {"port": 80}`), "another shape", "8:1"},
		"no message":              {message(`"why": "m"`), "one clause", "8:1"},
		"message of two lines":    {message(`"message": "m\nn"`), "one clause", "8:1"},
		"severity unknown":        {message(`"message": "m", "severity": "fatal"`), "unknown severity", "8:1"},
		"severity raised":         {message(`"message": "m", "severity": "error"`), "warning as in METADATA", "8:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := prepared(t, usersRule(c.body+"\n"))
			found, err := e.Check(t.Context(), slices.Values([]any{openDoc("shop"), openDoc("shop")}))
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != 2 || !found[1].Is(doesNotEvaluate) && !found[0].Is(doesNotEvaluate) || !found.Unjudgeable() {
				t.Fatalf("found %v, want PC032 once and PC201", found.Err())
			}
			for _, d := range found {
				if d.Is(doesNotEvaluate) {
					if !strings.Contains(d.Message, c.says) || !strings.HasPrefix(d.Message, "rule PC900 fails: ") {
						t.Errorf("message %q, want %q", d.Message, c.says)
					}
					if c.at != "" && d.Span.String() != "rules/own.rego:"+c.at {
						t.Errorf("at %s, want %s", d.Span, c.at)
					}
				} else if d.Rule.Code != "PC201" {
					t.Errorf("found %v", d)
				}
			}
		})
	}
}

// A rule that is missing from the answer has not been evaluated, whatever the
// reason.
func TestUndefinedEntryPoint(t *testing.T) {
	t.Parallel()
	e := prepared(t, usersRule("findings contains {\"message\": \"m\"} if false\n"))
	for _, value := range []any{nil, map[string]any{}, "text"} {
		var a answer
		e.take(&a, e.checks[0], value)
		if len(a.found) != 1 || !a.found[0].Is(doesNotEvaluate) {
			t.Errorf("answer %v: found %v, want PC032", value, a.found.Err())
		}
	}
	shadowed := *e
	query, err := e.prepare(t.Context(), `found := {"own": data.portcullis.checks["own"].findings}`)
	if err != nil {
		t.Fatal(err)
	}
	shadowed.query = query
	found, err := shadowed.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 4 || !found.Unjudgeable() {
		t.Errorf("found %v, %v, want PC032 for each of our rules", found.Err(), err)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a long range":       "count(numbers.range(1, 1000000000)) > 0",
		"nested iterations":  "count([1 | some a in numbers.range(1, 10000); some b in numbers.range(1, 10000); a == b + 0.5]) > 0",
		"a long replacement": `some i in numbers.range(1, 1000000); contains(replace(concat("", [sprintf("%d", [j]) | some j in numbers.range(1, 1000)]), "1", "22"), sprintf("x%d", [i]))`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := prepared(t, usersRule("findings contains {\"message\": \"m\"} if {\n\t"+body+"\n}\n"))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			started := time.Now()
			found, err := e.Check(ctx, slices.Values([]any{namespaceDoc("shop", nil)}))
			if err != nil || len(found) != 1 || !found[0].Is(doesNotEvaluate) || !strings.Contains(found[0].Message, "deadline") {
				t.Errorf("found %v, %v, want PC032", found.Err(), err)
			}
			if took := time.Since(started); took > 5*time.Minute {
				t.Errorf("took %v after a deadline of 50ms: the rule was not ended", took)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	e := prepared(t, usersRule("findings contains {\"message\": \"m\"} if count(numbers.range(1, 1000000000)) > 0\n"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := e.Check(ctx, slices.Values([]any{namespaceDoc("shop", nil)})); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, %v, want a cancelled context", found.Err(), err)
	}
}

// A cluster-wide deny by label, with a low order and no rules, that catches the DNS
// pods: three rules have one thing each to say of it.
func TestOneDenyThreeMistakes(t *testing.T) {
	t.Parallel()
	deny := doc{"group": "projectcalico.org", "kind": "GlobalNetworkPolicy", "name": "default-deny"}
	by := doc{"object": deny, "pointer": "/spec"}
	half := doc{"isolated": true, "policies": []any{by}, "isolatedBy": []any{by}}
	verdict := doc{"verdict": "deny", "cause": "deny", "tier": "default", "by": by, "reason": "nothing allows it"}
	var probes []any
	for _, purpose := range []string{"resolve", "upstream"} {
		for _, protocol := range []string{"UDP", "TCP"} {
			probes = append(probes, doc{"purpose": purpose, "to": purpose, "protocol": protocol, "port": 53, "egress": verdict, "ingress": verdict})
		}
	}
	document := namespaceDoc("", doc{
		"scope": "cluster",
		"endpoints": []any{doc{"name": "kube-system/coredns", "kind": "dns", "labels": doc{}, "dns": true,
			"ingress": half, "egress": half, "probes": probes, "world": []any{}}},
		"policies": []any{doc{"object": deny, "tier": "default", "order": 100, "orderGiven": true, "enforced": true,
			"ingress": true, "egress": true, "ingressRules": 0, "egressRules": 0, "actions": []any{},
			"selects": []any{"kube-system/coredns", "shop/web"}, "selectsHosts": false, "closesHosts": false, "namespaceSelector": "", "selectsDNS": true, "selectsBare": false, "typesGiven": true}},
	})
	found, err := prepared(t, nil).Check(t.Context(), slices.Values([]any{document}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, fmt.Sprintf("%s %s %s %s", d.Rule.Code, d.Severity, d.Subject.Object, d.Subject.Pointer))
	}
	want := []string{
		"PC201 warning GlobalNetworkPolicy default-deny /spec/selector",
		"PC202 error GlobalNetworkPolicy default-deny /spec",
		"PC204 error GlobalNetworkPolicy default-deny /spec/order",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// What a rule cannot see it cannot object to: a document that lacks something is
// refused before any rule sees it.
func TestDocumentsThatAreNone(t *testing.T) {
	t.Parallel()
	e := prepared(t, nil)
	without := func(key string) doc {
		d := namespaceDoc("shop", nil)
		delete(d, key)
		return d
	}
	nested := namespaceDoc("shop", nil)
	nested["endpoints"].([]any)[0].(doc)["egress"].(doc)["isolated"] = "true"
	for want, document := range map[string]any{
		"endpoints: found null, expected array":                          namespaceDoc("shop", doc{"endpoints": nil}),
		"conflicts is missing":                                           without("conflicts"),
		`"extra" is unknown`:                                             namespaceDoc("shop", doc{"extra": 1}),
		"endpoints: 0: egress: isolated: found string, expected boolean": nested,
		"found string, expected object":                                  "text",
		"namespace: labels: team: found number, expected string":         namespaceDoc("shop", doc{"namespace": parseDoc(`{"name": "shop", "owner": "", "labels": {"team": 1}, "governed": true, "system": false}`)}),
		"invalid character":                                              []byte("x"),
		"namespace: governed is missing":                                 namespaceDoc("shop", doc{"namespace": parseDoc(`{"name": "shop", "owner": "", "labels": {}, "system": false}`)}),
	} {
		found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("fine", nil), document}))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "document 1: ") {
			t.Errorf("found %v, error %v, want %q", found.Err(), err, want)
		}
	}
}

func TestNoDocuments(t *testing.T) {
	t.Parallel()
	if found, err := prepared(t, nil).Check(t.Context(), slices.Values([]any(nil))); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found.Err(), err)
	}
}

// Not parallel: it changes GOMAXPROCS.
func TestDeterminism(t *testing.T) {
	e := prepared(t, usersRule("findings contains {\"message\": sprintf(\"%s of %s\", [x, input.namespace.name])} if some x in {\"c\", \"a\", \"b\"}\n"))
	var documents []any
	for i := range 30 {
		documents = append(documents, openDoc(fmt.Sprintf("team-%02d", i)))
	}
	want, err := e.Check(t.Context(), slices.Values(documents))
	if err != nil || len(want) != 30*4 {
		t.Fatalf("%d findings, %v", len(want), err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for seed := range uint64(4) {
		runtime.GOMAXPROCS(1 + int(seed))
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
		found, err := e.Check(t.Context(), slices.Values(documents))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found, cmpopts.EquateEmpty(), cmp.AllowUnexported(diag.Among{})); diff != "" {
			t.Fatalf("seed %d: findings (-want +got):\n%s", seed, diff)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := Prepare(b.Context(), Options{}); err != nil || len(found) > 0 {
			b.Fatal(found.Err(), err)
		}
	}
}

func BenchmarkPrepareWithUsersRule(b *testing.B) {
	modules := usersRule("findings contains {\"message\": \"m\"} if not input.namespace.owner\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, found, err := Prepare(b.Context(), Options{Modules: modules}); err != nil || len(found) > 0 {
			b.Fatal(found.Err(), err)
		}
	}
}

// A document of one namespace with ten workloads; the time is for one of them.
func BenchmarkCheck(b *testing.B) {
	e := prepared(b, nil)
	d := namespaceDoc("shop", nil)
	for len(d["endpoints"].([]any)) < 10 {
		d["endpoints"] = append(d["endpoints"].([]any), d["endpoints"].([]any)[0])
	}
	encoded, err := json.Marshal(d)
	if err != nil {
		b.Fatal(err)
	}
	for name, document := range map[string]any{"value": d, "bytes": encoded} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found, err := e.Check(b.Context(), slices.Values([]any{document})); err != nil || len(found) > 0 {
					b.Fatal(found.Err(), err)
				}
			}
		})
	}
}
