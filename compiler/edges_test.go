package compiler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// asked are labels that one selector speaks of, with the values that it names.
type asked map[string][]string

// edges are the values at which an answer of the policies may change: whatever they
// spell.
type edges struct {
	nets             []netip.Prefix
	ports, types     []int // the first number of each range, and the first behind it
	pods, namespaces []asked
}

// with has what some objects spell besides.
func (e edges) with(objects ...object.Object) edges {
	e.nets, e.ports, e.types = slices.Clone(e.nets), slices.Clone(e.ports), slices.Clone(e.types)
	e.pods, e.namespaces = slices.Clone(e.pods), slices.Clone(e.namespaces)
	for _, o := range objects {
		e.read(o)
	}
	return e
}

// read gathers what an object spells.
func (e *edges) read(o object.Object) {
	var v any
	if err := json.Unmarshal(o.JSON, &v); err != nil {
		panic(err) // it was decoded before
	}
	e.walk("", v)
}

func (e *edges) walk(key string, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			e.walk(key, item)
		}
		return
	case map[string]any:
		switch key {
		case "podSelector":
			e.pods = append(e.pods, askedBy(v))
			return
		case "namespaceSelector":
			e.namespaces = append(e.namespaces, askedBy(v))
			return
		}
		if first, ok := v["port"].(float64); ok {
			last, ranged := v["endPort"].(float64)
			if !ranged {
				last = first
			}
			e.ports = append(e.ports, int(first), int(last)+1)
		}
		for _, k := range diag.SortedKeys(v) {
			e.walk(k, v[k])
		}
		return
	}
	text, _ := v.(string)
	switch key {
	case "cidr", "except", "nets", "notNets":
		if p, err := netip.ParsePrefix(text); err == nil {
			e.nets = append(e.nets, p)
		}
	case "ports":
		if first, last, ok := portRange(v); ok {
			e.ports = append(e.ports, first, last+1)
		}
	case "type":
		if number, ok := v.(float64); ok {
			e.types = append(e.types, int(number), int(number)+1)
		}
	case "selector", "notSelector":
		e.pods = append(e.pods, askedIn(text, false)...)
		e.namespaces = append(e.namespaces, askedIn(text, true)...)
	case "namespaceSelector":
		e.namespaces = append(e.namespaces, askedIn(text, false)...)
	}
}

// askedBy are the labels of a selector of Kubernetes.
func askedBy(selector map[string]any) asked {
	all := asked{}
	labels, _ := selector["matchLabels"].(map[string]any)
	for key, value := range labels {
		all[key] = append(all[key], value.(string))
	}
	requirements, _ := selector["matchExpressions"].([]any)
	for _, r := range requirements {
		requirement := r.(map[string]any)
		key := requirement["key"].(string)
		values, _ := requirement["values"].([]any)
		for _, value := range values {
			all[key] = append(all[key], value.(string))
		}
		if len(values) == 0 {
			all[key] = append(all[key], astray)
		}
	}
	return all
}

var (
	alternative = regexp.MustCompile(`\(\(|\|\||\)\)`)
	labelTerm   = regexp.MustCompile(`([A-Za-z0-9_./-]+) (?:==|!=|in|not in) ('[^']*'|\{[^}]*\})|has\(([^)]*)\)`)
)

// askedIn are the labels of a selector of Calico, for each of its alternatives: the
// objects' own or, with Calico's prefix, those that they have from their namespaces.
func askedIn(text string, inherited bool) []asked {
	var found []asked
	for _, part := range alternative.Split(text, -1) {
		all := asked{}
		for _, c := range labelTerm.FindAllStringSubmatch(part, -1) {
			key, prefixed := strings.CutPrefix(c[1]+c[3], "pcns.")
			switch {
			case key == "projectcalico.org/name" && !inherited, key == "projectcalico.org/namespace" && inherited:
				key = plan.NamespaceLabel
			case strings.HasPrefix(key, "projectcalico.org/"), prefixed != inherited:
				continue
			}
			values := quoted.FindAllString(c[2], -1)
			for _, value := range values {
				all[key] = append(all[key], strings.Trim(value, "'"))
			}
			if len(values) == 0 {
				all[key] = append(all[key], astray)
			}
		}
		if len(all) > 0 {
			found = append(found, all)
		}
	}
	return found
}

// variants are labels as they are asked for, and what differs from that in one label:
// another of its values, a value of nobody's, or none.
func (a asked) variants() []map[string]string {
	base := map[string]string{}
	for key, values := range a {
		base[key] = values[0]
	}
	all := []map[string]string{base}
	for _, key := range diag.SortedKeys(a) {
		for _, value := range append(slices.Clone(a[key]), astray) {
			other := maps.Clone(base)
			other[key] = value
			all = append(all, other)
		}
		less := maps.Clone(base)
		delete(less, key)
		all = append(all, less)
	}
	return all
}

// intended gathers what the plan speaks of besides.
func (e *edges) intended(p *plan.Plan) {
	ports := func(ports []plan.Port) {
		for _, port := range ports {
			if port.IsICMP() {
				e.types = append(e.types, int(port.First), int(port.Last)+1)
			} else {
				e.ports = append(e.ports, int(port.First), int(port.Last)+1)
			}
		}
	}
	end := func(end *plan.End) {
		if end == nil {
			return
		}
		for _, b := range end.Blocks {
			e.nets = append(append(e.nets, b.CIDR), b.Except...)
		}
		if end.Pods != nil {
			e.pods = append(e.pods, askedFor(end.Pods.Selector))
			e.namespaces = append(e.namespaces, askedFor(end.Pods.Namespaces))
		}
	}
	for _, f := range p.Flows {
		end(&f.From)
		end(&f.To)
		ports(f.Ports)
	}
	for _, g := range p.Guardrails {
		end(g.From)
		end(g.To)
		ports(g.Ports)
		for _, u := range g.Unless {
			end(&u)
		}
	}
	for _, q := range p.Quarantine {
		end(&q.End)
	}
	for _, s := range p.DNSServers() {
		end(&s.End)
		ports(s.Ports)
	}
	for _, w := range p.Workloads {
		e.pods = append(e.pods, askedFor(w.Selector))
	}
	for _, n := range p.Namespaces {
		labels := asked{}
		for key, value := range n.Labels {
			labels[key] = []string{value}
		}
		e.namespaces = append(e.namespaces, labels)
	}
	e.nets = slices.Concat(e.nets, p.Cluster.NodeCIDRs, p.Cluster.ServiceCIDRs)
}

func askedFor(s object.Selector) asked {
	all := asked{}
	for _, r := range s {
		all[r.Key] = append(all[r.Key], r.Values...)
		if len(r.Values) == 0 {
			all[r.Key] = append(all[r.Key], astray)
		}
	}
	return all
}

// end is where a packet begins or ends, as the plan and the oracle know it.
type end struct {
	plan.Place
	has  [2]netip.Addr   // by family, IPv4 first
	held bool            // the plan says what may pass there
	pod  []object.Object // for the oracle; of an address none
}

func (e end) String() string {
	if e.Namespace == "" {
		return e.Address.String()
	}
	return fmt.Sprintf("%s/%v of %v", e.Namespace, e.Labels, e.NamespaceLabels)
}

// universe is everybody whose packets are asked about.
type universe struct {
	plan       *plan.Plan
	families   []int // indexes of end.has
	pods       []end
	taken      map[netip.Addr]bool // by them
	namespaces []object.Object
	edges      edges
}

// universeOf has pods in every namespace of the plan and in some of nobody's, without
// labels, with those of every workload and selector, and with such as miss one by one
// label.
func universeOf(p *plan.Plan, set, world object.Set) *universe {
	u := &universe{plan: p, taken: map[netip.Addr]bool{}}
	u.edges = u.edges.with(set.All()...)
	u.edges.intended(p)
	for _, e := range meaning.Endpoints(world) {
		labels := asked{}
		for key, value := range e.Labels {
			labels[key] = []string{value}
		}
		u.edges.pods = append(u.edges.pods, labels)
	}
	wanted := newLabelSets(map[string]string{})
	for _, a := range u.edges.pods {
		wanted.add(a.variants()...)
	}
	next := u.pools()
	namespaces := u.named(meaning.Namespaces(world))
	for _, name := range diag.SortedKeys(namespaces) {
		labels := wanted.all
		if slices.Contains(p.Cluster.System, name) && name != p.Cluster.DNS.Namespace {
			labels = labels[:1] // no line speaks of its pods
		}
		u.namespaces = append(u.namespaces, object.Object{
			ID:    object.ID{Kind: "Namespace", Name: name},
			Typed: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: namespaces[name]}},
		})
		for i, l := range labels {
			e := end{Place: plan.Place{Namespace: name, NamespaceLabels: namespaces[name], Labels: l}}
			e.held = p.Holds(e.Place)
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: l}}
			for _, f := range u.families {
				e.has[f] = next[f]
				pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: next[f].String()})
				u.taken[next[f]] = true
				next[f] = next[f].Next()
			}
			e.pod = []object.Object{{ID: object.ID{Kind: "Pod", Namespace: name, Name: fmt.Sprintf("p%d", i)}, Typed: pod}}
			u.pods = append(u.pods, e)
		}
	}
	return u
}

// labelSets are distinct sets of labels, in the order in which they came.
type labelSets struct {
	all  []map[string]string
	seen map[string]bool
}

func newLabelSets(first ...map[string]string) *labelSets {
	s := &labelSets{seen: map[string]bool{}}
	s.add(first...)
	return s
}

func (s *labelSets) add(sets ...map[string]string) {
	for _, labels := range sets {
		if key := fmt.Sprint(labels); !s.seen[key] { // fmt sorts keys
			s.seen[key] = true
			s.all = append(s.all, labels)
		}
	}
}

// named are the labels, by name, of the namespaces that the plan or a manifest knows, of
// the system's, and of some that nobody listed: without labels, and with those that
// somebody asks for.
func (u *universe) named(manifests map[string]map[string]string) map[string]map[string]string {
	all := map[string]map[string]string{}
	add := func(name string, labels map[string]string) {
		with := maps.Clone(manifests[name])
		if with == nil {
			with = map[string]string{}
		}
		maps.Copy(with, labels)
		with[plan.NamespaceLabel] = name
		all[name] = with
	}
	for _, name := range slices.Concat(diag.SortedKeys(manifests), u.plan.Cluster.System, []string{u.plan.Cluster.DNS.Namespace}) {
		add(name, nil)
	}
	for _, a := range u.edges.namespaces {
		for _, name := range a[plan.NamespaceLabel] {
			add(name, nil)
		}
	}
	for _, n := range u.plan.Namespaces {
		if !n.Pattern {
			add(n.Name, n.Labels)
		}
	}
	strangers := newLabelSets(map[string]string{})
	for _, a := range u.edges.namespaces {
		a = maps.Clone(a)
		delete(a, plan.NamespaceLabel)
		strangers.add(a.variants()...)
	}
	for i, labels := range strangers.all {
		name := astray // which a changed name asks for
		if i > 0 {
			name = fmt.Sprintf("%s-%d", astray, i)
		}
		add(name, labels)
	}
	return all
}

// pools are the first addresses for pods, of each family that the cluster has: of its
// pod network, or of a network that nobody mentions.
func (u *universe) pools() [2]netip.Addr {
	var first [2]netip.Addr
	for f, candidates := range [2]string{"10.0.0.0/8 172.16.0.0/12 100.64.0.0/10 198.18.0.0/15", "fd00:aaaa::/32 fd00:bbbb::/32"} {
		pods := slices.Clone(u.plan.Cluster.PodCIDRs)
		if len(pods) == 0 {
			for text := range strings.FieldsSeq(candidates) {
				free := netip.MustParsePrefix(text)
				if !slices.ContainsFunc(u.edges.nets, func(n netip.Prefix) bool { return n.Bits() > 0 && n.Overlaps(free) }) {
					pods = append(pods, free)
				}
			}
		}
		for _, n := range pods {
			if n.Addr().Is4() == (f == 0) && !first[f].IsValid() {
				first[f] = n.Addr().Next()
				u.families = append(u.families, f)
			}
		}
	}
	return first
}

// outside are the addresses at the edges of every block: the first, the last, and those
// beside them; pods have none of them.
func (u *universe) outside(e edges) []end {
	addresses := []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860::8")}
	for _, n := range e.nets {
		last := lastOf(n)
		addresses = append(addresses, n.Masked().Addr(), n.Masked().Addr().Prev(), last, last.Next())
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	var all []end
	for _, a := range slices.Compact(addresses) {
		e := end{Place: plan.Place{Address: a}}
		if !a.IsValid() || u.taken[a] || slices.ContainsFunc(u.plan.Cluster.PodCIDRs, func(n netip.Prefix) bool { return n.Contains(a) }) {
			continue
		}
		e.has[familyOf(a)] = a
		all = append(all, e)
	}
	return all
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

func lastOf(n netip.Prefix) netip.Addr {
	bytes := n.Masked().Addr().AsSlice()
	for bit := n.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// cell is a protocol with a range of ports, or of messages, that no policy tells apart;
// the number is its first.
type cell struct{ protocol, number int }

var (
	portProtocols = []int{oracle.TCP, oracle.UDP, oracle.SCTP}
	planned       = map[int]plan.Protocol{oracle.TCP: plan.TCP, oracle.UDP: plan.UDP, oracle.SCTP: plan.SCTP, oracle.ICMP: plan.ICMP, oracle.ICMPv6: plan.ICMPv6}
)

const otherProtocol = 47

// cells are those of packets of a family, sorted.
func (e edges) cells(family int) []cell {
	icmp := []int{oracle.ICMP, oracle.ICMPv6}[family]
	all := append(starts(icmp, e.types, 0, 255), cell{otherProtocol, 0})
	for _, protocol := range portProtocols {
		all = append(all, starts(protocol, e.ports, 1, 65535)...)
	}
	slices.SortFunc(all, compareCells)
	return all
}

func starts(protocol int, numbers []int, lowest, highest int) []cell {
	var all []cell
	for _, n := range append(slices.Clone(numbers), lowest) {
		if lowest <= n && n <= highest {
			all = append(all, cell{protocol, n})
		}
	}
	slices.SortFunc(all, compareCells)
	return slices.Compact(all)
}

// compareCells puts the cells of one protocol together.
func compareCells(a, b cell) int {
	return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.number, b.number))
}
