package meaning_test

import (
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/packet"
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

// One peer is an end whose verdicts are Walk's: in the recorded scenarios, of every
// packet, the flow between its two ends on its port alone is missing where it is denied,
// and overlaps where it is allowed.
func TestPeersAreEnds(t *testing.T) {
	t.Parallel()
	scenarios, err := oracle.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		m, _ := meaning.Of(s.Set, s.Cluster)
		var a meaning.Atoms
		var flows []meaning.Flow
		var packets []meaning.Packet
		for _, f := range s.Flows {
			p, err := packetOf(m, f.Packet)
			if err != nil {
				t.Fatal(err)
			}
			p.SourcePort = 0
			packets = append(packets, p)
			flows = append(flows, meaning.Flow{From: a.Peer(p.From), To: a.Peer(p.To), Traffic: packet.One(p.Header())})
		}
		r := meaning.Evaluate(m, &a)
		for i, f := range flows {
			outcome := m.Walk(packets[i]).Outcome()
			if outcome == meaning.Unknown {
				continue
			}
			missing := len(r.Missing([]meaning.Flow{f})) > 0
			if missing != (outcome == meaning.Denied) {
				t.Errorf("%s: %s is %s, and missing: %t", s.ID, packets[i], outcome, missing)
			}
		}
	}
}
