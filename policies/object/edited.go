package object

import "strings"

// Edited finds the namespaces in which policies of two sets differ that say something of the pods of
// their own namespace alone. Where anything else differs, be it of the cluster, of nobody's kind, or
// a NetworkSet, which policies everywhere may name, the sets are not comparable: who is in the
// other namespaces may be decided otherwise as well.
func Edited(a, b Set) (namespaces map[string]bool, comparable bool) {
	namespaces = map[string]bool{}
	x, y := a.objects, b.objects
	for len(x) > 0 || len(y) > 0 {
		order := 0 // of the next of both
		switch {
		case len(y) == 0:
			order = -1
		case len(x) == 0:
			order = 1
		default:
			order = x[0].ID.Compare(y[0].ID)
		}
		differ := order != 0 || !x[0].same(&y[0])
		for _, next := range []struct {
			all  *[]Object
			here bool
		}{{&x, order <= 0}, {&y, order >= 0}} {
			if !next.here {
				continue
			}
			o := &(*next.all)[0]
			*next.all = (*next.all)[1:]
			if !differ {
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
