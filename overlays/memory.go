package overlays

import (
	"bytes"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Memory keeps what manifests were written as and read as, so that one that several environments
// have, the very same, is written and read once. What was made of it is theirs together, and
// nobody's to change. It is not for several goroutines at once, and a nil one knows nothing.
type Memory struct {
	texts   map[which][]byte
	objects map[which]object.Object
	// Remembered counts the manifests that were not read again.
	Remembered int
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory {
	return &Memory{texts: map[which][]byte{}, objects: map[which]object.Object{}}
}

// which is which manifest it is, whatever it says.
type which struct {
	first  *object.Field
	fields int
}

// whichOf tells which manifest it is: one that says nothing is none.
func whichOf(m object.Map) which {
	if len(m) == 0 {
		return which{}
	}
	return which{&m[0], len(m)}
}

// text writes a manifest as a file of the tree, in the room that is given.
func (k *Memory) text(m object.Map, room *[]byte) []byte {
	id := whichOf(m)
	if k != nil && k.texts[id] != nil {
		return k.texts[id]
	}
	*room = m.AppendYAML(append((*room)[:0], generated...))
	text := bytes.Clone(*room)
	if k != nil {
		k.texts[id] = text
	}
	return text
}

// read reads a manifest. What is wrong with one is found each time.
func (k *Memory) read(reader object.Reader, m object.Map) ([]object.Object, diag.List) {
	id := whichOf(m)
	if k != nil {
		if o, known := k.objects[id]; known {
			k.Remembered++
			return []object.Object{o}, nil
		}
	}
	objects, found := reader.Decode(m)
	if k != nil && len(objects) == 1 && len(found) == 0 {
		k.objects[id] = objects[0]
	}
	return objects, found
}
