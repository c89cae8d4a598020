package object

import (
	"iter"
	"strings"
)

// Edited finds the namespaces in which policies of two sets differ that say something of the pods of
// their own namespace alone. Where anything else differs, be it of the cluster, of nobody's kind, or
// a NetworkSet, which policies everywhere may name, the sets are not comparable: who is in the
// other namespaces may be decided otherwise as well.
func Edited(a, b Set) (namespaces map[string]bool, comparable bool) {
	namespaces = map[string]bool{}
	for x, y := range Beside(a, b) {
		if x != nil && y != nil && x.same(y) {
			continue
		}
		for _, o := range []*Object{x, y} {
			if o == nil {
				continue
			}
			if !o.isOfItsNamespace() {
				return nil, false
			}
			namespaces[o.ID.Namespace] = true
		}
	}
	return namespaces, true
}

// Beside walks through two sets in the order of IDs: each object of one with that of the other that has
// the same ID, and nil where there is none.
func Beside(a, b Set) iter.Seq2[*Object, *Object] {
	return func(yield func(a, b *Object) bool) {
		for i, j := 0, 0; i < len(a.objects) || j < len(b.objects); {
			var x, y *Object
			if i < len(a.objects) {
				x = &a.objects[i]
			}
			if j < len(b.objects) {
				y = &b.objects[j]
			}
			if x != nil && y != nil {
				switch order := x.ID.Compare(y.ID); {
				case order < 0:
					y = nil
				case order > 0:
					x = nil
				}
			}
			if x != nil {
				i++
			}
			if y != nil {
				j++
			}
			if !yield(x, y) {
				return
			}
		}
	}
}

// same reports whether two objects with one ID say the same.
func (o *Object) same(p *Object) bool {
	return string(o.JSON) == string(p.JSON) && o.Role == p.Role && (o.Typed == nil) == (p.Typed == nil) &&
		o.APIVersion == p.APIVersion && o.File == p.File && o.Kustomization == p.Kustomization && o.Unplaced == p.Unplaced && o.Differs == p.Differs && o.Instead == p.Instead
}

// isOfItsNamespace reports whether the object is a policy that is read, and decides nothing but
// halves of pods of its namespace.
func (o *Object) isOfItsNamespace() bool {
	return o.Role == Policy && o.Typed != nil && !o.Differs && o.ID.Namespace != "" && strings.HasSuffix(o.ID.Kind, "NetworkPolicy")
}
