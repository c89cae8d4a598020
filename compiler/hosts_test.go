package compiler

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
)

const early = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}]}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: early}
spec:
  order: 1
  selector: has(edge)
  preDNAT: true
  applyOnForward: true
  types: [Ingress]
  ingress: [{action: Deny, source: {nets: [203.0.113.0/24]}}]
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: node-1, labels: {edge: one}}
spec: {node: node-1, interfaceName: eth0, expectedIPs: [192.0.2.7]}
`

// TestWhatHostEndpointsDecideIsNotKnown asks explain about packets that policies for host
// endpoints decide, in each of its forms, and check what it says of those policies.
func TestWhatHostEndpointsDecideIsNotKnown(t *testing.T) {
	t.Parallel()
	files := []language.File{{Path: "early.yaml", Data: []byte(early)}}
	e := Options{}.ExplainManifests(files, nil)
	if e.Report.Findings.Failed() {
		t.Fatal(e.Report.Findings.Err())
	}
	answers, rep := e.AnswerList(language.File{Path: "flows.yaml", Data: []byte(`
- {from: 203.0.113.9, to: shop/web, protocol: TCP, port: 80}
- {from: 198.51.100.9, to: shop/web, protocol: TCP, port: 80}
- {from: 203.0.113.9, to: shop/web, protocol: TCP, port: 22}
- {from: 198.51.100.9, to: 192.0.2.7, protocol: TCP, port: 22}
- {from: 203.0.113.9, to: shop/web, protocol: ICMP}
`)}, explain.Everything)
	if rep.Findings.Failed() {
		t.Fatal(rep.Findings.Err())
	}
	schema, err := jsonschema.NewCompiler().Compile("../ci/report/answers.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(map[string]any{"version": "v1alpha1", "flows": answers.Flows})
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(written))
	if err != nil || schema.Validate(document) != nil {
		t.Fatalf("the answers are not those of their schema: %v %v\n%s", err, schema.Validate(document), written)
	}
	want := []struct {
		verdict, ingress explain.Verdict
		onTheWay         bool
	}{{"unknown", "allow", true}, {"allow", "allow", false}, {"deny", "deny", true}, {"unknown", "unknown", false}, {"deny", "deny", true}}
	if len(answers.Flows) != len(want) {
		t.Fatalf("%d answers, expected %d", len(answers.Flows), len(want))
	}
	for i, w := range want {
		f := answers.Flows[i].Examples[0]
		if f.Verdict != w.verdict || f.Ingress.Verdict != w.ingress || (f.OnTheWay != nil) != w.onTheWay {
			t.Errorf("flow %d: %+v, expected %+v", i, f, w)
		}
		if way := f.OnTheWay; way != nil && (way.Verdict != "unknown" || way.Policy.Name != "early" || way.At.String() != "early.yaml:20:12" || !strings.Contains(way.Reason, "preDNAT")) {
			t.Errorf("flow %d does not say where it is decided: %+v", i, *way)
		}
	}
	if reason := answers.Flows[3].Examples[0].Ingress.Reason; !strings.Contains(reason, "HostEndpoint node-1") {
		t.Errorf("nobody says whose the address is: %s", reason)
	}

	for question, want := range map[string]struct {
		verdict explain.Verdict
		change  string // what is said of one, or
		reason  string // of a half
		several bool   // outcomes
	}{
		"203.0.113.9 -> shop/web:80":   {"unknown", "no change is named", "GlobalNetworkPolicy early (preDNAT) may decide at a host endpoint", false},
		"198.51.100.9 -> shop/web:80":  {verdict: "allow"},
		"203.0.113.9 -> shop/web:22":   {verdict: "deny", change: "as far as the policies of pods decide"},
		"203.0.113.9 -> shop/web":      {verdict: "unknown", several: true},
		"198.51.100.9 -> 192.0.2.7:22": {verdict: "unknown", reason: "the policies of HostEndpoint node-1 deny it"},
	} {
		explained, rep := e.Explain(question, explain.Deciding)
		if rep.Findings.Failed() || len(explained.Flows) != 1 {
			t.Fatalf("%s: %v", question, rep.Findings.Err())
		}
		a := explained.Flows[0]
		x := a.Examples[0]
		reasons := x.Egress.Reason + "\n" + x.Ingress.Reason
		if x.OnTheWay != nil {
			reasons += "\n" + x.OnTheWay.Reason
		}
		if a.Verdict != want.verdict || !strings.Contains(x.Change.Text, want.change) || !strings.Contains(reasons, want.reason) || len(a.Examples) > 1 != want.several {
			t.Errorf("%s: %s, %d examples, %s\n%s", question, a.Verdict, len(a.Examples), x.Change.Text, reasons)
		}
		if want.several && a.Open.Traffic != "" {
			t.Errorf("%s: %s is open", question, a.Open.Traffic)
		}
	}

	checked, err := Check(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, d := range checked.Report.Findings {
		if d.Rule.Code == "PC024" {
			places = append(places, d.Span.String()+" "+d.Severity.String())
			if !strings.Contains(d.Message, "unknown") {
				t.Errorf("nobody says that it is unknown: %s", d.Message)
			}
		}
	}
	if got := strings.Join(places, ", "); got != "early.yaml:20:12 warning, early.yaml:26:7 info" {
		t.Errorf("check says it of %s", got)
	}
}
