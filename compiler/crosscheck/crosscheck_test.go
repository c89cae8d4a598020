package crosscheck_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/crosscheck"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// line is a place in an imagined file of intents: a finding's place is told by it.
func line(n int) diag.Span {
	return diag.Span{File: "portcullis.yaml", Start: diag.At(n, 1), End: diag.At(n, 2)}
}

func selector(key, value string) object.Selector {
	return object.NewSelector(object.Equals(key, value))
}

// base is a plan that the manifests of sound bear out: line 1 is namespace a, 2 is b, 3 is
// workload a/w, 4 its selector and 5 its port.
func base() *plan.Plan {
	return &plan.Plan{
		Namespaces: []plan.Namespace{
			{Name: "a", Labels: map[string]string{plan.NamespaceLabel: "a", "team": "red"}, Span: line(1)},
			{Name: "b", Labels: map[string]string{plan.NamespaceLabel: "b"}, Span: line(2)},
		},
		Workloads: []plan.Workload{{
			Namespace: "a", Name: "w", Selector: selector("app", "w"), Span: line(3), SelectorSpan: line(4),
			Ports: []plan.NamedPort{{Name: "http", Ports: []plan.Port{{Protocol: plan.TCP, First: 8080, Last: 8080}}, Span: line(5)}},
		}},
	}
}

const (
	namespaces = `
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {team: red, free: of everybody}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b}
`
	deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: w, namespace: a}
spec:
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}}
    spec: {containers: [{name: c, image: c, ports: [{name: web, containerPort: 8080}]}]}
`
	service = `---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: a}
spec: {selector: {app: w}, ports: [{port: 80, targetPort: web}]}
`
	sound = namespaces + deployment + service
)

func check(t *testing.T, p *plan.Plan, manifests string) diag.List {
	t.Helper()
	objects, found := object.Decode("manifests.yaml", []byte(manifests))
	world, more := object.NewSet(objects)
	if found.Failed() || more.Failed() {
		t.Fatalf("the manifests are wrong: %v, %v", found.Err(), more.Err())
	}
	return crosscheck.Check(p, world)
}

// told is a finding's code, place and the manifests or lines that it is held against.
func told(d diag.Diagnostic) string {
	place := func(span diag.Span, s diag.Subject) string {
		if span.IsZero() {
			return fmt.Sprintf("%s %s%s", s.Object.Kind, s.Object.Name, s.Pointer)
		}
		return fmt.Sprint("line ", span.Start.Line)
	}
	text := d.Rule.Code + " at " + place(d.Span, d.Subject)
	for _, r := range d.Related {
		text += ", " + place(r.Span, r.Subject)
	}
	return text
}

// TestEveryFinding has one departure from what agrees a row: either side alone may make it,
// it is found once, and without the manifest there is nothing to contradict.
func TestEveryFinding(t *testing.T) {
	t.Parallel()
	const name = "/metadata/name"
	tests := []struct {
		name     string
		old, new string           // in the manifests
		intent   func(*plan.Plan) // or in the plan
		want     string           // no finding where it is empty
	}{
		{name: "nothing departs"},
		{name: "pods carry another label", old: "labels: {app: w}", new: "labels: {app: v}", want: "PC140 at line 4, Deployment w" + name},
		{name: "the selector is the default one", old: "labels: {app: w}", new: "labels: {app: v}",
			intent: func(p *plan.Plan) { p.Workloads[0].SelectorSpan = diag.Span{} }, want: "PC140 at line 3, Deployment w" + name},
		{name: "a label of controllers is believed", intent: func(p *plan.Plan) {
			p.Workloads[0].Selector = object.NewSelector(object.Equals("app", "w"), object.Equals("pod-template-hash", "x"))
		}},
		{name: "no manifest has the name or the labels", intent: func(p *plan.Plan) {
			p.Workloads[0].Name, p.Workloads[0].Selector = "other", selector("app", "other")
		}},
		{name: "the port is the Service's", intent: portOf(80), want: "PC141 at line 5"},
		{name: "and the Service names a number", old: "targetPort: web", new: "targetPort: 8080", intent: portOf(80), want: "PC141 at line 5"},
		{name: "the Service selects other pods", old: "selector: {app: w}, ports", new: "selector: {app: v}, ports", intent: portOf(80), want: "PC142 at line 5, Deployment w" + name},
		{name: "the Service selects none", old: "selector: {app: w}, ports", new: "ports", intent: portOf(80), want: "PC142 at line 5, Deployment w" + name},
		{name: "the Service translates nothing", old: "port: 80, targetPort: web", new: "port: 8081", intent: portOf(8081), want: "PC142 at line 5, Deployment w" + name},
		{name: "nobody declares the port", intent: portOf(8081), want: "PC142 at line 5, Deployment w" + name},
		{name: "declared for another protocol", old: "containerPort: 8080}", new: "containerPort: 8080, protocol: UDP}", want: "PC142 at line 5, Deployment w" + name},
		{name: "no port is declared at all", old: ", ports: [{name: web, containerPort: 8080}]", new: "", intent: portOf(8081)},
		{name: "pods on the host network", old: "spec: {containers", new: "spec: {hostNetwork: true, containers", want: "PC143 at line 3, Deployment w" + name},
		{name: "and said to be", old: "spec: {containers", new: "spec: {hostNetwork: true, containers", intent: func(p *plan.Plan) { p.Workloads[0].HostNetwork = true }},
		{name: "a namespace's label has another value", old: "team: red", new: "team: blue", want: "PC144 at line 1, Namespace a" + name},
		{name: "a namespace's label is missing", old: "team: red, ", new: "", want: "PC144 at line 1, Namespace a" + name},
		{name: "a label that the Platform names elsewhere", old: "{name: b}", new: "{name: b, labels: {team: red}}",
			want: "PC145 at Namespace b/metadata/labels/team, line 2, line 1"},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		p := base()
		if test.intent != nil {
			test.intent(p)
		}
		if strings.Count(sound, test.old) != 1 && test.old != "" {
			t.Fatalf("%s: %q does not stand once in the manifests", test.name, test.old)
		}
		var got []string
		for _, d := range check(t, p, strings.Replace(sound, test.old, test.new, 1)) {
			got = append(got, told(d))
			seen[d.Rule.Code] = true
			if d.Message == "" || d.Hint == "" || d.Severity != d.Rule.Severity {
				t.Errorf("%s: a finding without words, or of another severity: %+v", test.name, d)
			}
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: found %q; expected %q", test.name, got, test.want)
		}
		if found := check(t, p, ""); len(found) > 0 {
			t.Errorf("%s: no manifest is there, and is contradicted: %v", test.name, found.Err())
		}
	}
	for _, r := range crosscheck.Rules {
		if !seen[r.Code] {
			t.Errorf("no row of the table finds %s", r.Code)
		}
	}
}

func portOf(number uint16) func(*plan.Plan) {
	return func(p *plan.Plan) {
		p.Workloads[0].Ports[0].Ports = []plan.Port{{Protocol: plan.TCP, First: number, Last: number}}
	}
}

// TestSilentManifests: what is in another namespace, or says nothing of pods, contradicts
// nothing, however wrong it would be at its place.
func TestSilentManifests(t *testing.T) {
	t.Parallel()
	wrong := strings.NewReplacer("app: w", "app: v", "spec: {containers", "spec: {hostNetwork: true, containers").Replace(deployment + service)
	if len(check(t, base(), wrong)) == 0 {
		t.Fatal("nothing is wrong with the manifests that are to be moved")
	}
	for name, manifests := range map[string]string{
		"another namespace":   strings.ReplaceAll(wrong, "namespace: a", "namespace: z"),
		"an unlisted one":     strings.NewReplacer("name: a", "name: c", "name: b", "name: d").Replace(namespaces),
		"a free label":        "apiVersion: v1\nkind: Namespace\nmetadata: {name: b, labels: {free: x, " + plan.NamespaceLabel + ": b}}\n",
		"a Service by itself": service,
		"a ConfigMap":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w, namespace: a, labels: {app: v}}\n",
	} {
		if found := check(t, base(), manifests); len(found) > 0 {
			t.Errorf("%s: %v", name, found.Err())
		}
	}
}
