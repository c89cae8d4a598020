// Package cluster says what is known of the cluster for which manifests are that no build
// wrote: where pods are, who resolves names, which release of Calico evaluates.
//
// Its invariant: what the command line says goes before the Platform, that before objects in
// sight, those before what is assumed; and of everything that nobody said, a sentence tells
// what is taken for granted.
//
// It must not know what is judged in the cluster, nor how a Platform is spelt.
package cluster

import (
	"fmt"
	"net/netip"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Said is what the command line says of a cluster. The zero Said says nothing.
type Said struct {
	CalicoMinor int         // 0: nothing
	DNS         *object.DNS // nil: nothing
	PodCIDRs    []netip.Prefix
}

// Platform is what a Platform says of a cluster.
type Platform struct {
	*plan.Plan
	Calico, DNS bool           // it says which release runs, and who resolves names
	Named       []netip.Prefix // the addresses to which it gives names
	Others      int            // environments of which this is not
}

// Known is a cluster, as far as anybody tells.
type Known struct {
	object.Cluster
	// Assumptions are sentences about what nobody said, or what was read off objects.
	Assumptions []string
}

// Of gathers what is known of a cluster from the command line, a Platform and manifests. The
// Platform may be nil. The set is the manifests.
func Of(said Said, platform *Platform, set object.Set) Known {
	k := Known{Cluster: object.DefaultCluster()}
	if platform != nil {
		k.Cluster = platform.Cluster
		if platform.Others > 0 {
			k.assume("The cluster is that of the Platform's environment %s.", platform.Environment)
		}
	}
	switch {
	case said.CalicoMinor != 0:
		k.CalicoMinor = said.CalicoMinor
	case platform == nil || !platform.Calico:
		k.assume("Policies are Calico 3.%d's, the newest release that is known: --calico names another.", k.CalicoMinor)
	}
	switch {
	case said.DNS != nil:
		k.DNS = *said.DNS
	case platform == nil || !platform.DNS:
		k.assume("Names are resolved by the pods of namespace %s that carry %s, on port %d: --dns names others.", k.DNS.Namespace, pairs(k.DNS.Labels), k.DNS.Port)
	}
	k.locate(said, platform, set)
	return k
}

// assume keeps a sentence about what is assumed of the cluster, for the report.
func (k *Known) assume(format string, args ...any) {
	k.Assumptions = append(k.Assumptions, fmt.Sprintf(format, args...))
}

// locate finds out where the cluster's pods and nodes are.
func (k *Known) locate(said Said, platform *Platform, set object.Set) {
	seen := sightOf(set)
	if len(k.NodeCIDRs) == 0 && len(seen.nodes) > 0 {
		k.NodeCIDRs = seen.nodes
		k.assume("Nodes have the addresses that %s say.", seen.nodesFrom)
	}
	switch {
	case len(said.PodCIDRs) > 0:
		k.PodCIDRs = said.PodCIDRs
	case len(k.PodCIDRs) > 0:
	case len(seen.pods) > 0:
		k.PodCIDRs = seen.pods
		k.assume("Pods have addresses of %s, as %s say, and nothing else has.", join(seen.pods), seen.podsFrom)
	default:
		named := namesIn(set)
		if platform != nil {
			named.ours = append(named.ours, platform.Named...)
		}
		k.PodSpace = named.spare().Prefixes()
		k.assume("A pod without a known address has a private one (%s), and none that a network set, or a rule by itself, names: --pod-cidrs says where pods are.", join(private))
	}
}

// private is where pods are taken to be if nobody says: the private and shared addresses of
// RFC 1918, RFC 6598 and RFC 4193. Special-purpose ranges, such as link-local ones, are none
// of them.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// spare returns private space less what has a name, where the cluster's pods may be. Of a family
// of which that leaves nothing, it is where a build takes pods to be then: anywhere else, or
// anywhere at all.
func (n named) spare() packet.Addresses {
	ours := packet.AddressesOf(n.ours...)
	left := packet.AddressesOf(private...).Subtract(ours)
	for _, p := range n.others {
		// Who writes down the whole of a private block speaks of private addresses, and pods
		// are among them.
		if !holdsBlock(p) {
			left = left.Subtract(packet.AddressesOf(p))
		}
	}
	for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
		for _, instead := range []packet.Addresses{ours.Complement(), packet.EveryAddress()} {
			if !plan.HasRoom(left, f) {
				left = left.Union(instead.Intersect(packet.Routable(f)))
			}
		}
	}
	return left
}

// holdsBlock reports whether a range that has a name holds a whole block of private addresses,
// among which the cluster's pods may be.
func holdsBlock(p netip.Prefix) bool {
	for _, block := range append([]netip.Prefix{locallyAssigned}, private...) {
		if p.Addr().Is4() == block.Addr().Is4() && p.Bits() <= block.Bits() && p.Contains(block.Addr()) {
			return true
		}
	}
	return false
}

// locallyAssigned is the half of fc00::/7 that is in use.
var locallyAssigned = netip.MustParsePrefix("fd00::/8")

// pairs writes labels of the cluster's DNS pods as key=value, in what is assumed.
func pairs(labels map[string]string) string {
	var all []string
	for _, k := range diag.SortedKeys(labels) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ",")
}

// join writes ranges of the cluster one after the other, in what is assumed.
func join(prefixes []netip.Prefix) string {
	words := make([]string, len(prefixes))
	for i, p := range prefixes {
		words[i] = p.String()
	}
	return strings.Join(words, ", ")
}
