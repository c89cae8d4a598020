package cluster

import (
	"net/netip"
	"slices"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// named are addresses that somebody gives a name, or speaks of one by one.
type named struct {
	ours   []netip.Prefix // in policies that a build wrote: what lines name is outside the cluster
	others []netip.Prefix
}

// namesIn collects what the network sets and rules among manifests name: the ranges of sets
// and, of rules, single addresses, for nobody writes a pod's address into a rule. A range in
// a rule may well be where pods are. A build's own rules speak of no pod by its address.
func namesIn(set object.Set) named {
	var n named
	for _, o := range set.All() {
		ours := o.Labels()[plan.ManagedBy] == plan.Manager
		add := func(whole bool, texts ...string) {
			for _, text := range texts {
				p, ok := prefixOf(text)
				switch {
				case !ok:
				case ours:
					n.ours = append(n.ours, p)
				case whole || p.IsSingleIP():
					n.others = append(n.others, p)
				}
			}
		}
		switch typed := o.Typed.(type) {
		case *calico.NetworkSet:
			add(true, merged(typed.Spec.Nets)...)
		case *calico.GlobalNetworkSet:
			add(true, merged(typed.Spec.Nets)...)
		case *networkingv1.NetworkPolicy:
			for _, b := range blocksOf(typed) {
				if ours {
					n.ours = append(n.ours, less(b.CIDR, b.Except)...)
					continue
				}
				add(false, append([]string{b.CIDR}, b.Except...)...)
			}
		case *calico.NetworkPolicy:
			n.ofRules(ours, add, typed.Spec.Ingress, typed.Spec.Egress)
		case *calico.GlobalNetworkPolicy:
			n.ofRules(ours, add, typed.Spec.Ingress, typed.Spec.Egress)
		}
	}
	return n
}

// ofRules collects the addresses that Calico's rules name.
func (n *named) ofRules(ours bool, add func(bool, ...string), rules ...[]calico.Rule) {
	for _, r := range slices.Concat(rules...) {
		for _, e := range []calico.EntityRule{r.Source, r.Destination} {
			switch {
			case !ours:
				add(false, slices.Concat(e.Nets, e.NotNets)...)
			case len(e.Nets) > 0:
				for _, text := range e.Nets {
					n.ours = append(n.ours, less(text, e.NotNets)...)
				}
			}
		}
	}
}

// blocksOf lists the blocks of addresses that a NetworkPolicy's rules name.
func blocksOf(p *networkingv1.NetworkPolicy) []networkingv1.IPBlock {
	var peers []networkingv1.NetworkPolicyPeer
	for _, r := range p.Spec.Ingress {
		peers = append(peers, r.From...)
	}
	for _, r := range p.Spec.Egress {
		peers = append(peers, r.To...)
	}
	var all []networkingv1.IPBlock
	for _, peer := range peers {
		if peer.IPBlock != nil {
			all = append(all, *peer.IPBlock)
		}
	}
	return all
}

// less returns a named range without its exceptions.
func less(text string, except []string) []netip.Prefix {
	p, ok := prefixOf(text)
	if !ok {
		return nil
	}
	var without []netip.Prefix
	for _, text := range except {
		if e, ok := prefixOf(text); ok {
			without = append(without, e)
		}
	}
	return packet.AddressesOf(p).Subtract(packet.AddressesOf(without...)).Prefixes()
}

// merged joins the named ranges of a set to the fewest: two halves of a block are the block.
func merged(texts []string) []string {
	var all []netip.Prefix
	for _, text := range texts {
		if p, ok := prefixOf(text); ok {
			all = append(all, p)
		}
	}
	var out []string
	for _, p := range packet.AddressesOf(all...).Prefixes() {
		out = append(out, p.String())
	}
	return out
}

// prefixOf reads a named range, or an address, which network sets may hold.
func prefixOf(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err == nil
}
