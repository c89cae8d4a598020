package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// drawnFleets is how many random repositories are built and judged again.
const drawnFleets = 12

// TestBundlesAreJudgedAlike: whoever checks what a build emitted, without a word about the
// cluster, hears nothing that the build did not say. The bundles are those of the examples,
// of what is right in the examples of rules, of the language's page and of random fleets.
func TestBundlesAreJudgedAlike(t *testing.T) {
	t.Parallel()
	check := func(name string, files []language.File) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{AllowEmpty: true}
			built, err := o.Build(t.Context(), files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if built.Failed() {
				t.Fatalf("does not build:\n%s", asText(t, built.Report))
			}
			for _, e := range built.Environments {
				text, err := e.Manifests()
				if err != nil {
					t.Fatal(err)
				}
				if text == "" {
					continue
				}
				again, err := Check(t.Context(), []language.File{{Path: "bundle.yaml", Data: []byte(text)}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range again.Report.Findings {
					if !slices.ContainsFunc(built.Report.Findings, func(b diag.Diagnostic) bool {
						return b.Rule.Code == d.Rule.Code && b.Subject.Object == d.Subject.Object
					}) {
						t.Errorf("%s: check finds more than the build did:\n%s%s", e.Name, asText(t, diag.NewReport(diag.List{d}, nil, nil)), text)
					}
				}
			}
		})
	}
	for _, dir := range repositories(t) {
		files, _, err := sources.ReadTree(dir, sources.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		check(filepath.Base(dir), files)
	}
	check("language", languagePage(t))
	names, err := filepath.Glob(filepath.Join(rulesDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var files []language.File
		repository := false
		for _, f := range archive.Files {
			if right, ok := strings.CutPrefix(f.Name, "right/"); ok && !strings.HasSuffix(f.Name, ".symlink") {
				files = append(files, language.File{Path: right, Data: f.Data})
				repository = repository || right == language.PlatformFile
			}
		}
		if repository {
			check(strings.TrimSuffix(filepath.Base(name), ".txtar"), files)
		}
	}
	for seed := range drawnFleets {
		f := fleets.Example(seed)
		files := []language.File{{Path: language.PlatformFile, Data: []byte(f.platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		check("fleet", files)
	}
}

// TestBesideBundlesIsJudged: what somebody else lays beside a bundle, and what cuts its pods
// off from their names, is found as in manifests of anybody's.
func TestBesideBundlesIsJudged(t *testing.T) {
	t.Parallel()
	files, _, err := sources.ReadTree("../examples/zero-trust-demo", sources.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	built, err := Build(t.Context(), files, nil)
	if err != nil || built.Failed() {
		t.Fatal(err, asText(t, built.Report))
	}
	text, err := built.Environments[0].Manifests()
	if err != nil {
		t.Fatal(err)
	}
	const beside = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: no-dns}
spec:
  order: 10
  namespaceSelector: projectcalico.org/name == 'zero-trust-demo'
  types: [Egress]
  egress: [{action: Deny, protocol: UDP, destination: {ports: [53]}}]
`
	judged, err := Check(t.Context(), []language.File{{Path: "beside.yaml", Data: []byte(beside)}, {Path: "bundle.yaml", Data: []byte(text)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(judged.Report.Findings, func(d diag.Diagnostic) bool {
		return d.Rule.Code == "PC202" && d.Severity == diag.Error && d.Span.File == "beside.yaml"
	}) {
		t.Errorf("names are not resolved, and nobody says so:\n%s", asText(t, judged.Report))
	}
}
