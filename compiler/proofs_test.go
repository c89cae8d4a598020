package compiler

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/intent"
)

// TestProofsFailWhereTheyFail opens something in one environment of two, and reads what
// the bundle would say of the proofs.
func TestProofsFailWhereTheyFail(t *testing.T) {
	t.Parallel()
	built, err := Build(context.Background(), []intent.File{
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
		if got.Environment != want.environment || got.Result != want.result || got.Flows != 1 || !strings.Contains(strings.Join(got.Assumptions, "\n"), want.assumption) {
			t.Errorf("%+v, expected %+v", got, want)
		}
	}
}

// TestAcceptedRulesAreAcceptedExcess waives what is found about a rule of a component's:
// what it lets through is then accepted, and what another one does is not.
func TestAcceptedRulesAreAcceptedExcess(t *testing.T) {
	t.Parallel()
	built, err := Build(context.Background(), []intent.File{
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
	accepted := map[string]int{}
	for _, d := range built.Report.Findings {
		if d.Rule.Code == "PC304" {
			accepted[strings.Join(d.Environments, ",")+" "+d.Subject.Pointer+" "+d.WaivedBy]++
		}
	}
	want := map[string]int{"dev /spec/ingress/0 front-door": 1, "prod /spec/ingress/0 ": 1, " /spec/ingress/1 ": 1}
	if diff := cmp.Diff(want, accepted); diff != "" {
		t.Errorf("%s\n%v", diff, built.Report.Findings.Err())
	}
}
