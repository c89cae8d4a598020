package meaning

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/selector"
)

// NameLabel is the label that every Namespace carries with its own name (Kubernetes
// 1.22 and later: the API server sets it and nobody can change it).
const NameLabel = "kubernetes.io/metadata.name"

// newcomers makes up the pods that may come one day. Their labels are all that is
// known of them.
type newcomers struct {
	r          *Relation
	namespaces map[string]map[string]string // labels by name
	names      []string                     // of those, sorted
	unknown    string                       // a namespace that nobody knows

	all  []*Endpoint
	seen map[string]bool
}

// unlabelled are a pod without labels in every namespace that occurs, and in one
// that nobody knows.
func (c *newcomers) unlabelled(known []*Endpoint, a *Atoms) []*Endpoint {
	for _, e := range known {
		if e.NamespaceLabels != nil && c.namespaces[e.Namespace] == nil {
			c.namespaces[e.Namespace] = e.NamespaceLabels
		}
	}
	for name, labels := range a.namespaces {
		if c.namespaces[name] == nil {
			c.namespaces[name] = labels
		}
	}
	maps.Copy(c.namespaces, c.r.m.namespaces)
	for _, e := range known {
		c.named(e.Namespace)
	}
	for _, p := range c.r.m.Policies {
		if p.ID.Namespace != "" {
			c.named(p.ID.Namespace)
		}
	}
	for _, s := range c.r.vocabulary.order {
		for _, name := range spelt(s.selector.Root()) {
			c.named(name)
		}
	}
	c.unknown = "unknown-namespace"
	for c.namespaces[c.unknown] != nil {
		c.unknown += "-x"
	}
	c.named(c.unknown)
	c.names = diag.SortedKeys(c.namespaces)
	var all []*Endpoint
	for _, name := range c.names {
		all = append(all, c.pod(name, c.namespaces[name], map[string]string{}))
	}
	return all
}

// spelt are the namespaces that a selector names, if only to leave them out.
func spelt(n *selector.Node) []string {
	var all []string
	switch n.Key {
	case labelNamespace, namespacePrefix + labelName, namespacePrefix + NameLabel:
		switch n.Op {
		case selector.OpEqual, selector.OpNotEqual, selector.OpIn, selector.OpNotIn:
			all = append(all, n.Values...)
		}
	}
	for i := range n.Kids {
		all = append(all, spelt(&n.Kids[i])...)
	}
	return all
}

// named gives a namespace of which only the name is known the label that it has at
// least.
func (c *newcomers) named(name string) {
	if c.namespaces[name] == nil {
		c.namespaces[name] = map[string]string{NameLabel: name}
	}
}

func (c *newcomers) pod(namespace string, namespaceLabels, labels map[string]string) *Endpoint {
	name := "*"
	if len(labels) > 0 {
		var words []string
		for _, k := range diag.SortedKeys(labels) {
			words = append(words, k+"="+labels[k])
		}
		name = strings.Join(words, ",")
	}
	return &Endpoint{
		Namespace: namespace, Name: name, Labels: labels, NamespaceLabels: namespaceLabels, ServiceAccount: "default",
	}
}

// wanted are a pod for every selector that finds none, as far as one satisfies it. Where
// look-alikes are asked for, they are, for every selector, pods with just what satisfies
// it, and such as miss it by one thing.
func (c *newcomers) wanted(a *Atoms) []*Endpoint {
	c.seen = map[string]bool{}
	for _, e := range a.others {
		c.add(e)
	}
	for _, s := range c.r.vocabulary.order {
		if !a.lookAlikes && !c.r.find(s)[holdsPods].IsEmpty() {
			continue
		}
		for _, way := range ways(s.selector.Root(), false) {
			found := false
			for _, e := range c.satisfying(way) {
				if s.selector.Matches(e) {
					c.add(e)
					found = true
				}
			}
			if found && !a.lookAlikes {
				break
			}
		}
		if !a.lookAlikes {
			continue
		}
		for _, way := range misses(s.selector.Root()) {
			for _, e := range c.satisfying(way) {
				c.add(e)
			}
		}
	}
	return c.all
}

// doubles are the others once more, in labels besides for which somebody asks who can
// deny: two denies, or a deny and a flow that is meant, can meet in a pod that wears what
// both ask for, and in no other. Allows only add, and what they make of such a pod is
// what they make of each.
func (c *newcomers) doubles(known []*Endpoint) []*Endpoint {
	type more struct {
		selector *selector.Selector
		labels   map[string]string
	}
	byNamespace := map[string][]more{} // without a name: of any
	for _, s := range c.r.vocabulary.order {
		if !s.decides || c.forHosts(&s.selector, known) {
			continue
		}
		for _, way := range append(ways(s.selector.Root(), false), ways(s.selector.Root(), true)...) {
			namespace, own := ownLabels(way)
			if len(own) > 0 {
				byNamespace[namespace] = append(byNamespace[namespace], more{&s.selector, own})
			}
		}
	}
	others := slices.Concat(known, c.all)
	c.all = nil
	for _, e := range others {
		if e.HostNetwork {
			continue
		}
		for _, namespace := range []string{"", e.Namespace} {
			for _, m := range byNamespace[namespace] {
				if !adds(m.labels, e.Labels) {
					continue
				}
				dressed := *c.pod(e.Namespace, e.NamespaceLabels, merged(e.Labels, m.labels))
				dressed.ServiceAccount, dressed.ServiceAccountLabels = e.ServiceAccount, e.ServiceAccountLabels
				if m.selector.Matches(&dressed) != m.selector.Matches(e) {
					c.add(&dressed)
				}
			}
		}
	}
	return c.all
}

// forHosts reports whether a selector finds a host endpoint and none of those pods: then
// it was not written to be worn by pods.
func (c *newcomers) forHosts(s *selector.Selector, known []*Endpoint) bool {
	return slices.ContainsFunc(c.r.m.Hosts, func(h *Host) bool { return s.Matches(h) }) &&
		!slices.ContainsFunc(known, func(e *Endpoint) bool { return s.Matches(e) })
}

// ownLabels are those of some labels that a pod has by itself, and the namespace where
// it has to be.
func ownLabels(way map[string]string) (namespace string, own map[string]string) {
	own = map[string]string{}
	for k, v := range way {
		switch {
		case namesNamespace(k):
			namespace = v
		case !inherited(k):
			own[k] = v
		}
	}
	return namespace, own
}

// adds reports whether labels say something that others do not, and nothing else than
// they do.
func adds(labels, others map[string]string) bool {
	more := false
	for k, v := range labels {
		was, has := others[k]
		if has && was != v {
			return false
		}
		more = more || !has
	}
	return more
}

// add takes in a pod, once.
func (c *newcomers) add(e *Endpoint) {
	key := fmt.Sprint(e.Namespace, e.Labels, e.NamespaceLabels, e.ServiceAccount, e.ServiceAccountLabels)
	if !c.seen[key] {
		c.seen[key] = true
		c.all = append(c.all, e)
	}
}

// misses are labels that satisfy all but one part of a selector.
func misses(n *selector.Node) []map[string]string {
	if n.Op != selector.OpAnd {
		return ways(n, true)
	}
	var all []map[string]string
	for i := range n.Kids {
		rest := selector.Node{Op: selector.OpAnd, Kids: slices.Delete(slices.Clone(n.Kids), i, i+1)}
		for _, other := range ways(&n.Kids[i], true) {
			for _, way := range ways(&rest, false) {
				all = append(all, merged(other, way))
			}
		}
	}
	return all[:min(len(all), mostWays)]
}

// ways are labels that may satisfy a selector, a map for each branch of it. They are
// tried, so that some may be wrong.
func ways(n *selector.Node, negated bool) []map[string]string {
	one := func(value string) []map[string]string { return []map[string]string{{n.Key: value}} }
	switch {
	case n.Op == selector.OpNot:
		return ways(&n.Kids[0], !negated)
	case n.Op == selector.OpAnd && !negated, n.Op == selector.OpOr && negated:
		all := []map[string]string{{}}
		for i := range n.Kids {
			var next []map[string]string
			for _, more := range ways(&n.Kids[i], negated) {
				for _, way := range all {
					next = append(next, merged(way, more))
				}
			}
			all = next[:min(len(next), mostWays)]
		}
		return all
	case n.Op == selector.OpAnd, n.Op == selector.OpOr:
		var all []map[string]string
		for i := range n.Kids {
			all = append(all, ways(&n.Kids[i], negated)...)
		}
		return all[:min(len(all), mostWays)]
	case n.Op == selector.OpHas && !negated:
		return one("any")
	case n.Op == selector.OpNotEqual && negated, n.Op == selector.OpNotIn && negated && len(n.Values) > 0,
		n.Op != selector.OpNotEqual && n.Op != selector.OpNotIn && !negated && len(n.Values) > 0:
		var all []map[string]string
		for _, v := range n.Values[:min(len(n.Values), mostWays)] {
			all = append(all, one(v)...)
		}
		return all
	}
	return []map[string]string{{}} // what is not asked for is left out
}

// mostWays bounds how many ways through a selector are tried.
const mostWays = 64

func merged(a, b map[string]string) map[string]string {
	m := map[string]string{}
	for _, labels := range []map[string]string{b, a} { // what came first stands
		for k, v := range labels {
			m[k] = v
		}
	}
	return m
}

// satisfying are the pods with those labels, some of which their namespace and service
// account have to have.
func (c *newcomers) satisfying(way map[string]string) []*Endpoint {
	own, everywhere, account := map[string]string{}, map[string]string{}, map[string]string{}
	var namespace, accountName string
	for _, k := range diag.SortedKeys(way) {
		switch rest, of := strings.CutPrefix(k, namespacePrefix); {
		case namesNamespace(k):
			namespace = way[k]
		case k == labelServiceAccount, k == accountPrefix+labelName:
			accountName = way[k]
		case of:
			everywhere[rest] = way[k]
		case strings.HasPrefix(k, accountPrefix):
			account[strings.TrimPrefix(k, accountPrefix)] = way[k]
		case k != labelOrchestrator:
			own[k] = way[k]
		}
	}
	var all []*Endpoint
	for _, h := range c.homes(namespace, everywhere) {
		e := c.pod(h.name, h.labels, own)
		if accountName != "" || len(account) > 0 {
			e.ServiceAccount, e.ServiceAccountLabels = accountName, account
			if accountName == "" {
				e.ServiceAccount = "any"
			}
		}
		all = append(all, e)
	}
	return all
}

// namesNamespace reports whether a label's value is the name of the pod's namespace.
func namesNamespace(key string) bool {
	return key == labelNamespace || key == namespacePrefix+labelName || key == namespacePrefix+NameLabel
}

// home is a namespace.
type home struct {
	name   string
	labels map[string]string
}

// homes are the namespace of that name or, without a name, the first known one with
// those labels, and one that nobody knows with just them.
func (c *newcomers) homes(name string, labels map[string]string) []home {
	switch {
	case name != "" && c.namespaces[name] != nil:
		return []home{{name, c.namespaces[name]}}
	case name != "":
		return []home{{name, merged(map[string]string{NameLabel: name}, labels)}}
	}
	stranger := home{c.unknown, merged(map[string]string{NameLabel: c.unknown}, labels)}
	if len(labels) == 0 {
		return []home{stranger}
	}
	for _, known := range c.names {
		if !slices.ContainsFunc(diag.SortedKeys(labels), func(k string) bool { return c.namespaces[known][k] != labels[k] }) {
			return []home{{known, c.namespaces[known]}, stranger}
		}
	}
	return []home{stranger}
}
