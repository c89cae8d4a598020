package meaning_test

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

const ends = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
---
apiVersion: v1
kind: Pod
metadata: {name: shut, namespace: shop, labels: {app: shut}}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {hostNetwork: true, containers: []}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: shop}
spec: {podSelector: {matchLabels: {app: shut}}, policyTypes: [Ingress]}
---
`

// TestFollow asks of packets that may pass host endpoints. What is written there does not
// decide about pods whose own policies deny, nor about packets that pass none.
func TestFollow(t *testing.T) {
	t.Parallel()
	host := func(spec string) string {
		return "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: n1, labels: {edge: one}}\nspec: {node: n1, " + spec + "}\n"
	}
	policy := func(spec string) string {
		return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: {order: 1, applyOnForward: true, " + spec + "}\n"
	}
	const allow, deny, unknown = meaning.Allowed, meaning.Denied, meaning.Unknown
	const denyAll, denyRange = "ingress: [{action: Deny}]", "ingress: [{action: Deny, source: {nets: [203.0.113.0/24]}}]"
	one, open := host("expectedIPs: [192.0.2.7]"), host("expectedIPs: [192.0.2.7], profiles: [projectcalico-default-allow]")
	early := policy("selector: has(edge), preDNAT: true, types: [Ingress], " + denyRange)
	tests := []struct {
		name, objects, from, to string
		want                    meaning.Outcome
	}{
		{"no host endpoint", "", "203.0.113.9", "shop/web", allow},
		{"preDNAT denies the source", early, "203.0.113.9", "shop/web", unknown},
		{"and no other", early, "198.51.100.9", "shop/web", allow},
		{"nor what a pod sends away", early, "shop/web", "203.0.113.9", allow},
		{"nor between pods", policy("preDNAT: true, types: [Ingress], " + denyAll), "shop/api", "shop/web", allow},
		{"a pod's policy denies all the same", early, "203.0.113.9", "shop/shut", deny},
		{"preDNAT that allows spares pods nothing", policy("selector: has(edge), preDNAT: true, types: [Ingress], ingress: [{action: Allow}]"), "203.0.113.9", "shop/shut", deny},
		{"nor does it deny", policy("selector: has(edge), preDNAT: true, types: [Ingress], ingress: [{action: Allow}]"), "203.0.113.9", "shop/web", allow},
		{"it spares hosts their other policies", one + "---\n" + policy("preDNAT: true, types: [Ingress], ingress: [{action: Allow, source: {nets: [203.0.113.0/24]}}]"), "203.0.113.9", "192.0.2.7", unknown},
		{"where it may match", one + "---\n" + policy("preDNAT: true, types: [Ingress], ingress: [{action: Allow, source: {nets: [203.0.113.0/24]}}]"), "198.51.100.9", "192.0.2.7", deny},
		{"and selects the host", one + "---\n" + policy("selector: edge == 'two', preDNAT: true, types: [Ingress], ingress: [{action: Allow}]"), "203.0.113.9", "192.0.2.7", deny},
		{"it denies at hosts", open + "---\n" + early, "203.0.113.9", "192.0.2.7", unknown},
		{"and not at another", open + "---\n" + strings.Replace(early, "has(edge)", "edge == 'two'", 1), "203.0.113.9", "192.0.2.7", allow},
		{"preDNAT by a port that a Service translates", policy("preDNAT: true, types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [30080]}}]"), "203.0.113.9", "shop/web", unknown},
		{"doNotTrack", policy("doNotTrack: true, types: [Ingress], " + denyAll), "203.0.113.9", "shop/web", unknown},
		{"and its replies", policy("doNotTrack: true, types: [Ingress], " + denyAll), "shop/web", "203.0.113.9", unknown},
		{"doNotTrack, other sources", policy("doNotTrack: true, types: [Ingress], " + denyRange), "198.51.100.9", "shop/web", allow},
		{"doNotTrack without a rule", policy("doNotTrack: true, types: [Ingress]"), "203.0.113.9", "shop/web", allow},
		{"forwarded, in", policy("selector: has(edge), types: [Ingress], ingress: [{action: Allow, source: {nets: [10.0.0.0/8]}}]"), "203.0.113.9", "shop/web", unknown},
		{"forwarded, allowed", policy("selector: has(edge), types: [Ingress], ingress: [{action: Deny, source: {nets: [10.0.0.0/8]}}, {action: Allow}]"), "203.0.113.9", "shop/web", allow},
		{"forwarded, allowed by a port", policy("selector: has(edge), types: [Ingress], ingress: [{action: Allow, protocol: TCP}]"), "203.0.113.9", "shop/web", unknown},
		{"forwarded, between pods", policy("selector: has(edge), types: [Ingress], ingress: [{action: Allow, source: {selector: app == 'web'}}]"), "shop/api", "shop/web", unknown},
		{"forwarded, between other pods", policy("selector: has(edge), types: [Ingress], ingress: [{action: Allow, source: {selector: app == 'api'}}]"), "shop/api", "shop/web", allow},
		{"and not out", policy("selector: has(edge), types: [Ingress], ingress: [{action: Deny}]"), "shop/web", "203.0.113.9", allow},
		{"forwarded, out", policy("selector: has(edge), types: [Egress], egress: [{action: Deny}]"), "shop/web", "203.0.113.9", unknown},
		{"and not in", policy("selector: has(edge), types: [Egress], egress: [{action: Deny}]"), "203.0.113.9", "shop/web", allow},
		{"forwarded, for pods alone", policy("namespaceSelector: all(), selector: app == 'edge', types: [Ingress], " + denyAll), "203.0.113.9", "shop/web", allow},
		{"forwarded, for what is a pod", policy("selector: has(edge) && projectcalico.org/orchestrator == 'k8s', types: [Ingress], " + denyAll), "203.0.113.9", "shop/web", allow},
		{"forwarded, for no pod", policy("selector: '!has(projectcalico.org/orchestrator)', types: [Ingress], " + denyAll), "203.0.113.9", "shop/web", unknown},
		{"forwarded, for nothing", policy("namespaceSelector: env != 'prod', selector: 'app in {}', types: [Ingress], " + denyAll), "203.0.113.9", "shop/web", allow},
		{"staged", strings.Replace(early, "kind: Global", "kind: StagedGlobal", 1), "203.0.113.9", "shop/web", allow},

		{"a host endpoint decides for its node", one, "203.0.113.9", "192.0.2.7", deny},
		{"but on failsafe ports", one, "203.0.113.9", "192.0.2.7 22", unknown},
		{"and what it sends", one, "192.0.2.7", "shop/web", deny},
		{"but to failsafe ports", one, "192.0.2.7", "shop/web 2379", unknown},
		{"of which another policy denies", one, "192.0.2.7", "shop/shut 2379", deny},
		{"not for pods", one, "shop/api", "shop/web", allow},
		{"nor for others", one, "10.0.0.7", "shop/web", allow},
		{"addresses that are not listed", host("interfaceName: '*'"), "shop/web", "10.0.0.7", unknown},
		{"of a host that nothing is denied", host("interfaceName: '*', profiles: [projectcalico-default-allow]"), "shop/web", "10.0.0.7", allow},
		{"and not of the world", host("interfaceName: eth0"), "shop/web", "8.8.8.8", allow},
		{"a pod on some node's network", host("interfaceName: eth0"), "shop/agent", "shop/web", unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			objects, found := object.Decode("f.yaml", []byte(ends+tt.objects))
			if found.Failed() {
				t.Fatal(found.Err())
			}
			set, _ := object.NewSet(objects)
			m, found := meaning.Of(set, object.DefaultCluster())
			if found.Failed() {
				t.Fatal(found.Err())
			}
			peer := func(name string) meaning.Peer {
				for _, e := range m.Endpoints {
					if e.Ref() == name {
						return meaning.Pod(e)
					}
				}
				return meaning.Address(netip.MustParseAddr(name))
			}
			to, port := tt.to, uint16(80)
			if name, number, given := strings.Cut(tt.to, " "); given {
				n, err := strconv.ParseUint(number, 10, 16)
				if err != nil {
					t.Fatal(err)
				}
				to, port = name, uint16(n)
			}
			v := m.Follow(meaning.Packet{From: peer(tt.from), To: peer(to), Protocol: meaning.TCP, Port: port})
			if got := v.Outcome(); got != tt.want {
				t.Errorf("%v, expected %v: %+v", got, tt.want, v)
			}
			for _, by := range []*meaning.Decision{v.OnTheWay, &v.Egress.By, &v.Ingress.By} {
				if by != nil && by.Reason == "" {
					t.Errorf("nobody says why: %+v", v)
				}
			}
		})
	}
}

// TestFollowOnlyDoubts holds Follow to Walk in random worlds: it is as certain of nothing
// more, and is less only where there is something of hosts'.
func TestFollowOnlyDoubts(t *testing.T) {
	t.Parallel()
	doubts, firm := 0, 0
	for i := range *worlds {
		r := rand.New(rand.NewPCG(*seed+uint64(i), 0))
		c, err := oracle.Random(r, 32, oracle.Features{Tiers: true})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := meaning.Of(c.Set, c.Cluster)
		asker := m.Asker()
		onHosts := len(m.Hosts) > 0
		for _, p := range m.Policies {
			onHosts = onHosts || p.OnHosts != ""
		}
		for _, p := range oracle.Of(c.Set, c.Cluster).Packets(r, packetsPerWorld, false) {
			k, err := packetOf(m, p)
			if err != nil {
				t.Fatal(err)
			}
			walked, followed := asker.Walk(k), asker.Follow(k)
			pod := func(p meaning.Peer) bool { return p.Endpoint != nil && !p.Endpoint.HostNetwork }
			podDenies := pod(k.From) && walked.Egress.Outcome == meaning.Denied || pod(k.To) && walked.Ingress.Outcome == meaning.Denied
			switch w, f := walked.Outcome(), followed.Outcome(); {
			case f != asker.Outcome(k):
				t.Fatalf("seed %d: %v is %v, and %v where its outcome alone is asked for", *seed+uint64(i), k, f, asker.Outcome(k))
			case podDenies && f != meaning.Denied:
				t.Fatalf("seed %d: a pod's policy denies %v, and on its way it is %v", *seed+uint64(i), k, f)
			case f == w:
				firm++
			case f == meaning.Unknown && onHosts:
				doubts++
			default:
				t.Fatalf("seed %d: %v is %v, and on its way %v", *seed+uint64(i), k, w, f)
			}
		}
	}
	if doubts < firm/500 || firm < doubts {
		t.Errorf("%d doubts, %d verdicts that stay: expected many of both", doubts, firm)
	}
}
