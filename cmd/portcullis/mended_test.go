package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatchIsFix lays mistakes that are safe to mend into two directories, in several line ends and
// names of files, mends one of them by --fix and the other by Git with what --diff prints, and asks
// for the same bytes in both.
func TestPatchIsFix(t *testing.T) {
	t.Parallel()
	const policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: NAME, namespace: shop} # a policy\nspec:\n  podSelector: {matchLabels: {app: web}}\n  policyTypes: [Ingress]\n  ingress:\n" +
		"    - from: [{ipBlock: {cidr: 192.0.2.0/24}}]\n      ports: [{port: 8080, protocol: TCP}]\n"
	texts, broken := map[string]string{}, map[string]string{}
	for i, c := range []struct{ right, wrong string }{
		{"namespace: shop", "namespace: no"}, {"192.0.2.0/24", "192.0.2.7"}, {"192.0.2.0/24", "2001:db8::1"},
		{"port: 8080", `port: "8080"`}, {"protocol: TCP", "protocol: tcp"}, {"[Ingress]", "[ingress]"},
	} {
		for name, ends := range map[string]func(string) string{
			"%d.yaml": func(s string) string { return s }, "no end/%d.yaml": func(s string) string { return strings.TrimSuffix(s, "\n") },
			"crlf %d.yaml": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "ünïcode-%d.yaml": func(s string) string { return "\ufeff" + s },
		} {
			file := fmt.Sprintf(name, i)
			text := strings.ReplaceAll(policy, "NAME", fmt.Sprintf("p%d-%d", i, len(name)))
			texts[file], broken[file] = text, ends(strings.Replace(text, c.right, c.wrong, 1))
		}
	}
	fixed, patched := t.TempDir(), t.TempDir()
	for file, text := range broken {
		for _, dir := range []string{fixed, patched} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(dir, flag string) []byte {
		cmd := exec.Command("portcullis", "check", flag, ".") // which testscript has put into the path
		cmd.Dir = dir
		out, err := cmd.Output()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 2 {
			t.Fatalf("check %s: %v", flag, err)
		}
		return out
	}
	check(fixed, "--fix")
	patch := filepath.Join(t.TempDir(), "patch")
	if err := os.WriteFile(patch, check(patched, "--diff"), 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, patched, "apply", "--whitespace=nowarn", patch)
	for file := range broken {
		got, err := os.ReadFile(filepath.Join(patched, file))
		want, wrong := os.ReadFile(filepath.Join(fixed, file))
		if err != nil || wrong != nil || string(got) != string(want) {
			t.Errorf("%s: the patch gives %q, and --fix %q (%v, %v)", file, got, want, err, wrong)
		}
		if string(want) == broken[file] {
			t.Errorf("%s is not mended: %q", file, want)
		}
	}
}
