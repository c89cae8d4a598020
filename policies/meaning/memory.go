package meaning

import (
	"sync"

	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/policies/cores"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Memory keeps what policies of Kubernetes mean, of which nothing was found: they mean the same in
// every cluster and beside all other objects, so that of several sets the very same object is read
// once. A nil one knows nothing.
type Memory struct {
	mutex    sync.RWMutex
	policies map[*networkingv1.NetworkPolicy]*Policy
	// Remembered counts the policies that were not read again.
	Remembered int
}

// NewMemory makes a memory of nothing.
func NewMemory() *Memory { return &Memory{policies: map[*networkingv1.NetworkPolicy]*Policy{}} }

// read is what a NetworkPolicy means, and what is wrong with it.
type read struct {
	policy     *Policy // nil for what is none
	found      diag.List
	remembered bool
}

// kubernetes reads the NetworkPolicies of a set, which need nothing of each other, on all processors:
// at the place of each what it means.
func (k *Memory) kubernetes(set object.Set, cluster object.Cluster) []read {
	objects := set.All()
	all := make([]read, len(objects))
	cores.Share(len(objects), func(first, end int) {
		for i := first; i < end; i++ {
			o, made := objects[i], &all[i]
			typed, is := o.Typed.(*networkingv1.NetworkPolicy)
			if _, unread := o.Unread(); !is || unread {
				continue
			}
			if p := k.of(typed); p != nil && p.ID == o.ID {
				made.policy, made.remembered = p, true
				continue
			}
			r := &reader{id: o.ID, cluster: cluster, raw: o.JSON, found: &made.found}
			r.identity(o)
			made.policy = r.kubernetesPolicy(typed)
		}
	})
	if k != nil {
		k.mutex.Lock()
		defer k.mutex.Unlock()
		for i := range all {
			switch p := &all[i]; {
			case p.remembered:
				k.Remembered++
			case p.policy != nil && len(p.found) == 0:
				k.policies[objects[i].Typed.(*networkingv1.NetworkPolicy)] = p.policy
			}
		}
	}
	return all
}

// of looks up what is remembered of a policy; nil for nothing.
func (k *Memory) of(typed *networkingv1.NetworkPolicy) *Policy {
	if k == nil {
		return nil
	}
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	return k.policies[typed]
}
