package compiler

import (
	"context"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// withComponent is a small repository with a component over shop, or over the cluster.
func withComponent(over string, files map[string]string) []language.File {
	all := []language.File{
		{Path: "portcullis.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: demo}\nspec:\n  trusted: [parts]\n  components: [{path: parts, " + over + "}]\n")},
		{Path: "web.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec:\n  owner: the team of 5$\n  ports: {http: 8080}\n  inbound: [{from: cart, ports: [http]}]\n")},
		{Path: "cart.yaml", Data: []byte("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: cart, namespace: shop}\n")},
	}
	for _, name := range diag.SortedKeys(files) {
		data := files[name]
		if name == "kustomization.yaml" {
			data = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + data
		}
		all = append(all, language.File{Path: "parts/" + name, Data: []byte(data)})
	}
	return all
}

// TestComponentsDecideOnPoliciesAlone lets components act on whoever deploys, in each of
// the forms that kustomize has for a change, and holds what is said of it to its place.
func TestComponentsDecideOnPoliciesAlone(t *testing.T) {
	t.Parallel()
	const shop, cluster = "namespaces: [shop]", "cluster: true"
	patch := func(lines string) map[string]string {
		return map[string]string{"kustomization.yaml": "patches:\n  - target: {kind: NetworkPolicy, name: default-deny}\n    patch: |-\n" + lines}
	}
	strategic := func(metadata string) map[string]string {
		return patch("      apiVersion: networking.k8s.io/v1\n      kind: NetworkPolicy\n      metadata:\n        name: default-deny\n        " + metadata + "\n")
	}
	resource := func(text string) map[string]string {
		return map[string]string{"kustomization.yaml": "resources: [r.yaml]\n", "r.yaml": text}
	}
	tests := []struct {
		name, over string
		files      map[string]string
		want       []string // of each finding its place and code, or the code alone
	}{
		{"a label of the user's own", shop, strategic("labels: {team: shop}"), nil},
		{"a hook", shop, strategic("annotations: {argocd.argoproj.io/hook: Skip}"), []string{"parts/kustomization.yaml:10:23 PC041"}},
		{"a hook for whoever names it", shop + ", annotations: {argocd.argoproj.io/hook: Skip}", strategic("annotations: {argocd.argoproj.io/hook: Skip}"), []string{"portcullis.yaml:6:64 PC041"}},
		{"a label", shop, strategic("labels: {kustomize.toolkit.fluxcd.io/ssa: Ignore}"), []string{"parts/kustomization.yaml:10:18 PC041"}},
		{"an owner", shop, strategic("ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: gone, uid: a}]"), []string{"parts/kustomization.yaml:10:9 PC041"}},
		{"a JSON patch", shop, patch("      - {op: add, path: /metadata/finalizers, value: [a.io/b]}\n"), []string{"parts/kustomization.yaml:6:35 PC041"}},
		{"a JSON patch of an annotation", shop, patch("      - {op: add, path: /metadata/annotations/kustomize.toolkit.fluxcd.io~1reconcile, value: disabled}\n"), []string{"parts/kustomization.yaml:6:47 PC041"}},
		{"the wave that we wrote", shop, strategic("annotations: {argocd.argoproj.io/sync-wave: \"3\"}"), nil},
		{"another wave", shop, strategic("annotations: {argocd.argoproj.io/sync-wave: \"-3\"}"), []string{"parts/kustomization.yaml:10:23 PC041"}},
		{"an annotation of all", shop, map[string]string{"kustomization.yaml": "commonAnnotations: {helm.sh/hook: pre-delete}\n"}, []string{"parts/kustomization.yaml:3:21 PC041"}},
		{"labels of all", shop, map[string]string{"kustomization.yaml": "labels:\n  - pairs: {app.kubernetes.io/managed-by: Helm}\n"}, []string{"parts/kustomization.yaml:4:13 PC041"}},
		{"our guard of text is removed", shop, map[string]string{"kustomization.yaml": "patches:\n  - target: {kind: NetworkPolicy, name: allow-web}\n    patch: |-\n      - {op: remove, path: /metadata/annotations/kustomize.toolkit.fluxcd.io~1substitute}\n"}, []string{"PC043", "parts/kustomization.yaml:6:50 PC041"}},
		{"a variable in a peer", shop, resource("apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: d, namespace: shop}\nspec:\n  order: 1\n  selector: app.kubernetes.io/name == '${APP}'\n  types: [Ingress]\n  ingress: [{action: Deny}]\n"), []string{"parts/r.yaml:6:13 PC043"}},
		{"a variable in a patch", shop, strategic("labels: {team: \"${TEAM}\"}"), []string{"parts/kustomization.yaml:10:25 PC043"}},
		{"Felix", cluster, resource("apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {chainInsertMode: Append}\n"), []string{"parts/r.yaml:2:7 PC040"}},
		{"Felix, named", cluster + ", kinds: [FelixConfiguration]", resource("apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {chainInsertMode: Append}\n"), nil},
		{"a host endpoint", cluster, resource("apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: n1}\nspec: {node: n1, interfaceName: \"*\"}\n"), []string{"parts/r.yaml:2:7 PC040"}},
		{"a host endpoint, named", cluster + ", kinds: [HostEndpoint]", resource("apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: n1}\nspec: {node: n1, interfaceName: \"*\"}\n"), []string{"portcullis.yaml:6:53 PC040"}},
		{"a policy for hosts", cluster, resource("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: d}\nspec:\n  order: 1\n  selector: has(host)\n  doNotTrack: true\n  applyOnForward: true\n  types: [Ingress]\n  ingress: [{action: Deny}]\n"),
			[]string{"parts/r.yaml:7:15 PC040", "parts/r.yaml:8:19 PC040"}},
		{"an account, and what it opens", cluster, resource("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: shop, labels: {role: x}}\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec:\n  order: 1\n  serviceAccountSelector: role == \"x\"\n  types: [Egress]\n  egress: [{action: Allow, protocol: TCP, destination: {nets: [10.9.9.9/32]}}]\n"),
			[]string{"parts/r.yaml:2:7 PC040", "parts/r.yaml:12:12 PC304"}},
		{"a name", shop, resource("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a_b, namespace: shop}\nspec: {podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress]}\n"), []string{"parts/r.yaml:3:18 PC042"}},
		{"over one unit, into another", cluster, resource("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop, annotations: {helm.sh/hook: test}}\nspec: {podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress]}\n"), []string{"parts/r.yaml:3:66 PC041"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			built, err := Build(context.Background(), withComponent(tt.over, tt.files), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range built.Report.Findings {
				if d.Severity < diag.Error {
					t.Errorf("%v", d)
				}
				for _, w := range tt.want {
					if w == d.Rule.Code {
						d.Span = diag.Span{}
					}
				}
				got = append(got, strings.TrimSpace(d.Span.String()+" "+d.Rule.Code))
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("found %q, expected %q\n%v", got, tt.want, built.Report.Findings.Err())
			}
			if refused := len(tt.want) > 0; refused != built.Report.Findings.Unjudgeable() || refused != (built.Tree == nil) || built.Unverified != nil {
				t.Errorf("a bundle could be written: %v, %v", built.Tree != nil, built.Unverified != nil)
			}
		})
	}
}

// TestWhatIsNamedIsNamedForOne lays two components over one unit, of which the one may
// carry what the other brings.
func TestWhatIsNamedIsNamedForOne(t *testing.T) {
	t.Parallel()
	const named = "{path: named, namespaces: [shop], kinds: [ServiceAccount], annotations: {argocd.argoproj.io/sync-options: Prune=false}}"
	const other = "{path: other, namespaces: [shop]}"
	kustomization := "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {contact: a}\n"
	brings := kustomization + "resources: [robot.yaml]\npatches: [{path: deny.yaml}]\n"
	for _, bringer := range []string{"named", "other"} {
		for _, order := range []string{named + ", " + other, other + ", " + named} {
			files := withComponent("cluster: true", nil)
			files[0].Data = []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: demo}\nspec:\n  components: [" + order + "]\n")
			for _, dir := range []string{"named", "other"} {
				text := kustomization
				if dir == bringer {
					text = brings
				}
				files = append(files, language.File{Path: dir + "/kustomization.yaml", Data: []byte(text)})
			}
			files = append(files,
				language.File{Path: bringer + "/robot.yaml", Data: []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: shop}\n")},
				language.File{Path: bringer + "/deny.yaml", Data: []byte("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: default-deny, namespace: shop, annotations: {argocd.argoproj.io/sync-options: Prune=false}}\n")})
			built, err := Build(context.Background(), files, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range built.Report.Findings {
				got = append(got, d.Span.String()+" "+d.Rule.Code)
				if len(d.Related) != 1 || !strings.Contains(d.Hint, "{path: other,") {
					t.Errorf("another component is blamed: %+v", d)
				}
			}
			want := []string(nil)
			if bringer == "other" {
				want = []string{"other/deny.yaml:3:96 PC041", "other/robot.yaml:2:7 PC040"}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s brings it: %q, expected %q", bringer, got, want)
			}
			if carried := len(built.Carried); bringer == "named" && carried != 2 {
				t.Errorf("%d carried: %+v", carried, built.Carried)
			}
		}
	}
}

// TestProofsSayWhatFelixIs carries Calico's configuration, and asks what the proof takes for
// granted: the default one only where none is carried.
func TestProofsSayWhatFelixIs(t *testing.T) {
	t.Parallel()
	const byDefault, carried = "Calico's own configuration (FelixConfiguration) is the default one.", "A component carries it unjudged (FelixConfiguration default, node.n1), because the Platform names its kind."
	felix := "apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: node.n1}\nspec: {}\n---\napiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {chainInsertMode: Append}\n"
	for _, c := range []struct{ resource, says, not string }{
		{felix, carried, byDefault},
		{strings.ReplaceAll(felix, "projectcalico.org/v3", "example.com/v1"), byDefault, carried},
		{"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: shop}\n", byDefault, carried},
	} {
		built, err := Build(context.Background(), withComponent("cluster: true, kinds: [FelixConfiguration, ServiceAccount]", map[string]string{
			"kustomization.yaml": "resources: [r.yaml]\n", "r.yaml": c.resource,
		}), nil)
		if err != nil || built.Failed() || len(built.Proofs) == 0 {
			t.Fatal(err, built.Report.Findings.Err())
		}
		for _, p := range built.Proofs {
			if all := strings.Join(p.Assumptions, "\n"); !strings.Contains(all, c.says) || strings.Contains(all, c.not) {
				t.Errorf("%s\nassumes\n%s", c.resource, all)
			}
		}
	}
}
