package lower

import (
	"fmt"
	"strings"

	"portcullis.dev/compiler/plan"
)

// line lets pass a part of what a line asks for, on one half.
func (a *adding) line(f plan.Flow) {
	direction, own, peer := "Ingress", f.To, f.From
	if a.once(2) || own.Pods == nil {
		direction, own, peer = "Egress", f.From, f.To
	}
	if own.Pods == nil {
		return
	}
	of, others := asked{}, asked{}
	spec := fields{"order": one[any](a.Rand, 1, 600.5, 950, 1500), "types": []string{direction}, "selector": a.narrowed(own.Pods, of)}
	side := fields{}
	if peer.Pods != nil {
		side["selector"] = a.narrowed(peer.Pods, others)
	} else {
		var nets, not []string
		v4 := a.once(2)
		for _, b := range peer.Blocks {
			if b.CIDR.Addr().Is4() != v4 {
				continue
			}
			nets = append(nets, b.CIDR.String())
			for _, x := range b.Except {
				not = append(not, x.String())
			}
		}
		if len(nets) == 0 {
			return
		}
		side["nets"], side["notNets"] = nets, not
		a.nets = append(a.nets, nets...)
	}
	var rules []fields
	for _, port := range f.Ports {
		rule := fields{"action": "Allow"}
		source, destination := side, fields{}
		if direction == "Egress" {
			source, destination = fields{}, merged(side)
		}
		switch port.Protocol {
		case plan.TCP, plan.UDP, plan.SCTP:
			rule["protocol"] = string(port.Protocol)
			destination["ports"] = []any{fmt.Sprintf("%d:%d", port.First, port.Last)}
			if a.once(8) { // and one more
				destination["ports"] = []any{fmt.Sprintf("%d:%d", port.First, min(port.Last, 65534)+1)}
			}
		case plan.ICMP:
			rule["protocol"], rule["icmp"] = "ICMP", fields{"type": port.First}
			if nets, ok := side["nets"].([]string); ok && strings.Contains(nets[0], "::") {
				continue
			}
		case plan.Any:
		default:
			continue
		}
		rule["source"], rule["destination"] = source, destination
		rules = append(rules, rule)
	}
	spec[strings.ToLower(direction)] = rules
	a.asked = append(a.asked, of, others)
	a.add(calicoAPI, "GlobalNetworkPolicy", "", fmt.Sprint("added", len(a.objects)), spec)
}

func merged(f fields) fields {
	all := fields{}
	for key, value := range f {
		all[key] = value
	}
	return all
}

// openNamespace allows everything at pods of namespaces that are open anyway.
func (a *adding) openNamespace() {
	of := asked{}
	var open []string
	for _, n := range a.plan.Namespaces {
		if !n.Governed && !n.Pattern {
			open = append(open, n.Name)
		}
	}
	name := one(a.Rand, open...)
	of[namespaceKey] = []string{name}
	text := one(a.Rand, "projectcalico.org/namespace == '%s'", "pcns.kubernetes.io/metadata.name in {'%s'}", "!(projectcalico.org/namespace != '%s')", "projectcalico.org/namespace starts with '%s'")
	spec := fields{"order": 1200, "types": []string{"Ingress", "Egress"}, "selector": fmt.Sprintf(text, name)}
	for _, direction := range []string{"ingress", "egress"} {
		spec[direction] = []fields{{"action": "Allow"}}
	}
	if a.once(3) {
		spec["egress"] = []fields{{"action": "Allow", "notProtocol": "TCP"}, {"action": "Allow", "protocol": "TCP", "destination": fields{"ports": []any{"1:8080"}}},
			{"action": one(a.Rand, "Allow", "Allow", "Deny"), "protocol": "TCP", "destination": fields{"ports": []any{"8081:65535"}}}}
	}
	a.asked = append(a.asked, of)
	a.add(calicoAPI, "GlobalNetworkPolicy", "", fmt.Sprint("added", len(a.objects)), spec)
}

// guardrail denies a part of what a guardrail forbids.
func (a *adding) guardrail(g plan.Guardrail) {
	if len(g.Unless) > 0 || g.To != nil && g.To.Pods == nil || g.From != nil && g.From.Pods == nil {
		return
	}
	of, others := asked{}, asked{}
	rule := fields{"action": "Deny"}
	for _, p := range g.Ports {
		if p.Protocol == plan.TCP {
			rule["protocol"], rule["destination"] = "TCP", fields{"ports": []any{fmt.Sprintf("%d:%d", p.First, p.Last)}}
		}
	}
	if len(g.Ports) > 0 && rule["protocol"] == nil {
		return
	}
	spec := fields{"order": 1, "types": []string{"Ingress"}, "selector": "projectcalico.org/namespace != 'kube-system'"}
	of[namespaceKey] = []string{"kube-system"}
	if g.To != nil {
		spec["selector"] = spec["selector"].(string) + " && " + a.narrowed(g.To.Pods, of)
	}
	if g.From != nil {
		rule["source"] = fields{"selector": a.narrowed(g.From.Pods, others)}
	}
	spec["ingress"] = []fields{rule, {"action": "Pass"}}
	a.asked = append(a.asked, of, others)
	a.add(calicoAPI, "GlobalNetworkPolicy", "", fmt.Sprint("added", len(a.objects)), spec)
}
