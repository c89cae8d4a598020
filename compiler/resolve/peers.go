package resolve

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/yamltext"
)

// party is one end of a line, resolved: a workload, a set of pods, or addresses.
type party struct {
	end       plan.End
	namespace string             // of its pods, or a pattern; empty for pods of many
	workload  *plan.Workload     // nil for sets and addresses
	named     *language.PeerSpec // the Platform's entry, where the end is an @name's addresses
	bare      bool               // written without a namespace: it is in that of the intent
	span      diag.Span
}

// pods reports whether the peer is pods, and not addresses.
func (p party) pods() bool { return p.end.Pods != nil }

// set reports whether the peer is pods that no intent names.
func (p party) set() bool { return p.pods() && p.workload == nil }

// workloadParty makes a workload the end of a line: its pods, or on the host network the nodes'
// addresses.
func (s *resolver) workloadParty(w *plan.Workload, span diag.Span) party {
	if w.HostNetwork {
		p := s.nodes(span, w.Ref()+" is on the host network: to others it is @nodes, which")
		p.workload = w
		p.end.Name = w.Ref()
		return p
	}
	ref := w.Ref()
	end, known := s.ends[ref]
	if !known {
		pods := s.pods(w.Namespace)
		pods.Selector = w.Selector
		end = s.common.end(ref, pods)
		s.ends[ref] = end
	}
	return party{end: end, namespace: w.Namespace, workload: w, span: span}
}

// peers resolves the ends of a line. home is the namespace that a bare name means;
// it is empty in the Platform, which has none. A peer that exists in other
// environments alone resolves to nothing.
func (s *resolver) peers(list []language.At[language.Peer], home string) []party {
	if len(list) == 1 { // as in most lines
		return s.peer(list[0].Value, list[0].Span, home, "")
	}
	var all []party
	for _, p := range list {
		all = append(all, s.peer(p.Value, p.Span, home, "")...)
	}
	return all
}

// peer resolves one peer by its notation. via is the @name of which it is a member, which may hold
// no other.
func (s *resolver) peer(p language.Peer, span diag.Span, home, via string) []party {
	switch p.Kind {
	case language.WorkloadPeer:
		return s.workload(p, span, home)
	case language.SetPeer:
		if p.Namespace == "*" {
			return []party{{end: plan.End{Name: "*/*", Pods: &plan.Pods{}}, span: span}}
		}
		if !s.knownNamespace(p.Namespace, span) {
			return nil
		}
		pods := s.pods(p.Namespace)
		return []party{{end: plan.End{Name: p.Namespace + "/*", Pods: &pods}, namespace: p.Namespace, span: span}}
	case language.NamedPeer:
		if via != "" {
			s.add(language.BadPeer.At(span, "@%s stands inside another @name", p.Name).Suggest("write its members out"))
			return nil
		}
		return s.named(p.Name, span)
	case language.LabelPeer:
		return s.labelled(p, span, home)
	case language.AddressPeer:
		return s.addresses(p, span)
	}
	return nil // the notation was wrong, and that is already said
}

// workload resolves a peer that names a workload, and complains of one that is in no environment.
func (s *resolver) workload(p language.Peer, span diag.Span, home string) []party {
	namespace := p.Namespace
	if namespace == "" {
		namespace = home
	}
	if namespace == "" {
		s.add(language.BadPeer.At(span, "%s has no namespace", p.Name).Because("the Platform belongs to no namespace, so a bare name means nothing here").
			Suggest("write namespace/%s", p.Name))
		return nil
	}
	ref := namespace + "/" + p.Name
	if i, ok := s.workloads[ref]; ok {
		of := s.workloadParty(&s.plan.Workloads[i], span)
		of.bare = p.Namespace == ""
		return []party{of}
	}
	if s.elsewhere[ref] || p.Namespace != "" && !s.knownNamespace(p.Namespace, span) || s.Lost {
		return nil // a document that could not be read may describe it
	}
	s.add(s.unknownWorkload(p.Name, namespace, span, home))
	return nil
}

// unknownWorkload looks for what was meant: the name in another namespace, a near
// name in this one, a near name anywhere.
func (s *resolver) unknownWorkload(name, namespace string, span diag.Span, home string) diag.Diagnostic {
	f := unknownWorkload.At(span, "no workload named %q in namespace %s", name, namespace)
	spelling := func(w plan.Workload) string {
		if w.Namespace == home {
			return yamltext.Quote(w.Name)
		}
		return yamltext.Quote(w.Ref())
	}
	var here []string
	var same []plan.Workload
	for _, w := range s.plan.Workloads {
		if w.Namespace == namespace {
			here = append(here, w.Name)
		}
		if w.Name == name {
			same = append(same, w)
		}
	}
	if near := diag.Nearest(name, here); near != "" {
		w := s.plan.Workloads[s.workloads[namespace+"/"+near]]
		return f.See(w.Span, "%s is described here", w.Ref()).
			Suggest("did you mean %s?", spelling(w)).Replace(span, spelling(w))
	}
	if len(same) == 1 {
		return f.See(same[0].Span, "%s is described here", same[0].Ref()).
			Suggest("did you mean %s?", spelling(same[0])).Replace(span, spelling(same[0]))
	}
	if _, ok := s.plan.Namespace(name); ok {
		return f.Suggest("%s is a namespace: every pod of it is %s", name, yamltext.Quote(name+"/*"))
	}
	return f.Suggest("write a NetworkIntent for it, or reach its pods by label: {%s, selector: {…}}", yamltext.Line(yamltext.Field{Key: "namespace", Value: namespace}))
}

// labelled resolves a peer that selects pods by their labels, in namespaces by name or by labels.
func (s *resolver) labelled(p language.Peer, span diag.Span, home string) []party {
	l := p.Labels
	var pods plan.Pods
	namespace := home
	switch {
	case l.Namespace.Given():
		namespace = string(l.Namespace.Value)
		if !s.knownNamespace(namespace, l.Namespace.Span) {
			return nil
		}
		pods = s.pods(namespace)
	case l.NamespaceSelector != nil:
		namespace, pods.Namespaces = "", l.NamespaceSelector.Selector
		if !slices.ContainsFunc(s.plan.Namespaces, func(n plan.Namespace) bool { return pods.In(n) }) {
			s.add(unknownNamespace.At(l.NamespaceSelector.Span, "no known namespace has the labels %s", pods.Namespaces).
				Because("the labels of namespaces are those that the Platform gives them").
				Suggest("add the labels to the Platform's namespaces, or write {namespace: …}"))
			return nil
		}
	case home == "":
		s.add(language.BadPeer.At(span, "a selector without a namespace").Because("the Platform belongs to no namespace").
			Suggest("add namespace or namespaceSelector"))
		return nil
	default:
		pods = s.pods(home)
	}
	if l.Selector != nil {
		pods.Selector = l.Selector.Selector
	}
	bare := !l.Namespace.Given() && l.NamespaceSelector == nil
	return []party{{end: plan.End{Name: podsName(namespace, pods), Pods: &pods}, namespace: namespace, span: span, bare: bare}}
}

// podsName makes the name in reports of a peer that is a set: shop/{app=web}, {tier=tenant}/*.
func podsName(namespace string, p plan.Pods) string {
	pods := "*"
	if namespace == "" {
		namespace = "*"
		if len(p.Namespaces) > 0 {
			namespace = "{" + p.Namespaces.String() + "}"
		}
	}
	if len(p.Selector) > 0 {
		pods = "{" + p.Selector.String() + "}"
	}
	return namespace + "/" + pods
}

// addresses resolves a peer that is a block of addresses less exceptions, which must lie inside of
// it.
func (s *resolver) addresses(p language.Peer, span diag.Span) []party {
	a := p.Addresses
	cidr := a.CIDR.Value.Prefix
	if !cidr.IsValid() {
		return nil // already said
	}
	at := a.CIDR.Span
	if at.IsZero() {
		at = span // in a text of the whole line, such as a test
	}
	block := plan.Block{CIDR: cidr}
	for _, e := range a.Except {
		p := e.Value.Prefix
		switch {
		case !p.IsValid():
			continue
		case !cidr.Overlaps(p) || p.Bits() < cidr.Bits():
			s.add(language.BadAddress.At(e.Span, "the exception %s is not inside %s", p, cidr).Suggest("remove it, or correct the range"))
			continue
		case p == cidr:
			s.add(language.BadAddress.At(e.Span, "the exception is the whole range %s", cidr).Suggest("remove the line: nothing is left of the range"))
			continue
		}
		block.Except = append(block.Except, p)
	}
	slices.SortFunc(block.Except, comparePrefixes)
	block.Except = slices.Compact(block.Except)
	name := cidr.String()
	if cidr.IsSingleIP() {
		name = cidr.Addr().String()
	}
	for i, e := range block.Except {
		name += []string{" except ", ", "}[min(i, 1)] + e.String()
	}
	for _, known := range []struct {
		what      string
		ranges    []netip.Prefix
		why, hint string
	}{
		{"pods", s.plan.Cluster.PodCIDRs, "a block that covers pods opens them whoever they are", "name the workload or the set of pods that is meant; leave the cluster's ranges out of a larger one by except"},
		{"Services", s.plan.Cluster.ServiceCIDRs, "policy never sees a Service's address, which is translated before", "name the workload behind it, and its pods' port"},
	} {
		i := slices.IndexFunc(known.ranges, func(r netip.Prefix) bool {
			if !cidr.Overlaps(r) {
				return false // as almost every range: what is left of it need not be known
			}
			_, both := overlap(r, packet.Subtract([]netip.Prefix{cidr}, block.Except))
			return both
		})
		if i >= 0 {
			s.add(overlapsCluster.At(at, "%s overlaps the cluster's own %s, %s", cidr, known.what, known.ranges[i]).
				Because("%s", known.why).Suggest("%s", known.hint))
			break
		}
	}
	return []party{{end: plan.End{Name: name, Blocks: []plan.Block{block}}, span: span}}
}

// comparePrefixes orders the blocks of a peer by address and then by length.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// named resolves a peer that is an @name: the built-in ones, or the members that the Platform
// gives it in this environment.
func (s *resolver) named(name string, span diag.Span) []party {
	switch name {
	case "internet":
		return s.internet(span)
	case "nodes":
		if p := s.nodes(span, "@nodes"); p.end.Blocks != nil {
			return []party{p}
		}
		return nil
	}
	var known []string
	for i, e := range s.Platform.Spec.Peers {
		if string(e.Key.Value) == name {
			return s.members(name, &s.Platform.Spec.Peers[i].Value, span)
		}
		known = append(known, "@"+string(e.Key.Value))
	}
	known = append(known, "@internet", "@nodes")
	f := unknownPeer.At(span, "the Platform has no peer called @%s", name).CausedBy("@" + name)
	if near := diag.Nearest("@"+name, known); near != "" {
		s.add(f.Suggest("did you mean %s?", yamltext.Quote(near)).Replace(span, yamltext.Quote(near)))
	} else {
		s.add(f.Suggest("the peers are %s", diag.Enumerate(known, "and")))
	}
	return nil
}

// members resolves the members of an @name here: sets of pods each by itself, addresses all as
// one.
func (s *resolver) members(name string, spec *language.PeerSpec, span diag.Span) []party {
	members := pick(&s.scope, spec.Is)
	if members == nil {
		s.add(missingFact.At(span, "@%s does not say who it is here", name).See(spec.Is.Span, "it is declared here").
			Suggest("add the environment, or its group, to its is; [] says that it has nobody there").CausedBy("@" + name))
		return nil
	}
	var blocks []plan.Block
	var all []party
	for _, m := range *members {
		for _, p := range s.peer(m.Value.Peer, m.Span, "", name) {
			if p.pods() {
				p.span = span
				all = append(all, p)
				continue
			}
			blocks = append(blocks, p.end.Blocks...)
		}
	}
	if len(blocks) > 0 {
		slices.SortFunc(blocks, func(a, b plan.Block) int { return comparePrefixes(a.CIDR, b.CIDR) })
		all = append(all, party{end: plan.End{Name: "@" + name, Blocks: blocks, Peer: name}, named: spec, span: span})
	}
	return all
}

// checkPeers looks at the members of every @name, whether a line names it or not.
func (s *resolver) checkPeers() {
	for i, e := range s.Platform.Spec.Peers {
		if pick(&s.scope, e.Value.Is) != nil {
			s.members(string(e.Key.Value), &s.Platform.Spec.Peers[i].Value, e.Key.Span)
		}
		for _, u := range e.Value.UsedBy {
			namespace, name, _ := strings.Cut(string(u.Value), "/")
			if u.Value != "" && !slices.ContainsFunc(s.instances, func(i instance) bool {
				return i.namespace == namespace && (name == "*" || i.ref() == string(u.Value))
			}) {
				s.add(unknownWorkload.At(u.Span, "usedBy names %s, and there is no such intent", u.Value).
					Because("the name may then be used by fewer than it seems").Suggest("correct the name, or remove it"))
			}
		}
	}
}

// builtInPeers are the @names that the language gives a meaning to.
var builtInPeers = map[language.Name]string{"internet": "the public internet", "nodes": "the nodes and what runs on the host network"}

// nodes returns the peer @nodes: the addresses of nodes and of pods on the host network.
func (s *resolver) nodes(span diag.Span, what string) party {
	if len(s.plan.Cluster.NodeCIDRs) == 0 {
		s.add(missingFact.At(span, "%s needs cluster.nodeCIDRs, which the Platform does not give", what).
			Suggest("add cluster: {nodeCIDRs: […]} with every source address of a node, tunnels included"))
		return party{}
	}
	var blocks []plan.Block
	for _, p := range s.plan.Cluster.NodeCIDRs {
		blocks = append(blocks, plan.Block{CIDR: p})
	}
	slices.SortFunc(blocks, func(a, b plan.Block) int { return comparePrefixes(a.CIDR, b.CIDR) })
	return party{end: plan.End{Name: "@nodes", Blocks: blocks, Peer: "nodes"}, span: span}
}

// worlds are the spaces that public unicast addresses come from, by family.
var worlds = map[packet.Family]netip.Prefix{
	packet.IPv4: netip.MustParsePrefix("0.0.0.0/0"),
	packet.IPv6: netip.MustParsePrefix("2000::/3"),
}

// internet returns the peer @internet: public unicast space, in the families of the cluster's
// pods, less the cluster's own addresses.
func (s *resolver) internet(span diag.Span) []party {
	c := s.plan.Cluster
	if len(c.PodCIDRs) == 0 {
		s.add(missingFact.At(span, "@internet needs cluster.podCIDRs, which the Platform does not give").
			Because("the internet is what is neither private nor the cluster's own").
			Suggest("add cluster: {podCIDRs: […], serviceCIDRs: […], nodeCIDRs: […]}"))
		return nil
	}
	own := slices.Concat(c.PodCIDRs, c.ServiceCIDRs, c.NodeCIDRs)
	var blocks []plan.Block
	for _, family := range []packet.Family{packet.IPv4, packet.IPv6} {
		world := []netip.Prefix{worlds[family]}
		if !slices.ContainsFunc(c.PodCIDRs, func(p netip.Prefix) bool { return p.Addr().Is4() == (family == packet.IPv4) }) {
			continue
		}
		public := packet.Subtract(packet.Public(family).Prefixes(), own)
		blocks = append(blocks, plan.Block{CIDR: worlds[family], Except: packet.Subtract(world, public)})
	}
	return []party{{end: plan.End{Name: "@internet", Blocks: blocks, Peer: "internet"}, span: span}}
}

// mayName reports whether a peer's usedBy list, if it has one, lets an intent write its @name.
func mayName(spec language.PeerSpec, w plan.Workload) bool {
	return len(spec.UsedBy) == 0 || slices.ContainsFunc(spec.UsedBy, func(u language.At[language.User]) bool {
		namespace, all := strings.CutSuffix(string(u.Value), "/*")
		return string(u.Value) == w.Ref() || all && namespace == w.Namespace
	})
}
