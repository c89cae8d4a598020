package relation_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

var (
	worlds = flag.Int("worlds", 40, "how many random worlds for each set of features")
	first  = flag.Uint64("seed", 1, "the first of the random worlds")
)

// world is two sets of policies over the same network sets and host endpoints, what is known
// of their namespaces, and some pods, drawn without a look at what the policies ask.
type world struct {
	*rand.Rand
	old, new *meaning.Meaning
	cluster
	universe *relation.Universe
	pods     []*meaning.Endpoint
}

var features = []struct {
	minor int
	of    oracle.Features
}{
	{31, oracle.Features{}}, {32, oracle.Features{Tiers: true}}, {31, oracle.Features{Tiers: true, Ties: true, ClusterPolicies: true}},
	{33, oracle.Features{Tiers: true, Ties: true, ClusterPolicies: true}},
}

func randomWorld(t *testing.T, seed uint64, minor int, f oracle.Features) *world {
	t.Helper()
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7))}
	one, err := oracle.Random(w.Rand, minor, f)
	if err != nil {
		t.Fatal(err)
	}
	two, err := oracle.Random(w.Rand, minor, f)
	if err != nil {
		t.Fatal(err)
	}
	isPolicy := func(o object.Object) bool { return strings.HasSuffix(o.ID.Kind, "Policy") || o.ID.Kind == "Tier" }
	var world, changed []object.Object
	for _, o := range one.Set.All() {
		switch o.ID.Kind {
		case "Pod", "Deployment", "Service", "EndpointSlice": // what is asked is asked of all pods
			continue
		}
		world = append(world, o)
	}
	smaller := w.IntN(2) == 0
	for _, o := range world {
		if !isPolicy(o) || smaller && w.IntN(4) > 0 {
			changed = append(changed, o)
		}
	}
	if !smaller {
		changed = append(changed, slices.DeleteFunc(slices.Clone(two.Set.All()), func(o object.Object) bool { return !isPolicy(o) })...)
	}
	cluster := one.Cluster
	cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00::/16")}
	if w.IntN(4) == 0 {
		cluster.PodCIDRs = nil
	}
	of := func(objects []object.Object) *meaning.Meaning {
		set, found := object.NewSet(objects)
		if found.Failed() {
			t.Fatalf("seed %d: %v", seed, found.Err())
		}
		m, _ := meaning.Of(set, cluster)
		return m
	}
	w.old, w.new = of(changed), of(world)
	set, _ := object.NewSet(world)
	w.inhabit(meaning.Namespaces(set), cluster.PodCIDRs)
	return w
}

// inhabit lists some namespaces, with all labels whose keys any of them names, makes
// patterns, and draws pods.
func (w *world) inhabit(actual map[string]map[string]string, pods []netip.Prefix) {
	named := map[string]bool{}
	for _, key := range []string{"team", "env"} {
		named[key] = w.IntN(2) == 0
	}
	var known []relation.Namespace
	for _, name := range []string{"prod", "dev", "ops"} {
		labels := map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(actual[name])) {
			if named[key] {
				labels[key] = actual[name][key]
			}
		}
		if actual[name] != nil && w.IntN(4) > 0 {
			known = append(known, relation.Namespace{Name: name, Labels: labels})
		}
	}
	for range w.IntN(3) {
		pattern := w.pick("a*", "oth*", "o*r", "*b", "a*b", "*s", "x*")
		if !slices.ContainsFunc(known, func(n relation.Namespace) bool { return n.Name == pattern }) {
			known = append(known, relation.Namespace{Name: pattern})
		}
	}
	w.cluster = cluster{known, pods}
	w.universe = w.cluster.universe()
	for i := range 14 {
		e := &meaning.Endpoint{
			Namespace: w.pick("prod", "dev", "ops", "prod", "other", "ab"), Name: fmt.Sprint("pod", i), Labels: map[string]string{},
			ServiceAccount: w.pick("default", "robot", "zz"), ServiceAccountLabels: map[string]string{}, PortsKnown: true,
		}
		for _, key := range []string{"app", "tier", "kind", "env", "role"} {
			if w.IntN(3) > 0 {
				e.Labels[key] = w.pick("a", "b", "ab", "zz", "", "ba")
			}
		}
		if e.NamespaceLabels = actual[e.Namespace]; e.NamespaceLabels == nil {
			e.NamespaceLabels = map[string]string{meaning.NameLabel: e.Namespace}
		}
		if w.IntN(2) == 0 {
			e.ServiceAccountLabels["role"] = w.pick("a", "b", "ab", "zz")
		}
		if w.IntN(2) == 0 {
			e.Ports = []meaning.NamedPort{{Name: "http", Protocol: packet.TCP, Number: 8080}, {Name: "dns", Protocol: packet.UDP, Number: 53}}
		}
		e.Addresses = []netip.Addr{
			netip.MustParseAddr(fmt.Sprintf("10.244.%d.%d", 1+w.IntN(3), i+1)), netip.MustParseAddr(fmt.Sprintf("fd00::%d:%x", 1+w.IntN(2), i+1)),
		}
		w.pods = append(w.pods, e)
	}
}

func (w *world) pick(from ...string) string { return from[w.IntN(len(from))] }

// packet is a packet between a pod and another, or an address; not ok says that there is none.
func (w *world) packet(d meaning.Direction) (p meaning.Packet, ok bool) {
	p = meaning.Packet{
		Protocol: packet.TCP, Port: []uint16{1, 53, 80, 1023, 1024, 5000, 5010, 8080, 65535, 443}[w.IntN(10)],
		SourcePort: []uint16{1, 80, 1024, 40000}[w.IntN(4)], Family: []int{4, 4, 6}[w.IntN(3)],
	}
	switch w.IntN(8) {
	case 0, 1:
		p.Protocol = packet.UDP
	case 2:
		p.Protocol = packet.SCTP
	case 3:
		p.Protocol, p.Port, p.Type, p.Code = packet.ICMP, 0, []uint8{0, 3, 8}[w.IntN(3)], uint8(w.IntN(2))
		if p.Family == 6 {
			p.Protocol, p.Type = packet.ICMPv6, []uint8{128, 129, 8}[w.IntN(3)]
		}
	case 4:
		p.Protocol, p.Port = 47, 0
	}
	own, peer := w.pods[w.IntN(len(w.pods))], meaning.Pod(w.pods[w.IntN(len(w.pods))])
	if w.IntN(3) == 0 {
		peer = meaning.Address(netip.MustParseAddr(w.pick("8.8.8.8", "203.0.113.7", "203.0.113.200", "198.51.100.1", "192.168.1.1", "192.168.1.2", "10.1.1.1",
			"2001:db8::1", "2001:db8:8000::5", "fd01::1", "fd01::2")))
	}
	p.From, p.To = peer, meaning.Pod(own)
	if d == meaning.Egress {
		p.From, p.To = p.To, p.From
	}
	return p, peer.Endpoint != own && (peer.Endpoint != nil || peer.Addr.Is4() == (p.Family == 4))
}

// place is what a difference is about.
type place struct {
	policy  object.ID
	pointer string
}

// Every difference between two sets of policies is found, for the very rule that allows
// what the other set denies; and what is found is one, as Walk says of a witness.
func TestDifferencesAreThoseOfWalk(t *testing.T) {
	t.Parallel()
	var packets, differing, found, unsettled int
	var effort effortOf
	for i := range *worlds {
		for _, f := range features {
			seed := *first + uint64(i)
			w := randomWorld(t, seed, f.minor, f.of)
			search := &relation.Search{Universe: w.universe}
			at := func(format string, args ...any) {
				t.Errorf("seed %d, 3.%d %+v: %s", seed, f.minor, f.of, fmt.Sprintf(format, args...))
			}
			for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
				known := map[place]bool{}
				search.Compare(relation.Comparison{Direction: d, Allowing: w.universe.Of(w.new, d), Denying: w.universe.Of(w.old, d), Patterns: relation.Allows}, nil,
					func(x relation.Difference, err error) bool {
						if err != nil {
							at("%v", err)
							return true
						}
						found++
						of := place{}
						if x.Rule != nil {
							of = place{x.Rule.Policy.ID, x.Rule.Of.Pointer}
						}
						known[of] = true
						p := x.Witness.Packet
						if reason := w.impossible(x.Witness); reason != "" {
							at("the witness %s of %v: %s", p, of, reason)
						}
						if len(x.Witness.Unsettled) > 0 {
							unsettled++
							return false
						}
						if a, b := w.new.WalkHalf(p, d), w.old.WalkHalf(p, d); a.Outcome != meaning.Allowed || b.Outcome != meaning.Denied {
							at("the witness %s of %v (%+v, %+v) is %s by %v and %s by %v", p, of, p.From.Endpoint, p.To.Endpoint, a.Outcome, a.By, b.Outcome, b.By)
						}
						return false
					})
				for range 250 {
					p, ok := w.packet(d)
					if !ok {
						continue
					}
					packets++
					a, b := w.new.WalkHalf(p, d), w.old.WalkHalf(p, d)
					if a.Outcome != meaning.Allowed || b.Outcome != meaning.Denied {
						continue
					}
					differing++
					by := place{}
					if a.By.Cause == meaning.ByRule {
						by = place{a.By.Policy, a.By.Pointer}
					}
					if !known[by] {
						at("%s %s (%+v, %+v) is allowed by %v and denied by %v, and was not found", d, p, p.From.Endpoint, p.To.Endpoint, a.By, b.By)
					}
				}
			}
			effort.add(search)
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d packets, %d differing; %d differences, %d of them unsettled", packets, differing, found, unsettled)
	effort.near(t)
	if differing < packets/50 {
		t.Errorf("%d of %d packets differ: too few to prove anything", differing, packets)
	}
}
