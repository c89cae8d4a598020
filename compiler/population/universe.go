package population

import (
	"maps"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/relation"
)

// UniverseOf describes the universe of what a plan knows of its cluster: the labels of the
// namespaces that it lists and of its patterns, and where pods are. The system's namespaces are
// listed as well.
func UniverseOf(p *plan.Plan) *relation.Universe {
	var all []relation.Namespace
	for _, n := range p.Namespaces {
		labels := maps.Clone(n.Labels)
		delete(labels, plan.NamespaceLabel)
		all = append(all, relation.Namespace{Name: n.Name, Labels: labels, Closed: n.Pattern && !n.Open && !n.Staged, Free: n.Unwritten})
	}
	for _, name := range p.Cluster.System {
		if _, listed := p.Namespace(name); !listed {
			all = append(all, relation.Namespace{Name: name})
		}
	}
	pods, others := p.Whereabouts()
	return relation.NewUniverse(all, pods, others)
}

// RelationOf makes the relation of what policies do in the universe of a plan.
func RelationOf(p *plan.Plan, m *meaning.Meaning) *relation.Relation {
	return UniverseOf(p).RelationOf(m)
}
