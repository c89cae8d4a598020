package relation_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// cluster is what a universe is told of the pods that may exist.
type cluster struct {
	namespaces []relation.Namespace
	pods       []netip.Prefix
}

func (c cluster) universe() *relation.Universe { return universeOf(c.namespaces, c.pods) }

// fits says whether a name is one of a pattern with one star.
func fits(pattern, name string) bool {
	before, after, _ := strings.Cut(pattern, "*")
	return len(name) >= len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
}

// of finds what is known of a namespace: as a listed one, or by the first pattern that it fits.
func (c cluster) of(name string) (n relation.Namespace, listed, matched bool) {
	for _, n := range c.namespaces {
		if n.Name == name {
			return n, true, false
		}
	}
	for _, n := range c.namespaces {
		if strings.Contains(n.Name, "*") && fits(n.Name, name) {
			return n, false, true
		}
	}
	return relation.Namespace{}, false, false
}

// contradicts says which label a namespace cannot have, from what is known of it; empty if
// it may have those.
func (c cluster) contradicts(name string, labels map[string]string) string {
	n, listed, _ := c.of(name)
	if n.Free {
		return ""
	}
	known := maps.Clone(n.Labels)
	if listed {
		for _, other := range c.namespaces {
			for key := range other.Labels {
				if _, worn := known[key]; !worn {
					if value, there := labels[key]; there {
						return fmt.Sprintf("namespace %s has %s=%s, and is listed without", name, key, value)
					}
				}
			}
		}
	}
	for key, value := range known {
		if got, there := labels[key]; !there || got != value {
			return fmt.Sprintf("namespace %s has %v, and is listed with %s=%s", name, labels, key, value)
		}
	}
	return ""
}

// impossible says why the ends and the packet of a witness cannot exist; empty if they can.
func (c cluster) impossible(w *relation.Witness) string {
	p := w.Packet
	own, peer := w.Own(), w.Peer()
	if own.Endpoint == nil {
		return "the own end is no pod"
	}
	for _, end := range []meaning.Peer{own, peer} {
		if end.Addr.Is4() != (p.Family == 4) {
			return fmt.Sprintf("an IPv%d packet has an end at %s", p.Family, end.Addr)
		}
		inside := slices.ContainsFunc(c.pods, func(n netip.Prefix) bool { return n.Contains(end.Addr) })
		if len(c.pods) > 0 && inside != (end.Endpoint != nil) {
			return fmt.Sprintf("%s is an end at %s, and pods are in %v", end, end.Addr, c.pods)
		}
		if end.Endpoint != nil {
			if reason := c.noPod(end.Endpoint, end.Addr); reason != "" {
				return reason
			}
		}
	}
	if p.Family == 4 && p.Protocol == packet.ICMPv6 || p.Family == 6 && p.Protocol == packet.ICMP {
		return fmt.Sprintf("%s in IPv%d", p.Protocol, p.Family)
	}
	if own.Addr == peer.Addr {
		return "both ends have the address " + own.Addr.String()
	}
	if peer.Endpoint != nil && !together(own.Endpoint, peer.Endpoint) {
		return fmt.Sprintf("both ends share a namespace or a service account, and see other labels of it: %+v, %+v", *own.Endpoint, *peer.Endpoint)
	}
	return ""
}

// noPod says what of one pod cannot be, as the API server validates names and labels.
func (c cluster) noPod(e *meaning.Endpoint, at netip.Addr) string {
	if e.NamespaceLabels[meaning.NameLabel] != e.Namespace {
		return fmt.Sprintf("namespace %s has the name %q", e.Namespace, e.NamespaceLabels[meaning.NameLabel])
	}
	faults := slices.Concat(validation.IsDNS1123Label(e.Namespace), validation.IsDNS1123Subdomain(e.ServiceAccount))
	for _, labels := range []map[string]string{e.Labels, e.NamespaceLabels, e.ServiceAccountLabels} {
		for _, value := range labels {
			faults = append(faults, validation.IsValidLabelValue(value)...)
		}
	}
	if len(faults) > 0 {
		return fmt.Sprintf("%+v: %v", *e, faults)
	}
	if len(e.Addresses) > 0 && !slices.Contains(e.Addresses, at) && slices.ContainsFunc(e.Addresses, func(a netip.Addr) bool { return a.Is4() == at.Is4() }) {
		return fmt.Sprintf("%s has the addresses %v, and not %s", e.Ref(), e.Addresses, at)
	}
	return c.contradicts(e.Namespace, e.NamespaceLabels)
}

// together says whether two pods can exist beside each other.
func together(a, b *meaning.Endpoint) bool {
	return a.Namespace != b.Namespace || maps.Equal(a.NamespaceLabels, b.NamespaceLabels) &&
		(a.ServiceAccount != b.ServiceAccount || maps.Equal(a.ServiceAccountLabels, b.ServiceAccountLabels))
}
