package meaning

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
)

// nameLabel is the label that every Namespace carries with its own name (Kubernetes
// 1.22 and later: the API server sets it and nobody can change it).
const nameLabel = "kubernetes.io/metadata.name"

// newcomers makes up the pods that may come one day. Their labels are all that is
// known of them.
type newcomers struct {
	r          *Relation
	namespaces map[string]map[string]string // labels by name
	unknown    string                       // a namespace that nobody knows
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
		for _, name := range spelt(&s.selector.root) {
			c.named(name)
		}
	}
	c.unknown = "unknown-namespace"
	for c.namespaces[c.unknown] != nil {
		c.unknown += "-x"
	}
	c.named(c.unknown)
	var all []*Endpoint
	for _, name := range diag.SortedKeys(c.namespaces) {
		all = append(all, c.pod(name, c.namespaces[name], map[string]string{}))
	}
	return all
}

// spelt are the namespaces that a selector names, if only to leave them out.
func spelt(n *node) []string {
	var all []string
	switch n.key {
	case labelNamespace, namespacePrefix + labelName, namespacePrefix + nameLabel:
		switch n.op {
		case opEqual, opNotEqual, opIn, opNotIn:
			all = append(all, n.values...)
		}
	}
	for i := range n.kids {
		all = append(all, spelt(&n.kids[i])...)
	}
	return all
}

// named gives a namespace of which only the name is known the label that it has at
// least.
func (c *newcomers) named(name string) {
	if c.namespaces[name] == nil {
		c.namespaces[name] = map[string]string{nameLabel: name}
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

// wanted are a pod for every selector that finds none, as far as one satisfies it.
func (c *newcomers) wanted() []*Endpoint {
	var all []*Endpoint
	for _, s := range c.r.vocabulary.order {
		if !c.r.find(s)[holdsPods].IsEmpty() {
			continue
		}
		for _, way := range ways(&s.selector.root, false) {
			if e := c.satisfying(way); s.selector.Matches(e) {
				all = append(all, e)
				break
			}
		}
	}
	return all
}

// ways are labels that may satisfy a selector, a map for each branch of it. They are
// tried, so that some may be wrong.
func ways(n *node, negated bool) []map[string]string {
	one := func(value string) []map[string]string { return []map[string]string{{n.key: value}} }
	switch {
	case n.op == opNot:
		return ways(&n.kids[0], !negated)
	case n.op == opAnd && !negated, n.op == opOr && negated:
		all := []map[string]string{{}}
		for i := range n.kids {
			var next []map[string]string
			for _, more := range ways(&n.kids[i], negated) {
				for _, way := range all {
					next = append(next, merged(way, more))
				}
			}
			all = next[:min(len(next), mostWays)]
		}
		return all
	case n.op == opAnd, n.op == opOr:
		var all []map[string]string
		for i := range n.kids {
			all = append(all, ways(&n.kids[i], negated)...)
		}
		return all[:min(len(all), mostWays)]
	case n.op == opHas && !negated:
		return one("any")
	case n.op == opNotEqual && negated, n.op == opNotIn && negated && len(n.values) > 0,
		n.op != opNotEqual && n.op != opNotIn && !negated && len(n.values) > 0:
		return one(n.values[0])
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

// satisfying is the pod with those labels, some of which its namespace and service
// account have to have.
func (c *newcomers) satisfying(way map[string]string) *Endpoint {
	own, everywhere, account := map[string]string{}, map[string]string{}, map[string]string{}
	var namespace, accountName string
	for _, k := range diag.SortedKeys(way) {
		switch rest, of := strings.CutPrefix(k, namespacePrefix); {
		case k == labelNamespace, k == namespacePrefix+labelName, k == namespacePrefix+nameLabel:
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
	namespace, labels := c.home(namespace, everywhere)
	e := c.pod(namespace, labels, own)
	if accountName != "" || len(account) > 0 {
		e.ServiceAccount, e.ServiceAccountLabels = accountName, account
		if accountName == "" {
			e.ServiceAccount = "any"
		}
	}
	return e
}

// home is the namespace of that name, or the first known one with those labels, or
// one that nobody knows with them.
func (c *newcomers) home(name string, labels map[string]string) (string, map[string]string) {
	switch {
	case name != "" && c.namespaces[name] != nil:
		return name, c.namespaces[name]
	case name != "":
		return name, merged(map[string]string{nameLabel: name}, labels)
	case len(labels) == 0:
		return c.unknown, c.namespaces[c.unknown]
	}
	for _, known := range diag.SortedKeys(c.namespaces) {
		if !slices.ContainsFunc(diag.SortedKeys(labels), func(k string) bool { return c.namespaces[known][k] != labels[k] }) {
			return known, c.namespaces[known]
		}
	}
	return c.unknown, merged(map[string]string{nameLabel: c.unknown}, labels)
}
