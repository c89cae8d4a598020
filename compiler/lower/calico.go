package lower

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Labels that Calico itself gives, to namespaces and to pods
// (Calico: libcalico-go/lib/backend/k8s/conversion).
const (
	calicoNamespaceName = "projectcalico.org/name"      // on namespaces
	calicoNamespace     = "projectcalico.org/namespace" // on whatever is in one
	calicoPod           = "projectcalico.org/orchestrator == 'k8s'"
	peerLabel           = plan.Group + "/peer" // on our own network sets
)

// calico emits what Kubernetes' own policies cannot say: guardrails, which must win
// over every allow, in a tier of their own; and the default deny over namespaces
// that nobody listed, behind every allow in tier default.
func calico(p *plan.Plan) []Emitted {
	all := guardrails(p)
	if p.DenyUnknown {
		all = append(all, denyUnknown(p))
	}
	return all
}

func calicoObject(kind string, a about, spec object.Map) object.Map {
	return object.Map{
		{Key: "apiVersion", Value: object.CalicoAPI},
		{Key: "kind", Value: kind},
		{Key: "metadata", Value: metadata(a)},
		{Key: "spec", Value: spec},
	}
}

// denyUnknown is the default deny of the cluster. It holds no Deny rule: that it
// selects a pod is enough for the tier's end to drop what nothing allows, and an
// allow of any order still counts. Its way to DNS stands inside it, because a
// policy of its own would isolate whatever it selects.
func denyUnknown(p *plan.Plan) Emitted {
	var rules object.List
	service := p.Cluster.DNS
	for _, protocol := range []plan.Protocol{plan.UDP, plan.TCP} {
		port := []plan.Port{{Protocol: protocol, First: uint16(service.Port), Last: uint16(service.Port)}}
		var labels []object.Requirement
		for _, k := range diag.SortedKeys(service.Labels) {
			labels = append(labels, object.Equals(k, service.Labels[k]))
		}
		destinations := []object.Map{{
			{Key: "namespaceSelector", Value: calicoNamespaceName + " == '" + service.Namespace + "'"},
			{Key: "selector", Value: object.NewSelector(labels...).Calico()},
		}}
		for _, nets := range byFamily(hosts(service.NodeLocal)) {
			if nets != nil {
				destinations = append(destinations, object.Map{{Key: "nets", Value: nets}})
			}
		}
		for _, to := range destinations {
			rules = append(rules, calicoRules("Allow", nil, to, port)...)
		}
	}
	return Emitted{
		Manifest: calicoObject("GlobalNetworkPolicy", about{
			name: "default-deny", wave: waveDefaults,
			reason: "a namespace that nobody listed is closed, but for DNS",
		}, object.Map{
			{Key: "tier", Value: "default"},
			{Key: "order", Value: p.Stages.DefaultDenyOrder},
			{Key: "namespaceSelector", Value: namespacesExcept(spared(p))},
			{Key: "types", Value: object.List{"Ingress", "Egress"}},
			{Key: "egress", Value: rules},
		}),
		Origins: map[string]diag.Span{"": p.Platform},
	}
}

// spared are the namespaces that the cluster's default deny leaves alone: the
// system's, those that are described only, and those where an intent does without
// DNS, which this policy would give back to it.
func spared(p *plan.Plan) []string {
	names := slices.Clone(p.Cluster.System)
	for _, n := range p.Namespaces {
		if !n.Governed {
			names = append(names, n.Name)
		}
	}
	for _, w := range p.Workloads {
		if !w.DNS {
			names = append(names, w.Namespace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// namespacesExcept selects the pods of all namespaces but some. The has() keeps
// host endpoints out: they carry no namespace, so a negated term alone is true of
// them.
func namespacesExcept(names []string) string {
	has := "has(" + calicoNamespaceName + ")"
	if len(names) == 0 {
		return has
	}
	return has + " && " + calicoNamespaceName + " not in {'" + strings.Join(names, "', '") + "'}"
}

// guardrails emits the tier, one policy for each guardrail in the Platform's
// order, and a set for each @name that one of them refers to.
func guardrails(p *plan.Plan) []Emitted {
	if len(p.Guardrails) == 0 {
		return nil
	}
	tier := p.Stages.GuardrailTier
	all := []Emitted{{
		Manifest: calicoObject("Tier", about{name: tier, wave: waveTiers, reason: "what no team's policy may open"}, object.Map{
			{Key: "order", Value: p.Stages.GuardrailTierOrder},
			{Key: "defaultAction", Value: "Pass"},
		}),
		Origins: map[string]diag.Span{"": p.Platform},
	}}
	sets := map[string]plan.End{}
	var names []string
	byName := map[string][]plan.Guardrail{}
	for _, g := range p.Guardrails {
		if byName[g.Name] == nil {
			names = append(names, g.Name)
		}
		byName[g.Name] = append(byName[g.Name], g)
		for _, end := range []*plan.End{g.From, g.To} {
			if end != nil && end.Pods == nil && end.Peer != "" {
				sets[end.Peer] = *end
			}
		}
	}
	for i, name := range names {
		all = append(all, guardrail(p, tier, 10*(i+1), byName[name]))
	}
	for _, name := range diag.SortedKeys(sets) {
		all = append(all, networkSet(p, name, sets[name]))
	}
	return all
}

func networkSet(p *plan.Plan, name string, end plan.End) Emitted {
	var nets object.List
	for _, prefix := range plan.Ranges(end.Blocks) {
		nets = append(nets, prefix.String())
	}
	return Emitted{
		Manifest: calicoObject("GlobalNetworkSet", about{
			name: named("portcullis-", name), wave: waveSets, labels: map[string]string{peerLabel: name},
			reason: "the Platform's @" + name,
		}, object.Map{{Key: "nets", Value: nets}}),
		Origins: map[string]diag.Span{"": p.Platform},
	}
}

// guardrail denies on every end that is a pod: leaving the pods it names as
// sources, and entering those it names as destinations.
func guardrail(p *plan.Plan, tier string, order int, parts []plan.Guardrail) Emitted {
	origins := map[string]diag.Span{"": parts[0].Span}
	var ingress, egress object.List
	for _, g := range parts {
		for _, from := range entities(g.From, g.Unless) {
			for _, to := range entities(g.To, g.Unless) {
				if from.family != to.family && from.family != anyFamily && to.family != anyFamily {
					continue
				}
				rules := calicoRules("Deny", from.rule, to.rule, g.Ports)
				if g.From == nil || g.From.Pods != nil {
					egress = append(egress, rules...)
				}
				if g.To == nil || g.To.Pods != nil {
					ingress = append(ingress, rules...)
				}
			}
		}
	}
	var types object.List
	spec := object.Map{
		{Key: "tier", Value: tier},
		{Key: "order", Value: order},
		{Key: "namespaceSelector", Value: namespacesExcept(p.Cluster.System)},
	}
	var sections object.Map
	for _, d := range []struct {
		name, key string
		rules     object.List
	}{{"Ingress", "ingress", ingress}, {"Egress", "egress", egress}} {
		if len(d.rules) > 0 {
			types = append(types, d.name)
			sections = append(sections, object.Field{Key: d.key, Value: d.rules})
		}
	}
	spec = append(append(spec, object.Field{Key: "types", Value: types}), sections...)
	return Emitted{
		Manifest: calicoObject("GlobalNetworkPolicy", about{
			name: tier + "." + parts[0].Name, wave: waveDenies, reason: parts[0].Why,
		}, spec),
		Origins: origins,
	}
}

// family of the addresses in an entity: Calico refuses a rule that mixes them.
type family int

const (
	anyFamily family = iota
	ipv4
	ipv6
)

// entity is one end of a Calico rule.
type entity struct {
	rule   object.Map
	family family
}

// entities are the source or destination of the rules that deny an end, except for
// the exempt pods. A nil end is everything.
func entities(end *plan.End, unless []plan.End) []entity {
	var not object.Map
	if terms := exemptions(unless); terms != "" {
		not = object.Map{{Key: "notSelector", Value: terms}}
	}
	switch {
	case end == nil:
		return []entity{{rule: not}}
	case end.Pods != nil:
		return []entity{{rule: append(podEntity(*end.Pods), not...)}}
	case end.Peer != "":
		return []entity{{rule: object.Map{
			{Key: "namespaceSelector", Value: "global()"},
			{Key: "selector", Value: peerLabel + " == '" + end.Peer + "'"},
		}}}
	}
	var all []entity
	for i, nets := range byFamily(plan.Ranges(end.Blocks)) {
		if nets != nil {
			all = append(all, entity{rule: object.Map{{Key: "nets", Value: nets}}, family: []family{ipv4, ipv6}[i]})
		}
	}
	return all
}

func podEntity(pods plan.Pods) object.Map {
	namespaces := "all()"
	switch {
	case pods.Namespace != "":
		namespaces = calicoNamespaceName + " == '" + pods.Namespace + "'"
	case len(pods.Namespaces) > 0:
		namespaces = "has(" + calicoNamespaceName + ") && " + pods.Namespaces.Calico()
	}
	selector := calicoPod // or a NetworkSet with the same labels would match
	if len(pods.Selector) > 0 {
		selector += " && " + pods.Selector.Calico()
	}
	return object.Map{{Key: "namespaceSelector", Value: namespaces}, {Key: "selector", Value: selector}}
}

// exemptions select the exempt pods in one selector over their own labels and, by
// Calico's prefix pcns., their namespaces'.
func exemptions(unless []plan.End) string {
	var all []string
	for _, u := range unless {
		terms := []string{calicoPod}
		if u.Pods.Namespace != "" {
			terms = append(terms, calicoNamespace+" == '"+u.Pods.Namespace+"'")
		}
		if len(u.Pods.Namespaces) > 0 {
			prefixed := slices.Clone(u.Pods.Namespaces)
			for i := range prefixed {
				prefixed[i].Key = "pcns." + prefixed[i].Key
			}
			terms = append(terms, prefixed.Calico())
		}
		if len(u.Pods.Selector) > 0 {
			terms = append(terms, u.Pods.Selector.Calico())
		}
		all = append(all, "("+strings.Join(terms, " && ")+")")
	}
	return strings.Join(all, " || ")
}

// calicoRules writes one rule for each protocol of the ports, or one for all
// traffic where there is none.
func calicoRules(action string, from, to object.Map, ports []plan.Port) object.List {
	head := object.Map{{Key: "action", Value: action}}
	tail := func(to object.Map) object.Map {
		var m object.Map
		if len(from) > 0 {
			m = append(m, object.Field{Key: "source", Value: from})
		}
		if len(to) > 0 {
			m = append(m, object.Field{Key: "destination", Value: to})
		}
		return m
	}
	if len(ports) == 0 || ports[0].Protocol == plan.Any {
		return object.List{slices.Concat(head, tail(to))}
	}
	var rules object.List
	for _, protocol := range []plan.Protocol{plan.TCP, plan.UDP, plan.SCTP} {
		var numbers object.List
		for _, p := range ports {
			if p.Protocol == protocol {
				numbers = append(numbers, calicoPort(p))
			}
		}
		if len(numbers) > 0 {
			with := slices.Concat(to, object.Map{{Key: "ports", Value: numbers}})
			rules = append(rules, slices.Concat(head, object.Map{{Key: "protocol", Value: string(protocol)}}, tail(with)))
		}
	}
	return rules
}

func calicoPort(p plan.Port) any {
	if p.First == p.Last {
		return int(p.First)
	}
	return strings.ReplaceAll(plan.Port{Protocol: plan.TCP, First: p.First, Last: p.Last}.String(), "-", ":")
}

func hosts(addresses []netip.Addr) []netip.Prefix {
	all := make([]netip.Prefix, len(addresses))
	for i, a := range addresses {
		all[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return all
}

// byFamily splits ranges into IPv4's and IPv6's; a family without any is nil.
func byFamily(all []netip.Prefix) (families [2]object.List) {
	for _, p := range all {
		i := 0
		if !p.Addr().Is4() {
			i = 1
		}
		families[i] = append(families[i], p.String())
	}
	return families
}
