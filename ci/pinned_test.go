package ci_test

import (
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
)

// fetching is how an integration fetches a release: the lines of shell, and what of them is
// another machine's.
var fetching = map[string]func(t *testing.T, files map[string][]byte, dir string) (script string, environ []string){
	"github": func(t *testing.T, files map[string][]byte, dir string) (string, []string) {
		step := stepsOf(t, string(files[actionFile]))[0]
		return step.Run, []string{"RUNNER_TEMP=" + dir, "GITHUB_PATH=" + filepath.Join(dir, "path"), "SHA256=" + step.Env["SHA256"]}
	},
	"gitlab": func(t *testing.T, files map[string][]byte, dir string) (string, []string) {
		var jobs map[string]struct {
			BeforeScript []string `yaml:"before_script"`
		}
		if err := yaml.Unmarshal(files[".gitlab/portcullis.yml"], &jobs); err != nil {
			t.Fatal(err)
		}
		lines := strings.Join(jobs["portcullis"].BeforeScript[1:], "\n") // without the address
		return strings.NewReplacer("/tmp/", dir+"/", "/usr/local/bin/", dir+"/program/").Replace("mkdir program\n" + lines), nil
	},
}

// TestReleaseIsPinned has the files fetch a release: the one of the digest is what runs, and any
// other is where nothing finds it. Elsewhere the files are those that are written without one.
func TestReleaseIsPinned(t *testing.T) {
	t.Parallel()
	served := "#!/bin/sh\necho the release\n"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, served)
	}))
	defer server.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(served)))
	pins := 0
	for _, i := range ci.Integrations {
		files, err := i.Pinned(ci.Release{Version: "v1.2.3", SHA256: digest})
		lines := fetching[i.Name]
		if lines == nil {
			if !errors.Is(err, ci.ErrFetchesNothing) {
				t.Errorf("%s fetches something, which nobody tries: %v", i.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		pins++
		plain, _ := i.Files()
		for name, text := range files {
			differs := string(text) != string(plain[name])
			if pinsHere := strings.Contains(string(text), "/v1.2.3/") && strings.Contains(string(text), digest); differs != pinsHere || differs && strings.Contains(string(text), "go install") {
				t.Errorf("%s: %s\n%s", i.Name, name, cmp.Diff(string(plain[name]), string(text)))
			}
		}
		for _, c := range []struct {
			name, sha256 string
			ok           bool
		}{{"the release", digest, true}, {"another program", strings.Repeat("0", 64), false}} {
			files, err := i.Pinned(ci.Release{Version: "v1.2.3", SHA256: c.sha256})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			script, environ := lines(t, files, dir)
			cmd := exec.Command("bash", "-eo", "pipefail", "-c", script)
			cmd.Dir = dir
			cmd.Env = append(environ, "PATH="+os.Getenv("PATH"), "CURL_CA_BUNDLE="+authority, "URL="+server.URL)
			out, err := cmd.CombinedOutput()
			if (err == nil) != c.ok {
				t.Errorf("%s, %s: %v\n%s", i.Name, c.name, err, out)
			}
			ran, err := exec.Command(filepath.Join(dir, "program", "portcullis")).CombinedOutput()
			if (err == nil && string(ran) == "the release\n") != c.ok {
				t.Errorf("%s, %s ran: %v %s", i.Name, c.name, err, ran)
			}
		}
	}
	if pins != len(fetching) {
		t.Errorf("%d of %d integrations fetch a release", pins, len(fetching))
	}
}
