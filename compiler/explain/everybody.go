package explain

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// Member is one of those that policies may tell apart: a pod that is known, one that may come,
// or addresses that nothing tells apart.
type Member struct {
	meaning.Peer
	Addresses packet.Addresses // zero for pods
	Names     []string         // of workloads and manifests that it is a pod of, in order
	Key       string           // the same for the same pods of another world; empty for addresses
}

// IsPod reports whether a member of everybody is a pod, and not addresses.
func (m *Member) IsPod() bool { return m.Endpoint != nil }

// Everybody gathers the pods: those that have a name, one without labels in each namespace,
// and of whatever else policies ask one that has it, in the order of their keys.
func (w *World) Everybody() []Member {
	if w.everybody == nil {
		w.everybody = w.gathered()
	}
	return slices.Clone(w.everybody)
}

// gathered works out once who everybody is, pods alike being one.
func (w *World) gathered() []Member {
	known, met := make(map[string]int, len(w.Pods)), make(map[*meaning.Endpoint]int, len(w.Pods))
	var all []Member
	add := func(ends []end, name string) {
		for _, e := range ends {
			if !e.isPod() {
				continue
			}
			at, again := met[e.Endpoint]
			if !again {
				key := keyOf(e.Endpoint)
				var there bool
				if at, there = known[key]; !there {
					at = len(all)
					known[key] = at
					all = append(all, Member{Peer: e.Peer, Key: key})
				}
				met[e.Endpoint] = at
			}
			if name != "" && !slices.Contains(all[at].Names, name) {
				all[at].Names = append(all[at].Names, name)
			}
		}
	}
	add(w.inSet(plan.Pods{}), "")
	for _, name := range w.namespaces() {
		if !strings.Contains(name, "*") {
			add(w.inSet(plan.Pods{Namespace: name}), "")
		}
	}
	planned := map[string]bool{}
	if w.Plan != nil {
		for i := range w.Plan.Workloads {
			wl := &w.Plan.Workloads[i]
			if planned[wl.Ref()] = true; !wl.HostNetwork {
				add(w.inSet(w.podsOf(wl)), wl.Ref())
			}
		}
	}
	w.named("")
	for _, name := range diag.SortedKeys(w.byName) {
		if e := w.byName[name][0]; !e.HostNetwork && !planned[name] {
			add(w.only(meaning.Pod(e)), name)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// keyOf makes the key of a pod among everybody, the same for pods that are in one namespace and
// wear the same labels.
func keyOf(e *meaning.Endpoint) string {
	var b strings.Builder
	b.WriteString(e.Namespace)
	for _, k := range diag.SortedKeys(e.Labels) {
		b.WriteString("\x00" + k + "\x01" + e.Labels[k])
	}
	if e.ServiceAccount != "default" && e.ServiceAccount != "" {
		b.WriteString("\x02" + e.ServiceAccount)
	}
	for _, a := range e.Addresses {
		b.WriteString("\x03" + a.String())
	}
	return b.String()
}

// Adopted makes a pod of another world's everybody a member of this one, with the labels of its
// namespace here.
func (w *World) Adopted(m Member) Member {
	if !m.IsPod() {
		return m
	}
	e := *m.Endpoint
	if labels := w.labelsOf(e.Namespace); len(labels) > 1 || w.Lists(e.Namespace) {
		e.NamespaceLabels = labels
	}
	e.NamespaceUnwritten = w.unwritten(e.Namespace)
	m.Peer = meaning.Pod(&e)
	m.Names = nil
	if w.Plan == nil {
		return m
	}
	for i := range w.Plan.Workloads {
		wl := &w.Plan.Workloads[i]
		if n, _ := w.Plan.Namespace(wl.Namespace); !wl.HostNetwork && !n.Pattern && wl.Namespace == e.Namespace && wl.Selector.Matches(e.Labels) {
			m.Names = append(m.Names, wl.Ref())
		}
	}
	return m
}

// Elsewhere gathers the members of everybody that are addresses which no pod has, parted where
// policies tell them apart and at some prefixes more.
func (w *World) Elsewhere(cuts []netip.Prefix) []Member {
	var all []Member
	for _, e := range w.ranges(packet.EveryAddress(), cuts) {
		if e.Endpoint == nil && slices.ContainsFunc(w.asking().Families(), func(of int) bool { return e.can(of) }) {
			all = append(all, Member{Peer: e.Peer, Addresses: e.addresses})
		}
	}
	return all
}

// Can reports whether a member of everybody may have an address of a family, as far as is known.
func (w *World) Can(m Member, family int) bool { return end{m.Peer, m.Addresses}.can(family) }

// Fates sorts all traffic of a family between two members of everybody by what becomes of it.
func (w *World) Fates(from, to Member, family int) map[meaning.Outcome]packet.Traffic {
	all := map[meaning.Outcome]packet.Traffic{}
	for outcome, f := range w.between(end{from.Peer, from.Addresses}, end{to.Peer, to.Addresses}, packet.Anything(), 0, family) {
		all[outcome] = f.traffic
	}
	return all
}

// Sender is whom one member may send to, as far as rules tell at a glance.
type Sender struct {
	To  []int // in order
	All bool  // whoever it is
}

// Glance says for each of everybody whom it may send to, and from whom it may receive, as far as
// rules tell without a walk. Of other pairs all traffic is denied. Members that are passed over
// are not looked at: it may be all.
func (w *World) Glance(all []Member, over []bool) (sends, receives []Sender) {
	ends := make([]end, len(all))
	for i, m := range all {
		ends[i] = end{m.Peer, m.Addresses}
	}
	r := w.reach(ends)
	sends, receives = make([]Sender, len(all)), make([]Sender, len(all))
	for i := range all {
		if over != nil && over[i] {
			sends[i].All, receives[i].All = true, true
			continue
		}
		for d, into := range map[meaning.Direction]*Sender{meaning.Egress: &sends[i], meaning.Ingress: &receives[i]} {
			into.To, into.All = r.those(ends[i], d)
		}
	}
	return sends, receives
}

// Governed reports whether any policy has a say on one half of a member's traffic, and whether
// what no rule allows is dropped there.
func (w *World) Governed(m *Member, d meaning.Direction) (governed, isolated bool) {
	if !m.IsPod() {
		return false, false
	}
	g := w.asking().Governing(m.Endpoint, d)
	return len(g.Policies) > 0, g.Isolated || g.Perhaps
}

// Has reports whether a member of everybody is one of an end of a plan's flow.
func (w *World) Has(e plan.End, m *Member) bool { return has(w.Plan, e, m.Peer) }

// Deciding explains what decides a packet of some traffic between two members of everybody, on
// both halves.
func (w *World) Deciding(from, to Member, of packet.Traffic) Example {
	h, _ := of.Witness()
	best := sample{}
	for _, family := range w.asking().Families() {
		if (end{from.Peer, from.Addresses}).can(family) && (end{to.Peer, to.Addresses}).can(family) {
			k := packetOf(h, 0, from.Peer, to.Peer)
			k.Family = family
			if best = w.walked(k); best.outcome != meaning.Denied {
				break
			}
		}
	}
	return w.example(best, Deciding)
}

// Lists reports whether a namespace is one that anything is known of, so that everybody has a
// member there.
func (w *World) Lists(namespace string) bool {
	_, known := slices.BinarySearch(w.namespaces(), namespace)
	return known
}

// Universe returns what is known of the namespaces, for whoever decides about members that may
// come.
func (w *World) Universe() *relation.Universe { return w.universe() }

// Come makes a pod that may come a member of everybody.
func (w *World) Come(e *meaning.Endpoint) Member {
	of := *e
	of.PortsKnown, of.Ports, of.Addresses = false, nil, nil
	return w.Adopted(Member{Peer: meaning.Pod(&of), Key: keyOf(&of)})
}

// nearby is what a question about one namespace need look at of a world that has thousands.
type nearby struct {
	pods     map[string][]*meaning.Endpoint
	asked    map[string][]int // places in World.asked of what asks for pods of one namespace
	anywhere []int            // and of what asks for pods of several
	both     map[string][]*asked
}

// nearby makes the index by namespace, once for a world, of its pods and of what asks for pods.
func (w *World) nearby() *nearby {
	if w.near != nil {
		return w.near
	}
	w.near = &nearby{pods: map[string][]*meaning.Endpoint{}, asked: map[string][]int{}, both: map[string][]*asked{}}
	for _, e := range w.Pods {
		w.near.pods[e.Namespace] = append(w.near.pods[e.Namespace], e)
	}
	for i, a := range w.askedFor() {
		if a.one {
			w.near.asked[a.namespace] = append(w.near.asked[a.namespace], i)
		} else {
			w.near.anywhere = append(w.near.anywhere, i)
		}
	}
	return w.near
}

// podsIn lists the pods of a namespace that have a name, or of all where it is empty.
func (w *World) podsIn(namespace string) []*meaning.Endpoint {
	if namespace == "" {
		return w.Pods
	}
	return w.nearby().pods[namespace]
}

// askedIn lists what policies ask of pods that may be in a namespace, or in any where it is
// empty, in the order of policies. What no pod of the namespace can be is left out.
func (w *World) askedIn(namespace string) []*asked {
	if namespace == "" {
		return w.askedFor()
	}
	near, all := w.nearby(), w.askedFor()
	if some, known := near.both[namespace]; known {
		return some
	}
	places := slices.Concat(near.anywhere, near.asked[namespace])
	slices.Sort(places)
	some := make([]*asked, 0, len(places))
	for _, at := range places {
		if !w.universe().Excludes(namespace, all[at].of) {
			some = append(some, all[at])
		}
	}
	near.both[namespace] = some
	return some
}

// spacesIn lists the namespaces that may be one, or any where it is empty.
func (w *World) spacesIn(namespace string) []string {
	all := w.namespaces()
	if namespace == "" {
		return all
	}
	at, known := slices.BinarySearch(all, namespace)
	if !known {
		return nil
	}
	return all[at : at+1]
}
