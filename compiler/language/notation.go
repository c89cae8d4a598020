package language

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Mapping is a mapping with keys of the user's own, in the order of the file.
type Mapping[K comparable, V any] []Entry[K, V]

// Entry is one member of a Mapping.
type Entry[K comparable, V any] struct {
	Key   At[K]
	Value V
}

// decodeNode reads the notation of a mapping with keys of the user's own, in which a key without a
// value may stand for an empty mapping.
func (m *Mapping[K, V]) decodeNode(d *decoder, n *yaml.Node) {
	*m = Mapping[K, V]{}
	if n.Kind != yaml.MappingNode {
		d.add(WrongType.At(d.at.Span(n), "expected a mapping, found %s", describe(n)).Suggest("write it as {name: value}"))
		return
	}
	*m = make(Mapping[K, V], 0, len(n.Content)/2)
	for key, value := range pairs(n) {
		*m = append(*m, Entry[K, V]{})
		e := &(*m)[len(*m)-1]
		before := len(d.found)
		e.Key.decodeNode(d, key)
		switch isNull := value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null"; {
		case isNull && mayBeEmpty(reflect.TypeFor[V]()):
			d.value(&yaml.Node{Kind: yaml.MappingNode, Line: key.Line, Column: key.Column}, reflect.ValueOf(&e.Value).Elem())
		case isNull:
			d.add(WrongType.At(d.at.Span(key), "%s has no value", key.Value).Suggest("write the value, or remove the key"))
		default:
			d.value(value, reflect.ValueOf(&e.Value).Elem())
		}
		if len(d.found) > before && !e.Key.Given() {
			*m = (*m)[:len(*m)-1]
		}
	}
}

// mayBeEmpty reports whether a key without a value stands for an empty mapping, as
// in {dev: , prod: }: where the value is a struct without required fields.
func mayBeEmpty(t reflect.Type) bool {
	_, special := reflect.New(t).Interface().(nodeDecoder)
	return t.Kind() == reflect.Struct && !special && !slices.ContainsFunc(fieldsOf(t), func(f field) bool { return f.required })
}

// OneOrMany is a list, or its only member without the brackets.
type OneOrMany[T any] []At[T]

// decodeNode reads both notations: a list, or its only member without brackets.
func (l *OneOrMany[T]) decodeNode(d *decoder, n *yaml.Node) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	*l = OneOrMany[T]{}
	if d.tooLong(items) {
		return
	}
	*l = make(OneOrMany[T], len(items))
	for i, item := range items {
		(*l)[i].decodeNode(d, item)
	}
}

// PerEnvironment is a value that may differ by cluster: written once for all, or as
// a mapping from environments or groups to values.
type PerEnvironment[T any] struct {
	Span diag.Span
	All  *T
	By   Mapping[Name, T]
}

// decodeNode reads both notations: one value for all environments, or a mapping from environments
// to values.
func (p *PerEnvironment[T]) decodeNode(d *decoder, n *yaml.Node) {
	p.Span = d.at.Span(n)
	if n.Kind == yaml.MappingNode && !isPeerNotation(n) {
		p.By.decodeNode(d, n)
		return
	}
	p.All = new(T)
	d.value(n, reflect.ValueOf(p.All).Elem())
}

// Replication is the namespaces in each of which an intent stands: a list of them, or
// a selector over the labels that the Platform gives to namespaces.
type Replication struct {
	Span     diag.Span
	Names    []At[NamespaceName]
	Selector *Selector // nil where Names are given
}

// decodeNode reads both notations: a list of namespaces, or a selector over their labels.
func (r *Replication) decodeNode(d *decoder, n *yaml.Node) {
	r.Span = d.at.Span(n)
	switch n.Kind {
	case yaml.MappingNode:
		r.Selector = &Selector{}
		r.Selector.decodeNode(d, n)
	case yaml.SequenceNode:
		d.value(n, reflect.ValueOf(&r.Names).Elem())
		if len(n.Content) == 0 {
			d.add(WrongType.At(r.Span, "an empty list of namespaces").Suggest("name at least one, or select them by label: {} is every one that the Platform lists"))
		}
	default:
		d.add(WrongType.At(r.Span, "expected a list of namespaces or a selector over their labels, found %s", describe(n)).Suggest("write it as %s", listOf(n)))
	}
}

// isPeerNotation tells the notations {cidr: …} and {selector: …} of a peer from a mapping by
// environment.
func isPeerNotation(n *yaml.Node) bool {
	for key := range pairs(n) {
		if slices.Contains(peerKeys, key.Value) {
			return true
		}
	}
	return false
}

var peerKeys = slices.Concat(names(fieldsOf(reflect.TypeFor[addressPeer]())), names(fieldsOf(reflect.TypeFor[labelPeer]())))

// Selector is a label selector: a mapping of labels, where a list is any of, or
// Kubernetes' own matchLabels and matchExpressions.
type Selector struct {
	Span     diag.Span
	Selector object.Selector
}

type kubernetesSelector struct {
	Span             diag.Span
	MatchLabels      Mapping[LabelKey, At[LabelValue]] `key:"matchLabels"`
	MatchExpressions []matchExpression                 `key:"matchExpressions"`
}

type matchExpression struct {
	Span     diag.Span
	Key      At[LabelKey]     `key:"key,required"`
	Operator At[operator]     `key:"operator,required"`
	Values   []At[LabelValue] `key:"values"`
}

type operator object.Operator

// parse reads the operator of a matchExpressions entry, as Kubernetes spells it.
func (o *operator) parse(word, _ string) (m *mistake) {
	*o, m = choose(word, operators)
	return m
}

// decodeNode reads both notations of a label selector, a plain mapping of labels or Kubernetes'
// own, as one list of requirements.
func (s *Selector) decodeNode(d *decoder, n *yaml.Node) {
	s.Span = d.at.Span(n)
	if n.Kind != yaml.MappingNode {
		d.add(WrongType.At(s.Span, "expected a selector, found %s", describe(n)).Suggest("a selector is a mapping of labels: {app: kafka}"))
		return
	}
	if isKubernetesSelector(n) {
		s.Selector = d.kubernetesSelector(n)
		return
	}
	var labels Mapping[LabelKey, OneOrMany[LabelValue]]
	labels.decodeNode(d, n)
	var requirements []object.Requirement
	for _, l := range labels {
		if len(l.Value) == 0 {
			d.add(WrongType.At(l.Key.Span, "%s has an empty list of values", l.Key.Value).Suggest("no value is any of none: name at least one"))
			continue
		}
		requirements = append(requirements, object.Requirement{Key: string(l.Key.Value), Op: object.In, Values: Words(l.Value)})
	}
	s.Selector = object.NewSelector(requirements...)
}

// isKubernetesSelector tells the notation of matchLabels and matchExpressions from labels that
// happen to have these keys.
func isKubernetesSelector(n *yaml.Node) bool {
	for key, value := range pairs(n) {
		if (key.Value == "matchLabels" || key.Value == "matchExpressions") && value.Kind != yaml.ScalarNode {
			return true
		}
	}
	return false
}

// kubernetesSelector reads the notation matchLabels and matchExpressions into the requirements of
// a selector.
func (d *decoder) kubernetesSelector(n *yaml.Node) object.Selector {
	for key := range pairs(n) {
		if key.Value != "matchLabels" && key.Value != "matchExpressions" {
			d.add(WrongType.At(d.at.Span(key), "%s stands beside matchLabels or matchExpressions", key.Value).
				Suggest("write all labels as a plain mapping, or all of them under matchLabels"))
			return nil
		}
	}
	var k kubernetesSelector
	d.value(n, reflect.ValueOf(&k).Elem())
	var requirements []object.Requirement
	for _, l := range k.MatchLabels {
		requirements = append(requirements, object.Equals(string(l.Key.Value), string(l.Value.Value)))
	}
	for _, e := range k.MatchExpressions {
		op := object.Operator(e.Operator.Value)
		needsValues := op == object.In || op == object.NotIn
		if needsValues != (len(e.Values) > 0) && e.Operator.Given() {
			d.add(WrongType.At(e.Operator.Span, "%s with %d values", op, len(e.Values)).
				Suggest("In and NotIn need values; Exists and DoesNotExist have none"))
		}
		requirements = append(requirements, object.Requirement{Key: string(e.Key.Value), Op: op, Values: Words(e.Values)})
	}
	return object.NewSelector(requirements...)
}

// Words returns the values of a list in any of its notations as plain text.
func Words[S ~string](list []At[S]) []string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v.Value)
	}
	return words
}
