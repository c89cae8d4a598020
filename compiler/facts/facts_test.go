package facts_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// world is a plan for some namespaces, all governed but for kube-system.
func world(namespaces ...string) *plan.Plan {
	p := &plan.Plan{Environment: "test", Targets: []string{"kubernetes"}, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages()}
	p.Cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	slices.Sort(namespaces)
	for _, name := range namespaces {
		p.Namespaces = append(p.Namespaces, plan.Namespace{
			Name: name, Labels: map[string]string{plan.NamespaceLabel: name},
			Governed: name != "kube-system", System: name == "kube-system",
		})
	}
	return p
}

func workload(namespace, name string, labels ...string) plan.Workload {
	w := plan.Workload{Namespace: namespace, Name: name, DNS: true}
	if len(labels) == 0 {
		labels = []string{"app=" + name}
	}
	for _, l := range labels {
		k, v, _ := strings.Cut(l, "=")
		w.Selector = append(w.Selector, object.Equals(k, v))
	}
	return w
}

// ask computes the documents of manifests, and holds each against the schema.
func ask(t *testing.T, p *plan.Plan, manifests string) map[string]facts.Document {
	t.Helper()
	objects, found := object.Decode("manifests.yaml", []byte(manifests))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	set, found := object.NewSet(objects)
	if found.Failed() {
		t.Fatal(found.Err())
	}
	m, found := meaning.Of(set, p.Cluster)
	if found.Failed() {
		t.Fatal(found.Err())
	}
	documents := map[string]facts.Document{}
	for d := range facts.Of(p, population.RelationOf(p, m), set, population.Of(p, set)) {
		conforms(t, d)
		documents[d.Namespace.Name] = d
	}
	return documents
}

func conforms(t *testing.T, d facts.Document) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(facts.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("the document of %q: %v", d.Namespace.Name, err)
	}
}

func endpoint(t *testing.T, d facts.Document, name string) facts.Endpoint {
	t.Helper()
	for _, e := range d.Endpoints {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no endpoint %s in %v", name, names(d.Endpoints))
	return facts.Endpoint{}
}

func names(endpoints []facts.Endpoint) []string {
	var all []string
	for _, e := range endpoints {
		all = append(all, e.Name+":"+e.Kind)
	}
	return all
}

// verdicts are the answers to one purpose, as protocol=egress/ingress.
func verdicts(e facts.Endpoint, purpose string) string {
	var all []string
	for _, p := range e.Probes {
		if p.Purpose == purpose {
			all = append(all, p.Protocol+"="+p.Egress.Verdict+"/"+p.Ingress.Verdict)
		}
	}
	return strings.Join(all, " ")
}

func by(refs []*facts.Reference) string {
	var all []string
	for _, r := range refs {
		all = append(all, r.Object.Name)
	}
	return strings.Join(all, " ")
}

const tutorial = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny-all, namespace: zero-trust-demo}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: client-to-frontend, namespace: zero-trust-demo}
spec:
  podSelector: {matchLabels: {app: frontend}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: test-client}}}], ports: [{protocol: TCP, port: 80}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: frontend-to-backend, namespace: zero-trust-demo}
spec:
  podSelector: {matchLabels: {app: frontend}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: backend}}}], ports: [{protocol: TCP, port: 80}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: zero-trust-demo}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
    ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: global-deny}
spec:
  order: 100
  selector: has(k8s-app) || has(app) || has(name)
  types: [Ingress, Egress]
  ingress: []
  egress: []
`

func TestTutorial(t *testing.T) {
	t.Parallel()
	p := world("zero-trust-demo", "kube-system", "other")
	p.Cluster.DNS.NodeLocal = []netip.Addr{netip.MustParseAddr("169.254.20.10")}
	for _, name := range []string{"backend", "frontend", "test-client"} {
		p.Workloads = append(p.Workloads, workload("zero-trust-demo", name))
	}
	documents := ask(t, p, tutorial)

	dns := endpoint(t, documents[""], "kube-system/dns")
	if dns.Kind != "dns" || !dns.Ingress.Isolated || !dns.Egress.Isolated || by(dns.Ingress.IsolatedBy) != "global-deny" {
		t.Errorf("CoreDNS: %+v %+v", dns.Ingress, dns.Egress)
	}
	if got := verdicts(dns, "upstream"); got != "UDP=deny/allow TCP=deny/allow" {
		t.Errorf("upstream: %s", got)
	}
	for _, probe := range dns.Probes {
		if probe.Purpose == "resolve" && (probe.Ingress.Verdict != "deny" || probe.Ingress.By.Object.Name != "global-deny") {
			t.Errorf("resolve at the DNS pods: %+v", probe)
		}
	}
	demo := documents["zero-trust-demo"]
	if got, want := strings.Join(names(demo.Endpoints), " "), "zero-trust-demo/backend:workload zero-trust-demo/frontend:workload zero-trust-demo/test-client:workload zero-trust-demo/*:unlabelled"; got != want {
		t.Errorf("endpoints %s, expected %s", got, want)
	}
	for _, e := range demo.Endpoints {
		for purpose, want := range map[string]string{
			"resolve":    "UDP=allow/deny TCP=allow/deny",
			"look-alike": "UDP=allow/deny TCP=allow/deny", // the global policy isolates whoever wears k8s-app
			"anywhere":   "UDP=deny/allow TCP=deny/allow UDP=deny/allow TCP=deny/allow",
			"node-local": "UDP=deny/allow TCP=deny/allow",
		} {
			if got := verdicts(e, purpose); got != want {
				t.Errorf("%s %s: %s, expected %s", e.Name, purpose, got, want)
			}
		}
		if !e.Ingress.Isolated || !e.Egress.Isolated || len(e.World) > 0 || !e.DNS {
			t.Errorf("%s: %+v", e.Name, e)
		}
	}
	bare := endpoint(t, documents["other"], "other/*")
	if bare.Ingress.Isolated || bare.Egress.Isolated || len(bare.Ingress.Policies) > 0 || bare.World[0].Share != 1 {
		t.Errorf("a pod without labels elsewhere: %+v", bare)
	}
	global := documents[""].Policies
	if len(global) != 1 || global[0].Order != 100 || !global[0].OrderGiven || global[0].IngressRules+global[0].EgressRules != 0 || !global[0].SelectsDNS || global[0].SelectsBare || global[0].SelectsHosts || !global[0].TypesGiven {
		t.Errorf("the global policy: %+v", global)
	}
	if got := strings.Join(global[0].Selects, " "); got != "kube-system/dns zero-trust-demo/backend zero-trust-demo/frontend zero-trust-demo/test-client" {
		t.Errorf("the global policy selects %s", got)
	}
	if c := documents[""].Conflicts; len(c) != 0 {
		t.Errorf("an empty policy conflicts with nothing, found %+v", c)
	}
	if n := len(documents[""].Objects) + len(demo.Objects); n != 5 {
		t.Errorf("%d objects", n)
	}
}

// What Rego is told about the pods, whoever describes them.
func TestPopulation(t *testing.T) {
	t.Parallel()
	p := world("shop", "kube-system")
	quiet := workload("shop", "quiet")
	quiet.DNS = false
	host := workload("shop", "host")
	host.HostNetwork = true
	choice := plan.Workload{Namespace: "shop", Name: "choice", DNS: true, Selector: object.Selector{
		{Key: "a", Op: object.In, Values: []string{"x", "y"}}, {Key: "a", Op: object.NotIn, Values: []string{"x"}},
		{Key: "b", Op: object.Exists}, {Key: "c", Op: object.DoesNotExist}}}
	p.Workloads = []plan.Workload{choice, host, workload("shop", "api"), quiet, workload("shop", "zwin", "app=api")}
	documents := ask(t, p, `
apiVersion: v1
kind: Namespace
metadata: {name: kube-system, labels: {tier: system}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api-v2, namespace: shop}
spec: {selector: {}, template: {metadata: {labels: {app: api, version: two}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: legacy, namespace: shop}
spec: {selector: {}, template: {metadata: {labels: {app: legacy}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec: {selector: {}, template: {metadata: {labels: {app: agent}}, spec: {hostNetwork: true}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec: {selector: {}, template: {metadata: {labels: {k8s-app: kube-dns, pod: dns}}}}
`)
	shop := documents["shop"]
	if got, want := strings.Join(names(shop.Endpoints), " "), "shop/api:workload shop/choice:workload shop/legacy:workload shop/quiet:workload shop/*:unlabelled"; got != want {
		t.Errorf("endpoints %s, expected %s", got, want)
	}
	if got := endpoint(t, shop, "shop/choice").Labels; got["a"] != "y" || got["b"] == "" || len(got) != 2 {
		t.Errorf("labels %v", got)
	}
	for name, want := range map[string]bool{"shop/api": true, "shop/quiet": false, "shop/*": false, "shop/legacy": false} {
		if got := endpoint(t, shop, name).DNS; got != want {
			t.Errorf("%s is meant to resolve names: %v", name, got)
		}
	}
	if got := names(documents[""].Endpoints); len(got) != 1 || got[0] != "kube-system/coredns:dns" {
		t.Errorf("DNS pods %v", got)
	}
	if !endpoint(t, documents["kube-system"], "kube-system/*").DNS {
		t.Error("pods of a namespace without intents are meant to resolve names")
	}
}

// The same input gives the same bytes.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	p := world("zero-trust-demo", "kube-system")
	p.Workloads = []plan.Workload{workload("zero-trust-demo", "frontend")}
	var first []byte
	for range 5 {
		text, err := json.Marshal(ask(t, p, tutorial))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		} else if !bytes.Equal(first, text) {
			t.Fatal("the documents differ from one run to the next")
		}
	}
}
