// Package facts computes what Rego is bad at (addresses, sets, order, who reaches
// whom) and hands it over as documents, so that a rule decides on what policies do
// and not on how they are spelt.
//
// Its invariant: the Go types of this file are the schema of the documents; a rule
// that reads a field which is not here does not compile. A fact that cannot be
// established says so ("unknown"); it is never left out.
//
// It must not know which rules there are.
package facts

import (
	"encoding/json"
	"slices"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

// Version of the documents. A field may be added within a version; none changes
// its meaning.
const Version = "v1alpha1"

// Document is the input of one evaluation: one namespace, or the cluster.
type Document struct {
	Version     string `json:"version"`
	Environment string `json:"environment"`
	Scope       string `json:"scope"` // "namespace" or "cluster"

	Namespace Namespace `json:"namespace"` // zero for the cluster
	Platform  Platform  `json:"platform"`

	Endpoints []Endpoint        `json:"endpoints"` // the namespace's pods; for the cluster, the DNS pods
	Selected  []Endpoint        `json:"selected"`  // pods that policies speak of and nobody knows, which let the internet in or send
	Policies  []Policy          `json:"policies"`  // of the namespace; for the cluster, the cluster-scoped ones
	Tiers     []Tier            `json:"tiers"`     // for the cluster, in the order of evaluation
	Conflicts []Conflict        `json:"conflicts"` // for the cluster
	Objects   []json.RawMessage `json:"objects"`   // the rendered manifests of the unit, as written
}

// Namespace is what the Platform says of it.
type Namespace struct {
	Name     string            `json:"name"`
	Owner    string            `json:"owner"`
	Labels   map[string]string `json:"labels"`
	Governed bool              `json:"governed"`
	System   bool              `json:"system"`
}

// Platform is what rules need of the cluster's description.
type Platform struct {
	DNS     DNS      `json:"dns"`
	System  []string `json:"system"`
	Calico  int      `json:"calico"`  // minor release
	Targets []string `json:"targets"` // kinds of policy that may be emitted
}

// DNS is where names are resolved.
type DNS struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Port      int               `json:"port"`
	NodeLocal []string          `json:"nodeLocal"`
	// Elsewhere are other pods that resolve names, as --dns takes them, where rules let
	// packets out to such pods; empty for none.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// Endpoint is a set of pods that every policy treats alike.
type Endpoint struct {
	Name    string            `json:"name"` // namespace/workload, namespace/* for pods that nothing describes, or words
	Kind    string            `json:"kind"` // "workload", "unlabelled" (a pod without labels), "dns" or "selected"
	Labels  map[string]string `json:"labels"`
	DNS     bool              `json:"dns"` // false: it is meant to have no name resolution
	Ingress Direction         `json:"ingress"`
	Egress  Direction         `json:"egress"`
	Probes  []*Probe          `json:"probes"` // what was asked about DNS
	World   []World           `json:"world"`  // what of the internet may come in
}

// Direction is one half of an endpoint's traffic.
type Direction struct {
	// Isolated: a packet that no rule allows is dropped.
	Isolated bool `json:"isolated"`
	// Perhaps: it is not isolated for certain, and would be if its Namespace wears labels
	// that nobody wrote down.
	Perhaps bool `json:"perhaps,omitempty"`
	// Policies that govern the direction, in the order of evaluation. The last
	// word of an isolated direction is IsolatedBy's.
	Policies   []*Reference `json:"policies"`
	IsolatedBy []*Reference `json:"isolatedBy"`
}

// Reference points into an object.
type Reference struct {
	Object  diag.ObjectID `json:"object"`
	Pointer string        `json:"pointer"`
}

// Probe is one packet and its verdict on both halves.
type Probe struct {
	// Purpose is "resolve" (endpoint to the DNS pods), "node-local" (endpoint to a
	// node-local cache), "upstream" (the DNS pods to a server outside), "anywhere"
	// (port 53 to the internet) or "look-alike" (to a pod with the DNS pods' labels
	// in another namespace).
	Purpose  string `json:"purpose"`
	To       string `json:"to"` // for people
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	Egress   Half   `json:"egress"`
	Ingress  Half   `json:"ingress"`
}

// Half is a verdict of one end and what decided it.
type Half struct {
	Verdict string    `json:"verdict"` // "allow", "deny" or "unknown"
	Cause   string    `json:"cause"`   // what stops it, or may: "deny" (a rule), "tier-end", or "none"
	Tier    string    `json:"tier"`    // in which it is decided; empty for none
	By      Reference `json:"by"`      // the rule, or the policy whose tier's end decided; zero where none applies
	Reason  string    `json:"reason"`  // one clause for people
	// Everything: it is allowed by a rule that asks nothing, of peers, ports or protocols.
	Everything bool `json:"everything,omitempty"`
}

// World is what of the public address space one endpoint accepts on some ports.
type World struct {
	Family   string      `json:"family"` // "IPv4" or "IPv6"
	Protocol string      `json:"protocol"`
	Ports    string      `json:"ports"`
	Share    float64     `json:"share"`             // 0 to 1, of the family's public unicast space
	Rules    []Reference `json:"rules"`             // that open it
	Anybody  bool        `json:"anybody,omitempty"` // the first of them names no peer
}

// Policy is what matters of one policy whatever its kind.
type Policy struct {
	Object       diag.ObjectID `json:"object"`
	Tier         string        `json:"tier"`
	Order        float64       `json:"order"`        // 1000 for a Kubernetes policy; 0 where it is not given
	OrderGiven   bool          `json:"orderGiven"`   // false: last in its tier
	Enforced     bool          `json:"enforced"`     // false: without effect on pods (staged, hosts only, or dropped by Calico)
	Ingress      bool          `json:"ingress"`      // governs the direction
	Egress       bool          `json:"egress"`       //
	IngressRules int           `json:"ingressRules"` // how many there are
	EgressRules  int           `json:"egressRules"`  //
	Actions      []string      `json:"actions"`      // that occur, sorted
	Selects      []string      `json:"selects"`      // names of known endpoints, sorted
	SelectsHosts bool          `json:"selectsHosts"` // applies to host endpoints too
	ClosesHosts  bool          `json:"closesHosts"`  // drops there what no rule of its tier speaks of
	SelectsDNS   bool          `json:"selectsDNS"`   // applies to the DNS pods
	SelectsBare  bool          `json:"selectsBare"`  // applies to pods without labels
	TypesGiven   bool          `json:"typesGiven"`   // types or policyTypes written, not inferred

	// NamespaceSelector is that of a GlobalNetworkPolicy, as written; empty for none.
	NamespaceSelector string `json:"namespaceSelector"`
}

// Tier is one group of policies.
type Tier struct {
	Object        diag.ObjectID `json:"object"` // zero for a built-in tier that is not among the manifests
	Name          string        `json:"name"`
	Order         float64       `json:"order"`
	OrderGiven    bool          `json:"orderGiven"`
	DefaultAction string        `json:"defaultAction"`
	Defined       bool          `json:"defined"` // built in, or among the manifests
	Policies      int           `json:"policies"`
}

// Conflict is a packet on which the order of two policies matters.
type Conflict struct {
	// Kind is "dead-allow" (First denies what Second's rule allows), "dead-deny"
	// (First allows what Second's rule denies), "passed-deny" (First passes that on
	// to a tier below, where it is allowed), "tie" (equal orders; the winner
	// depends on names and on Calico's release), "tier-end" (First's tier ends in
	// Deny before Second's allow is reached), "pass-to-nothing" (First passes and
	// nothing below governs the endpoint) or "undecided" (whether First's rule decides
	// anything took too much work to find out). A rule is dead if no packet gets its
	// verdict: of any pod, or of one that somebody knows.
	Kind     string    `json:"kind"`
	First    Reference `json:"first"`
	Second   Reference `json:"second"`
	Endpoint string    `json:"endpoint"`
	Packet   string    `json:"packet"` // for people
}

// labels makes sure that a document says {} and never null.
func labels(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// list makes sure that a document says [] and never null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return slices.Clip(s)
}

// reference points in a document at the rule or policy that decided.
func reference(d meaning.Decision) Reference { return Reference{Object: d.Policy, Pointer: d.Place()} }
