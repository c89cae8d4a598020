package lower

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// kubernetes emits, for each governed namespace, a default deny, the way to the
// cluster's DNS, and one NetworkPolicy for each subject that flows begin or end at.
func kubernetes(l *lowering) {
	l.namespaced(func(n plan.Namespace) bool { return n.Governed && !n.Pattern })
}

// namespaced emits Kubernetes policies for some namespaces, in the staged form
// where a namespace is staged.
func (l *lowering) namespaced(here func(plan.Namespace) bool) {
	var all []piece
	for _, n := range l.Namespaces {
		if here(n) && l.emits(n.Name) {
			all = append(all, l.home(n))
		}
	}
	for _, s := range l.subjects {
		if here(s.namespace) && l.emits(s.namespace.Name) {
			all = append(all, l.flows(s))
		}
	}
	l.each(all)
}

// networkPolicy makes a Kubernetes policy in the form that the namespace wants: NetworkPolicy, or
// Calico's staged one.
func networkPolicy(n plan.Namespace, a about, spec object.Map) object.Map {
	if n.Staged {
		return calicoObject("StagedKubernetesNetworkPolicy", a, append(object.Map{{Key: "stagedAction", Value: "Set"}}, spec...))
	}
	return object.Map{
		{Key: "apiVersion", Value: object.KubernetesAPI},
		{Key: "kind", Value: "NetworkPolicy"},
		{Key: "metadata", Value: metadata(a)},
		{Key: "spec", Value: spec},
	}
}

// bothDirections is what policyTypes says where a policy governs all traffic.
var bothDirections any = object.List{"Ingress", "Egress"}

// defaultDeny emits the NetworkPolicy by which a namespace drops what no flow allows, in both
// directions.
func (l *lowering) defaultDeny(n plan.Namespace) {
	wave := waveDefaults
	if n.Staged {
		wave = waveStaged
	}
	l.emit(networkPolicy(n, about{
		namespace: n.Name, name: nameDefaultDeny, intent: l.platform(), owner: n.Owner, wave: wave,
		reason: "what no flow allows is dropped, in both directions",
	}, object.Map{
		{Key: "podSelector", Value: l.shared.podSelector(nil, "")},
		{Key: "policyTypes", Value: bothDirections},
	}), n.Span)
}

// dns opens the way to the name service for all pods of a namespace; where an
// intent does without, for the pods of the other intents alone.
func (l *lowering) dns(n plan.Namespace) {
	all, of := l.shared.resolvers.Of(n.Name)
	if all {
		l.resolve(n, about{name: nameDNS, intent: l.platform(), owner: n.Owner}, nil, n.Span)
	}
	for _, w := range of {
		l.resolve(n, about{name: named(prefixDNS, w.Name), owner: w.Owner, intent: w.Ref()}, w.Selector, w.Span)
	}
}

// resolve emits a NetworkPolicy that opens the way to the DNS servers for the pods of a selector.
func (l *lowering) resolve(n plan.Namespace, a about, selector object.Selector, from diag.Span) {
	a.namespace, a.wave, a.reason = n.Name, waveAllows, "names are resolved by the cluster's own DNS"
	var rules object.List
	for _, server := range l.DNSServers() {
		rules = append(rules, object.Map{
			{Key: "to", Value: manifestsOf(l.shared.kubernetesPeers(n, server.End))},
			{Key: "ports", Value: l.shared.kubernetesPorts(server.Ports)},
		})
	}
	l.emit(networkPolicy(n, a, object.Map{
		{Key: "podSelector", Value: l.shared.podSelector(selector, selector.String())},
		{Key: "policyTypes", Value: object.List{"Egress"}},
		{Key: "egress", Value: rules},
	}), from)
}

// opening is one peer of one rule: what a policy is put together from.
type opening struct {
	egress  bool
	ports   []plan.Port
	peer    any
	text    []byte
	origins []plan.Origin
}

// compare orders openings as they stand in a NetworkPolicy: by direction, ports and peer.
func (o opening) compare(p opening) int {
	return cmp.Or(compareBools(o.egress, p.egress), plan.ComparePorts(o.ports, p.ports), bytes.Compare(o.text, p.text))
}

// sameRule reports whether two openings share a rule of a NetworkPolicy: direction and ports are
// the same.
func (o opening) sameRule(p opening) bool {
	return o.egress == p.egress && plan.ComparePorts(o.ports, p.ports) == 0
}

// key makes the key by which openings are shared out among several NetworkPolicies.
func (o opening) key() string {
	return strconv.FormatBool(o.egress) + "\n" + plan.FormatPorts(o.ports) + "\n" + string(o.text)
}

// compareBools orders what is for ingress before what is for egress.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// allows emits the NetworkPolicies for the subject's halves of flows, control messages apart.
func (l *lowering) allows(s *subject) {
	all := make([]opening, 0, len(s.halves))
	for _, h := range s.halves {
		numbered, _ := divide(h.ports)
		if len(numbered) == 0 {
			continue
		}
		for _, peer := range l.shared.kubernetesPeers(s.namespace, h.peer) {
			all = append(all, opening{h.egress, numbered, peer.manifest, peer.text, h.origins})
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, opening.compare)
	merged := all[:1]
	for _, o := range all[1:] { // one peer, by several flows
		if last := &merged[len(merged)-1]; last.compare(o) == 0 {
			last.origins = slices.Concat(last.origins, o.origins)
			continue
		}
		merged = append(merged, o)
	}
	for _, p := range parts("", s.name(prefixAllow, prefixSet), merged, opening.key, fitsKubernetes) {
		a, span := l.about(s, p.name, originsOf(p.things))
		if !p.fits {
			l.add(inexpressible.At(earliest(p.things[0].origins), "one rule of the policy %s/%s is too large for an object", a.namespace, a.name).
				Suggest("shorten the list of ports, of exceptions, or of the selector's values"))
		}
		spec, places := l.spec(s, p.things)
		l.emit(networkPolicy(s.namespace, a, spec), span, places...)
	}
}

// originsOf collects the lines that asked for the openings of a NetworkPolicy.
func originsOf(openings []opening) []plan.Origin {
	if len(openings) == 1 {
		return openings[0].origins
	}
	count := 0
	for _, o := range openings {
		count += len(o.origins)
	}
	all := make([]plan.Origin, 0, count)
	for _, o := range openings {
		all = append(all, o.origins...)
	}
	return all
}

// portBytes is what one port takes in a manifest, at most.
const portBytes = 80

// fitsKubernetes reports whether one NetworkPolicy can hold the openings: rules, peers in each,
// and bytes are bounded.
func fitsKubernetes(openings []opening) bool {
	bytes, rules, peers := 0, 0, 0
	for i, o := range openings {
		if i == 0 || !o.sameRule(openings[i-1]) {
			rules, peers = rules+1, 0
			bytes += portBytes * len(o.ports)
		}
		peers++
		bytes += 2 * len(o.text) // indentation included
		if peers > maxPeers || rules > maxRules || bytes > maxBytes {
			return false
		}
	}
	return true
}

// spec puts sorted openings together to the spec of a subject's NetworkPolicy: one rule for each
// list of ports, whose peers stand below the reasons for them.
func (l *lowering) spec(s *subject, openings []opening) (object.Map, []Place) {
	places := make([]Place, 0, len(openings)+rulesOf(openings))
	var types object.List
	var sections object.Map
	for _, direction := range []struct {
		egress           bool
		name, key, peers string
	}{{false, "Ingress", "ingress", "from"}, {true, "Egress", "egress", "to"}} {
		var rules object.List
		var before opening
		var peers object.List
		reasons := explained{why: l.why}
		var line diag.Span // the earliest of the rule's, unless none is known
		known := false
		flush := func() {
			if len(peers) == 0 {
				return
			}
			rule := object.Map{{Key: direction.peers, Value: peers}}
			if ports := l.shared.kubernetesPorts(before.ports); ports != nil {
				rule = append(rule, object.Field{Key: "ports", Value: ports})
			}
			places = append(places, Place{l.shared.pointer(pointerKey{direction.egress, len(rules), -1}), line})
			rules = append(rules, rule)
			peers, line, known, reasons.last = nil, diag.Span{}, false, ""
		}
		for _, o := range openings {
			if o.egress != direction.egress {
				continue
			}
			if !o.sameRule(before) {
				flush()
			}
			first := earliest(o.origins)
			if len(o.origins) > 0 && (!known || first.Compare(line) < 0) {
				line, known = first, true
			}
			places = append(places, Place{l.shared.pointer(pointerKey{direction.egress, len(rules), len(peers)}), first})
			peers, before = append(peers, reasons.item(o.peer, o.origins)), o
		}
		flush()
		if len(rules) > 0 {
			types = append(types, direction.name)
			sections = append(sections, object.Field{Key: direction.key, Value: rules})
		}
	}
	return append(object.Map{
		{Key: "podSelector", Value: l.shared.podSelector(s.selector, s.text)},
		{Key: "policyTypes", Value: types},
	}, sections...), places
}

// rulesOf counts the rules of a NetworkPolicy with these openings.
func rulesOf(openings []opening) int {
	rules := 0
	for i, o := range openings {
		if i == 0 || !o.sameRule(openings[i-1]) {
			rules++
		}
	}
	return rules
}

// kubernetesPeers writes an end as the peers of a NetworkPolicy in the namespace.
func kubernetesPeers(n plan.Namespace, end plan.End) []object.Map {
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
	case pods.Namespace != n.Name:
		m = append(m, object.Field{Key: "namespaceSelector", Value: object.Map{
			{Key: "matchLabels", Value: object.Map{{Key: plan.NamespaceLabel, Value: pods.Namespace}}},
		}})
	}
	if len(pods.Selector) > 0 || len(m) == 0 {
		m = append(m, object.Field{Key: "podSelector", Value: pods.Selector.Manifest()})
	}
	return []object.Map{m}
}

// manifestsOf lists the peers of a NetworkPolicy.
func manifestsOf(peers []sharedPeer) object.List {
	l := make(object.List, len(peers))
	for i, p := range peers {
		l[i] = p.manifest
	}
	return l
}

// ipBlock writes addresses less exceptions as a peer of a NetworkPolicy.
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

// kubernetesPorts writes the ports of a NetworkPolicy's rule as numbers only, and nil for every
// port: a named port would mean whatever each pod's containers say.
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
