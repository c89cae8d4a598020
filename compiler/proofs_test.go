package compiler

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/language"
)

// TestProofsFailWhereTheyFail opens something in one environment of two, and reads what
// the bundle would say of the proofs.
func TestProofsFailWhereTheyFail(t *testing.T) {
	t.Parallel()
	built, err := Build(context.Background(), []language.File{
		{Path: "portcullis.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: demo}
spec:
  environments: {dev: {cluster: {podCIDRs: [10.1.0.0/16]}}, prod: {targets: [kubernetes]}}
  namespaces: {shop: {}, old: {enforce: false}}
  components:
    - {path: parts, namespaces: [shop], in: [prod]}
`)},
		{Path: "web.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec: {ports: {http: 80}, inbound: [{from: old/*, ports: [http]}]}
`)},
		{Path: "parts/kustomization.yaml", Data: []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [open.yaml]\n")},
		{Path: "parts/open.yaml", Data: []byte(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(built.Proofs) != 2 || built.Unverified == nil {
		t.Fatalf("%d proofs, and the findings are %v", len(built.Proofs), built.Report.Findings.Err())
	}
	for i, want := range []struct{ environment, result, assumption string }{
		{"dev", "held", "Pods have addresses of 10.1.0.0/16, and nothing else has."},
		{"prod", "failed", "These namespaces are open, for nothing governs them: old."},
	} {
		got := built.Proofs[i]
		if got.Environment != want.environment || got.Result != want.result || !strings.Contains(strings.Join(got.Assumptions, "\n"), want.assumption) {
			t.Errorf("%+v, expected %+v", got, want)
		}
	}
}

// TestWaiversAcceptNoExcess waives what is found about a rule of a component's: the
// traffic that no line means stays an error, of the waived rule and of the proof alike.
func TestWaiversAcceptNoExcess(t *testing.T) {
	t.Parallel()
	built, err := Build(context.Background(), []language.File{
		{Path: "portcullis.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: demo}
spec:
  environments: {dev: {}, prod: {}}
  namespaces: {shop: {}}
  components:
    - {path: parts, namespaces: [shop]}
`)},
		{Path: "waiver.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Waiver
metadata: {name: front-door}
spec: {rule: PC203, match: {namespace: shop, environment: dev}, owner: a, approvedBy: b, reason: c, ticket: d, expires: 2027-01-01}
`)},
		{Path: "web.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec: {}\n")},
		{Path: "parts/kustomization.yaml", Data: []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [open.yaml]\n")},
		{Path: "parts/open.yaml", Data: []byte(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - {from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}
    - {from: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 22}]}
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, d := range built.Report.Findings {
		_, beyond, _ := strings.Cut(d.Message, "; ")
		got[strings.TrimSpace(d.Rule.Code+" "+strings.Join(d.Environments, ",")+" "+d.Subject.Pointer+" "+d.WaivedBy+" "+beyond)]++
	}
	want := map[string]int{
		"PC203 dev /spec/ingress/0  beyond the lines that the waiver front-door names: 1.1.1.1 -> shop/web TCP 443": 1,
		"PC203 prod /spec/ingress/0": 1, "PC304  /spec/ingress/0": 1, "PC304  /spec/ingress/1": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, built.Report.Findings.Err())
	}
}

// TestLabelsThatAreNotListed builds repositories that are right as long as a namespace of the
// Platform carries no label of which the Platform speaks elsewhere.
func TestLabelsThatAreNotListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ platform, line string }{
		"a guardrail over a label of another namespace": {
			`  namespaces: {shop: {}, data: {labels: {stores: customer}}}
  guardrails:
    - {name: customer-data, deny: {from: "*/*", to: {namespaceSelector: {stores: customer}}, ports: [5432]}}
`, "{from: web, ports: [pg]}",
		},
		"tenants apart, beside a namespace that is nobody's": {
			`  namespaces: {shop: {}, a: {labels: {tenant: a}}, b: {labels: {tenant: b}}}
  guardrails:
    - {name: tenants-apart, isolate: tenant}
`, "{from: a/*, ports: [pg]}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := Build(context.Background(), []language.File{
				{Path: "portcullis.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: demo}\nspec:\n" + c.platform)},
				{Path: "pg.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: pg, namespace: shop}\nspec: {ports: {pg: 5432}, inbound: [" + c.line + "]}\n")},
				{Path: "web.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec: {}\n")},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if found := built.Report.Findings; len(found) > 0 || len(built.Environments) != 1 || built.Environments[0].Objects.Len() == 0 {
				t.Error(found.Err())
			}
		})
	}
}
