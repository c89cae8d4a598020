package locate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// contents names what subjects point at so that it is found again when something is put
// before it. Each item of a list is written once, however many pointers lead through it.
type contents struct {
	set     object.Set
	objects map[object.ID]object.Values
	items   map[diag.Subject]string
}

// withContents names in findings about objects of a set what they point at by its content, so that
// fingerprints last.
func withContents(found diag.List, set object.Set) {
	c := contents{set, map[object.ID]object.Values{}, map[diag.Subject]string{}}
	for i := range found {
		if d := &found[i]; strings.ContainsAny(d.Subject.Pointer, "0123456789") {
			d.Content = c.pointer(d.Subject)
		}
	}
}

// pointer returns the subject's pointer, with a digest of its content in place of each number that
// is an item's place in a list.
func (c contents) pointer(s diag.Subject) string {
	values, known := c.objects[s.Object]
	if !known {
		if o, there := c.set.Get(s.Object); there {
			values = o.Values()
		}
		c.objects[s.Object] = values
	}
	var b strings.Builder
	list := false // whether what stands before is one
	for end := 0; end < len(s.Pointer); {
		start := end
		if end = strings.IndexByte(s.Pointer[start+1:], '/'); end < 0 {
			end = len(s.Pointer)
		} else {
			end += start + 1
		}
		value, there := values.At(s.Pointer[:end])
		if list && there {
			b.WriteString("/" + c.item(diag.Subject{Object: s.Object, Pointer: s.Pointer[:end]}, value))
		} else {
			b.WriteString(s.Pointer[start:end])
		}
		_, list = value.([]any)
	}
	return b.String()
}

// item makes, once, the digest of an item's content, by which it is named.
func (c contents) item(s diag.Subject, value any) string {
	name, known := c.items[s]
	if !known {
		text, _ := json.Marshal(value) // it was decoded from JSON, and its keys come in order
		sum := sha256.Sum256(text)
		name = hex.EncodeToString(sum[:8])
		c.items[s] = name
	}
	return name
}
