package facts

import (
	"reflect"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Basis is what the documents of one environment are made of.
type Basis struct {
	plan      *plan.Plan
	cluster   object.Cluster // the plan's, with what is assumed of it
	set       object.Set
	everybody population.Population
	elsewhere string
	compared  map[*Basis]*common // with those before, once asked for
}

// common is what two bases have in common.
type common struct {
	comparable bool
	edited     map[string]bool // namespaces whose policies differ
}

// Alike reports whether the document of a namespace says on either basis the same, but for the name of
// the environment. What it says of pods hangs on the policies of their namespace, of the cluster and
// of the namespaces of those whom they ask for names, on who they are, and on the cluster; what is
// made up by a search hangs on more, and is [Settled] where nothing is.
func (b *Basis) Alike(before *Basis, namespace string) bool {
	c := b.compared[before]
	if c == nil {
		c = b.compare(before)
		b.compared[before] = c
	}
	if !c.comparable || c.edited[namespace] {
		return false
	}
	n, here := b.plan.Namespace(namespace)
	o, there := before.plan.Namespace(namespace)
	n.Span, o.Span = diag.Span{}, diag.Span{} // a document has no places of intents
	return here && there && n.Equal(&o) && equalPods(b.everybody.ByNamespace[namespace], before.everybody.ByNamespace[namespace])
}

// compare compares what documents of all namespaces are made of on two bases.
func (b *Basis) compare(before *Basis) *common {
	c := &common{}
	if b.elsewhere != before.elsewhere || !slices.Equal(b.plan.Targets, before.plan.Targets) ||
		!reflect.DeepEqual(b.cluster, before.cluster) || !equalPods(b.asked(), before.asked()) {
		return c
	}
	c.edited, c.comparable = object.Edited(before.set, b.set)
	for _, server := range b.asked() {
		c.comparable = c.comparable && !c.edited[server.Namespace]
	}
	return c
}

// asked lists whom pods of every namespace ask for names.
func (b *Basis) asked() []*population.Pods {
	return append(slices.Clip(b.everybody.DNS), b.everybody.Stranger)
}

// equalPods reports whether the same pods are in two lists, in the same order.
func equalPods(a, b []*population.Pods) bool { return slices.EqualFunc(a, b, (*population.Pods).Equal) }

// Settled reports whether a document of a namespace says nothing that a search made up: each policy
// in force selects pods that somebody knows.
func Settled(d Document) bool {
	return d.Scope == "namespace" && !slices.ContainsFunc(d.Policies, func(p Policy) bool { return p.Enforced && len(p.Selects) == 0 })
}
