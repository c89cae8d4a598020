package lower

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/relation"
)

var additions = flag.Int("additions", 4, "how many components are tried for each drawn plan")

// TestWhatPassesIsMeant is the law that matters, end to end: where a plan was lowered, a
// component added, and nothing found by the proof, the oracle and the plan agree about every
// packet. The pods between which packets are drawn come of the text of the component: each
// key of a selector with its constants, their parts and joins, an unused value and none, for
// labels, namespaces and service accounts alike. The solver has no part in it; whom it names
// for each rule that allows is asked about beside them.
//
// -rapid.checks and -rapid.seed try other plans, -additions more components for each.
func TestWhatPassesIsMeant(t *testing.T) {
	t.Parallel()
	var tried, refused, failed, passed, packets, allowed, decided, witnesses int
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		emitted, found := Lower(p)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "components"), 1))
		ours, found := object.Decode("emitted.yaml", []byte(text(emitted)+bystanders))
		if found.Failed() {
			t.Fatal(found.Err())
		}
		for range *additions {
			tried++
			c := aComponent(p, random)
			set, twice := object.NewSet(slices.Concat(ours, c.objects))
			m, odd := meaning.Of(set, p.Cluster)
			if c.refused != nil || twice.Failed() || odd.Failed() {
				refused++
				continue
			}
			if len(proof.Prove(p, population.RelationOf(p, m), everybody(p))) > 0 {
				failed++
				continue
			}
			passed++
			w := inhabited(p, set, c, random)
			for range 300 {
				w.packet(t)
			}
			w.witnesses(t, m)
			packets, allowed, decided, witnesses = packets+w.packets, allowed+w.allowed, decided+w.decided, witnesses+w.shown
		}
	})
	t.Logf("%d components: %d refused, %d fail, %d pass; %d packets, %d allowed, %d decided by the component, %d witnesses", tried, refused, failed, passed, packets, allowed, decided, witnesses)
	if !t.Failed() && (4*passed < tried || 20*allowed < packets || 100*decided < packets || witnesses == 0) {
		t.Error("too little passes, or too little of it hangs on the components, for the law to say much")
	}
}

// packet draws a packet: mostly from or to pods of the component's selectors.
func (w *inhabitants) packet(t failer) {
	any := func() *inhabitant {
		if len(w.groups) > 0 && w.IntN(3) > 0 {
			return one(w.Rand, one(w.Rand, w.groups...)...)
		}
		return one(w.Rand, w.anybody...)
	}
	from, to := any(), any()
	kind, number := one(w.Rand, append(probes, probe{"UDPLite", meaning.UDPLite, 0})...), one(w.Rand, edges...)
	which := w.IntN(6)
	if w.component.named && w.IntN(3) == 0 {
		which = 4
	}
	switch which {
	case 0, 1:
		if len(w.component.ports) > 0 {
			number = one(w.Rand, w.component.ports...) + uint16(one(w.Rand, 0, 0, 1))
		}
	case 2, 3:
		if len(w.plan.Flows) > 0 { // at the edges of a flow, and between pods that it may be about
			f := one(w.Rand, w.plan.Flows...)
			port := one(w.Rand, f.Ports...)
			number = one(w.Rand, port.First, port.First, port.Last, port.Last+1)
			for _, k := range probes {
				if k.planned == port.Protocol {
					kind = k
				}
			}
			from, to = w.of(f.From, from), w.of(f.To, to)
		}
	case 4:
		if len(to.ports) > 0 {
			port := one(w.Rand, to.ports...)
			kind, number = probe{plan.Protocol(port.Protocol.String()), port.Protocol, 0}, port.Number
		}
	case 5:
		s := one(w.Rand, w.plan.DNSServers()...)
		port := one(w.Rand, s.Ports...)
		to, number = w.of(s.End, to), port.First
		kind = probe{port.Protocol, map[plan.Protocol]meaning.Protocol{plan.TCP: meaning.TCP, plan.UDP: meaning.UDP}[port.Protocol], 0}
	}
	w.ask(t, from, to, kind, number)
}

// of is somebody among an end's pods or addresses, or else the one at hand.
func (w *inhabitants) of(e plan.End, otherwise *inhabitant) *inhabitant {
	all := w.anybody
	if len(w.groups) > 0 && w.IntN(2) == 0 {
		all = one(w.Rand, w.groups...)
	}
	start := w.IntN(len(all))
	for i := range all {
		if x := all[(start+i)%len(all)]; e.Has(x.place) {
			return x
		}
	}
	return otherwise
}

func (w *inhabitants) ask(t failer, from, to *inhabitant, kind probe, number uint16) {
	family := kind.family
	if family == 0 {
		family = one(w.Rand, 4, 6)
	}
	source, destination := from.v4, to.v4
	if family == 6 {
		source, destination = from.v6, to.v6
	}
	switch {
	case !source.IsValid() || !destination.IsValid() || source == destination || from.place.Namespace == "" && to.place.Namespace == "":
		return
	case kind.protocol.HasPorts() && number == 0, kind.family != 0 && number > 255:
		return
	}
	packet := oracle.Packet{
		From: oracle.End{Name: from.namespaced, Address: source}, To: oracle.End{Name: to.namespaced, Address: destination},
		Protocol: int(kind.protocol), SourcePort: 40000, Port: int(number), Family: family,
	}
	if kind.family != 0 {
		packet.SourcePort, packet.Port, packet.Type, packet.Code = 0, 0, int(number), w.IntN(2)
	}
	pods, _ := object.NewSet(slices.Concat(from.set.All(), to.set.All()))
	w.judge(t, w.world.With(pods).Judge(packet), from, to, kind, number)
}

// judge holds a verdict of the oracle against the plan. Of a listed namespace that wears
// labels which the Platform names nowhere, what lines say of such labels may be meant or not.
func (w *inhabitants) judge(t failer, v oracle.Verdict, from, to *inhabitant, kind probe, number uint16) {
	w.packets++
	live, listed := w.plan.Between(from.place, to.place), w.plan.Between(from.listed, to.listed)
	mayPass := live.Allows(kind.planned, number) || listed.Allows(kind.planned, number)
	mustPass := live.Allows(kind.planned, number) && listed.Allows(kind.planned, number)
	leaves, enters := true, true
	wrong := ""
	if from.place.Namespace != "" {
		leaves = v.Egress.Outcome == oracle.Allow
		if sent := (plan.Traffic{Leaves: slices.Concat(live.Leaves, listed.Leaves), Enters: plan.Everything}); leaves && !sent.Allows(kind.planned, number) {
			wrong = "is let out"
		}
		w.count(v.Egress)
	}
	if to.place.Namespace != "" {
		enters = v.Ingress.Outcome == oracle.Allow
		if accepted := (plan.Traffic{Leaves: plan.Everything, Enters: slices.Concat(live.Enters, listed.Enters)}); enters && !accepted.Allows(kind.planned, number) {
			wrong = "is let in"
		}
		w.count(v.Ingress)
	}
	switch passes := leaves && enters; {
	case passes && !mayPass:
		wrong = "passes"
	case !passes && mustPass && !w.closedElsewhere(from) && !w.closedElsewhere(to):
		wrong = "does not pass"
	case passes:
		w.allowed++
	}
	if v.Egress.Outcome == oracle.Unknown || v.Ingress.Outcome == oracle.Unknown {
		wrong = "is not known to pass or not"
	}
	if wrong == "" {
		return
	}
	var added strings.Builder
	for _, o := range w.component.objects {
		added.WriteString(string(o.JSON) + "\n")
	}
	t.Fatalf("%+v (account %s, %s, %v) -> %+v (account %s, %s, %v), %s %d %s, and the build passed\nout: %v\nin: %v\nmeant: %+v\n%s\n%s", from.place, from.account, from.v4, w.accounts[from.place.Namespace+"/"+from.account],
		to.place, to.account, to.v4, w.accounts[to.place.Namespace+"/"+to.account], kind.planned, number, wrong, v.Egress, v.Ingress, live, added.String(), w.texts())
}

func (w *inhabitants) texts() string {
	var all strings.Builder
	for _, n := range w.plan.Namespaces {
		fmt.Fprintf(&all, "%+v\n", n)
	}
	for _, f := range w.plan.Flows {
		fmt.Fprintf(&all, "%s -> %s %s platform %v\n", f.From.Name, f.To.Name, plan.FormatPorts(f.Ports), f.Platform())
	}
	return all.String()
}

func (w *inhabitants) count(h oracle.Half) {
	for _, o := range w.component.objects {
		if strings.Contains(h.By, o.ID.Name) {
			w.decided++
			return
		}
	}
}

// closedElsewhere reports whether a pod is one whose namespace another build closes, and
// opens for its lines.
func (w *inhabitants) closedElsewhere(x *inhabitant) bool {
	return x.place.Namespace != "" && strings.HasPrefix(x.place.Namespace, "pr-") && slices.ContainsFunc(w.plan.Namespaces, func(n plan.Namespace) bool {
		return n.Pattern && !n.Open && !n.Staged
	})
}

// witnesses asks about a packet that each rule of the component lets through, by the word of
// the search that the proof stands on.
func (w *inhabitants) witnesses(t failer, m *meaning.Meaning) {
	u := population.UniverseOf(w.plan)
	search := &relation.Search{Universe: u}
	nothing := relation.NewProgram([]relation.Tier{{Policies: []*relation.Policy{{Selects: relation.True}}}})
	for _, d := range []meaning.Direction{meaning.Egress, meaning.Ingress} {
		search.Compare(relation.Comparison{Direction: d, Allowing: u.Of(m, d), Denying: nothing, Patterns: relation.Allows}, func(r *relation.Rule) bool {
			return r == nil || !slices.ContainsFunc(w.component.objects, func(o object.Object) bool { return o.ID == r.Policy.ID })
		}, func(x relation.Difference, err error) bool {
			switch {
			case err != nil:
				t.Fatal(err)
			case len(x.Witness.Unsettled) == 0:
				w.witness(t, x.Witness)
			}
			return false
		})
	}
}

func (w *inhabitants) witness(t failer, x *relation.Witness) {
	w.shown++
	with := *w
	with.namespaces, with.accounts = map[string]map[string]string{}, map[string]map[string]string{}
	end := func(p meaning.Peer) *inhabitant {
		if p.Endpoint == nil {
			return w.outside(p.Addr)
		}
		e := p.Endpoint
		with.namespaces[e.Namespace], with.accounts[e.Namespace+"/"+e.ServiceAccount] = e.NamespaceLabels, e.ServiceAccountLabels
		i := with.pod(e.Namespace, e.ServiceAccount, e.Labels)
		i.v4, i.v6 = netip.Addr{}, netip.Addr{}
		i.ports = e.Ports
		if p.Addr.Is4() {
			i.v4 = p.Addr
		} else {
			i.v6 = p.Addr
		}
		i.described(p.Addr)
		return i
	}
	from, to := end(x.Packet.From), end(x.Packet.To)
	with.build()
	h := x.Packet.Header()
	kind, number := probe{plan.Protocol(h.Protocol.String()), h.Protocol, 0}, h.Port
	if !h.Protocol.HasPorts() {
		number = uint16(h.Type)
	}
	pods, _ := object.NewSet(slices.Concat(from.set.All(), to.set.All()))
	v := with.world.With(pods).Judge(oracle.Packet{
		From: oracle.End{Name: from.namespaced, Address: x.Packet.From.Addr}, To: oracle.End{Name: to.namespaced, Address: x.Packet.To.Addr},
		Protocol: int(h.Protocol), SourcePort: int(x.Packet.SourcePort), Port: int(h.Port), Type: int(h.Type), Code: int(h.Code), Family: x.Packet.Family,
	})
	half := v.Egress
	if x.Direction == meaning.Ingress {
		half = v.Ingress
	}
	if half.Outcome != oracle.Allow {
		t.Fatalf("%s of %s (%+v, %+v) is a witness of an allow, and the oracle says %v", x.Direction, x.Packet, x.Packet.From.Endpoint, x.Packet.To.Endpoint, half)
	}
	with.judge(t, v, from, to, kind, number)
}
