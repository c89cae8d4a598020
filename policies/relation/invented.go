package relation

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// namespaceLabels invents the labels of a namespace, for one end and for another that is in it as
// well; nil where there are none that both can see.
func (s *Search) namespaceLabels(p, shared *place, in spot) (map[string]string, error) {
	labels := maps.Clone(in.labels)
	if labels == nil {
		labels = map[string]string{}
	}
	free := map[string]*selector.Values{}
	for _, of := range []*place{p, shared} {
		if of == nil {
			continue
		}
		for _, l := range of.labels {
			key := s.Universe.variables[l.variable].name
			if in.known[key] {
				continue
			}
			values := l.values
			if values != nil && free[key] != nil {
				values = s.Universe.solver.Intersect(values, free[key])
			}
			if values == nil {
				return nil, nil
			}
			if values.Undecided() {
				return nil, tooMuchOf(key, values)
			}
			free[key] = values
		}
	}
	for key, values := range free {
		if value, there := values.Example(); there {
			labels[key] = value
		}
	}
	labels[meaning.NameLabel] = in.name
	return labels, nil
}

// endpoint invents a pod from what a cube knows of its labels and of its service account.
func (s *Search) endpoint(c *Cube, end End, in spot, namespaceLabels map[string]string) *meaning.Endpoint {
	e := &meaning.Endpoint{
		Namespace: in.name, NamespaceLabels: namespaceLabels, PortsKnown: true,
		Labels: map[string]string{}, ServiceAccount: "default", ServiceAccountLabels: map[string]string{},
	}
	for _, k := range c.constraints {
		v := &s.Universe.variables[k.variable]
		if v.kind != ofLabel || v.end != end {
			continue
		}
		value, there := k.values.Example()
		switch name, ofAccount := strings.CutPrefix(v.name, accountPrefix); {
		case v.name == accountName:
			if !k.values.Contains(e.ServiceAccount, true) {
				e.ServiceAccount = value
			}
		case ofAccount && there:
			e.ServiceAccountLabels[name] = value
		case !ofAccount && there:
			e.Labels[name] = value
		}
	}
	e.Name = nameless(e)
	return e
}

// nameless names an invented pod, which nobody described: by its labels.
func nameless(e *meaning.Endpoint) string {
	if len(e.Labels) == 0 {
		return "*"
	}
	var terms []string
	for _, key := range slices.Sorted(maps.Keys(e.Labels)) {
		terms = append(terms, key+"="+e.Labels[key])
	}
	return strings.Join(terms, ",")
}

// accounts sees to it that two invented pods of one namespace and service account see the same
// labels of it, or have different ones.
func (s *Search) accounts(c *Cube, ends *[2]*meaning.Endpoint) (ok bool, undecided error) {
	if ends[Own].ServiceAccount != ends[Peer].ServiceAccount {
		return true, nil
	}
	labels, ok := map[string]string{}, true
	for _, k := range c.constraints {
		v := &s.Universe.variables[k.variable]
		name, ofAccount := strings.CutPrefix(v.name, accountPrefix)
		if v.kind != ofLabel || !ofAccount {
			continue
		}
		values := s.Universe.solver.Intersect(k.values, c.known(k.variable^1).values)
		if values == nil {
			ok, undecided = false, nil
			break
		}
		if values.Undecided() {
			ok, undecided = false, tooMuchOf(v.name, values)
			continue
		}
		if value, there := values.Example(); there {
			labels[name] = value
		}
	}
	if ok {
		ends[Own].ServiceAccountLabels, ends[Peer].ServiceAccountLabels = labels, labels
		return true, nil
	}
	taken := selector.Test{Op: selector.OpIn, Values: []string{ends[Own].ServiceAccount}}
	for _, end := range []End{Peer, Own} {
		account := c.known(s.Universe.variable(variableKey{ofLabel, end, accountName})).values
		other := s.Universe.solver.Where(account, taken, false)
		if other == nil {
			continue
		}
		if other.Undecided() {
			undecided = tooMuchOf("account", other)
			continue
		}
		ends[end].ServiceAccount, _ = other.Example()
		return true, nil
	}
	return false, undecided
}
