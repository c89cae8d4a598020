package lower

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// calico emits what Kubernetes' own policies cannot say: quarantine and guardrails,
// which must win over every allow, in a tier of their own; control messages; the
// default deny over namespaces that nobody listed, behind every allow in tier
// default; and whatever is only staged.
func calico(l *lowering) {
	l.namespaced(func(n plan.Namespace) bool { return n.Staged && !n.Governed && !n.Pattern })
	l.controlMessages()
	l.guardrailTier()
	l.unknownNamespaces()
	l.networkSets() // last: the others say which are referred to
}

// calicoObject makes the manifest of a Calico object: its kind, metadata and spec.
func calicoObject(kind string, a about, spec object.Map) object.Map {
	return object.Map{
		{Key: "apiVersion", Value: object.CalicoAPI},
		{Key: "kind", Value: kind},
		{Key: "metadata", Value: metadata(a)},
		{Key: "spec", Value: spec},
	}
}

// ruling is one rule of a Calico policy, and where it is asked for.
type ruling struct {
	egress  bool
	rule    object.Map
	text    []byte
	origins []plan.Origin
}

// rulings makes the rules of a Calico policy that one flow, seen from one end, needs.
func (l *lowering) rulings(action string, egress bool, from, to []entity, ports []plan.Port, origins []plan.Origin) []ruling {
	var all []ruling
	for _, f := range from {
		for _, t := range to {
			for _, rule := range calicoRules(action, f, t, ports) {
				all = append(all, ruling{egress, rule, rule.YAML(), origins})
			}
		}
	}
	return all
}

// key makes the key by which equal rules of a Calico policy are joined, and shared out among
// several.
func (r ruling) key() string { return strconv.FormatBool(r.egress) + "\n" + string(r.text) }

// compare orders rules of a Calico policy by direction and text: among those of one action, any
// order means the same.
func (r ruling) compare(s ruling) int {
	if c := compareBools(r.egress, s.egress); c != 0 {
		return c
	}
	return bytes.Compare(r.text, s.text)
}

// canonical sorts the rules of a Calico policy and joins those that several lines ask for.
func canonical(all []ruling) []ruling {
	slices.SortStableFunc(all, ruling.compare)
	var merged []ruling
	for _, r := range all {
		if last := len(merged) - 1; last >= 0 && merged[last].compare(r) == 0 {
			merged[last].origins = slices.Concat(merged[last].origins, r.origins)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// fitsCalico reports whether one Calico policy can hold the rules: their number and their bytes
// are bounded.
func fitsCalico(rulings []ruling) bool {
	var rules [2]int
	bytes := 0
	for _, r := range rulings {
		direction := 0
		if r.egress {
			direction = 1
		}
		rules[direction]++
		bytes += 2 * len(r.text) // indentation included
		if rules[direction] > maxRules || bytes > maxBytes {
			return false
		}
	}
	return true
}

// sections makes the types, ingress and egress of a Calico policy with some rules, and says which
// lines they come from. Each rule stands below what why says of its lines; without why below
// nothing, where the whole policy has one reason.
func sections(rulings []ruling, why func([]plan.Origin) string) (object.Map, []Place) {
	places := make([]Place, 0, len(rulings))
	var types object.List
	var rules object.Map
	for _, direction := range []struct {
		egress    bool
		name, key string
	}{{false, "Ingress", "ingress"}, {true, "Egress", "egress"}} {
		var list object.List
		reasons := explained{why: why}
		for _, r := range rulings {
			if r.egress == direction.egress {
				places = append(places, Place{object.Pointer("spec", direction.key, strconv.Itoa(len(list))), earliest(r.origins)})
				list = append(list, reasons.item(r.rule, r.origins))
			}
		}
		if len(list) > 0 {
			types = append(types, direction.name)
			rules = append(rules, object.Field{Key: direction.key, Value: list})
		}
	}
	return append(object.Map{{Key: "types", Value: types}}, rules...), places
}

// calicoRules writes one rule for each protocol of the ports, each message type
// that is named, and each list of ports that one rule can hold; or one for all
// traffic where there is none.
func calicoRules(action string, from, to entity, ports []plan.Port) []object.Map {
	if from.family != to.family && from.family != anyFamily && to.family != anyFamily {
		return nil // no packet is of both
	}
	rule := func(protocol string, icmp object.Map, ports object.List) object.Map {
		m := object.Map{{Key: "action", Value: action}}
		if protocol != "" {
			m = append(m, object.Field{Key: "protocol", Value: protocol})
		}
		if len(icmp) > 0 {
			m = append(m, object.Field{Key: "icmp", Value: icmp})
		}
		if len(from.rule) > 0 {
			m = append(m, object.Field{Key: "source", Value: from.rule})
		}
		destination := to.rule
		if len(ports) > 0 {
			destination = slices.Concat(destination, object.Map{{Key: "ports", Value: ports}})
		}
		if len(destination) > 0 {
			m = append(m, object.Field{Key: "destination", Value: destination})
		}
		return m
	}
	if len(ports) == 0 || ports[0].Protocol == plan.Any {
		return []object.Map{rule("", nil, nil)}
	}
	var rules []object.Map
	for _, protocol := range []plan.Protocol{plan.TCP, plan.UDP, plan.SCTP} {
		var numbers object.List
		for _, p := range ports {
			if p.Protocol == protocol {
				numbers = append(numbers, calicoPort(p))
			}
		}
		for some := range slices.Chunk(numbers, maxPorts) {
			rules = append(rules, rule(string(protocol), nil, some))
		}
	}
	for _, p := range ports {
		switch {
		case !p.IsICMP():
		case p.Protocol == plan.ICMP && (from.family == ipv6 || to.family == ipv6):
		case p.Protocol == plan.ICMPv6 && (from.family == ipv4 || to.family == ipv4):
		case p.First == 0 && p.Last == 255:
			rules = append(rules, rule(string(p.Protocol), nil, nil))
		default:
			// Without a code: type and code in one rule break nftables' transactions.
			for n := int(p.First); n <= int(p.Last); n++ {
				rules = append(rules, rule(string(p.Protocol), object.Map{{Key: "type", Value: n}}, nil))
			}
		}
	}
	return rules
}

// calicoPort writes a port or a range as Calico does: 80, or "8000:8100".
func calicoPort(p plan.Port) any {
	if p.First == p.Last {
		return int(p.First)
	}
	return strings.ReplaceAll(plan.Port{Protocol: plan.TCP, First: p.First, Last: p.Last}.String(), "-", ":")
}
