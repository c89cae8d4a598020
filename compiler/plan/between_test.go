package plan_test

import (
	"net/netip"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

func place(namespace string, labels ...string) plan.Place {
	p := plan.Place{Namespace: namespace, NamespaceLabels: map[string]string{plan.NamespaceLabel: namespace}, Labels: map[string]string{}}
	for _, app := range labels {
		p.Labels["app"] = app
	}
	return p
}

func address(text string) plan.Place { return plan.Place{Address: netip.MustParseAddr(text)} }

func labelled(p plan.Place, key, value string) plan.Place {
	p.NamespaceLabels = map[string]string{plan.NamespaceLabel: p.Namespace, key: value}
	return p
}

func app(namespace, name string) plan.End {
	return plan.End{Name: namespace + "/" + name, Pods: &plan.Pods{Namespace: namespace, Selector: object.NewSelector(object.Equals("app", name))}}
}

// TestBetween asks a plan with everything in it who may talk to whom.
func TestBetween(t *testing.T) {
	t.Parallel()
	everybody := plan.End{Name: "*/*", Pods: &plan.Pods{}}
	corp := plan.End{Name: "@corp", Blocks: []plan.Block{{
		CIDR: netip.MustParsePrefix("192.0.2.0/24"), Except: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")},
	}}}
	tcp := func(n uint16) []plan.Port { return []plan.Port{{Protocol: plan.TCP, First: n, Last: n}} }
	intents := []plan.Origin{{Intent: "shop/web"}}
	platforms := []plan.Origin{{}}
	p := &plan.Plan{
		Cluster: object.DefaultCluster(), DenyUnknown: true, Stages: plan.DefaultStages(),
		Namespaces: []plan.Namespace{
			{Name: "described"}, {Name: "kube-system", System: true},
			{Name: "pr-*", Pattern: true, Labels: map[string]string{plan.NamespaceLabel: "pr-*", "preview": "true"}},
			{Name: "quiet", Governed: true}, {Name: "shop", Governed: true}, {Name: "staged", Staged: true},
			{Name: "try-*", Pattern: true, Open: true, Labels: map[string]string{plan.NamespaceLabel: "try-*", "trial": "true"}},
		},
		Workloads: []plan.Workload{
			{Namespace: "quiet", Name: "talks", Selector: object.NewSelector(object.Equals("app", "talks")), DNS: true},
			{Namespace: "quiet", Name: "vault", Selector: object.NewSelector(object.Equals("app", "vault"))},
		},
		Flows: []plan.Flow{
			{From: app("shop", "web"), To: app("shop", "cart"), Ports: tcp(80), Origins: intents},
			{From: app("shop", "web"), To: corp, Ports: plan.Ping, Origins: intents},
			{From: everybody, To: app("shop", "web"), Ports: tcp(443), Origins: intents},
			{From: app("shop", "scraper"), To: everybody, Ports: tcp(9090), Origins: platforms},
			{From: app("shop", "sick"), To: app("shop", "cart"), Ports: tcp(80), Origins: intents},
		},
		Guardrails: []plan.Guardrail{
			{Name: "no-telnet", To: &everybody, Ports: tcp(23), Unless: []plan.End{app("described", "old")}},
			{Name: "no-corp", From: &corp},
		},
		Quarantine: []plan.Quarantined{{End: app("shop", "sick")}},
	}
	p.Cluster.DNS.NodeLocal = []netip.Addr{netip.MustParseAddr("169.254.20.10")}
	p.Cluster.DNS.Port = 5353
	dns := place("kube-system")
	dns.Labels = map[string]string{"k8s-app": "kube-dns"}
	web, cart, unknown := place("shop", "web"), place("shop", "cart"), place("unknown")
	for _, c := range []struct {
		what     string
		from, to plan.Place
		protocol plan.Protocol
		number   uint16
		want     bool
	}{
		{"a flow", web, cart, plan.TCP, 80, true},
		{"another port", web, cart, plan.TCP, 81, false},
		{"another protocol", web, cart, plan.UDP, 80, false},
		{"the way back", cart, web, plan.TCP, 80, false},
		{"the same labels elsewhere", place("described", "web"), cart, plan.TCP, 80, false},
		{"nobody is held to anything", place("described"), place("staged"), plan.TCP, 1, true},
		{"what is described reaches what accepts it", place("described"), web, plan.TCP, 443, true},
		{"out to what is described, without a flow", web, place("described"), plan.TCP, 80, false},
		{"an address of the block", web, address("192.0.2.127"), plan.ICMP, 8, true},
		{"an address that it leaves out", web, address("192.0.2.128"), plan.ICMP, 8, false},
		{"another message", web, address("192.0.2.127"), plan.ICMP, 9, false},
		{"DNS", cart, dns, plan.UDP, 5353, true},
		{"DNS on another port", cart, dns, plan.UDP, 53, false},
		{"the node-local cache", cart, address("169.254.20.10"), plan.TCP, 53, true},
		{"the node-local cache on the pods' port", cart, address("169.254.20.10"), plan.TCP, 5353, false},
		{"DNS from a workload that does without", place("quiet", "vault"), dns, plan.UDP, 5353, false},
		{"DNS from its neighbour", place("quiet", "talks"), dns, plan.UDP, 5353, true},
		{"DNS from a neighbour without an intent", place("quiet"), dns, plan.UDP, 5353, false},
		{"DNS from where nobody knows", unknown, dns, plan.UDP, 5353, true},
		{"an unknown namespace is closed", unknown, address("8.8.8.8"), plan.TCP, 443, false},
		{"the Platform's flow reaches it", place("shop", "scraper"), unknown, plan.TCP, 9090, true},
		{"an intent's flow does not open its end", unknown, web, plan.TCP, 443, false},
		{"a pattern's namespace is closed", labelled(place("pr-1"), "preview", "true"), address("8.8.8.8"), plan.TCP, 443, false},
		{"one that nobody is to close is open", labelled(place("try-1"), "trial", "true"), address("8.8.8.8"), plan.TCP, 443, true},
		{"its name says nothing", place("try-1"), address("8.8.8.8"), plan.TCP, 443, false},
		{"a guardrail", place("described"), place("staged"), plan.TCP, 23, false},
		{"its exempt source", place("described", "old"), place("staged"), plan.TCP, 23, true},
		{"its exempt destination", place("staged"), place("described", "old"), plan.TCP, 23, true},
		{"system is bound by none", place("kube-system"), place("kube-system"), plan.TCP, 23, true},
		{"the other end of system is", place("kube-system"), place("described"), plan.TCP, 23, false},
		{"from addresses", address("192.0.2.1"), place("described"), plan.TCP, 1, false},
		{"quarantine, out", place("shop", "sick"), cart, plan.TCP, 80, false},
		{"quarantine, DNS", place("shop", "sick"), dns, plan.UDP, 5353, false},
		{"quarantine, in", place("described"), place("shop", "sick"), plan.TCP, 1, false},
	} {
		traffic := p.Between(c.from, c.to)
		if got := traffic.Allows(c.protocol, c.number); got != c.want {
			t.Errorf("%s: allowed is %v; leaves %s, enters %s, denied %s", c.what, got,
				plan.FormatPorts(traffic.Leaves), plan.FormatPorts(traffic.Enters), plan.FormatPorts(traffic.Denied))
		}
	}
	preview := labelled(place("pr-1"), "preview", "true")
	if !p.Between(preview, dns).Allows(plan.UDP, 5353) {
		t.Error("a pattern's namespace has no DNS")
	}
	p.Workloads = append(p.Workloads, plan.Workload{Namespace: "pr-*", Name: "vault"})
	if p.Between(preview, dns).Allows(plan.UDP, 5353) {
		t.Error("a pattern's namespace has DNS, although an intent there does without")
	}
	p.DenyUnknown = false
	if !p.Between(unknown, address("8.8.8.8")).Allows(plan.TCP, 443) {
		t.Error("an unknown namespace is closed although nobody asked for it")
	}
}

func TestReachesUnknown(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Cluster: object.DefaultCluster(), Namespaces: []plan.Namespace{{Name: "a"}, {Name: "pr-*", Pattern: true}}}
	name := func(op object.Operator, values ...string) object.Selector {
		return object.NewSelector(object.Requirement{Key: plan.NamespaceLabel, Op: op, Values: values})
	}
	for _, c := range []struct {
		pods plan.Pods
		want bool
	}{
		{plan.Pods{}, true},
		{plan.Pods{Namespace: "a"}, false},
		{plan.Pods{Namespace: "kube-system"}, false},
		{plan.Pods{Namespace: "b"}, true},
		{plan.Pods{Namespaces: object.NewSelector(object.Equals("team", "x"))}, true},
		{plan.Pods{Namespaces: name(object.In, "a", "kube-system")}, false},
		{plan.Pods{Namespaces: name(object.In, "a", "pr-1")}, true},
		{plan.Pods{Namespaces: name(object.NotIn, "a")}, true},
		{plan.Pods{Namespaces: name(object.Exists)}, true},
		{plan.Pods{Namespaces: name(object.DoesNotExist)}, false},
	} {
		if got := p.ReachesUnknown(c.pods); got != c.want {
			t.Errorf("%+v: %v", c.pods, got)
		}
	}
}
