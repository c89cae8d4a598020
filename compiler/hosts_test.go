package compiler

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
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
	e := ExplainManifests(files, nil, 31)
	if e.Report.Findings.Failed() {
		t.Fatal(e.Report.Findings.Err())
	}
	answers, rep := e.AnswerList(language.File{Path: "flows.yaml", Data: []byte(`
- {from: 203.0.113.9, to: shop/web, protocol: TCP, port: 80}
- {from: 198.51.100.9, to: shop/web, protocol: TCP, port: 80}
- {from: 203.0.113.9, to: shop/web, protocol: TCP, port: 22}
- {from: 198.51.100.9, to: 192.0.2.7, protocol: TCP, port: 22}
- {from: 203.0.113.9, to: shop/web, protocol: ICMP}
`)})
	if rep.Findings.Failed() {
		t.Fatal(rep.Findings.Err())
	}
	var b bytes.Buffer
	if err := answers[""].WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile("explain/answers.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil || schema.Validate(document) != nil {
		t.Fatalf("the answers are not those of their schema: %v %v\n%s", err, schema.Validate(document), b.String())
	}
	var got struct {
		Flows []struct {
			Verdict  string
			Ingress  struct{ Verdict, Reason string }
			OnTheWay *struct {
				Verdict, Reason, File string
				Line, Column          int
				Policy                diag.ObjectID
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		verdict, ingress string
		onTheWay         bool
	}{{"unknown", "allow", true}, {"allow", "allow", false}, {"deny", "deny", true}, {"unknown", "unknown", false}, {"deny", "deny", true}}
	for i, w := range want {
		f := got.Flows[i]
		if f.Verdict != w.verdict || f.Ingress.Verdict != w.ingress || (f.OnTheWay != nil) != w.onTheWay {
			t.Errorf("flow %d: %+v, expected %+v", i, f, w)
		}
		if way := f.OnTheWay; way != nil && (way.Verdict != "unknown" || way.Policy.Name != "early" || way.File != "early.yaml" || way.Line != 20 || way.Column != 12 || !strings.Contains(way.Reason, "preDNAT")) {
			t.Errorf("flow %d does not say where it is decided: %+v", i, *way)
		}
	}
	if reason := got.Flows[3].Ingress.Reason; !strings.Contains(reason, "HostEndpoint node-1") {
		t.Errorf("nobody says whose the address is: %s", reason)
	}

	for question, want := range map[string][]string{
		"203.0.113.9 -> shop/web:80":   {"not known: 203.0.113.9 -> shop/web TCP 80", "no change is named", "on the way between them: not known", "GlobalNetworkPolicy early (preDNAT) may decide at a host endpoint"},
		"198.51.100.9 -> shop/web:80":  {"allowed: 198.51.100.9 -> shop/web TCP 80"},
		"203.0.113.9 -> shop/web:22":   {"denied: 203.0.113.9 -> shop/web TCP 22", "as far as the policies of pods decide"},
		"203.0.113.9 -> shop/web":      {"partly not known: 203.0.113.9 -> shop/web on every port", "Open ports: none."},
		"198.51.100.9 -> 192.0.2.7:22": {"not known: 198.51.100.9 -> 192.0.2.7 TCP 22", "The policies of HostEndpoint node-1 deny it"},
	} {
		explained, rep := e.Explain(question)
		if rep.Findings.Failed() || len(explained) != 1 {
			t.Fatalf("%s: %v", question, rep.Findings.Err())
		}
		var text []string
		for _, l := range explained[0].Lines {
			text = append(text, l.Text)
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(text, "\n"), w) {
				t.Errorf("%s: nobody says %q:\n%s", question, w, strings.Join(text, "\n"))
			}
		}
		if explained[0].Allowed != strings.HasPrefix(text[0], "allowed") {
			t.Errorf("%s is allowed: %v", question, explained[0].Allowed)
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
