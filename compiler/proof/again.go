package proof

import (
	"reflect"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// Held is a proof that found nothing: of which plan, and of which rendered objects.
type Held struct {
	plan    *plan.Plan
	set     object.Set
	cluster object.Cluster
	lines   [2]map[string][]*line // by direction and by the namespace of the pods whose half they are about
}

// Again holds what was rendered for a plan against it as Prove does, and asks of the halves of pods
// of a namespace only what another proof did not ask, which found nothing. A half hangs on the
// policies of its own namespace and of the cluster, on the lines about it, and on what the plan says
// of the cluster; the same packets are allowed and meant wherever all of that is equal, so that
// nothing is found again. It returns of how many namespaces that is so, and what to hold the next
// against; nil where anything was found. Findings may be told of another packet than Prove tells of.
func Again(p *plan.Plan, r *relation.Relation, set object.Set, endpoints []*meaning.Endpoint, before *Held) (found diag.List, spared int, now *Held) {
	prover := newProver(p, r, endpoints)
	now = &Held{p, set, r.Meaning.Cluster, [2]map[string][]*line{}}
	pods, _ := p.Whereabouts()
	for _, d := range directions {
		now.lines[d] = map[string][]*line{}
		for i := range prover.lines {
			l := &prover.lines[i]
			if l.isNoPods(d, pods) {
				continue
			}
			home := prover.intended(d, may).home(l)
			now.lines[d][home] = append(now.lines[d][home], l)
		}
	}
	if before != nil {
		prover.spare(now.alike(before))
	}
	if found = prover.prove(); len(found) > 0 {
		now = nil
	}
	return found, len(prover.spared), now
}

// spare leaves out of a proof the halves of pods of namespaces of which is known what is found.
func (p *prover) spare(namespaces map[string]bool) {
	if len(namespaces) == 0 {
		return
	}
	spared := map[int]bool{}
	for name := range namespaces {
		if class, listed := p.u.Class(name); listed {
			spared[class] = true
		}
	}
	p.spared, p.classes = namespaces, []int{}
	for class := range p.u.Classes() {
		if !spared[class] {
			p.classes = append(p.classes, class)
		}
	}
}

// alike finds the namespaces whose pods' halves are decided and meant as in a proof before. There is
// none where anything differs that may have to do with all of them.
func (h *Held) alike(before *Held) map[string]bool {
	pods, others := h.plan.Whereabouts()
	podsBefore, othersBefore := before.plan.Whereabouts()
	if !samePlan(h.plan, before.plan) || !slices.EqualFunc(ofPatterns(h.plan), ofPatterns(before.plan), sameWorkload) ||
		!reflect.DeepEqual(h.cluster, before.cluster) || !pods.Equal(podsBefore) || !others.Equal(othersBefore) {
		return nil
	}
	differing, comparable := object.Edited(before.set, h.set)
	if !comparable {
		return nil
	}
	for d := range h.lines {
		if !slices.EqualFunc(h.lines[d][""], before.lines[d][""], (*line).asks) {
			return nil
		}
		for name, lines := range h.lines[d] {
			differing[name] = differing[name] || !slices.EqualFunc(lines, before.lines[d][name], (*line).asks)
		}
		for name, lines := range before.lines[d] {
			differing[name] = differing[name] || len(lines) > 0 && len(h.lines[d][name]) == 0
		}
	}
	all := map[string]bool{}
	for _, n := range h.plan.Namespaces {
		if !n.Pattern && !differing[n.Name] {
			all[n.Name] = true
		}
	}
	return all
}

// isNoPods reports whether a line is about addresses where the pod is whose half is proven, and no pod
// has one of them: it asks nothing of that half.
func (l *line) isNoPods(d meaning.Direction, pods packet.Addresses) bool {
	own := &l.to
	if d == meaning.Egress {
		own = &l.from
	}
	resolves := d == meaning.Egress && l.resolving != nil
	return own.Pods == nil && !resolves && !packet.AddressesOf(plan.Ranges(own.Blocks)...).Overlaps(pods)
}

// asks reports whether two lines of a proof ask for the same, whoever wrote them.
func (l *line) asks(o *line) bool {
	return l.resolves == o.resolves && l.platform == o.platform && l.namespace == o.namespace && l.every == o.every &&
		slices.EqualFunc(l.resolvers, o.resolvers, func(a, b plan.Workload) bool { return a.Selector.Equal(b.Selector) }) &&
		slices.Equal(l.ports, o.ports) && sameEnd(&l.from, &o.from) && sameEnd(&l.to, &o.to)
}

// sameEnd reports whether two ends of lines that are proven are the same pods or addresses, whatever
// they are called.
func sameEnd(a, b *plan.End) bool {
	if (a.Pods == nil) != (b.Pods == nil) {
		return false
	}
	if a.Pods != nil {
		return a.Pods.Namespace == b.Pods.Namespace && a.Pods.Namespaces.Equal(b.Pods.Namespaces) && a.Pods.Selector.Equal(b.Pods.Selector)
	}
	return slices.EqualFunc(a.Blocks, b.Blocks, func(a, b plan.Block) bool { return a.CIDR == b.CIDR && slices.Equal(a.Except, b.Except) })
}
