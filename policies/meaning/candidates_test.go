package meaning

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
)

// TestAskerSkipsWhatCannotMatch: a verdict, and every step to it, is the same whether all
// rules of a long policy are tried or only those that name the peer's address.
func TestAskerSkipsWhatCannotMatch(t *testing.T) {
	t.Parallel()
	tried, all := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		families := [][]string{
			{"10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/17", "10.1.2.0/24", "10.1.2.3/32", "192.0.2.0/24", "192.0.2.0/30", "0.0.0.0/1"},
			{"2001:db8::/32", "2001:db8::/64", "2001:db8::1/128", "::/1"},
		}
		var rules strings.Builder
		for range rapid.IntRange(manyRules, manyRules+20).Draw(r, "rules") {
			action := rapid.SampledFrom([]string{"Allow", "Deny", "Pass", "Log"}).Draw(r, "action")
			family := rapid.SampledFrom(families).Draw(r, "family")
			nets := rapid.Custom(func(r *rapid.T) string {
				return "['" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(family), 1, 3).Draw(r, "nets"), "', '") + "']"
			})
			var peer string
			switch rapid.IntRange(0, 8).Draw(r, "peer") {
			case 0:
				peer = "{notNets: " + nets.Draw(r, "of") + "}"
			case 1:
				peer = "{nets: " + nets.Draw(r, "of") + ", notNets: " + nets.Draw(r, "not") + "}"
			case 2:
				peer = "{nets: " + nets.Draw(r, "of") + ", selector: app == 'web'}"
			case 3:
				peer = "{selector: app == 'api'}"
			default:
				peer = "{nets: " + nets.Draw(r, "of") + "}"
			}
			fmt.Fprintf(&rules, "\n    - {action: %s, protocol: %s, source: %s}", action, rapid.SampledFrom([]string{"TCP", "UDP", "TCP", "SCTP"}).Draw(r, "protocol"), peer)
		}
		m, found := Of(decode(t, "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec:\n  selector: all()\n  types: [Ingress, Egress]\n  ingress:"+rules.String()+"\n  egress:"+strings.ReplaceAll(rules.String(), "source:", "destination:")+"\n"), object.DefaultCluster())
		if found.Failed() {
			r.Fatal(found.Err())
		}
		a, every := m.Asker(), m.once()
		pods := []*Endpoint{web, {Namespace: "shop", Name: "known", Labels: map[string]string{"app": "api"}, Addresses: []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")}}}
		peers := []Peer{Pod(pods[0]), Pod(pods[1])}
		for _, address := range []string{"10.1.2.3", "10.1.2.4", "10.1.200.1", "10.9.0.1", "192.0.2.1", "192.0.2.77", "8.8.8.8", "::ffff:10.1.2.3", "2001:db8::1", "2001:db8:0:1::", "2606::1"} {
			peers = append(peers, Address(netip.MustParseAddr(address)))
		}
		for _, pod := range pods {
			for _, peer := range peers {
				for _, protocol := range []Protocol{TCP, UDP} {
					for _, family := range []int{0, 4, 6} {
						for _, p := range []Packet{{From: peer, To: Pod(pod), Protocol: protocol, Port: 80, Family: family}, {From: Pod(pod), To: peer, Protocol: protocol, Port: 80, Family: family}} {
							if want, got := every.Walk(p), a.Walk(p); !reflect.DeepEqual(want, got) {
								r.Fatalf("%s: %+v, expected %+v", p, got, want)
							}
						}
					}
				}
			}
		}
		tried, all = tried+a.tried, all+every.tried
	})
	if tried >= all {
		t.Errorf("%d rules were tried, and %d without a choice", tried, all)
	}
	t.Logf("%d rules were tried, and %d without a choice", tried, all)
}

// TestWalksOfALongPolicy: packets to each of many ranges, each with a rule of its own, are
// held against so many rules, and not against their square.
func TestWalksOfALongPolicy(t *testing.T) {
	t.Parallel()
	const ranges = 2000
	var rules strings.Builder
	for i := range ranges {
		fmt.Fprintf(&rules, "\n    - {action: Allow, protocol: TCP, destination: {nets: [20.%d.%d.0/24]}}", i/256, i%256)
	}
	m, found := Of(decode(t, "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec:\n  selector: all()\n  types: [Egress]\n  egress:"+rules.String()+"\n"), object.DefaultCluster())
	if found.Failed() {
		t.Fatal(found.Err())
	}
	a := m.Asker()
	for i := range ranges {
		p := Packet{From: Pod(web), To: Address(netip.AddrFrom4([4]byte{20, byte(i / 256), byte(i), 1})), Protocol: TCP, Port: 443}
		if h := a.WalkHalf(p, Egress); h.Outcome != Allowed || h.By.Pointer != fmt.Sprintf("/spec/egress/%d", i) {
			t.Fatalf("%s: %s by %s", p, h.Outcome, h.By.Pointer)
		}
	}
	if a.tried != ranges {
		t.Errorf("%d packets were held against %d rules, expected one each", ranges, a.tried)
	}
}
