package compiler

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/testdata/fleet"
	_ "portcullis.dev/testdata/seed"
)

// failing is a test, or one of rapid's.
type failing interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// toldOf is all that explain tells of one flow.
func toldOf(t failing, o Options, files []language.File, flow string) (all string, objects int) {
	t.Helper()
	e, err := o.ExplainRepository(files, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range e.Worlds {
		objects += len(w.Set.All())
	}
	var parts []string
	for _, d := range []explain.Detail{explain.Brief, explain.Deciding, explain.Everything} {
		answers, report := e.Explain(flow, d)
		for _, x := range []any{e.Report.Findings, answers.Flows, answers.Warnings, report.Findings} {
			text, err := json.MarshalIndent(x, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, string(text))
		}
		for i := range answers.Flows {
			for _, p := range answers.Flows[i].Places() {
				parts = append(parts, p.Span.String())
			}
		}
	}
	return strings.Join(parts, "\n"), objects
}

// alone asks about a flow in both ways, and reports whether less than the whole was rendered.
func alone(t failing, files []language.File, flow string) (less bool) {
	t.Helper()
	whole, all := toldOf(t, Options{}, files, flow)
	one, near := toldOf(t, Options{Flow: flow}, files, flow)
	if d := cmp.Diff(whole, one); d != "" {
		t.Errorf("%s (-of the whole +alone):\n%s", flow, d)
	}
	return near < all
}

// TestFlowAloneIsOfTheWhole asks random fleets and the examples about flows: what is told where
// only that flow is asked about is what is told where anything may be.
func TestFlowAloneIsOfTheWhole(t *testing.T) {
	t.Parallel()
	less, asked := 0, 0
	count := func(fewer bool) {
		if asked++; fewer {
			less++
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		files := fleets.Draw(rt, "fleet").spread(rt)
		end := rapid.SampledFrom([]string{"alpha/web", "alpha/*"})
		if rapid.Bool().Draw(rt, "of anybody") {
			end = rapid.SampledFrom([]string{"alpha/web", "alpha/web", "alpha/web", "alpha/api", "alpha/*", "alpha/*", "beta/web", "beta/db", "gamma/web", "gamma/*", "*/*", "@office", "192.0.2.7", "alpha/wab", "nowhere/*"})
		}
		port := rapid.SampledFrom([]string{"", ":http", ":8080,9090", ":53/udp"})
		flow := end.Draw(rt, "from") + " -> " + end.Draw(rt, "to") + port.Draw(rt, "port")
		count(alone(rt, files, flow))
	})
	for _, example := range []string{"zero-trust-demo", "online-shop"} {
		files := exampleFiles(t, example)
		e, err := ExplainRepository(files, nil, nil)
		if err != nil || e.Worlds == nil {
			t.Fatal(err, e.Report.Findings)
		}
		all := e.Worlds[0].Plan.Workloads
		for i := 0; i < len(all); i += 3 {
			from, to := all[i], all[(i*7+3)%len(all)]
			count(alone(t, files, fmt.Sprintf("%s -> %s", from.Ref(), to.Ref())))
			count(alone(t, files, fmt.Sprintf("%s/* -> %s:80", to.Namespace, from.Ref())))
		}
	}
	files := []language.File{
		{Path: language.PlatformFile, Data: []byte(head("Platform", "p") + "spec: {namespaces: {alpha: {}, beta: {}, gamma: {}}}\n")},
		{Path: "web.yaml", Data: []byte(head("NetworkIntent", "web, namespace: alpha") + "spec: {ports: {p: 1, q: 2}, inbound: [{from: {selector: {app: x}}, ports: [p]}, {from: {selector: {tier: y}}, ports: [q]}]}\n")},
		{Path: "db.yaml", Data: []byte(head("NetworkIntent", "db, namespace: gamma") + "spec: {ports: {p: 3}, inbound: [{from: {namespace: alpha, selector: {app: x, tier: y}}, ports: [p]}]}\n")},
		{Path: "api.yaml", Data: []byte(head("NetworkIntent", "api, namespace: beta") + "spec: {ports: {p: 4}, inbound: [{from: \"beta/*\", ports: [p]}]}\n")},
	}
	if alone(t, files, "alpha/* -> alpha/web") {
		t.Error("pods that a policy elsewhere asks for are passed over")
	}
	if !alone(t, files, "beta/* -> beta/api") {
		t.Error("the whole was rendered for one namespace")
	}
	if less < asked/7 {
		t.Errorf("%d of %d answers were of less than the whole, expected more", less, asked)
	}
}

// TestFlowAloneSparesTheRest counts what is rendered for one flow of a fleet: what its namespaces
// have, however many there are beside them.
func TestFlowAloneSparesTheRest(t *testing.T) {
	t.Parallel()
	const flow = "ns-00005/w0 -> ns-00005/w1:http"
	var of []int
	for _, namespaces := range []int{20, 40} {
		var files []language.File
		for path, text := range (fleet.Size{Namespaces: namespaces, Environments: 1}).Files() {
			files = append(files, language.File{Path: path, Data: []byte(text)})
		}
		e, err := Options{Flow: flow}.ExplainRepository(files, nil, nil)
		if err != nil || e.Worlds == nil {
			t.Fatal(err, e.Report.Findings)
		}
		of = append(of, len(e.Worlds[0].Set.All()))
	}
	if of[0] != of[1] || of[0] == 0 {
		t.Errorf("%d objects of 20 namespaces and %d of 40 were rendered", of[0], of[1])
	}
}
