package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var pinned = regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40} # v[0-9.]+$`)

// TestWorkflowTrustsNobody: every action of the release's workflow is pinned by its commit and
// no expression reaches a shell; what compiles has a token that writes nothing. actionlint
// (ci/test) judges the rest.
func TestWorkflowTrustsNobody(t *testing.T) {
	data, err := os.ReadFile("../../.github/workflows/release.yaml")
	if err != nil {
		t.Fatal(err)
	}
	workflow := string(data)
	uses, runs, script := 0, 0, -1 // how far the lines of a script are indented at least
	for text := range strings.Lines(workflow) {
		indent := len(text) - len(strings.TrimLeft(text, " "))
		if indent < script {
			script = -1
		}
		if _, action, ok := strings.Cut(text, "uses: "); ok {
			uses++
			if action = strings.TrimSpace(action); !pinned.MatchString(action) {
				t.Errorf("%s is not pinned by a commit, with its release behind it", action)
			}
		}
		if before, _, ok := strings.Cut(text, "run: "); ok && strings.Trim(before, "- ") == "" {
			runs++
			script = len(before) + 1
		}
		if script >= 0 && strings.Contains(text, "${{") {
			t.Errorf("an expression reaches a shell: %s", text)
		}
	}
	if uses != 8 || runs != 4 {
		t.Errorf("there are %d actions and %d scripts, expected 8 and 4: is the workflow read?", uses, runs)
	}
	build, publish, found := strings.Cut(workflow, "\n  publish:\n")
	if !found || strings.Contains(build, ": write") || strings.Count(publish, ": write") != 4 || !strings.Contains(build, "\npermissions: {}\n") {
		t.Error("a token may write what it need not")
	}
}
