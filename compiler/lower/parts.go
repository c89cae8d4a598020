package lower

import (
	"slices"

	"portcullis.dev/policies/object"
)

// What one object may hold. The numbers of Calico are those of its custom resources
// from 3.33 on (api/pkg/apis/projectcalico/v3). Kubernetes has none for policies,
// but kubectl apply keeps the whole object in an annotation, and annotations have
// 256 KiB together (apimachinery, ValidateAnnotationsSize).
const (
	maxRules    = 1024
	maxPeers    = 1024
	maxNets     = 256
	maxPorts    = 50
	maxSelector = 1024
	maxBytes    = 128 << 10
)

// maxDepth is how often a name's things can be halved: far more often than there are
// things.
const maxDepth = 32

// part is a share of what one name stands for.
type part[T any] struct {
	name   string
	things []T
	fits   bool // false of a single thing that is too much by itself
}

// parts shares things out over as many objects as they need. What a thing's digest
// begins with decides its place, so that adding or removing one touches a single
// part: one that grows too large becomes two, and the others keep their names. All
// names begin with the prefix, as those of policies must with their tier's.
func parts[T any](prefix, name string, things []T, key func(T) string, fits func([]T) bool) []part[T] {
	type keyed struct {
		thing T
		bits  string
	}
	all := make([]keyed, len(things))
	for i, t := range things {
		all[i].thing = t
	}
	plain := func(some []keyed) []T {
		out := make([]T, len(some))
		for i, k := range some {
			out[i] = k.thing
		}
		return out
	}
	var out []part[T]
	var share func(some []keyed, bits string)
	share = func(some []keyed, bits string) {
		things := plain(some)
		p := part[T]{name: named(prefix, name), things: things, fits: fits(things)}
		if bits != "" {
			p.name = named(prefix, prefixPart+bits+"-"+name)
		}
		if p.fits || len(some) == 1 || len(bits) == maxDepth {
			out = append(out, p)
			return
		}
		var halves [2][]keyed
		for _, k := range some {
			if k.bits == "" {
				k.bits = binary(digest(key(k.thing)))
			}
			half := k.bits[len(bits)] - '0'
			halves[half] = append(halves[half], k)
		}
		for i, half := range halves {
			if len(half) > 0 {
				share(half, bits+string(rune('0'+i)))
			}
		}
	}
	share(all, "")
	return out
}

// binary turns a digest's hexadecimal digits into bits, by which things are shared out among
// parts.
func binary(hex string) string {
	bits := make([]byte, 0, 4*len(hex))
	for _, c := range []byte(hex) {
		n := c - '0'
		if c >= 'a' {
			n = c - 'a' + 10
		}
		for shift := 3; shift >= 0; shift-- {
			bits = append(bits, '0'+n>>shift&1)
		}
	}
	return string(bits)
}

// maxAlternatives bounds what a selector is written out into.
const maxAlternatives = 64

// alternatives splits a selector into parts that select together what it does, each with a text of
// at most room characters in Calico's grammar: long lists of values are halved. The last result is
// false if that cannot be done.
func alternatives(s object.Selector, room int) ([]object.Selector, bool) {
	var done []object.Selector
	for todo := []object.Selector{s}; len(todo) > 0; {
		s, todo = todo[0], todo[1:]
		if len(s) == 0 || len(s.Calico()) <= room {
			done = append(done, s)
			continue
		}
		longest := -1
		for i, r := range s {
			if r.Op == object.In && len(r.Values) > 1 && (longest < 0 || len(r.Values) > len(s[longest].Values)) {
				longest = i
			}
		}
		if longest < 0 || len(done)+len(todo)+2 > maxAlternatives {
			return nil, false
		}
		half := len(s[longest].Values) / 2
		for _, values := range [][]string{s[longest].Values[:half], s[longest].Values[half:]} {
			some := slices.Clone(s)
			some[longest].Values = values
			todo = append(todo, some)
		}
	}
	return done, true
}
