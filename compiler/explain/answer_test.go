package explain

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
	"portcullis.dev/policies/packet"
)

// of is a world of manifests.
func of(t *testing.T, manifests string) *World {
	t.Helper()
	objects, found := object.Decode("manifests.yaml", []byte(manifests))
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	set, found := object.NewSet(objects)
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	m, _ := meaning.Of(set, object.DefaultCluster())
	return &World{Set: set, Meaning: m, Pods: m.Endpoints}
}

// answered asks a question of a world, which must have one answer.
func answered(t *testing.T, w *World, flow string, d Detail) Answer {
	t.Helper()
	q, err := language.ParseQuestion(flow)
	if err != nil {
		t.Fatal(err)
	}
	all := w.Answer(flow, q, d)
	if len(all) != 1 {
		t.Fatalf("%s: %d answers", flow, len(all))
	}
	return all[0]
}

func tcp(port uint16) []language.PortRef {
	return []language.PortRef{{Ports: []plan.Port{{Protocol: plan.TCP, First: port, Last: port}}}}
}

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}, {name: admin, containerPort: 9000}]}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
status: {podIP: 10.0.0.2}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: partner, labels: {who: partner}}
spec: {nets: [192.0.2.0/24]}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: office, namespace: shop, labels: {who: partner}}
spec: {nets: [192.0.2.128/25, 198.51.100.0/24]}
---
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: others, namespace: shop, labels: {who: other}}
spec: {nets: [192.0.2.0/24]}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: app == 'web'
  types: [Ingress]
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: app == 'db'}, destination: {ports: [8080]}}
  - {action: Deny, protocol: TCP, source: {nets: [203.0.113.0/24]}}
  - {action: Allow, protocol: TCP, source: {namespaceSelector: global(), selector: who == 'partner'}, destination: {ports: [8080]}}
  - {action: Allow, protocol: TCP, source: {selector: who == 'partner', notNets: [198.51.100.9/32]}, destination: {ports: [9000]}}
`

// TestNetworkSetsAreNamed: the sets by which the deciding rule finds the other end, and no
// others.
func TestNetworkSetsAreNamed(t *testing.T) {
	t.Parallel()
	w := of(t, shop)
	for flow, want := range map[string]string{
		"192.0.2.1 -> shop/web:8080":    "allow GlobalNetworkSet partner",
		"192.0.2.200 -> shop/web:8080":  "allow GlobalNetworkSet partner",
		"192.0.2.200 -> shop/web:9000":  "allow NetworkSet shop/office",
		"198.51.100.7 -> shop/web:9000": "allow NetworkSet shop/office",
		"198.51.100.9 -> shop/web:9000": "deny",
		"203.0.113.1 -> shop/web:8080":  "deny",
		"shop/db -> shop/web:8080":      "allow",
		"10.0.0.2 -> shop/web:8080":     "allow",
	} {
		a := answered(t, w, flow, Everything)
		half := a.Examples[0].Ingress
		got := []string{string(a.Verdict)}
		for _, id := range half.Sets {
			got = append(got, id.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, expected %s", flow, strings.Join(got, " "), want)
		}
		for _, tier := range half.Tiers {
			for _, p := range tier.Policies {
				for _, r := range p.Rules {
					if r.Decides && !reflect.DeepEqual(r.Sets, half.Sets) {
						t.Errorf("%s: the rule that decides names %v, the half %v", flow, r.Sets, half.Sets)
					}
				}
			}
		}
	}
}

// TestDetailsAgree: in random worlds the verdict of a packet is the walk's at every detail,
// what a detail adds changes nothing of the one before, and the way ends where the half says
// that it is decided.
func TestDetailsAgree(t *testing.T) {
	t.Parallel()
	decided := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		world, err := oracle.Random(r, 32, oracle.Features{Tiers: true, ClusterPolicies: true})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := meaning.Of(world.Set, world.Cluster)
		w := &World{Set: world.Set, Meaning: m, Pods: m.Endpoints}
		for _, p := range oracle.Of(world.Set, world.Cluster).Packets(r, 80, false) {
			if !p.From.Address.IsValid() || !p.To.Address.IsValid() || p.Protocol != oracle.TCP || p.Port == 0 {
				continue
			}
			h := packet.Header{Protocol: packet.TCP, Port: uint16(p.Port)}
			q := []language.Listed{{From: p.From.Address.String(), To: p.To.Address.String(), Ports: tcp(h.Port)}}
			brief, deciding, all := w.AnswerList(q, Brief)[0], w.AnswerList(q, Deciding)[0], w.AnswerList(q, Everything)[0]
			walked := m.Follow(packetOf(h, 0, w.at(p.From.Address), w.at(p.To.Address)))
			if brief.Verdict != verdicts[walked.Outcome()] || deciding.Verdict != brief.Verdict || all.Verdict != brief.Verdict || brief.Examples != nil {
				t.Fatalf("seed %d: %+v is %s, %s, %s, and walks to %s", seed, q[0], brief.Verdict, deciding.Verdict, all.Verdict, walked.Outcome())
			}
			ignore := []cmp.Option{cmpopts.IgnoreFields(Half{}, "Tiers", "NoSay"), cmpopts.IgnoreUnexported(Example{})}
			if diff := cmp.Diff(deciding, all, ignore...); diff != "" {
				t.Fatalf("seed %d: more detail changes the answer:\n%s", seed, diff)
			}
			for _, half := range []Half{all.Examples[0].Egress, all.Examples[0].Ingress} {
				if half.By == "rule" {
					decided++
					if got := lastRule(half); got != fmt.Sprint(*half.Policy, half.Rule) {
						t.Fatalf("seed %d: %s is decided by %v %s, and its way ends at %s", seed, q[0].From, *half.Policy, half.Rule, got)
					}
				}
			}
		}
	}
	if decided < 100 {
		t.Errorf("%d halves are decided by a rule, which are too few to tell", decided)
	}
}

// lastRule is the rule at which a half's way ends.
func lastRule(h Half) string {
	tier := h.Tiers[len(h.Tiers)-1]
	for _, p := range tier.Policies {
		for _, r := range p.Rules {
			if r.Decides {
				return fmt.Sprint(p.ID, r.Pointer)
			}
		}
	}
	return ""
}

// TestPlacesAreAll: whoever moves or looks up places finds each that an answer has.
func TestPlacesAreAll(t *testing.T) {
	t.Parallel()
	w := of(t, shop)
	a := answered(t, w, "192.0.2.1 -> shop/web:8080", Everything)
	c := w.Change(&a.Examples[0])
	a.Examples[0].Change = &c
	a.Examples[0].Meant = []Meant{{}, {}}
	a.Examples[0].OnTheWay = &Half{}
	known := map[*Place]bool{}
	for _, p := range a.Places() {
		known[p] = true
	}
	places := 0
	var visit func(v reflect.Value, path string)
	visit = func(v reflect.Value, path string) {
		if v.Type() == reflect.TypeFor[Place]() {
			if places++; !known[v.Addr().Interface().(*Place)] {
				t.Errorf("%s is not among the places", path)
			}
			return
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				visit(v.Elem(), path)
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					visit(v.Field(i), path+"."+f.Name)
				}
			}
		}
	}
	visit(reflect.ValueOf(&a), "answer")
	if places < 10 || places != len(known) {
		t.Errorf("%d places, of which %d are told", places, len(known))
	}
}

func TestAllAllowed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                         true,
		"1 allow":                  true,
		"1 allow, 1 unanswered":    true, // in another environment
		"1 unanswered":             false,
		"1 allow, 2 unanswered":    false,
		"1 allow, 1 deny":          false,
		"1 partly":                 false,
		"1 unknown":                false,
		"1 none":                   false,
		"1 allow, 2 allow":         true,
		"1 unanswered, 1 allow":    true,
		"0 allow, 0 allow, 0 none": false,
	} {
		var a Answers
		for part := range strings.SplitSeq(text, ", ") {
			var f Answer
			if part != "" {
				if _, err := fmt.Sscan(part, &f.Question.Number, &f.Verdict); err != nil {
					t.Fatal(err)
				}
				a.Flows = append(a.Flows, f)
			}
		}
		if got := a.AllAllowed(); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// TestWhatIsMissing: an end or a port that is not there is an answer, with the nearest name,
// beside the answers of all others.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := of(t, shop)
	for flow, want := range map[string]string{
		"shop/webb -> shop/db:80":        "from: did you mean shop/web?",
		"shop/db -> shop/dbb:80":         "to: did you mean shop/db?",
		"warehouse/q -> warehouse/qq:80": "from: an end is namespace/name of a pod or workload, or an address; to: an end is namespace/name of a pod or workload, or an address",
		"web -> shop/db:80":              "from: did you mean shop/web?",
		"shop/db -> shop/web:htpp":       "ports: did you mean http?",
		"shop/db -> shop/web:nobody":     "ports: write the port's number",
		"shopp/* -> shop/web":            "from: did you mean shop?",
		"@office -> shop/web":            "from: write the addresses: 192.0.2.0/24 -> shop/cart:80",
	} {
		a := answered(t, w, flow, Deciding)
		var got []string
		for _, m := range a.Missing {
			got = append(got, m.What+": "+m.Hint)
			if m.Reason == "" {
				t.Errorf("%s: no reason", flow)
			}
		}
		if a.Verdict != Unanswered || strings.Join(got, "; ") != want || a.Question.From == "" || a.Question.To == "" {
			t.Errorf("%s: %s, %s, expected %s", flow, a.Verdict, strings.Join(got, "; "), want)
		}
	}
	all := w.AnswerList([]language.Listed{{From: "shop/no", To: "shop/web", Ports: tcp(8080)}, {From: "shop/db", To: "shop/web", Ports: tcp(8080)}}, Deciding)
	if len(all) != 2 || all[0].Verdict != Unanswered || all[1].Verdict != Allow || all[0].Question.Number != 1 || all[1].Question.Number != 2 {
		t.Errorf("%+v", all)
	}
}

// TestNobodyIsThere: between addresses of different families nothing goes, and an address
// of the pod network that no pod has is nobody's.
func TestNobodyIsThere(t *testing.T) {
	t.Parallel()
	w := of(t, shop)
	w.Meaning.Cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	for flow, want := range map[string]Verdict{
		"192.0.2.0/24 -> 2001:db8::1:80": NoPacket,
		"10.0.0.0/24 -> 192.0.2.1":       NoPacket,
		"192.0.2.0/24 -> 198.51.100.1":   Allow,
	} {
		if a := answered(t, w, flow, Deciding); a.Verdict != want || (want == NoPacket) != (a.Reason != "") {
			t.Errorf("%s: %s %s", flow, a.Verdict, a.Reason)
		}
	}
}

// TestTrafficAsked: a source port, ports by name, several and every one, in one line and in
// a list, ask about the same.
func TestTrafficAsked(t *testing.T) {
	t.Parallel()
	w := of(t, shop+`---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  selector: app == 'db'
  types: [Ingress]
  ingress:
  - {action: Allow, protocol: TCP, source: {ports: [1024]}, destination: {ports: [5432]}}
  - {action: Allow, protocol: UDP, destination: {ports: ["53:54"]}}
`)
	for _, test := range []struct{ flow, listed, want string }{
		{"shop/db -> shop/web:http", "{from: shop/db, to: shop/web, port: http}", "allow TCP 8080"},
		{"shop/db -> shop/web:http,admin", "{from: shop/db, to: shop/web, port: [http, admin]}", "partly TCP 8080,9000; open TCP 8080"},
		{"shop/db -> shop/web:admin", "{from: shop/db, to: shop/web, port: admin}", "deny TCP 9000"},
		{"shop/db -> shop/web", "{from: shop/db, to: shop/web}", "partly on every port; open TCP 8080"},
		{"shop/db -> shop/web:any", "{from: shop/db, to: shop/web, port: any}", "partly on every port; open TCP 8080"},
		{"shop/db -> shop/web:8080-8081", "{from: shop/db, to: shop/web, port: 8080-8081}", "partly TCP 8080-8081; open TCP 8080"},
		{"shop/web:1024 -> shop/db:5432", "{from: shop/web, to: shop/db, sourcePort: 1024, port: 5432}", "allow TCP 5432 from port 1024"},
		{"shop/web:1025 -> shop/db:5432", "{from: shop/web, to: shop/db, sourcePort: 1025, port: 5432}", "deny TCP 5432 from port 1025"},
		{"shop/web -> shop/db:5432", "{from: shop/web, to: shop/db, port: 5432}", "unknown TCP 5432"},
		{"shop/web:1024 -> shop/db", "{from: shop/web, to: shop/db, sourcePort: 1024}", "partly on every port from port 1024; open TCP 5432; UDP 53-54"},
		{"shop/web:9 -> shop/db", "{from: shop/web, to: shop/db, sourcePort: 9}", "partly on every port from port 9; open UDP 53-54"},
		{"shop/web -> shop/db:53/udp,54/udp", "{from: shop/web, to: shop/db, protocol: UDP, port: [53, 54]}", "allow UDP 53-54"},
		{"", "{from: shop/web, to: shop/db, protocol: UDP}", "partly UDP; open UDP 53-54"},
		{"", "{from: shop/web, to: shop/db, protocol: ICMP}", "deny ICMP; open "},
		{"", "{from: shop/web, to: shop/db, protocol: 47}", "deny protocol 47"},
		{"", "{from: shop/web, to: shop/db, protocol: UDPLite, port: 53, sourcePort: 1}", "deny UDPLite"},
		{"", "{from: shop/web, to: shop/db, icmp: {type: 8}}", "deny ICMP type 8 code 0"},
		{"", "{from: shop/db, to: shop/web, protocol: UDP, port: http}", "unanswered shop/web has no port called http on UDP"},
	} {
		list, found := language.ParseList(language.File{Path: "f", Data: []byte("- " + test.listed)})
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		answers := w.AnswerList(list, Deciding)
		if test.flow != "" {
			answers = append(answers, answered(t, w, test.flow, Deciding))
		}
		for i, a := range answers {
			got := fmt.Sprintf("%s %s", a.Verdict, a.Question.Traffic)
			if a.Open != nil {
				got += "; open " + a.Open.Traffic
			}
			for _, m := range a.Missing {
				got += m.Reason
			}
			if got != test.want {
				t.Errorf("%s %d: %s, expected %s", test.listed, i, got, test.want)
			}
		}
	}
}
