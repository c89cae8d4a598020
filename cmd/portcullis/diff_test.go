package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/delta"
)

// gitIn runs Git on a repository of a test: whoever runs the test, and when, has no say.
func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Somebody", "GIT_AUTHOR_EMAIL=somebody@example.org", "GIT_COMMITTER_NAME=Somebody", "GIT_COMMITTER_EMAIL=somebody@example.org",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

const historyDir = "../../testdata/history"

// commitArchive lays the files of an archive over a repository, less those that it says to
// remove, and commits that.
func commitArchive(t *testing.T, dir, name string) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join(historyDir, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	subject := ""
	for line := range strings.SplitSeq(string(archive.Comment), "\n") {
		if gone, removed := strings.CutPrefix(line, "rm "); removed {
			if err := os.Remove(filepath.Join(dir, gone)); err != nil {
				t.Fatal(err)
			}
		} else if subject == "" {
			subject = line
		}
	}
	for _, f := range archive.Files {
		file := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gitIn(t, dir, "add", "--all")
	gitIn(t, dir, "commit", "--quiet", "--message", subject)
}

// TestDiff has a repository with nine pull requests, which is made once.
func TestDiff(t *testing.T) {
	t.Parallel()
	dir, branches := history(t)
	copied := func(t *testing.T) string {
		t.Helper()
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		return to
	}
	t.Run("history", func(t *testing.T) { diffHistory(t, dir, branches) })
	t.Run("what is not there", func(t *testing.T) { diffOfWhatIsNotThere(t, dir) })
	t.Run("fails", func(t *testing.T) { diffFails(t, copied(t)) })
	t.Run("revisions are read as they are", func(t *testing.T) { revisionsAreReadAsTheyAre(t, copied(t)) })
}

// TestDiffOfManifests compares revisions of a repository in which nobody wrote intents, and what is on
// its disk: the manifests below where one stands, with the bases of their kustomizations. It says the
// same of two revisions, of one and the disk, and of two directories.
func TestDiffOfManifests(t *testing.T) {
	t.Parallel()
	dir, before := t.TempDir(), filepath.Join(t.TempDir(), "before")
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	policy := "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: web}}\n" +
		"  ingress:\n    - {from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 80}]}\n"
	write("base/policy.yaml", policy)
	write("base/Kustomization", "resources: [policy.yaml]\n")
	write("overlays/prod/kustomization.yaml", "namespace: live\nresources: [../../base]\n")
	write("overlays/prod/values.env", "not: [yaml\n")
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	gitIn(t, dir, "add", "--all")
	gitIn(t, dir, "commit", "--quiet", "--message", "one")
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	write("base/policy.yaml", strings.Replace(policy, "port: 80", "port: 81", 1))
	write("nothing/readme.txt", "there is no manifest here\n")
	write("apps/policy.yaml", strings.Replace(policy, "name: web", "name: other", 1))
	gitIn(t, dir, "add", "--all")
	gitIn(t, dir, "commit", "--quiet", "--message", "two")

	overlay := filepath.Join(dir, "overlays", "prod")
	const told = "+ live/{app=api} -> live/{app=web}:81\n    ../../base/policy.yaml:7\n                           a rule of NetworkPolicy live/web\n" +
		"- live/{app=api} -> live/{app=web}:80\n    was ../../base/policy.yaml:7\n"
	for _, args := range [][]string{{"main~1", "main"}, {"main~1"}, {"main~1", overlay}, {filepath.Join(before, "overlays", "prod"), overlay}} {
		code, stdout, stderr := here(t.Context(), append([]string{"diff", "--exit-code", "--dir", overlay}, args...), nil)
		head, rest, _ := strings.Cut(stdout, "\n\n")
		if code != exitFindings || !strings.HasSuffix(head, " ../../base/policy.yaml") || !strings.HasPrefix(rest, told) || stderr != "" {
			t.Errorf("%q: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--exit-code", "--dir", overlay, "main"}, exitOK, "No packet is treated differently."},
		{[]string{"--exit-code", "--dir", dir, "main~1", "main"}, exitFindings, "= policies: 1 added, 1 edited"},
		{[]string{"--dir", filepath.Join(dir, "apps"), "main~1"}, exitOK, "! isolated\n    shop/{app=web}\n    what no line allows is dropped there now: ingress\n= policies: 1 added"},
		{[]string{"--dir", filepath.Join(dir, "apps"), "main", "main~1"}, exitOK, "! unisolated HIGH\n    shop/{app=web}\n"},
		{[]string{"--dir", filepath.Join(dir, "nothing"), "main~1", "main"}, exitInput, "no comparison of traffic: main~1 has 1 error"},
	} {
		if code, stdout, stderr := here(t.Context(), append([]string{"diff"}, c.args...), nil); code != c.code || !strings.Contains(stdout, c.want) || strings.Contains(stdout+stderr, os.TempDir()) && code == exitInput {
			t.Errorf("%q: exit %d: %s%s", c.args, code, stdout, stderr)
		}
	}

	// A link that a commit has on the way to the directory leads nowhere else.
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "policy.yaml"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	hash := exec.Command("git", "-C", dir, "hash-object", "-w", "--stdin")
	hash.Stdin = strings.NewReader(elsewhere)
	object, err := hash.Output()
	if err != nil {
		t.Fatal(err)
	}
	gitIn(t, dir, "checkout", "--quiet", "-b", "link")
	gitIn(t, dir, "update-index", "--add", "--cacheinfo", "120000,"+strings.TrimSpace(string(object))+",linked")
	gitIn(t, dir, "commit", "--quiet", "--message", "a link")
	gitIn(t, dir, "checkout", "--quiet", "--force", "main")
	write("linked/policy.yaml", policy)
	if code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", filepath.Join(dir, "linked"), "link"}, nil); code != exitInput || stdout != "" || !strings.Contains(stderr, "the directory linked/ of link cannot be read") {
		t.Errorf("a link on the way: exit %d: %s%s", code, stdout, stderr)
	}
	if err := os.RemoveAll(filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}

	// A Platform beside the manifests describes their cluster, and intents make a repository of them.
	write("portcullis.yaml", apiVersion+"kind: Platform\nmetadata: {name: fleet}\nspec: {cluster: {podCIDRs: [10.1.0.0/16]}, namespaces: {shop: {}}}\n")
	if code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", dir, "main~1"}, nil); code != exitOK || !strings.Contains(stdout, "= policies: 1 added, 1 edited") {
		t.Errorf("a Platform beside: exit %d: %s%s", code, stdout, stderr)
	}
	write("intents/a.yaml", intents(2))
	const isolated = "main has no portcullis.yaml\nNo packet is compared: what was open there before is not known. portcullis map\nlists what is open now.\n" +
		"! isolated               portcullis.yaml:4\n    shop/*\n    what no line allows is dropped there now: egress and ingress\n\nRisks: 1 medium.\n"
	if code, stdout, stderr := here(t.Context(), []string{"diff", "--exit-code", "--dir", dir, "main"}, nil); code != exitFindings || !strings.HasSuffix(stdout, isolated) {
		t.Errorf("intents where there were none: exit %d: %s%s", code, stdout, stderr)
	}
	title := "### ℹ️ What no line allows is dropped from now on\n"
	if code, stdout, stderr := here(t.Context(), []string{"diff", "--fail-on-risk", "isolated", "-o", "markdown", "--dir", dir, "main"}, nil); code != exitFindings || !strings.Contains(stdout, title) {
		t.Errorf("intents where there were none: exit %d: %s%s", code, stdout, stderr)
	}
}

// history is a repository with a branch for each of nine changes.
func history(t *testing.T) (dir string, branches []string) {
	t.Helper()
	dir = t.TempDir()
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	commitArchive(t, dir, "base")
	all, err := filepath.Glob(filepath.Join(historyDir, "[1-9]-*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		gitIn(t, dir, "checkout", "--quiet", "-b", name, "main")
		commitArchive(t, dir, name)
		branches = append(branches, name)
	}
	gitIn(t, dir, "checkout", "--quiet", "main")
	return dir, branches
}

// diffHistory compares main with each of nine pull requests, and holds what is said of them
// against the goldens, and the JSON against its schema.
func diffHistory(t *testing.T, dir string, branches []string) {
	t.Helper()
	if len(branches) != 9 {
		t.Fatalf("there are %d pull requests", len(branches))
	}
	schema := compiledSchema(t, "diff")
	for _, name := range branches {
		out := filepath.Join(t.TempDir(), "out")
		args := []string{"diff", "--dir", dir, "-o", "text=" + out + ".text", "-o", "markdown=" + out + ".md", "-o", "json=" + out + ".json", "main", name}
		if code, stdout, stderr := here(t.Context(), args, nil); code != exitOK || stdout+stderr != "" {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
			continue
		}
		for _, kind := range []string{"text", "md", "json"} {
			got, err := os.ReadFile(out + "." + kind)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(historyDir, name+"."+kind)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s:\n%s", golden, diff)
			}
			switch kind {
			case "json":
				validate(t, schema, got)
			case "text":
				fits(t, name, string(got))
			}
		}
	}
	// Nothing was written into the work tree, and its branch stands where it stood.
	if out, err := exec.Command("git", "-C", dir, "status", "--porcelain", "--branch").Output(); err != nil || string(out) != "## main\n" {
		t.Errorf("the work tree is not as it was: %s %v", out, err)
	}
}

// fits finds lines of a text that are wider than a terminal.
func fits(t *testing.T, name, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("%s: %d columns: %s", name, n, line)
		}
	}
}

func compiledSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, known := report.Schema(name)
	if !known {
		t.Fatal(name)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Error(err)
	}
}

// diffOfWhatIsNotThere refuses revisions that Git does not have, and says how to get them.
func diffOfWhatIsNotThere(t *testing.T, dir string) {
	t.Helper()
	shallow := filepath.Join(t.TempDir(), "shallow")
	gitIn(t, filepath.Dir(shallow), "clone", "--quiet", "--depth=1", "file://"+dir, shallow)
	alone := t.TempDir()
	if err := os.CopyFS(alone, os.DirFS("../../examples/zero-trust-demo")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, old, want string }{
		{dir, "no-such", "git fetch origin no-such"},
		{dir, "--upload-pack=x", ""},
		{shallow, "main~1", "git fetch --deepen=50 origin"},
		{alone, "main", "is in no Git repository"},
	} {
		code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", c.dir, "--", c.old}, nil)
		if code != exitInput || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s in %s: exit %d: %s%s", c.old, filepath.Base(c.dir), code, stdout, stderr)
		}
	}
}

// diffFails ends with 1 where that is asked for, and with 2 where one side cannot be judged.
func diffFails(t *testing.T, dir string) {
	t.Helper()
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"main", "4-internet"}, exitOK},
		{[]string{"--exit-code", "main", "4-internet"}, exitFindings},
		{[]string{"--exit-code", "main", "1-rename"}, exitOK},
		{[]string{"--fail-on-risk", "high", "main", "4-internet"}, exitFindings},
		{[]string{"--fail-on-risk", "high", "main", "2-new-flow"}, exitOK},
		{[]string{"--fail-on-risk", "low", "main", "2-new-flow"}, exitFindings},
		{[]string{"--fail-on-risk", "wide-ports,test-removed", "main", "9-test-removed"}, exitFindings},
		{[]string{"--fail-on-risk", "wide-prots", "main", "9-test-removed"}, exitInput},
	} {
		if code, _, stderr := here(t.Context(), slices.Concat([]string{"diff", "--dir", dir}, c.args), nil); code != c.code {
			t.Errorf("%q: exit %d, expected %d: %s", c.args, code, c.code, stderr)
		}
	}
	asFindings(t, dir)
	file := filepath.Join(dir, "shop", "mailer.yaml")
	if err := os.WriteFile(file, []byte("kind: NetworkIntent\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", dir, "main"}, nil)
	if code != exitInput || !strings.Contains(stdout, "no comparison of traffic: what is on the disk has") || !strings.Contains(stderr, "shop/mailer.yaml") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// asFindings gives the risks to programs that take findings, at the line that means the traffic, which
// is named from where the run is.
func asFindings(t *testing.T, dir string) {
	t.Helper()
	for format, want := range map[string]string{
		"github":       "::error file=" + filepath.ToSlash(dir) + "/shop/frontend.yaml,line=8,col=14,title=internet-exposure%3A",
		"gitlab":       `"path": "` + filepath.ToSlash(dir) + `/shop/frontend.yaml"`,
		"sarif-github": `"ruleId": "internet-exposure"`,
		"junit":        `name="internet-exposure: an endpoint accepts a large part of the internet that it did not accept" classname="portcullis.risks">` + "\n      <failure",
	} {
		code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", dir, "--fail-on-risk=internet-exposure", "-o", format, "main", "4-internet"}, nil)
		if code != exitFindings || !strings.Contains(stdout, want) || stderr != "" {
			t.Errorf("%s: exit %d, expected %s in\n%s%s", format, code, want, stdout, stderr)
		}
	}
	if code, _, stderr := here(t.Context(), []string{"diff", "--dir", dir, "-o", "dot", "main", "4-internet"}, nil); code != exitInput || !strings.Contains(stderr, `"dot" is no format of a difference, for markdown has the picture`) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// revisionsAreReadAsTheyAre has what an author may say of files count for nothing: what is
// not to be exported, other line ends, and objects in the place of others.
func revisionsAreReadAsTheyAre(t *testing.T, dir string) {
	t.Helper()
	attributes := "* export-ignore\n*.yaml filter=mangle text eol=crlf\n"
	if err := os.WriteFile(filepath.Join(dir, ".gitattributes"), []byte(attributes), 0o644); err != nil {
		t.Fatal(err)
	}
	gitIn(t, dir, "config", "filter.mangle.smudge", "sed s/8080/1/")
	gitIn(t, dir, "replace", "main", "4-internet")
	code, stdout, stderr := here(t.Context(), []string{"diff", "--dir", dir, "-o", "json", "main", "2-new-flow"}, nil)
	var got struct {
		Summary struct{ Opened, Closed int }
		Files   []string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || got.Summary.Opened != 1 || got.Summary.Closed != 0 || !slices.Equal(got.Files, []string{"reports/reports.yaml"}) {
		t.Errorf("exit %d, %+v: %v %s", code, got, err, stderr)
	}
}

// TestRisksAreOnTheirPage holds the table of risks against the page about them.
func TestRisksAreOnTheirPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/map-and-diff.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range delta.Risks {
		if row := "| `" + r.Tag + "` | " + string(r.Level); !strings.Contains(string(page), row) || !strings.Contains(string(page), " | "+r.Sentence+" |") {
			t.Errorf("the page has no row of %s, %s: %s", r.Tag, r.Level, r.Sentence)
		}
	}
	golden, err := os.ReadFile(filepath.Join(historyDir, "4-internet.text"))
	if err != nil || !strings.Contains(string(page), string(golden)) {
		t.Errorf("the example of the page is not what is printed: %v", err)
	}
}
