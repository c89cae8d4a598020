package compiler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/reach"
)

// mapPasted asks explain each line of a map, and says where the answer is another.
func mapPasted(t *testing.T, e *Explained, lines []reach.Line) {
	t.Helper()
	want := map[reach.Verdict]explain.Verdict{reach.Allow: explain.Allow, reach.Unknown: explain.Unknown}
	for i := range lines {
		l := &lines[i]
		answers, rep := e.Explain(l.Question(), explain.Brief)
		if rep.Findings.Failed() {
			t.Errorf("%s: %s", l.Question(), rep.Findings[0].Message)
			continue
		}
		for _, in := range l.Environments {
			for _, a := range answers.Flows {
				if (a.Environments == nil || slices.Contains(a.Environments, in)) && a.Verdict != want[l.Verdict] && a.Verdict != explain.Unanswered {
					t.Errorf("%s in %q: %s %v, the map says %s", l.Question(), in, a.Verdict, a.Missing, l.Verdict)
				}
			}
		}
	}
}

// TestExplainTakesWhatTheMapPrints pastes every line of the examples' maps into explain.
func TestExplainTakesWhatTheMapPrints(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"online-shop", "zero-trust-demo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := ExplainRepository(exampleFiles(t, name), nil, nil)
			if err != nil || e.Worlds == nil {
				t.Fatal(err, e.Report.Findings)
			}
			m := e.Map(false)
			if len(m.Lines) < 3 {
				t.Fatalf("%d lines", len(m.Lines))
			}
			mapPasted(t, e, m.Lines)
		})
	}
}

// TestExplainTakesWhatTheMapOfManifestsPrints pastes what is drawn of random policies of both
// kinds, with pods that they speak of and nobody describes.
func TestExplainTakesWhatTheMapOfManifestsPrints(t *testing.T) {
	t.Parallel()
	lines := 0
	for seed := range uint64(30) {
		e := Options{}.ExplainManifests(randomManifests(rand.New(rand.NewPCG(seed, 7))), nil)
		if e.Worlds == nil {
			continue
		}
		m := e.Map(false)
		lines += len(m.Lines)
		mapPasted(t, e, m.Lines)
	}
	if lines < 100 {
		t.Errorf("%d lines were drawn", lines)
	}
}

// randomManifests are two namespaces with pods, and a few policies that speak of them, of labels
// that nobody wears, and of addresses.
func randomManifests(r *rand.Rand) []language.File {
	var b strings.Builder
	object := func(format string, args ...any) { fmt.Fprintf(&b, "---\n"+format+"\n", args...) }
	for _, ns := range []string{"one", "two"} {
		object("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {team: %s}}", ns, ns)
		for i := range 2 + r.IntN(2) {
			object("apiVersion: v1\nkind: Pod\nmetadata: {name: p%d, namespace: %s, labels: {app: a%d}}\nspec: {containers: [{name: c, image: x}]}", i, ns, i)
		}
	}
	selector := func() string {
		return []string{"{}", "{matchLabels: {app: a0}}", "{matchLabels: {app: a1}}", "{matchLabels: {role: admin}}",
			"{matchExpressions: [{key: app, operator: NotIn, values: [a0]}]}", "{matchLabels: {app: a0, role: admin}}"}[r.IntN(6)]
	}
	peer := func() string {
		return []string{
			"podSelector: " + selector(), "namespaceSelector: {}", "{namespaceSelector: {matchLabels: {team: two}}, podSelector: " + selector() + "}",
			"ipBlock: {cidr: 0.0.0.0/0}", "ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.128/25]}", "ipBlock: {cidr: 203.0.113.7/32}",
		}[r.IntN(6)]
	}
	ports := func() string {
		return []string{"", ", ports: [{port: 80}]", ", ports: [{port: 80, endPort: 90}]", ", ports: [{port: 53, protocol: UDP}, {port: 443}]"}[r.IntN(4)]
	}
	rules := func(side string) string {
		var all []string
		for range r.IntN(3) {
			var peers []string
			for range 1 + r.IntN(2) {
				if one := peer(); strings.HasPrefix(one, "{") {
					peers = append(peers, one)
				} else {
					peers = append(peers, "{"+one+"}")
				}
			}
			all = append(all, "{"+side+": ["+strings.Join(peers, ", ")+"]"+ports()+"}")
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	for i := range 1 + r.IntN(4) {
		types := []string{"[Ingress]", "[Egress]", "[Ingress, Egress]"}[r.IntN(3)]
		object("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n%d, namespace: %s}\nspec: {podSelector: %s, policyTypes: %s, ingress: %s, egress: %s}",
			i, []string{"one", "two"}[r.IntN(2)], selector(), types, rules("from"), rules("to"))
	}
	return []language.File{{Path: "m.yaml", Data: []byte(b.String())}}
}
