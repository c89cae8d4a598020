package render

import (
	"portcullis.dev/compiler/lower"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/meaning"
)

// Memory keeps what plans came to, by the parts of them that may be alike: their objects, as they
// were lowered, written and read. What several plans have in common is made once, and the others
// have the very same. With one, plans are rendered one after the other; meanwhile it may be asked what
// those before mean. A nil one knows nothing.
type Memory struct {
	lower *lower.Memory
	lay   *overlays.Memory
	mean  *meaning.Memory
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory {
	return &Memory{lower.NewMemory(), overlays.NewMemory(), meaning.NewMemory()}
}

// Forget lets go of how objects were lowered and read, once all plans are rendered. What they mean is
// still known.
func (k *Memory) Forget() {
	lowered, laid := lower.NewMemory(), overlays.NewMemory()
	lowered.Remembered, laid.Remembered = k.lower.Remembered, k.lay.Remembered
	k.lower, k.lay = lowered, laid
}

// Remembered counts the objects that were neither lowered nor read again, nor what they mean.
func (k *Memory) Remembered() int {
	return min(k.lower.Remembered, k.lay.Remembered, k.mean.Remembered)
}

// lowered returns what is known of objects that were lowered.
func (k *Memory) lowered() *lower.Memory {
	if k == nil {
		return nil
	}
	return k.lower
}

// laidOut returns what is known of objects that were laid out.
func (k *Memory) laidOut() *overlays.Memory {
	if k == nil {
		return nil
	}
	return k.lay
}

// meant returns what is known of what objects mean.
func (k *Memory) meant() *meaning.Memory {
	if k == nil {
		return nil
	}
	return k.mean
}
