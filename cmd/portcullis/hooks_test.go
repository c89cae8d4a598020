package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/ci"
)

// committing is a repository of Git's in which a program runs hooks.
type committing struct {
	*testing.T
	dir, home string
}

// sh runs a program in the repository. Nothing may be downloaded: every proxy leads nowhere.
func (c committing) sh(wantErr bool, args ...string) string {
	c.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LEFTHOOK") || strings.HasPrefix(v, "PREK_") }),
		"HOME="+c.home, "PRE_COMMIT_HOME="+c.home, "PREK_HOME="+c.home, "XDG_CACHE_HOME="+c.home, "NO_COLOR=1",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
		"http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9", "GOPROXY=off", "PIP_NO_INDEX=1")
	out, err := cmd.CombinedOutput()
	if (err != nil) != wantErr {
		c.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (c committing) edit(name, old, new string) {
	c.Helper()
	name = filepath.Join(c.dir, name)
	data, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(data), old) {
		c.Fatalf("%s has no %q (%v)", name, old, err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
		c.Fatal(err)
	}
}

// hookPrograms are those that run hooks, and what they do each in its own way.
var hookPrograms = []struct {
	name       string
	restages   bool // what a hook changed is committed at once
	hidesFiles bool // of what is not staged, whole files too
}{
	{"pre-commit", false, true},
	{"prek", false, true},
	{"lefthook", true, false},
}

// TestHooks commits to repositories of Git's in which the real programs run the hooks from the
// files that portcullis ci writes.
func TestHooks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal(err)
	}
	for _, p := range hookPrograms {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(p.name); err != nil {
				t.Skipf("there is no %s: its hooks were NOT tried", p.name)
			}
			c := committing{t, t.TempDir(), t.TempDir()}
			c.sh(false, "git", "init", "-q")
			c.sh(false, "portcullis", "init")
			c.sh(false, "portcullis", "ci", p.name, "--write")
			c.sh(false, p.name, "install")
			c.sh(false, "git", "add", ".")
			if out := c.sh(false, "git", "commit", "-m", "fine"); strings.Count(out, "Passed")+strings.Count(out, "✓ portcullis") != 2 {
				t.Fatalf("the hooks did not run:\n%s", out)
			}
			c.mistakes(p.hidesFiles)
			c.deletions()
			c.oddPaths(p.restages)
			if p.name != "prek" { // whose file is pre-commit's
				c.bundles(p.name)
			}
		})
	}
}

const backend = "intents/shop/backend.yaml"

// mistakes are refused where they are staged, and what is not staged counts for nothing, in
// neither direction.
func (c committing) mistakes(hidesFiles bool) {
	c.Helper()
	c.edit(backend, "from: frontend", "from: fronted")
	if out := c.sh(true, "git", "commit", "-am", "a mistake"); !strings.Contains(out, backend+":18:14: error PC101") {
		c.Errorf("the mistake is not shown:\n%s", out)
	}
	c.sh(false, "git", "add", ".")
	c.edit(backend, "from: fronted", "from: frontend")
	c.sh(true, "git", "commit", "-m", "a mistake, mended on the disk alone")
	c.edit(backend, "why: pages", "why: the pages")
	c.sh(false, "git", "add", ".")
	c.edit(backend, "from: frontend", "from: fronted")
	c.sh(false, "git", "commit", "-m", "fine, with a mistake on the disk alone")
	if out := c.sh(false, "git", "diff", "--", backend); !strings.Contains(out, "from: fronted") {
		c.Errorf("the disk is not as it was:\n%s", out)
	}
	c.edit("portcullis.yaml", "The Platform:", "This is the Platform:")
	c.sh(false, "git", "add", "portcullis.yaml")
	c.sh(!hidesFiles, "git", "commit", "-m", "a mistake in a file of which nothing is staged")
	c.sh(false, "git", "reset", "-q", "HEAD")
	c.sh(false, "git", "checkout", "--", ".")
}

// deletions and renames are judged as edits are.
func (c committing) deletions() {
	c.Helper()
	c.sh(false, "git", "rm", "-q", "intents/shop/frontend.yaml")
	if out := c.sh(true, "git", "commit", "-m", "a deletion"); !strings.Contains(out, "PC101") {
		c.Errorf("the deletion was not judged:\n%s", out)
	}
	c.sh(false, "git", "reset", "-q", "--hard")
	c.sh(false, "git", "mv", "intents/shop/frontend.yaml", "intents/front.yaml")
	c.sh(false, "git", "commit", "-m", "a rename")
}

// oddPaths are formatted like all others, and what is no intent is left alone.
func (c committing) oddPaths(restages bool) {
	c.Helper()
	names := []string{"-x.yaml", "intents/-w.yml", "intents/a b/it's \"é\" $(touch gone).yaml", "intents/'; touch gone; '.yaml", "intents/*.yaml", "intents/🔒.yaml"}
	for i, name := range names {
		text := "kind: NetworkIntent\napiVersion: portcullis.dev/v1alpha1\nmetadata: {namespace: shop, name: \"odd-" + string(rune('a'+i)) + "\"}\nspec: {}\n"
		if err := os.MkdirAll(filepath.Dir(filepath.Join(c.dir, name)), 0o755); err != nil {
			c.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
			c.Fatal(err)
		}
	}
	const theirs = "kind:   ConfigMap\napiVersion: v1\nmetadata: {name: theirs, namespace: shop}\n"
	if err := os.WriteFile(filepath.Join(c.dir, "theirs.yaml"), []byte(theirs), 0o644); err != nil {
		c.Fatal(err)
	}
	c.sh(false, "git", "add", "-A")
	if out := c.sh(!restages, "git", "commit", "-m", "odd"); !restages {
		if !strings.Contains(out, "files were modified by this hook") {
			c.Errorf("it is not said that files were formatted:\n%s", out)
		}
		c.sh(false, "git", "add", "-A")
		c.sh(false, "git", "commit", "-m", "odd")
	}
	for _, name := range names {
		if got := c.sh(false, "git", "show", "HEAD:"+name); !strings.HasPrefix(got, "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\n") {
			c.Errorf("%s was not formatted:\n%s", name, got)
		}
	}
	if got := c.sh(false, "git", "show", "HEAD:theirs.yaml"); got != theirs {
		c.Errorf("somebody else's file was formatted:\n%s", got)
	}
	if out := c.sh(false, "git", "status", "--porcelain"); out != "" {
		c.Errorf("something is left:\n%s", out)
	}
}

// bundles that are committed must be what the intents build, where that hook is switched on.
func (c committing) bundles(program string) {
	c.Helper()
	i := slices.IndexFunc(ci.Integrations, func(i ci.Integration) bool { return i.Name == program })
	files, err := ci.Integrations[i].Files()
	if err != nil || len(files) != 1 {
		c.Fatal(len(files), err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.dir, name), switchedOn(text), 0o644); err != nil {
			c.Fatal(err)
		}
	}
	c.sh(false, "portcullis", "build", "--out", "bundle")
	c.sh(false, "git", "add", "-A")
	c.sh(false, "git", "commit", "-m", "the bundle")
	c.edit(backend, "{http: 8080}", "{http: 8081}")
	if out := c.sh(true, "git", "commit", "-am", "an intent without its bundle"); !strings.Contains(out, "+      port: 8081") {
		c.Errorf("the difference is not shown:\n%s", out)
	}
	c.sh(false, "portcullis", "build", "--out", "bundle")
	c.sh(false, "git", "commit", "-am", "an intent with its bundle")
}
