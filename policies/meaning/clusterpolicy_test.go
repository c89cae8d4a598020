package meaning

import (
	"net/netip"
	"testing"

	"portcullis.dev/policies/object"
)

// What Calico cannot convert of a ClusterNetworkPolicy fails closed, and releases
// that do not read it at all ignore it.
func TestClusterNetworkPolicy(t *testing.T) {
	t.Parallel()
	outside := netip.MustParseAddr("192.0.2.1")
	for _, c := range []struct {
		name, rules string
		minor       int
		port        uint16
		want        Outcome
		findings    int
	}{
		{"a deny of ports", "{action: Deny, to: [{networks: [192.0.2.0/24]}], protocols: [{tcp: {destinationPort: {range: {start: 80, end: 90}}}}]}", 32, 85, Denied, 0},
		{"outside the ports", "{action: Deny, to: [{networks: [192.0.2.0/24]}], protocols: [{tcp: {destinationPort: {number: 80}}}]}", 32, 81, Allowed, 0},
		{"another protocol", "{action: Deny, to: [{networks: [192.0.2.0/24]}], protocols: [{udp: {destinationPort: {number: 85}}}]}", 32, 85, Allowed, 0},
		{"a pass beats a later deny", "{action: Pass, to: [{networks: [192.0.2.0/24]}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}", 32, 85, Allowed, 0},
		{"a deny of nodes denies everything", "{action: Deny, to: [{nodes: {}}]}", 32, 85, Denied, 1},
		{"a pass of names denies everything", "{action: Pass, to: [{domainNames: [example.com]}]}", 32, 85, Denied, 1},
		{"an accept of nodes is left out", "{action: Accept, to: [{nodes: {}}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}", 32, 85, Denied, 1},
		{"a bad range fails closed", "{action: Deny, to: [{networks: [010.0.0.0/8]}]}", 32, 85, Denied, 1},
		{"bad ports fail closed", "{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{tcp: {destinationPort: {number: 70000}}}]}", 32, 85, Denied, 1},
		{"named ports are read", "{action: Deny, to: [{pods: {namespaceSelector: {}, podSelector: {}}}], protocols: [{destinationNamedPort: http}]}", 32, 85, Allowed, 0},
		{"no effect before 3.32", "{action: Deny, to: [{networks: [0.0.0.0/0]}]}", 31, 85, Allowed, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := decode(t, `
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: p}
spec: {tier: Admin, priority: 5, subject: {namespaces: {}}, egress: [`+c.rules+`]}
`)
			cluster := object.DefaultCluster()
			cluster.CalicoMinor = c.minor
			m, found := Of(set, cluster)
			half := m.WalkHalf(Packet{From: Pod(web), To: Address(outside), Protocol: TCP, Port: c.port}, Egress)
			if half.Outcome != c.want || len(found) != c.findings {
				t.Errorf("%s (%s), %d findings; expected %s and %d", half.Outcome, half.By.Reason, len(found), c.want, c.findings)
			}
			if in := m.Governing(web, Ingress); in.Isolated || len(in.Policies) > 0 {
				t.Error("it governs a direction without rules")
			}
		})
	}
}
