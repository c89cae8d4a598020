package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// newRegistry runs a registry of somebody else's code on this machine, and returns its address.
func newRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return "oci://" + strings.TrimPrefix(s.URL, "http://")
}

// TestPushPullVerify carries a bundle through a registry: what comes back is what was built, and
// what somebody has changed on the way is neither sent nor written.
func TestPushPullVerify(t *testing.T) {
	t.Parallel()
	to := newRegistry(t) + "/team/policies:v1"
	dir := t.TempDir()
	deploy, packed, back := filepath.Join(dir, "deploy"), filepath.Join(dir, "deploy.tar.gz"), filepath.Join(dir, "back")
	run := func(exit int, args ...string) (out string) {
		t.Helper()
		code, stdout, stderr := here(t.Context(), args, nil)
		if code != exit {
			t.Fatalf("%q exits %d, expected %d:\n%s%s", args, code, exit, stdout, stderr)
		}
		return stdout
	}
	for _, place := range []string{deploy, packed} {
		run(exitOK, "build", "../../examples/zero-trust-demo", "--out", place)
	}
	address := run(exitOK, "push", deploy, to)
	if again := run(exitOK, "push", packed, to); again != address || !strings.HasPrefix(address, strings.TrimSuffix(to, ":v1")+"@sha256:") {
		t.Errorf("the directory becomes %s, and the archive %s", address, again)
	}
	address = strings.TrimSpace(address)
	run(exitOK, "verify", address)
	run(exitOK, "pull", address, "--out", back)
	run(exitOK, "build", "../../examples/zero-trust-demo", "--check", "--out", back)

	index := filepath.Join(deploy, "bundle.json")
	if err := os.WriteFile(filepath.Join(deploy, "base", "more.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if out := run(exitFindings, "push", deploy, to); !strings.Contains(out, "extra: ") {
		t.Errorf("it is said that %s", out)
	}
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	run(exitInput, "push", deploy, to)
	run(exitInput, "push", packed, "docker.io/team/policies:v1")
	run(exitInput, "pull", address)
	run(exitInput, "pull", to+"x@", "--out", back)
	run(exitMachine, "pull", strings.Replace(to, ":v1", ":v2", 1), "--out", back)
}
