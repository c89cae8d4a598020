package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// asked is a question as a program writes it.
type asked struct {
	From     string         `json:"from"`
	To       string         `json:"to"`
	Protocol any            `json:"protocol,omitempty"`
	Port     int            `json:"port,omitempty"`
	Source   int            `json:"sourcePort,omitempty"`
	ICMP     map[string]int `json:"icmp,omitempty"`
}

// ask runs the program on some objects and questions, and holds its answer to the
// schema.
func ask(t *testing.T, schema *jsonschema.Schema, set object.Set, questions []asked, args ...string) []explain.Answer {
	t.Helper()
	dir := t.TempDir()
	var manifests bytes.Buffer
	for _, o := range set.All() {
		fmt.Fprintf(&manifests, "---\n%s\n", asWritten(t, o))
	}
	list, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"manifests.yaml": manifests.Bytes(), "flows.json": list} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"explain", "--manifests", filepath.Join(dir, "manifests.yaml"), "--file", filepath.Join(dir, "flows.json"), "-o", "json"}, args...)
	code, out, errs := here(t.Context(), args, nil)
	if code != exitOK {
		t.Fatalf("exit %d\n%s\n%s", code, errs, manifests.String())
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Fatal(err)
	}
	var answers struct{ Flows []explain.Answer }
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers.Flows) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers.Flows), len(questions))
	}
	return answers.Flows
}

// asWritten is the object's manifest. Some objects of the record reached the store as
// no client writes them: what was inferred for them there is written out.
func asWritten(t *testing.T, o object.Object) []byte {
	t.Helper()
	p, ok := o.Typed.(*calico.GlobalNetworkPolicy)
	if !ok || len(p.Spec.Types) == 0 {
		return o.JSON
	}
	var manifest map[string]any
	if err := json.Unmarshal(o.JSON, &manifest); err != nil {
		t.Fatal(err)
	}
	manifest["spec"].(map[string]any)["types"] = p.Spec.Types
	raw, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func answersSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../ci/report/answers.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	const half = `{"of": "a/b", "verdict": "allow", "by": "none", "reason": ""}`
	const question = `"question": {"from": "a/b", "to": "a/c", "traffic": "TCP 80"}`
	for _, wrong := range []string{`{}`, `{"flows": []}`, `{"version": "v1alpha1", "flows": [{"verdict": "allow"}]}`,
		`{"version": "v1alpha1", "flows": [{` + question + `, "verdict": "yes"}]}`,
		`{"version": "v1alpha1", "flows": [{` + question + `, "verdict": "unanswered"}]}`,
		`{"version": "v1alpha1", "flows": [{` + question + `, "verdict": "deny", "examples": [{"flow": "", "verdict": "deny", "egress": {"of": "a/b", "verdict": "deny", "by": "rule", "reason": ""}, "ingress": ` + half + `}]}]}`} {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(wrong)))
		if err != nil || schema.Validate(document) == nil {
			t.Fatalf("the schema accepts %s (%v)", wrong, err)
		}
	}
	return schema
}

// withoutNamespace is what becomes of pods of which manifests show no Namespace, where Calico
// was recorded without one: in a cluster they have it.
var withoutNamespace = map[string]explain.Verdict{"D7 no namespace object": explain.Allow}

// The program answers every recorded flow as Calico did.
func TestExplainVectors(t *testing.T) {
	t.Parallel()
	schema := answersSchema(t)
	scenarios, err := oracle.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	flows := 0
	for _, s := range scenarios {
		questions := make([]asked, len(s.Flows))
		for i, f := range s.Flows {
			questions[i] = asked{From: nameOf(f.Packet.From), To: nameOf(f.Packet.To), Protocol: f.Packet.Protocol, Port: f.Packet.Port}
		}
		for i, a := range ask(t, schema, s.Set, questions) {
			flows++
			want, other := withoutNamespace[s.ID+" "+s.Flows[i].Name]
			if !other {
				want = explain.Verdict(s.Flows[i].Expect)
			}
			if a.Verdict != want {
				e := a.Examples[0]
				t.Errorf("%s: %s is %s, Calico says %s: %s; %s", s.ID, s.Flows[i].Name, a.Verdict, s.Flows[i].Expect, e.Egress.Reason, e.Ingress.Reason)
			}
		}
	}
	if flows != 172 {
		t.Errorf("%d flows, expected all 172", flows)
	}
}

func nameOf(e oracle.End) string {
	if e.Name != "" {
		return e.Name
	}
	return e.Address.String()
}

// It answers random questions about random policies as the oracle does.
func TestExplainIsTheOracle(t *testing.T) {
	t.Parallel()
	schema := answersSchema(t)
	const worlds, packets = 30, 60
	known := map[explain.Verdict]int{}
	for seed := range uint64(worlds) {
		r := rand.New(rand.NewPCG(seed, 11))
		c, err := oracle.Random(r, 32, oracle.Features{Tiers: true, ClusterPolicies: true})
		if err != nil {
			t.Fatal(err)
		}
		w := oracle.Of(inNamespaces(t, c.Set), c.Cluster)
		var questions []asked
		var judged []oracle.Verdict
		for _, p := range w.Packets(r, packets, false) {
			q := asked{From: nameOf(p.From), To: nameOf(p.To), Protocol: p.Protocol}
			for _, end := range []struct {
				written *string
				oracle.End
			}{{&q.From, p.From}, {&q.To, p.To}} {
				if end.Address.IsValid() { // which of its addresses a pod uses decides the family
					*end.written = end.Address.String()
				}
			}
			switch p.Protocol {
			case oracle.ICMP, oracle.ICMPv6:
				q.ICMP = map[string]int{"type": p.Type, "code": p.Code}
			case oracle.TCP, oracle.UDP, oracle.SCTP:
				if q.Port, q.Source = p.Port, p.SourcePort; q.Port == 0 {
					continue
				}
			}
			questions, judged = append(questions, q), append(judged, w.Judge(p))
		}
		for i, a := range ask(t, schema, c.Set, questions, "--calico", "3.32") {
			want := judged[i]
			for half, pair := range map[string]struct {
				got  explain.Verdict
				want oracle.Outcome
			}{"egress": {a.Examples[0].Egress.Verdict, want.Egress.Outcome}, "ingress": {a.Examples[0].Ingress.Verdict, want.Ingress.Outcome}} {
				if known[pair.got]++; pair.got != "unknown" && pair.got != explain.Verdict(pair.want) {
					t.Errorf("seed %d: %s of %+v is %s, the oracle says %s", seed, half, questions[i], pair.got, pair.want)
				}
			}
		}
	}
	t.Logf("halves: %v", known)
	if known["allow"] < worlds*packets/4 || known["deny"] < worlds*packets/4 || known["unknown"] > worlds*packets/20 {
		t.Errorf("halves %v, expected many of both verdicts and few that are unknown", known)
	}
}

// inNamespaces adds the Namespaces of pods that are not there, without labels of anybody's: no
// pod is without one. The program is not told of them.
func inNamespaces(t *testing.T, set object.Set) object.Set {
	t.Helper()
	objects := slices.Clone(set.All())
	for _, o := range set.All() {
		if _, there := set.Get(object.ID{Kind: "Namespace", Name: o.ID.Namespace}); there || o.ID.Namespace == "" || slices.ContainsFunc(objects, func(n object.Object) bool { return n.ID.Kind == "Namespace" && n.ID.Name == o.ID.Namespace }) {
			continue
		}
		added, found := object.DecodeJSON(fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q, "labels": {"kubernetes.io/metadata.name": %[1]q}}}`, o.ID.Namespace))
		if found.Failed() {
			t.Fatal(found.Err())
		}
		objects = append(objects, added...)
	}
	full, _ := object.NewSet(objects)
	return full
}
