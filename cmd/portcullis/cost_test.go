//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// measure runs a program with its arguments, and says on a last line of stderr how much
// memory it and what it started took at most. It is a process of its own: what a process
// took before it became another one counts as the other's.
func measure() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdout, os.Stderr, []string{}
	_ = cmd.Run()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used); err != nil {
		panic(err)
	}
	peak := used.Maxrss
	if runtime.GOOS == "linux" {
		peak <<= 10
	}
	fmt.Fprintf(os.Stderr, "%d %d\n", cmd.ProcessState.ExitCode(), peak>>20)
}

// costsLittle: what a few bytes, or a few thousand lines, ask for ends, with the exit code
// and the first line that a user reads, and neither the program nor a child of it takes
// more memory than the table says, in MiB.
func (p builtProgram) costsLittle(t *testing.T) {
	t.Parallel()
	const (
		component = "platform/comp/kustomization.yaml"
		head      = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
		rule      = "# METADATA\n# title: a rule\n# description: why it matters\n# custom:\n#   code: PC901\n#   severity: error\n#   remediation: mend it\npackage portcullis.checks.mine\n\nfindings contains {\"message\": \"hit\"} if {\n\t%s\n}\n"
	)
	repeat := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	aliases := "a: &a [l, l, l, l, l, l, l, l, l]\n" + repeat(8, func(i int) string {
		return fmt.Sprintf("      %c: &%[1]c [%s]\n", 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 9), ", "))
	})
	for name, c := range map[string]struct {
		file, text string
		exit       int
		first      string
		most       int
	}{
		"aliases in a patch in a string": {component, head + "patches:\n  - target: {kind: NetworkPolicy}\n    patch: |-\n      metadata: {name: a}\n      " + aliases, exitInput,
			component + ":5:12: error PC018: an anchor or alias in the patch, in its line 2", 128},
		"aliases in a patch of another spelling": {component, head + "patches:\n  - target: {kind: NetworkPolicy}\n    PATCH: |-\n      metadata: {name: a}\n      " + aliases, exitInput,
			component + ":5:5: error PC018: the field \"PATCH\" is refused here", 128},
		"operations that copy": {component, head + "patches:\n  - target: {kind: NetworkPolicy}\n    patch: |-\n" + repeat(40, func(i int) string { return fmt.Sprintf("      - {op: copy, from: /spec, path: /spec/x%d}\n", i) }), exitInput,
			component + ":5:12: error PC018: an operation that copies", 128},
		"a patch of 70 levels": {component, head + "patches:\n  - target: {kind: NetworkPolicy}\n    patch: '[{\"op\": \"add\", \"path\": \"/spec/x\", \"value\": " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}]'\n", exitInput,
			component + ":5:12: error PC029: nested deeper than 64 levels in the patch, in its line 1", 128},
		"10,001 patches": {component, head + "patches:\n" + strings.Repeat("  - {target: {kind: Tier}, patch: '[{\"op\": \"test\", \"path\": \"/a\"}]'}\n", 10_001), exitInput,
			component + ": error PC029: 10001 patches and replacements, expected 10000 at most", 256},
		"replacements that double": {component, head + "replacements:\n" + repeat(60, func(i int) string {
			return fmt.Sprintf("  - source: {kind: NetworkPolicy, name: default-deny, fieldPath: spec}\n    targets: [{select: {kind: NetworkPolicy, name: default-deny}, fieldPaths: [spec.x%d], options: {create: true}}]\n", i)
		}), exitInput, "portcullis.yaml:10:14: error PC029: rendering shop with the component platform/comp did not come to an end: it takes more than 512 MiB of memory", 1500},
		"2,000 patches": {component, head + "patches:\n" + repeat(2000, func(i int) string {
			return fmt.Sprintf("  - {target: {kind: NetworkPolicy}, patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations/a%d\", \"value\": \"x\"}]'}\n", i)
		}), exitOK, "", 256},
		"an intent of 10,000 lines": {"intents/many.yaml", "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: many, namespace: shop}\nspec: {ports: {a: 80}, inbound: [" + repeat(10_000, func(i int) string {
			return fmt.Sprintf("{from: {cidr: 192.168.%d.%d}, ports: [a]}, ", i/256, i%256)
		}) + "]}\n", exitOK, "", 256},
		"own Rego that fills the memory": {"checks/mine.rego", fmt.Sprintf(rule, "count(numbers.range(1, 1000000000)) > 0"), exitInput,
			"checks/mine.rego:8:1: error PC032: rule PC901 fails: holds more than 64 MiB of memory", 256},
	} {
		t.Run(name, func(t *testing.T) {
			platform := apiVersion + "kind: Platform\nmetadata: {name: fleet}\nspec:\n  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}\n  namespaces:\n    shop: {}\n  trusted: [platform, checks]\n"
			files := map[string]string{"intents/a.yaml": intents(2), c.file: c.text}
			if c.file == component {
				platform += "  components:\n    - {path: platform/comp, namespaces: [shop]}\n"
			}
			files["portcullis.yaml"] = platform
			dir := t.TempDir()
			for name, text := range files {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			cmd := exec.Command("measure", p.path, "build", dir)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(stderr.String(), filepath.ToSlash(dir)+"/", "")), "\n")
			code, peak, ok := strings.Cut(lines[len(lines)-1], " ")
			most, err := strconv.Atoi(peak)
			if !ok || err != nil {
				t.Fatalf("nothing was measured: %s", stderr.String())
			}
			if code != strconv.Itoa(c.exit) || c.exit != exitOK && !strings.HasPrefix(lines[0], c.first) {
				t.Errorf("exit %s, expected %d; first line:\n%s\nexpected:\n%s", code, c.exit, lines[0], c.first)
			}
			if most > c.most {
				t.Errorf("%d MiB, expected %d at most", most, c.most)
			}
			if (stdout.Len() > 0) != (c.exit == exitOK) {
				t.Errorf("exit %s with %d bytes of manifests", code, stdout.Len())
			}
			t.Logf("exit %s, %d MiB", code, most)
		})
	}
}
