package lower

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/object"
)

// TestObjectsKeepToTheAPI holds what is emitted for any plan against Calico's own
// schemas, which have the limits, and the strict decoding that has no field of the
// types' missing.
func TestObjectsKeepToTheAPI(t *testing.T) {
	t.Parallel()
	schemas := calicoSchemas(t)
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		emitted, found := Lower(p)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		meaningOf(t, emitted, p.Cluster, "") // decodes strictly, and finds what Calico's validator refuses
		for _, e := range emitted {
			kinds[object.IDOf(e.Manifest).Kind]++
			obeys(t, schemas, e)
		}
	})
	for _, kind := range []string{"NetworkPolicy", "StagedNetworkPolicy", "StagedKubernetesNetworkPolicy", "GlobalNetworkPolicy", "GlobalNetworkSet", "Tier"} {
		if kinds[kind] == 0 {
			t.Errorf("no plan led to a %s", kind)
		}
	}
}

// obeys checks one object against its schema, and what every object must have.
func obeys(t failer, schemas map[string]*jsonschema.Schema, e Emitted) {
	t.Helper()
	id := object.IDOf(e.Manifest)
	if len(id.Name) > 63 || !labelName.MatchString(strings.TrimPrefix(id.Name, "portcullis.")) {
		t.Fatalf("%s: not a name that goes everywhere", id)
	}
	raw := []byte(withoutComments(e.Manifest)) // those reach no API server
	if len(raw) > maxBytes {
		t.Fatalf("%s has %d bytes", id, len(raw))
	}
	if strings.Contains(string(raw), "null") || strings.Contains(string(raw), "{}") && !strings.Contains(string(raw), "podSelector: {}") && !strings.Contains(string(raw), "namespaceSelector: {}") {
		t.Fatalf("%s holds what is nothing:\n%s", id, raw)
	}
	if id.Group == "networking.k8s.io" {
		return
	}
	var value any
	if err := yaml.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	if err := schemas[id.Kind].Validate(value); err != nil {
		t.Fatalf("%s: %v\n%s", id, err, raw)
	}
}

// calicoSchemas are the schemas by kind, as an API server applies them that
// validates strictly: what is not in a schema is refused, and a set holds nothing
// twice.
func calicoSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile("testdata/crds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var documents map[string]any
	if err := yaml.Unmarshal(raw, &documents); err != nil {
		t.Fatal(err)
	}
	var strict func(any)
	strict = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["properties"].(map[string]any); ok {
				v["additionalProperties"] = false
			}
			if v["x-kubernetes-list-type"] == "set" {
				v["uniqueItems"] = true
			}
			for _, member := range v {
				strict(member)
			}
		case []any:
			for _, item := range v {
				strict(item)
			}
		}
	}
	schemas := map[string]*jsonschema.Schema{}
	for kind, document := range documents {
		strict(document)
		c := jsonschema.NewCompiler()
		if err := c.AddResource(kind, document); err != nil {
			t.Fatal(err)
		}
		if schemas[kind], err = c.Compile(kind); err != nil {
			t.Fatal(err)
		}
	}
	// A judge that lets everything pass would be none.
	for _, wrong := range []string{
		"{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: a}, spec: {types: [Ingress, Ingress]}}",
		"{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}}}",
		"{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: a}, spec: {selector: '" + strings.Repeat("a", 1025) + "'}}",
	} {
		var value any
		if err := yaml.Unmarshal([]byte(wrong), &value); err != nil {
			t.Fatal(err)
		}
		if schemas["NetworkPolicy"].Validate(value) == nil {
			t.Errorf("the schema accepts %.100s", wrong)
		}
	}
	return schemas
}

// TestPartsAreThere looks up every part that has a place in its object, and holds what is
// judged against what is written.
func TestPartsAreThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		emitted, _ := Lower(aPlan(t))
		for _, e := range emitted {
			objects, found := object.Decode("", e.Manifest.YAML())
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			if alone, _ := object.DecodeManifest(e.Manifest); !reflect.DeepEqual(objects, alone) {
				t.Fatalf("%s is read as %v, and written as %v", object.IDOf(e.Manifest), alone, objects)
			}
			if e.Span.IsZero() {
				t.Fatalf("%s comes from nowhere", object.IDOf(e.Manifest))
			}
			for i, part := range e.Places {
				if _, ok := objects[0].Value(part.Pointer); !ok || part.Span.IsZero() {
					t.Fatalf("%s: the part %q comes from %q", object.IDOf(e.Manifest), part.Pointer, part.Span)
				}
				if slices.ContainsFunc(e.Places[:i], func(p Place) bool { return p.Pointer == part.Pointer }) {
					t.Fatalf("%s has two parts %q", object.IDOf(e.Manifest), part.Pointer)
				}
			}
		}
	})
}
