package compiler

import (
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
)

// TestBareNamesStayWithinEachNamespace: in an intent of a pattern a name or a selector without a
// namespace means pods of the same namespace, and no other preview's; what names the pattern means
// those of all.
func TestBareNamesStayWithinEachNamespace(t *testing.T) {
	t.Parallel()
	for peer, others := range map[string]bool{
		"web": false, `{selector: {app.kubernetes.io/name: web}}`: false, `"pr-*/web"`: true,
		`{namespaceSelector: {preview: "true"}, selector: {app.kubernetes.io/name: web}}`: true,
	} {
		files := []language.File{
			{Path: "portcullis.yaml", Data: []byte(head("Platform", "demo") + "spec:\n  unknownNamespaces: deny\n  namespaces: {\"pr-*\": {labels: {preview: \"true\"}}}\n")},
			{Path: "api.yaml", Data: []byte(head("NetworkIntent", `api, namespace: "pr-*"`) + "spec:\n  ports: {http: 8080}\n  inbound: [{from: " + peer + ", ports: [http]}]\n")},
			{Path: "web.yaml", Data: []byte(head("NetworkIntent", `web, namespace: "pr-*"`))},
		}
		built, err := Options{Namespace: "pr-1"}.Build(t.Context(), files, nil)
		if err != nil || built.Failed() {
			t.Fatal(peer, err, built.Report.Findings.Err())
		}
		policy := ""
		for _, o := range built.Environments[0].Objects.All() {
			if o.ID.Name == "allow-api" {
				policy = string(o.JSON)
			}
		}
		if !strings.Contains(policy, `"podSelector":{"matchLabels":{"app.kubernetes.io/name":"web"}}`) || strings.Contains(policy, "preview") != others {
			t.Errorf("from %s: pods of every preview are let in: %v, expected %v:\n%s", peer, !others, others, policy)
		}
	}
}
