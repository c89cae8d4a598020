package ci_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
	"portcullis.dev/ci/report"
)

func TestIntegrations(t *testing.T) {
	t.Parallel()
	for _, i := range ci.Integrations {
		files, err := i.Files()
		if err != nil || len(files) == 0 {
			t.Errorf("%s has %d files: %v", i.Name, len(files), err)
		}
		if i.Description == "" || strings.HasSuffix(i.Description, ".") || i.Next == "" {
			t.Errorf("%s: a description is a clause without a full stop, and something is next", i.Name)
		}
		for name, data := range files {
			var any map[string]any
			if err := yaml.Unmarshal(data, &any); path.Ext(name) != ".sh" && (err != nil || len(any) == 0) {
				t.Errorf("%s: %s is not YAML: %v", i.Name, name, err)
			}
			if !strings.Contains(string(data), "portcullis") || strings.Contains(string(data), "\t") {
				t.Errorf("%s: %s does not run the program, or holds a tab", i.Name, name)
			}
		}
	}
}

var pinned = regexp.MustCompile(`^[a-z-]+/[a-z-]+(/[a-z-]+)?@[0-9a-f]{40} # v[0-9.]+$`)

// TestWorkflowTrustsNobody: every action is pinned by its commit, no expression reaches a
// shell, and the token may write no more than a comment and findings. actionlint (ci/test)
// judges the rest.
func TestWorkflowTrustsNobody(t *testing.T) {
	t.Parallel()
	workflow, action := file(t, "github", workflowFile), file(t, "github", actionFile)
	uses := 0
	for line := range strings.Lines(workflow + action) {
		if _, action, ok := strings.Cut(line, "uses: "); ok {
			uses++
			if action = strings.TrimSpace(action); !pinned.MatchString(action) && "./"+path.Dir(actionFile) != action {
				t.Errorf("%s is not pinned by a commit, with its release behind it", action)
			}
		}
	}
	if uses < 2 {
		t.Error("the workflow uses no action, not even to fetch the repository")
	}
	steps := stepsOf(t, action)
	for _, s := range steps {
		if strings.Contains(s.Run, "${{") || s.Run != "" && s.Shell != "bash" {
			t.Errorf("an expression reaches the shell, or another shell than bash runs it: %s", s.Run)
		}
	}
	if strings.Contains(workflow, "run:") || len(steps) < 5 {
		t.Error("steps of the workflow are judged by nobody")
	}
	judged := strings.NewReplacer("pull-requests: write # ", "", "security-events: write # ", "").Replace(workflow)
	if strings.Contains(judged, "pull_request_target") || strings.Contains(judged, "workflow_run") || strings.Contains(judged, ": write") || !strings.Contains(judged, "persist-credentials: false\n") {
		t.Error("the workflow trusts a pull request")
	}
	if !strings.Contains(workflow, "\npermissions:\n  contents: read\n") {
		t.Error("the workflow does not say that it only reads")
	}
}

const (
	workflowFile = ".github/workflows/network-intent.yaml"
	actionFile   = ".github/actions/portcullis/action.yaml"
)

// actionStep is a step of a composite action.
type actionStep struct {
	If, Shell, Run, Uses string
	Env, With            map[string]string
}

func stepsOf(t *testing.T, action string) []actionStep {
	t.Helper()
	var composite struct {
		Runs struct{ Steps []actionStep }
	}
	if err := yaml.Unmarshal([]byte(action), &composite); err != nil {
		t.Fatal(err)
	}
	return composite.Runs.Steps
}

// TestPipelineIsOneJob holds GitLab's file to the keywords of its reference
// (docs.gitlab.com/ci/yaml) that it uses: an unknown one is refused by GitLab alone.
func TestPipelineIsOneJob(t *testing.T) {
	t.Parallel()
	var jobs map[string]map[string]any
	if err := yaml.Unmarshal([]byte(file(t, "gitlab", ".gitlab/portcullis.yml")), &jobs); err != nil {
		t.Fatal(err)
	}
	keywords := []string{"image", "variables", "rules", "before_script", "script", "after_script", "artifacts"}
	for name, job := range jobs {
		if len(jobs) != 1 || name != "portcullis" {
			t.Errorf("a job %s: what is included shares one name space, expected portcullis alone", name)
		}
		for key := range job {
			if !slices.Contains(keywords, key) {
				t.Errorf("%s is not among the keywords %v", key, keywords)
			}
		}
		artifacts := job["artifacts"].(map[string]any)
		if name := fmt.Sprint(artifacts["expose_as"]); !exposed.MatchString(name) {
			t.Errorf("GitLab refuses the name %q of an artifact", name)
		}
		if files := formatsOf(t, "gitlab")["markdown"]; fmt.Sprint(artifacts["paths"]) != fmt.Sprint(files) {
			t.Errorf("the artifact has %v, and the difference is %v", artifacts["paths"], files)
		}
		reports := artifacts["reports"].(map[string]any)
		for kind, format := range map[string]string{"codequality": "gitlab", "junit": "junit"} {
			if !slices.Contains(formatsOf(t, "gitlab")[format], fmt.Sprint(reports[kind])) || len(reports) != 2 {
				t.Errorf("the report %s is not what -o %s writes: %v", kind, format, reports)
			}
		}
		if script, ok := job["script"].([]any); !ok || len(script) == 0 {
			t.Errorf("%s has no script", name)
		}
	}
}

// exposed is what GitLab takes as the name of an artifact in a merge request.
var exposed = regexp.MustCompile(`^\w[-\w ]*$`)

var asked = regexp.MustCompile(`-o ([a-z-]+)(?:=(\S+))?`)

// formatsOf are the formats that an integration asks for, and the files of each; every one is
// there to be had.
func formatsOf(t *testing.T, integration string) map[string][]string {
	t.Helper()
	i := slices.IndexFunc(ci.Integrations, func(i ci.Integration) bool { return i.Name == integration })
	files, err := ci.Integrations[i].Files()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name, data := range files {
		if path.Ext(name) == ".sh" { // which run nothing of ours
			continue
		}
		for _, m := range asked.FindAllStringSubmatch(string(data), -1) {
			if _, err := report.Lookup(m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			all[m[1]] = append(all[m[1]], strings.Trim(m[2], `"`))
		}
	}
	return all
}

// TestWorkflowShowsWhatItFound: each report that the action writes is handed on, and lies where
// no link of the repository leads.
func TestWorkflowShowsWhatItFound(t *testing.T) {
	t.Parallel()
	action, all := file(t, "github", actionFile), formatsOf(t, "github")
	for format, shown := range map[string][]string{
		"markdown":     {"for name in portcullis-diff portcullis; do", `cat "$RUNNER_TEMP/$name.md" >> "$GITHUB_STEP_SUMMARY"`, `bash "$SCRIPT" "$RUNNER_TEMP/portcullis-diff.md"`},
		"sarif-github": {"sarif_file: ${{ runner.temp }}/portcullis.sarif\n"},
	} {
		for _, text := range shown {
			if !strings.Contains(action, text) {
				t.Errorf("-o %s is not shown: there is no %s", format, text)
			}
		}
		for _, name := range append(all[format], "")[:1] {
			if !strings.HasPrefix(name, "$RUNNER_TEMP/portcullis") {
				t.Errorf("-o %s=%s lies in the repository", format, name)
			}
		}
	}
	if !slices.Equal(all["github"], []string{""}) || !slices.Contains(all["text"], "") || len(all["markdown"]) != 2 {
		t.Error("the log has no annotations, or no text")
	}
}

func file(t *testing.T, integration, name string) string {
	t.Helper()
	i := slices.IndexFunc(ci.Integrations, func(i ci.Integration) bool { return i.Name == integration })
	files, err := ci.Integrations[i].Files()
	if err != nil || files[name] == nil {
		t.Fatalf("%s has no %s: %v", integration, name, err)
	}
	return string(files[name])
}
