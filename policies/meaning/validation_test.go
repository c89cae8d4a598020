package meaning_test

import (
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// accepted are the objects of the matrix that Calico's validators of the pinned API
// (release 3.31) accept; they refuse all others.
var accepted = []string{
	"v07-port-range", "v15-proto-num6-port", "v21-noticmp-noproto", "v39-empty-types", "v44-svc-ingress-src-ports",
	"v47-neg-order", "v48-ns-set", "kube-admin", "gns-ip", "gns-dup", "knp.default.foo.bar",
}

// acceptedSince332 changes with that release: named ports need no protocol, names
// need no tier, and other tiers are Calico's own.
var acceptedSince332 = append([]string{"v12-namedport-noproto", "v32.onedot", "adminnetworkpolicy"},
	slices.DeleteFunc(slices.Clone(accepted), func(name string) bool { return name == "kube-admin" })...)

// acceptedSince333: a set's ranges differ from one another.
var acceptedSince333 = slices.DeleteFunc(slices.Clone(acceptedSince332), func(name string) bool { return name == "gns-dup" })

func TestValidationMatrix(t *testing.T) {
	t.Parallel()
	docs := oracle.ValidationMatrix()
	for minor, want := range map[int][]string{31: accepted, 32: acceptedSince332, 33: acceptedSince333} {
		var got []string
		for _, doc := range docs {
			if name, ok := valid(t, string(doc), minor); ok {
				got = append(got, name)
			}
		}
		wanted := slices.Sorted(slices.Values(want))
		slices.Sort(got)
		if !slices.Equal(got, wanted) {
			t.Errorf("Calico 3.%d accepts\n%q, found valid\n%q", minor, wanted, got)
		}
	}
	if len(docs) != 62 {
		t.Errorf("read %d objects, expected 62", len(docs))
	}
}

// valid reads one manifest, and says whether nothing was found wrong with it.
func valid(t *testing.T, text string, minor int) (name string, ok bool) {
	t.Helper()
	objects, found := object.Decode("matrix.yaml", []byte(text))
	if len(objects) == 1 && !found.Failed() {
		set, more := object.NewSet(objects)
		cluster := object.DefaultCluster()
		cluster.CalicoMinor = minor
		_, invalid := meaning.Of(set, cluster)
		found = append(append(found, more...), invalid...)
	}
	for _, d := range found {
		pointsInto(t, objects, d)
	}
	if found.Failed() {
		return "", false
	}
	return objects[0].ID.Name, true
}

// Releases that accept something.
const (
	never  = 99
	always = 0
)

// What the matrix does not try of the fields that are read. Calico 3.28's validator,
// asked through ci/calico, agrees with all rows of rules but those that say so.
func TestValidation(t *testing.T) {
	t.Parallel()
	const (
		global = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\n"
		local  = "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\n"
		tier   = "apiVersion: projectcalico.org/v3\nkind: Tier\n"
		staged = "apiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\n"
		rule   = global + "metadata: {name: p}\nspec: {types: [Ingress], ingress: [{action: Allow, "
		end    = "}]}"
	)
	for _, c := range []struct {
		text  string
		since int
	}{
		{rule + "protocol: 1, icmp: {type: 8}" + end, 33},
		{rule + "protocol: 58, icmp: {type: 128}" + end, 33},
		{rule + "protocol: ICMP, icmp: {type: 8, code: 255}" + end, always},
		{rule + "protocol: ICMP, icmp: {type: 8, code: 256}" + end, never},
		{rule + "protocol: ICMP, icmp: {type: -1}" + end, never},
		{rule + "protocol: ICMP, notICMP: {code: 1}" + end, never},
		{rule + "notProtocol: ICMP, ipVersion: 6" + end, never},
		{rule + "protocol: ICMPv6, ipVersion: 4" + end, never},
		{rule + "ipVersion: 5" + end, never},
		{rule + "ipVersion: 4, source: {nets: ['fd00::/8']}" + end, never},
		{rule + "source: {notNets: ['::/0']}" + end, never}, // since 3.29 or so
		{rule + "source: {nets: [0.0.0.0/0]}" + end, always},
		{rule + "source: {nets: [010.0.0.0/8]}" + end, never},
		{rule + "protocol: ICMP, destination: {ports: [http]}" + end, never},
		{rule + "protocol: 132, destination: {ports: [80]}" + end, always},
		{rule + "protocol: '6', destination: {ports: [80]}" + end, always},
		{rule + "protocol: 255" + end, always},
		{rule + "protocol: 256" + end, never},
		{rule + "notProtocol: UDP, destination: {ports: [80]}" + end, never},
		{rule + "destination: {notPorts: [80]}" + end, never},
		{rule + "destination: {notPorts: [http]}" + end, 32},
		{rule + "notProtocol: tcp" + end, never},
		{rule + "protocol: TCP, destination: {ports: [Http]}" + end, never},
		{rule + "protocol: TCP, destination: {ports: [a_b]}" + end, never},
		{rule + "protocol: TCP, destination: {ports: [abcdefghijklmnop]}" + end, never},
		{rule + "protocol: TCP, destination: {ports: [65536]}" + end, never},
		{rule + "http: {methods: [GET], paths: [{prefix: /a}]}" + end, always},
		{rule + "http: {paths: [{exact: /a, prefix: /b}]}" + end, never},
		{rule + "http: {paths: [{}]}" + end, never},
		{rule + "http: {paths: [{exact: '/a?b'}]}" + end, never},
		{rule + "http: {methods: [GET, GET]}" + end, never},
		{rule + "protocol: 6, http: {methods: [GET]}" + end, never},
		{rule + "source: {services: {name: x, namespace: shop}, serviceAccounts: {names: [a]}}" + end, never},
		{rule + "source: {services: {name: x, namespace: shop}, namespaceSelector: all()}" + end, never},
		{rule + "source: {services: {name: x, namespace: shop}, notSelector: all()}" + end, never},
		{rule + "source: {services: {name: x, namespace: shop}, notNets: [10.0.0.0/8]}" + end, never},
		{rule + "source: {services: {namespace: shop}}" + end, never},
		{rule + "protocol: TCP, source: {services: {name: x, namespace: shop}, ports: [80]}" + end, always},
		{rule + "protocol: TCP, source: {services: {name: x, namespace: shop}, notPorts: [80]}" + end, always},
		{rule + "source: {serviceAccounts: {selector: a = 1}}" + end, never},
		{rule + "source: {notSelector: a = 1}" + end, never},
		{rule + "source: {namespaceSelector: global()}" + end, always},
		// Newer than 3.28: global() elsewhere, or beside something.
		{rule + "source: {namespaceSelector: '!global()'}" + end, never},
		{rule + "source: {notSelector: global()}" + end, never},
		{rule + "source: {serviceAccounts: {selector: global()}}" + end, never},

		{global + "metadata: {name: p}\nspec: {egress: [{action: Allow, source: {services: {name: x, namespace: shop}}}]}", never},
		{global + "metadata: {name: p}\nspec: {egress: [{action: Allow, protocol: TCP, destination: {services: {name: x, namespace: shop}, notPorts: [80]}}]}", never},
		{global + "metadata: {name: p}\nspec: {ingress: [{action: next-tier}]}", never},
		{global + "metadata: {name: p}\nspec: {serviceAccountSelector: a = 1}", never},
		{global + "metadata: {name: p}\nspec: {namespaceSelector: global()}", never},
		{global + "metadata: {name: p}\nspec: {types: [ingress]}", never},
		{global + "metadata: {name: p}\nspec: {applyOnForward: true, doNotTrack: true, types: [Ingress, Egress]}", always},
		{global + "metadata: {name: a.p}\nspec: {tier: a}", always},
		{global + "metadata: {name: p}\nspec: {tier: a}", 32},
		{global + "metadata: {name: b.p}\nspec: {tier: a}", 32},
		{global + "metadata: {name: default.p}\nspec: {}", always},
		{local + "metadata: {name: ossg.default.a.b, namespace: shop}\nspec: {}", always},
		{local + "metadata: {name: p, namespace: shop}\nspec: {egress: [{action: Allow, destination: {services: {name: x}}}]}", always},
		{local + "metadata: {name: p, namespace: shop}\nspec: {preDNAT: true}", never},
		{staged + "metadata: {name: p}\nspec: {stagedAction: Delete}", always},
		{staged + "metadata: {name: p}\nspec: {stagedAction: Delete, selector: all()}", never},
		{staged + "metadata: {name: p}\nspec: {stagedAction: Remove}", never},

		{tier + "metadata: {name: a}\nspec: {order: 1.5, defaultAction: Pass}", always},
		{tier + "metadata: {name: A}\nspec: {order: 1}", never},
		{tier + "metadata: {name: " + strings.Repeat("a", 63) + "}\nspec: {order: 1}", always},
		{tier + "metadata: {name: " + strings.Repeat("a", 64) + "}\nspec: {order: 1}", never},
		{tier + "metadata: {name: default}\nspec: {order: 1000000, defaultAction: Deny}", always},
		{tier + "metadata: {name: kube-admin}\nspec: {order: 1000, defaultAction: Pass}", always},
		{tier + "metadata: {name: kube-baseline}\nspec: {order: 10000000, defaultAction: Pass}", always},
		{"apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: s, namespace: shop, labels: {projectcalico.org/namespace: x}}\nspec: {nets: []}", never},
		{"apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: s, namespace: shop}\nspec: {nets: [192.0.2.1, 'fd00::1/64']}", always},
		{"apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: h}\nspec: {node: node1, expectedIPs: [192.0.2.1]}", always},
		{"apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: h}\nspec: {node: node1, expectedIPs: [192.0.2.0/24]}", never},
	} {
		for _, minor := range []int{31, 32, 33} {
			if _, ok := valid(t, c.text, minor); ok != (minor >= c.since) {
				t.Errorf("Calico 3.%d: accepted is %t, expected %t:\n%s", minor, ok, minor >= c.since, c.text)
			}
		}
	}
	// A tier that becomes one of Calico's own.
	const pass = tier + "metadata: {name: default}\nspec: {order: 1000000, defaultAction: Pass}"
	for minor, want := range map[int]bool{31: true, 32: false} {
		if _, ok := valid(t, pass, minor); ok != want {
			t.Errorf("Calico 3.%d: tier default that passes: accepted is %t, expected %t", minor, ok, want)
		}
	}
}

// pointsInto checks that a finding names its object and a value in it, or the place
// where one is missing.
func pointsInto(t *testing.T, objects []object.Object, d diag.Diagnostic) {
	t.Helper()
	if d.Span.HasPosition() { // the decoder's own
		return
	}
	if len(objects) != 1 || d.Subject.Object != objects[0].ID {
		t.Errorf("%s %s is about %s", d.Rule.Code, d.Message, d.Subject.Object)
	}
	if d.Message == "" || strings.Contains(d.Message, "%!") || strings.HasSuffix(d.Message, ".") {
		t.Errorf("%s says %q", d.Rule.Code, d.Message)
	}
}
