package lower

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// fields is a mapping in a manifest.
type fields map[string]any

// adding draws what a component adds to what is emitted for a plan: policies of both APIs
// over the whole grammar. Most that is drawn at random opens or closes something; so that
// a good part of the builds pass, much of it repeats lines, denies what nothing asks for, or
// stands behind a selector that is hard to satisfy.
type adding struct {
	*rand.Rand
	plan    *plan.Plan
	objects []object.Object
	refused error
	tiers   []string
	asked   []asked
	ports   []uint16
	named   bool // some port has a name
	nets    []string
}

// asked is what one selector or several of one end name: constants by key. Keys are
// normal: those of namespaces and accounts with Calico's prefixes.
type asked map[string][]string

// The keys under which selectors know the names of a pod's namespace and service account.
const (
	namespaceKey = "pcns.projectcalico.org/name"
	accountKey   = "pcsa.projectcalico.org/name"
)

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (a *adding) once(n int) bool { return a.IntN(n) == 0 }

// aComponent draws one.
func aComponent(p *plan.Plan, r *rand.Rand) *adding {
	a := &adding{Rand: r, plan: p, tiers: []string{"default"}}
	for range 1 + a.IntN(2) {
		switch n := a.IntN(20); {
		case n < 2:
			a.policy("Staged", a.header(asked{}, 0), a.anyRules)
		case n < 4:
			a.policy("", a.header(asked{}, 1+a.IntN(2)), a.anyRules)
		case n < 8:
			a.policy("", a.header(asked{}, 0), func(direction string, of asked) []fields {
				return []fields{a.excluding(direction, "Allow", of)}
			})
		case n < 11 && len(p.Flows) > 0:
			a.line(one(r, p.Flows...))
		case n < 14:
			a.policy("", a.header(asked{}, 0), a.idleRules)
		case n < 15:
			a.tier()
			a.policy("", a.header(asked{}, 0), func(direction string, of asked) []fields {
				return []fields{a.rule(direction, one(r, "Pass", "Pass", "Log"), of, 0)}
			})
		case n < 17:
			a.openNamespace()
		case n < 18 && len(p.Guardrails) > 0:
			a.guardrail(one(r, p.Guardrails...))
		case n < 19:
			a.kubernetes()
		default:
			if a.once(2) {
				a.tier()
			}
			a.policy("", a.header(asked{}, 0), a.anyRules)
		}
	}
	return a
}

func (a *adding) add(api, kind, namespace, name string, spec fields) {
	metadata := fields{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	raw, err := json.Marshal(fields{"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})
	if err != nil {
		panic(err)
	}
	decoded, found := object.DecodeJSON(raw)
	if found.Failed() {
		a.refused = fmt.Errorf("%w\n%s", found.Err(), raw)
	}
	a.objects = append(a.objects, decoded...)
}

const calicoAPI = "projectcalico.org/v3"

// tier adds a tier, before ours or behind the default one.
func (a *adding) tier() {
	name := fmt.Sprint("tier", len(a.tiers))
	a.add(calicoAPI, "Tier", "", name, fields{"order": one(a.Rand, 5, 500, 2000000), "defaultAction": one(a.Rand, "Pass", "Pass", "Pass", "Deny")})
	a.tiers = append(a.tiers, name, name)
}

// header is where a Calico policy stands and whom it selects: some pods, or with
// contradictions those whom terms that mostly exclude each other leave.
func (a *adding) header(of asked, contradictions int) fields {
	spec := fields{"order": one[any](a.Rand, 1, 600.5, 950, 1500, 3000)}
	if tier := one(a.Rand, a.tiers...); tier != "default" {
		spec["tier"] = tier
	}
	text := a.selector(2, of, "app", "app", "role", "kind")
	if governed := a.governed(); len(governed) > 0 && !a.once(3) { // where it closes nothing that is open
		name := one(a.Rand, governed...)
		of[namespaceKey] = append(of[namespaceKey], name)
		text = "projectcalico.org/namespace == '" + name + "' && (" + text + ")"
	}
	for range contradictions {
		keys := one(a.Rand, []string{"app"}, []string{"app", "role"}, []string{"pcsa.role", "projectcalico.org/serviceaccount"}, []string{"projectcalico.org/namespace"}, []string{"pcns.zone", "pcns.team"})
		other := a.selector(2, of, keys...)
		text += " && (" + other + ") && (" + a.selector(1, of, keys...) + ")"
		if a.once(2) {
			text += " && !(" + a.selector(1, of, keys...) + ") && " + one(a.Rand, "", "!") + "(" + other + ")"
		}
	}
	spec["selector"] = text
	if a.once(5) {
		spec["namespaceSelector"] = a.selector(1, of, "pcns.team", "pcns.tenant", "pcns.zone", namespaceKey)
	}
	if a.once(5) {
		spec["serviceAccountSelector"] = a.selector(1, of, "pcsa.role", accountKey)
	}
	spec["types"] = one(a.Rand, []string{"Ingress"}, []string{"Egress"}, []string{"Ingress", "Egress"})
	a.asked = append(a.asked, of)
	return spec
}

func (a *adding) governed() []string {
	var all []string
	for _, n := range a.plan.Namespaces {
		if n.Governed && !n.Pattern {
			all = append(all, n.Name)
		}
	}
	return all
}

// policy adds a policy of Calico: of the whole cluster, or of one namespace.
func (a *adding) policy(prefix string, spec fields, rules func(direction string, of asked) []fields) {
	for _, direction := range spec["types"].([]string) {
		of := asked{}
		spec[strings.ToLower(direction)] = rules(direction, of)
		a.asked = append(a.asked, of)
	}
	name := fmt.Sprint("added", len(a.objects))
	if tier, ok := spec["tier"].(string); ok {
		name = tier + "." + name
	}
	if a.once(4) && spec["namespaceSelector"] == nil {
		a.add(calicoAPI, prefix+"NetworkPolicy", one(a.Rand, "a", "b", "c", "pr-1"), name, spec)
		return
	}
	a.add(calicoAPI, prefix+"GlobalNetworkPolicy", "", name, spec)
}

func (a *adding) anyRules(direction string, of asked) []fields {
	var rules []fields
	for range 1 + a.IntN(2) {
		rules = append(rules, a.rule(direction, one(a.Rand, "Allow", "Allow", "Deny", "Pass", "Log"), of, 0))
	}
	return rules
}

// idleRules decide about nothing, or deny what no line asks for.
func (a *adding) idleRules(direction string, of asked) []fields {
	var rules []fields
	for range 1 + a.IntN(2) {
		switch a.IntN(4) {
		case 0:
			rule := a.rule(direction, "Deny", of, 0)
			rule["protocol"] = one[any](a.Rand, "TCP", "UDP", "SCTP")
			for _, key := range []string{"notProtocol", "icmp", "notICMP", "ipVersion"} {
				delete(rule, key)
			}
			to, _ := rule["destination"].(fields)
			if to == nil {
				to = fields{}
			}
			delete(to, "notPorts")
			to["ports"], rule["destination"] = []any{9999}, to
			a.ports = append(a.ports, 9999)
			rules = append(rules, rule)
		case 1:
			rules = append(rules, fields{"action": "Deny", "protocol": "UDPLite"})
		case 2:
			rules = append(rules, a.rule(direction, one(a.Rand, "Allow", "Deny"), of, 2))
		default:
			rules = append(rules, a.excluding(direction, one(a.Rand, "Allow", "Allow", "Deny"), of))
		}
	}
	return rules
}

// rule is a rule of Calico's whose peer is some pods or addresses, or with contradictions
// few or none.
func (a *adding) rule(direction, action string, of asked, contradictions int) fields {
	rule, peer, own := fields{"action": action}, fields{}, fields{}
	ported := false
	switch a.IntN(6) {
	case 0, 1, 2:
		rule["protocol"], ported = one[any](a.Rand, "TCP", "TCP", "UDP", "SCTP", 6), true
	case 3:
		rule["protocol"] = "ICMP"
		if a.once(2) {
			rule[one(a.Rand, "icmp", "notICMP")] = fields{"type": one(a.Rand, 0, 3, 8)}
		}
	case 4:
		rule["notProtocol"] = one[any](a.Rand, "TCP", "UDP", 47)
	}
	if contradictions > 0 || a.once(2) {
		text := a.selector(1, of, "app", "role", "projectcalico.org/namespace")
		for range contradictions {
			again := a.selector(1, of, "app", "role")
			text += " && (" + again + ") && !(" + a.selector(1, of, "app", "role") + ") && " + one(a.Rand, "", "!", "!") + "(" + again + ")"
		}
		peer["selector"] = "has(projectcalico.org/namespace) && (" + text + ")"
	}
	if a.once(6) {
		peer["notSelector"] = a.selector(1, of, "app", "role", "pcns.team")
	}
	if a.once(4) {
		peer["namespaceSelector"] = a.selector(1, of, "pcns.team", "pcns.zone", namespaceKey)
	}
	if a.once(6) {
		accounts := fields{"selector": a.selector(1, of, "pcsa.role")}
		if a.once(2) {
			accounts["names"] = []string{one(a.Rand, "robot", "default")}
			of[accountKey] = append(of[accountKey], accounts["names"].([]string)...)
		}
		peer["serviceAccounts"] = accounts
	}
	if a.once(4) {
		peer["nets"] = a.blocks()
	}
	if a.once(6) {
		peer["notNets"] = a.blocks()
	}
	source, destination := peer, own
	if direction == "Egress" {
		source, destination = own, peer
	}
	if ported && a.once(2) {
		destination[one(a.Rand, "ports", "ports", "notPorts")] = []any{a.port()}
		if a.once(4) {
			destination["notPorts"] = []any{a.port()}
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

// excluding is a rule that mostly excludes all that it asks for.
func (a *adding) excluding(direction, action string, of asked) fields {
	rule, peer, to := fields{"action": action, "protocol": one(a.Rand, "TCP", "UDP")}, fields{}, fields{}
	switch a.IntN(3) {
	case 0:
		text := a.selector(1, of, "app", "role", "pcns.team")
		peer["selector"] = "has(projectcalico.org/namespace) && (" + text + ")"
		peer["notSelector"] = one(a.Rand, text, "("+text+") || "+a.selector(1, of, "app", "role"), a.selector(1, of, "app", "role"))
		if a.once(3) { // of the pods, those that one of two selectors misses, or both
			peer = fields{"nets": a.plan.Cluster.PodCIDRs[:1], "notSelector": "(" + text + ") || " + one(a.Rand, "!", "") + "(" + text + ")"}
		}
	case 1:
		nets := a.blocks()
		peer["nets"], peer["notNets"] = nets[:1], nets[:1]
		if strings.HasSuffix(nets[0], "/0") || a.once(5) {
			peer["notNets"] = a.blocks()[:1]
		}
	default:
		to["ports"], to["notPorts"] = []any{"http"}, []any{"http"}
		if a.once(2) {
			to["notPorts"] = []any{one[any](a.Rand, "dns", 80, "1:1024")}
		}
		a.named = true
	}
	if direction == "Egress" {
		for key, value := range peer {
			to[key] = value
		}
	} else {
		rule["source"] = peer
	}
	rule["destination"] = to
	return rule
}

func (a *adding) port() any {
	low := one(a.Rand, edges[3:]...)
	high := one(a.Rand, edges[3:]...)
	a.ports = append(a.ports, low, high)
	switch {
	case a.once(3):
		a.named = true
		return one(a.Rand, "http", "dns")
	case a.once(2):
		return low
	default:
		return fmt.Sprintf("%d:%d", min(low, high), max(low, high))
	}
}

func (a *adding) blocks() []string {
	nets := []string{one(a.Rand, "10.244.0.0/24", "10.244.0.0/16", "10.244.1.0/25", "192.0.2.0/24", "198.51.100.7/32", "203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "172.18.0.0/16", "8.0.0.0/7")}
	if a.once(3) {
		nets = append(nets, one(a.Rand, "203.0.113.64/26", "10.244.0.128/25", "198.51.100.0/24"))
	}
	a.nets = append(a.nets, nets...)
	return nets
}

// kubernetes adds a NetworkPolicy of Kubernetes, mostly for few pods.
func (a *adding) kubernetes() {
	labels := func(of asked, prefix string, most int, keys ...string) fields {
		var terms []fields
		for range a.IntN(most + 1) {
			key := one(a.Rand, keys...)
			term := fields{"key": key, "operator": one(a.Rand, "In", "NotIn", "Exists", "DoesNotExist")}
			of[prefix+key] = append(of[prefix+key], nil...)
			if strings.HasSuffix(term["operator"].(string), "In") {
				v := one(a.Rand, values[prefix+key]...)
				term["values"] = []string{v}
				of[prefix+key] = append(of[prefix+key], v)
			}
			terms = append(terms, term)
		}
		return fields{"matchExpressions": terms}
	}
	namespace := one(a.Rand, "a", "b", "c", "pr-1")
	of, others := asked{namespaceKey: {namespace}}, asked{}
	direction, side := "ingress", "from"
	if a.once(2) {
		direction, side = "egress", "to"
	}
	spec := fields{"podSelector": labels(of, "", 5, "app", "role"), "policyTypes": []string{map[string]string{"ingress": "Ingress", "egress": "Egress"}[direction]}}
	rule := fields{}
	switch a.IntN(3) {
	case 0:
		rule[side] = []fields{{"ipBlock": fields{"cidr": a.blocks()[0]}}}
	case 1:
		rule[side] = []fields{{"podSelector": labels(others, "", 2, "app", "role"), "namespaceSelector": labels(others, "pcns.", 2, "team", "zone")}}
	}
	if a.once(2) {
		rule["ports"] = []fields{{"protocol": "TCP", "port": one[any](a.Rand, 80, 9999, "http")}}
		a.ports = append(a.ports, 9999)
	}
	spec[direction] = []fields{rule}
	a.asked = append(a.asked, of, others)
	a.add("networking.k8s.io/v1", "NetworkPolicy", namespace, fmt.Sprint("added", len(a.objects)), spec)
}
