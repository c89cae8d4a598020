package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
)

// hooksOf reads a list of hooks, by their IDs, without what describes them alone.
func hooksOf(t *testing.T, data []byte) map[string]map[string]any {
	t.Helper()
	var list []map[string]any
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, h := range list {
		delete(h, "description")
		all[h["id"].(string)] = h
	}
	return all
}

// TestHooksAgree holds the hooks that this repository offers and the one that
// portcullis ci writes to each other, and to what every release of pre-commit needs.
func TestHooksAgree(t *testing.T) {
	t.Parallel()
	offered, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hooks := hooksOf(t, offered)
	files, err := ci.Integrations[0].Files()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Repos []struct{ Hooks yaml.Node }
	}
	if err := yaml.Unmarshal(files[".pre-commit-config.yaml"], &config); err != nil {
		t.Fatal(err)
	}
	written, err := yaml.Marshal(&config.Repos[0].Hooks)
	if err != nil {
		t.Fatal(err)
	}
	for id, h := range hooksOf(t, written) {
		if diff := cmp.Diff(hooks[id], h); diff != "" {
			t.Errorf("%s is offered otherwise than it is written (-offered +written):\n%s", id, diff)
		}
	}
	for id, h := range hooks {
		want := map[string]any{"entry": "portcullis check", "always_run": true, "pass_filenames": false, "require_serial": true}
		for key, value := range want {
			if h[key] != value {
				t.Errorf("%s: %s is %v, expected %v", id, key, h[key], value)
			}
		}
		if _, has := h["stages"]; has {
			t.Errorf("%s has stages, of which releases know different names", id)
		}
	}
}

// TestPreCommit commits to a repository of Git's that runs the hook, by the real
// pre-commit: what is fine passes, a mistake does not, nor does a deletion that
// breaks what is left.
func TestPreCommit(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"git", "pre-commit"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s: the hook was NOT tried", program)
		}
	}
	dir, home := t.TempDir(), t.TempDir()
	sh := func(wantErr bool, args ...string) string {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		// Nothing may be downloaded: every proxy leads nowhere.
		cmd.Env = append(os.Environ(), "HOME="+home, "PRE_COMMIT_HOME="+home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
			"http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9", "GOPROXY=off", "PIP_NO_INDEX=1")
		out, err := cmd.CombinedOutput()
		if (err != nil) != wantErr {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	edit := func(name, old, new string) {
		t.Helper()
		name = filepath.Join(dir, name)
		data, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(data), old) {
			t.Fatalf("%s has no %q (%v)", name, old, err)
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sh(false, "git", "init", "-q")
	sh(false, "portcullis", "init")
	sh(false, "portcullis", "ci", "pre-commit", "--write")
	sh(false, "pre-commit", "install")
	sh(false, "git", "add", ".")
	if out := sh(false, "git", "commit", "-m", "fine"); !strings.Contains(out, "Passed") {
		t.Fatalf("the hook did not run:\n%s", out)
	}

	edit("intents/shop/backend.yaml", "from: frontend", "from: fronted")
	if out := sh(true, "git", "commit", "-am", "a mistake"); !strings.Contains(out, "intents/shop/backend.yaml:18:14: error PC101") {
		t.Errorf("the mistake is not shown:\n%s", out)
	}
	// What is not staged does not count, in neither direction.
	sh(false, "git", "add", ".")
	edit("intents/shop/backend.yaml", "from: fronted", "from: frontend")
	sh(true, "git", "commit", "-m", "a mistake, mended on the disk alone")
	sh(false, "git", "commit", "--allow-empty", "-am", "mended")

	sh(false, "git", "rm", "-q", "intents/shop/frontend.yaml")
	if out := sh(true, "git", "commit", "-m", "a deletion"); !strings.Contains(out, "PC101") {
		t.Errorf("the deletion was not judged:\n%s", out)
	}
	sh(false, "git", "reset", "-q", "--hard")
	sh(false, "git", "rm", "-q", "intents/shop/backend.yaml")
	sh(false, "git", "commit", "-m", "a deletion that breaks nothing")
}
