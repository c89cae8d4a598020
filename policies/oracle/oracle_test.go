package oracle

import (
	"net/netip"
	"testing"

	"portcullis.dev/policies/object"
)

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: c}]}
status: {podIP: 10.244.0.1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: p}
spec: {order: 10, selector: app == 'api', types: [Ingress], ingress: [`

// What is not known is unknown only where it makes a difference.
func TestTriesBothWays(t *testing.T) {
	t.Parallel()
	pods := []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	for _, c := range []struct {
		rules string
		pods  []netip.Prefix
		want  Outcome
	}{
		{"{action: Allow, source: {nets: [10.244.7.0/24]}}", nil, Unknown},
		{"{action: Allow, source: {nets: [10.244.7.0/24]}}, {action: Allow, source: {notNets: [10.244.7.0/24]}}", nil, Allow},
		{"{action: Deny, source: {nets: [10.244.7.0/24]}}", nil, Deny},
		{"{action: Allow, source: {nets: [10.0.0.0/8]}}", nil, Unknown},
		{"{action: Allow, source: {nets: [10.0.0.0/8]}}", pods, Allow},
		{"{action: Allow, source: {nets: [192.168.0.0/16]}}", pods, Deny},
		{"{action: Allow, source: {nets: [10.244.0.1/32]}}", pods, Deny}, // another pod has it
		{"{action: Allow, source: {selector: app == 'web'}}", nil, Allow},
		{"{action: Allow, protocol: TCP, source: {ports: ['1:1023']}}", pods, Unknown},
		{"{action: Allow, protocol: TCP, source: {ports: ['1:65535']}}", pods, Allow},
	} {
		objects, found := object.Decode("shop.yaml", []byte(shop+c.rules+"]}"))
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		set, _ := object.NewSet(objects)
		cluster := object.DefaultCluster()
		cluster.PodCIDRs = c.pods
		v := Of(set, cluster).Judge(Packet{From: End{Name: "shop/web"}, To: End{Name: "shop/api"}, Protocol: TCP, Port: 80})
		if v.Ingress.Outcome != c.want {
			t.Errorf("%s: got %s (%s), expected %s", c.rules, v.Ingress.Outcome, v.Ingress.By, c.want)
		}
	}
}

// TestTies: policies of one order are taken in the order of the release.
func TestTies(t *testing.T) {
	t.Parallel()
	policies := map[string]string{
		"rule":       "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: rule}, spec: {order: 1000, types: [Ingress], ingress: [{action: Deny}]}}",
		"rule-extra": "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: rule-extra}, spec: {order: 1000, types: [Ingress], ingress: [{action: Allow}]}}",
		"aaa":        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: aaa, namespace: shop}, spec: {podSelector: {}, ingress: [{}]}}",
		"zzz":        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: zzz, namespace: shop}, spec: {podSelector: {}, ingress: [{}]}}",
	}
	for _, c := range []struct {
		with  []string
		minor int
		want  Outcome
	}{
		{[]string{"rule", "rule-extra"}, 31, Deny},
		{[]string{"rule", "rule-extra"}, 32, Allow},
		{[]string{"rule", "aaa"}, 31, Deny}, // rule before shop/…
		{[]string{"rule", "aaa"}, 32, Allow},
		{[]string{"rule", "zzz"}, 32, Deny},
	} {
		text := shop + "{action: Pass, protocol: UDP}]}"
		for _, name := range c.with {
			text += "\n---\n" + policies[name]
		}
		objects, found := object.Decode("ties.yaml", []byte(text))
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		set, _ := object.NewSet(objects)
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = c.minor
		v := Of(set, cluster).Judge(Packet{From: End{Address: netip.MustParseAddr("8.8.8.8")}, To: End{Name: "shop/api"}, Protocol: TCP, SourcePort: 1, Port: 80})
		if v.Ingress.Outcome != c.want {
			t.Errorf("%q on 3.%d: got %s (%s), expected %s", c.with, c.minor, v.Ingress.Outcome, v.Ingress.By, c.want)
		}
	}
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"app": "web", "in": "x", "pcns.app": "other"}
	for text, want := range map[string]bool{
		"": true, " \t": true, "all()": true, "all( )": true, "global()": true, "has(app)": true, "!has(app)": false, "! ! has( app )": true,
		"app == 'web'": true, `app=="web"`: true, "app != 'web'": false, "missing != 'web'": true, "missing == 'web'": false,
		"app in {'web', 'api'}": true, "app in {'web',}": true, "app in {}": false, "app not in {}": true, "app notin {'web'}": false,
		"missing not in {'web'}": true, "app contains 'e'": true, "app starts with 'we'": true, "app startswith 'eb'": false,
		"app ends with 'eb'": true, "missing contains ''": false, "in == 'x'": true, "!app == 'web'": false,
		"has(missing) || has(app) && has(missing)": false, "(has(missing) || has(app)) && has(app)": true, "has(app)&&!(has(missing))": true,
	} {
		s, err := parse(text, plain)
		if err != nil || s(labels) != want {
			t.Errorf("%q: error %v, expected %t", text, err, want)
		}
	}
	for _, text := range []string{
		"app", "app =", "app = 'web'", "app == web", "app == 'web", "'app' == 'web'", "has (app)", "has(a:b)", "app == 'web' and has(app)",
		"(has(app)", "has(app))", "app in 'web'", "app in {'web' 'api'}", "app == 'web'\n", "!", "&& has(app)", "has(app) &",
	} {
		if _, err := parse(text, plain); err == nil {
			t.Errorf("%q parses", text)
		}
	}
}
