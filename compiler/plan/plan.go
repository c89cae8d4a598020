// Package plan is the intermediate representation: what one environment's intents
// ask for, with every name resolved and every line's place kept.
//
// Its invariant: a Plan is complete and unambiguous. Whatever stands above it
// (targets, proof, facts) needs nothing of the language, and what it says holds in
// both halves: a Flow is allowed traffic, not a rule at one end.
//
// It must not know how policies are spelt, nor what YAML is.
package plan

import (
	"net/netip"
	"slices"
	"sort"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Group is Portcullis' API group: of the kinds that people write, and of the
// annotations on what is emitted for them.
const Group = "portcullis.dev"

// ManagedBy is the label of everything that is emitted, and Manager its value.
const (
	ManagedBy = "app.kubernetes.io/managed-by"
	Manager   = "portcullis"
)

// NamespaceLabel is the label that every Namespace carries with its own name
// (Kubernetes 1.22 and later: the API server sets it and nobody can change it).
const NamespaceLabel = "kubernetes.io/metadata.name"

// Plan is what is meant for one environment, which is one cluster.
type Plan struct {
	Environment string
	Targets     []string // names of what may be emitted, in the order of the targets table
	Cluster     object.Cluster
	Namespaces  []Namespace   // by name
	Workloads   []Workload    // by namespace and name
	Flows       []Flow        // in the order of their first origin
	Guardrails  []Guardrail   // in the order of the Platform
	Quarantine  []Quarantined // in the order of the Platform; before every guardrail
	// DenyUnknown asks for a default deny over the whole cluster, so that a
	// namespace nobody listed is closed as well.
	DenyUnknown bool
	Stages      Stages
	Tests       []Test      // in the order in which they are written
	Components  []Component // in the order of the Platform
	Platform    diag.Span   // the Platform's name, for what has no better place
	// PlatformName is that name, to which an object refers that no intent asks for.
	PlatformName string
}

// Namespace is one that the Platform or an intent knows.
type Namespace struct {
	Name     string
	Owner    string
	Labels   map[string]string // those of the Namespace object, NamespaceLabel included
	Governed bool              // drops, in both directions, what no flow allows
	Staged   bool              // would be governed: its policies are emitted as Calico's staged kinds
	System   bool              // never governed
	Pattern  bool              // made elsewhere, in any number: known by its Labels alone, never governed
	// Open says of a Pattern that nobody is to close its namespaces: neither what is
	// built for one of them, nor DenyUnknown.
	Open bool
	// Unwritten: nobody says which labels it has beside its name. Of manifests without a
	// plan alone.
	Unwritten bool
	Span      diag.Span
}

// Workload is a set of pods with a name.
type Workload struct {
	Namespace, Name string
	Owner           string
	Selector        object.Selector
	Ports           []NamedPort // by name
	DNS             bool        // may ask the cluster's DNS
	HostNetwork     bool        // no policy can select its pods
	Span            diag.Span   // of its name
	SelectorSpan    diag.Span   // zero where the selector is the default one
}

// Ref returns the planned workload's name in full, namespace/name.
func (w Workload) Ref() string { return w.Namespace + "/" + w.Name }

// NamedPort is a port, or a set of ports, that a workload listens on.
type NamedPort struct {
	Name  string
	Ports []Port
	Span  diag.Span
}

// Protocol is a protocol, spelt as Calico spells it; Any is every protocol there is.
type Protocol string

// The protocols of intents.
const (
	TCP    Protocol = "TCP"
	UDP    Protocol = "UDP"
	SCTP   Protocol = "SCTP"
	ICMP   Protocol = "ICMP"
	ICMPv6 Protocol = "ICMPv6"
	Any    Protocol = "any"
)

// Port is an inclusive range of ports of one protocol. For Any it is 0 to 65535.
// For ICMP and ICMPv6 it is a range of message types with all their codes: 0 to 255,
// or types up to 254, for no policy can name 255.
type Port struct {
	Protocol    Protocol
	First, Last uint16
}

// Pods is a set of pods by label.
type Pods struct {
	Namespace  string          // the only namespace, or empty: see Namespaces
	Namespaces object.Selector // over namespaces' labels, where Namespace is empty
	Selector   object.Selector
}

// Block is an address range less some ranges inside it. All are of one family and
// in canonical form (no host bits).
type Block struct {
	CIDR   netip.Prefix
	Except []netip.Prefix // by address, disjoint
}

// End is one side of a flow: pods or addresses outside the cluster, never both.
type End struct {
	Name   string  // what reports call it: shop/checkout, shop/*, @corp, 192.168.1.0/24
	Pods   *Pods   // nil for addresses
	Blocks []Block // for addresses, by CIDR
	Peer   string  // the Platform's name for these addresses, without the @; empty if it has none
}

// Origin is a line that asks for something.
type Origin struct {
	Span   diag.Span
	Intent string // namespace/name of the workload, or empty for the Platform's own lines
	Why    string
	Ticket string
	Until  string // the last day, as 2006-01-02; empty has no end
	// Ports are those of the flow that the line asks for, in normal order, and Outbound says
	// that it does so at the flow's source: the other end is the peer that it names.
	Ports    []Port
	Outbound bool
}

// Flow is allowed traffic: connections from From to To on the destination's Ports.
// Its origins are all of intents, or all of the Platform, whose word alone counts
// in namespaces that nobody listed.
type Flow struct {
	From, To End
	Ports    []Port // by protocol and number, disjoint
	Origins  []Origin
}

// Platform reports whether the flow is the Platform's own.
func (f Flow) Platform() bool {
	return !slices.ContainsFunc(f.Origins, func(o Origin) bool { return o.Intent != "" })
}

// Guardrail is traffic that no flow may allow, in order of precedence. Parts of one
// guardrail stand together and share its name.
type Guardrail struct {
	Name     string // a DNS label, no other guardrail's
	From, To *End   // nil is everything
	Ports    []Port // empty is everything
	Unless   []End  // pods exempt as either end
	Why      string
	Span     diag.Span
}

// Quarantined are pods cut off from everything, DNS included.
type Quarantined struct {
	End    End // pods
	Why    string
	Ticket string
	Until  string // the last day, as 2006-01-02
	Span   diag.Span
}

// Test is what somebody expects of the emitted policies: between sets, of every pair.
type Test struct {
	Text     string // as written
	From, To End
	Ports    []Port // normal; nil is every port there is
	Allow    bool   // each pair on each port is allowed; false: none is
	Span     diag.Span
	Intent   string // namespace/name of the workload that expects it, or empty for the Platform
}

// Component is a kustomize component that users lay over what is emitted.
type Component struct {
	Path       string   // of its directory, relative to the repository's root
	Namespaces []string // whose objects it is laid over, sorted; empty: the cluster's
	Span       diag.Span
	// What it may carry without a judgement, in the order of the file.
	Kinds               []NamedKind
	Labels, Annotations []NamedMetadata
}

// NamedKind is a kind of objects, as Kind or Kind.group; without a group it is that of
// every API.
type NamedKind struct {
	Name string
	Span diag.Span
}

// NamedMetadata is a label or an annotation.
type NamedMetadata struct {
	Key, Value string
	Span       diag.Span
}

// Stages are the places that our Calico policies take among others. No two of the
// orders in tier default are equal, and none is 1000, at which Calico places every
// Kubernetes NetworkPolicy.
type Stages struct {
	GuardrailTier      string // never default; at most 40 characters, so that the names of its policies have room
	GuardrailTierOrder int
	PlatformOrder      int // in tier default: the Platform's flows to namespaces that nobody listed
	AllowOrder         int // in tier default: allows that Kubernetes cannot express
	DefaultDenyOrder   int // in tier default, above 1000 so that every Kubernetes NetworkPolicy still counts
}

// DefaultStages places the plan's Calico policies clear of the tiers that Calico creates itself.
func DefaultStages() Stages {
	return Stages{GuardrailTier: "portcullis", GuardrailTierOrder: 100, PlatformOrder: 500, AllowOrder: 900, DefaultDenyOrder: 2000}
}

// Namespace finds a namespace by name.
func (p *Plan) Namespace(name string) (Namespace, bool) {
	i := sort.Search(len(p.Namespaces), func(i int) bool { return p.Namespaces[i].Name >= name })
	if i == len(p.Namespaces) || p.Namespaces[i].Name != name {
		return Namespace{}, false
	}
	return p.Namespaces[i], true
}

// Spared reports whether DenyUnknown leaves the namespaces of a Pattern alone. One
// without labels would spare everything.
func (n Namespace) Spared() bool {
	return n.Pattern && (n.Open || n.Staged) && len(n.PatternSelector()) > 0
}

// PatternSelector returns the labels by which the namespaces of a Pattern are known.
func (n Namespace) PatternSelector() object.Selector {
	var labels []object.Requirement
	for key, value := range n.Labels {
		if key != NamespaceLabel {
			labels = append(labels, object.Equals(key, value))
		}
	}
	return object.NewSelector(labels...)
}

// Governs reports whether pods of the namespace are held to the plan's flows.
func (p *Plan) Governs(namespace string) bool {
	n, ok := p.Namespace(namespace)
	return ok && n.Governed
}

// In reports whether pods of the set are in the namespace.
func (p Pods) In(n Namespace) bool {
	if p.Namespace != "" {
		return p.Namespace == n.Name
	}
	return p.Namespaces.Matches(n.Labels)
}

// HasTarget reports whether the plan lets a kind of policy be emitted.
func (p *Plan) HasTarget(name string) bool {
	return slices.Contains(p.Targets, name)
}

// Matches reports whether a pod with those labels, in a namespace with that name
// and those labels, belongs to the set.
func (p Pods) Matches(namespace string, namespaceLabels, labels map[string]string) bool {
	if p.Namespace != "" && p.Namespace != namespace {
		return false
	}
	return (p.Namespace != "" || p.Namespaces.Matches(namespaceLabels)) && p.Selector.Matches(labels)
}
