package intent

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// APIVersion of the kinds of this package.
const APIVersion = plan.Group + "/v1alpha1"

// NetworkIntent is one workload, and who may talk to it and to whom it may talk.
type NetworkIntent struct {
	Span       diag.Span
	APIVersion At[string] `key:"apiVersion,required"`
	Kind       At[string] `key:"kind,required"`
	Metadata   struct {
		Span      diag.Span
		Name      At[Name] `key:"name,required"`
		Namespace At[Name] `key:"namespace,required"`
	} `key:"metadata,required"`
	Spec IntentSpec `key:"spec"`

	partial bool // something in it could not be read, and may be what somebody names
}

// IntentSpec is a workload's own part of the network.
type IntentSpec struct {
	Span        diag.Span
	Selector    *Selector                                `key:"selector"`
	Ports       Mapping[PortName, OneOrMany[PortNumber]] `key:"ports"`
	Inbound     []Inbound                                `key:"inbound"`
	Outbound    []Outbound                               `key:"outbound"`
	In          []At[Name]                               `key:"in"`
	Owner       At[string]                               `key:"owner"`
	DNS         At[bool]                                 `key:"dns"`
	HostNetwork At[bool]                                 `key:"hostNetwork"`
}

// Inbound is a line that lets peers in.
type Inbound struct {
	Span diag.Span
	From OneOrMany[Peer] `key:"from,required"`
	Terms
}

// Outbound is a line that asks for a way out.
type Outbound struct {
	Span diag.Span
	To   OneOrMany[Peer] `key:"to,required"`
	Terms
}

// Terms are what every line may say of itself.
type Terms struct {
	Ports  []At[PortRef] `key:"ports,required"`
	In     []At[Name]    `key:"in"`
	Why    At[string]    `key:"why"`
	Ticket At[string]    `key:"ticket"`
}

// Platform describes the clusters, once per repository.
type Platform struct {
	Span       diag.Span
	APIVersion At[string] `key:"apiVersion,required"`
	Kind       At[string] `key:"kind,required"`
	Metadata   struct {
		Span diag.Span
		Name At[Name] `key:"name,required"`
	} `key:"metadata,required"`
	Spec PlatformSpec `key:"spec"`
}

// PlatformSpec is the part of the network that no team owns alone.
type PlatformSpec struct {
	Span              diag.Span
	Targets           []At[Name]                    `key:"targets"`
	Handshake         At[Handshake]                 `key:"handshake"`
	NameLabel         At[LabelKey]                  `key:"nameLabel"`
	UnknownNamespaces At[Unknown]                   `key:"unknownNamespaces"`
	System            *[]At[Name]                   `key:"system"`
	DNS               *DNS                          `key:"dns"`
	Calico            *Calico                       `key:"calico"`
	Cluster           *ClusterCIDRs                 `key:"cluster"`
	Environments      Mapping[Name, Environment]    `key:"environments"`
	Namespaces        *Mapping[Name, NamespaceSpec] `key:"namespaces"`
	Peers             Mapping[Name, PeerSpec]       `key:"peers"`
	Flows             []FlowSpec                    `key:"flows"`
	Guardrails        []GuardrailSpec               `key:"guardrails"`
}

// DNS is where the cluster's name service answers.
type DNS struct {
	Span      diag.Span
	Namespace At[Name]   `key:"namespace"`
	Selector  *Selector  `key:"selector"`
	Port      At[Number] `key:"port"`
	NodeLocal []At[CIDR] `key:"nodeLocal"`
}

// Calico is the release that will enforce the policies, and how it stores them.
type Calico struct {
	Span    diag.Span
	Version At[string]  `key:"version"`
	API     At[APIForm] `key:"api"`
}

// ClusterCIDRs is the cluster's own address space.
type ClusterCIDRs struct {
	Span         diag.Span
	PodCIDRs     []At[CIDR] `key:"podCIDRs"`
	ServiceCIDRs []At[CIDR] `key:"serviceCIDRs"`
	NodeCIDRs    []At[CIDR] `key:"nodeCIDRs"`
}

// Environment is one cluster.
type Environment struct {
	Span    diag.Span
	Group   At[Name]      `key:"group"`
	Targets []At[Name]    `key:"targets"`
	DNS     *DNS          `key:"dns"`
	Cluster *ClusterCIDRs `key:"cluster"`
}

// NamespaceSpec is what the Platform says of a namespace.
type NamespaceSpec struct {
	Span      diag.Span
	Owner     At[string]                    `key:"owner"`
	NameLabel At[LabelKey]                  `key:"nameLabel"`
	Handshake At[Handshake]                 `key:"handshake"`
	In        []At[Name]                    `key:"in"`
	Labels    Mapping[LabelKey, LabelValue] `key:"labels"`
	Enforce   PerEnvironment[At[bool]]      `key:"enforce"`
}

// PeerSpec gives a name to addresses or pods.
type PeerSpec struct {
	Span   diag.Span
	Is     PerEnvironment[OneOrMany[Peer]]          `key:"is,required"`
	Ports  Mapping[PortName, OneOrMany[PortNumber]] `key:"ports"`
	Owner  At[string]                               `key:"owner"`
	UsedBy []At[string]                             `key:"usedBy"`
}

// FlowSpec is a line of the Platform, which asks nobody.
type FlowSpec struct {
	Span diag.Span
	From OneOrMany[Peer] `key:"from,required"`
	To   OneOrMany[Peer] `key:"to,required"`
	Terms
}

// GuardrailSpec is traffic that no line may open.
type GuardrailSpec struct {
	Span diag.Span
	Name At[Name] `key:"name,required"`
	Deny struct {
		Span  diag.Span
		From  OneOrMany[Peer] `key:"from"`
		To    OneOrMany[Peer] `key:"to"`
		Ports []At[PortRef]   `key:"ports"`
	} `key:"deny,required"`
	Unless OneOrMany[Peer] `key:"unless"`
	In     []At[Name]      `key:"in"`
	Why    At[string]      `key:"why"`
}
