package explain

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"go4.org/netipx"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// end is one end of packets that were asked about: somebody, and for addresses all that
// nobody tells apart from it.
type end struct {
	meaning.Peer
	addresses packet.Addresses
}

// only makes the side of a question that is one end. At an address of the pod network that no
// known pod has, there is nobody.
func (w *World) only(p meaning.Peer) []end {
	if p.Endpoint != nil {
		return []end{{Peer: p}}
	}
	a := p.Addr.Unmap()
	if packet.AddressesOf(w.Meaning.Cluster.PodCIDRs...).Contains(a) && w.Meaning.PodAt(a) == nil {
		return nil
	}
	return []end{{p, packet.AddressesOf(netip.PrefixFrom(a, a.BitLen()))}}
}

// inSet gathers the ends that are pods of a set: all that have a name, one without labels in each
// namespace and in one that nobody knows, and of what policies ask for and none of those wears,
// one that does, if there can be.
func (w *World) inSet(set plan.Pods) []end {
	var pods []*meaning.Endpoint
	for _, e := range w.podsIn(set.Namespace) {
		if !e.HostNetwork && set.Matches(e.Namespace, e.NamespaceLabels, e.Labels) {
			pods = append(pods, e)
		}
	}
	slices.SortStableFunc(pods, func(a, b *meaning.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	unlabelled := func(namespace string, labels map[string]string) {
		if set.Matches(namespace, labels, nil) && !strings.Contains(namespace, "*") {
			pods = append(pods, &meaning.Endpoint{
				Namespace: namespace, Name: "*", NamespaceLabels: labels, NamespaceUnwritten: w.unwritten(namespace), ServiceAccount: "default",
			})
		}
	}
	for _, name := range w.spacesIn(set.Namespace) {
		unlabelled(name, w.labelsOf(name))
	}
	if set.Namespace == "" {
		unknown := set.Namespaces.Example()
		unknown[meaning.NameLabel] = "unknown-namespace"
		unlabelled(unknown[meaning.NameLabel], unknown)
	}
	byNamespace := map[string][]*meaning.Endpoint{} // of several
	if set.Namespace == "" {
		for _, e := range pods {
			byNamespace[e.Namespace] = append(byNamespace[e.Namespace], e)
		}
	}
	wears := selector.OfRequirements(set.Selector).Required()
	in := sync.OnceValue(func() *relation.Formula { return w.whereIs(set) })
	want := func(a *asked) {
		among := pods
		if a.one && set.Namespace == "" {
			among = byNamespace[a.namespace]
		}
		if a.one && set.Namespace != "" && a.namespace != set.Namespace || a.excludes(wears) || slices.ContainsFunc(among, func(e *meaning.Endpoint) bool { return a.finds(e) }) {
			return
		}
		if e := w.wearing(in(), a); e != nil {
			pods = append(pods, e)
			byNamespace[e.Namespace] = append(byNamespace[e.Namespace], e)
		}
	}
	want(&asked{})
	for _, a := range w.askedIn(set.Namespace) {
		want(a)
	}
	all := make([]end, len(pods))
	for i, e := range pods {
		all[i] = end{Peer: meaning.Pod(e)}
	}
	return all
}

// whereIs asks whether an end is a pod of a set.
func (w *World) whereIs(set plan.Pods) *relation.Formula {
	u := w.universe()
	in := relation.And(u.IsPod(relation.Own), u.Selected(relation.Own, selector.OfRequirements(set.Selector)))
	if set.Namespace != "" {
		return relation.And(in, u.Namespaces(relation.Own, set.Namespace))
	}
	return relation.And(in, u.Selected(relation.Own, selector.OfRequirements(set.Namespaces).Prefixed(namespacePrefix)))
}

// wearing makes a pod that is somewhere and is what policies ask for; nil where there can be none.
func (w *World) wearing(in *relation.Formula, a *asked) *meaning.Endpoint {
	u := w.universe()
	where := relation.And(in, u.Selected(relation.Own, a.of))
	if a.not != nil {
		where = relation.And(where, relation.Not(u.Selected(relation.Own, *a.not)))
	}
	search := relation.Search{Universe: u}
	found, err := search.Witness(relation.Question{Of: u.Pairs(), Where: where, Direction: meaning.Egress})
	if found == nil || err != nil {
		return nil
	}
	e := *found.Own().Endpoint
	e.PortsKnown = false
	return &e
}

// Labels that Calico gives to pods.
const (
	namespaceLabel  = "projectcalico.org/namespace"
	namespacePrefix = "pcns."
)

// asked is what a policy asks of pods.
type asked struct {
	of       selector.Selector
	not      *selector.Selector
	required []selector.Node // without which of holds of no pod

	namespace string // the only one in which of can hold
	one       bool   // if there is only one
}

// excludes reports whether no pod that has one of the values of each of some labels is an end that
// a policy asks for, since it has to have others.
func (a *asked) excludes(wears []selector.Node) bool {
	return slices.ContainsFunc(a.required, func(n selector.Node) bool {
		return slices.ContainsFunc(wears, func(w selector.Node) bool {
			return w.Key == n.Key && !slices.ContainsFunc(w.Values, func(v string) bool { return slices.Contains(n.Values, v) })
		})
	})
}

// onlyNamespace returns the only namespace whose pods a selector can select.
func onlyNamespace(s selector.Selector) (name string, one bool) {
	if name, one = s.Requires(namespaceLabel); !one {
		name, one = s.Requires(namespacePrefix + meaning.NameLabel)
	}
	return name, one
}

// finds reports whether an end with some labels is one that a policy asks for.
func (a *asked) finds(l selector.Labels) bool {
	return a.of.Matches(l) && (a.not == nil || !a.not.Matches(l))
}

// askedFor gathers everything that policies ask of the labels of ends, each once.
func (w *World) askedFor() []*asked {
	if w.asked != nil {
		return w.asked
	}
	known := make(map[string]bool, 2*len(w.Meaning.Policies))
	var key []byte
	add := func(of, not *selector.Selector) {
		key = key[:0]
		if of != nil {
			key = of.Append(key)
		}
		if not != nil {
			key = not.Append(append(key, 0))
		}
		if known[string(key)] {
			return
		}
		known[string(key)] = true
		a := &asked{not: not}
		if of != nil {
			a.of = *of
		}
		a.required = a.of.Required()
		a.namespace, a.one = onlyNamespace(a.of)
		w.asked = append(w.asked, a)
	}
	for _, p := range w.Meaning.Policies {
		if !p.Live() {
			continue
		}
		own := p.Selector()
		add(&own, nil)
		for d, rules := range p.Rules {
			for i := range rules {
				for _, e := range []*meaning.Entity{&rules[i].Source, &rules[i].Destination} {
					if p.Governs[d] && (e.Selector != nil || e.NotSelector != nil) {
						add(e.Selector, e.NotSelector)
					}
				}
			}
		}
	}
	return w.asked
}

// universe returns, made once, what is known of the namespaces in which ends may be.
func (w *World) universe() *relation.Universe {
	if w.known == nil {
		w.known = w.makeUniverse()
	}
	return w.known
}

// makeUniverse takes the namespaces in which ends may be from the plan, or else from manifests.
func (w *World) makeUniverse() *relation.Universe {
	if w.Plan != nil {
		return population.UniverseOf(w.Plan)
	}
	var all []relation.Namespace
	for _, n := range w.Namespaces {
		labels := maps.Clone(n.Labels)
		delete(labels, meaning.NameLabel)
		all = append(all, relation.Namespace{Name: n.Name, Labels: labels, Free: n.Unwritten})
	}
	pods, others := (&plan.Plan{Cluster: w.Meaning.Cluster}).Whereabouts()
	return relation.NewUniverse(all, pods, others)
}

// labelsOf returns the labels of an end's namespace, as far as they are known.
func (w *World) labelsOf(namespace string) map[string]string {
	if w.Plan != nil {
		if n, ok := w.Plan.Namespace(namespace); ok && len(n.Labels) > 0 {
			return n.Labels
		}
	}
	if w.labels == nil {
		w.labels = meaning.Namespaces(w.Set)
		for _, n := range w.Namespaces {
			w.labels[n.Name] = n.Labels
		}
	}
	if labels := w.labels[namespace]; labels != nil {
		return labels
	}
	return map[string]string{meaning.NameLabel: namespace}
}

// unwritten reports whether nobody says which labels an end's namespace has, as may be in
// manifests.
func (w *World) unwritten(namespace string) bool {
	i, known := slices.BinarySearchFunc(w.Namespaces, namespace, func(n plan.Namespace, name string) int { return strings.Compare(n.Name, name) })
	return w.Plan == nil && (!known || w.Namespaces[i].Unwritten)
}

// inRanges gathers the ends that are addresses outside, nodes and host endpoints: a range for each
// way in which anything tells them apart. Pods are never among them.
func (w *World) inRanges(set packet.Addresses) []end { return w.ranges(set, nil) }

// ranges parts addresses into ends where anything tells them apart, and at some prefixes more.
func (w *World) ranges(set packet.Addresses, cuts []netip.Prefix) []end {
	cluster := w.Meaning.Cluster
	never := slices.Clone(cluster.PodCIDRs)
	for _, e := range slices.Concat(w.Meaning.Endpoints, w.Pods) {
		for _, a := range e.Addresses {
			if !e.HostNetwork {
				never = append(never, netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	boundaries := append(slices.Clone(cuts), w.Meaning.Boundaries()...)
	known := map[netip.Prefix]bool{}
	for _, p := range boundaries {
		known[p] = true
	}
	ranges, order := map[string][]netipx.IPRange{}, []string(nil)
	for _, r := range packet.Elementary(set.Subtract(packet.AddressesOf(never...)).IPSet(), boundaries) {
		var key strings.Builder
		fmt.Fprint(&key, r.From().Is4())
		for bits := range r.From().BitLen() + 1 {
			if p, _ := r.From().Prefix(bits); known[p] {
				fmt.Fprint(&key, " ", p)
			}
		}
		if ranges[key.String()] == nil {
			order = append(order, key.String())
		}
		ranges[key.String()] = append(ranges[key.String()], r)
	}
	var all []end
	for _, e := range w.Pods { // nodes, of which the network alone is known
		if e.HostNetwork && len(e.Addresses) == 0 && slices.ContainsFunc(w.Meaning.Families(), func(of int) bool { return w.holdsNodes(set, of) }) {
			all = append(all, end{Peer: meaning.Pod(e)})
		}
	}
	for _, key := range order {
		of := packet.AddressRanges(ranges[key]...)
		a, _ := of.Witness()
		all = append(all, end{meaning.Address(a), of})
	}
	return all
}

// holdsNodes reports whether all nodes' addresses of a family are in a range that is asked about.
func (w *World) holdsNodes(set packet.Addresses, family int) bool {
	nodes := packet.Addresses{}
	for _, p := range w.Meaning.Cluster.NodeCIDRs {
		if p.Addr().Is4() == (family == 4) {
			nodes = nodes.Union(packet.AddressesOf(p))
		}
	}
	if nodes.IsEmpty() {
		nodes = map[int]packet.Addresses{
			4: packet.AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), 6: packet.AddressesOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0)),
		}[family]
	}
	return set.Covers(nodes)
}

// can reports whether an end may have an address of a family, as far as is known.
func (e end) can(family int) bool {
	is := func(a netip.Addr) bool { return a.Unmap().Is4() == (family == 4) }
	switch {
	case e.Addr.IsValid():
		return is(e.Addr)
	case e.Endpoint == nil || len(e.Endpoint.Addresses) == 0:
		return true
	default:
		return slices.ContainsFunc(e.Endpoint.Addresses, is)
	}
}

// names lists ends for people: the first three, and how many more there are. Addresses are one,
// however policies divide them, and the first: they are the most.
func names(ends []end, of []int) string {
	const most = 3
	var addresses packet.Addresses
	var names []string
	for _, i := range of {
		if e := ends[i]; e.Endpoint == nil {
			addresses = addresses.Union(e.addresses)
		} else if name := e.Endpoint.Ref(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !addresses.IsEmpty() {
		text := strings.SplitN(addresses.String(), ", ", most+1)
		if len(text) > most {
			text[most] = "…"
		}
		names = slices.Insert(names, 0, strings.Join(text, ", "))
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}
