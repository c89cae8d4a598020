package oracle

import (
	"fmt"
	"slices"
	"strings"
)

// policies makes some random policies of every kind that the features name.
func (g *generator) policies() {
	g.orders = []float64{-10.5, 0, 0.5, 1, 10, 50, 99, 100, 500, 999, 999.5, 1000.5, 1001, 5000, 1e6}
	g.Shuffle(len(g.orders), func(i, j int) { g.orders[i], g.orders[j] = g.orders[j], g.orders[i] })
	g.tiers = []string{""}
	if g.features.Tiers {
		for _, name := range some(g, 2, "alpha", "omega", "security") {
			spec := fields{}
			if !g.once(4) {
				spec["order"] = pick[any](g, 100, 500.5, 1e6, 2e7, 1000)
			}
			if g.once(2) {
				spec["defaultAction"] = pick(g, "Pass", "Pass", "Deny")
			}
			g.object("projectcalico.org/v3", "Tier", "", name, nil, fields{"spec": spec})
			g.tiers = append(g.tiers, name, name)
		}
		if g.once(8) {
			g.tiers = append(g.tiers, "ghost")
		}
	}
	for range 1 + g.IntN(7) {
		switch g.IntN(6) {
		case 0, 1:
			g.globalPolicy("GlobalNetworkPolicy")
		case 2, 3:
			g.namespacedPolicy("NetworkPolicy")
		case 4:
			g.kubernetesPolicy()
		default:
			switch {
			case g.features.ClusterPolicies && g.minor >= 32:
				g.clusterPolicy()
			case g.features.Tiers:
				g.globalPolicy("StagedGlobalNetworkPolicy")
			default:
				g.kubernetesPolicy()
			}
		}
	}
}

// name makes a new name for a random policy, in no order that follows the order of policies.
func (g *generator) name() string {
	g.names++
	return pick(g, "a", "m", "z", "rule-", "rule") + string(rune('a'+g.IntN(26))) + fmt.Sprint(g.names)
}

// header makes what random policies of Calico's two kinds have in common: tier, order and types.
func (g *generator) header() (name string, spec fields) {
	spec, name = fields{}, g.name()
	if tier := pick(g, g.tiers...); tier != "" {
		spec["tier"], name = tier, tier+"."+name
	} else if g.once(2) {
		spec["tier"] = "default"
	}
	switch {
	case g.features.Ties:
		if order := pick[any](g, nil, 10, 1000, 1000); order != nil {
			spec["order"] = order
		}
	case len(g.orders) > 0: // each once; the last of the list is a policy without an order
		if len(g.orders) > 1 {
			spec["order"] = g.orders[0]
		}
		g.orders = g.orders[1:]
	}
	if !g.once(4) {
		spec["types"] = some(g, 2, "Ingress", "Egress")
	}
	return name, spec
}

// rules fills in random rules for the directions that a policy's types name, and sometimes for
// one that they do not.
func (g *generator) rules(spec fields, namespace string) {
	types, given := spec["types"].([]string)
	for _, direction := range []string{"Ingress", "Egress"} {
		if given && !slices.Contains(types, direction) && !g.once(10) || g.once(8) {
			continue
		}
		var rules []fields
		for range 1 + g.IntN(3) {
			rules = append(rules, g.rule(direction, namespace))
		}
		spec[strings.ToLower(direction)] = rules
	}
}

// globalPolicy makes a random GlobalNetworkPolicy, or a staged one.
func (g *generator) globalPolicy(kind string) {
	name, spec := g.header()
	if !g.once(4) {
		spec["selector"] = g.selector(2, "app", "tier", "role", "projectcalico.org/orchestrator")
	}
	if g.once(3) {
		spec["namespaceSelector"] = g.namespaceSelector()
	}
	if g.once(6) {
		spec["serviceAccountSelector"] = g.selector(1, "role", "projectcalico.org/name")
	}
	g.rules(spec, "")
	if g.once(12) { // these act on host endpoints alone, before what is judged here
		spec["applyOnForward"] = true
		if pick(g, true, false) {
			spec["doNotTrack"] = true
		} else {
			spec["preDNAT"], spec["types"] = true, []string{"Ingress"}
			delete(spec, "egress")
		}
	}
	g.object("projectcalico.org/v3", kind, "", name, nil, fields{"spec": spec})
}

// namespacedPolicy makes a random NetworkPolicy of Calico's.
func (g *generator) namespacedPolicy(kind string) {
	name, spec := g.header()
	namespace := pick(g, namespaces...)
	if !g.once(4) {
		spec["selector"] = g.selector(2, "app", "tier")
	}
	if g.once(6) {
		spec["serviceAccountSelector"] = g.selector(1, "role", "projectcalico.org/name")
	}
	g.rules(spec, namespace)
	g.object("projectcalico.org/v3", kind, namespace, name, nil, fields{"spec": spec})
}

// namespaceSelector makes a random namespaceSelector of a policy, by name or by labels.
func (g *generator) namespaceSelector() string {
	if g.once(3) {
		return "projectcalico.org/name" + pick(g, " == ", " != ") + "'" + pick(g, namespaces...) + "'"
	}
	return g.selector(1, "env", "team")
}

// rule makes a random rule of a Calico policy, such that its validators accept it.
func (g *generator) rule(direction, namespace string) fields {
	rule := fields{"action": pick(g, "Allow", "Allow", "Allow", "Deny", "Deny", "Pass", "Log")}
	family := pick(g, 4, 4, 6) // of all blocks in the rule
	if g.once(12) {
		rule["ipVersion"] = family
	}
	ported := false
	switch g.IntN(9) {
	case 0, 1, 2:
		rule["protocol"], ported = pick[any](g, "TCP", "TCP", "UDP", "SCTP", 6, 17), true
	case 3:
		rule["protocol"] = map[int]string{4: "ICMP", 6: "ICMPv6"}[family]
		if !g.once(3) {
			rule[pick(g, "icmp", "notICMP")] = g.icmp()
		}
	case 4:
		if rule["ipVersion"] == nil {
			rule["notProtocol"] = pick[any](g, "TCP", "UDP", "ICMP", 47)
		}
	case 5:
		rule["protocol"] = pick[any](g, "UDPLite", 47)
	}
	source, destination := g.entity(family, ported), g.entity(family, ported)
	if g.minor >= 32 && rule["protocol"] == nil && g.once(4) { // a name needs no protocol any more
		pick(g, source, destination)[pick(g, "ports", "ports", "notPorts")] = []any{pick(g, portNames...)}
	}
	if len(g.services) > 0 && g.once(6) {
		ns, name, _ := strings.Cut(pick(g, g.services...), "/")
		service := fields{"name": name, "namespace": ns}
		if namespace != "" && g.once(4) {
			delete(service, "namespace") // and it matches nothing
		}
		if direction == "Ingress" {
			beside := fields{"services": service}
			for _, key := range []string{"ports", "notPorts"} { // which a source may have
				if ports := source[key]; ports != nil {
					beside[key] = ports
				}
			}
			source = beside
		} else {
			destination = fields{"services": service}
			delete(rule, "protocol")
			for _, key := range []string{"icmp", "notICMP"} {
				delete(rule, key)
			}
			for _, key := range []string{"ports", "notPorts"} {
				delete(source, key)
			}
		}
	}
	if len(source) > 0 {
		rule["source"] = source
	}
	if len(destination) > 0 {
		rule["destination"] = destination
	}
	return rule
}

// icmp makes random ICMP criteria of a policy's rule.
func (g *generator) icmp() fields {
	icmp := fields{"type": pick(g, 0, 8, 128, 254)}
	if g.once(3) {
		icmp["code"] = pick(g, 0, 1)
	}
	return icmp
}

// entity makes one random end of a policy's rule; most criteria are absent, so that rules match.
func (g *generator) entity(family int, ported bool) fields {
	e := fields{}
	if g.once(4) {
		e["selector"] = g.selector(1, "app", "tier", "kind", "role")
	}
	if g.once(8) {
		e["notSelector"] = g.selector(1, "app", "tier", "kind", "role")
	}
	switch g.IntN(12) {
	case 0, 1:
		e["namespaceSelector"] = g.namespaceSelector()
	case 2:
		e["namespaceSelector"] = "global()"
	}
	if g.once(6) {
		e["nets"] = g.nets(family)
	}
	if g.once(6) {
		if nets := slices.DeleteFunc(g.nets(family), func(n string) bool { return strings.HasSuffix(n, "/0") }); len(nets) > 0 {
			e["notNets"] = nets
		}
	}
	if g.once(10) {
		accounts := fields{}
		if g.once(2) {
			accounts["names"] = some(g, 2, "default", "robot")
		}
		if len(accounts) == 0 || g.once(3) {
			accounts["selector"] = g.selector(1, "role")
		}
		e["serviceAccounts"] = accounts
	}
	if ported && g.once(3) {
		e["ports"] = g.ports()
		if g.once(3) { // of sets, which have no ports
			e["selector"] = g.selector(0, "kind")
		}
	}
	if ported && g.once(8) {
		e["notPorts"] = g.ports()
	}
	return e
}

// ports makes random ports of a policy's rule: numbers, ranges, names.
func (g *generator) ports() []any {
	var ports []any
	for range 1 + g.IntN(2) {
		low := g.IntN(len(portEdges))
		switch g.IntN(3) {
		case 0:
			ports = append(ports, portEdges[low])
		case 1:
			ports = append(ports, fmt.Sprintf("%d:%d", portEdges[low], portEdges[low+g.IntN(len(portEdges)-low)]))
		default:
			ports = append(ports, pick(g, portNames...))
		}
	}
	return ports
}

// labelSelector makes a random label selector of a Kubernetes policy.
func (g *generator) labelSelector(keys ...string) fields {
	s := fields{}
	if g.once(2) {
		s["matchLabels"] = fields{pick(g, keys...): pick(g, values...)}
	}
	if g.once(3) {
		e := fields{"key": pick(g, keys...), "operator": pick(g, "In", "NotIn", "Exists", "DoesNotExist")}
		if strings.HasSuffix(e["operator"].(string), "In") {
			e["values"] = some(g, 2, values...)
		}
		s["matchExpressions"] = []fields{e}
	}
	return s
}

// kubernetesPolicy makes a random NetworkPolicy of Kubernetes'.
func (g *generator) kubernetesPolicy() {
	spec := fields{"podSelector": g.labelSelector("app", "tier")}
	if !g.once(3) {
		spec["policyTypes"] = some(g, 2, "Ingress", "Egress")
	}
	for _, direction := range []string{"ingress", "egress"} {
		if g.once(3) {
			continue
		}
		var rules []fields
		for range g.IntN(3) {
			rule := fields{}
			if !g.once(4) {
				rule[map[string]string{"ingress": "from", "egress": "to"}[direction]] = g.peers()
			}
			if g.once(2) {
				rule["ports"] = g.kubernetesPorts()
			}
			rules = append(rules, rule)
		}
		spec[direction] = rules
	}
	g.object("networking.k8s.io/v1", "NetworkPolicy", pick(g, namespaces...), g.name(), nil, fields{"spec": spec})
}

// peers makes random peers of a Kubernetes policy's rule: pods, namespaces, blocks.
func (g *generator) peers() []fields {
	var peers []fields
	for range 1 + g.IntN(2) {
		switch g.IntN(4) {
		case 0:
			peers = append(peers, fields{"podSelector": g.labelSelector("app", "tier")})
		case 1:
			peers = append(peers, fields{"namespaceSelector": g.labelSelector("env", "team")})
		case 2:
			peers = append(peers, fields{"podSelector": g.labelSelector("app", "tier"), "namespaceSelector": g.labelSelector("env", "team")})
		default:
			block := pick(g, fields{"cidr": "10.0.0.0/8", "except": []string{"10.244.1.0/24"}}, fields{"cidr": "10.244.1.0/24"},
				fields{"cidr": "0.0.0.0/0", "except": []string{"10.244.0.0/16", "203.0.113.128/25"}}, fields{"cidr": "::/0", "except": []string{"fd00::1:0/112"}},
				fields{"cidr": "203.0.113.77/24"})
			peers = append(peers, fields{"ipBlock": block})
		}
	}
	return peers
}

// kubernetesPorts makes random ports of a Kubernetes policy's rule.
func (g *generator) kubernetesPorts() []fields {
	var ports []fields
	for range 1 + g.IntN(2) {
		port := fields{}
		if !g.once(3) {
			port["protocol"] = pick(g, "TCP", "UDP", "SCTP")
		}
		switch low := g.IntN(len(portEdges)); g.IntN(4) {
		case 0:
			port["port"] = pick(g, portNames...)
		case 1:
			port["port"], port["endPort"] = portEdges[low], portEdges[low+g.IntN(len(portEdges)-low)]
		case 2:
			port["port"] = portEdges[low]
		}
		ports = append(ports, port)
	}
	return ports
}

// clusterPolicy makes a random ClusterNetworkPolicy.
func (g *generator) clusterPolicy() {
	peer := func() fields {
		if g.once(2) {
			return fields{"namespaces": g.labelSelector("env", "team")}
		}
		return fields{"pods": fields{"namespaceSelector": g.labelSelector("env", "team"), "podSelector": g.labelSelector("app", "tier")}}
	}
	spec := fields{"tier": pick(g, "Admin", "Baseline"), "priority": g.IntN(1001), "subject": peer()}
	if g.features.Ties {
		spec["priority"] = pick(g, 10, 1000)
	}
	for _, direction := range []string{"ingress", "egress"} {
		var rules []fields
		for range g.IntN(3) {
			other := peer()
			if direction == "egress" && g.once(3) {
				other = fields{"networks": []string{pick(g, append(slices.Clone(blocks[4]), blocks[6]...)...)}}
			}
			rule := fields{"name": "r", "action": pick(g, "Accept", "Deny", "Pass"), map[string]string{"ingress": "from", "egress": "to"}[direction]: []fields{other}}
			switch g.IntN(5) {
			case 0:
				rule["protocols"] = []fields{{"tcp": fields{"destinationPort": fields{"number": pick(g, portEdges...)}}}}
			case 1:
				rule["protocols"] = []fields{{"udp": fields{}}, {"sctp": fields{"destinationPort": fields{"range": fields{"start": 53, "end": 1023}}}}}
			case 2:
				rule["protocols"] = []fields{{"destinationNamedPort": pick(g, portNames...)}}
			}
			rules = append(rules, rule)
		}
		if len(rules) > 0 {
			spec[direction] = rules
		}
	}
	g.object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "", g.name(), nil, fields{"spec": spec})
}
