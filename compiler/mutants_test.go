package compiler

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// mutant is an object with one change.
type mutant struct {
	name string // object, pointer and change
	was  object.Object
	now  []object.Object // none: the object is gone
}

// among is the set with the mutant in its object's place.
func (m mutant) among(set object.Set) object.Set {
	others := slices.DeleteFunc(slices.Clone(set.All()), func(o object.Object) bool { return o.ID == m.was.ID })
	changed, _ := object.NewSet(append(others, m.now...))
	return changed
}

// astray is a name that nothing has: what a changed label, value or namespace becomes.
const astray = "mutant"

// mutate makes every mutant of an object that decides about packets, each once. Staged
// policies decide about none. The orders are those of the other policies of its tier.
func mutate(o object.Object, orders []float64) []mutant {
	m := &mutation{was: o, seen: map[string]bool{string(normal(o.JSON)): true}}
	switch o.ID.Kind {
	case "NetworkPolicy", "GlobalNetworkPolicy", "Tier", "GlobalNetworkSet", "NetworkSet":
		m.all = append(m.all, mutant{o.ID.String() + " gone", o, nil})
	}
	switch {
	case o.APIVersion == object.KubernetesAPI:
		m.kubernetes()
	case o.ID.Kind == "NetworkPolicy", o.ID.Kind == "GlobalNetworkPolicy":
		m.calico(orders)
	case o.ID.Kind == "GlobalNetworkSet", o.ID.Kind == "NetworkSet":
		m.nets("/spec/nets")
		m.labels("/metadata/labels")
	case o.ID.Kind == "Tier":
		for _, action := range []string{"Deny", "Pass"} {
			m.put("/spec/defaultAction", action)
		}
		m.put("/spec/order", 2e6) // behind tier default
	}
	return m.all
}

// mutation gathers the mutants of one object.
type mutation struct {
	was  object.Object
	seen map[string]bool
	all  []mutant
}

// gone, as a new value, takes the old one out.
type gone struct{}

// try makes a mutant by changing what is at the pointer, if there is something. What
// an API server refuses, or was there before, is none.
func (m *mutation) try(pointer, what string, change func(old any) any) {
	var root any
	if err := json.Unmarshal(m.was.JSON, &root); err != nil {
		panic(err) // it was decoded before
	}
	root, ok := edited(root, strings.Split(strings.TrimPrefix(pointer, "/"), "/"), change)
	if !ok {
		return
	}
	text, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	now, found := object.DecodeJSON(text)
	if len(found) > 0 || m.seen[string(text)] {
		return
	}
	m.seen[string(text)] = true
	m.all = append(m.all, mutant{m.was.ID.String() + " " + pointer + " " + what, m.was, now})
}

func edited(v any, path []string, change func(any) any) (any, bool) {
	if len(path) == 0 {
		return change(v), true
	}
	key := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch c := v.(type) {
	case map[string]any:
		member, ok := c[key]
		if !ok {
			return nil, false
		}
		member, ok = edited(member, path[1:], change)
		c[key] = member
		if _, out := member.(gone); out {
			delete(c, key)
		}
		return c, ok
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i >= len(c) {
			return nil, false
		}
		item, ok := edited(c[i], path[1:], change)
		c[i] = item
		if _, out := item.(gone); out {
			c = slices.Delete(c, i, i+1)
		}
		return c, ok
	}
	return nil, false
}

func normal(raw []byte) []byte {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(v)
	return text
}

func (m *mutation) remove(pointer string) {
	m.try(pointer, "gone", func(any) any { return gone{} })
}

func (m *mutation) put(pointer string, value any) {
	m.try(pointer, fmt.Sprintf("becomes %v", value), func(any) any { return value })
}

// items are the pointers to the members of a list or mapping.
func (m *mutation) items(pointer string) []string {
	v, _ := m.was.Value(pointer)
	var all []string
	switch c := v.(type) {
	case []any:
		for i := range c {
			all = append(all, pointer+"/"+strconv.Itoa(i))
		}
	case map[string]any:
		for _, key := range diag.SortedKeys(c) {
			all = append(all, pointer+object.Pointer(key))
		}
	}
	return all
}

func (m *mutation) has(pointer string) bool {
	_, ok := m.was.Value(pointer)
	return ok
}

func (m *mutation) text(pointer string) string {
	v, _ := m.was.Value(pointer)
	s, _ := v.(string)
	return s
}

// kubernetes makes the mutants of a NetworkPolicy of Kubernetes.
func (m *mutation) kubernetes() {
	m.labelSelector("/spec/podSelector")
	for _, direction := range m.items("/spec/policyTypes") {
		m.remove(direction)
	}
	for _, direction := range []struct{ rules, peers string }{{"/spec/ingress", "/from"}, {"/spec/egress", "/to"}} {
		for _, rule := range m.items(direction.rules) {
			peers := direction.peers
			m.remove(rule)
			m.remove(rule + peers)
			for _, peer := range m.items(rule + peers) {
				m.remove(peer)
				m.labelSelector(peer + "/podSelector")
				m.labelSelector(peer + "/namespaceSelector")
				if m.has(peer+"/podSelector") && m.has(peer+"/namespaceSelector") {
					m.remove(peer + "/podSelector")
					m.remove(peer + "/namespaceSelector")
				}
				m.net(peer+"/ipBlock/cidr", 0)
				for _, except := range m.items(peer + "/ipBlock/except") {
					m.remove(except)
					m.net(except, m.prefix(peer+"/ipBlock/cidr").Bits())
				}
			}
			m.remove(rule + "/ports")
			for _, port := range m.items(rule + "/ports") {
				m.remove(port)
				m.kubernetesPort(port)
			}
		}
	}
}

func (m *mutation) labelSelector(pointer string) {
	m.labels(pointer + "/matchLabels")
	for _, requirement := range m.items(pointer + "/matchExpressions") {
		m.remove(requirement)
		values := m.items(requirement + "/values")
		for _, value := range values {
			m.put(value, astray)
			if len(values) > 1 { // no values are refused
				m.remove(value)
			}
		}
	}
}

func (m *mutation) labels(pointer string) {
	for _, label := range m.items(pointer) {
		if strings.HasSuffix(label, "/app.kubernetes.io~1managed-by") {
			continue // what no selector asks for
		}
		m.remove(label)
		m.put(label, astray)
	}
}

// kubernetesPort widens a port by one on either side, to all ports and to another
// protocol's, and makes a range smaller by one.
func (m *mutation) kubernetesPort(pointer string) {
	for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
		m.put(pointer+"/protocol", protocol)
	}
	if m.text(pointer+"/protocol") != "TCP" { // which is what none stands for
		m.remove(pointer + "/protocol")
	}
	for _, s := range sides {
		m.try(pointer, s.what, func(old any) any {
			port := old.(map[string]any)
			first, last := port["port"].(float64), port["port"].(float64)
			if end, ok := port["endPort"].(float64); ok {
				last = end
			}
			if first, last = first+s.below, last+s.above; first < 1 || last > 65535 || first > last {
				return old
			}
			port["port"], port["endPort"] = first, last
			return port
		})
	}
	m.try(pointer, "becomes every port", func(old any) any {
		return map[string]any{"protocol": old.(map[string]any)["protocol"]}
	})
}

// sides are what a range becomes, by how far its ends move.
var sides = []struct {
	what         string
	below, above float64
}{{"wider below", -1, 0}, {"wider above", 0, 1}, {"narrower below", 1, 0}, {"narrower above", 0, -1}}

// nets makes the mutants of a list of blocks.
func (m *mutation) nets(pointer string) {
	for _, net := range m.items(pointer) {
		m.remove(net)
		m.net(net, 0)
	}
}

func (m *mutation) prefix(pointer string) netip.Prefix {
	p, _ := netip.ParsePrefix(m.text(pointer))
	return p
}

// net makes a block twice as large, as long as it has more bits than that, and half.
func (m *mutation) net(pointer string, above int) {
	p := m.prefix(pointer)
	if p.IsValid() && p.Bits() > above+1 {
		m.put(pointer, netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked().String())
	}
	if p.IsValid() && p.Bits() < p.Addr().BitLen() {
		m.put(pointer, netip.PrefixFrom(p.Addr(), p.Bits()+1).String())
	}
}

// calico makes the mutants of a policy of Calico.
func (m *mutation) calico(orders []float64) {
	m.selector("/spec/selector")
	m.selector("/spec/namespaceSelector")
	for _, direction := range m.items("/spec/types") {
		m.remove(direction)
	}
	m.moved(orders)
	for _, direction := range []string{"/spec/ingress", "/spec/egress"} {
		rules := m.items(direction)
		for i, rule := range rules {
			m.remove(rule)
			if i > 0 && m.text(rules[i-1]+"/action") != m.text(rule+"/action") {
				m.try(direction, fmt.Sprintf("with %d before %d", i, i-1), func(old any) any {
					list := old.([]any)
					list[i-1], list[i] = list[i], list[i-1]
					return list
				})
			}
			m.calicoRule(rule)
		}
	}
}

// moved puts a policy across every other one.
func (m *mutation) moved(orders []float64) {
	v, _ := m.was.Value("/spec/order")
	own, _ := v.(float64)
	for _, order := range orders {
		switch {
		case order < own:
			m.put("/spec/order", order-0.5)
		case order > own:
			m.put("/spec/order", order+0.5)
		}
	}
}

func (m *mutation) calicoRule(rule string) {
	for _, action := range []string{"Allow", "Deny", "Pass"} {
		m.put(rule+"/action", action)
	}
	ported := m.has(rule+"/destination/ports") || m.has(rule+"/source/ports")
	switch protocol := m.text(rule + "/protocol"); {
	case ported: // a port needs one of these
		for _, other := range []string{"TCP", "UDP", "SCTP"} {
			m.put(rule+"/protocol", other)
		}
	case m.has(rule + "/icmp"):
		m.remove(rule + "/icmp")
		m.try(rule+"/icmp/type", "becomes the next", func(old any) any { return old.(float64) + 1 })
	case protocol != "":
		m.remove(rule + "/protocol")
		for _, other := range []string{"TCP", "ICMP", "ICMPv6"} {
			m.put(rule+"/protocol", other)
		}
	}
	for _, entity := range []string{rule + "/source", rule + "/destination"} {
		m.remove(entity)
		for _, criterion := range m.items(entity) {
			m.remove(criterion)
		}
		m.nets(entity + "/nets")
		m.nets(entity + "/notNets")
		for _, selector := range []string{"/selector", "/notSelector", "/namespaceSelector"} {
			m.selector(entity + selector)
		}
		for _, port := range m.items(entity + "/ports") {
			m.remove(port)
			m.calicoPort(port)
		}
	}
}

func (m *mutation) calicoPort(pointer string) {
	for _, s := range sides {
		m.try(pointer, s.what, func(old any) any {
			first, last, ok := portRange(old)
			if first, last = first+int(s.below), last+int(s.above); !ok || first < 1 || last > 65535 || first > last {
				return old
			}
			return fmt.Sprintf("%d:%d", first, last)
		})
	}
}

// portRange reads a port as Calico has it: a number, or two with a colon between.
func portRange(v any) (first, last int, ok bool) {
	switch v := v.(type) {
	case float64:
		return int(v), int(v), true
	case string:
		low, high, _ := strings.Cut(v, ":")
		first, errFirst := strconv.Atoi(low)
		last, errLast := strconv.Atoi(high)
		return first, last, errFirst == nil && errLast == nil
	}
	return 0, 0, false
}

// selector takes out a selector, and each of its terms and values, and changes each
// value.
func (m *mutation) selector(pointer string) {
	m.remove(pointer)
	for _, text := range shortened(m.text(pointer)) {
		m.put(pointer, text)
	}
}

var (
	quoted = regexp.MustCompile(`'[^']*'`)
	inSet  = regexp.MustCompile(`^(.*\{)([^{}]*)(\}.*)$`)
)

// shortened are the texts of a selector with one term or value less, or changed. It reads
// no more of the grammar than what is emitted.
func shortened(text string) []string {
	var all []string
	for _, operator := range []string{" || ", " && "} {
		terms := parted(text, operator)
		if len(terms) == 1 {
			continue
		}
		for i, term := range terms {
			join := func(middle ...string) string {
				return strings.Join(slices.Concat(terms[:i:i], middle, terms[i+1:]), operator)
			}
			all = append(all, join())
			for _, less := range shortened(term) {
				all = append(all, join(less))
			}
		}
		return all
	}
	if open := strings.TrimPrefix(text, "!"); strings.HasPrefix(open, "(") && strings.HasSuffix(open, ")") {
		for _, less := range shortened(open[1 : len(open)-1]) {
			all = append(all, text[:strings.Index(text, "(")+1]+less+")")
		}
		return all
	}
	for _, at := range quoted.FindAllStringIndex(text, -1) {
		all = append(all, text[:at[0]]+"'"+astray+"'"+text[at[1]:])
	}
	if set := inSet.FindStringSubmatch(text); set != nil {
		if values := strings.Split(set[2], ", "); len(values) > 1 {
			for i := range values {
				all = append(all, set[1]+strings.Join(slices.Concat(values[:i:i], values[i+1:]), ", ")+set[3])
			}
		}
	}
	return all
}

// parted splits a selector at an operator that stands in no parentheses.
func parted(text, operator string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range text {
		switch {
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], operator):
			parts = append(parts, text[start:i])
			start = i + len(operator)
		}
	}
	return append(parts, text[start:])
}
