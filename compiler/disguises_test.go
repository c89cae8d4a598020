package compiler

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// disguise is a mistake that is spelt as if it were none.
type disguise struct {
	code  string
	name  string
	files []string // wrong/ of the code's example in testdata/rules, or of testdata/disguises/more.txtar
	// object is where the finding must point.
	object string
}

var disguises = []disguise{
	{"PC201", "a deny-all that selects by labels some pods lack", []string{"wrong/labels.yaml"}, "NetworkPolicy labels/default-deny"},
	{"PC201", "policyTypes with one direction only", []string{"wrong/one-direction.yaml"}, "NetworkPolicy one-direction/default-deny"},
	{"PC201", "no policyTypes", []string{"wrong/no-types.yaml"}, "NetworkPolicy no-types/default-deny"},
	{"PC201", "ingress rules under policyTypes: [Egress]", []string{"wrong/other-type.yaml"}, "NetworkPolicy other-type/web"},
	{"PC201", "a default deny that is staged", []string{"wrong/staged.yaml"}, "StagedKubernetesNetworkPolicy staged/default-deny"},
	{"PC201", "a tier that ends in Pass with only a namespace profile below", []string{"wrong/pass.yaml"}, "GlobalNetworkPolicy gate.default-deny"},
	{"PC201", "a GlobalNetworkPolicy without types", []string{"wrong/global-no-types.yaml"}, "GlobalNetworkPolicy egress-only"},
	{"PC201", "a cluster-wide deny that goes by label", []string{"wrong/by-label.yaml"}, "GlobalNetworkPolicy deny-labelled"},

	{"PC202", "UDP only", []string{"wrong/udp-only.yaml"}, "NetworkPolicy udp-only/dns"},
	{"PC202", "no protocol, which is TCP only", []string{"wrong/no-protocol.yaml"}, "NetworkPolicy no-protocol/default-deny"},
	{"PC202", "labels that no DNS pod carries", []string{"wrong/labels.yaml"}, "NetworkPolicy labels/default-deny"},
	{"PC202", "a label of the namespace that nobody wrote down", []string{"wrong/namespace-label.yaml"}, "NetworkPolicy namespace-label/dns"},
	{"PC202", "the Service's address", []string{"wrong/service-address.yaml"}, "NetworkPolicy service-address/default-deny"},
	{"PC202", "egress open but DNS' own ingress closed", []string{"governed.yaml", "wrong/dns-ingress.yaml"}, "NetworkPolicy kube-system/dns-clients"},
	{"PC202", "a cluster-wide allow-DNS helper that isolates CoreDNS itself", []string{"wrong/helper.yaml"}, "GlobalNetworkPolicy allow-dns"},
	{"PC202", "port 53 to anywhere", []string{"wrong/anywhere.yaml"}, "NetworkPolicy anywhere/dns"},
	{"PC202", "port 53 to anywhere, but for the server that one would try", []string{"but-one.yaml"}, "NetworkPolicy shop/dns"},
	{"PC202", "port 53 to most of anywhere, among other ports", []string{"halves.yaml"}, "NetworkPolicy shop/dns"},
	{"PC202", "DNS pods that reach no upstream", []string{"no-upstream.yaml"}, "NetworkPolicy kube-system/servers"},
	{"PC202", "port 53 to any pod of any namespace that wears the label", []string{"wrong/any-namespace.yaml"}, "NetworkPolicy any-namespace/dns"},

	{"PC203", "::/0", []string{"wrong/baseline.yaml", "wrong/zero-v6.yaml"}, "NetworkPolicy shop/zero-v6"},
	{"PC203", "0.0.0.0/1 + 128.0.0.0/1 in two rules", []string{"wrong/baseline.yaml", "wrong/two-rules.yaml"}, "NetworkPolicy shop/two-rules"},
	{"PC203", "0.0.0.0/1 + 128.0.0.0/1 in two policies", []string{"wrong/baseline.yaml", "wrong/two-policies.yaml"}, "NetworkPolicy shop/high"},
	{"PC203", "from: []", []string{"wrong/baseline.yaml", "wrong/empty-from.yaml"}, "NetworkPolicy shop/empty-from"},
	{"PC203", "- {}", []string{"wrong/baseline.yaml", "wrong/empty-rule.yaml"}, "NetworkPolicy shop/empty-rule"},
	{"PC203", "no from", []string{"wrong/baseline.yaml", "wrong/no-from.yaml"}, "NetworkPolicy shop/no-from"},
	{"PC203", "except with crumbs cut out", []string{"wrong/baseline.yaml", "wrong/crumbs.yaml"}, "NetworkPolicy shop/crumbs"},
	{"PC203", "Calico Allow without a source", []string{"wrong/baseline.yaml", "wrong/calico-any.yaml"}, "NetworkPolicy shop/calico-any"},
	{"PC203", "notNets", []string{"wrong/baseline.yaml", "wrong/not-nets.yaml"}, "NetworkPolicy shop/not-nets"},
	{"PC203", "notSelector in a GlobalNetworkPolicy", []string{"wrong/baseline.yaml", "wrong/not-selector.yaml"}, "GlobalNetworkPolicy not-selector"},
	{"PC203", "a NetworkSet that covers the world", []string{"wrong/baseline.yaml", "wrong/set.yaml"}, "NetworkPolicy shop/set"},
	{"PC203", "an IPv4-mapped IPv6 prefix", []string{"wrong/baseline.yaml", "wrong/mapped.yaml"}, "NetworkPolicy shop/mapped"},

	{"PC204", "explicit Deny below 1000 that kills Kubernetes policies", []string{"wrong/baseline.yaml", "wrong/deny-first.yaml"}, "GlobalNetworkPolicy deny-first"},
	{"PC204", "empty rules with a low order that claim precedence", []string{"wrong/baseline.yaml", "wrong/claims.yaml"}, "GlobalNetworkPolicy default-deny"},
	{"PC204", "missing order", []string{"wrong/baseline.yaml", "wrong/no-order.yaml"}, "GlobalNetworkPolicy no-order"},
	{"PC204", "equal orders of overlapping policies", []string{"wrong/baseline.yaml", "wrong/tie.yaml"}, "GlobalNetworkPolicy tie-a"},
	{"PC204", "order 1000 in default", []string{"wrong/baseline.yaml", "wrong/thousand.yaml"}, "GlobalNetworkPolicy thousand"},
	{"PC204", "a tier without Pass whose default action drops the rest", []string{"wrong/baseline.yaml", "wrong/tier-end.yaml"}, "GlobalNetworkPolicy security.desk"},
	{"PC204", "Pass with nothing below", []string{"wrong/baseline.yaml", "wrong/pass.yaml"}, "GlobalNetworkPolicy gates.alone"},
	{"PC204", "tier orders tied", []string{"tied-tiers.yaml"}, "Tier audit"},
	{"PC204", "tier orders absent", []string{"absent-order.yaml"}, "Tier late"},
	{"PC204", "default deny before the DNS allow", []string{"wrong/baseline.yaml", "wrong/before-dns.yaml"}, "GlobalNetworkPolicy closed"},
	// Up to Calico 3.31 such a policy cannot be stored: PC025 says so there.
	{"PC204", "a name whose tier prefix contradicts spec.tier", []string{"wrong-name.yaml"}, "GlobalNetworkPolicy audit.other"},
}

// plain are the same mistakes without a disguise, which the naive rules find as well.
var plain = map[string][]string{
	"PC201": {"wrong/nothing.yaml"},
	"PC202": {"wrong/nothing.yaml"},
	"PC203": {"wrong/baseline.yaml", "wrong/zero.yaml"},
	"PC204": {"late-deny.yaml"},
}

// TestDisguises shows each mistake in every disguise to the rule that people write
// first, which lets it pass, and to ours.
func TestDisguises(t *testing.T) {
	t.Parallel()
	naive := naiveRules(t)
	for _, d := range disguises {
		t.Run(d.code+" "+d.name, func(t *testing.T) {
			t.Parallel()
			files := disguised(t, d.code, d.files)
			if found := naive(t, d.code, files); len(found) > 0 {
				t.Errorf("the naive rule sees through it: %v", found)
			}
			built, err := Check(t.Context(), files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(built.Report.Findings, func(f diag.Diagnostic) bool {
				return f.Rule.Code == d.code && f.Subject.Object.String() == d.object
			}) {
				t.Errorf("expected %s at %s\n%s", d.code, d.object, asText(t, built.Report))
			}
		})
	}
	for code, names := range plain {
		t.Run(code+" undisguised", func(t *testing.T) {
			t.Parallel()
			files := disguised(t, code, names)
			if len(naive(t, code, files)) == 0 {
				t.Error("the naive rule finds nothing, so that it says nothing about disguises")
			}
			built, err := Check(t.Context(), files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(built.Report.Findings, func(f diag.Diagnostic) bool { return f.Rule.Code == code }) {
				t.Errorf("expected %s\n%s", code, asText(t, built.Report))
			}
		})
	}
}

// TestLookAlikes: what looks like one of these mistakes, and is somebody's choice.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"a resolver outside":           "resolver.yaml",
		"DNS pods with one upstream":   "upstream.yaml",
		"everything as it ought to be": "governed.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := Check(t.Context(), disguised(t, "PC202", []string{file}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(built.Report.Findings) > 0 {
				t.Errorf("expected nothing\n%s", asText(t, built.Report))
			}
		})
	}
}

func disguised(t *testing.T, code string, names []string) []language.File {
	t.Helper()
	var files []language.File
	for _, archive := range []string{filepath.Join(rulesDir, code+".txtar"), "testdata/disguises/more.txtar"} {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if slices.Contains(names, f.Name) {
				files = append(files, language.File{Path: f.Name, Data: f.Data})
			}
		}
	}
	if len(files) != len(names) {
		t.Fatalf("%d of the files %v are there", len(files), names)
	}
	return files
}

// naiveRules evaluates testdata/disguises/naive.rego on manifests as they are written.
func naiveRules(t *testing.T) func(t *testing.T, code string, files []language.File) []any {
	t.Helper()
	source, err := os.ReadFile("testdata/disguises/naive.rego")
	if err != nil {
		t.Fatal(err)
	}
	query, err := rego.New(rego.Query("data.naive"), rego.Module("naive.rego", string(source))).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, code string, files []language.File) []any {
		t.Helper()
		var objects []any
		for _, f := range files {
			decoded, found := object.Decode(f.Path, f.Data)
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			for _, o := range decoded {
				var manifest any
				if err := json.Unmarshal(o.JSON, &manifest); err != nil {
					t.Fatal(err)
				}
				objects = append(objects, manifest)
			}
		}
		results, err := query.Eval(t.Context(), rego.EvalInput(map[string]any{"objects": objects}))
		if err != nil || len(results) != 1 {
			t.Fatalf("%v %v", results, err)
		}
		rules := results[0].Expressions[0].Value.(map[string]any)
		found, known := rules[code].([]any)
		if !known {
			t.Fatalf("there is no naive rule %s", code)
		}
		return found
	}
}
