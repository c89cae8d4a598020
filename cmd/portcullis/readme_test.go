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

// TestReadmeTour runs the README's console blocks in one shell, from top to bottom,
// and holds what they show to what comes out, stderr included.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, script strings.Builder
	commands := 0
	for _, block := range consoleBlock.FindAllSubmatch(readme, -1) {
		for line := range strings.Lines(string(block[1])) {
			want.WriteString(line)
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				commands++
				// The shell shows the command as it stands, and keeps the exit code for the next.
				script.WriteString("code=$?; cat <<'SHOWN'\n" + line + "SHOWN\n(exit $code)\n" + command)
			}
		}
	}
	if commands < 8 {
		t.Fatalf("the README runs %d commands, expected a tour", commands)
	}
	cmd := exec.Command("bash")
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(script.String())
	var got bytes.Buffer
	cmd.Stdout, cmd.Stderr = &got, &got
	if err := cmd.Run(); err != nil {
		t.Errorf("the last command: %v", err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("the README shows something else (-README +run):\n%s", diff)
	}
}
