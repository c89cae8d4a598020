package lower

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// inhabitants are pods and addresses around what was rendered.
type inhabitants struct {
	*rand.Rand
	plan       *plan.Plan
	rendered   object.Set
	component  *adding
	namespaces map[string]map[string]string // labels, by name; NamespaceLabel is among them
	accounts   map[string]map[string]string // labels, by namespace/name
	groups     [][]*inhabitant              // of each selector that the component names
	anybody    []*inhabitant                // of the plan's places
	world      *oracle.World

	packets, allowed, decided, shown int
}

// inhabitant is an end of packets: a pod in two families, or an address.
type inhabitant struct {
	place      plan.Place
	listed     plan.Place // as the Platform knows it: see [inhabitants.listed]
	account    string
	ports      []meaning.NamedPort
	v4, v6     netip.Addr
	set        object.Set // the pod
	namespaced string     // its name in the world
}

// most is how many combinations of one selector are tried, drawn from all where there are more.
const most = 48

func inhabited(p *plan.Plan, rendered object.Set, c *adding, random *rand.Rand) *inhabitants {
	w := &inhabitants{Rand: random, plan: p, rendered: rendered, component: c, namespaces: map[string]map[string]string{}, accounts: map[string]map[string]string{}}
	for _, n := range p.Namespaces {
		if !n.Pattern {
			w.namespaces[n.Name] = w.withFree(n.Labels)
		}
	}
	for _, place := range places(p) {
		if place.Namespace == "" {
			w.anybody = append(w.anybody, w.outside(place.Address))
			continue
		}
		if w.namespaces[place.Namespace] == nil {
			w.namespaces[place.Namespace] = place.NamespaceLabels
		}
		w.anybody = append(w.anybody, w.pod(place.Namespace, one(random, "default", "robot", "rob"), place.Labels))
	}
	for _, text := range c.nets {
		net := netip.MustParsePrefix(text)
		for _, a := range []netip.Addr{net.Addr(), net.Addr().Prev(), netip.MustParseAddr("203.0.113.80"), netip.MustParseAddr("9.9.9.9")} {
			if a.IsValid() && !slices.ContainsFunc(p.Cluster.PodCIDRs, func(pods netip.Prefix) bool { return pods.Contains(a) }) {
				w.anybody = append(w.anybody, w.outside(a))
			}
		}
	}
	for _, of := range c.asked {
		combinations := []map[string]string{{}}
		for _, key := range diag.SortedKeys(of) {
			var longer []map[string]string
			for _, c := range combinations {
				for _, value := range variants(of[key]) {
					with := map[string]string{key: value}
					for k, v := range c {
						with[k] = v
					}
					longer = append(longer, with)
				}
			}
			random.Shuffle(len(longer), func(i, j int) { longer[i], longer[j] = longer[j], longer[i] })
			combinations = longer[:min(len(longer), 4*most)]
		}
		var group []*inhabitant
		for _, combination := range combinations[:min(len(combinations), most)] {
			if pod := w.wearing(combination); pod != nil {
				group = append(group, pod)
			}
		}
		if len(group) > 0 {
			w.groups = append(w.groups, group)
		}
	}
	w.build()
	return w
}

// withFree are labels of a listed namespace, and some that the Platform names nowhere.
func (w *inhabitants) withFree(labels map[string]string) map[string]string {
	all := map[string]string{}
	for _, key := range []string{"zone", "tenant", "preview"} {
		if !w.named(key) && w.IntN(2) == 0 {
			all[key] = one(w.Rand, "x", "xy", "1", "true")
		}
	}
	for key, value := range labels {
		all[key] = value
	}
	return all
}

// named reports whether the Platform names a label of any namespace or pattern.
func (w *inhabitants) named(key string) bool {
	return slices.ContainsFunc(w.plan.Namespaces, func(n plan.Namespace) bool { _, ok := n.Labels[key]; return ok })
}

func (w *inhabitants) outside(a netip.Addr) *inhabitant {
	i := &inhabitant{place: plan.Place{Address: a}, listed: plan.Place{Address: a}}
	if a.Is4() {
		i.v4 = a
	} else {
		i.v6 = a
	}
	return i
}

// namespaceName is what the API server takes for one (RFC 1123).
var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// wearing is a pod with a combination of labels, its namespace's and its account's among
// them; nil where there can be none.
func (w *inhabitants) wearing(combination map[string]string) *inhabitant {
	labels, ofNamespace, ofAccount := map[string]string{}, map[string]string{}, map[string]string{}
	namespace, account := "", ""
	asksNamespace := false
	for key, value := range combination {
		inherited, fromNamespace := strings.CutPrefix(key, "pcns.")
		inherited, fromAccount := strings.CutPrefix(inherited, "pcsa.")
		switch {
		case key == namespaceKey && value != absent:
			namespace = value
		case key == accountKey && value != absent:
			account = value
		case key == namespaceKey, key == accountKey:
		case fromNamespace:
			asksNamespace = true
			if value != absent {
				ofNamespace[inherited] = value
			}
		case value == absent:
		case fromAccount:
			ofAccount[inherited] = value
		default:
			labels[key] = value
		}
	}
	if namespace == "" && (!asksNamespace || w.IntN(3) == 0) {
		namespace = one(w.Rand, "a", "b", "c", "a", "b", "c", "pr-1", "stranger", "kube-system")
	}
	if namespace == "" { // one of its own, that nobody listed
		namespace = fmt.Sprint(one(w.Rand, "pr-s", "s", "t"), len(w.namespaces))
	}
	if !namespaceName.MatchString(namespace) || account != "" && !namespaceName.MatchString(account) {
		return nil
	}
	if w.namespaces[namespace] == nil {
		made := map[string]string{plan.NamespaceLabel: namespace}
		for key, value := range ofNamespace {
			made[key] = value
		}
		w.namespaces[namespace] = made
	}
	if account == "" {
		account = one(w.Rand, "default", "robot", fmt.Sprint("r", w.IntN(8)))
	}
	if ref := namespace + "/" + account; w.accounts[ref] == nil {
		w.accounts[ref] = ofAccount
	}
	for _, key := range []string{"app", "role"} {
		if _, asked := combination[key]; !asked && w.IntN(2) == 0 {
			labels[key] = one(w.Rand, values[key]...)
		}
	}
	if w.IntN(12) == 0 {
		labels["k8s-app"] = "kube-dns"
	}
	return w.pod(namespace, account, labels)
}

// pod makes a pod. It is at another address than all others.
func (w *inhabitants) pod(namespace, account string, labels map[string]string) *inhabitant {
	number := len(w.anybody) + 1
	for _, g := range w.groups {
		number += len(g)
	}
	number += w.IntN(1 << 14) // twice the same only by chance: then they do not meet
	i := &inhabitant{
		place: plan.Place{Namespace: namespace, NamespaceLabels: w.namespaces[namespace], Labels: labels}, account: account,
		v4: netip.AddrFrom4([4]byte{10, 244, byte(number % 3), byte(number / 3)}), v6: netip.MustParseAddr(fmt.Sprintf("fd00:10::%x", number+1)),
		namespaced: fmt.Sprintf("%s/pod-%d", namespace, number),
	}
	i.listed = i.place
	if n, ok := w.plan.Namespace(namespace); ok {
		i.listed.NamespaceLabels = n.Labels
	}
	for _, name := range []string{"http", "dns"} {
		if w.IntN(2) == 0 {
			i.ports = append(i.ports, meaning.NamedPort{Name: name, Protocol: one(w.Rand, meaning.TCP, meaning.UDP), Number: one(w.Rand, edges[3:]...)})
		}
	}
	i.described(i.v4, i.v6)
	return i
}

// described writes the pod down, with its addresses.
func (i *inhabitant) described(addresses ...netip.Addr) {
	var ports, ips []fields
	for _, port := range i.ports {
		ports = append(ports, fields{"name": port.Name, "containerPort": port.Number, "protocol": port.Protocol.String()})
	}
	for _, a := range addresses {
		ips = append(ips, fields{"ip": a.String()})
	}
	namespace, name, _ := strings.Cut(i.namespaced, "/")
	i.set = manifests(fields{
		"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": name, "namespace": namespace, "labels": i.place.Labels},
		"spec":   fields{"serviceAccountName": i.account, "containers": []fields{{"name": "c", "image": "i", "ports": ports}}},
		"status": fields{"phase": "Running", "podIP": addresses[0].String(), "podIPs": ips},
	})
}

func manifests(all ...fields) object.Set {
	var objects []object.Object
	for _, manifest := range all {
		raw, err := json.Marshal(manifest)
		if err != nil {
			panic(err)
		}
		decoded, found := object.DecodeJSON(raw)
		if found.Failed() {
			panic(found.Err())
		}
		objects = append(objects, decoded...)
	}
	set, _ := object.NewSet(objects)
	return set
}

// build makes the oracle's world of all namespaces and accounts, without pods.
func (w *inhabitants) build() {
	var all []fields
	for _, name := range diag.SortedKeys(w.namespaces) {
		all = append(all, fields{"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": name, "labels": w.namespaces[name]}})
	}
	for _, ref := range diag.SortedKeys(w.accounts) {
		namespace, name, _ := strings.Cut(ref, "/")
		all = append(all, fields{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": fields{"name": name, "namespace": namespace, "labels": w.accounts[ref]}})
	}
	set, found := object.NewSet(slices.Concat(w.rendered.All(), manifests(all...).All()))
	if found.Failed() {
		panic(found.Err())
	}
	w.world = oracle.Of(set, w.plan.Cluster)
}
