package meaning_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

var podNetwork = netip.MustParsePrefix("10.244.0.0/16")

// manifests draws policies of two tiers over pods app=a and app=b, with rules on
// addresses inside and outside the pod network, on labels and on network sets.
func manifests(t *rapid.T) object.Set {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	nets := func(label string) string {
		return pick(label, "10.244.0.0/16", "10.244.0.0/17", "10.244.7.0/24", "10.0.0.0/8", "192.0.2.0/24", "0.0.0.0/1", "fd00::/8")
	}
	rule := func() string {
		var side []string
		if rapid.Bool().Draw(t, "nets?") {
			side = append(side, "nets: ['"+nets("nets")+"']")
		}
		if rapid.IntRange(0, 3).Draw(t, "notNets?") == 0 {
			side = append(side, "notNets: ['"+nets("notNets")+"']")
		}
		if rapid.IntRange(0, 2).Draw(t, "selector?") == 0 {
			side = append(side, "selector: \""+pick("selector", "app == 'a'", "set == 'part'", "all()", "app != 'b'", "set in {'part', 'out'}")+"\"")
		}
		if rapid.IntRange(0, 3).Draw(t, "notSelector?") == 0 {
			side = append(side, "notSelector: \""+pick("notSelector", "app == 'a'", "set == 'part'", "has(set)")+"\"")
		}
		ports := ""
		if rapid.Bool().Draw(t, "ports?") {
			ports = ", protocol: TCP, destination: {ports: [" + pick("port", "80", "'1:100'", "443") + "]}"
		}
		return "{action: " + pick("action", "Allow", "Deny", "Pass", "Log") + ", source: {" + strings.Join(side, ", ") + "}" + ports + "}"
	}
	var b strings.Builder
	b.WriteString(`
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: part, labels: {set: part}}
spec: {nets: [10.244.7.0/24]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: out, labels: {set: out}}
spec: {nets: [192.0.2.0/25, 10.244.128.0/17]}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: t}
spec: {order: 10, defaultAction: ` + pick("end", "Pass", "Deny") + "}\n")
	for i := range rapid.IntRange(1, 4).Draw(t, "policies") {
		tier := pick("tier", "t", "default")
		name := fmt.Sprintf("p%d", i)
		if tier == "t" {
			name = "t." + name
		}
		var rules []string
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			rules = append(rules, rule())
		}
		fmt.Fprintf(&b, "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: %s}\nspec: {tier: %s, order: %d, selector: app == 'b', types: [Ingress], ingress: [%s]}\n",
			name, tier, i, strings.Join(rules, ", "))
	}
	objects, found := object.Decode("drawn.yaml", []byte(b.String()))
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	set, _ := object.NewSet(objects)
	return set
}

func podLabelled(app string) *meaning.Endpoint {
	return &meaning.Endpoint{Namespace: "ns", Name: app, Labels: map[string]string{"app": app}, NamespaceLabels: map[string]string{}, PortsKnown: true}
}

// What is said of a pod whose address nobody knows holds at every address that it
// can get, and a packet that no rule allows never passes an isolated endpoint.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cluster := object.DefaultCluster()
		cluster.PodCIDRs = []netip.Prefix{podNetwork}
		m, _ := meaning.Of(manifests(t), cluster)
		a, b := podLabelled("a"), podLabelled("b")
		packet := meaning.Packet{From: meaning.Pod(a), To: meaning.Pod(b), Protocol: meaning.TCP, Port: 80}
		general := m.WalkHalf(packet, meaning.Ingress)
		isolated := m.Governing(b, meaning.Ingress).Isolated
		last := rapid.SliceOfN(rapid.Byte(), 2, 2)
		for range 8 {
			low := last.Draw(t, "address")
			packet.From.Addr = netip.AddrFrom4([4]byte{10, 244, low[0], low[1]})
			half := m.WalkHalf(packet, meaning.Ingress)
			if half.Outcome == meaning.Unknown {
				t.Fatalf("from %s nothing is unknown: %s", packet.From.Addr, half.By.Reason)
			}
			if general.Outcome != meaning.Unknown && general.Outcome != half.Outcome {
				t.Fatalf("%s whatever the address (%s), and %s from %s (%s)", general.Outcome, general.By.Reason, half.Outcome, packet.From.Addr, half.By.Reason)
			}
			if isolated && half.Outcome == meaning.Allowed && half.By.Cause != meaning.ByRule {
				t.Fatalf("isolated, and allowed without a rule: %s", half.By.Reason)
			}
		}
	})
}

// Spelling does not matter: a rule in two halves, a policy of Kubernetes as one of
// Calico, written twice, give the same verdicts.
func TestSpellings(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: ns}\nspec: {podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress], ingress: "
	const calicoHead = "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: p, namespace: ns}\nspec: {order: 1, selector: app == 'b', types: [Ingress], ingress: "
	const pods = "projectcalico.org/orchestrator == 'k8s'"
	spellings := []string{
		head + "[{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.128/25]}}, {podSelector: {matchLabels: {app: a}}}], ports: [{port: 80, endPort: 81}]}]}",
		head + "[{from: [{ipBlock: {cidr: 192.0.2.0/26}}, {ipBlock: {cidr: 192.0.2.64/26}}], ports: [{port: 80}, {port: 81}]}, {from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [a]}]}}], ports: [{port: 81}, {port: 80}]}]}",
		calicoHead + "[{action: Allow, protocol: TCP, source: {nets: [192.0.2.0/25]}, destination: {ports: ['80:81']}}, {action: Allow, protocol: TCP, source: {selector: \"app == 'a' && " + pods + "\"}, destination: {ports: [80, 81]}}]}",
		calicoHead + "[{action: Deny, protocol: TCP, destination: {notPorts: ['80:81']}}, {action: Deny, notProtocol: TCP}, {action: Allow, source: {nets: [192.0.2.0/24], notNets: [192.0.2.128/25]}}, {action: Allow, source: {namespaceSelector: \"projectcalico.org/name == 'ns'\", selector: \"app in {'a'}\"}}]}",
	}
	a, b := podLabelled("a"), podLabelled("b")
	elsewhere := podLabelled("a")
	elsewhere.Namespace = "other"
	peers := []meaning.Peer{meaning.Pod(a), meaning.Pod(b), meaning.Pod(elsewhere)}
	for _, text := range []string{"192.0.2.1", "192.0.2.127", "192.0.2.128", "192.0.3.1", "8.8.8.8", "2001:db8::1"} {
		peers = append(peers, meaning.Address(netip.MustParseAddr(text)))
	}
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = []netip.Prefix{podNetwork, netip.MustParsePrefix("fd00:10::/64")}
	allowed := make([]string, len(spellings))
	for i, text := range spellings {
		objects, found := object.Decode("p.yaml", []byte(text))
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		set, _ := object.NewSet(objects)
		m, found := meaning.Of(set, cluster)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		for _, from := range peers {
			for _, port := range []uint16{79, 80, 81, 82} {
				for _, protocol := range []meaning.Protocol{meaning.TCP, meaning.UDP} {
					p := meaning.Packet{From: from, To: meaning.Pod(b), Protocol: protocol, Port: port}
					switch m.WalkHalf(p, meaning.Ingress).Outcome {
					case meaning.Allowed:
						allowed[i] += p.String() + "\n"
					case meaning.Unknown:
						t.Errorf("%s is unknown under %s", p, text)
					}
				}
			}
		}
	}
	if strings.Count(allowed[0], "\n") != 6 {
		t.Errorf("allowed are\n%s", allowed[0])
	}
	for i, got := range allowed {
		if got != allowed[0] {
			t.Errorf("%s\nallows\n%s\nand not\n%s", spellings[i], got, allowed[0])
		}
	}
}
