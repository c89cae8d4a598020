package meaning

import (
	"net/netip"
	"strings"
	"testing"

	"portcullis.dev/policies/object"
)

var web = &Endpoint{Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}, NamespaceLabels: map[string]string{}}
var api = &Endpoint{Namespace: "shop", Name: "api", Labels: map[string]string{"app": "api"}, NamespaceLabels: map[string]string{}}

// A rule on addresses, asked about a pod that has none yet.
func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	pods := []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.245.0.0/16")}
	for _, c := range []struct {
		name, rule string
		pods       []netip.Prefix
		want       Outcome
	}{
		{"contains every pod network", "{action: Allow, source: {nets: [10.244.0.0/15]}}", pods, Allowed},
		{"joined they contain every pod network", "{action: Allow, source: {nets: [10.244.0.0/16, 10.245.0.0/17, 10.245.128.0/17]}}", pods, Allowed},
		{"contains one pod network", "{action: Allow, source: {nets: [10.244.0.0/16]}}", pods, Unknown},
		{"a part of one", "{action: Allow, source: {nets: [10.244.7.0/24]}}", pods, Unknown},
		{"disjoint", "{action: Allow, source: {nets: [192.168.0.0/16]}}", pods, Denied},
		{"not a part", "{action: Allow, source: {notNets: [10.244.7.0/24]}}", pods, Unknown},
		{"not disjoint", "{action: Allow, source: {notNets: [192.168.0.0/16]}}", pods, Allowed},
		{"not all", "{action: Allow, source: {notNets: [10.0.0.0/8]}}", pods, Denied},
		{"nobody knows the pod network", "{action: Allow, source: {nets: [10.0.0.0/8]}}", nil, Unknown},
		{"the whole family", "{action: Allow, source: {nets: [0.0.0.0/0]}}", nil, Allowed},
		{"another family's rule is none", "{action: Allow, source: {nets: ['fd00::/8']}}", pods, Denied},
		{"a network set that may hold the pod", "{action: Allow, source: {selector: set == 'part'}}", pods, Unknown},
		{"a network set that holds all pods", "{action: Allow, source: {selector: set == 'all'}}", pods, Allowed},
		{"not in the set that may hold it", "{action: Allow, source: {notSelector: set == 'part'}}", pods, Unknown},
		{"both ways lead to a drop", "{action: Deny, source: {nets: [10.244.7.0/24]}}", pods, Denied},
		{"a pass that may be", "{action: Pass, source: {nets: [10.244.7.0/24]}}", pods, Unknown},
		{"a port's name on an unknown container", "{action: Allow, protocol: TCP, destination: {ports: [http]}}", pods, Unknown},
		{"a service that nobody describes", "{action: Allow, source: {services: {name: x, namespace: shop}}}", pods, Unknown},
		{"source ports", "{action: Allow, protocol: TCP, source: {ports: [1000]}}", pods, Unknown},
		{"every source port", "{action: Allow, protocol: TCP, source: {ports: ['1:65535']}}", pods, Allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			set := decode(t, `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: p}
spec: {selector: app == 'api', types: [Ingress], ingress: [`+c.rule+`]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: part, labels: {set: part}}
spec: {nets: [10.244.7.0/24]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: all, labels: {set: all}}
spec: {nets: [10.0.0.0/8]}
`)
			cluster := object.DefaultCluster()
			cluster.PodCIDRs = c.pods
			m, found := Of(set, cluster)
			if found.Failed() {
				t.Fatal(found.Err())
			}
			half := m.WalkHalf(Packet{From: Pod(web), To: Pod(api), Protocol: TCP, Port: 80}, Ingress)
			if half.Outcome != c.want || half.By.Reason == "" {
				t.Errorf("got %s (%s), expected %s", half.Outcome, half.By.Reason, c.want)
			}
		})
	}
}

func TestUnknownPodBehindAnAddress(t *testing.T) {
	t.Parallel()
	set := decode(t, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}
`)
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	m, _ := Of(set, cluster)
	for from, want := range map[string]Outcome{"10.244.3.3": Unknown, "10.245.3.3": Denied} {
		v := m.Walk(Packet{From: Address(netip.MustParseAddr(from)), To: Pod(api), Protocol: TCP, Port: 80})
		if v.Ingress.Outcome != want {
			t.Errorf("from %s: %s, expected %s", from, v.Ingress.Outcome, want)
		}
	}
}

// The four ways in which a policy without types gets them.
func TestInferredTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, fields         string
		aggregated, resource string
	}{
		{"calico", "", "ingress", "ingress"},
		{"calico", ", ingress: []", "ingress", "ingress"},
		{"calico", ", egress: []", "ingress", "egress"},
		{"calico", ", ingress: [], egress: []", "ingress", "ingress egress"},
		{"calico", ", egress: [{action: Allow}]", "egress", "egress"},
		{"calico", ", ingress: [{action: Allow}], egress: [{action: Allow}]", "ingress egress", "ingress egress"},
		{"calico", ", types: [Egress], ingress: [{action: Allow}]", "egress", "egress"},
		{"kubernetes", "", "ingress", "ingress"},
		{"kubernetes", ", egress: [{}]", "ingress egress", "ingress egress"},
		{"kubernetes", ", egress: []", "ingress", "ingress"},
		{"kubernetes", ", policyTypes: [Egress], ingress: [{}]", "egress", "egress"},
	} {
		text := "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {selector: all()" + c.fields + "}\n"
		if c.kind == "kubernetes" {
			text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}" + c.fields + "}\n"
		}
		for api, want := range map[object.APIForm]string{object.Aggregated: c.aggregated, object.NativeCRD: c.resource} {
			cluster := object.DefaultCluster()
			cluster.API = api
			m, found := Of(decode(t, text), cluster)
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			var got []string
			for _, d := range []Direction{Ingress, Egress} {
				if m.Policies[0].Governs[d] {
					got = append(got, d.String())
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s{%s} through %s governs %v, expected %s", c.kind, c.fields, api, got, want)
			}
		}
	}
}

func TestGoverning(t *testing.T) {
	t.Parallel()
	const tier = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: t}\nspec: {order: 10, defaultAction: Pass}\n---\n"
	inTier := func(rules string) string {
		return tier + "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: t.p}\nspec: {tier: t, namespaceSelector: all(), types: [Ingress], ingress: [" + rules + "]}\n"
	}
	const denyAll = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n"
	for _, c := range []struct {
		name, text string
		by         string // empty: not isolated
		count      int
	}{
		{"nothing", "", "", 0},
		{"deny-all", denyAll, "deny", 1},
		{"allows are no way out", denyAll + strings.Replace(denyAll, "name: deny", "name: allow", 1) + "  \n", "deny", 0},
		{"a tier that passes at its end", inTier("{action: Deny, source: {nets: [10.0.0.0/8]}}"), "", 1},
		{"a tier that passes at its end, above a deny-all", inTier("{action: Deny, source: {nets: [10.0.0.0/8]}}") + denyAll, "deny", 2},
		{"a final deny in a tier that passes", inTier("{action: Log}, {action: Deny}"), "t.p", 1},
		{"a pass before the deny, and nothing below", inTier("{action: Pass, source: {nets: [10.0.0.0/8]}}, {action: Deny}"), "", 1},
		{"a pass before the deny, and a deny-all below", inTier("{action: Pass, source: {nets: [10.0.0.0/8]}}, {action: Deny}") + denyAll, "t.p", 2},
		{"a deny of one family", inTier("{action: Deny, ipVersion: 4}"), "", 1},
		{"a staged deny-all", "apiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\nmetadata: {name: p}\nspec: {types: [Ingress]}\n", "", 0},
		{"a policy of another namespace", strings.Replace(denyAll, "namespace: shop", "namespace: other", 1), "", 0},
	} {
		if c.name == "allows are no way out" {
			c.text = denyAll + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: allow, namespace: shop}\nspec: {podSelector: {}, ingress: [{}]}\n"
			c.by, c.count = "allow deny", 2
		}
		m, found := Of(decode(t, c.text), object.DefaultCluster())
		if found.Failed() {
			t.Fatal(found.Err())
		}
		g := m.Governing(web, Ingress)
		var by []string
		for _, p := range g.IsolatedBy {
			by = append(by, p.ID.Name)
		}
		if strings.Join(by, " ") != c.by || g.Isolated != (c.by != "") || len(g.Policies) != c.count {
			t.Errorf("%s: isolated %v by %v, %d policies", c.name, g.Isolated, by, len(g.Policies))
		}
		if c.name != "nothing" && c.count > 0 {
			host := *web
			host.HostNetwork = true
			if g := m.Governing(&host, Ingress); g.Isolated || len(g.Policies) > 0 {
				t.Errorf("%s: governs a host-network pod", c.name)
			}
		}
	}
}

// A verdict names the rule that decides, and the steps show the way to it.
func TestDecision(t *testing.T) {
	t.Parallel()
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	m, _ := Of(decode(t, `
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: t}
spec: {order: 10}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: t.guard}
spec:
  tier: t
  namespaceSelector: all()
  types: [Ingress]
  ingress:
  - {action: Deny, protocol: TCP, destination: {ports: [22]}}
  - {action: Pass}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress:
  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 80}, {port: 53, protocol: UDP}]
`), cluster)
	for _, c := range []struct {
		port                 uint16
		outcome              Outcome
		cause                Cause
		policy, pointer, way string
	}{
		{22, Denied, ByRule, "t.guard", "/spec/ingress/0", "t:deny"},
		{80, Allowed, ByRule, "allow", "/spec/ingress/1", "t:pass default:allow"},
		{81, Denied, ByTierEnd, "allow", "", "t:pass default:deny"},
	} {
		v := m.Walk(Packet{From: Pod(web), To: Pod(api), Protocol: TCP, Port: c.port})
		var way []string
		for _, s := range v.Ingress.Steps {
			way = append(way, s.Tier+":"+s.Result)
		}
		by := v.Ingress.By
		if v.Ingress.Outcome != c.outcome || by.Cause != c.cause || by.Policy.Name != c.policy || by.Pointer != c.pointer || strings.Join(way, " ") != c.way {
			t.Errorf("port %d: %s by %+v, way %v", c.port, v.Ingress.Outcome, by, way)
		}
		if v.Egress.Outcome != Allowed || v.Egress.By.Cause != ByProfile {
			t.Errorf("port %d: egress %s by %+v", c.port, v.Egress.Outcome, v.Egress.By)
		}
	}
}

// Where every way leads to the same end, what is not known does not matter.
func TestDoubtThatDecidesNothing(t *testing.T) {
	t.Parallel()
	m, _ := Of(decode(t, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow, namespace: shop}
spec:
  podSelector: {}
  ingress:
  - from: [{ipBlock: {cidr: 10.244.0.0/24}}]
  - from: [{podSelector: {}}]
`), object.DefaultCluster())
	half := m.WalkHalf(Packet{From: Pod(web), To: Pod(api), Protocol: TCP, Port: 80}, Ingress)
	if half.Outcome != Allowed || half.By.Pointer != "/spec/ingress/1" || half.Steps[0].Result != "allow" {
		t.Errorf("%s by %+v, %v", half.Outcome, half.By, half.Steps)
	}
	other := *web
	other.Namespace = "other"
	half = m.WalkHalf(Packet{From: Pod(&other), To: Pod(api), Protocol: TCP, Port: 80}, Ingress)
	if half.Outcome != Unknown || half.By.Pointer != "/spec/ingress/0" || half.Steps[0].Result != "unknown" {
		t.Errorf("%s by %+v, %v", half.Outcome, half.By, half.Steps)
	}
}

// Profiles decide for a host endpoint, and may hang on what is not known as well.
func TestHostProfiles(t *testing.T) {
	t.Parallel()
	m, found := Of(decode(t, `
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: lan}
spec:
  ingress:
  - {action: Log}
  - {action: Allow, source: {nets: [10.244.7.0/24]}}
  - {action: Deny, source: {nets: [192.0.2.0/25]}}
  - {action: Allow, source: {nets: [192.0.2.0/24]}}
  labelsToApply: {zone: lan}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: h}
spec: {node: node1, interfaceName: eth0, expectedIPs: [198.51.100.1], profiles: [lan, missing]}
`), object.DefaultCluster())
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	host := Address(netip.MustParseAddr("198.51.100.1"))
	for _, c := range []struct {
		from Peer
		want Outcome
	}{
		{Address(netip.MustParseAddr("192.0.2.1")), Denied},
		{Address(netip.MustParseAddr("192.0.2.200")), Allowed},
		{Address(netip.MustParseAddr("8.8.8.8")), Denied},
		{Pod(web), Unknown},
	} {
		half := m.WalkHalf(Packet{From: c.from, To: host, Protocol: TCP, Port: 9100}, Ingress)
		if half.Outcome != c.want || half.By.Cause != ByProfile || half.By.Reason == "" {
			t.Errorf("from %s: %s by %+v, expected %s", c.from, half.Outcome, half.By, c.want)
		}
	}
	if zone, _ := m.Hosts[0].Label("zone"); zone != "lan" {
		t.Errorf("the host endpoint inherits zone %q", zone)
	}
}

func TestParseNet(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.0/120": "192.0.2.0/24", "::ffff:0:0/96": "0.0.0.0/0",
		"::ffff:0:0/95": "::fffe:0:0/95", "fd00::1": "fd00::1/128", "010.0.0.0/8": "", "10.0.0.0/33": "", "fe80::1%eth0": "", "10.0.0/8": "", "": "",
	} {
		p, err := ParseNet(text)
		if (err != nil) != (want == "") || err == nil && p.String() != want {
			t.Errorf("%q is %s (%v), expected %q", text, p, err, want)
		}
	}
}

// Kubernetes policies that the API server would refuse are findings that point at
// the value, and what remains of them is evaluated.
func TestKubernetesFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ spec, code, pointer string }{
		{"{podSelector: {}, ingress: [{ports: [{port: http, endPort: 90}]}]}", "PC022", "/spec/ingress/0/ports/0/endPort"},
		{"{podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]}", "PC022", "/spec/ingress/0/ports/0/endPort"},
		{"{podSelector: {}, ingress: [{ports: [{endPort: 80}]}]}", "PC022", "/spec/ingress/0/ports/0/endPort"},
		{"{podSelector: {}, ingress: [{ports: [{port: 70000}]}]}", "PC022", "/spec/ingress/0/ports/0/port"},
		{"{podSelector: {}, ingress: [{ports: [{port: 80, protocol: tcp}]}]}", "PC022", "/spec/ingress/0/ports/0/protocol"},
		{"{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 010.0.0.0/8}}]}]}", "PC021", "/spec/ingress/0/from/0/ipBlock/cidr"},
		{"{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}", "PC028", "/spec/ingress/0/from/0/ipBlock/cidr"},
		{"{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}", "PC021", "/spec/egress/0/to/0/ipBlock/except/0"},
		{"{podSelector: {}, egress: [{to: [{}]}]}", "PC026", "/spec/egress/0/to/0"},
		{"{podSelector: {}, egress: [{to: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}", "PC026", "/spec/egress/0/to/0"},
		{"{podSelector: {matchExpressions: [{key: a, operator: In}]}}", "PC020", "/spec/podSelector"},
		{"{podSelector: {}, policyTypes: [ingress]}", "PC023", "/spec/policyTypes/0"},
		{"{podSelector: {}, policyTypes: [Ingress, Ingress]}", "PC023", "/spec/policyTypes/1"},
	} {
		_, found := Of(decode(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: "+c.spec), object.DefaultCluster())
		if len(found) != 1 || found[0].Rule.Code != c.code || found[0].Subject.Pointer != c.pointer {
			t.Errorf("%s: found %v", c.spec, found)
		}
	}
}

// What the oracle found Walk to be wrong in.
func TestWhatTheOracleFound(t *testing.T) {
	t.Parallel()
	const world = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}, {name: http, containerPort: 80, protocol: UDP}]}]}
status: {podIP: 10.244.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop, labels: {app: agent}}
spec: {hostNetwork: true, containers: [{name: c}]}
status: {podIP: 192.168.1.1}
---
apiVersion: v1
kind: Pod
metadata: {name: stray, namespace: nowhere, labels: {app: stray}}
spec: {containers: [{name: c}]}
status: {podIP: 10.244.0.2}
---
apiVersion: v1
kind: Service
metadata: {name: agents, namespace: shop}
spec: {selector: {app: agent}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: later, namespace: shop}
spec: {selector: {app: later}, ports: [{port: 80}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: back}
spec: {selector: app == 'api', types: [Egress], egress: [{action: Allow, protocol: TCP, destination: {ports: [near]}}]}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: elsewhere, namespace: nowhere}
spec: {nets: [203.0.113.0/24]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: pods, labels: {set: pods}}
spec: {nets: [10.244.0.0/16]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: later, namespace: shop}
spec: {selector: {matchLabels: {app: later}}, template: {metadata: {labels: {app: later}}, spec: {hostNetwork: true, containers: [{name: c}]}}}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: node1}
spec: {node: node1, interfaceName: eth0, expectedIPs: [192.168.1.2], ports: [{name: far, protocol: TCP, port: 40000}, {name: near, protocol: TCP, port: 80}]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: p}
spec: {selector: app == 'api', types: [Ingress], ingress: [RULE]}
`
	for _, c := range []struct {
		name, rule string
		from, to   string
		protocol   Protocol
		want       Outcome
	}{
		{"a port's name counts on objects that the rule selects", "{action: Allow, protocol: TCP, destination: {selector: set == 'pods', ports: [http]}}", "8.8.8.8", "shop/api", TCP, Denied},
		{"and there on all of them", "{action: Allow, protocol: TCP, destination: {selector: app == 'api', ports: [http]}}", "8.8.8.8", "shop/api", TCP, Allowed},
		{"a number counts on the address", "{action: Allow, protocol: TCP, destination: {selector: set == 'pods', ports: [80]}}", "8.8.8.8", "shop/api", TCP, Allowed},
		{"a name without a protocol is any's", "{action: Allow, destination: {ports: [http]}}", "8.8.8.8", "shop/api", UDP, Allowed},
		{"and TCP's too", "{action: Allow, destination: {ports: [http]}}", "8.8.8.8", "shop/api", TCP, Allowed},
		{"a host-network pod behind a service", "{action: Allow, source: {services: {name: agents, namespace: shop}}}", "192.168.1.1", "shop/api", TCP, Allowed},
		{"by its name", "{action: Allow, source: {services: {name: agents, namespace: shop}}}", "shop/agent", "shop/api", TCP, Allowed},
		{"and no other node", "{action: Allow, source: {services: {name: agents, namespace: shop}}}", "192.168.1.3", "shop/api", TCP, Denied},
		{"a node that may run such a pod", "{action: Allow, source: {services: {name: later, namespace: shop}}}", "192.168.1.3", "shop/api", TCP, Unknown},
		{"such a pod", "{action: Allow, source: {services: {name: later, namespace: shop}}}", "shop/later", "shop/api", TCP, Allowed},
		{"no Namespace, no name of one", "{action: Allow, source: {namespaceSelector: projectcalico.org/name == 'nowhere'}}", "nowhere/stray", "shop/api", TCP, Denied},
		{"nor for a network set", "{action: Allow, source: {namespaceSelector: projectcalico.org/name == 'nowhere'}}", "203.0.113.1", "shop/api", TCP, Denied},
		{"a port that the node may name", "{action: Allow, protocol: TCP, source: {ports: [far]}}", "shop/later", "shop/api", TCP, Unknown},
		{"and another cannot", "{action: Allow, protocol: TCP, source: {ports: [far]}}", "192.168.1.3", "shop/api", TCP, Denied},
		{"a node that may have a host endpoint", "{action: Allow}", "8.8.8.8", "shop/later", TCP, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster := object.DefaultCluster()
			cluster.CalicoMinor = 32
			m, found := Of(decode(t, strings.ReplaceAll(world, "RULE", c.rule)), cluster)
			if found.Failed() {
				t.Fatal(found.Err())
			}
			end := func(name string) Peer {
				for _, e := range m.Endpoints {
					if e.Ref() == name {
						return Pod(e)
					}
				}
				return Address(netip.MustParseAddr(name))
			}
			there := Packet{From: end(c.from), To: end(c.to), Protocol: c.protocol, SourcePort: 40000, Port: 80}
			half := m.WalkHalf(there, Ingress)
			if half.Outcome != c.want {
				t.Errorf("got %s (%s), expected %s", half.Outcome, half.By.Reason, c.want)
			}
		})
	}
}

// Where nothing checks names, the release says whether a name or the field decides.
func TestTierOfAPolicy(t *testing.T) {
	t.Parallel()
	set := decode(t, `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: deny-all}
spec: {tier: security}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: security.x, namespace: shop}
spec: {}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: knp.default.x, namespace: shop}
spec: {}
`)
	for minor, want := range map[int]map[string]string{
		31: {"deny-all": "default", "security.x": "security", "knp.default.x": "default"},
		32: {"deny-all": "security", "security.x": "default", "knp.default.x": "default"},
	} {
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = minor
		m, _ := Of(set, cluster)
		for _, p := range m.Policies {
			if p.Tier != want[p.ID.Name] {
				t.Errorf("Calico 3.%d: the tier of %s is %s, expected %s", minor, p.ID.Name, p.Tier, want[p.ID.Name])
			}
		}
	}
}
