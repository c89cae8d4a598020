package meaning

import (
	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/policies/object"
)

// Memory keeps what policies of Kubernetes mean, of which nothing was found: they mean the same in
// every cluster and beside all other objects, so that of several sets the very same object is read
// once. It is not for several goroutines at once, and a nil one knows nothing.
type Memory struct {
	policies map[*networkingv1.NetworkPolicy]*Policy
	// Remembered counts the policies that were not read again.
	Remembered int
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory { return &Memory{policies: map[*networkingv1.NetworkPolicy]*Policy{}} }

// policy returns what an object means that was read before, or nil.
func (k *Memory) policy(o object.Object) *Policy {
	typed, is := o.Typed.(*networkingv1.NetworkPolicy)
	if k == nil || !is {
		return nil
	}
	p := k.policies[typed]
	if p == nil || p.ID != o.ID {
		return nil
	}
	k.Remembered++
	return p
}

// keep keeps what an object means that was read without a finding.
func (k *Memory) keep(o object.Object, p *Policy) {
	if typed, is := o.Typed.(*networkingv1.NetworkPolicy); k != nil && is {
		k.policies[typed] = p
	}
}
