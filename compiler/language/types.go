package language

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
		Name      At[Name]          `key:"name,required"`
		Namespace At[NamespaceName] `key:"namespace"` // or spec.namespaces
	} `key:"metadata,required"`
	Spec IntentSpec `key:"spec"`

	Partial bool // something in it could not be read, and may be what somebody names
}

// IntentSpec is a workload's own part of the network.
type IntentSpec struct {
	Span        diag.Span
	Namespaces  *Replication                             `key:"namespaces"`
	Selector    *Selector                                `key:"selector"`
	Ports       Mapping[PortName, OneOrMany[PortNumber]] `key:"ports"`
	Inbound     []Inbound                                `key:"inbound"`
	Outbound    []Outbound                               `key:"outbound"`
	In          []At[Name]                               `key:"in"`
	Owner       At[string]                               `key:"owner"`
	DNS         At[bool]                                 `key:"dns"`
	HostNetwork At[bool]                                 `key:"hostNetwork"`
	Tests       []At[Test]                               `key:"tests"`
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
	Until  At[Date]      `key:"until"`
}

// Platform describes the clusters, once per repository. It may be written in parts:
// one in PlatformFile, others in further documents.
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
	Targets           []At[Name]                             `key:"targets"`
	Handshake         At[Handshake]                          `key:"handshake"`
	NameLabel         At[LabelKey]                           `key:"nameLabel"`
	UnknownNamespaces At[Unknown]                            `key:"unknownNamespaces"`
	Trusted           *Directories                           `key:"trusted"`
	Repositories      []At[Directory]                        `key:"repositories"`
	System            *[]At[Name]                            `key:"system"`
	DNS               *DNS                                   `key:"dns"`
	Calico            *Calico                                `key:"calico"`
	Stages            *Stages                                `key:"stages"`
	Cluster           *ClusterCIDRs                          `key:"cluster"`
	Environments      Mapping[Name, Environment]             `key:"environments"`
	Namespaces        *Mapping[NamespaceName, NamespaceSpec] `key:"namespaces"`
	Components        []ComponentSpec                        `key:"components"`
	Peers             Mapping[Name, PeerSpec]                `key:"peers"`
	Flows             []FlowSpec                             `key:"flows"`
	Guardrails        []GuardrailSpec                        `key:"guardrails"`
	Quarantine        []QuarantineSpec                       `key:"quarantine"`
	Tests             []At[Test]                             `key:"tests"`
	Checks            *Checks                                `key:"checks"`
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

// Stages moves the bands that our Calico policies take among others.
type Stages struct {
	Span       diag.Span
	Guardrails *struct {
		Span  diag.Span
		Tier  At[Name]   `key:"tier"`
		Order At[Number] `key:"order"`
	} `key:"guardrails"`
	Platform    *Band `key:"platform"`
	DefaultDeny *Band `key:"default-deny"`
}

// Band is a place in tier default.
type Band struct {
	Span  diag.Span
	Order At[Number] `key:"order,required"`
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
	Span     diag.Span
	Group    At[Name]                     `key:"group"`
	Targets  []At[Name]                   `key:"targets"`
	DNS      *DNS                         `key:"dns"`
	Calico   *Calico                      `key:"calico"`
	Cluster  *ClusterCIDRs                `key:"cluster"`
	Severity *Mapping[Code, At[Severity]] `key:"severity"`
}

// NamespaceSpec is what the Platform says of a namespace.
type NamespaceSpec struct {
	Span      diag.Span
	Owner     At[string]                    `key:"owner"`
	NameLabel At[LabelKey]                  `key:"nameLabel"`
	Handshake At[Handshake]                 `key:"handshake"`
	In        []At[Name]                    `key:"in"`
	Labels    Mapping[LabelKey, LabelValue] `key:"labels"`
	Path      At[Directory]                 `key:"path"`
	Enforce   PerEnvironment[At[Enforce]]   `key:"enforce"`
}

// PeerSpec gives a name to addresses or pods.
type PeerSpec struct {
	Span   diag.Span
	Is     PerEnvironment[OneOrMany[Member]]        `key:"is,required"`
	Ports  Mapping[PortName, OneOrMany[PortNumber]] `key:"ports"`
	Owner  At[string]                               `key:"owner"`
	UsedBy []At[User]                               `key:"usedBy"`
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
	Span    diag.Span
	Name    At[Name]        `key:"name,required"`
	Deny    *DenySpec       `key:"deny"` // or Isolate
	Isolate At[LabelKey]    `key:"isolate"`
	Unless  OneOrMany[Peer] `key:"unless"`
	In      []At[Name]      `key:"in"`
	Why     At[string]      `key:"why"`
}

// DenySpec is what a guardrail denies; what is left out is everything.
type DenySpec struct {
	Span  diag.Span
	From  OneOrMany[Peer] `key:"from"`
	To    OneOrMany[Peer] `key:"to"`
	Ports []At[PortRef]   `key:"ports"`
}

// QuarantineSpec is pods that are cut off from everything.
type QuarantineSpec struct {
	Span   diag.Span
	Peer   At[Peer]   `key:"peer,required"`
	Ticket At[string] `key:"ticket,required"`
	Until  At[Date]   `key:"until,required"`
	In     []At[Name] `key:"in"`
	Why    At[string] `key:"why"`
}

// ComponentSpec is a kustomize component of the user's own, and where it is laid
// over the emitted tree.
type ComponentSpec struct {
	Span       diag.Span
	Path       At[Directory]       `key:"path,required"`
	Namespaces []At[NamespaceName] `key:"namespaces"` // or Cluster
	Cluster    At[bool]            `key:"cluster"`
	In         []At[Name]          `key:"in"`
	// What is deployed with it although nothing judges it.
	Kinds       []At[KindName]                    `key:"kinds"`
	Labels      Mapping[LabelKey, At[LabelValue]] `key:"labels"`
	Annotations Mapping[LabelKey, At[string]]     `key:"annotations"`
}

// Checks says how strictly rules judge.
type Checks struct {
	Span       diag.Span
	Dir        At[Directory]                `key:"dir"`
	Severity   *Mapping[Code, At[Severity]] `key:"severity"`
	WaiverDays At[Number]                   `key:"waiverDays"`
}

// Waiver accepts a finding for a time.
type Waiver struct {
	Span       diag.Span
	APIVersion At[string] `key:"apiVersion,required"`
	Kind       At[string] `key:"kind,required"`
	Metadata   struct {
		Span diag.Span
		Name At[Name] `key:"name,required"`
	} `key:"metadata,required"`
	Spec WaiverSpec `key:"spec,required"`
}

// WaiverSpec says which finding, who accepts it, why, and until when.
type WaiverSpec struct {
	Span       diag.Span
	Rule       At[Code]   `key:"rule,required"`
	Match      Match      `key:"match,required"`
	Owner      At[string] `key:"owner,required"`
	ApprovedBy At[string] `key:"approvedBy,required"`
	Reason     At[string] `key:"reason,required"`
	Ticket     At[string] `key:"ticket,required"`
	Expires    At[Date]   `key:"expires,required"`
}

// Match names the lines whose traffic is lifted, and narrows them.
type Match struct {
	Span        diag.Span
	Intent      At[WorkloadRef]   `key:"intent"`
	Namespace   At[NamespaceName] `key:"namespace"`
	Object      At[ObjectRef]     `key:"object"`
	Peer        At[string]        `key:"peer"`
	Port        At[PortRef]       `key:"port"`
	Environment At[Name]          `key:"environment"` // or a group
}
