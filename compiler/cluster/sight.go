package cluster

import (
	"encoding/json"
	"net/netip"
	"slices"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// sight is what objects of the cluster tell of addresses.
type sight struct {
	pods, nodes         []netip.Prefix
	podsFrom, nodesFrom string // who says so
}

// sightOf reads IPPools and Nodes. Pools go before the ranges of Nodes: where Calico hands out
// addresses it looks at nothing else. Objects that are written down twice, differently, are those
// of several clusters or of none, and tell nothing.
func sightOf(set object.Set) sight {
	var ofPools, ofNodes, tunnels, nodes []netip.Prefix
	differ := map[string]bool{} // kinds
	for _, o := range set.All() {
		differ[o.ID.Kind] = differ[o.ID.Kind] || o.Differs && o.Role == object.Addresses
		switch {
		case o.ID.Kind == "IPPool" && o.APIVersion == object.CalicoAPI:
			var pool struct {
				Spec struct {
					CIDR        string   `json:"cidr"`
					AllowedUses []string `json:"allowedUses"`
				} `json:"spec"`
			}
			if json.Unmarshal(o.JSON, &pool) != nil {
				continue // told by nobody: it decides nothing
			}
			uses := pool.Spec.AllowedUses
			switch {
			case len(uses) == 0 || slices.Contains(uses, "Workload"):
				ofPools = appended(ofPools, pool.Spec.CIDR)
			case slices.Contains(uses, "Tunnel"):
				tunnels = appended(tunnels, pool.Spec.CIDR)
			}
		case o.ID.Kind == "Node" && o.APIVersion == "v1":
			var node struct {
				Spec struct {
					PodCIDR  string   `json:"podCIDR"`
					PodCIDRs []string `json:"podCIDRs"`
				} `json:"spec"`
				Status struct {
					Addresses []struct {
						Type    string `json:"type"`
						Address string `json:"address"`
					} `json:"addresses"`
				} `json:"status"`
			}
			if json.Unmarshal(o.JSON, &node) != nil {
				continue
			}
			ofNodes = appended(ofNodes, append(node.Spec.PodCIDRs, node.Spec.PodCIDR)...)
			for _, a := range node.Status.Addresses {
				if a.Type == "InternalIP" || a.Type == "ExternalIP" {
					nodes = appended(nodes, a.Address)
				}
			}
		}
	}
	if differ["Node"] {
		ofNodes, nodes = nil, nil
	}
	if differ["IPPool"] {
		ofPools, ofNodes, tunnels = nil, nil, nil
	}
	s := sight{pods: packet.Merge(ofPools), podsFrom: "the IPPools among the manifests", nodes: packet.Merge(nodes), nodesFrom: "the Nodes among the manifests"}
	if len(s.pods) == 0 {
		s.pods, s.podsFrom = packet.Merge(ofNodes), "the Nodes among the manifests"
	}
	if len(nodes) > 0 { // pools for tunnels are a part of it, and not all
		s.nodes = packet.Merge(append(nodes, tunnels...))
	}
	return s
}

// appended adds the ranges that objects in sight write, as far as they can be read.
func appended(all []netip.Prefix, texts ...string) []netip.Prefix {
	for _, text := range texts {
		if p, ok := prefixOf(text); ok {
			all = append(all, p)
		}
	}
	return all
}
