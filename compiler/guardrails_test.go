package compiler

import (
	"testing"

	"portcullis.dev/compiler/language"
)

// TestGuardrailsAreNoMistakes builds what guardrails and quarantine are for: they deny
// what the Platform's own flows allow, name addresses where nobody says which the pods
// have, and cut pods off from DNS. No rule may take that for an accident.
func TestGuardrailsAreNoMistakes(t *testing.T) {
	t.Parallel()
	files := []language.File{
		{Path: language.PlatformFile, Data: []byte(head("Platform", "demo") + `spec:
  namespaces:
    shop: {labels: {tenant: a}}
    mall: {labels: {tenant: b}}
  peers:
    metadata: {is: [169.254.169.254, "fd00:ec2::254"]}
  flows:
    - {from: shop/client, to: "*/*", ports: [metrics]}
  guardrails:
    - {name: no-metadata, deny: {to: "@metadata"}}
    - {name: tenants-apart, isolate: tenant}
  quarantine:
    - {peer: mall/broken, ticket: INC-1, until: 2030-01-01}
`)},
		{Path: "intents.yaml", Data: []byte(head("NetworkIntent", "client, namespace: shop") + "---\n" +
			head("NetworkIntent", "web, namespace: mall") + "spec: {ports: {metrics: 9090}}\n---\n" +
			head("NetworkIntent", "broken, namespace: mall") + "spec: {ports: {metrics: 9090}}\n")},
	}
	built, err := Build(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built.Report.Findings {
		t.Errorf("%s: %s [%s]", d.Span, d.Message, d.Rule.Code)
	}
	if built.Tree == nil {
		t.Error("nothing was built")
	}
}
