package repair_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/compiler/repair"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	traffic "portcullis.dev/policies/packet"
)

// apply pastes the lines where the repair says.
func apply(t *testing.T, set object.Set, r repair.Repair) object.Set {
	t.Helper()
	objects := slices.Clone(set.All())
	if r.Policy.IsZero() {
		added, found := object.Decode("repair.yaml", []byte(r.Lines))
		if len(found) > 0 {
			t.Fatalf("%v\n%s", found.Err(), r.Lines)
		}
		objects = append(objects, added...)
	} else {
		i := slices.IndexFunc(objects, func(o object.Object) bool { return o.ID == r.Policy })
		var manifest map[string]any
		if err := json.Unmarshal(objects[i].JSON, &manifest); err != nil {
			t.Fatal(err)
		}
		var items []any
		if err := yaml.UnmarshalStrict([]byte(r.Lines), &items); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(r.At, "/")
		spec := manifest["spec"].(map[string]any)
		rules, _ := spec[parts[2]].([]any)
		at := len(rules)
		if parts[3] != "-" {
			at, _ = strconv.Atoi(parts[3])
		}
		spec[parts[2]] = slices.Insert(rules, at, items...)
		raw, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		changed, found := object.DecodeJSON(raw)
		if len(found) > 0 {
			t.Fatalf("%v\n%s", found.Err(), raw)
		}
		objects[i] = changed[0]
	}
	repaired, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	return repaired
}

func half(v meaning.Verdict, d meaning.Direction) meaning.Half {
	if d == meaning.Egress {
		return v.Egress
	}
	return v.Ingress
}

func judged(v oracle.Verdict, d meaning.Direction) oracle.Outcome {
	if d == meaning.Egress {
		return v.Egress.Outcome
	}
	return v.Ingress.Outcome
}

func packetOf(m *meaning.Meaning, p oracle.Packet) meaning.Packet {
	peer := func(end oracle.End) meaning.Peer {
		for _, e := range m.Endpoints {
			if e.Ref() == end.Name {
				return meaning.Peer{Endpoint: e, Addr: end.Address}
			}
		}
		return meaning.Address(end.Address)
	}
	return meaning.Packet{
		From: peer(p.From), To: peer(p.To), Protocol: meaning.Protocol(p.Protocol), SourcePort: uint16(p.SourcePort), Port: uint16(p.Port),
		Type: uint8(p.Type), Code: uint8(p.Code), Family: p.Family,
	}
}

// check holds one repair against Walk and the oracle: it opens the half, and of some
// packets it opens none but those between pods of the two namespaces, or from or to the
// one address. It says whether there was a repair.
func check(t *testing.T, set object.Set, cluster object.Cluster, p oracle.Packet, others []oracle.Packet) (repaired bool) {
	t.Helper()
	m, before := meaning.Of(set, cluster)
	w := oracle.Of(set, cluster)
	packet := packetOf(m, p)
	for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
		denied := half(m.Walk(packet), d)
		if denied.Outcome != meaning.Denied {
			continue
		}
		r := repair.Of(m, packet, d, denied.By)
		if r.Owner == "" || r.Why == "" {
			t.Fatalf("%s of %s: %+v", d, packet, r)
		}
		if r.Lines == "" {
			continue
		}
		repaired = true
		changed := apply(t, set, r)
		after, found := meaning.Of(changed, cluster)
		if len(found) > len(before) {
			t.Errorf("%s of %s\n%s: the lines are refused: %v\n%s", d, packet, r.Why, found.Err(), r.Lines)
		}
		of := oracle.Of(changed, cluster)
		walked, asked := half(after.Walk(packetOf(after, p)), d), judged(of.Judge(p), d)
		if walked.Outcome != meaning.Allowed || asked != oracle.Allow {
			t.Errorf("%s of %s\nbefore: %s\nrepair: %s\n%s at %s\n%sWalk says %s: %s\nthe oracle says %s", d, packet, denied.By.Reason, r.Why, r.Policy, r.At, r.Lines, walked.Outcome, walked.By.Reason, asked)
		}
		near, far := ends(packet, d)
		for _, other := range others {
			was, is := w.Judge(other), of.Judge(other)
			if was == is {
				continue
			}
			moved := packetOf(m, other)
			for _, side := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
				if judged(is, side) != oracle.Allow || judged(was, side) == oracle.Allow {
					continue
				}
				itsNear, itsFar := ends(moved, side)
				if side != d || !same(m, near, itsNear) || !same(m, far, itsFar) || !sameTraffic(packet.Header(), moved.Header()) {
					t.Errorf("the repair of the %s of %s opens the %s of %s\n%s\n%s", d, packet, side, moved, r.Why, r.Lines)
				}
			}
		}
	}
	return repaired
}

func ends(p meaning.Packet, d meaning.Direction) (near, far meaning.Peer) {
	if d == meaning.Egress {
		return p.From, p.To
	}
	return p.To, p.From
}

// sameTraffic leaves codes out, which no repair names.
func sameTraffic(a, b traffic.Header) bool {
	return a.Protocol == b.Protocol && (!a.Protocol.HasPorts() || a.Port == b.Port) && (!a.Protocol.HasTypes() || a.Type == b.Type)
}

// same reports whether an end may be opened as well: a pod with the labels of the
// one, in its namespace, or the address.
func same(m *meaning.Meaning, meant, opened meaning.Peer) bool {
	owner := func(p meaning.Peer) *meaning.Endpoint {
		if p.Endpoint != nil {
			return p.Endpoint
		}
		return m.PodAt(p.Addr)
	}
	a, b := owner(meant), owner(opened)
	if a == nil || b == nil || a.HostNetwork || b.HostNetwork {
		address := func(p meaning.Peer) string {
			if p.Addr.IsValid() {
				return p.Addr.Unmap().String()
			}
			return p.String()
		}
		return address(meant) == address(opened)
	}
	for k, v := range a.Labels {
		if b.Labels[k] != v {
			return false
		}
	}
	return a.Namespace == b.Namespace
}

// Over random policies, a repair opens what it is to open and nothing beside.
func TestRepairsOpenOneHalf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		minor    int
		features oracle.Features
	}{
		"one tier": {31, oracle.Features{}},
		"tiers":    {31, oracle.Features{Tiers: true, Ties: true}},
		"cluster":  {32, oracle.Features{Tiers: true, ClusterPolicies: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const worlds, packets, denied = 25, 200, 10
			repaired, asked := 0, 0
			for seed := range uint64(worlds) {
				r := rand.New(rand.NewPCG(seed, 7))
				c, err := oracle.Random(r, test.minor, test.features)
				if err != nil {
					t.Fatal(err)
				}
				w := oracle.Of(c.Set, c.Cluster)
				all := w.Packets(r, packets, false)
				n := 0
				for _, p := range all {
					if v := w.Judge(p); v.Outcome() == oracle.Deny && n < denied {
						n++
						asked++
						if check(t, c.Set, c.Cluster, p, all) {
							repaired++
						}
						if t.Failed() {
							t.Fatalf("seed %d", seed)
						}
					}
				}
			}
			t.Logf("%d of %d denied packets have a repair", repaired, asked)
			if 3*repaired < asked {
				t.Errorf("%d of %d denied packets have a repair, expected a third at least", repaired, asked)
			}
		})
	}
}

// So do they in the recorded scenarios.
func TestRepairsOfScenarios(t *testing.T) {
	t.Parallel()
	scenarios, err := oracle.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	repaired := 0
	for _, s := range scenarios {
		var all []oracle.Packet
		for _, f := range s.Flows {
			all = append(all, f.Packet)
		}
		for _, f := range s.Flows {
			if f.Expect == oracle.Deny && check(t, s.Set, s.Cluster, f.Packet, all) {
				repaired++
			}
		}
		if t.Failed() {
			t.Fatalf("scenario %s", s.ID)
		}
	}
	if repaired < len(scenarios)/2 {
		t.Errorf("%d repairs in %d scenarios", repaired, len(scenarios))
	}
}
