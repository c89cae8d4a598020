package compiler

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
)

// twin generates a repository with the shape of a large public one, which is a program's own:
// kustomizations over a base, the manifests that a release installs beside them, each with
// definitions of which the schemas have so many bytes, charts, and a thousand files of test
// data and documentation.
func twin(schema int) []language.File {
	texts := map[string]string{}
	definitions := ""
	for _, kind := range []string{"Application", "ApplicationSet", "AppProject"} {
		definitions += "---\n" + definition(kind, schema)
	}
	controller, server := workload("controller", 8082), workload("server", 8080)
	protected := policy("controller", 8082) + "---\n" + policy("server", 8080)

	texts["manifests/crds/all.yaml"] = definitions
	texts["manifests/crds/kustomization.yaml"] = "resources: [all.yaml]\n"
	texts["manifests/base/controller.yaml"] = controller
	texts["manifests/base/server.yaml"] = server
	texts["manifests/base/policies.yaml"] = protected
	texts["manifests/base/kustomization.yaml"] = "resources: [controller.yaml, server.yaml, policies.yaml]\n"
	for _, variant := range []string{"cluster", "namespace"} {
		texts["manifests/"+variant+"/kustomization.yaml"] = "namespace: delivery\nresources: [../base, ../crds]\nlabels: [{pairs: {variant: " + variant + "}}]\n"
	}
	for _, name := range []string{"install", "core-install", "ha/install", "ha/namespace-install"} {
		texts["manifests/"+name+".yaml"] = definitions + "---\n" + controller + "---\n" + server + "---\n" + protected
	}
	for i := range 45 {
		chart := fmt.Sprintf("examples/chart-%02d/", i)
		texts[chart+"Chart.yaml"] = fmt.Sprintf("apiVersion: v2\nname: chart-%02d\nversion: 1.0.0\n", i)
		texts[chart+"values.yaml"] = "replicas: 1\n"
		texts[chart+"templates/deployment.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n"
		texts[chart+"templates/policy.yaml"] = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {{ .Release.Name }}\n"
	}
	for i := range 1500 {
		texts[fmt.Sprintf("testdata/%d/%d.yaml", i%97, i)] = fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata:\n  name: p-%d\nspec:\n  description: said in the documentation of NetworkPolicy, and \"quoted\\n\"\n", i)
	}
	for i := range 400 {
		texts[fmt.Sprintf("docs/%d.yml", i)] = fmt.Sprintf("nav:\n- page: %d\n  title: How to write manifests\n", i)
	}
	for i := range 80 {
		texts[fmt.Sprintf("dashboards/%d.json", i)] = fmt.Sprintf(`{"panels": [{"id": %d, "title": "requests"}], "schemaVersion": 30}`, i)
	}
	var files []language.File
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		files = append(files, language.File{Path: name, Data: []byte(texts[name])})
	}
	return files
}

func definition(kind string, schema int) string {
	const line = "            description: |-\n              Holds the kind of what is meant; \\d+ of them are taken, and !none is refused: 100%\n"
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: " + strings.ToLower(kind) + "s.argoproj.io\nspec:\n  versions:\n  - schema:\n      openAPIV3Schema:\n        properties:\n" +
		strings.Repeat("          kind:\n"+line, schema/(len(line)+16))
}

func workload(name string, port int) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %[1]s\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n  template:\n    metadata: {labels: {app: %[1]s}}\n    spec: {containers: [{name: it, image: it, ports: [{containerPort: %[2]d}]}]}\n", name, port)
}

func policy(name string, port int) string {
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %[1]s\nspec:\n  podSelector: {matchLabels: {app: %[1]s}}\n  policyTypes: [Ingress]\n  ingress:\n  - from: [{podSelector: {}}]\n    ports: [{port: %[2]d}]\n", name, port)
}

// TestTwin judges a repository that is 2,000 files and 9 MB of what decides nothing, with two
// policies that stand in four files and two kustomizations: it finds what is to be found, and the work is that of
// the policies, however long the definitions are.
func TestTwin(t *testing.T) {
	t.Parallel()
	type work struct{ Parsed, Handed int }
	measure := func(files []language.File) (w work) {
		m, found := sources.Choice{}.Manifests(files, nil, nil)
		if found.Failed() {
			t.Fatal(found.Err())
		}
		w.Parsed = m.Parsed
		m.Kustomizations.Render(m.Deployed, nil, func(job []byte, _ func(io.Reader) error) error {
			w.Handed += len(job)
			return errors.New("only counted")
		})
		return w
	}
	files := twin(600 << 10)
	size := 0
	for _, f := range files {
		size += len(f.Data)
	}
	if len(files) < 2000 || size < 9<<20 {
		t.Errorf("%d files and %d bytes are too few", len(files), size)
	}
	got := measure(files)
	if diff := cmp.Diff(work{Parsed: 3816, Handed: 3044}, got); diff != "" {
		t.Errorf("bytes that are parsed, and handed to kustomize, of %d (-want +got):\n%s", size, diff)
	}
	if diff := cmp.Diff(measure(twin(60<<10)), got); diff != "" {
		t.Errorf("shorter definitions change the work (-shorter +longer):\n%s", diff)
	}

	built, err := Check(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, d := range built.Report.Findings {
		codes[fmt.Sprint(d.Severity, " ", d.Rule.Code)]++
	}
	if diff := cmp.Diff(map[string]int{"error PC201": 2, "info PC051": 45}, codes); diff != "" {
		t.Errorf("findings by code (-want +got):\n%s", diff)
	}
	if s := built.Report.Survey; s.Workloads != 4 || s.Policies != 4 {
		t.Errorf("judged are %d workloads and %d policies, want 4 of each: two in each of two namespaces", s.Workloads, s.Policies)
	}
}
