package object

import "net/netip"

// Cluster is what must be known of a cluster to say what policies do in it.
type Cluster struct {
	// Calico's minor release, e.g. 31 for v3.31. It decides tie-breaks, built-in
	// tiers and defaults (Calico: felix/calc/policy_sorter.go, api/pkg/defaults).
	CalicoMinor int
	// API is the form in which Calico's objects are stored.
	API APIForm
	// The cluster's own address space. Empty lists are unknown, not none.
	PodCIDRs, ServiceCIDRs, NodeCIDRs []netip.Prefix
	// PodSpace is where pods are taken to be if PodCIDRs is empty: whatever has no address
	// yet is somewhere in it, and others may be there too.
	PodSpace []netip.Prefix
	DNS      DNS
	// System namespaces are never governed.
	System []string
}

// APIForm is how Calico's v3 objects reach the store; it decides what is inferred
// for a policy without types.
type APIForm string

const (
	Aggregated APIForm = "aggregated" // Calico's own API server
	NativeCRD  APIForm = "crd"        // projectcalico.org/v3 custom resources, Calico 3.32 and later
)

// DNS is where the cluster's name service answers.
type DNS struct {
	Namespace string
	Labels    map[string]string // what its pods carry
	Port      int               // on UDP and TCP
	NodeLocal []netip.Addr      // addresses of a node-local cache
}

// DefaultSystem lists the namespaces without which a cluster does not work.
var DefaultSystem = []string{"kube-system", "kube-public", "kube-node-lease", "calico-system", "calico-apiserver", "tigera-operator"}

// DefaultDNS describes the cluster's name service as kubeadm installs it: CoreDNS.
func DefaultDNS() DNS {
	return DNS{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Port: 53}
}

// NewestCalico is the newest release of Calico 3, by its minor version, whose verdicts were
// held against Calico's own code. It is taken to run where nobody says which one does.
const NewestCalico = 32

// DefaultCluster describes the cluster that is assumed where nobody describes one.
func DefaultCluster() Cluster {
	return Cluster{CalicoMinor: NewestCalico, API: Aggregated, DNS: DefaultDNS(), System: DefaultSystem}
}
