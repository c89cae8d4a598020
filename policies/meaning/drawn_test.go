package meaning_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	_ "portcullis.dev/testdata/seed"
)

// drawn is a world with policies in it, drawn at random from few words, so that they
// meet: every kind of policy and of rule, over pods, nodes and addresses.
type drawn struct {
	*rapid.T
	cluster object.Cluster
	text    strings.Builder
	plain   bool // keep to the rules that people mostly write
	ipv4    bool // keep to one family
}

func (g *drawn) pick(label string, of ...string) string {
	if g.ipv4 {
		of = slices.DeleteFunc(of, func(s string) bool { return strings.Contains(s, "::") || s == "6" })
	}
	return rapid.SampledFrom(of).Draw(g.T, label)
}

// one is true once in n times.
func (g *drawn) one(label string, n int) bool { return rapid.IntRange(1, n).Draw(g.T, label) == 1 }

func (g *drawn) add(format string, args ...any) {
	fmt.Fprintf(&g.text, "---\n"+format+"\n", args...)
}

// world draws a cluster and everything in it.
func world(t *rapid.T) (object.Set, object.Cluster) {
	g := &drawn{T: t, plain: rapid.Bool().Draw(t, "plain")}
	g.draw()
	return g.set(g.text.String()), g.cluster
}

func (g *drawn) draw() {
	g.cluster = object.DefaultCluster()
	g.cluster.CalicoMinor = rapid.SampledFrom([]int{31, 32, 33}).Draw(g.T, "calico")
	if g.one("crd", 4) {
		g.cluster.API = object.NativeCRD
	}
	for _, text := range strings.Fields(g.pick("pod networks", "", "10.244.0.0/16", "10.244.0.0/16 fd00:10::/64", "10.244.0.0/17 10.244.128.0/17 fd00:10::/64")) {
		g.cluster.PodCIDRs = append(g.cluster.PodCIDRs, netip.MustParsePrefix(text))
	}
	if g.one("nodes", 2) {
		g.cluster.NodeCIDRs = []netip.Prefix{netip.MustParsePrefix("192.168.0.0/24")}
	}
	g.inhabitants()
	for i := range rapid.IntRange(1, 6).Draw(g.T, "policies") {
		g.policy(i)
	}
}

func (g *drawn) set(text string) object.Set {
	objects, bad := object.Decode("drawn.yaml", []byte(text))
	set, twice := object.NewSet(objects)
	if len(bad)+len(twice) > 0 {
		g.Fatal(bad.Err(), twice.Err())
	}
	return set
}

// inhabitants draws namespaces, pods, sets of addresses, nodes and Services.
func (g *drawn) inhabitants() {
	g.add("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: prod, team: a}}")
	g.add("apiVersion: v1\nkind: Namespace\nmetadata: {name: pay, labels: {env: %s, team: b}}", g.pick("env", "dev", "prod"))
	g.add("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: shop, labels: {role: web}}")
	template := "spec: {template: {metadata: {labels: {app: %s%s}}, spec: {%scontainers: [{name: c, ports: [%s]}]}}}"
	ports := func() string {
		return g.pick("ports", "", "{name: http, containerPort: 8080}", "{name: http, containerPort: 80}, {name: dns, containerPort: 53, protocol: UDP}")
	}
	account := func() string { return g.pick("account", "", "serviceAccountName: sa, ") }
	g.add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"+template, "web", ", tier: front", account(), ports())
	g.add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\n"+template, "api", g.pick("extra", "", ", x: z, pcns.env: dev"), account(), ports())
	g.add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: pay}\n"+template, "web", "", account(), ports())
	if g.one("bare", 2) {
		g.add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bare, namespace: shop}\nspec: {template: {spec: {containers: [{name: c}]}}}")
	}
	if g.one("stray", 3) {
		g.add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: stray}\n"+template, "api", "", "", ports())
	}
	pod := func(name, spec, status string) {
		g.add("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, labels: {app: %s}}\nspec: {%scontainers: [{name: c, ports: [%s]}]}\nstatus: {%s}", name, g.pick("app", "db", "web"), spec, ports(), status)
	}
	if g.one("running", 2) {
		pod("db", "", g.pick("addresses", "podIP: 10.244.7.3, podIPs: [{ip: 10.244.7.3}, {ip: 'fd00:10::3'}]", "podIP: 10.244.7.3, podIPs: [{ip: 10.244.7.3}, {ip: 10.244.9.3}]", "podIP: 10.244.130.3"))
	}
	for _, name := range []string{"agent", "agent-2"} {
		if g.one(name, 3) {
			pod(name, "hostNetwork: true, ", g.pick("address", "", "podIP: 192.168.0.7"))
		}
	}
	if g.one("sets", 2) {
		g.add("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: part, labels: {set: part}}\nspec: {nets: [%s]}", g.pick("part", "10.244.7.0/24", "192.0.2.0/25, 'fd00:10::/96'", "10.0.0.0/8", "0.0.0.0/0", ""))
		g.add("apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: out, namespace: shop, labels: {set: out}}\nspec: {nets: [192.0.2.0/24, '2001:db8::/64']}")
	}
	if g.one("host", 3) {
		g.add("apiVersion: projectcalico.org/v3\nkind: Profile\nmetadata: {name: lan}\nspec: {ingress: [{action: Log}, {action: %s, source: {nets: [192.0.2.0/24]}}, {action: Allow, protocol: TCP, source: {selector: app == 'web'}}], egress: [{action: %s}], labelsToApply: {set: lan}}",
			g.pick("lan", "Allow", "Deny", "Pass"), g.pick("lan", "Allow", "Deny"))
		g.add("apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: h, labels: {%s}}\nspec: {node: node1, interfaceName: eth0, expectedIPs: [192.168.0.9, 'fd00:1::9'], profiles: [%s], ports: [{name: http, protocol: TCP, port: 80}]}",
			g.pick("host labels", "app: host", "app: web, projectcalico.org/namespace: shop"), g.pick("profiles", "lan", "projectcalico-default-allow", "missing", "lan, missing", ""))
	}
	if g.one("service", 3) {
		g.add("apiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: shop}\nspec: {selector: {%s}, ports: [{port: 80, targetPort: %s}]}", g.pick("of", "app: api", "app: web", "app: db", ""), g.pick("target", "http", "8080", "0"))
		if g.one("slices", 2) {
			g.add("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: svc-1, namespace: shop, labels: {kubernetes.io/service-name: svc}}\naddressType: IPv4\nendpoints: [{addresses: [10.244.7.3]}, {addresses: [192.0.2.7]}]\nports: [{port: 8080, protocol: TCP}]")
		}
	}
	g.add("apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: t}\nspec: {order: 10, defaultAction: %s}", g.pick("end", "Pass", "Pass", "Deny"))
}

// policy draws one policy.
func (g *drawn) policy(i int) {
	name, namespace := fmt.Sprintf("p%d", i), g.pick("namespace", "shop", "shop", "pay")
	switch kind := g.pick("kind", "kubernetes", "kubernetes", "calico", "calico", "global", "global", "staged", "cluster"); kind {
	case "kubernetes":
		g.add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: %s}\nspec: {podSelector: %s%s}", name, namespace, g.labels(), g.directions(g.kubernetesRule))
	case "cluster":
		actions := func(d string) string {
			return g.list("cluster rules", func() string {
				side := map[string]string{"ingress": "from", "egress": "to"}[d]
				return fmt.Sprintf("{action: %s, %s: [%s], protocols: [%s]}", g.pick("action", "Accept", "Deny", "Pass"), side,
					g.pick("peer", "{namespaces: {}}", "{namespaces: {matchLabels: {env: prod}}}", "{namespaces: {matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}}", "{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}", map[string]string{"ingress": "{namespaces: {}}", "egress": "{networks: [192.0.2.0/24]}"}[d]),
					g.pick("protocols", "", "{tcp: {destinationPort: {number: 80}}}", "{udp: {destinationPort: {range: {start: 50, end: 60}}}}", "{destinationNamedPort: http}"))
			})
		}
		g.add("apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: %s}\nspec: {tier: %s, priority: %d, subject: {%s}, ingress: [%s], egress: [%s]}", name, g.pick("cluster tier", "Admin", "Baseline"), i,
			g.pick("subject", "namespaces: {}", "pods: {namespaceSelector: {matchLabels: {env: prod}}, podSelector: {}}"), actions("ingress"), actions("egress"))
	default:
		tier := g.pick("tier", "default", "default", "t")
		if tier == "t" {
			name = "t." + name
		}
		order := g.pick("order", "", "order: 1, ", "order: 1, ", "order: 1000, ", "order: 2000, ")
		head := map[string]string{"calico": "NetworkPolicy", "global": "GlobalNetworkPolicy", "staged": "StagedNetworkPolicy"}[kind]
		place := ", namespace: " + namespace
		scope := ""
		if kind == "global" {
			place = ""
			scope = g.pick("scope", "", "namespaceSelector: all(), ", "namespaceSelector: env == 'prod', ", "namespaceSelector: env != 'dev', ", "serviceAccountSelector: role == 'web', ", "doNotTrack: true, applyOnForward: true, ")
		}
		g.add("apiVersion: projectcalico.org/v3\nkind: %s\nmetadata: {name: %s%s}\nspec: {tier: %s, %s%sselector: \"%s\"%s}", head, name, place, tier, order, scope, g.selector(), g.directions(g.calicoRule))
	}
}

// directions draws the rules of both.
func (g *drawn) directions(rule func(direction string) string) string {
	var b strings.Builder
	for _, d := range []string{"ingress", "egress"} {
		if g.one("no "+d, 3) {
			continue
		}
		fmt.Fprintf(&b, ", %s: [%s]", d, g.list(d, func() string { return rule(d) }))
	}
	return b.String()
}

func (g *drawn) list(label string, item func() string) string {
	var items []string
	for range rapid.IntRange(0, 3).Draw(g.T, label) {
		items = append(items, item())
	}
	return strings.Join(items, ", ")
}

func (g *drawn) labels() string {
	return g.pick("labels", "{}", "{}", "{matchLabels: {app: web}}", "{matchLabels: {app: api}}", "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", "{matchExpressions: [{key: tier, operator: Exists}]}", "{matchLabels: {app: nobody}}")
}

func (g *drawn) selector() string {
	return g.pick("selector", "all()", "", "app == 'web'", "app != 'web'", "app in {'web', 'db'}", "has(tier)", "!has(x)", "app == 'api' || tier == 'front'", "app contains 'e'", "app starts with 'h'",
		"projectcalico.org/namespace == 'shop' && app == 'api'", "projectcalico.org/orchestrator == 'k8s'", "has(set)", "set == 'part'", "app not in {'api', 'host'}", "app == 'nobody'", "!(app == 'web' && x == 'z')")
}

func (g *drawn) kubernetesRule(direction string) string {
	var parts []string
	if peers := g.list("peers", func() string {
		return g.pick("peer", "{podSelector: {}}", "{podSelector: {matchLabels: {app: web}}}", "{namespaceSelector: {}}", "{namespaceSelector: {matchLabels: {env: prod}}, podSelector: "+g.labels()+"}", "{ipBlock: {cidr: "+g.net()+"}}", "{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}", "{ipBlock: {cidr: '::/0', except: ['fd00:10::/64']}}")
	}); peers != "" {
		parts = append(parts, map[string]string{"ingress": "from", "egress": "to"}[direction]+": ["+peers+"]")
	}
	if g.one("ports", 2) {
		parts = append(parts, "ports: ["+g.pick("ports", "{port: 80}", "{port: http}", "{port: 53, protocol: UDP}", "{port: 80, endPort: 8080}", "{protocol: SCTP}", "{port: dns, protocol: UDP}, {port: 443}")+"]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (g *drawn) net() string {
	return g.pick("net", "10.244.0.0/16", "10.244.7.0/24", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.0/25", "0.0.0.0/0", "'2001:db8::/64'", "'::/0'", "'fd00:10::/64'", "192.168.0.0/24")
}

// calicoRule draws a rule with a little of everything that Calico knows.
func (g *drawn) calicoRule(direction string) string {
	parts := []string{"action: " + g.pick("action", "Allow", "Allow", "Allow", "Deny", "Pass", "Log")}
	ports, sourcePorts := "", false
	switch protocol := g.pick("protocol", "", "", "TCP", "TCP", "UDP", "ICMP", "ICMPv6", "'47'", "not"); protocol {
	case "":
	case "not":
		parts = append(parts, "notProtocol: "+g.pick("not protocol", "TCP", "ICMP", "132"))
	case "ICMP", "ICMPv6":
		parts = append(parts, "protocol: "+protocol)
		if g.one("type", 2) {
			parts = append(parts, g.pick("icmp", "icmp", "notICMP")+": {type: "+g.pick("type", "8", "0", "128")+g.pick("code", "", ", code: 3")+"}")
		}
	default:
		parts = append(parts, "protocol: "+protocol)
		sourcePorts = protocol != "'47'" && !g.plain && g.one("source ports", 3)
		if protocol != "'47'" && g.one("ports", 2) {
			ports = g.pick("ports", "ports: [80]", "ports: ['1:1024', http]", "ports: [http]", "notPorts: [80, dns]", "notPorts: ['80:8080']", "ports: ['0:80'], notPorts: [53]", "ports: [dns, 443]")
		}
	}
	if g.one("family", 8) {
		parts = append(parts, "ipVersion: "+g.pick("family", "4", "6"))
	}
	near, far := "destination", "source"
	if direction == "egress" {
		near, far = far, near
	}
	own := ""
	if !g.plain && g.one("own end", 4) {
		own = g.pick("own", "nets: ["+g.net()+"]", "selector: \""+g.selector()+"\"", "notSelector: \"app == 'web'\"", "notNets: ["+g.net()+"]")
	}
	sides := map[string][]string{near: {own}, far: {g.side()}, "destination ports": {ports}}
	if sourcePorts {
		sides["source"] = append(sides["source"], g.pick("source ports", "ports: ['1:65535']", "ports: [1000]", "notPorts: [http]", "ports: [http]"))
	}
	sides["destination"] = append(sides["destination"], ports)
	for _, side := range []string{"source", "destination"} {
		if joined := strings.Join(slices.DeleteFunc(sides[side], func(s string) bool { return s == "" }), ", "); joined != "" {
			parts = append(parts, side+": {"+joined+"}")
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// side draws what a rule asks of the far end.
func (g *drawn) side() string {
	var parts []string
	if g.one("nets", 3) {
		parts = append(parts, "nets: ["+g.net()+"]")
	}
	if g.one("notNets", 6) {
		parts = append(parts, "notNets: ["+g.net()+"]")
	}
	if g.one("selector", 2) {
		parts = append(parts, "selector: \""+g.selector()+"\"")
	}
	if g.one("notSelector", 6) {
		parts = append(parts, "notSelector: \""+g.selector()+"\"")
	}
	if g.one("namespaceSelector", 4) {
		parts = append(parts, "namespaceSelector: \""+g.pick("namespaces", "all()", "global()", "env == 'prod'", "env != 'prod'", "projectcalico.org/name == 'shop'", "projectcalico.org/name == 'stray'")+"\"")
	}
	if g.one("accounts", 8) {
		parts = append(parts, "serviceAccounts: {"+g.pick("accounts", "names: [sa]", "selector: role == 'web'")+"}")
	}
	if !g.plain && g.one("services", 6) {
		parts = append(parts, "services: {name: "+g.pick("service", "svc", "nothing")+", namespace: "+g.pick("service's", "shop", "pay", "''")+"}")
	}
	return strings.Join(parts, ", ")
}

// headers are those by which policies tell traffic apart, and their neighbours.
var headers = func() []packet.Header {
	var all []packet.Header
	for _, port := range []uint16{0, 1, 52, 53, 54, 60, 61, 79, 80, 81, 443, 1024, 1025, 8080, 8081, 65535} {
		for _, p := range []packet.Protocol{packet.TCP, packet.UDP, packet.SCTP} {
			all = append(all, packet.Header{Protocol: p, Port: port})
		}
	}
	for _, kind := range []uint8{0, 8, 9, 128} {
		for _, code := range []uint8{0, 3, 4} {
			for _, p := range []packet.Protocol{packet.ICMP, packet.ICMPv6} {
				all = append(all, packet.Header{Protocol: p, Type: kind, Code: code})
			}
		}
	}
	return append(all, packet.Header{Protocol: 47}, packet.Header{Protocol: packet.UDPLite}, packet.Header{Protocol: 255})
}()

// edges are packets between all ends, of all headers and both families; of every
// stride packets, one.
func edges(peers []meaning.Peer, first, stride int, do func(meaning.Packet)) {
	n := 0
	for _, from := range peers {
		for _, to := range peers {
			for _, h := range headers {
				for _, family := range []int{4, 6} {
					if n++; n%stride != first || other(from, family) || other(to, family) {
						continue
					}
					do(meaning.Packet{From: from, To: to, Protocol: h.Protocol, Port: h.Port, Type: h.Type, Code: h.Code, Family: family})
				}
			}
		}
	}
}

// other reports whether the peer's address is of the other family.
func other(p meaning.Peer, family int) bool {
	return p.Addr.IsValid() && p.Addr.Unmap().Is4() != (family == 4)
}
