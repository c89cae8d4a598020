package meaning

import (
	"encoding/binary"
	"slices"
	"strings"

	"portcullis.dev/policies/selector"
)

// vocabulary is what policies and atoms ask of labels and ports. What nobody asks
// about tells no endpoints apart.
type vocabulary struct {
	selectors map[string]*asked             // by the selector's text
	seen      map[*selector.Selector]*asked // the same, without writing the text again
	order     []*asked
	keys      map[string]*mention
	ports     map[string]bool // names of ports
	services  map[string]int  // Services by namespace/name, in the order of serviceNames
	names     []string
	within    map[string][]int // services by namespace
}

// asked is one selector, and the pods and other holders of labels that it finds.
type asked struct {
	number   int // in the order in which they came
	selector selector.Selector
	found    found
	done     bool
	decides  bool // against somebody, perhaps: a policy isolates whom it selects, or a rule denies or passes on
}

// mention is what is asked of one label.
type mention struct {
	id     uint32
	values map[string]uint32
	// exact: a part of the value is asked for, so that every value is its own.
	exact bool
}

func newVocabulary() *vocabulary {
	return &vocabulary{
		selectors: map[string]*asked{}, seen: map[*selector.Selector]*asked{}, keys: map[string]*mention{}, ports: map[string]bool{},
		services: map[string]int{}, within: map[string][]int{},
	}
}

// selector takes note of a selector and gives back its one copy; nil for none.
func (v *vocabulary) selector(s *selector.Selector) *asked {
	if s == nil {
		return nil
	}
	if known, ok := v.seen[s]; ok {
		return known
	}
	text := s.String()
	if known, ok := v.selectors[text]; ok {
		v.seen[s] = known
		return known
	}
	a := &asked{number: len(v.order), selector: *s}
	v.selectors[text], v.seen[s] = a, a
	v.order = append(v.order, a)
	v.note(s.Root())
	return a
}

func (v *vocabulary) note(n *selector.Node) {
	for i := range n.Kids {
		v.note(&n.Kids[i])
	}
	if n.Key == "" {
		return
	}
	m := v.keys[n.Key]
	if m == nil {
		m = &mention{id: uint32(len(v.keys)), values: map[string]uint32{}}
		v.keys[n.Key] = m
	}
	switch n.Op {
	case selector.OpContains, selector.OpStartsWith, selector.OpEndsWith:
		m.exact = true
	default:
		for _, value := range n.Values {
			m.value(value)
		}
	}
}

// value numbers the values that are asked for. Zero is every other value.
func (m *mention) value(value string) uint32 {
	n, ok := m.values[value]
	if !ok {
		n = uint32(len(m.values)) + 1
		m.values[value] = n
	}
	return n
}

// entity takes note of what a rule asks of one end.
func (v *vocabulary) entity(e *Entity, services map[string]*service) {
	for _, ports := range [][]PortMatch{e.Ports, e.NotPorts} {
		for _, p := range ports {
			if p.Name != "" {
				v.ports[p.Name] = true
			}
		}
	}
	if e.Service == nil {
		return
	}
	name := e.Service.Namespace + "/" + e.Service.Name
	if _, known := v.services[name]; known {
		return
	}
	v.services[name] = len(v.names)
	v.within[e.Service.Namespace] = append(v.within[e.Service.Namespace], len(v.names))
	v.names = append(v.names, name)
	if s := services[name]; s != nil && s.object != nil {
		for _, p := range s.object.Spec.Ports {
			if p.TargetPort.StrVal != "" {
				v.ports[p.TargetPort.StrVal] = true
			}
		}
	}
}

// signature is what the vocabulary can say of a pod. Pods with one signature get the
// same verdicts, whoever asks.
type signature struct {
	bytes []byte
	pairs [][2]uint32
}

func (s *signature) reset() { s.bytes, s.pairs = s.bytes[:0], s.pairs[:0] }

func (s *signature) number(n uint32) { s.bytes = binary.AppendUvarint(s.bytes, uint64(n)) }

// label adds a label, if anybody asks for it.
func (s *signature) label(v *vocabulary, key, value string) {
	m := v.keys[key]
	if m == nil {
		return
	}
	n := m.values[value]
	if n == 0 && m.exact {
		n = m.value(value)
	}
	s.pairs = append(s.pairs, [2]uint32{m.id, n})
}

// labels adds those under a prefix, which nothing but inheritance can set.
func (s *signature) labels(v *vocabulary, prefix string, labels map[string]string) {
	for k, value := range labels {
		switch key := prefix + k; {
		case prefix == "" && inherited(key):
		case key == namespacePrefix+labelName, key == accountPrefix+labelName:
		default:
			s.label(v, key, value)
		}
	}
}

// inherited reports whether a pod's own label of that name is no label of the
// endpoint's: Calico sets it, or it comes from the namespace or service account.
func inherited(key string) bool {
	return key == labelNamespace || key == labelOrchestrator || key == labelServiceAccount ||
		strings.HasPrefix(key, namespacePrefix) || strings.HasPrefix(key, accountPrefix)
}

// flush writes what was added, in an order of its own.
func (s *signature) flush() {
	slices.SortFunc(s.pairs, func(a, b [2]uint32) int { return slices.Compare(a[:], b[:]) })
	s.number(uint32(len(s.pairs)))
	for _, p := range s.pairs {
		s.number(p[0])
		s.number(p[1])
	}
	s.pairs = s.pairs[:0]
}

// of writes the signature of a pod, its addresses apart.
func (s *signature) of(v *vocabulary, e *Endpoint, services map[string]*service) {
	s.label(v, labelNamespace, e.Namespace)
	if e.NamespaceLabels != nil {
		s.label(v, namespacePrefix+labelName, e.Namespace)
	}
	s.label(v, labelOrchestrator, "k8s")
	s.labels(v, namespacePrefix, e.NamespaceLabels)
	if e.ServiceAccount != "" {
		s.label(v, labelServiceAccount, e.ServiceAccount)
		s.label(v, accountPrefix+labelName, e.ServiceAccount)
	}
	s.labels(v, accountPrefix, e.ServiceAccountLabels)
	s.labels(v, "", e.Labels)
	s.flush()
	flags := uint32(0)
	if e.NamespaceLabels == nil {
		flags |= 1
	}
	if len(v.ports) > 0 && !e.PortsKnown {
		flags |= 2
	}
	s.number(flags)
	s.ports(v, e.Ports)
	for _, n := range v.behind(e, services) {
		s.number(uint32(n) + 1)
	}
	s.number(0)
}

// ofNode writes the signature of a pod on the host's network, of which nothing but
// the Services before it is ever asked.
func (s *signature) ofNode(v *vocabulary, e *Endpoint, behind []int) {
	for _, n := range behind {
		s.number(uint32(n) + 1)
	}
	s.number(0)
	if len(behind) == 0 {
		return
	}
	s.ports(v, e.Ports)
	if !e.PortsKnown {
		s.number(1)
	}
}

// behind are the Services, of those that somebody asks for, whose selectors find a pod.
func (v *vocabulary) behind(e *Endpoint, services map[string]*service) []int {
	var all []int
	for _, n := range v.within[e.Namespace] {
		if at := services[v.names[n]]; at != nil && at.selects(e) {
			all = append(all, n)
		}
	}
	return all
}

// ports adds the ports whose names somebody asks for.
func (s *signature) ports(v *vocabulary, ports []NamedPort) {
	var own []NamedPort
	for _, p := range ports {
		if v.ports[p.Name] && !slices.Contains(own, p) {
			own = append(own, p)
		}
	}
	slices.SortFunc(own, compareNamedPorts)
	s.number(uint32(len(own)))
	for _, p := range own {
		s.bytes = append(append(s.bytes, p.Name...), 0, byte(p.Protocol))
		s.number(uint32(p.Number))
	}
}
