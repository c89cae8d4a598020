package diag

import (
	"maps"
	"strings"
)

// The evidence of what a finding is about: it narrows the traffic that a waiver has to lift.
// What a finding does not speak of it has no evidence for. Rules may add keys of their own:
// they tell findings apart, and no waiver looks at them.
const (
	IntentEvidence    = "intent"    // namespace/name of the workload that the finding goes back to
	NamespaceEvidence = "namespace" //
	ObjectEvidence    = "object"    // Kind/namespace/name, Kind/name for what has no namespace
	PeerEvidence      = "peer"      // the other end, as intents write it: shop/cart, "*/*", @internet
	PortEvidence      = "port"      // as intents write it: 8080, 53/udp, 8000-8100, any
	FlowEvidence      = "flow"      // both ends and the traffic, where a finding is about that
)

// evidenceSeparator stands between the values of a key that has several.
const evidenceSeparator = ", "

// EvidenceOf lists the values of one key of a finding's evidence, or nothing.
func (d Diagnostic) EvidenceOf(key string) []string {
	if d.Evidence[key] == "" {
		return nil
	}
	return strings.Split(d.Evidence[key], evidenceSeparator)
}

// Testify returns the diagnostic with evidence for a key, unless it has some or the
// value is empty.
func (d Diagnostic) Testify(key, value string) Diagnostic {
	if value == "" || d.Evidence[key] != "" {
		return d
	}
	evidence := maps.Clone(d.Evidence)
	if evidence == nil {
		evidence = map[string]string{}
	}
	evidence[key] = value
	d.Evidence = evidence
	return d
}

// Evidence writes an object as evidence spells it.
func (id ObjectID) Evidence() string {
	parts := []string{id.Kind, id.Namespace, id.Name}
	if id.Namespace == "" {
		parts = []string{id.Kind, id.Name}
	}
	return strings.Join(parts, "/")
}
