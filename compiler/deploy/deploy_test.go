package deploy

import (
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

const policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop%s}\nspec: {podSelector: {}, policyTypes: [Ingress]%s}\n"

func with(metadata string) string {
	return strings.NewReplacer("%s}\nspec", metadata+"}\nspec", "%s}\n", "}\n").Replace(policy)
}

func component(labels, annotations map[string]string, kinds ...string) plan.Component {
	c := plan.Component{Path: "parts"}
	for _, k := range kinds {
		c.Kinds = append(c.Kinds, plan.NamedKind{Name: k})
	}
	for _, k := range diag.SortedKeys(labels) {
		c.Labels = append(c.Labels, plan.NamedMetadata{Key: k, Value: labels[k]})
	}
	for _, k := range diag.SortedKeys(annotations) {
		c.Annotations = append(c.Annotations, plan.NamedMetadata{Key: k, Value: annotations[k]})
	}
	return c
}

// ask vets one manifest that we did not write, and returns the codes and pointers of what
// was found.
func ask(t *testing.T, manifest string, emitted *Metadata, c plan.Component) ([]string, *Carried) {
	t.Helper()
	objects, found := object.Decode("r.yaml", []byte(manifest))
	if len(objects) != 1 || found.Failed() {
		t.Fatalf("%s\n%v", manifest, found.Err())
	}
	wrong, carried := Vet(objects[0], Before{
		Emitted: func() *Metadata { return emitted }, Components: []plan.Component{c}, Wrote: func(plan.Component, ...string) bool { return true },
	})
	var all []string
	for _, f := range wrong {
		if f.Message == "" || f.Why == "" || f.Hint == "" {
			t.Errorf("%s teaches nothing: %+v", f.Rule.Code, f.Diagnostic)
		}
		all = append(all, f.Rule.Code+" "+f.Subject.Pointer)
	}
	return all, carried
}

// TestMetadata tries what a component may write on a policy, and what the Platform may
// name of it.
func TestMetadata(t *testing.T) {
	t.Parallel()
	named := func(key, value string) plan.Component { return component(nil, map[string]string{key: value}) }
	annotation := func(key, value string) string { return with(`, annotations: {"` + key + `": "` + value + `"}`) }
	nothing := plan.Component{Path: "parts"}
	tests := []struct {
		manifest string
		named    plan.Component
		want     []string
	}{
		{with(""), nothing, nil},
		{with(", labels: {team: a, helm.sh.example/x: z}, annotations: {note: any text, example.com/owner: a}"), nothing, nil},
		{with(", creationTimestamp: null"), nothing, nil},
		{with(", ownerReferences: []"), nothing, []string{"PC041 /metadata/ownerReferences"}},
		{with(", finalizers: [a.io/b], generateName: b-, uid: c, resourceVersion: \"1\""), nothing,
			[]string{"PC041 /metadata/finalizers", "PC041 /metadata/generateName", "PC041 /metadata/resourceVersion", "PC041 /metadata/uid"}},
		{with(", deletionTimestamp: \"2026-01-01T00:00:00Z\", generation: 2, selfLink: /a"), nothing,
			[]string{"PC041 /metadata/deletionTimestamp", "PC041 /metadata/generation", "PC041 /metadata/selfLink"}},
		{with(", managedFields: [{manager: a}]"), nothing, []string{"PC041 /metadata/managedFields"}},

		{annotation("argocd.argoproj.io/sync-options", "Prune=false"), nothing, []string{"PC041 /metadata/annotations/argocd.argoproj.io~1sync-options"}},
		{annotation("argocd.argoproj.io/sync-options", "Prune=false"), named("argocd.argoproj.io/sync-options", "Prune=false"), nil},
		{annotation("argocd.argoproj.io/sync-options", "Prune=false,Replace=true"), named("argocd.argoproj.io/sync-options", "Prune=false"), []string{"PC041 /metadata/annotations/argocd.argoproj.io~1sync-options"}},
		{annotation("kustomize.toolkit.fluxcd.io/prune", "disabled"), named("kustomize.toolkit.fluxcd.io/prune", "disabled"), nil},
		{annotation("kustomize.toolkit.fluxcd.io/substitute", "disabled"), nothing, nil},
		{annotation("kustomize.toolkit.fluxcd.io/substitute", "enabled"), nothing, []string{"PC041 /metadata/annotations/kustomize.toolkit.fluxcd.io~1substitute"}},
		{with(", labels: {app.kubernetes.io/managed-by: Helm}"), nothing, []string{"PC041 /metadata/labels/app.kubernetes.io~1managed-by"}},
		{with(", labels: {app.kubernetes.io/managed-by: Helm}"), component(map[string]string{"app.kubernetes.io/managed-by": "Helm"}, nil), nil},
		{with(", labels: {app.kubernetes.io/managed-by: Helm}"), named("app.kubernetes.io/managed-by", "Helm"), []string{"PC041 /metadata/labels/app.kubernetes.io~1managed-by"}},
		{with(", labels: {app.kubernetes.io/managed-by: a-team}"), nothing, nil},
	}
	for _, tt := range tests {
		if got, _ := ask(t, tt.manifest, nil, tt.named); !slices.Equal(got, tt.want) {
			t.Errorf("%s\nfound %q, expected %q", tt.manifest, got, tt.want)
		}
	}
}

// TestWhatKeepsAPolicyAwayNeverPasses names keys by which an object is not applied, and
// finds that it helps nobody.
func TestWhatKeepsAPolicyAwayNeverPasses(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{
		"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded", "argocd.argoproj.io/skip-reconcile": "true",
		"argocd.argoproj.io/sync-options": "Prune=false,Skip", "kustomize.toolkit.fluxcd.io/reconcile": "disabled", "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent",
		"helm.toolkit.fluxcd.io/driftDetection": "disabled", "helm.sh/hook": "pre-delete", "helm.sh/hook-delete-policy": "before-hook-creation",
		"config.kubernetes.io/local-config": "true", "client.lifecycle.config.k8s.io/mutation": "ignore", "client.lifecycle.config.k8s.io/deletion": "detach",
		"kustomize.config.k8s.io/behavior": "Ignore", "kubectl.kubernetes.io/last-applied-configuration": "{}", "applyset.kubernetes.io/part-of": "a",
		"addonmanager.kubernetes.io/mode": "EnsureExists", "kapp.k14s.io/noop": "", "kapp.k14s.io/update-strategy": "skip", "configmanagement.gke.io/managed": "disabled",
		"cleanup.kyverno.io/ttl": "1s", "janitor/ttl": "1s", "objectset.rio.cattle.io/hash": "a", "projectcalico.org/metadata": "{}", "sub.kustomize.toolkit.fluxcd.io/reconcile": "no",
	} {
		manifest := with(`, annotations: {` + key + `: "` + strings.ReplaceAll(value, `"`, `\"`) + `"}`)
		got, carried := ask(t, manifest, nil, component(nil, map[string]string{key: value}))
		if want := "PC041 /metadata/annotations" + object.Pointer(key); !slices.Equal(got, []string{want}) || carried != nil {
			t.Errorf("%s: %s: found %q, carried %v", key, value, got, carried)
		}
		if found := VetNames([]plan.Component{component(nil, map[string]string{key: value})}); len(found) != 1 || !found.Unjudgeable() {
			t.Errorf("%s: %s may be named: %v", key, value, found)
		}
	}
}

// TestOurOwnMetadataPasses holds that what we emitted passes with its value, and no other.
func TestOurOwnMetadataPasses(t *testing.T) {
	t.Parallel()
	ours := &Metadata{Annotations: map[string]string{"argocd.argoproj.io/sync-wave": "3"}}
	wave := func(n string) string { return with(`, annotations: {argocd.argoproj.io/sync-wave: "` + n + `"}`) }
	if got, carried := ask(t, wave("3"), ours, plan.Component{}); got != nil || carried != nil {
		t.Errorf("our own wave: %q, %v", got, carried)
	}
	if got, _ := ask(t, wave("-9"), ours, plan.Component{}); len(got) != 1 {
		t.Errorf("another wave: %q", got)
	}
}

// TestOurOwnMetadataStays takes away what we wrote for deployers: that is a change as well.
func TestOurOwnMetadataStays(t *testing.T) {
	t.Parallel()
	ours := &Metadata{
		Labels:      map[string]string{"app.kubernetes.io/managed-by": "portcullis"},
		Annotations: map[string]string{"argocd.argoproj.io/sync-wave": "3", substitute: disabled, "portcullis.dev/reason": "a"},
	}
	const labels, annotations = `, labels: {app.kubernetes.io/managed-by: portcullis}`, `, annotations: {argocd.argoproj.io/sync-wave: "3", ` + substitute + `: disabled}`
	gone := func(fields ...string) (all []string) {
		for _, f := range fields {
			all = append(all, "PC041 /metadata/"+f)
		}
		return all
	}
	for metadata, want := range map[string][]string{
		labels + annotations:                nil, // a text for people may go
		labels + ", annotations: null":      gone("annotations", "annotations"),
		labels + ", annotations: {}":        gone("annotations", "annotations"),
		labels:                              gone("annotations", "annotations"),
		annotations:                         gone("labels"),
		annotations + ", labels: {team: a}": gone("labels"),
		"":                                  gone("labels", "annotations", "annotations"),
		labels + `, annotations: {` + substitute + `: disabled, Argocd.argoproj.io/sync-wave: "3"}`: gone("annotations", "annotations/Argocd.argoproj.io~1sync-wave"),
		labels + `, annotations: {` + substitute + `: enabled, argocd.argoproj.io/sync-wave: "3"}`:  gone("annotations/kustomize.toolkit.fluxcd.io~1substitute"),
		`, labels: {app.kubernetes.io/managed-by: a-team}` + annotations:                            gone("labels/app.kubernetes.io~1managed-by"),
		`, labels: {app.kubernetes.io/managed-by: ""}` + annotations:                                gone("labels/app.kubernetes.io~1managed-by"),
	} {
		if got, _ := ask(t, with(metadata), ours, plan.Component{}); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, expected %q", metadata, got, want)
		}
	}
	named := component(map[string]string{"app.kubernetes.io/managed-by": "a-team"}, nil)
	if got, carried := ask(t, with(`, labels: {app.kubernetes.io/managed-by: a-team}`+annotations), ours, named); got != nil || carried == nil || carried.Labels["app.kubernetes.io/managed-by"] != "a-team" {
		t.Errorf("a manager that the Platform names: %q, %v", got, carried)
	}
}

// TestEveryDeployerHasASource holds the table to what its readers need.
func TestEveryDeployerHasASource(t *testing.T) {
	t.Parallel()
	for _, d := range deployers {
		if d.does == "" || !strings.HasPrefix(d.source, "https://") {
			t.Errorf("%s: nobody can look it up", d.domain)
		}
	}
}

// TestKinds tries what a component may bring.
func TestKinds(t *testing.T) {
	t.Parallel()
	calico := func(kind, spec string) string {
		return "apiVersion: projectcalico.org/v3\nkind: " + kind + "\nmetadata: {name: a" + map[bool]string{true: ", namespace: shop"}[!object.ClusterScoped("projectcalico.org/v3", kind)] + "}\nspec: " + spec + "\n"
	}
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: shop}\n"
	issuer := "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: a, namespace: shop}\n"
	kind, host := []string{"PC040 /kind"}, func(fields ...string) (all []string) {
		for _, f := range fields {
			all = append(all, "PC040 /spec/"+f)
		}
		return all
	}
	tests := []struct {
		manifest string
		kinds    []string
		want     []string
		carried  bool
	}{
		{calico("NetworkPolicy", "{}"), nil, nil, false},
		{calico("GlobalNetworkPolicy", "{selector: all()}"), nil, nil, false},
		{calico("StagedNetworkPolicy", "{}"), nil, nil, false},
		{calico("Tier", "{order: 1}"), nil, nil, false},
		{calico("NetworkSet", "{nets: []}"), nil, nil, false},
		{calico("GlobalNetworkSet", "{nets: []}"), nil, nil, false},
		{"apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: a}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {}}}\n", nil, nil, false},
		{account, nil, kind, false},
		{account, []string{"ServiceAccount"}, nil, true},
		{account, []string{"ServiceAccount.example.com"}, kind, false},
		{issuer, []string{"Issuer"}, nil, true},
		{issuer, []string{"Issuer.cert-manager.io"}, nil, true},
		{issuer, []string{"Issuer.example.com", "Certificate"}, kind, false},
		{calico("FelixConfiguration", "{}"), nil, kind, false},
		{calico("FelixConfiguration", "{}"), []string{"FelixConfiguration"}, nil, true},
		{calico("HostEndpoint", "{node: a, interfaceName: '*'}"), []string{"HostEndpoint"}, kind, false},
		{calico("Profile", "{}"), []string{"Profile"}, kind, false},
		{calico("GlobalNetworkPolicy", "{applyOnForward: true, preDNAT: true, doNotTrack: true}"), []string{"GlobalNetworkPolicy"}, host("applyOnForward", "doNotTrack", "preDNAT"), false},
		{calico("StagedGlobalNetworkPolicy", "{applyOnForward: true}"), nil, host("applyOnForward"), false},
		{calico("GlobalNetworkPolicy", "{applyOnForward: false, preDNAT: false, doNotTrack: false}"), nil, nil, false},
	}
	for _, tt := range tests {
		got, carried := ask(t, tt.manifest, nil, component(nil, nil, tt.kinds...))
		if !slices.Equal(got, tt.want) || (carried != nil) != tt.carried {
			t.Errorf("%s(%q named) found %q, expected %q; carried: %v", tt.manifest, tt.kinds, got, tt.want, carried)
		}
	}
	for name, refused := range map[string]bool{
		"ServiceAccount": false, "FelixConfiguration": false, "ConfigMap": false, "Profile.example.com": false,
		"HostEndpoint": true, "Profile": true, "NetworkPolicy": true, "GlobalNetworkSet": true, "AdminNetworkPolicy": true,
		"Tier.projectcalico.org": true, "CiliumEgressGatewayPolicy.cilium.io": true, "StagedNetworkPolicy": true,
	} {
		if found := VetNames([]plan.Component{component(nil, nil, name)}); found.Unjudgeable() != refused {
			t.Errorf("kinds: [%s]: %v", name, found)
		}
	}
}

// TestSubstitutions tries text that Flux replaces, where it decides and where it does not.
func TestSubstitutions(t *testing.T) {
	t.Parallel()
	rule := func(metadata, spec string) string {
		return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: a" + metadata + "}\nspec: " + spec + "\n"
	}
	account := func(annotations string) string {
		return "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: \"${NS}\", annotations: {" + annotations + "}}\n"
	}
	off := "kustomize.toolkit.fluxcd.io/substitute: disabled"
	tests := []struct {
		manifest string
		want     []string
	}{
		{rule("", "{selector: \"app == '${X}'\"}"), []string{"PC043 /spec/selector"}},
		{rule("", "{selector: \"app == '$${X}'\"}"), []string{"PC043 /spec/selector"}},
		{rule("", "{selector: \"app == 'a$$b'\"}"), []string{"PC043 /spec/selector"}},
		{rule("", "{selector: \"app != 'a$b'\"}"), nil}, // which nothing replaces
		{rule(", annotations: {"+off+"}", "{selector: \"app == '${X}'\"}"), []string{"PC043 /spec/selector"}},
		{rule(", labels: {team: \"${X}\"}", "{}"), []string{"PC043 /metadata/labels/team"}},
		{rule(", labels: {\"${X}\": a}", "{}"), []string{"PC043 /metadata/labels/${X}"}},
		{rule(", annotations: {\"${X}\": a}", "{}"), []string{"PC043 /metadata/annotations/${X}"}},
		{rule(", annotations: {note: \"${X}\"}", "{}"), []string{"PC043 /metadata/annotations/note"}},
		{rule(", annotations: {note: costs $$5}", "{}"), []string{"PC043 /metadata/annotations/note"}},
		{rule(", annotations: {note: costs 5$}", "{}"), []string{"PC043 /metadata/annotations/note"}},
		{rule(", annotations: {note: \"${X} and $$5\", "+off+"}", "{}"), nil},
		{rule(", annotations: {note: \"${X}\"}, labels: {"+off+"}", "{}"), nil},
		{rule("", "{ingress: [{action: Deny, metadata: {annotations: {note: \"$$\"}}}]}"), []string{"PC043 /spec/ingress/0/metadata/annotations/note"}},
		{rule(", annotations: {"+off+"}", "{ingress: [{action: Deny, metadata: {annotations: {note: \"$$\"}}}]}"), nil},
		{rule("", "{ingress: [{action: Deny, source: {nets: [\"${NET}\"]}}]}"), []string{"PC043 /spec/ingress/0/source/nets/0"}},
		{strings.Replace(rule("", "{}"), "name: a", `name: "${X}"`, 1), []string{"PC043 /metadata/name"}},
		{account("role: \"${ACCOUNT}\""), []string{"PC043 /metadata/namespace"}},
		{account(off), nil},
	}
	for _, tt := range tests {
		if got, _ := ask(t, tt.manifest, nil, component(nil, nil, "ServiceAccount")); !slices.Equal(got, tt.want) {
			t.Errorf("%s\nfound %q, expected %q", tt.manifest, got, tt.want)
		}
	}
}

// TestNames tries what the API server accepts as names.
func TestNames(t *testing.T) {
	t.Parallel()
	named := func(namespace, name, metadata string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: \"" + name + "\", namespace: \"" + namespace + "\"" + metadata + "}\nspec: {podSelector: {}}\n"
	}
	long := strings.Repeat("a", 63)
	tests := map[string][]string{
		named("shop", "a.b-c", ""):                              nil,
		named("shop", long+"."+long+"."+long+"."+long[:61], ""): nil,
		named("shop", long+"."+long+"."+long+"."+long[:62], ""): {"PC042 /metadata/name"},
		named("shop", "A", ""):                                  {"PC042 /metadata/name"},
		named("shop", "a_b", ""):                                {"PC042 /metadata/name"},
		named("shop", "-a", ""):                                 {"PC042 /metadata/name"},
		named("shop", "a..b", ""):                               {"PC042 /metadata/name"},
		named("shop", "../a", ""):                               {"PC042 /metadata/name"},
		named("shop.a", "a", ""):                                {"PC042 /metadata/namespace"},
		named(long+"a", "a", ""):                                {"PC042 /metadata/namespace"},
		named("shop", "a", ", labels: {a/b/c: d}"):              {"PC042 /metadata/labels/a~1b~1c"},
		named("shop", "a", ", labels: {a: b c}"):                {"PC042 /metadata/labels/a"},
		named("shop", "a", ", labels: {a: "+long+"a}"):          {"PC042 /metadata/labels/a"},
		named("shop", "a", ", labels: {A.b/C_d: \"\"}"):         {"PC042 /metadata/labels/A.b~1C_d"},
		named("shop", "a", ", labels: {a.b/C_d: \"\"}"):         nil,
		named("shop", "a", ", annotations: {a b: c}"):           {"PC042 /metadata/annotations/a b"},
		named("shop", "a", ", annotations: {a.b/c: any text}"):  nil,
	}
	tests["apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}}\n"] = []string{"PC042 /metadata/name"}
	tests["apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {}\n"] = []string{"PC042 /metadata/namespace"}
	tests["apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: a}\nspec: {}\n"] = nil
	for manifest, want := range tests {
		if got, _ := ask(t, manifest, nil, plan.Component{}); !slices.Equal(got, want) {
			t.Errorf("%s\nfound %q, expected %q", manifest, got, want)
		}
	}
}
