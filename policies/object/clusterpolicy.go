package object

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterNetworkPolicy is policy.networking.k8s.io/v1alpha2, cluster-wide policy of
// Kubernetes that Calico reads since 3.32. The types are written out here, because
// all that is needed of their module is the shape.
type ClusterNetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ClusterNetworkPolicySpec `json:"spec"`
}

// ClusterNetworkPolicySpec has its rules in the order of evaluation.
type ClusterNetworkPolicySpec struct {
	Tier     string               `json:"tier"`     // Admin or Baseline
	Priority int32                `json:"priority"` // 0 to 1000; lower comes first
	Subject  ClusterPeer          `json:"subject"`  // Namespaces or Pods
	Ingress  []ClusterIngressRule `json:"ingress"`
	Egress   []ClusterEgressRule  `json:"egress"`
}

// ClusterIngressRule is one rule on what subjects accept.
type ClusterIngressRule struct {
	Name      string            `json:"name"`
	Action    string            `json:"action"` // Accept, Deny or Pass
	From      []ClusterPeer     `json:"from"`
	Protocols []ClusterProtocol `json:"protocols"`
}

// ClusterEgressRule is one rule on what subjects may send.
type ClusterEgressRule struct {
	Name      string            `json:"name"`
	Action    string            `json:"action"`
	To        []ClusterPeer     `json:"to"`
	Protocols []ClusterProtocol `json:"protocols"`
}

// ClusterPeer is one end; exactly one field is set. Nodes, Networks and DomainNames
// are for egress.
type ClusterPeer struct {
	Namespaces  *metav1.LabelSelector `json:"namespaces"`
	Pods        *ClusterPods          `json:"pods"`
	Nodes       *metav1.LabelSelector `json:"nodes"`
	Networks    []string              `json:"networks"`
	DomainNames []string              `json:"domainNames"`
}

// ClusterPods are pods of some namespaces.
type ClusterPods struct {
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
	PodSelector       metav1.LabelSelector `json:"podSelector"`
}

// ClusterProtocol is one protocol, or the name of a container's port; exactly one
// field is set.
type ClusterProtocol struct {
	TCP                  *ClusterPorts `json:"tcp"`
	UDP                  *ClusterPorts `json:"udp"`
	SCTP                 *ClusterPorts `json:"sctp"`
	DestinationNamedPort string        `json:"destinationNamedPort"`
}

// ClusterPorts are ports of one protocol; without DestinationPort all of them.
type ClusterPorts struct {
	DestinationPort *struct {
		Number int32 `json:"number"`
		Range  *struct {
			Start int32 `json:"start"`
			End   int32 `json:"end"`
		} `json:"range"`
	} `json:"destinationPort"`
}
