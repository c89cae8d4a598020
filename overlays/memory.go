package overlays

import (
	"bytes"

	"portcullis.dev/policies/cores"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Memory keeps what manifests were written as and read as, so that one that several environments
// have, the very same, is written and read once. What was made of it is theirs together, and
// nobody's to change. It is not for several goroutines at once, and a nil one knows nothing.
type Memory struct {
	texts   map[which][]byte
	objects map[which][]object.Object // one each
	// Remembered counts the manifests that were not read again.
	Remembered int
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory {
	return &Memory{texts: map[which][]byte{}, objects: map[which][]object.Object{}}
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

// write writes manifests as files of the tree.
func (k *Memory) write(manifests []object.Map) [][]byte {
	all := make([][]byte, len(manifests))
	cores.Share(len(manifests), func(first, end int) {
		var room []byte
		for i, m := range manifests[first:end] {
			if k != nil {
				all[first+i] = k.texts[whichOf(m)]
			}
			if all[first+i] == nil {
				room = m.AppendYAML(append(room[:0], generated...))
				all[first+i] = bytes.Clone(room)
			}
		}
	})
	if k != nil {
		for i, m := range manifests {
			k.texts[whichOf(m)] = all[i]
		}
	}
	return all
}

// decoded is what a manifest is read as, with what is wrong with it.
type decoded struct {
	objects    []object.Object
	found      diag.List
	remembered bool
}

// read reads manifests. What is wrong with one is found each time.
func (k *Memory) read(manifests []object.Map) []decoded {
	all := make([]decoded, len(manifests))
	cores.Share(len(manifests), func(first, end int) {
		reader := object.NewReader()
		for i := first; i < end; i++ {
			d := &all[i]
			if k != nil {
				d.objects, d.remembered = k.objects[whichOf(manifests[i])]
			}
			if !d.remembered {
				d.objects, d.found = reader.Decode(manifests[i])
			}
		}
	})
	if k != nil {
		for i, d := range all {
			switch {
			case d.remembered:
				k.Remembered++
			case len(d.objects) == 1 && len(d.found) == 0:
				k.objects[whichOf(manifests[i])] = d.objects
			}
		}
	}
	return all
}
