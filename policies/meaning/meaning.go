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
	return (*Memory)(nil).Of(set, cluster)
}

// Of reads a set as the function of that name does, less the policies that it remembers.
func (k *Memory) Of(set object.Set, cluster object.Cluster) (*Meaning, diag.List) {
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
		r.labels(p.Spec.LabelsToApply, "/spec/labelsToApply", "Calico refuses the Profile")
		profiles[o.ID.Name] = &profile{name: o.ID.Name, labels: p.Spec.LabelsToApply, rules: [2][]Rule{
			r.calicoRules(p.Spec.Ingress, Ingress), r.calicoRules(p.Spec.Egress, Egress),
		}}
	})
	policies := k.kubernetes(set, cluster)
	for i, o := range set.All() {
		if p := policies[i]; p.policy != nil {
			m.Policies, found = append(m.Policies, p.policy), append(found, p.found...)
			continue
		}
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

// addressRanges gathers the addresses by which selectors and Services tell packets apart.
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

// Ranges gives the addresses by which selectors and Services tell packets apart: those of network
// sets, host endpoints, known pods and EndpointSlices.
func (m *Meaning) Ranges() []netip.Prefix { return m.ranges }

// PodAt finds the pod of the Meaning that has the address for certain, or nil.
func (m *Meaning) PodAt(a netip.Addr) *Endpoint { return m.byAddress[a.Unmap().WithZone("")] }

// Hide adds to a Meaning policies that nobody can read and that no object of the set stands for.
// It is for who has just made it, before anything is asked.
func (m *Meaning) Hide(unread ...*Unread) { m.Unread = append(m.Unread, unread...) }

// Families tells which families pods of the cluster can have, 4 and 6: those of the pod network,
// where it is known, and of every address that somebody has.
func (m *Meaning) Families() []int {
	var has [2]bool
	note := func(of int) { has[(of-4)/2] = true }
	for _, p := range m.network.prefixes {
		note(family(p.Addr()))
	}
	if len(m.network.prefixes) == 0 {
		return []int{4, 6}
	}
	for _, e := range m.Endpoints {
		for _, a := range e.Addresses {
			note(family(a))
		}
	}
	for _, h := range m.Hosts {
		for _, a := range h.Addresses {
			note(family(a))
		}
	}
	var all []int
	for i, of := range []int{4, 6} {
		if has[i] {
			all = append(all, of)
		}
	}
	return all
}
