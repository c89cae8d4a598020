package intent

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Handshake says who must agree to a flow between two namespaces; a later value is
// stricter.
type Handshake int

// The handshakes, from the loosest.
const (
	Either Handshake = iota + 1
	Callee
	Both
)

// Unknown says what becomes of a namespace that nobody listed.
type Unknown int

// The choices for unknown namespaces.
const (
	Open Unknown = iota + 1
	Deny
)

// APIForm is object.APIForm as the language spells it.
type APIForm object.APIForm

func choose[T any](word string, choices map[string]T) (T, *mistake) {
	v, ok := choices[word]
	if ok {
		return v, nil
	}
	known := diag.SortedKeys(choices)
	m := &mistake{rule: wrongType, message: fmt.Sprintf("expected %s, found %.60q", listed(known, "or"), word),
		hint: "write " + listed(known, "or")}
	m.replace = nearest(word, known)
	return v, m
}

func (v *Handshake) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, map[string]Handshake{"either": Either, "callee": Callee, "both": Both})
	return m
}

func (v *Unknown) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, map[string]Unknown{"open": Open, "deny": Deny})
	return m
}

func (v *APIForm) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, map[string]APIForm{"aggregated": APIForm(object.Aggregated), "crd": APIForm(object.NativeCRD)})
	return m
}

// Mapping is a mapping with keys of the user's own, in the order of the file.
type Mapping[K, V any] []Entry[K, V]

// Entry is one member of a Mapping.
type Entry[K, V any] struct {
	Key   At[K]
	Value V
}

func (m *Mapping[K, V]) decodeNode(d *decoder, n *yaml.Node) {
	*m = Mapping[K, V]{}
	if n.Kind != yaml.MappingNode {
		d.add(wrongType.At(d.at.Span(n), "expected a mapping, found %s", describe(n)).Suggest("write it as {name: value}"))
		return
	}
	for key, value := range pairs(n) {
		var e Entry[K, V]
		before := len(d.found)
		e.Key.decodeNode(d, key)
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!null" {
			d.value(value, reflect.ValueOf(&e.Value).Elem())
		} else if reflect.TypeFor[V]().Kind() != reflect.Struct {
			d.add(wrongType.At(d.at.Span(key), "%s has no value", key.Value).Suggest("write the value, or remove the key"))
		}
		if len(d.found) == before || e.Key.Given() {
			*m = append(*m, e)
		}
	}
}

// OneOrMany is a list, or its only member without the brackets.
type OneOrMany[T any] []At[T]

func (l *OneOrMany[T]) decodeNode(d *decoder, n *yaml.Node) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	*l = OneOrMany[T]{}
	for _, item := range items {
		var v At[T]
		v.decodeNode(d, item)
		*l = append(*l, v)
	}
}

// PerEnvironment is a value that may differ by cluster: written once for all, or as
// a mapping from environments or groups to values.
type PerEnvironment[T any] struct {
	Span diag.Span
	All  *T
	By   Mapping[Name, T]
}

func (p *PerEnvironment[T]) decodeNode(d *decoder, n *yaml.Node) {
	p.Span = d.at.Span(n)
	if n.Kind == yaml.MappingNode && !isPeerNotation(n) {
		p.By.decodeNode(d, n)
		return
	}
	p.All = new(T)
	d.value(n, reflect.ValueOf(p.All).Elem())
}

// isPeerNotation tells {cidr: …} and {selector: …} from a mapping by environment.
func isPeerNotation(n *yaml.Node) bool {
	for key := range pairs(n) {
		switch key.Value {
		case "cidr", "except", "selector", "namespace", "namespaceSelector":
			return true
		}
	}
	return false
}

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

func (o *operator) parse(word, _ string) (m *mistake) {
	*o, m = choose(word, map[string]operator{
		"In": operator(object.In), "NotIn": operator(object.NotIn),
		"Exists": operator(object.Exists), "DoesNotExist": operator(object.DoesNotExist),
	})
	return m
}

func (s *Selector) decodeNode(d *decoder, n *yaml.Node) {
	s.Span = d.at.Span(n)
	if n.Kind != yaml.MappingNode {
		d.add(wrongType.At(s.Span, "expected a selector, found %s", describe(n)).Suggest("a selector is a mapping of labels: {app: kafka}"))
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
			d.add(wrongType.At(l.Key.Span, "%s has an empty list of values", l.Key.Value).Suggest("no value is any of none: name at least one"))
			continue
		}
		requirements = append(requirements, object.Requirement{Key: string(l.Key.Value), Op: object.In, Values: wordsOf(l.Value)})
	}
	s.Selector = object.NewSelector(requirements...)
}

func isKubernetesSelector(n *yaml.Node) bool {
	for key, value := range pairs(n) {
		if (key.Value == "matchLabels" || key.Value == "matchExpressions") && value.Kind != yaml.ScalarNode {
			return true
		}
	}
	return false
}

func (d *decoder) kubernetesSelector(n *yaml.Node) object.Selector {
	for key := range pairs(n) {
		if key.Value != "matchLabels" && key.Value != "matchExpressions" {
			d.add(wrongType.At(d.at.Span(key), "%s stands beside matchLabels or matchExpressions", key.Value).
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
			d.add(wrongType.At(e.Operator.Span, "%s with %d values", op, len(e.Values)).
				Suggest("In and NotIn need values; Exists and DoesNotExist have none"))
		}
		requirements = append(requirements, object.Requirement{Key: string(e.Key.Value), Op: op, Values: wordsOf(e.Values)})
	}
	return object.NewSelector(requirements...)
}

func wordsOf[S ~string](list []At[S]) []string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v.Value)
	}
	return words
}

// PeerKind is which notation a Peer is written in.
type PeerKind int

// The notations of a peer.
const (
	WorkloadPeer PeerKind = iota + 1 // cart, payments/ledger
	SetPeer                          // payments/*, */*
	NamedPeer                        // @corp
	LabelPeer                        // {selector}, {namespace, selector}, {namespaceSelector, selector}
	AddressPeer                      // {cidr, except}
)

// Peer is the other end of a line as it is written; resolving gives it a meaning.
type Peer struct {
	Kind      PeerKind
	Namespace string // workload, set ("*" is every one); empty is the line's own
	Name      string // workload, or the @name without its @
	Labels    labelPeer
	Addresses addressPeer
}

type labelPeer struct {
	Span              diag.Span
	Namespace         At[Name]  `key:"namespace"`
	NamespaceSelector *Selector `key:"namespaceSelector"`
	Selector          *Selector `key:"selector"`
}

type addressPeer struct {
	Span   diag.Span
	CIDR   At[CIDR]   `key:"cidr,required"`
	Except []At[CIDR] `key:"except"`
}

func (p *Peer) decodeNode(d *decoder, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		d.scalar(n, p)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(badPeer.At(d.at.Span(n), "expected a peer, found %s", describe(n)).Suggest("%s", badPeer.Help))
		return
	}
	for key := range pairs(n) {
		if key.Value == "cidr" || key.Value == "except" {
			p.Kind = AddressPeer
			d.value(n, reflect.ValueOf(&p.Addresses).Elem())
			return
		}
	}
	p.Kind = LabelPeer
	d.value(n, reflect.ValueOf(&p.Labels).Elem())
	if p.Labels.Namespace.Given() && p.Labels.NamespaceSelector != nil {
		p.Kind = 0 // that is said, and nothing else of it
		d.add(badPeer.At(d.at.Span(n), "a peer has namespace and namespaceSelector").Suggest("keep the one that is meant"))
	}
	if p.Labels.Selector == nil && !p.Labels.Namespace.Given() && p.Labels.NamespaceSelector == nil {
		d.add(badPeer.At(d.at.Span(n), "an empty peer").Suggest("name who is meant; every pod of the cluster is \"*/*\""))
	}
}

func (p *Peer) parse(word, tag string) *mistake {
	bad := func(hint, replace string) *mistake {
		return &mistake{rule: badPeer, message: fmt.Sprintf("%.80q is not a peer", word), hint: hint, replace: replace}
	}
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected a peer, found " + tagged(word, tag), hint: "a name is text: quote it", replace: fmt.Sprintf("%q", word)}
	}
	if name, ok := strings.CutPrefix(word, "@"); ok {
		if !dnsLabel.MatchString(name) {
			return bad("after the @ stands a name of the Platform's peers", "")
		}
		p.Kind, p.Name = NamedPeer, name
		return nil
	}
	if host, ok := strings.CutPrefix(word, "dns:"); ok {
		return bad(fmt.Sprintf("open-source Calico has no policy by DNS name, and %s is not resolved at build time because it may change after: use an @name of the Platform or an egress proxy", host), "")
	}
	if _, m := parseCIDR(word); m == nil {
		return bad("addresses are written as {cidr: "+word+"}", "{cidr: \""+word+"\"}")
	}
	namespace, name, both := strings.Cut(word, "/")
	if !both {
		namespace, name = "", word
		if n, ns, dotted := strings.Cut(word, "."); dotted {
			ns, _, _ = strings.Cut(ns, ".") // ledger.payments.svc.cluster.local
			if dnsLabel.MatchString(n) && dnsLabel.MatchString(ns) {
				return bad("write namespace/name: "+ns+"/"+n, ns+"/"+n)
			}
		}
	}
	switch {
	case both && name == "*" && (namespace == "*" || dnsLabel.MatchString(namespace)):
		p.Kind, p.Namespace = SetPeer, namespace
	case both && namespace == "*":
		return bad("every pod of the cluster is \"*/*\"; the same name in every namespace is {namespaceSelector: {}, selector: {…}}", "")
	case dnsLabel.MatchString(name) && (!both || dnsLabel.MatchString(namespace)):
		p.Kind, p.Namespace, p.Name = WorkloadPeer, namespace, name
	case word == "*":
		return bad("every pod of this namespace is {selector: {}}; of the cluster, \"*/*\"", "")
	default:
		hint := "a peer is a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), a selector, {cidr, except}, or an @name"
		if mended := mendName(word); mended != "" && !both {
			hint += "; did you mean " + mended + "?"
		}
		return bad(hint, "")
	}
	return nil
}
