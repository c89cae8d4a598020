// Package flux lets Flux' own program fetch, build and push what portcullis makes, and the
// other way round, through a registry of somebody else's code in this process. The module of
// its own keeps Flux out of the product; ci/test builds both programs and names them:
//
//	PORTCULLIS_PROGRAM=… PORTCULLIS_FLUX=… go -C ci/flux test ./...
package flux

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"sigs.k8s.io/yaml"
)

// day is one on which the waivers of the example still hold.
const day = "--effective-time=2026-12-01"

// store is a registry, which may give one blob for another.
type store struct {
	url, address string
	asked, given atomic.Value // two digests
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{}
	honest := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked, _ := s.asked.Load().(string); asked != "" && r.Method == http.MethodGet {
			r.URL.Path = strings.Replace(r.URL.Path, asked, s.given.Load().(string), 1)
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.address = "oci://" + strings.TrimPrefix(server.URL, "http://")
	return s
}

// layer is the digest of an artifact's files.
func (s *store) layer(t *testing.T, repository string) string {
	t.Helper()
	answer, err := http.Get(s.url + "/v2/" + repository + "/manifests/main")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var manifest struct{ Layers []struct{ Digest string } }
	if err := json.NewDecoder(answer.Body).Decode(&manifest); err != nil || len(manifest.Layers) != 1 {
		t.Fatalf("%s: %d layers: %v", repository, len(manifest.Layers), err)
	}
	return manifest.Layers[0].Digest
}

// programs runs both, at home nowhere.
type programs struct{ home string }

func (p programs) run(t *testing.T, variable string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Fatalf("%s names no program; bash ci/test builds it", variable)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"HOME=" + p.home, "PATH=" + os.Getenv("PATH")}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (p programs) portcullis(t *testing.T, args ...string) string {
	t.Helper()
	out, said, err := p.run(t, "PORTCULLIS_PROGRAM", args...)
	if err != nil {
		t.Fatalf("portcullis %q: %v\n%s%s", args, err, out, said)
	}
	return out
}

func (p programs) flux(t *testing.T, args ...string) string {
	t.Helper()
	out, said, err := p.run(t, "PORTCULLIS_FLUX", args...)
	if err != nil {
		t.Fatalf("flux %q: %v\n%s%s", args, err, out, said)
	}
	return out
}

// refused asks that a program fails, and says so with one of the words.
func (p programs) refused(t *testing.T, variable string, words []string, args ...string) {
	t.Helper()
	out, said, err := p.run(t, variable, args...)
	if err == nil {
		t.Errorf("%q is not refused:\n%s%s", args, out, said)
	} else if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(out+said, word) }) {
		t.Errorf("%q is refused, and not for %q: %s%s", args, words, out, said)
	}
}

// files are those below a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		all[strings.TrimPrefix(name, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// objects are the documents of a stream, without what Flux says of whose they are, in one order.
func objects(t *testing.T, stream string) []string {
	t.Helper()
	var all []string
	for document := range strings.SplitSeq("\n"+stream, "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		if len(object) == 0 {
			continue
		}
		metadata := object["metadata"].(map[string]any)
		if labels, ok := metadata["labels"].(map[string]any); ok {
			delete(labels, "kustomize.toolkit.fluxcd.io/name")
			delete(labels, "kustomize.toolkit.fluxcd.io/namespace")
			if len(labels) == 0 {
				delete(metadata, "labels")
			}
		}
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	slices.Sort(all)
	return all
}

// edit puts one text of a file in the place of another.
func edit(t *testing.T, name, old, new string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err == nil && !strings.Contains(string(data), old) {
		err = fmt.Errorf("%s holds no %q", name, old)
	}
	if err == nil {
		err = os.WriteFile(name, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFlux carries bundles from one program to the other.
func TestFlux(t *testing.T) {
	s, p := newStore(t), programs{t.TempDir()}
	const shop = "../../examples/online-shop"
	dir := t.TempDir()
	deploy := filepath.Join(dir, "deploy")
	p.portcullis(t, "build", shop, "--out", deploy)
	built := files(t, deploy)
	ours, theirs := s.address+"/ours:main", s.address+"/theirs:main"
	meta := []string{"--source=https://git.example.com/network.git", "--revision=main@sha1:0123456789abcdef0123456789abcdef01234567"}
	push := append([]string{"push", deploy, ours}, meta...)
	pushed := p.portcullis(t, push...)
	p.flux(t, append([]string{"push", "artifact", theirs, "--path", deploy, "--reproducible", "--insecure-registry"}, meta...)...)

	t.Run("is one artifact, however often it is pushed", func(t *testing.T) {
		if again := p.portcullis(t, push...); again != pushed || !strings.Contains(pushed, "@sha256:") {
			t.Errorf("pushed %sand then %s", pushed, again)
		}
		p.flux(t, "pull", "artifact", strings.TrimSpace(pushed), "--output", t.TempDir(), "--insecure-registry")
	})
	t.Run("fetches what was built", func(t *testing.T) {
		for name, address := range map[string]string{"ours": ours, "theirs": theirs} {
			fetched := filepath.Join(dir, "flux-"+name)
			if err := os.Mkdir(fetched, 0o755); err != nil {
				t.Fatal(err)
			}
			p.flux(t, "pull", "artifact", address, "--output", fetched, "--insecure-registry")
			if !maps.Equal(files(t, fetched), built) {
				t.Errorf("%s: flux fetches other files than were built", name)
			}
			p.portcullis(t, "verify", day, fetched)
			p.portcullis(t, "pull", address, "--out", filepath.Join(dir, "portcullis-"+name))
			if !maps.Equal(files(t, filepath.Join(dir, "portcullis-"+name)), built) {
				t.Errorf("%s: portcullis fetches other files than were built", name)
			}
			p.portcullis(t, "verify", day, address)
		}
	})
	t.Run("builds what build builds", func(t *testing.T) {
		environments, err := os.ReadDir(filepath.Join(deploy, "overlays"))
		if err != nil || len(environments) < 3 {
			t.Fatalf("%d environments: %v", len(environments), err)
		}
		for _, e := range environments {
			environment := e.Name()
			out := p.flux(t, "build", "kustomization", "network-policies", "--namespace=flux-system", "--dry-run",
				"--path", filepath.Join(dir, "flux-ours", "overlays", environment), "--kustomization-file", "../files/flux/flux/network-policies.yaml")
			got, want := objects(t, out), objects(t, p.portcullis(t, "build", shop, "--env", environment))
			if len(want) < 20 || !slices.Equal(got, want) {
				t.Errorf("%s: flux builds %d objects, and build %d, or others", environment, len(got), len(want))
			}
		}
	})
	t.Run("leaves variables in annotations alone", func(t *testing.T) {
		const owner, spared = "the office of ${CITY:=nowhere}, for $$5", "kustomize.toolkit.fluxcd.io/substitute: disabled"
		demo, built := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "built")
		if err := os.CopyFS(demo, os.DirFS("../../examples/zero-trust-demo")); err != nil {
			t.Fatal(err)
		}
		edit(t, filepath.Join(demo, "portcullis.yaml"), "owner: team-demo", "owner: '"+owner+"'")
		p.portcullis(t, "build", demo, "--out", built)
		kustomization := filepath.Join(t.TempDir(), "kustomization.yaml")
		err := os.WriteFile(kustomization, []byte(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: network-policies, namespace: flux-system}
spec:
  interval: 10m
  prune: true
  sourceRef: {kind: OCIRepository, name: network-policies}
  path: ./overlays/default
  postBuild: {substitute: {CITY: Berlin}}
`), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		build := func() string {
			return p.flux(t, "build", "kustomization", "network-policies", "--namespace=flux-system", "--dry-run",
				"--path", filepath.Join(built, "overlays/default"), "--kustomization-file", kustomization)
		}
		if got, want := objects(t, build()), objects(t, p.portcullis(t, "build", demo)); !slices.Equal(got, want) || !strings.Contains(fmt.Sprint(got), owner) {
			t.Errorf("flux builds %q, and build %q", got, want)
		}
		// Without the annotation it would have.
		for name, text := range files(t, built) {
			if strings.Contains(text, spared) {
				edit(t, built+name, spared, "example.com/substitute: disabled")
			}
		}
		if out := build(); !strings.Contains(out, "the office of Berlin, for $5") {
			t.Errorf("flux replaces nothing in\n%s", out)
		}
	})
	edited := filepath.Join(dir, "edited")
	if err := os.CopyFS(edited, os.DirFS(deploy)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(edited, "base/shop/networkpolicy-default-deny.yaml"), "podSelector: {}", "podSelector: {matchLabels: {app: none}}")
	p.flux(t, append([]string{"push", "artifact", s.address + "/edited:main", "--path", edited, "--insecure-registry"}, meta...)...)

	t.Run("refuses what was changed before it was pushed", func(t *testing.T) {
		address, changed := s.address+"/edited:main", []string{"base/shop/networkpolicy-default-deny.yaml"}
		p.refused(t, "PORTCULLIS_PROGRAM", changed, "pull", address, "--out", filepath.Join(dir, "edited-too"))
		p.refused(t, "PORTCULLIS_PROGRAM", changed, "verify", address)
		p.flux(t, "diff", "artifact", theirs, "--path", deploy, "--insecure-registry")
		p.refused(t, "PORTCULLIS_FLUX", []string{"differs"}, "diff", "artifact", theirs, "--path", edited, "--insecure-registry")
	})
	t.Run("refuses what a registry gives instead", func(t *testing.T) {
		s.given.Store(s.layer(t, "edited"))
		s.asked.Store(s.layer(t, "ours"))
		by := []string{"digest", "size", "Content-Length"}
		p.refused(t, "PORTCULLIS_FLUX", by, "pull", "artifact", ours, "--output", t.TempDir(), "--insecure-registry")
		p.refused(t, "PORTCULLIS_PROGRAM", by, "pull", ours, "--out", filepath.Join(dir, "changed"))
		p.refused(t, "PORTCULLIS_PROGRAM", by, "verify", ours)
	})
}
