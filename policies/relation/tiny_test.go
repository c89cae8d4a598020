package relation_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// tiny is a world so small that every pair of its pods is walked. What two ends share (a
// namespace and its labels, a service account and its labels) and what they cannot share
// (an address) decides in it, which it hardly ever does in a wide world.
type tiny struct {
	*rand.Rand
	cluster
	old, new  *meaning.Meaning
	all       []*meaning.Endpoint
	described map[string][]*meaning.Endpoint
	closed    relation.Verdicts // of pods in closed patterns that no policy governs
}

var tinyAddresses = []netip.Addr{netip.MustParseAddr("10.244.0.0"), netip.MustParseAddr("10.244.0.1")}

func newTiny(t *testing.T, seed uint64) *tiny {
	t.Helper()
	w := &tiny{Rand: rand.New(rand.NewPCG(seed, 11)), closed: relation.Allows}
	w.know()
	w.inhabit()
	w.old, w.new = w.policies(t), w.policies(t)
	return w
}

func (w *tiny) once(n int) bool { return w.IntN(n) == 0 }

func (w *tiny) pick(from ...string) string { return from[w.IntN(len(from))] }

// know draws what is known: namespaces that are listed, with labels, without or with any, patterns,
// and where pods have their addresses.
func (w *tiny) know() {
	labels := func() map[string]string {
		if w.once(3) {
			return map[string]string{"team": w.pick("a", "b")}
		}
		return nil
	}
	for _, name := range []string{"prod", "ab"} {
		if w.once(2) {
			n := relation.Namespace{Name: name, Labels: labels()}
			if n.Labels == nil && w.once(2) {
				n.Free = true
			}
			w.namespaces = append(w.namespaces, n)
		}
	}
	if w.once(2) {
		n := relation.Namespace{Name: w.pick("a*", "*b", "a*b", "p*", "*d", "p*d", "ab*ab"), Labels: labels(), Closed: w.once(2)}
		w.namespaces = append(w.namespaces, n)
		if w.once(2) {
			w.closed = relation.Denies
		}
	}
	if w.IntN(4) > 0 {
		w.pods = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/31")}
	}
}

// inhabit makes every pod that may be there, and describes some.
func (w *tiny) inhabit() {
	set := func(labels map[string]string, key, value string) {
		if value != "-" {
			labels[key] = value
		}
	}
	for _, namespace := range []string{"prod", "ab"} {
		for _, team := range []string{"-", "a", "b"} {
			labels := map[string]string{meaning.NameLabel: namespace}
			if set(labels, "team", team); w.contradicts(namespace, labels) != "" {
				continue
			}
			for _, account := range []string{"default", "robot"} {
				for _, role := range []string{"-", "a", "b"} {
					for _, address := range tinyAddresses {
						e := &meaning.Endpoint{
							Namespace: namespace, Name: "pod", NamespaceLabels: labels, Labels: map[string]string{},
							ServiceAccount: account, ServiceAccountLabels: map[string]string{}, PortsKnown: true, Addresses: []netip.Addr{address},
						}
						set(e.ServiceAccountLabels, "role", role)
						set(e.Labels, "app", w.pick("-", "a", "b"))
						w.ports(e)
						w.all = append(w.all, e)
					}
				}
			}
		}
	}
	if w.once(2) {
		return
	}
	w.described = map[string][]*meaning.Endpoint{}
	for i := range 1 + w.IntN(4) {
		e := &meaning.Endpoint{Namespace: w.pick("prod", "ab"), Name: fmt.Sprint("known", i), Labels: map[string]string{}, PortsKnown: w.once(2)}
		set(e.Labels, "app", w.pick("-", "a", "b"))
		w.ports(e)
		if w.once(4) {
			e.Addresses = tinyAddresses[w.IntN(2):][:1]
		}
		w.described[e.Namespace] = append(w.described[e.Namespace], e)
	}
}

func (w *tiny) ports(e *meaning.Endpoint) {
	if w.once(2) {
		e.Ports = []meaning.NamedPort{{Name: "http", Protocol: packet.TCP, Number: 80}}
	}
}

// condition is a random selector.
func (w *tiny) condition(depth int) string {
	if depth > 0 && w.IntN(3) > 0 {
		parts := []string{w.condition(depth - 1), w.condition(depth - 1)}
		return w.pick("", "", "!") + "(" + strings.Join(parts, w.pick(" && ", " && ", " || ")) + ")"
	}
	return w.pick(
		"pcns.team == 'a'", "pcns.team == 'b'", "has(pcns.team)", "!has(pcns.team)", "pcns.team != 'a'", "pcns.team in {'a', 'b'}",
		"projectcalico.org/namespace == 'prod'", "projectcalico.org/namespace != 'prod'", "projectcalico.org/namespace == 'ab'", "pcns.projectcalico.org/name starts with 'a'",
		"pcsa.role == 'a'", "pcsa.role == 'b'", "has(pcsa.role)", "!has(pcsa.role)", "pcsa.role != 'b'",
		"projectcalico.org/serviceaccount == 'default'", "projectcalico.org/serviceaccount != 'default'", "pcsa.projectcalico.org/name == 'robot'",
		"app == 'a'", "app != 'a'", "!has(app)")
}

// entity is what a rule asks of one end, as YAML.
func (w *tiny) entity(ports bool) string {
	var fields []string
	if w.IntN(3) > 0 {
		fields = append(fields, fmt.Sprintf(`%s: "%s"`, w.pick("selector", "selector", "selector", "notSelector"), w.condition(w.IntN(3))))
	}
	if w.once(4) {
		fields = append(fields, fmt.Sprintf(`namespaceSelector: "%s"`, w.pick("team == 'a'", "!has(team)", "projectcalico.org/name == 'prod'", "team != 'b'")))
	}
	if w.once(4) {
		fields = append(fields, fmt.Sprintf(`serviceAccounts: {selector: "%s"}`, w.pick("role == 'a'", "!has(role)", "role != 'b'")))
	}
	if w.once(4) {
		fields = append(fields, fmt.Sprintf("%s: [%s]", w.pick("nets", "nets", "notNets"), w.pick("10.244.0.0/32", "10.244.0.1/32")))
	}
	if ports && w.once(3) {
		fields = append(fields, fmt.Sprintf("%s: [%s]", w.pick("ports", "ports", "notPorts"), w.pick("80", "81", "http", "http")))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// policies are one to three global policies in one tier or two.
func (w *tiny) policies(t *testing.T) *meaning.Meaning {
	t.Helper()
	var text strings.Builder
	if w.once(2) {
		fmt.Fprintf(&text, "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: first}\nspec: {order: 1, defaultAction: %s}\n", w.pick("Pass", "Deny"))
	}
	tiers := []string{"default"}
	if text.Len() > 0 {
		tiers = append(tiers, "first")
	}
	for i := range 1 + w.IntN(3) {
		tier := w.pick(tiers...)
		fmt.Fprintf(&text, "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: %s.p%d}\nspec:\n  tier: %s\n  order: %d\n  types: [Ingress, Egress]\n", tier, i, tier, i)
		if w.once(2) {
			fmt.Fprintf(&text, "  selector: \"%s\"\n", w.condition(w.IntN(2)))
		}
		for _, direction := range []string{"ingress", "egress"} {
			fmt.Fprintf(&text, "  %s:\n", direction)
			for range 1 + w.IntN(3) {
				fmt.Fprintf(&text, "    - {action: %s, protocol: TCP, source: %s, destination: %s}\n", w.pick("Allow", "Allow", "Deny", "Pass"), w.entity(false), w.entity(true))
			}
		}
	}
	return meaningOf(t, w.pods, text.String())
}

// pairs calls f with every packet between two pods that can exist beside each other, and
// what both sets of policies make of it.
func (w *tiny) pairs(f func(p meaning.Packet, old, new meaning.Verdict)) {
	before, after := w.old.Asker(), w.new.Asker()
	for _, a := range w.all {
		for _, b := range w.all {
			if a.Addresses[0] == b.Addresses[0] || !together(a, b) {
				continue
			}
			p := meaning.Packet{From: meaning.Pod(a), To: meaning.Pod(b), Protocol: packet.TCP, Port: 80, SourcePort: 40000, Family: 4}
			p.From.Addr, p.To.Addr = a.Addresses[0], b.Addresses[0]
			f(p, before.Walk(p), after.Walk(p))
		}
	}
}

// half is the half of a verdict, where ungoverned pods of closed patterns are denied or not.
func (w *tiny) half(v meaning.Verdict, d meaning.Direction, own *meaning.Endpoint) meaning.Half {
	h := v.Ingress
	if d == meaning.Egress {
		h = v.Egress
	}
	if n, _, matched := w.of(own.Namespace); matched && n.Closed && h.By.Cause == meaning.ByProfile && w.closed == relation.Denies {
		h.Outcome = meaning.Denied
	}
	return h
}

// selects is a random condition on one end, as a formula and as a question to a pod.
func (w *tiny) selects(t *testing.T, u *relation.Universe, end relation.End) (*relation.Formula, selector.Selector) {
	t.Helper()
	s, err := selector.Parse(w.condition(1))
	if err != nil {
		t.Fatal(err)
	}
	return u.Selected(end, s), s
}
