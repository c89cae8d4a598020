package lower

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// kubernetes emits, for each governed namespace, a default deny, the way to the
// cluster's DNS, and one NetworkPolicy for each subject that flows begin or end at.
// Names cannot collide: default-deny, dns, dns-…, allow-… and set-….
func kubernetes(p *plan.Plan) []Emitted {
	var all []Emitted
	subjects := subjectsOf(p)
	for _, n := range p.Namespaces {
		if !n.Governed {
			continue
		}
		all = append(all, defaultDeny(n))
		all = append(all, dns(p, n)...)
	}
	for _, s := range subjects {
		all = append(all, s.policy())
	}
	return all
}

func networkPolicy(a about, spec object.Map) object.Map {
	return object.Map{
		{Key: "apiVersion", Value: object.KubernetesAPI},
		{Key: "kind", Value: "NetworkPolicy"},
		{Key: "metadata", Value: metadata(a)},
		{Key: "spec", Value: spec},
	}
}

func defaultDeny(n plan.Namespace) Emitted {
	return Emitted{
		Manifest: networkPolicy(about{
			namespace: n.Name, name: "default-deny", owner: n.Owner, wave: waveDefaults,
			reason: "what no flow allows is dropped, in both directions",
		}, object.Map{
			{Key: "podSelector", Value: object.Map{}},
			{Key: "policyTypes", Value: object.List{"Ingress", "Egress"}},
		}),
		Origins: map[string]diag.Span{"": n.Span},
	}
}

// dns opens the way to the name service for all pods of a namespace; where an
// intent does without, for the pods of the other intents alone.
func dns(p *plan.Plan, n plan.Namespace) []Emitted {
	var with []plan.Workload
	without := false
	for _, w := range p.Workloads {
		if w.Namespace == n.Name && !w.HostNetwork {
			without = without || !w.DNS
			if w.DNS {
				with = append(with, w)
			}
		}
	}
	if !without {
		return []Emitted{dnsPolicy(p, n, "dns", nil, "", n.Span)}
	}
	var all []Emitted
	for _, w := range with {
		all = append(all, dnsPolicy(p, n, named("dns-", w.Name), w.Selector, w.Ref(), w.Span))
	}
	return all
}

func dnsPolicy(p *plan.Plan, n plan.Namespace, name string, selector object.Selector, intent string, from diag.Span) Emitted {
	service := p.Cluster.DNS
	var to object.List
	pods := object.Map{{Key: "podSelector", Value: object.Map{{Key: "matchLabels", Value: object.StringMap(service.Labels)}}}}
	if service.Namespace != n.Name {
		pods = append(object.Map{{Key: "namespaceSelector", Value: object.Map{
			{Key: "matchLabels", Value: object.Map{{Key: plan.NamespaceLabel, Value: service.Namespace}}},
		}}}, pods...)
	}
	to = append(to, pods)
	for _, a := range service.NodeLocal {
		to = append(to, ipBlock(plan.Block{CIDR: netip.PrefixFrom(a, a.BitLen())}))
	}
	port := plan.Port{First: uint16(service.Port), Last: uint16(service.Port)}
	udp, tcp := port, port
	udp.Protocol, tcp.Protocol = plan.UDP, plan.TCP
	return Emitted{
		Manifest: networkPolicy(about{
			namespace: n.Name, name: name, owner: n.Owner, intent: intent, wave: waveAllows,
			reason: "names are resolved by the cluster's own DNS",
		}, object.Map{
			{Key: "podSelector", Value: selector.Manifest()},
			{Key: "policyTypes", Value: object.List{"Egress"}},
			{Key: "egress", Value: object.List{object.Map{
				{Key: "to", Value: to},
				{Key: "ports", Value: kubernetesPorts([]plan.Port{udp, tcp})},
			}}},
		}),
		Origins: map[string]diag.Span{"": from},
	}
}

// half is one flow seen from one of its ends.
type half struct {
	peer    plan.End
	ports   []plan.Port
	origins []plan.Origin
}

// subject is the pods that one NetworkPolicy selects.
type subject struct {
	namespace plan.Namespace
	name      string // the policy's
	intent    string // namespace/name of the workload, empty for a set
	owner     string
	selector  object.Selector
	span      diag.Span
	ingress   []half
	egress    []half
}

// subjectsOf distributes flows over the pods at their ends, in a stable order.
// Ends that are addresses, or pods of namespaces that are not governed, get
// nothing: no policy of ours selects them.
func subjectsOf(p *plan.Plan) []*subject {
	workloads := map[string]plan.Workload{}
	for _, w := range p.Workloads {
		workloads[w.Ref()] = w
	}
	var all []*subject
	index := map[string]*subject{}
	find := func(n plan.Namespace, end plan.End) *subject {
		name, selector := "set-all", end.Pods.Selector
		if len(selector) > 0 {
			name = "set-" + shortDigest(selector.String())
		}
		s := &subject{namespace: n, name: name, owner: n.Owner, selector: selector}
		if w, ok := workloads[end.Name]; ok {
			s.name, s.intent, s.owner, s.span = named("allow-", w.Name), w.Ref(), w.Owner, w.Span
		}
		key := n.Name + "/" + s.name
		if known, ok := index[key]; ok {
			return known
		}
		index[key] = s
		all = append(all, s)
		return s
	}
	each := func(end plan.End, f func(*subject)) {
		if end.Pods == nil {
			return
		}
		for _, n := range p.Namespaces {
			if n.Governed && (end.Pods.Namespace == n.Name || end.Pods.Namespace == "" && end.Pods.Namespaces.Matches(n.Labels)) {
				f(find(n, end))
			}
		}
	}
	for _, f := range p.Flows {
		each(f.From, func(s *subject) { s.egress = append(s.egress, half{f.To, f.Ports, f.Origins}) })
		each(f.To, func(s *subject) { s.ingress = append(s.ingress, half{f.From, f.Ports, f.Origins}) })
	}
	return all
}

func (s *subject) policy() Emitted {
	origins := map[string]diag.Span{"": s.span}
	var all []plan.Origin
	spec := object.Map{{Key: "podSelector", Value: s.selector.Manifest()}}
	var types, sections object.Map
	var policyTypes object.List
	for _, direction := range []struct {
		name, key, peers string
		halves           []half
	}{{"Ingress", "ingress", "from", s.ingress}, {"Egress", "egress", "to", s.egress}} {
		if len(direction.halves) == 0 {
			continue
		}
		policyTypes = append(policyTypes, direction.name)
		rules := s.rules(direction.halves, direction.peers, object.Pointer("spec", direction.key), origins)
		sections = append(sections, object.Field{Key: direction.key, Value: rules})
		for _, h := range direction.halves {
			all = append(all, h.origins...)
		}
	}
	if s.span.IsZero() && len(all) > 0 {
		origins[""] = all[0].Span // a set has no intent: the first line that names it
	}
	types = object.Map{{Key: "policyTypes", Value: policyTypes}}
	spec = append(append(spec, types...), sections...)
	return Emitted{
		Manifest: networkPolicy(about{
			namespace: s.namespace.Name, name: s.name, intent: s.intent, owner: s.owner, reason: reasons(all), wave: waveAllows,
		}, spec),
		Origins: origins,
	}
}

// rules groups halves by their ports: one rule for each list of ports, its peers
// in the order of their text.
func (s *subject) rules(halves []half, peersKey, pointer string, origins map[string]diag.Span) object.List {
	type peer struct {
		manifest object.Map
		text     []byte
		origin   diag.Span
	}
	type group struct {
		ports []plan.Port
		peers []peer
	}
	var groups []*group
	for _, h := range halves {
		i := slices.IndexFunc(groups, func(g *group) bool { return plan.ComparePorts(g.ports, h.ports) == 0 })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{ports: h.ports})
		}
		for _, m := range s.peers(h.peer) {
			p := peer{manifest: m, text: m.YAML()}
			if len(h.origins) > 0 {
				p.origin = h.origins[0].Span
			}
			groups[i].peers = append(groups[i].peers, p)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return plan.ComparePorts(a.ports, b.ports) })
	var rules object.List
	for i, g := range groups {
		slices.SortStableFunc(g.peers, func(a, b peer) int { return bytes.Compare(a.text, b.text) })
		g.peers = slices.CompactFunc(g.peers, func(a, b peer) bool { return bytes.Equal(a.text, b.text) })
		at := pointer + "/" + strconv.Itoa(i)
		origins[at] = g.peers[0].origin
		var peers object.List
		for j, p := range g.peers {
			peers = append(peers, p.manifest)
			origins[at+object.Pointer(peersKey, strconv.Itoa(j))] = p.origin
		}
		rule := object.Map{{Key: peersKey, Value: peers}}
		if ports := kubernetesPorts(g.ports); ports != nil {
			rule = append(rule, object.Field{Key: "ports", Value: ports})
		}
		rules = append(rules, rule)
	}
	return rules
}

func (s *subject) peers(end plan.End) []object.Map {
	if end.Pods == nil {
		var blocks []object.Map
		for _, b := range end.Blocks {
			blocks = append(blocks, ipBlock(b))
		}
		return blocks
	}
	pods := *end.Pods
	var m object.Map
	switch {
	case pods.Namespace == "":
		m = append(m, object.Field{Key: "namespaceSelector", Value: pods.Namespaces.Manifest()})
	case pods.Namespace != s.namespace.Name:
		m = append(m, object.Field{Key: "namespaceSelector", Value: object.Map{
			{Key: "matchLabels", Value: object.Map{{Key: plan.NamespaceLabel, Value: pods.Namespace}}},
		}})
	}
	if len(pods.Selector) > 0 || len(m) == 0 {
		m = append(m, object.Field{Key: "podSelector", Value: pods.Selector.Manifest()})
	}
	return []object.Map{m}
}

func ipBlock(b plan.Block) object.Map {
	block := object.Map{{Key: "cidr", Value: b.CIDR.String()}}
	if len(b.Except) > 0 {
		var except object.List
		for _, e := range b.Except {
			except = append(except, e.String())
		}
		block = append(block, object.Field{Key: "except", Value: except})
	}
	return object.Map{{Key: "ipBlock", Value: block}}
}

// kubernetesPorts writes numbers only, and nil for every port: a named port would
// mean whatever each pod's containers say.
func kubernetesPorts(ports []plan.Port) object.List {
	sorted := slices.Clone(ports)
	slices.SortStableFunc(sorted, func(a, b plan.Port) int { return cmp.Compare(a.First, b.First) })
	var all object.List
	for _, p := range sorted {
		if p.Protocol == plan.Any {
			return nil
		}
		m := object.Map{{Key: "protocol", Value: string(p.Protocol)}, {Key: "port", Value: int(p.First)}}
		if p.Last != p.First {
			m = append(m, object.Field{Key: "endPort", Value: int(p.Last)})
		}
		all = append(all, m)
	}
	return all
}
