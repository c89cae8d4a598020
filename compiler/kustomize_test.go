package compiler

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/object"
)

// TestOtherProgramsRenderTheSame lets programs that are not ours render what we
// emit: kustomize itself, from the tools' module (PORTCULLIS_KUSTOMIZE names the
// binary; ci/test builds it), and kubectl where there is one. Each must give the
// set of objects that was judged, whatever order it puts them in.
func TestOtherProgramsRenderTheSame(t *testing.T) {
	t.Parallel()
	programs := map[string][]string{}
	if kustomize := os.Getenv("PORTCULLIS_KUSTOMIZE"); kustomize != "" {
		programs["kustomize"] = []string{kustomize, "build"}
	}
	if kubectl, err := exec.LookPath("kubectl"); err == nil {
		programs["kubectl"] = []string{kubectl, "kustomize"}
	}
	if len(programs) == 0 {
		t.Skip("neither PORTCULLIS_KUSTOMIZE nor kubectl: nothing renders the tree a second time")
	}
	for _, example := range repositories(t) {
		built := buildExample(t, example)
		dir := t.TempDir()
		for name, data := range built.Tree {
			target := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(target, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for name, command := range programs {
			for _, e := range built.Environments {
				t.Run(filepath.Base(example)+"/"+name+"/"+e.Name, func(t *testing.T) {
					t.Parallel()
					var stderr bytes.Buffer
					cmd := exec.Command(command[0], append(command[1:], filepath.Join(dir, "overlays", e.Name))...)
					cmd.Stderr = &stderr
					out, err := cmd.Output()
					if err != nil {
						t.Fatalf("%s: %v\n%s", name, err, stderr.String())
					}
					objects, found := object.Decode(name, out)
					if found.Failed() {
						t.Fatal(found.Err())
					}
					rendered, found := object.NewSet(objects)
					if found.Failed() {
						t.Fatal(found.Err())
					}
					if diff := cmp.Diff(texts(t, e.Objects), texts(t, rendered)); diff != "" {
						t.Errorf("%s renders something else (-judged +%s):\n%s", name, name, diff)
					}
				})
			}
		}
	}
}

func texts(t *testing.T, set object.Set) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, o := range set.All() {
		text, err := o.YAML()
		if err != nil {
			t.Fatal(err)
		}
		all[o.ID.String()] = string(text)
	}
	return all
}

// repositories are the examples that hold intents.
func repositories(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("../examples/*/portcullis.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	for i := range names {
		names[i] = filepath.Dir(names[i])
	}
	return names
}

func buildExample(t testing.TB, dir string) *Built {
	t.Helper()
	files, found, err := sources.ReadTree(dir, sources.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	built, err := Build(t.Context(), files, found)
	if err != nil {
		t.Fatal(err)
	}
	if built.Failed() {
		t.Fatalf("%s does not build: %v", dir, built.Report.Findings.Err())
	}
	return built
}
