package oracle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"portcullis.dev/policies/object"
)

// Features are what random worlds may hold. The zero Features is what every release
// of Calico has: one tier, policies of Calico's and Kubernetes' without ties, pods
// with addresses, host endpoints, network sets, services and service accounts.
type Features struct {
	Tiers           bool // tiers of the user's, one without an object among them, and staged policies
	Ties            bool // equal orders
	ClusterPolicies bool // ClusterNetworkPolicies, if the release has them
	Unaddressed     bool // workloads without addresses, and packets with any source port
}

// Case is a random world and its cluster.
type Case struct {
	Set     object.Set
	Cluster object.Cluster
}

// Random makes a world out of the source of randomness; the same source makes the
// same world. Its values are few, so that things meet: labels that selectors ask
// for, blocks that touch, ports at the ends of ranges.
func Random(r *rand.Rand, minor int, f Features) (Case, error) {
	g := &generator{Rand: r, features: f, minor: minor}
	c := Case{Cluster: object.DefaultCluster()}
	c.Cluster.CalicoMinor = minor
	if minor >= 32 && g.once(3) {
		c.Cluster.API = object.NativeCRD
	}
	if f.Unaddressed && g.once(2) {
		c.Cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00::/16")}
		c.Cluster.NodeCIDRs = []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd01::/64")}
	}
	g.world()
	g.policies()
	var objects []object.Object
	for _, m := range g.manifests {
		raw, err := json.Marshal(m)
		if err != nil {
			return c, err
		}
		decoded, found := object.DecodeJSON(raw)
		if len(found) > 0 {
			return c, fmt.Errorf("%w\n%s", found.Err(), raw)
		}
		objects = append(objects, decoded...)
	}
	set, found := object.NewSet(objects)
	c.Set = set
	return c, found.Err()
}

type generator struct {
	*rand.Rand
	features  Features
	minor     int
	manifests []fields
	services  []string // namespace/name
	orders    []float64
	tiers     []string
	names     int
}

// fields is a mapping in a manifest.
type fields map[string]any

// once is true once in n times, at random.
func (g *generator) once(n int) bool { return g.IntN(n) == 0 }

// pick picks one of some values at random.
func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// some picks up to n of the values at random, in order, at least one.
func some[T any](g *generator, n int, from ...T) []T {
	var picked []T
	for i, value := range from {
		if len(picked) < n && (g.once(2) || i == len(from)-1 && len(picked) == 0) {
			picked = append(picked, value)
		}
	}
	return picked
}

// object adds a manifest to the random world.
func (g *generator) object(api, kind, namespace, name string, labels, body fields) {
	metadata := fields{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	if len(labels) > 0 {
		metadata["labels"] = labels
	}
	m := fields{"apiVersion": api, "kind": kind, "metadata": metadata}
	for key, value := range body {
		m[key] = value
	}
	g.manifests = append(g.manifests, m)
}

var (
	namespaces = []string{"prod", "dev", "ops"}
	portNames  = []string{"http", "dns"}
	portEdges  = []int{1, 53, 80, 1023, 1024, 5000, 5010, 8080, 65535}
	// Blocks of each family touch, hold one another, and hold pods and nodes.
	blocks = map[int][]string{
		4: {"0.0.0.0/0", "10.0.0.0/8", "10.244.0.0/16", "10.244.1.0/24", "10.244.1.2/32", "10.244.2.0/23", "192.168.1.0/24",
			"192.168.1.1/32", "203.0.113.0/24", "203.0.113.128/25", "128.0.0.0/1", "198.51.100.0/30"},
		6: {"::/0", "fd00::/16", "fd00::1:0/112", "fd00::1:2/128", "2001:db8::/32", "2001:db8:8000::/33", "8000::/1", "fd01::/64"},
	}
)

// world makes everything of a random world but policies.
func (g *generator) world() {
	for i, ns := range namespaces {
		if !g.once(25) { // a pod whose namespace is not known is dropped
			g.object("v1", "Namespace", "", ns, g.labels("env", "team"), nil)
		}
		for _, account := range []string{"default", "robot"} {
			if g.once(2) {
				g.object("v1", "ServiceAccount", ns, account, g.labels("role"), nil)
			}
		}
		for j := range 2 + g.IntN(2) {
			g.pod(ns, i+1, j+1)
		}
		if g.features.Unaddressed && g.once(3) {
			spec := g.podSpec()
			spec["hostNetwork"] = g.once(3)
			g.object("apps/v1", "Deployment", ns, "later", nil, fields{"spec": fields{
				"selector": fields{"matchLabels": fields{"app": "web"}},
				"template": fields{"metadata": fields{"labels": g.labels("app", "tier")}, "spec": spec},
			}})
		}
		if g.once(2) {
			g.object("projectcalico.org/v3", "NetworkSet", ns, "partners", g.labels("kind", "app"), fields{"spec": fields{"nets": g.nets(0)}})
		}
	}
	for i := range g.IntN(3) {
		nets := g.nets(0)
		if i == 0 { // pods are in sets as well, and have other labels there
			nets = []string{"10.244.0.0/16", "fd00::/16"}
		}
		g.object("projectcalico.org/v3", "GlobalNetworkSet", "", fmt.Sprintf("list-%d", i), g.labels("kind", "env"), fields{"spec": fields{"nets": nets}})
	}
	for i := range g.IntN(3) {
		spec := fields{"node": "node1", "interfaceName": fmt.Sprintf("eth%d", i), "expectedIPs": []string{fmt.Sprintf("192.168.1.%d", i+1), fmt.Sprintf("fd01::%d", i+1)}}
		if !g.once(3) {
			spec["profiles"] = []string{"projectcalico-default-allow"}
		}
		if g.once(2) {
			spec["ports"] = []fields{{"name": pick(g, portNames...), "protocol": "TCP", "port": pick(g, portEdges...)}}
		}
		g.object("projectcalico.org/v3", "HostEndpoint", "", fmt.Sprintf("host-%d", i), g.labels("role", "app"), fields{"spec": spec})
	}
	for _, name := range []string{"api", "db"} {
		if g.once(2) {
			g.service(pick(g, namespaces...), name)
		}
	}
}

// labels gives some of the keys a random value.
func (g *generator) labels(keys ...string) fields {
	labels := fields{}
	for _, key := range keys {
		if !g.once(4) {
			labels[key] = pick(g, values...)
		}
	}
	return labels
}

var values = []string{"a", "b", "ab"}

// pod makes a random pod with its addresses.
func (g *generator) pod(ns string, i, j int) {
	ips := []fields{{"ip": fmt.Sprintf("10.244.%d.%d", i, j)}}
	if g.once(2) {
		ips = append(ips, fields{"ip": fmt.Sprintf("fd00::%d:%d", i, j)})
	}
	spec := g.podSpec()
	if g.once(12) {
		spec["hostNetwork"] = true
		ips = []fields{{"ip": fmt.Sprintf("192.168.1.%d", j)}, {"ip": fmt.Sprintf("fd01::%d", j)}}
	}
	g.object("v1", "Pod", ns, fmt.Sprintf("pod-%d", j), g.labels("app", "tier"), fields{
		"spec": spec, "status": fields{"phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips},
	})
}

// podSpec makes a random specification of a pod: its service account, and ports with names.
func (g *generator) podSpec() fields {
	var ports []fields
	for _, name := range portNames {
		if g.once(2) {
			ports = append(ports, fields{"name": name, "containerPort": pick(g, portEdges...), "protocol": pick(g, "TCP", "UDP", "SCTP", "TCP")})
		}
	}
	return fields{"serviceAccountName": pick(g, "default", "robot"), "containers": []fields{{"name": "c", "image": "i", "ports": ports}}}
}

// service makes a random EndpointSlice, and sometimes the Service itself without one.
func (g *generator) service(ns, name string) {
	g.services = append(g.services, ns+"/"+name)
	port := pick(g, portEdges...)
	if g.features.Unaddressed && g.once(2) {
		g.object("v1", "Service", ns, name, nil, fields{"spec": fields{
			"selector": fields{"app": pick(g, values...)},
			"ports": []fields{
				{"name": "one", "port": 81, "protocol": "TCP", "targetPort": port},
				{"name": "two", "port": 82, "protocol": "UDP", "targetPort": pick(g, portNames...)},
				{"name": "three", "port": pick(g, portEdges...), "protocol": "TCP"},
			},
		}})
		return
	}
	g.object("discovery.k8s.io/v1", "EndpointSlice", ns, name+"-1", fields{"kubernetes.io/service-name": name}, fields{
		"addressType": "IPv4",
		"endpoints": []fields{
			{"addresses": []string{fmt.Sprintf("10.244.%d.%d", 1+g.IntN(3), 1+g.IntN(3))}},
			{"addresses": []string{"203.0.113.7"}, "conditions": fields{"ready": false}},
		},
		"ports": []fields{{"port": port, "protocol": pick(g, "TCP", "UDP")}},
	})
}

// nets picks some blocks of a random world; family 0 is any.
func (g *generator) nets(family int) []string {
	from := blocks[family]
	if family == 0 {
		from = append(append([]string{}, blocks[4]...), blocks[6]...)
	}
	var nets []string
	for range 1 + g.IntN(2) {
		if n := pick(g, from...); !slices.Contains(nets, n) {
			nets = append(nets, n)
		}
	}
	return nets
}

// selector makes a random expression over the keys in Calico's grammar, spelt in the ways that
// the grammar allows.
func (g *generator) selector(depth int, keys ...string) string {
	quoted := func() string { quote := pick(g, "'", `"`); return quote + pick(g, values...) + quote }
	key := pick(g, keys...)
	if depth > 0 && g.once(3) {
		joined := g.selector(depth-1, keys...) + pick(g, " && ", " || ", "&&") + g.selector(depth-1, keys...)
		return pick(g, joined, "("+joined+")", "!("+joined+")")
	}
	switch g.IntN(12) {
	case 0, 1, 2:
		return key + pick(g, " == ", "==") + quoted()
	case 3:
		return key + " != " + quoted()
	case 4:
		return key + " in {" + quoted() + ", " + quoted() + "}"
	case 5:
		return key + pick(g, " not in {", " notin {") + quoted() + ", " + quoted() + "}"
	case 6:
		return "has(" + key + ")"
	case 7:
		return pick(g, "!has(", "! has(") + key + ")"
	case 8:
		return key + pick(g, " contains ", " starts with ", " startswith ", " ends with ") + quoted()
	case 9:
		return "!" + key + " == " + quoted()
	default:
		return "all()"
	}
}
