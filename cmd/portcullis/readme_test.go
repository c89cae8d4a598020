package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestTours runs the pages that show how the program is used, each of which the README names.
func TestTours(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for page, commands := range map[string]int{
		"README.md": 8, "docs/argocd.md": 7, "docs/flux.md": 7, "docs/github.md": 6, "docs/gitlab.md": 6, "docs/hooks.md": 3,
	} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			// Nobody runs a registry where pages say that one is.
			stage := strings.NewReplacer("oci://registry.example.com", newRegistry(t))
			tour(t, "../../"+page, commands, stage)
		})
		if page != "README.md" && !strings.Contains(string(readme), "("+page+")") {
			t.Errorf("nobody finds %s", page)
		}
	}
}

// tour runs the console blocks of a page in one shell, from top to bottom, and holds what they
// show to what comes out, stderr included. The page has so many commands at least.
func tour(t *testing.T, page string, least int, stage *strings.Replacer) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var want, script strings.Builder
	commands := 0
	for _, block := range consoleBlock.FindAllSubmatch(text, -1) {
		for line := range strings.Lines(stage.Replace(string(block[1]))) {
			want.WriteString(line)
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				commands++
				// The shell shows the command as it stands, and keeps the exit code for the next.
				script.WriteString("code=$?; cat <<'SHOWN'\n" + line + "SHOWN\n(exit $code)\n" + command)
			}
		}
	}
	if commands < least {
		t.Fatalf("%s runs %d commands, expected %d at least", page, commands, least)
	}
	cmd := exec.Command("bash")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
	cmd.Stdin = strings.NewReader(script.String())
	var got bytes.Buffer
	cmd.Stdout, cmd.Stderr = &got, &got
	if err := cmd.Run(); err != nil {
		t.Errorf("the last command: %v", err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("%s shows something else (-page +run):\n%s", page, diff)
	}
}
