package halfopen_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/compiler/halfopen"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// Over random policies, the one-packet oracle, asked about every pair of pods and every
// header at an edge, finds the same rules without their other half.
func TestHalfOpenIsTheOracle(t *testing.T) {
	t.Parallel()
	const worlds = 80
	reported := 0
	for seed := range uint64(worlds) {
		set := setOf(t, town(rand.New(rand.NewPCG(seed, 11))))
		cluster := object.DefaultCluster()
		cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		cluster.DNS = object.DNS{Namespace: "ops", Labels: map[string]string{"app": "a"}, Port: 53}
		m, refused := meaning.Of(set, cluster)
		if refused.Failed() {
			t.Fatalf("%v\n%s", refused.Err(), written(set))
		}
		var got []string
		for _, d := range halfopen.Find(m, m.Endpoints) {
			got = append(got, place(d.Subject))
			for _, r := range d.Related {
				if strings.HasPrefix(r.Message, "the other half is open") {
					got = append(got, place(r.Subject))
				}
			}
		}
		slices.Sort(got)
		j := newJudge(t, m, set, cluster)
		want := j.reported()
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Fatalf("seed %d (-oracle +HalfOpen):\n%s\n%s", seed, diff, written(set))
		}
		reported += len(want)
	}
	t.Logf("%d rules in %d worlds", reported, worlds)
	if reported < worlds/2 {
		t.Errorf("%d rules lack their other half in %d worlds, expected more to try it on", reported, worlds)
	}
}

func place(s diag.Subject) string { return s.Object.String() + " " + s.Pointer }

func written(set object.Set) string {
	var b strings.Builder
	for _, o := range set.All() {
		fmt.Fprintf(&b, "%s\n", o.JSON)
	}
	return b.String()
}

func setOf(t *testing.T, texts ...string) object.Set {
	t.Helper()
	objects, found := object.Decode("town.yaml", []byte(strings.Join(texts, "\n---\n")))
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	set, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	return set
}

// town draws pods of two namespaces and policies of every kind, from so few words that
// halves of flows meet, and often miss each other.
func town(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, "---\n"+format+"\n", args...) }
	for i, ns := range []string{"dev", "ops"} {
		add("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {env: %s}}", ns, pick("e", "f"))
		for j := range 3 {
			add("apiVersion: v1\nkind: Pod\nmetadata: {name: pod-%d, namespace: %s, labels: {app: %s%s}}\nspec: {hostNetwork: %v, containers: [{name: c, image: i, ports: [{name: http, containerPort: %s}]}]}\nstatus: {podIP: 10.244.%d.%d}",
				j, ns, pick("a", "b", "c"), pick("", ", tier: t"), r.IntN(12) == 0, pick("80", "443"), i, j+1)
		}
		if r.IntN(3) > 0 {
			add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: %s}\nspec: {podSelector: %s, policyTypes: [Ingress, Egress]}", ns, pick("{}", "{}", "{matchLabels: {app: a}}"))
		}
	}
	add("apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: t}\nspec: {order: 10, defaultAction: %s}", pick("Pass", "Pass", "Deny"))
	ports := func() string {
		return pick("", "", ", ports: [{port: 80}]", ", ports: [{port: 80}, {port: 443}]", ", ports: [{port: 80, endPort: 90}]", ", ports: [{port: 53, protocol: UDP}, {port: 53}, {port: 80}]", ", ports: [{port: http}, {port: 443}]", ", ports: [{protocol: SCTP}]")
	}
	peer := func() string {
		return pick("{podSelector: {matchLabels: {app: a}}}", "{podSelector: {matchLabels: {app: b}}}", "{podSelector: {}}", "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}, podSelector: {matchLabels: {app: c}}}", "{namespaceSelector: {matchLabels: {env: e}}}", "{namespaceSelector: {}, podSelector: {matchLabels: {tier: t}}}", "{namespaceSelector: {}}", "{ipBlock: {cidr: 10.244.0.0/16}}")
	}
	selector := func() string {
		return pick(`app == 'a'`, `app == 'b'`, `app in {'a', 'c'}`, `app != 'b'`, `has(tier)`, `all()`)
	}
	for i := range 2 + r.IntN(4) {
		d, side := "ingress", "from"
		if r.IntN(2) == 0 {
			d, side = "egress", "to"
		}
		types := strings.ToUpper(d[:1]) + d[1:]
		if r.IntN(5) < 3 {
			add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: k%d, namespace: %s}\nspec: {podSelector: %s, policyTypes: [%s], %s: [{%s: [%s, %s]%s}, {%s: [%s]%s}]}",
				i, pick("dev", "ops"), pick("{}", "{matchLabels: {app: a}}", "{matchLabels: {app: b}}", "{matchLabels: {app: c}}"), types, d, side, peer(), peer(), ports(), side, peer(), ports())
			continue
		}
		name, tier := fmt.Sprintf("c%d", i), "default"
		if r.IntN(3) == 0 {
			name, tier = "t."+name, "t"
		}
		kind, place := "GlobalNetworkPolicy", ""
		if r.IntN(2) == 0 {
			kind, place = "NetworkPolicy", ", namespace: "+pick("dev", "ops")
		}
		rule := func() string {
			far := map[string]string{"ingress": "source", "egress": "destination"}[d]
			what := pick(selector()+`"`, selector()+`", namespaceSelector: "projectcalico.org/name == 'ops'"`, selector()+`", notSelector: "has(tier)"`)
			protocol, near := pick("TCP", "UDP"), ""
			ports := pick("", "ports: [80]", "ports: [80, 443]", "ports: ['80:90', 53]", "notPorts: [443]", "ports: [http]")
			if d == "ingress" && ports != "" {
				near = ", destination: {" + ports + "}"
			} else if ports != "" {
				what += ", " + ports
			}
			return fmt.Sprintf(`{action: %s, protocol: %s, %s: {selector: "%s}%s}`, pick("Allow", "Allow", "Allow", "Deny", "Pass", "Log"), protocol, far, what, near)
		}
		add("apiVersion: projectcalico.org/v3\nkind: %s\nmetadata: {name: %s%s}\nspec: {tier: %s, order: %d, selector: \"%s\", types: [%s], %s: [%s, %s]}", kind, name, place, tier, 990+7*i, selector(), types, d, rule(), rule())
	}
	return b.String()
}

// judge asks the oracle. It knows policies by their text alone.
type judge struct {
	m        *meaning.Meaning
	oracle   *oracle.World
	pods     []string // by namespace/name
	strange  []string // pods without labels, the last in a namespace that nobody names
	policies map[string]object.Object
	last     map[string][2]string // of each pod and direction, the last tier with a policy for it
}

func newJudge(t *testing.T, m *meaning.Meaning, set object.Set, cluster object.Cluster) *judge {
	t.Helper()
	j := &judge{m: m, policies: map[string]object.Object{}, last: map[string][2]string{}}
	objects := slices.Clone(set.All())
	objects = append(objects, setOf(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: nobody}").All()...)
	for i, ns := range []string{"dev", "ops", "nobody"} {
		objects = append(objects, setOf(t, fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: stranger, namespace: %s}\nspec: {containers: [{name: c, image: i}]}\nstatus: {podIP: 10.244.%d.99}", ns, i)).All()...)
		j.strange = append(j.strange, ns+"/stranger")
	}
	all, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	j.oracle = oracle.Of(all, cluster)
	for _, e := range m.Endpoints {
		if e.HostNetwork {
			continue
		}
		j.pods = append(j.pods, e.Ref())
		var last [2]string
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			for _, p := range m.Governing(e, d).Policies {
				last[d] = p.Tier
			}
		}
		j.last[e.Ref()] = last
	}
	for _, o := range set.All() {
		if o.Role == object.Policy {
			j.policies[o.ID.String()] = o
		}
	}
	return j
}

// rule is one that the oracle evaluates: a rule of the manifest, for one of its peers
// and protocols.
type rule struct {
	policy    string
	direction meaning.Direction
	pointer   string
	share     string // of the manifest's rule
	named     bool   // it asks who the peer is
	ports     [][2]int
}

// seen is what the oracle says of one rule.
type seen struct {
	nobodys, allOwn bool                       // about all pods of a namespace, for all of one
	opened, works   map[int]map[[2]string]bool // by port entry
}

var byRule = regexp.MustCompile(`^tier \S+, (.+), rule (\d+)$`)

// rule reads what decides a half.
func (j *judge) rule(by string, d meaning.Direction) (rule, bool) {
	parts := byRule.FindStringSubmatch(by)
	if parts == nil {
		return rule{}, false
	}
	n, _ := strconv.Atoi(parts[2])
	r := rule{policy: parts[1], direction: d}
	switch typed := j.policies[parts[1]].Typed.(type) {
	case *networkingv1.NetworkPolicy:
		return ofKubernetes(r, typed.Spec, n), true
	case *calico.NetworkPolicy:
		return ofCalico(r, [2][]calico.Rule{typed.Spec.Ingress, typed.Spec.Egress}[d][n], n, true), true
	case *calico.GlobalNetworkPolicy:
		return ofCalico(r, [2][]calico.Rule{typed.Spec.Ingress, typed.Spec.Egress}[d][n], n, false), true
	}
	return rule{}, false
}

// ofKubernetes finds the nth of the rules that a policy is evaluated as: peers times
// ports.
func ofKubernetes(r rule, s networkingv1.NetworkPolicySpec, n int) rule {
	type written struct {
		peers []networkingv1.NetworkPolicyPeer
		ports []networkingv1.NetworkPolicyPort
	}
	var all []written
	for _, i := range s.Ingress {
		if r.direction == meaning.Ingress {
			all = append(all, written{i.From, i.Ports})
		}
	}
	for _, e := range s.Egress {
		if r.direction == meaning.Egress {
			all = append(all, written{e.To, e.Ports})
		}
	}
	for i, w := range all {
		ports := max(1, len(w.ports))
		if size := max(1, len(w.peers)) * ports; n >= size {
			n -= size
			continue
		}
		peer := n / ports
		r.pointer = fmt.Sprintf("/spec/%s/%d", r.direction, i)
		r.named = len(w.peers) > 0 && w.peers[peer].IPBlock == nil
		if len(w.ports) == 0 {
			r.share = fmt.Sprint(peer)
			return r
		}
		protocol := protocolOf(w.ports[n%ports])
		r.share = fmt.Sprint(peer, protocol)
		for _, p := range w.ports {
			switch {
			case protocolOf(p) != protocol:
			case p.Port == nil || p.Port.StrVal != "":
				r.ports = nil
				return r
			case p.EndPort != nil:
				r.ports = append(r.ports, [2]int{p.Port.IntValue(), int(*p.EndPort)})
			default:
				r.ports = append(r.ports, [2]int{p.Port.IntValue(), p.Port.IntValue()})
			}
		}
		return r
	}
	return r
}

func protocolOf(p networkingv1.NetworkPolicyPort) string {
	if p.Protocol == nil {
		return "TCP"
	}
	return string(*p.Protocol)
}

func ofCalico(r rule, w calico.Rule, n int, namespaced bool) rule {
	r.pointer = fmt.Sprintf("/spec/%s/%d", r.direction, n)
	peer := w.Source
	if r.direction == meaning.Egress {
		peer = w.Destination
	}
	accounts := peer.ServiceAccounts != nil && (peer.ServiceAccounts.Selector != "" || len(peer.ServiceAccounts.Names) > 0)
	r.named = peer.Selector != "" || peer.NamespaceSelector != "" || accounts || peer.Services != nil || namespaced && peer.NotSelector != ""
	if w.Protocol == nil {
		return r
	}
	for _, p := range w.Destination.Ports {
		if p.PortName != "" {
			r.ports = nil
			return r
		}
		r.ports = append(r.ports, [2]int{int(p.MinPort), int(p.MaxPort)})
	}
	return r
}

// entries are the numbers of the rule's ports that a packet is of.
func (r rule) entries(p oracle.Packet) []int {
	if len(r.ports) == 0 {
		return []int{0}
	}
	var all []int
	for i, ports := range r.ports {
		if ports[0] <= p.Port && p.Port <= ports[1] {
			all = append(all, i)
		}
	}
	return all
}

// reported are the rules without their other half.
func (j *judge) reported() []string {
	found := map[string]*seen{}
	rules := map[string]rule{}
	asked := headers()
	for _, from := range slices.Concat(j.pods, j.strange) {
		for _, to := range slices.Concat(j.pods, j.strange) {
			if slices.Contains(j.strange, from) && slices.Contains(j.strange, to) {
				continue
			}
			for _, p := range asked {
				p.From, p.To = oracle.End{Name: from}, oracle.End{Name: to}
				v := j.oracle.Judge(p)
				for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
					half, other, own, peer := v.Egress, v.Ingress, from, to
					if d == meaning.Ingress {
						half, other, own, peer = v.Ingress, v.Egress, to, from
					}
					r, ok := j.rule(half.By, d)
					if half.Outcome != oracle.Allow || !ok || !r.named {
						continue
					}
					key := fmt.Sprint(r.policy, d, r.pointer, r.share)
					s := found[key]
					if s == nil {
						s = &seen{opened: map[int]map[[2]string]bool{}, works: map[int]map[[2]string]bool{}}
						found[key], rules[key] = s, r
					}
					j.note(s, r, p, own, peer, other)
				}
			}
		}
	}
	var all []string
	for key, s := range found {
		if !s.nobodys && s.missing() {
			all = append(all, rules[key].policy+" "+rules[key].pointer)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (j *judge) note(s *seen, r rule, p oracle.Packet, own, peer string, other oracle.Half) {
	s.allOwn = s.allOwn || slices.Contains(j.strange, own)
	s.nobodys = s.nobodys || slices.Contains(j.strange, peer)
	name := p.Port == 53 && (p.Protocol == oracle.TCP || p.Protocol == oracle.UDP)
	if slices.Contains(j.strange, own) || slices.Contains(j.strange, peer) || name && (j.resolves(own) || j.resolves(peer)) {
		return
	}
	forgotten := other.Outcome == oracle.Deny && other.By == "the end of tier "+j.last[peer][1-r.direction]
	for _, i := range r.entries(p) {
		if s.opened[i] == nil {
			s.opened[i], s.works[i] = map[[2]string]bool{}, map[[2]string]bool{}
		}
		s.opened[i][[2]string{own, peer}] = true
		if !forgotten {
			s.works[i][[2]string{own, peer}] = true
		}
	}
}

// resolves reports whether the pod is one of the DNS pods.
func (j *judge) resolves(pod string) bool {
	i := slices.IndexFunc(j.m.Endpoints, func(e *meaning.Endpoint) bool { return e.Ref() == pod })
	return j.m.Endpoints[i].Namespace == "ops" && j.m.Endpoints[i].Labels["app"] == "a"
}

func (s *seen) missing() bool {
	for i, opened := range s.opened {
		for pair := range opened {
			works := s.works[i][pair] || pair[0] == pair[1]
			for other := range s.works[i] {
				works = works || s.allOwn && other[1] == pair[1]
			}
			if !works {
				return true
			}
		}
	}
	return false
}

// headers are those at the edges of what a town's policies ask.
func headers() []oracle.Packet {
	all := []oracle.Packet{{Protocol: oracle.ICMP, Type: 8}, {Protocol: 47}}
	for _, protocol := range []int{oracle.TCP, oracle.UDP, oracle.SCTP} {
		for _, port := range []int{7, 53, 80, 85, 443} {
			all = append(all, oracle.Packet{Protocol: protocol, Port: port, SourcePort: 40000})
		}
	}
	return all
}
