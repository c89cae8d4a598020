package relation

import (
	"slices"
	"strings"
)

// Words tells what is known of the pods at an end: "pods of db with app=pg", "any pod".
func (c *Cube) Words(end End, namespace string) string {
	var with []string
	for _, k := range c.constraints {
		if v := &c.u.variables[k.variable]; v.end == end && v.isPodLabel() {
			with = append(with, k.values.Words(v.name))
		}
	}
	text, besides := c.namespaces(end, namespace), c.besides(end, with)
	if text == "any pod" && besides != "" {
		text = "pods"
	}
	return text + besides
}

// Besides tells what is known of the pods at an end that comes neither of their labels nor of
// the namespace's name, and so of nothing that an intent says of a workload: " with service
// account robot". It is empty where there is nothing.
func (c *Cube) Besides(end End) string { return c.besides(end, nil) }

// besides puts into words what is known of the pods at an end after some labels: ports that they
// name, service accounts, and labels of the namespace.
func (c *Cube) besides(end End, with []string) string {
	var account, namespace []string
	for _, k := range c.constraints {
		v := &c.u.variables[k.variable]
		switch name, ofAccount := strings.CutPrefix(v.name, accountPrefix); {
		case v.end != end || v.isPodLabel():
		case v.kind == ofFlag && k.flag == yes && strings.HasPrefix(v.name, "port "):
			with = append(with, "a port "+strings.TrimPrefix(v.name, "port "))
		case v.kind != ofLabel:
		case ofAccount:
			with = append(with, "a service account with "+k.values.Words(name))
		default:
			account = append(account, k.values.NameWords("service account"))
		}
	}
	for _, l := range c.places[end].labels {
		if l.values != nil {
			namespace = append(namespace, l.values.Words(c.u.variables[l.variable].name))
		}
	}
	text := ""
	if with = append(with, account...); len(with) > 0 {
		text = " with " + strings.Join(with, " and ")
	}
	if len(namespace) > 0 {
		text += " in a namespace with " + strings.Join(namespace, " and ")
	}
	return text
}

// namespaces puts into words in which namespaces the pods at an end are, of which one is named.
func (c *Cube) namespaces(end End, namespace string) string {
	p := c.places[end]
	if _, one := p.single(); one {
		return "pods of " + namespace
	}
	const few = 3
	var without []string
	for i, n := range c.u.listed {
		if !p.listed.has(i) && len(without) <= few {
			without = append(without, n.Name)
		}
	}
	switch {
	case len(without) > few || slices.Contains(p.others, nil):
		return "pods of a namespace such as " + namespace
	case len(without) > 0:
		return "pods of any namespace but " + strings.Join(without, ", ")
	}
	return "any pod"
}
