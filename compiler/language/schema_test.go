package language

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
	_ "portcullis.dev/testdata/seed"
)

// structural are the rules that the schema knows in full: a document breaks one of
// them if and only if the schema refuses it.
var structural = []*diag.Rule{unknownField, WrongType, MissingField, wrongKind, BadName, Reserved}

// shallow are the rules of which the schema knows a part: what it refuses Parse
// refuses too, and not the other way round. No pattern knows the days of a month, the
// bits of a range, or which end of a range is greater.
var shallow = []*diag.Rule{BadAddress, BadPort, BadPeer, badDate, badPath, badTest}

func validator(t testing.TB, kind string) *jsonschema.Schema {
	t.Helper()
	text, ok := Schema(kind)
	if !ok {
		t.Fatalf("there is no schema of %q", kind)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// jsonOf returns a document as an editor's language server hands it to a schema: it
// reads YAML 1.2, in which a date is a word.
func jsonOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for key, value := range pairs(n) {
			m[key.Value] = jsonOf(value)
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, jsonOf(c))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	return n.Value
}

// parsed returns what Parse finds in one document by itself.
func parsed(t rapid.TB, text string) (*yaml.Node, diag.List) {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return n.Content[0], (&Repository{}).parse(File{"a.yaml", []byte(text)})
}

// disagreement says in which way the schema and the parser differ over a document.
func disagreement(t rapid.TB, schema *jsonschema.Schema, text string) string {
	n, found := parsed(t, text)
	var broken, partly []string
	for _, f := range found {
		switch {
		case slices.Contains(structural, f.Rule):
			broken = append(broken, f.Rule.Code+" "+f.Message)
		case slices.Contains(shallow, f.Rule):
			partly = append(partly, f.Rule.Code)
		case f.Severity == diag.Error:
			return "" // it is no document at all
		}
	}
	err := schema.Validate(jsonOf(n))
	switch {
	case err == nil && len(broken) > 0:
		return fmt.Sprintf("the schema accepts what the parser refuses: %s", broken)
	case err != nil && len(broken)+len(partly) == 0:
		return fmt.Sprintf("the parser accepts what the schema refuses: %v", err)
	}
	return ""
}

const (
	intentHead = "apiVersion: " + APIVersion + "\nkind: NetworkIntent\nmetadata: {name: a, namespace: b}\n"
	platform   = "apiVersion: " + APIVersion + "\nkind: Platform\nmetadata: {name: a}\n"
	waiver     = "apiVersion: " + APIVersion + "\nkind: Waiver\nmetadata: {name: a}\n"
	baseline   = "apiVersion: " + APIVersion + "\nkind: Baseline\n"
)

// whole has every field of every kind, and every notation; TestWholeIsWhole holds it
// to that.
var whole = []string{
	intentHead + `spec:
  namespaces: [shop, "pr-*"]
  selector: {app: kafka, role: [broker, controller]}
  ports: {http: 8080, dns: [53/udp, 53], range: 8000-8100}
  inbound:
    - {from: [frontend, mobile/gateway], ports: [http], in: [prod], why: asked, ticket: A-1, until: 2026-12-31}
    - {from: {selector: {}}, ports: [any, icmp, 80]}
  outbound:
    - {to: {namespace: a, selector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}, {key: c, operator: Exists}]}}, ports: [http]}
    - {to: {namespaceSelector: {a: ""}}, ports: ["80"], in: [prod], why: asked, ticket: A-1, until: 2026-12-31}
    - {to: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, "@corp", "*/*", a/*, pr-*/b, {cidr: "fd00::/8"}], ports: [443/sctp]}
  in: [prod]
  owner: team
  dns: false
  hostNetwork: true
  tests: ["a -> b:80 allow", "a/* -> [2001:db8::1]:53/udp deny in prod, dev"]
`,
	intentHead + "spec: {namespaces: {tier: tenant}, selector: {matchLabels: word}}\n",
	platform + `spec:
  targets: [kubernetes, calico]
  handshake: both
  nameLabel: app.kubernetes.io/name
  unknownNamespaces: deny
  trusted: [platform, .]
  repositories: [labs/one]
  system: [kube-system]
  dns: {namespace: kube-system, selector: {k8s-app: kube-dns}, port: 5353, nodeLocal: [169.254.20.10]}
  calico: {version: "3.31", api: crd}
  stages: {guardrails: {tier: portcullis, order: 100}, platform: {order: 500}, default-deny: {order: 2000}}
  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  environments:
    dev:
    eu: {group: prod, targets: [kubernetes], dns: {}, calico: {}, cluster: {}, severity: {PC220: error}}
  namespaces:
    shop: {owner: team, path: apps/shop, labels: {team: shop}, nameLabel: app, handshake: either, in: [prod], enforce: {eu: staged, dev: true}}
    other: {enforce: false}
  components: [{path: extras, namespaces: [shop], in: [prod], labels: {a.io/b: c}, annotations: {a.io/b: "c=d"}}, {path: all, cluster: true, kinds: [ServiceAccount, Issuer.cert-manager.io]}]
  peers:
    dc: {owner: team, ports: {pg: 5432}, is: {dev: [10.90.0.0/16, "fd00::1"], eu: {namespace: a}, prod: []}, usedBy: [a/*, a/b]}
    one: {is: 10.0.0.1}
    pods: {is: {selector: {a: b}}}
  flows: [{from: "*/*", to: [a/b], ports: [http], in: [dev], why: asked, ticket: A-1, until: 2026-12-31}]
  guardrails:
    - {name: a, deny: {from: a/b, to: "@dc", ports: [80]}, unless: [a/b], in: [dev], why: so}
    - {name: b, isolate: tenant}
  quarantine: [{peer: a/b, ticket: A-1, until: 2026-12-31, in: [dev], why: so}]
  tests: ["a/b -> c/d deny"]
  checks: {dir: checks, severity: {PC220: warning}, waiverDays: 90}
`,
	waiver + `spec:
  rule: PC203
  match: {intent: a/b, namespace: a, object: NetworkPolicy/a/b, peer: "@internet", port: http, environment: prod}
  owner: a
  approvedBy: b
  reason: c
  ticket: d
  expires: 2027-01-31
`,
	baseline + `findings:
  - rule: PC203
    severity: error
    file: deploy/web.yaml
    object: NetworkPolicy/a/b
    message: "a/b accepts TCP 80"
    fingerprint: 00aa11bb22cc33dd
    count: 2
`,
	baseline + "findings: []\n",
}

func TestWholeIsWhole(t *testing.T) {
	t.Parallel()
	written := map[string]bool{}
	for _, text := range whole {
		root, found := parsed(t, text)
		if found != nil {
			t.Errorf("%v in:\n%s", found.Err(), text)
		}
		order := keyOrder{}
		order.of(root, kindOf(t, text))
		for n, fields := range order {
			for _, f := range fields {
				if member(n, f) != nil {
					written[fmt.Sprint(fields, f)] = true
				}
			}
		}
	}
	all := map[string]bool{}
	walk(t, func(_ string, fields []field, f field) { all[fmt.Sprint(names(fields), f.name)] = true })
	for f := range all {
		if !written[f] {
			t.Errorf("the documents lack the field %s", f)
		}
	}
}

func kindOf(t testing.TB, text string) reflect.Type {
	for _, k := range kinds {
		if strings.Contains(text, "kind: "+k.name+"\n") {
			return k.document
		}
	}
	t.Fatal("no kind")
	return nil
}

// walk visits every field of every struct of the language, named as in the table of
// documentation.
func walk(t testing.TB, visit func(name string, fields []field, f field)) {
	t.Helper()
	seen := map[reflect.Type]bool{}
	var of func(t reflect.Type, name string)
	of = func(t reflect.Type, name string) {
		_, word := words()[t]
		if word || seen[t] {
			return
		}
		seen[t] = t.Name() != ""
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			of(t.Elem(), name)
			return
		case reflect.Struct:
		default:
			return
		}
		if t.Name() != "" {
			name = t.Name()
		}
		fields := fieldsOf(t)
		for _, f := range fields {
			in := declaredIn(t, f, name) + "." + f.name
			visit(in, fields, f)
			of(t.FieldByIndex(f.index).Type, in)
		}
		if len(fields) == 0 {
			for i := range t.NumField() { // of a notation
				of(t.Field(i).Type, "")
			}
		}
	}
	for _, k := range kinds {
		of(k.document, "")
	}
	of(reflect.TypeFor[kubernetesSelector](), "")
}

func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	unused := maps.Clone(documentation)
	walk(t, func(name string, _ []field, _ field) {
		if documentation[name] == "" {
			t.Errorf("%s is not documented", name)
		}
		delete(unused, name)
	})
	for name := range unused {
		if strings.Contains(name, ".") {
			t.Errorf("the documentation speaks of %s, which does not exist", name)
		}
	}
}

func TestSchemaAndParserAgree(t *testing.T) {
	t.Parallel()
	spec := func(s string) string { return intentHead + "spec: {" + s + "}\n" }
	fleet := func(s string) string { return platform + "spec: {" + s + "}\n" }
	accepted := append(slices.Clone(whole),
		intentHead, platform, spec(""), fleet("environments: {dev: ~, eu: {}}"), fleet("namespaces: {a: , b: {}}"),
		spec("selector: {}"), spec("inbound: []"), spec("namespaces: {}"), fleet("peers: {a: {is: []}}"), fleet("peers: {a: {is: {}}}"),
		spec("ports: {a: []}"), spec("selector: {matchExpressions: []}"), spec("selector: {a: 'true'}"),
	)
	refused := []string{
		"[a, b]\n", "kind: NetworkIntent\n", "apiVersion: " + APIVersion + "\n",
		"apiVersion: " + APIVersion + "\nkind: Other\n", "apiVersion: portcullis.dev/v1\nkind: Platform\nmetadata: {name: a}\n",
		"apiVersion: " + APIVersion + "\nkind: NetworkIntent\n",
		"apiVersion: " + APIVersion + "\nkind: NetworkIntent\nmetadata: {name: a, labels: {}}\n",
		"apiVersion: " + APIVersion + "\nkind: NetworkIntent\nmetadata: {namespace: a}\n",
		intentHead + "spec: \n", intentHead + "spec: []\n", intentHead + "spec: word\n", intentHead + "status: {}\n", intentHead + "Spec: {}\n",
		spec("inbuond: []"), spec("inbound: {}"), spec("inbound: [{}]"), spec("inbound: [{from: a}]"), spec("inbound: [{ports: [a]}]"),
		spec("inbound: [{from: a, ports: http}]"), spec("inbound: [{from: [[a]], ports: [http]}]"), spec("inbound: [{from: a, to: b, ports: [a]}]"),
		spec("inbound: [{from: true, ports: [http]}]"), spec("inbound: [{from: a, ports: [http], why: true}]"),
		spec("inbound: [{from: {selector: {}, except: []}, ports: [a]}]"), spec("inbound: [{from: {cidr: 10.0.0.0/8, namespace: a}, ports: [a]}]"),
		spec("inbound: [{from: {name: a}, ports: [a]}]"),
		spec("dns: 'yes'"), spec("dns: yes"), spec("dns: 1"), spec("owner: 5"), spec("in: prod"), spec("in: [Prod]"), spec("in: [5]"),
		spec("namespaces: []"), spec("namespaces: shop"), spec("namespaces: [a_b]"), spec("namespaces: ['*']"),
		spec("selector: [a]"), spec("selector: a"), spec("selector: {a: true}"), spec("selector: {a: []}"), spec("selector: {a: [1]}"), spec("selector: {a b: c}"),
		spec("selector: {a: {b: c}}"), spec("selector: {matchLabels: {a: b}, c: d}"), spec("selector: {matchLabels: [a]}"), spec("selector: {matchLabels: {a: }}"),
		spec("selector: {matchExpressions: [{key: a, operator: In}]}"), spec("selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"),
		spec("selector: {matchExpressions: [{key: a, operator: in, values: [b]}]}"), spec("selector: {matchExpressions: [{operator: Exists}]}"),
		spec("ports: {HTTP: 80}"), spec("ports: {http: {}}"), spec("ports: {a--b: 80}"), spec("ports: {any: 80}"), spec("ports: {a: [[80]]}"), spec("ports: []"),
		spec("ports: {'80': 80}"), spec("ports: {sixteen-letters-x: 80}"), spec("tests: a"), spec("tests: [[a]]"),
		fleet("handshake: callees"), fleet("handshake: true"), fleet("unknownNamespaces: closed"), fleet("calico: {version: 3.31}"), fleet("calico: {api: v3}"),
		fleet("stages: {platform: {}}"), fleet("stages: {platform: {order: 1.5}}"), fleet("stages: {platform: {order: 3000000000}}"), fleet("stages: {defaultDeny: {order: 1}}"),
		fleet("environments: [dev]"), fleet("environments: {Dev: {}}"), fleet("environments: {dev: []}"), fleet("environments: {dev: {severity: {PC1: error}}}"),
		fleet("environments: {dev: {severity: {PC100: fatal}}}"), fleet("environments: {dev: {severity: {PC100: }}}"),
		fleet("namespaces: {a: {enforce: yes}}"), fleet("namespaces: {a: {enforce: [true]}}"), fleet("namespaces: {a: {enforce: {dev: {}}}}"), fleet("namespaces: {a: {labels: {b: }}}"),
		fleet("peers: {a: }"), fleet("peers: {a: {}}"), fleet("peers: {a: {is: true}}"), fleet("peers: {a: {is: {dev: {dev: a}}}}"), fleet("peers: {a: {is: [], usedBy: [a]}}"),
		fleet("peers: {a: {is: {Dev: []}}}"), fleet("peers: {a: {is: {selector: []}}}"),
		fleet("flows: [{from: a/b, ports: [a]}]"), fleet("guardrails: [{deny: {}}]"), fleet("quarantine: [{peer: a/b, ticket: c}]"), fleet("checks: {waiverDays: many}"),
		fleet("components: [{namespaces: [a]}]"), fleet("components: [{path: a, kinds: ServiceAccount}]"), fleet("components: [{path: a, kinds: [configmap]}]"), fleet("components: [{path: a, annotations: [a]}]"), fleet("components: [{path: a, annotations: {a: true}}]"), fleet("trusted: {}"),
		waiver, waiver + "spec: {}\n", waiver + "spec: {match: {}}\n",
	}
	// What the schema refuses too, of the rules that it knows in part.
	shallowly := []string{
		spec("inbound: [{from: A, ports: [http]}]"), spec("inbound: [{from: 'a b', ports: [http]}]"), spec("inbound: [{from: '@', ports: [http]}]"),
		spec("inbound: [{from: '*', ports: [http]}]"), spec("inbound: [{from: '*/a', ports: [http]}]"), spec("inbound: [{from: a/b/c, ports: [http]}]"),
		spec("inbound: [{from: 10.0.0.0/8, ports: [http]}]"), spec("inbound: [{from: {}, ports: [http]}]"), spec("inbound: [{from: {namespace: a, namespaceSelector: {}}, ports: [http]}]"),
		spec("ports: {a: 0}"), spec("ports: {a: 65536}"), spec("ports: {a: 80/TCP}"), spec("ports: {a: 1-65536}"), spec("ports: {a: 80/icmp}"), spec("ports: {a: true}"), spec("ports: {a: '080'}"),
		spec("inbound: [{from: a, ports: [HTTP]}]"), spec("inbound: [{from: a, ports: [true]}]"), spec("inbound: [{from: a, ports: [[a]]}]"),
		spec("inbound: [{from: {cidr: 10.0.0}, ports: [http]}]"), spec("inbound: [{from: {cidr: host}, ports: [http]}]"), fleet("cluster: {podCIDRs: [a]}"),
		spec("inbound: [{from: a, ports: [http], until: tomorrow}]"), spec("inbound: [{from: a, ports: [http], until: 2026-13-01}]"), spec("inbound: [{from: a, ports: [http], until: 2026}]"),
		fleet("trusted: [/etc]"), fleet("trusted: ['']"), fleet("trusted: [1]"), fleet("trusted: ['a\\b']"), spec("tests: [a -> b]"), spec("tests: [a allow]"), spec("tests: [true]"),
	}
	all := validator(t, "")
	byKind := map[string]*jsonschema.Schema{}
	for _, k := range kinds {
		byKind[k.name] = validator(t, k.name)
	}
	judge := func(texts []string, valid, sound bool) {
		for _, text := range texts {
			n, found := parsed(t, text)
			schemas := map[string]*jsonschema.Schema{"": all}
			for _, k := range kinds {
				if strings.Contains(text, "kind: "+k.name+"\n") {
					schemas[k.name] = byKind[k.name]
				}
			}
			for name, schema := range schemas {
				if err := schema.Validate(jsonOf(n)); (err == nil) != valid {
					t.Errorf("the schema %q says %v of:\n%s", name, err, text)
				}
			}
			if (len(found) == 0) != sound {
				t.Errorf("the parser says %v of:\n%s", found.Err(), text)
			}
			if d := disagreement(t, all, text); d != "" {
				t.Errorf("%s in:\n%s", d, text)
			}
		}
	}
	judge(accepted, true, true)
	judge(refused, false, false)
	judge(shallowly, false, false)
}

// TestSchemaAndParserAgreeOnMutants changes whole documents in one place: a key is
// left out or misspelt, a value becomes one of another type, a member comes in twice.
func TestSchemaAndParserAgreeOnMutants(t *testing.T) {
	t.Parallel()
	schema := validator(t, "")
	tried := 0
	for _, text := range whole {
		root, _ := parsed(t, text)
		head := *root
		head.Content = root.Content[:len(root.Content)-2] // without a spec, or what stands for one
		for _, mutant := range mutants(t, &head, &head) {
			if d := disagreement(t, schema, mutant); d != "" {
				t.Errorf("%s in:\n%s", d, mutant)
			}
		}
		for _, small := range parts(root) {
			for _, mutant := range mutants(t, small, small.Content[len(small.Content)-1]) {
				tried++
				if d := disagreement(t, schema, mutant); d != "" {
					t.Errorf("%s in:\n%s", d, mutant)
				}
			}
		}
	}
	if tried < 3000 {
		t.Errorf("%d mutants were tried; the law hardly says anything", tried)
	}
}

// parts makes documents with one field of the spec each, which is quicker to judge; a
// Waiver needs all of its fields, and a Baseline has no spec.
func parts(root *yaml.Node) []*yaml.Node {
	spec := member(root, "spec")
	if spec == nil || member(root, "kind").Value == "Waiver" {
		return []*yaml.Node{root}
	}
	var all []*yaml.Node
	for key, value := range pairs(spec) {
		part := *root
		part.Content = slices.Clone(root.Content)
		part.Content[len(part.Content)-1] = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}}
		all = append(all, &part)
	}
	return all
}

// mutants makes all documents that differ from one in one place below a node.
func mutants(t *testing.T, root, below *yaml.Node) []string {
	var all []string
	record := func() {
		text, err := yaml.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	values := []*yaml.Node{
		{Kind: yaml.ScalarNode, Tag: "!!str", Value: "word"}, {Kind: yaml.ScalarNode, Tag: "!!str", Value: "A word, and: more", Style: yaml.DoubleQuotedStyle},
		{Kind: yaml.ScalarNode, Tag: "!!str", Value: "", Style: yaml.DoubleQuotedStyle}, {Kind: yaml.ScalarNode, Tag: "!!int", Value: "7"},
		{Kind: yaml.ScalarNode, Tag: "!!int", Value: "-1"}, {Kind: yaml.ScalarNode, Tag: "!!float", Value: "0.5"}, {Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"},
		{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, {Kind: yaml.MappingNode, Style: yaml.FlowStyle}, {Kind: yaml.SequenceNode, Style: yaml.FlowStyle},
		{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "word"}, {Kind: yaml.ScalarNode, Value: "word"}}},
		{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "word"}}},
	}
	var mutate func(n *yaml.Node)
	mutate = func(n *yaml.Node) {
		step := 1
		if n.Kind == yaml.MappingNode {
			step = 2
		}
		content := n.Content
		for i := 0; i+step <= len(content); i += step {
			n.Content = slices.Concat(content[:i], content[i+step:])
			record()
			n.Content = content
			value := content[i+step-1]
			for _, v := range values {
				content[i+step-1] = v
				record()
			}
			content[i+step-1] = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
			record()
			content[i+step-1] = value
			if step == 2 {
				key := content[i]
				for _, name := range []string{key.Value + "x", strings.ToUpper(key.Value), "name", "selector"} {
					if member(n, name) == nil {
						content[i] = &yaml.Node{Kind: yaml.ScalarNode, Value: name}
						record()
					}
				}
				content[i] = key
			}
			mutate(value)
		}
		if n.Kind == yaml.MappingNode && member(n, "extra") == nil {
			n.Content = append(slices.Clip(content), &yaml.Node{Kind: yaml.ScalarNode, Value: "extra"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "word"})
			record()
			n.Content = content
		}
	}
	mutate(below)
	return all
}

// TestPatternsAreTheParsers: of any word of the alphabet that matters, the schema says
// what the parser says, and never refuses what the parser takes.
func TestPatternsAreTheParsers(t *testing.T) {
	t.Parallel()
	schema := validator(t, "")
	places := []string{
		intentHead + "spec: {in: [%s]}\n", intentHead + "spec: {namespaces: [%s]}\n", intentHead + "spec: {selector: {%s: a}}\n", intentHead + "spec: {selector: {a: %s}}\n",
		intentHead + "spec: {ports: {%s: 80}}\n", intentHead + "spec: {ports: {a: %s}}\n", intentHead + "spec: {inbound: [{from: %s, ports: [a]}]}\n",
		intentHead + "spec: {inbound: [{from: a, ports: [%s]}]}\n", intentHead + "spec: {inbound: [{from: {cidr: %s}, ports: [a]}]}\n",
		intentHead + "spec: {inbound: [{from: a, ports: [a], until: %s}]}\n", intentHead + "spec: {tests: [%s]}\n",
		platform + "spec: {trusted: [%s]}\n", platform + "spec: {peers: {a: {is: %s}}}\n", platform + "spec: {peers: {a: {is: [], usedBy: [%s]}}}\n",
		platform + "spec: {checks: {severity: {%s: error}}}\n", platform + "spec: {handshake: %s}\n",
	}
	word := rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune("ab0.-/:@*A_ ")), 0, 8, -1),
		rapid.StringOfN(rapid.SampledFrom([]rune("a-")), 60, 66, -1),
		rapid.StringMatching(`[a-z]{1,4}[a-z/.*-]{0,3}`), rapid.StringMatching(`[0-9]{1,6}(-[0-9]{1,6})?(/tcp|/udp)?`),
		rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,3}){2,4}(/[0-9]{1,3})?`), rapid.StringMatching(`[0-9a-f:]{2,12}(/[0-9]{1,3})?`),
		rapid.StringMatching(`(19|20|99)[0-9]{2}-[01][0-9]-[0-3][0-9]`), rapid.StringMatching(`PC[0-9]{2,4}`),
		rapid.StringMatching(`[ab/*@]{1,4} ?-> ?[ab/*:]{1,6} (allow|deny)( in [ab,]{1,3})?`), rapid.SampledFrom([]string{"any", "icmp", "ping", "both", "either", "../a", "a/../..", "@internet", "*/*"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf(rapid.SampledFrom(places).Draw(t, "place"), strconv.Quote(word.Draw(t, "word")))
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		if d := disagreement(t, schema, text); d != "" {
			t.Fatalf("%s in:\n%s", d, text)
		}
	})
}

func TestEditorLine(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"portcullis.yaml":        "# yaml-language-server: $schema=.portcullis/portcullis.schema.json",
		"apps/shop/intents.yaml": "# yaml-language-server: $schema=../../.portcullis/portcullis.schema.json",
	} {
		if got := EditorLine(file); got != want {
			t.Errorf("%s: %s, not %s", file, got, want)
		}
	}
}
