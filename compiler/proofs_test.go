package compiler

import (
	"context"
	"strings"
	"testing"

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
		{"dev", "held", "Pods have addresses of 10.1.0.0/16."},
		{"prod", "failed", "These namespaces are open, for nothing governs them: old."},
	} {
		got := built.Proofs[i]
		if got.Environment != want.environment || got.Result != want.result || got.Flows != 1 || !strings.Contains(strings.Join(got.Assumptions, "\n"), want.assumption) {
			t.Errorf("%+v, expected %+v", got, want)
		}
	}
}
