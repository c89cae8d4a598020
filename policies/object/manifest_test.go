package object_test

import (
	"testing"

	"portcullis.dev/policies/object"
)

func TestIDOf(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\n  namespace: b\n",
		"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata:\n  name: a\n",
	} {
		objects, found := object.Decode("x.yaml", []byte(doc))
		if len(objects) != 1 || len(found) != 0 {
			t.Fatalf("%d objects, %v", len(objects), found.Err())
		}
		o := objects[0]
		metadata := object.Map{{Key: "name", Value: o.ID.Name}}
		if o.ID.Namespace != "" {
			metadata = append(metadata, object.Field{Key: "namespace", Value: o.ID.Namespace})
		}
		m := object.Map{{Key: "apiVersion", Value: o.APIVersion}, {Key: "kind", Value: o.ID.Kind}, {Key: "metadata", Value: metadata}}
		if object.IDOf(m) != o.ID {
			t.Errorf("%v, not %v", object.IDOf(m), o.ID)
		}
		if string(m.YAML()) != doc {
			t.Errorf("%q was written as %q", doc, m.YAML())
		}
	}
}
