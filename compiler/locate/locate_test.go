package locate

import (
	"fmt"
	"path"
	"testing"

	"portcullis.dev/compiler/lower"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// TestPlacesAreFoundInOneReading: however many values of a list a rule finds something in,
// the texts in which they stand are parsed once, and each place is the value's own.
func TestPlacesAreFoundInOneReading(t *testing.T) {
	t.Parallel()
	const values = 300
	net := func(value string, i int) string { return fmt.Sprintf("%s.%d.%d/32", value, i/256, i%256) }
	manifest := func(name, value string) string {
		text := "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: " + name + "}\nspec:\n  nets:\n"
		for i := range values {
			text += "  - " + net(value, i) + "\n"
		}
		return text
	}
	changed, added := manifest("ours", "10.3"), manifest("theirs", "10.2")
	objects, found := object.Decode("", []byte(changed+"---\n"+added))
	rendered, twice := object.NewSet(objects)
	if found = append(found, twice...); found.Failed() {
		t.Fatal(found)
	}
	id := func(name string) object.ID {
		return object.ID{Group: "projectcalico.org", Kind: "GlobalNetworkSet", Name: name}
	}
	var nets object.List
	for i := range values {
		nets = append(nets, net("10.1", i))
	}
	emitted := lower.Emitted{Manifest: object.Map{
		{Key: "apiVersion", Value: "projectcalico.org/v3"}, {Key: "kind", Value: "GlobalNetworkSet"},
		{Key: "metadata", Value: object.Map{{Key: "name", Value: "ours"}}}, {Key: "spec", Value: object.Map{{Key: "nets", Value: nets}}},
	}}
	p := InRendered(Origins{id("ours"): emitted}, rendered, []overlays.Laid{{
		Component: overlays.Component{Path: "parts", Files: map[string][]byte{"a.yaml": []byte(changed), "b.yaml": []byte(added)}},
	}})
	for _, c := range []struct{ name, file string }{{"ours", "a.yaml"}, {"theirs", "b.yaml"}} {
		for i := range values {
			at := p.At(diag.Subject{Object: id(c.name), Pointer: fmt.Sprintf("/spec/nets/%d", i)})
			if file, line := path.Join("parts", c.file), int32(i+6); at.File != file || at.Start.Line != line {
				t.Fatalf("value %d of %s is said to be at %s, expected %s:%d", i, c.name, at, file, line)
			}
		}
	}
	// Two files, two rendered objects, and one that was emitted otherwise.
	if p.read != 5 {
		t.Errorf("%d texts were parsed for %d questions, expected 5", p.read, 2*values)
	}
}
