package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
)

// integrationFile is a file of an integration, which must be there.
func integrationFile(t *testing.T, integration, name string) []byte {
	t.Helper()
	i := slices.IndexFunc(ci.Integrations, func(i ci.Integration) bool { return i.Name == integration })
	files, err := ci.Integrations[i].Files()
	if err != nil || files[name] == nil {
		t.Fatalf("%s has no %s: %v", integration, name, err)
	}
	return files[name]
}

// pullRequest is what a seat checks out: the commit that merging a branch makes, in a clone
// that has no more than that and what is merged.
func pullRequest(t *testing.T, of, branch, depth string) string {
	t.Helper()
	gitIn(t, of, "checkout", "--quiet", "--detach", "main")
	gitIn(t, of, "merge", "--quiet", "--no-ff", "--message", "merge", branch)
	gitIn(t, of, "branch", "--force", "merge-"+branch)
	gitIn(t, of, "checkout", "--quiet", "main")
	dir := filepath.Join(t.TempDir(), "checkout")
	gitIn(t, of, "clone", "--quiet", "--depth="+depth, "--branch=merge-"+branch, "file://"+of, dir)
	return dir
}

// runSteps runs shell scripts one after another, as a runner does, with nothing in their
// environment but what is given, and says how each came out.
func runSteps(t *testing.T, dir string, environ []string, steps ...string) (codes []int, said string) {
	t.Helper()
	for _, step := range steps {
		cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step)
		cmd.Dir = dir
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}, environ...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal("there is no bash")
		}
		codes, said = append(codes, cmd.ProcessState.ExitCode()), said+string(out)
	}
	return codes, said
}

// TestSeats runs what seats run in pull requests: one that opens the internet, one that says
// nothing new, and one that does not compile. The steps are those of the very files.
func TestSeats(t *testing.T) {
	t.Parallel()
	dir, _ := history(t)
	gitIn(t, dir, "checkout", "--quiet", "-b", "broken", "main")
	if err := os.WriteFile(filepath.Join(dir, "shop", "mailer.yaml"), []byte("kind: NetworkIntent\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "broken")
	for _, c := range []struct {
		branch      string
		check, diff int
		comment     string
	}{
		{"4-internet", exitFindings, exitOK, "risk=high -->\n### ⚠️ This change opens 1 flow"},
		{"1-rename", exitOK, exitOK, "changes=0 risk=none -->\n### ✅ No packet is treated differently"},
		{"broken", exitInput, exitOK, "### ⛔ Not compared"},
	} {
		t.Run("github/"+c.branch, func(t *testing.T) { githubSeat(t, pullRequest(t, dir, c.branch, "2"), c.check, c.diff, c.comment) })
		t.Run("gitlab/"+c.branch, func(t *testing.T) { gitlabSeat(t, pullRequest(t, dir, c.branch, "2"), c.check, c.comment) })
	}
}

func githubSeat(t *testing.T, dir string, check, diff int, comment string) {
	t.Helper()
	var action struct {
		Runs struct {
			Steps []struct{ If, Run string }
		}
	}
	if err := yaml.Unmarshal(integrationFile(t, "github", ".github/actions/portcullis/action.yaml"), &action); err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range action.Runs.Steps {
		if s.Run != "" && !strings.HasPrefix(s.Run, "go install") && !strings.HasPrefix(s.Run, "bash") {
			steps = append(steps, s.Run)
		}
	}
	temp := t.TempDir()
	codes, said := runSteps(t, dir, []string{"RUNNER_TEMP=" + temp, "GITHUB_STEP_SUMMARY=" + filepath.Join(temp, "summary"), "DIRECTORY=.", "KEY=default",
		"GITHUB_SERVER_URL=https://github.example", "GITHUB_REPOSITORY=o/r", "GITHUB_SHA=0123"}, steps...)
	if want := []int{check, diff, 0}; !slices.Equal(codes, want) {
		t.Errorf("exit codes %v, expected %v: %s", codes, want, said)
	}
	summary, err := os.ReadFile(filepath.Join(temp, "summary"))
	if err != nil || !strings.Contains(string(summary), comment) {
		t.Errorf("the summary has no %q: %v\n%s", comment, err, summary)
	}
	for _, name := range []string{"portcullis.md", "portcullis-diff.md", "portcullis.sarif"} {
		if info, err := os.Stat(filepath.Join(temp, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	const link = "https://github.example/o/r/blob/0123/shop/frontend.yaml#L8"
	if check == exitFindings && (!strings.Contains(said, "::error file=shop/frontend.yaml,line=8,") || !strings.Contains(string(summary), link)) {
		t.Errorf("no annotation, or no link: %s%s", said, summary)
	}
	if out, err := exec.Command("git", "-C", dir, "status", "--porcelain").Output(); err != nil || len(out) > 0 {
		t.Errorf("the work tree has %s %v", out, err)
	}
}

func gitlabSeat(t *testing.T, dir string, check int, comment string) {
	t.Helper()
	var jobs map[string]struct{ Script []string }
	if err := yaml.Unmarshal(integrationFile(t, "gitlab", ".gitlab/portcullis.yml"), &jobs); err != nil {
		t.Fatal(err)
	}
	// GitLab runs the lines of a script in one shell, which ends at the first that fails.
	base, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD^1").Output()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"CI_MERGE_REQUEST_IID=7", "CI_PROJECT_URL=https://gitlab.example/o/r", "CI_COMMIT_SHA=0123",
		"CI_MERGE_REQUEST_TARGET_BRANCH_SHA=", "CI_MERGE_REQUEST_DIFF_BASE_SHA=" + strings.TrimSpace(string(base))}
	codes, said := runSteps(t, dir, environ, strings.Join(jobs["portcullis"].Script, "\n"))
	if !slices.Equal(codes, []int{check}) {
		t.Errorf("exit codes %v, expected %d: %s", codes, check, said)
	}
	for _, name := range []string{"portcullis-quality.json", "portcullis-junit.xml", "portcullis-diff.md"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(data) == 0 || name == "portcullis-diff.md" && !strings.Contains(string(data), comment) {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
}
