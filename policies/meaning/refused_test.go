package meaning_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// What Calico's clients or the API server refuse beside rules and selectors: the finding says
// who, and stands at the value.
func TestRefused(t *testing.T) {
	t.Parallel()
	const (
		global  = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec: "
		set     = "apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: %s, namespace: shop}\nspec: {nets: []}"
		host    = "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: h}\nspec: {node: node1, interfaceName: eth0, %s}"
		profile = "apiVersion: projectcalico.org/v3\nkind: Profile\nmetadata: {name: lan}\nspec: {labelsToApply: {%s}}"
		plain   = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: %s}]}]}"
		asks    = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: %s}"
		cluster = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {tier: Admin, priority: %s}"
		ingress = "1, subject: {namespaces: {}}, ingress: [%s]"
		egress  = "1, subject: {namespaces: {}}, egress: [%s]"
	)
	many := func(n int, text string) string { return strings.Repeat(text+", ", n-1) + text }
	in := func(rule string) string { return fmt.Sprintf(cluster, fmt.Sprintf(ingress, rule)) }
	out := func(rule string) string { return fmt.Sprintf(cluster, fmt.Sprintf(egress, rule)) }
	const peer = "{namespaces: {}}"
	for _, c := range []struct {
		text  string
		minor int
		want  string // code, place and authority; empty for nothing
	}{
		{global + "{performanceHints: [AssumeNeededOnEveryNode]}", 31, ""},
		{global + "{performanceHints: [Fast]}", 31, "PC023 /spec/performanceHints/0 Calico"},
		{global + "{performanceHints: [AssumeNeededOnEveryNode, AssumeNeededOnEveryNode]}", 31, "PC023 /spec/performanceHints/1 Calico"},
		{strings.Replace(global, "name: p", "name: p, namespace: shop", 1) + "{}", 31, "PC025 /metadata/namespace calicoctl"},
		{strings.Replace(global, "name: p", "name: p, namespace: ''", 1) + "{}", 31, ""},

		{fmt.Sprintf(set, "office.lan-1"), 31, ""},
		{fmt.Sprintf(set, "Office"), 31, "PC025 /metadata/name Calico"},
		{fmt.Sprintf(set, "office_lan"), 31, "PC025 /metadata/name Calico"},
		{fmt.Sprintf(set, strings.Repeat("a", 253)), 31, ""},
		{fmt.Sprintf(set, strings.Repeat("a", 254)), 31, "PC025 /metadata/name Calico"},

		{fmt.Sprintf(host, "ports: [{name: web, protocol: TCP, port: 80}]"), 31, ""},
		{fmt.Sprintf(host, "ports: [{protocol: TCP, port: 80}]"), 31, "PC022 /spec/ports/0 Calico"},
		{fmt.Sprintf(host, "ports: [{name: Web, protocol: TCP, port: 80}]"), 31, "PC022 /spec/ports/0/name Calico"},
		{fmt.Sprintf(host, "ports: [{name: web, protocol: TCP}]"), 31, "PC022 /spec/ports/0 Calico"},
		{fmt.Sprintf(host, "ports: [{name: web, protocol: ICMP, port: 80}]"), 31, "PC022 /spec/ports/0/protocol Calico"},
		{fmt.Sprintf(host, "profiles: [projectcalico-default-allow, Lan]"), 31, "PC025 /spec/profiles/1 Calico"},
		{strings.Replace(fmt.Sprintf(host, "expectedIPs: []"), "eth0", "'*'", 1), 31, ""},
		{strings.Replace(fmt.Sprintf(host, "expectedIPs: []"), "eth0", "an-interface-too-long", 1), 31, "PC025 /spec/interfaceName Calico"},
		{strings.Replace(fmt.Sprintf(host, "expectedIPs: []"), "node1", "Node 1", 1), 31, "PC025 /spec/node Calico"},

		{fmt.Sprintf(profile, "a.b/zone: lan"), 31, ""},
		{fmt.Sprintf(profile, "a/b/c: lan"), 31, "PC025 /spec/labelsToApply/a~1b~1c Calico"},
		{fmt.Sprintf(profile, "zone: a lan"), 31, "PC025 /spec/labelsToApply/zone Calico"},

		{fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), 31, ""},
		{fmt.Sprintf(plain, "{cidr: 192.0.2.1}"), 31, "PC021 /spec/ingress/0/from/0/ipBlock/cidr the API server"},
		{fmt.Sprintf(plain, "{cidr: 192.0.2.0/24, except: [192.0.2.1]}"), 31, "PC021 /spec/ingress/0/from/0/ipBlock/except/0 the API server"},
		{strings.Replace(fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), "name: p", "name: P", 1), 31, "PC025 /metadata/name the API server"},
		{fmt.Sprintf(plain, "{cidr: '::ffff:192.0.2.0/120'}"), 31, "PC021 /spec/ingress/0/from/0/ipBlock/cidr the API server"},
		{fmt.Sprintf(plain, "{cidr: '2001:db8::/32', except: ['2001:db8:0:FFFF::/64']}"), 31, ""},
		{strings.Replace(fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), "name: p", "name: p, labels: {team: two words}", 1), 31, "PC025 /metadata/labels/team the API server"},
		{strings.Replace(fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), "name: p", "name: p, labels: {a.b/team: '', -team: a}", 1), 31, "PC025 /metadata/labels/-team the API server"},
		{strings.Replace(fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), "name: p", "name: p, annotations: {A.b/Team: two words}", 1), 31, ""},
		{strings.Replace(fmt.Sprintf(plain, "{cidr: 192.0.2.0/24}"), "name: p", "name: p, annotations: {two words: a}", 1), 31, "PC025 /metadata/annotations/two words the API server"},
		{strings.Replace(global, "name: p", "name: p, labels: {team: a.}", 1) + "{}", 31, "PC025 /metadata/labels/team the API server"},

		{fmt.Sprintf(asks, "{matchLabels: {a.b/c: '', d: e_F.1}}"), 31, ""},
		{fmt.Sprintf(asks, "{matchLabels: {a: b c}}"), 31, "PC025 /spec/podSelector/matchLabels/a the API server"},
		{fmt.Sprintf(asks, "{matchLabels: {a/b/c: d}}"), 31, "PC025 /spec/podSelector/matchLabels/a~1b~1c the API server"},
		{fmt.Sprintf(asks, "{matchLabels: {a: "+strings.Repeat("b", 63)+"}}"), 31, ""},
		{fmt.Sprintf(asks, "{matchLabels: {a: "+strings.Repeat("b", 64)+"}}"), 31, "PC025 /spec/podSelector/matchLabels/a the API server"},
		{fmt.Sprintf(asks, "{matchExpressions: [{key: a b, operator: Exists}]}"), 31, "PC025 /spec/podSelector/matchExpressions/0/key the API server"},
		{fmt.Sprintf(asks, "{matchExpressions: [{key: a, operator: NotIn, values: [b, -c]}]}"), 31, "PC025 /spec/podSelector/matchExpressions/0/values/1 the API server"},
		{strings.Replace(fmt.Sprintf(asks, "{matchLabels: {a: b c}}"), "networking.k8s.io/v1\nkind: ", "projectcalico.org/v3\nkind: StagedKubernetes", 1), 31, ""},

		{in("{action: Deny, from: [" + peer + "]}"), 32, ""},
		{fmt.Sprintf(cluster, "1000, subject: {namespaces: {}}"), 32, ""},
		{fmt.Sprintf(cluster, "1001, subject: {namespaces: {}}"), 32, "PC035 /spec/priority the API server"},
		{fmt.Sprintf(cluster, "-1, subject: {namespaces: {}}"), 32, "PC035 /spec/priority the API server"},
		{fmt.Sprintf(cluster, "1, subject: {namespaces: {}, pods: {podSelector: {}}}"), 32, "PC026 /spec/subject the API server"},
		{strings.Replace(fmt.Sprintf(cluster, "1, subject: {namespaces: {}}"), "name: p", "name: p, namespace: shop", 1), 32, "PC025 /metadata/namespace the API server"},
		{in(many(25, "{action: Deny, from: ["+peer+"]}")), 32, ""},
		{in(many(26, "{action: Deny, from: ["+peer+"]}")), 32, "PC035 /spec/ingress the API server"},
		{out(many(26, "{action: Deny, to: ["+peer+"]}")), 32, "PC035 /spec/egress the API server"},
		{in("{action: Deny, from: [" + many(25, peer) + "]}"), 32, ""},
		{in("{action: Deny, from: [" + many(26, peer) + "]}"), 32, "PC035 /spec/ingress/0/from the API server"},
		{in("{action: Deny, from: []}"), 32, "PC035 /spec/ingress/0 the API server"},
		{in("{action: Deny}"), 32, "PC035 /spec/ingress/0 the API server"},
		{in("{name: " + strings.Repeat("é", 100) + ", action: Deny, from: [" + peer + "]}"), 32, ""},
		{in("{name: " + strings.Repeat("a", 101) + ", action: Deny, from: [" + peer + "]}"), 32, "PC035 /spec/ingress/0/name the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: []}"), 32, "PC035 /spec/ingress/0/protocols the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: [" + many(26, "{destinationNamedPort: web}") + "]}"), 32, "PC035 /spec/ingress/0/protocols the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: [{tcp: {}}]}"), 32, "PC035 /spec/ingress/0/protocols/0/tcp the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: [{destinationNamedPort: web, udp: {destinationPort: {number: 1}}}]}"), 32, "PC026 /spec/ingress/0/protocols/0 the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: [{tcp: {destinationPort: {range: {start: 1, end: 1}}}}]}"), 32, "PC035 /spec/ingress/0/protocols/0/tcp/destinationPort/range the API server"},
		{in("{action: Deny, from: [" + peer + "], protocols: [{tcp: {destinationPort: {number: 1, range: {start: 1, end: 2}}}}]}"), 32, "PC026 /spec/ingress/0/protocols/0/tcp/destinationPort the API server"},
		{in("{action: Accept, from: [{networks: [192.0.2.0/24]}]}"), 32, "PC026 /spec/ingress/0/from/0/networks the API server"},
		{in("{action: Accept, from: [{namespaces: {}, pods: {podSelector: {}}}]}"), 32, "PC026 /spec/ingress/0/from/0 the API server"},
		{out("{action: Accept, to: [{networks: [192.0.2.0/24]}]}"), 32, ""},
		{out("{action: Accept, to: [{networks: []}]}"), 32, "PC035 /spec/egress/0/to/0/networks the API server"},
		{out("{action: Accept, to: [{networks: [192.0.2.1]}]}"), 32, "PC021 /spec/egress/0/to/0/networks/0 the API server"},
		{out("{action: Accept, to: [{networks: [192.0.2.0/24, 192.0.2.0/24]}]}"), 32, "PC026 /spec/egress/0/to/0/networks/1 the API server"},
		{out("{action: Accept, to: [{networks: [192.0.2.0/24]}], protocols: [{destinationNamedPort: web}]}"), 32, "PC026 /spec/egress/0/to/0/networks the API server"},

		{global + "{ingress: [" + many(1025, "{action: Deny}") + "]}", 32, ""},
		{global + "{ingress: [" + many(1024, "{action: Deny}") + "]}", 33, ""},
		{global + "{ingress: [" + many(1025, "{action: Deny}") + "]}", 33, "PC035 /spec/ingress the API server"},
		{global + "{selector: has(a" + strings.Repeat(" ", 1018) + ")}", 33, ""},
		{global + "{selector: has(a" + strings.Repeat(" ", 1019) + ")}", 33, "PC035 /spec/selector the API server"},
		{global + "{egress: [{action: Deny, protocol: TCP, destination: {ports: [" + many(51, "1") + "]}}]}", 33, "PC035 /spec/egress/0/destination/ports the API server"},
		{global + "{egress: [{action: Deny, destination: {notNets: [10.0.0.0/8, 10.0.0.0/8]}}]}", 32, ""},
		{global + "{egress: [{action: Deny, destination: {notNets: [10.0.0.0/8, 10.0.0.0/8]}}]}", 33, "PC026 /spec/egress/0/destination/notNets/1 the API server"},
	} {
		objects, bad := object.Decode("m.yaml", []byte(c.text))
		set, twice := object.NewSet(objects)
		of := object.DefaultCluster()
		of.CalicoMinor = c.minor
		_, found := meaning.Of(set, of)
		var got []string
		for _, d := range append(append(bad, twice...), found...) {
			pointsInto(t, objects, d)
			if d.Rule.Code == "PC024" {
				continue // a peer that Calico does not implement, and host endpoints
			}
			_, there := objects[0].Value(d.Subject.Pointer)
			if !there {
				t.Errorf("%s stands at %s, and nothing does", d.Rule.Code, d.Subject.Pointer)
			}
			got = append(got, strings.TrimSpace(strings.Join([]string{d.Rule.Code, d.Subject.Pointer, authority(d)}, " ")))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("Calico 3.%d: found %q, expected %q:\n%.300s", c.minor, got, c.want, c.text)
		}
	}
}

// authority is who refuses, as a finding says it.
func authority(d diag.Diagnostic) string {
	for _, who := range []string{"calicoctl", "the API server", "Calico"} {
		if strings.Contains(d.Why, who+" refuses") || strings.Contains(d.Why, who+" drops") {
			return who
		}
	}
	return ""
}
