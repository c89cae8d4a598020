// Package meaning says what rendered policies do: which of them govern an
// endpoint, in which order, and what becomes of a packet on each of its halves (Walk).
// What they do for every end that may exist is for policies/relation to decide.
//
// Its invariant: a verdict is Calico's, for the release and API form that the
// Cluster names, or it is "unknown". What the manifests leave open (the address of
// a pod that does not run yet, the container ports of a workload that has no
// manifest) is carried through as such and never guessed.
//
// It must not know what was meant: no plan, no intent, and no writer of policies.
//
// Not modelled, and so for the caller to know: traffic of a host to its own pods,
// which no policy stops, and of a pod to its own node, which the node's default
// decides (host-network pods and nodes count as being on another node); packets of
// connections that exist already; untracked, pre-DNAT and forwarded traffic of host
// endpoints and their failsafe ports, and policies that Calico's operator has for its own
// components or that nobody can read, which Follow calls unknown; HTTP criteria; encapsulated packets and spoofed
// sources, which Calico drops before policy; FelixConfiguration.
package meaning

import (
	"net/netip"
	"slices"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
)

// Meaning is what one set of objects does in one cluster. It does not change, and
// may be asked from many goroutines.
type Meaning struct {
	Cluster   object.Cluster
	Tiers     []*Tier     // in the order of evaluation, built-in ones included
	Policies  []*Policy   // in the order of their IDs
	Endpoints []*Endpoint // that the objects describe, in the order of their IDs
	Hosts     []*Host     // in the order of their IDs
	Unread    []*Unread   // policies of which nobody knows what they do, in the order of their IDs

	index      []tierIndex                  // beside Tiers
	namespaces map[string]map[string]string // labels of the Namespaces that manifests describe
	sets       []*networkSet
	byAddress  map[netip.Addr]*Endpoint
	hostsAt    map[netip.Addr]*Host // the first that claims the address
	onHosts    []*Policy            // that may act on host endpoints in a way that Walk does not evaluate
	services   map[string]*service  // by namespace/name
	ranges     []netip.Prefix       // sorted, unique
	network    pool                 // where only pods live
	pods       pool                 // where pods without a known address live
	nodes      pool                 // where nodes without a known address live
}

// Of reads the policies, network sets, host endpoints and the world of a set. The
// findings are what an API server would refuse or what is not evaluated; the
// Meaning beside them is what Calico makes of the objects if they are stored all
// the same.
func Of(set object.Set, cluster object.Cluster) (*Meaning, diag.List) {
	var found diag.List
	reading := func(o object.Object) *reader {
		return &reader{id: o.ID, cluster: cluster, raw: o.JSON, found: &found}
	}
	m := &Meaning{
		Cluster: cluster, Endpoints: Endpoints(set), services: servicesOf(set),
		network: poolOf(cluster.PodCIDRs), pods: poolOf(cluster.PodCIDRs), nodes: poolOf(cluster.NodeCIDRs), byAddress: map[netip.Addr]*Endpoint{}, hostsAt: map[netip.Addr]*Host{},
	}
	if len(cluster.PodCIDRs) == 0 {
		m.pods = poolOf(cluster.PodSpace)
	}
	namespaces := Namespaces(set)
	m.namespaces = namespaces
	profiles := map[string]*profile{}
	object.Each(set, func(o object.Object, p *calico.Profile) {
		r := reading(o)
		r.labelsToApply(p.Spec.LabelsToApply)
		profiles[o.ID.Name] = &profile{name: o.ID.Name, labels: p.Spec.LabelsToApply, rules: [2][]Rule{
			r.calicoRules(p.Spec.Ingress, Ingress), r.calicoRules(p.Spec.Egress, Egress),
		}}
	})
	for _, o := range set.All() {
		r := reading(o)
		r.identity(o)
		if u := unreadOf(o, cluster); u != nil {
			m.Unread = append(m.Unread, u)
		}
		switch typed := o.Typed.(type) {
		case *networkingv1.NetworkPolicy, *calico.StagedKubernetesNetworkPolicy:
			m.Policies = append(m.Policies, r.kubernetesPolicy(typed))
		case *calico.NetworkPolicy, *calico.GlobalNetworkPolicy, *calico.StagedNetworkPolicy, *calico.StagedGlobalNetworkPolicy:
			m.Policies = append(m.Policies, r.calicoPolicy(typed))
		case *object.ClusterNetworkPolicy:
			m.Policies = append(m.Policies, r.clusterPolicy(typed))
		case *calico.Tier:
			r.tierObject(typed)
		case *calico.NetworkSet:
			m.sets = append(m.sets, r.networkSet(typed.Labels, typed.Spec.Nets, namespaces[o.ID.Namespace]))
		case *calico.GlobalNetworkSet:
			m.sets = append(m.sets, r.networkSet(typed.Labels, typed.Spec.Nets, nil))
		case *calico.HostEndpoint:
			m.Hosts = append(m.Hosts, r.host(typed, profiles))
		}
	}
	for _, p := range m.Policies {
		if p.OnHosts != "" && p.Enforced && p.Dropped == "" && p.mayGovernHosts() {
			m.onHosts = append(m.onHosts, p)
		}
	}
	m.Tiers = tiersOf(set, cluster.CalicoMinor, m.Policies)
	m.index = indexOf(m.Tiers)
	for _, e := range m.Endpoints {
		if !e.HostNetwork {
			for _, a := range e.Addresses {
				m.byAddress[a] = e
			}
		}
	}
	for _, h := range m.Hosts {
		for _, a := range h.Addresses {
			if m.hostsAt[a] == nil {
				m.hostsAt[a] = h
			}
		}
	}
	m.ranges = m.addressRanges()
	return m, found
}

func (m *Meaning) addressRanges() []netip.Prefix {
	var ranges []netip.Prefix
	add := func(addresses []netip.Addr) {
		for _, a := range addresses {
			ranges = append(ranges, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for _, s := range m.sets {
		ranges = append(ranges, s.addresses.Prefixes()...)
	}
	for _, h := range m.Hosts {
		add(h.Addresses)
	}
	for _, e := range m.Endpoints {
		add(e.Addresses)
	}
	for _, s := range m.services {
		add(s.addresses())
	}
	slices.SortFunc(ranges, netip.Prefix.Compare)
	return slices.Compact(ranges)
}

// PodAt is the pod that has the address for certain, or nil.
func (m *Meaning) PodAt(a netip.Addr) *Endpoint { return m.byAddress[a.Unmap().WithZone("")] }

// tierIndex finds the policies of a tier that can apply to an endpoint without
// asking those of other namespaces.
type tierIndex struct {
	global      labelIndex
	byNamespace map[string]*labelIndex
}

func indexOf(tiers []*Tier) []tierIndex {
	index := make([]tierIndex, len(tiers))
	for i, t := range tiers {
		var global []int
		byNamespace := map[string][]int{}
		for j, p := range t.Policies {
			switch ns := p.ID.Namespace; {
			case !p.Live():
			case ns == "":
				global = append(global, j)
			default:
				byNamespace[ns] = append(byNamespace[ns], j)
			}
		}
		index[i] = tierIndex{global: *labelIndexOf(t.Policies, global), byNamespace: map[string]*labelIndex{}}
		for ns, own := range byNamespace {
			index[i].byNamespace[ns] = labelIndexOf(t.Policies, own)
		}
	}
	return index
}

// labelIndex finds those of some policies that can select an endpoint, without asking
// all that ask for another value of a label. The numbers are places in Tier.Policies.
type labelIndex struct {
	keys   []string                    // by which policies are found
	byPair map[string]map[string][]int // key → value → policies
	others []int                       // which may select endpoints whatever their labels
}

// labelIndexOf files each policy under the label that the fewest of the others ask for.
func labelIndexOf(policies []*Policy, places []int) *labelIndex {
	index := &labelIndex{byPair: map[string]map[string][]int{}}
	asked := map[[2]string]int{}
	required := make([][]selector.Node, len(places))
	for i, j := range places {
		required[i] = policies[j].selector.Required()
		for _, n := range required[i] {
			for _, value := range n.Values {
				asked[[2]string{n.Key, value}]++
			}
		}
	}
	for i, j := range places {
		best, fewest := -1, 0
		for k, n := range required[i] {
			sum := 0
			for _, value := range n.Values {
				sum += asked[[2]string{n.Key, value}]
			}
			if best < 0 || sum < fewest {
				best, fewest = k, sum
			}
		}
		if best < 0 {
			index.others = append(index.others, j)
			continue
		}
		n := required[i][best]
		if index.byPair[n.Key] == nil {
			index.byPair[n.Key] = map[string][]int{}
			index.keys = append(index.keys, n.Key)
		}
		for _, value := range n.Values {
			index.byPair[n.Key][value] = append(index.byPair[n.Key][value], j)
		}
	}
	return index
}

// candidates adds the policies that can select what has the labels.
func (x *labelIndex) candidates(places []int, l selector.Labels) []int {
	places = append(places, x.others...)
	e, isPod := l.(*Endpoint)
	for _, key := range x.keys {
		if isPod && e.unknown(key) { // any of them may select it
			for _, some := range x.byPair[key] {
				places = append(places, some...)
			}
			continue
		}
		if value, ok := l.Label(key); ok {
			places = append(places, x.byPair[key][value]...)
		}
	}
	return places
}

// stage is a tier and those of its policies that apply to one endpoint in one
// direction; never none.
type stage struct {
	tier     *Tier
	policies []*Policy
	perhaps  []bool // by policy: it depends on labels that nobody knows; nil: none does
}

// mayApply reports whether a policy of the stage only may apply.
func (s stage) mayApply(i int) bool { return s.perhaps != nil && s.perhaps[i] }

// mayBeSkipped reports whether no policy of the stage applies for certain.
func (s stage) mayBeSkipped() bool { return s.perhaps != nil && !slices.Contains(s.perhaps, false) }

// stages are the tiers that a packet of the endpoint goes through, in order. A
// tier without a policy that applies is left out, its end included.
func (m *Meaning) stages(l selector.Labels, namespace string, d Direction) []stage {
	var stages []stage
	for i, t := range m.Tiers {
		candidates := m.index[i].global.candidates(nil, l)
		if own := m.index[i].byNamespace[namespace]; namespace != "" && own != nil {
			candidates = own.candidates(candidates, l)
		}
		slices.Sort(candidates)
		var s stage
		for _, j := range candidates {
			p := t.Policies[j]
			if !p.Governs[d] {
				continue
			}
			applies := holds(&p.selector, l)
			if applies == no {
				continue
			}
			if applies == maybe && s.perhaps == nil {
				s.perhaps = make([]bool, len(s.policies), len(candidates))
			}
			s.policies = append(s.policies, p)
			if s.perhaps != nil {
				s.perhaps = append(s.perhaps, applies == maybe)
			}
		}
		if len(s.policies) > 0 {
			s.tier = t
			stages = append(stages, s)
		}
	}
	return stages
}

// certain are stages of which every policy applies.
func certain(stages []stage) []stage {
	all := slices.Clone(stages)
	for i := range all {
		all[i].perhaps = nil
	}
	return all
}

// Governed is what applies to an endpoint in one direction.
type Governed struct {
	Policies []*Policy // in the order of evaluation
	// Isolated: a packet that no rule allows is dropped, whichever way it takes
	// through the tiers. IsolatedBy are the policies that see to it: those of the
	// tier whose end drops, or the one whose rule denies everything.
	Isolated   bool
	IsolatedBy []*Policy
	// Perhaps: it is not isolated for certain, and would be if every policy applied of which
	// that hangs on labels of the Namespace that nobody wrote down.
	Perhaps bool
}

// Governing says which policies apply to the endpoint, and whether they isolate it.
// Nothing governs a host-network pod.
func (m *Meaning) Governing(e *Endpoint, d Direction) Governed { return m.once().Governing(e, d) }

// isolated follows a packet that no rule allows. A rule that passes may send it on
// to the next tiers, so those must drop it as well.
func isolated(stages []stage, d Direction) ([]*Policy, bool) {
	if len(stages) == 0 {
		return nil, false
	}
	s, rest := stages[0], stages[1:]
	by, below := isolated(rest, d)
	for n, p := range s.policies {
		certain := !s.mayApply(n)
		for i := range p.Rules[d] {
			switch r := &p.Rules[d][i]; {
			case r.Action == Deny && r.MatchesAll() && certain:
				return []*Policy{p}, true
			case r.Action == Pass && (r.MatchesAll() && certain || !below):
				return by, below
			}
		}
	}
	if s.tier.PassAtEnd || s.mayBeSkipped() {
		return by, below
	}
	return s.policies, true
}
