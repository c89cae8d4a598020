package compiler

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// unread are policies that nobody evaluates, each for all pods of namespace NS or of the cluster.
var unread = map[string]string{
	"cilium":      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: NS}\nspec: {endpointSelector: {}}\n",
	"cilium-wide": "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: x}\n",
	"istio":       "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: NS}\nspec: {}\n",
	"storage":     "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec: {selector: all()}\n",
	"field":       "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: NS}\nspec: {podSelectr: {}}\n",
	"template":    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: \"{{ .Values.name }}\", namespace: NS}\nspec: {podSelector: {}}\n",
	"unparsed":    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: NS\n",
	"value":       "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: NS}\nspec: {podSelector: {matchLabels: {app: \"${APP}\"}}}\n",
	"elsewhere":   "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: nowhere}\n",
}

// TestUnreadPoliciesMakeNoFindingFirm adds each of the policies that nobody evaluates to the
// example of each rule about traffic: what was found is found again, no more severely, and where
// a policy may undo it that is known by its name, it is a warning that names that; nothing is found
// beside it.
func TestUnreadPoliciesMakeNoFindingFirm(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{ // by which of them the first finding of the code is made a warning
		"PC201": "cilium cilium-wide field istio storage value",
		"PC202": "cilium cilium-wide field storage value",
		"PC203": "cilium cilium-wide field istio storage value",
		"PC204": "cilium cilium-wide field istio storage value",
		"PC312": "cilium cilium-wide field storage value",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(filepath.Join(rulesDir, code+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			before := judge(t, archive, "wrong/").Findings
			namespace := "default"
			for _, d := range before {
				if ns := d.Evidence["namespace"]; d.Rule.Code == code && ns != "" {
					namespace = ns
				} else if _, to, is := strings.Cut(d.Evidence["packet"], " -> "); is && d.Evidence["conflict"] == "pass-to-nothing" {
					namespace, _, _ = strings.Cut(to, "/")
				}
			}
			var doubted []string
			for _, name := range diag.SortedKeys(unread) {
				more := *archive
				more.Files = append(more.Files[:len(more.Files):len(more.Files)], txtar.File{Name: "wrong/zz-unread.yaml", Data: []byte(strings.ReplaceAll(unread[name], "NS", namespace))})
				after := judge(t, &more, "wrong/").Findings
				was := map[string]diag.Severity{}
				for _, d := range before {
					was[same(d)] = max(was[same(d)], d.Severity)
				}
				makes := false
				for _, d := range after {
					if d.Span.File == "zz-unread.yaml" {
						continue // what is said of itself
					}
					severity, known := was[same(d)]
					if !known || d.Severity > severity {
						t.Errorf("%s: %s %s %s is new, or worse than before", name, d.Rule.Code, d.Severity, d.Message)
					}
					if strings.Contains(d.Why, "whether it is so is unknown") {
						makes = makes || d.Rule.Code == code
						if d.Severity > diag.Warning || !strings.Contains(d.Why, "zz-unread.yaml") {
							t.Errorf("%s: %s %s, because %s", name, d.Severity, d.Message, d.Why)
						}
					}
				}
				if len(after) < len(before) {
					t.Errorf("%s: %d findings, and %d without", name, len(after), len(before))
				}
				if makes {
					doubted = append(doubted, name)
				}
			}
			if got := strings.Join(doubted, " "); got != want {
				t.Errorf("made a warning by %q, expected %q", got, want)
			}
		})
	}
}

// same is what a finding says, whatever its severity and the reason.
func same(d diag.Diagnostic) string {
	return d.Rule.Code + d.Subject.Object.String() + d.Subject.Pointer + d.Message
}

// TestExplainBesideUnreadPolicies explains what can be explained beside a policy that is not read,
// and calls the rest unknown.
func TestExplainBesideUnreadPolicies(t *testing.T) {
	t.Parallel()
	const world = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %[1]s}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: %[1]s}\n---\n"
	for name, policy := range unread {
		if name == "template" || name == "unparsed" || name == "value" { // which end the run
			continue
		}
		files := []language.File{
			{Path: "world.yaml", Data: []byte(fmt.Sprintf(world, "shop") + fmt.Sprintf(world, "bank"))},
			{Path: "zz-unread.yaml", Data: []byte(strings.ReplaceAll(policy, "NS", "shop"))},
		}
		e := Options{}.ExplainManifests(files, nil)
		for question, among := range map[string]string{
			"bank/web -> bank/web:80": "cilium-wide storage",
			"bank/web -> shop/web:80": "cilium cilium-wide istio field storage",
			"shop/web -> bank/web:80": "cilium cilium-wide field storage",
			"bank/* -> shop/web:80":   "cilium cilium-wide istio field storage",
		} {
			want := explain.Allow
			if strings.Contains(" "+among+" ", " "+name+" ") {
				want = explain.Unknown
			}
			answers, rep := e.Explain(question, explain.Everything)
			if len(answers.Flows) != 1 || answers.Flows[0].Verdict != want {
				t.Errorf("%s: %s is %v, expected %s (%v)", name, question, answers.Flows, want, rep.Findings)
			}
		}
	}
}
