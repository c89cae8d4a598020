package meaning_test

import (
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

const mismatches = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c}]}
status: {podIP: 10.0.0.2}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: rules, namespace: shop}
spec:
  types: [Ingress]
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [80]}}
  - {action: Allow, ipVersion: 6}
  - {action: Allow, protocol: UDP, source: {selector: app == 'db'}}
  - {action: Allow, protocol: TCP, icmp: {type: 8}}
  - {action: Allow, protocol: TCP, source: {selector: app == 'db'}, destination: {ports: [81]}}
  - {action: Allow, protocol: TCP, destination: {selector: app == 'db', ports: [81]}}
  - {action: Allow, protocol: TCP, source: {ports: [1]}, destination: {ports: [81]}}
  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [81]}}
  - {action: Allow, source: {nets: ["2001:db8::/32"]}}
`

// The first reason why a rule does not match is told, and none of one that does.
func TestMismatch(t *testing.T) {
	t.Parallel()
	objects, found := object.Decode("", []byte(mismatches))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	m, _ := meaning.Of(set, object.DefaultCluster())
	p := meaning.Packet{From: meaning.Pod(m.Endpoints[1]), To: meaning.Pod(m.Endpoints[0]), Protocol: meaning.TCP, SourcePort: 40000, Port: 80}
	want := []meaning.Mismatch{
		meaning.Matching, meaning.OtherFamily, meaning.OtherProtocol, meaning.OtherMessage, meaning.OtherSource, meaning.OtherDestination,
		meaning.OtherSourcePort, meaning.OtherPort, meaning.OtherFamily,
	}
	rules := m.Policies[0].Rules[meaning.Ingress]
	if len(rules) != len(want) {
		t.Fatalf("%d rules", len(rules))
	}
	for i := range rules {
		if got := m.Mismatch(&rules[i], p); got != want[i] {
			t.Errorf("%s: %d, expected %d", rules[i].Pointer, got, want[i])
		}
	}
}
