package meaning

import (
	"net/netip"
	"testing"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// A name of a port stands for what the pod at that end calls so: with the rule's protocol,
// without one with any from Calico 3.32 on. Of a source, whose port a question may leave
// open, a name that it gives to nothing matches nothing.
func TestNamesOfPorts(t *testing.T) {
	t.Parallel()
	const world = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: a}}
spec: {containers: [{name: c, ports: [{name: out, containerPort: 7000, protocol: UDP}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: shop, labels: {app: b}}
spec: {containers: [{name: c, ports: [{name: dns, containerPort: 53, protocol: UDP}, {name: dns, containerPort: 53, protocol: SCTP}]}]}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: node}
spec: {node: node, interfaceName: eth0, expectedIPs: [192.168.1.2], ports: [{name: far, protocol: TCP, port: 7000}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: p}
spec: {selector: app == 'b', types: [Ingress], ingress: [`
	node := Address(netip.MustParseAddr("192.168.1.2"))
	for _, c := range []struct {
		name, rule string
		minor      int
		protocol   Protocol
		from       Peer // the pod a, where it is none
		sourcePort uint16
		want       Outcome
	}{
		{"any protocol", "{action: Allow, destination: {ports: [dns]}}", 32, UDP, Peer{}, 0, Allowed},
		{"and another", "{action: Allow, destination: {ports: [dns]}}", 33, packet.SCTP, Peer{}, 0, Allowed},
		{"that the pod has", "{action: Allow, destination: {ports: [dns]}}", 32, TCP, Peer{}, 0, Denied},
		{"less what the rule excludes", "{action: Allow, notProtocol: UDP, destination: {ports: [dns]}}", 32, UDP, Peer{}, 0, Denied},
		{"and excluded", "{action: Allow, destination: {notPorts: [dns]}}", 32, UDP, Peer{}, 0, Denied},
		{"or not", "{action: Allow, destination: {notPorts: [dns]}}", 32, TCP, Peer{}, 0, Allowed},
		{"TCP alone before", "{action: Allow, destination: {ports: [dns]}}", 31, UDP, Peer{}, 0, Denied},
		{"excluded before", "{action: Allow, destination: {notPorts: [dns]}}", 31, UDP, Peer{}, 0, Allowed},
		{"a source that may send from it", "{action: Allow, protocol: UDP, source: {ports: [out]}}", 31, UDP, Peer{}, 0, Unknown},
		{"and does", "{action: Allow, protocol: UDP, source: {ports: [out]}}", 31, UDP, Peer{}, 7000, Allowed},
		{"and does not", "{action: Allow, protocol: UDP, source: {ports: [out]}}", 31, UDP, Peer{}, 7001, Denied},
		{"a source without the name", "{action: Allow, protocol: UDP, source: {ports: [dns]}}", 31, UDP, Peer{}, 0, Denied},
		{"with it of another protocol", "{action: Allow, protocol: TCP, source: {ports: [out]}}", 31, TCP, Peer{}, 0, Denied},
		{"none to exclude", "{action: Allow, protocol: UDP, source: {notPorts: [dns]}}", 31, UDP, Peer{}, 0, Allowed},
		{"beside a number", "{action: Allow, protocol: UDP, source: {ports: [dns, 9000]}}", 31, UDP, Peer{}, 0, Unknown},
		{"a node's", "{action: Allow, protocol: TCP, source: {ports: [far]}}", 31, TCP, node, 0, Unknown},
		{"a node without it", "{action: Allow, protocol: TCP, source: {ports: [near]}}", 31, TCP, node, 0, Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster := object.DefaultCluster()
			cluster.CalicoMinor = c.minor
			m, _ := Of(decode(t, world+c.rule+"]}\n"), cluster)
			p := Packet{From: c.from, To: Pod(m.Endpoints[1]), Protocol: c.protocol, SourcePort: c.sourcePort, Port: 53}
			if c.from == (Peer{}) {
				p.From = Pod(m.Endpoints[0])
			}
			if half := m.WalkHalf(p, Ingress); half.Outcome != c.want {
				t.Errorf("got %s (%s), expected %s", half.Outcome, half.By.Reason, c.want)
			}
		})
	}
}
