package lower

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// values are what selectors name of each key.
var values = map[string][]string{
	"app": {"web", "api", "we", "b"}, "role": {"db", "web", "d"}, "kind": {"x", "xy"},
	"pcns.team": {"x", "y"}, "pcns.tenant": {"1", "2"}, "pcns.zone": {"x", "xy"}, "pcsa.role": {"x", "xy"},
	namespaceKey: {"a", "b", "c", "pr-1", "pr-", "kube-system"}, accountKey: {"robot", "default", "rob"},
}

// spelt are the ways to spell a normal key in a selector on pods.
var spelt = map[string]string{"projectcalico.org/namespace": namespaceKey, "projectcalico.org/serviceaccount": accountKey}

// selector draws one over the keys, and notes what it names. Keys with a prefix lose it
// where they stand alone, for those are of a selector on namespaces or accounts.
func (a *adding) selector(depth int, of asked, keys ...string) string {
	bare := strings.HasPrefix(keys[len(keys)-1], "pc") && (slices.Contains(keys, namespaceKey) || slices.Contains(keys, accountKey) || keys[0] == "pcsa.role" && len(keys) == 1)
	if depth > 0 && a.once(2) {
		joined := a.selector(depth-1, of, keys...) + one(a.Rand, " && ", " || ") + a.selector(depth-1, of, keys...)
		return one(a.Rand, "("+joined+")", "!("+joined+")")
	}
	key := one(a.Rand, keys...)
	normal := key
	if s, ok := spelt[key]; ok {
		normal = s
	}
	if bare {
		key = strings.TrimPrefix(strings.TrimPrefix(key, "pcns."), "pcsa.")
	}
	value := func() string {
		v := one(a.Rand, values[normal]...)
		of[normal] = append(of[normal], v)
		return "'" + v + "'"
	}
	of[normal] = append(of[normal], nil...)
	switch a.IntN(12) {
	case 0, 1, 2:
		return key + " == " + value()
	case 3, 4:
		return key + " != " + value()
	case 5:
		return key + " in {" + value() + ", " + value() + "}"
	case 6:
		return key + " not in {" + value() + ", " + value() + "}"
	case 7:
		return "has(" + key + ")"
	case 8:
		return "!has(" + key + ")"
	default:
		return key + one(a.Rand, " contains ", " starts with ", " ends with ") + value()
	}
}

// narrowed is a selector of Calico for some of the pods.
func (a *adding) narrowed(pods *plan.Pods, of asked) string {
	terms := []string{"has(projectcalico.org/namespace)"}
	ask := func(key string, r object.Requirement) {
		normal := key
		if r.Key == plan.NamespaceLabel {
			key, normal = namespaceKey, namespaceKey
		}
		of[normal] = append(of[normal], r.Values...)
		set := " {'" + strings.Join(r.Values, "', '") + "'}"
		switch r.Op {
		case object.In:
			terms = append(terms, key+" in"+set)
		case object.NotIn:
			terms = append(terms, key+" not in"+set)
		case object.Exists:
			terms = append(terms, "has("+key+")")
		case object.DoesNotExist:
			terms = append(terms, "!has("+key+")")
		}
	}
	if pods.Namespace != "" {
		ask(namespaceKey, object.Equals(plan.NamespaceLabel, pods.Namespace))
	}
	for _, r := range pods.Namespaces {
		ask("pcns."+r.Key, r)
	}
	for _, r := range pods.Selector {
		ask(r.Key, r)
	}
	if a.once(2) {
		terms = append(terms, "("+a.selector(1, of, one(a.Rand, "app", "role", "kind", "projectcalico.org/serviceaccount", "pcns.zone"))+")")
	}
	if len(terms) > 2 && a.once(10) { // and some more
		terms = slices.Delete(terms, len(terms)-1, len(terms))
	}
	a.Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
	return strings.Join(terms, " && ")
}

// variants are the values of a key with its constants: those, their beginnings and ends,
// two of them joined, one that nobody names, and none at all.
func variants(constants []string) []string {
	all := []string{"zz"}
	for _, v := range constants {
		all = append(all, v)
		if len(v) > 1 {
			all = append(all, v[:1], v[:len(v)-1], v[1:], v[len(v)-1:])
		}
		for _, w := range constants {
			all = append(all, v+w)
		}
	}
	slices.Sort(all)
	return append(slices.Compact(all), absent)
}

const absent = "\x00"
