package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
)

// seat runs the very command of plugin.yaml with nothing in its environment but
// what is given, as an Argo CD sidecar does.
func seat(t *testing.T, environ map[string]string) (code int, stdout, stderr string) {
	t.Helper()
	args := pluginCommand(t)
	args[len(args)-1] = "../../examples/zero-trust-demo" // for the dot: tests share one directory
	return here(t.Context(), args[1:], environ)
}

func pluginCommand(t *testing.T) []string {
	t.Helper()
	i := slices.IndexFunc(ci.Integrations, func(i ci.Integration) bool { return i.Name == "argocd" })
	files, err := ci.Integrations[i].Files()
	if err != nil {
		t.Fatal(err)
	}
	var plugin struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Generate   struct{ Command, Args []string }
			Parameters struct {
				Static []struct{ Name, Title, Tooltip, CollectionType string }
			}
			ProvideGitCreds bool `yaml:"provideGitCreds"`
		}
	}
	if err := yaml.Unmarshal(files["plugin.yaml"], &plugin); err != nil {
		t.Fatal(err)
	}
	// What the plugin server validates, and what a compiler of untrusted repositories
	// must not have.
	if plugin.APIVersion != "argoproj.io/v1alpha1" || plugin.Kind != "ConfigManagementPlugin" || plugin.Metadata.Name == "" || plugin.Spec.ProvideGitCreds {
		t.Fatalf("not a plugin that Argo CD would take: %+v", plugin)
	}
	command := slices.Concat(plugin.Spec.Generate.Command, plugin.Spec.Generate.Args)
	if len(command) < 3 || command[0] != "portcullis" || command[len(command)-1] != "." {
		t.Fatalf("the plugin runs %q, expected portcullis on the Application's own path", command)
	}
	return command
}

// TestHostileParameters: an Application's author chooses an environment that there
// is, or gets exit code 2, nothing on stdout and one harmless line on stderr.
func TestHostileParameters(t *testing.T) {
	t.Parallel()
	parameters := func(text string) map[string]string { return map[string]string{argoParameters: text} }
	for name, environ := range map[string]map[string]string{
		"no JSON":                 parameters(`environment=prod`),
		"an object":               parameters(`{"name":"environment"}`),
		"more than one":           parameters(`[] []`),
		"cut off":                 parameters(`[{"name":"environment"`),
		"unknown field":           parameters(`[{"name":"environment","string":"default","values":"x"}]`),
		"unknown name":            parameters(`[{"name":"checks","string":"none"}]`),
		"dash and underscore":     parameters(`[{"name":"environment","string":"default"},{"name":"environment_","string":"default"}]`),
		"duplicate":               parameters(`[{"name":"environment","string":"default"},{"name":"environment","string":"default"}]`),
		"array":                   parameters(`[{"name":"environment","array":["default"]}]`),
		"map":                     parameters(`[{"name":"environment","map":{"default":"default"}}]`),
		"string and array":        parameters(`[{"name":"environment","string":"default","array":[]}]`),
		"number":                  parameters(`[{"name":"environment","string":1}]`),
		"nothing":                 parameters(`[{"name":"environment"}]`),
		"no such environment":     parameters(`[{"name":"environment","string":"prod"}]`),
		"newline":                 parameters(`[{"name":"environment","string":"x\n::error::y"}]`),
		"escape in a name":        parameters(`[{"name":"\u001b[31m\n::stop-commands::x"}]`),
		"200 KB":                  parameters(`[{"name":"` + strings.Repeat("x", 200_000) + `"}]`),
		"newline in a variable":   {argoChoice: "x\n::error::y"},
		"the operator's business": {argoPrefix + "PORTCULLIS_ALLOW_EMPTY": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := seat(t, environ)
			if code != exitInput || stdout != "" {
				t.Errorf("exit %d and %d bytes on stdout, expected %d and none", code, len(stdout), exitInput)
			}
			if line := strings.TrimSuffix(stderr, "\n"); len(line) > 500 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				t.Errorf("stderr is not one short harmless line: %.600q", stderr)
			}
		})
	}
	if code, stdout, stderr := seat(t, parameters(`[{"name":"environment","string":"default"}]`)); code != exitOK || stdout == "" || stderr != "" {
		t.Errorf("a good parameter: exit %d, %d bytes, %q", code, len(stdout), stderr)
	}
}

// TestSeatIsTheSameEverywhere builds copies of a repository in directories of other
// names: no path reaches an output.
func TestSeatIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	var first string
	for i, name := range []string{"_cmp_server/3f1c", "_cmp_server/a b"} {
		dir := filepath.Join(t.TempDir(), filepath.FromSlash(name))
		if err := os.CopyFS(dir, os.DirFS("../../examples/zero-trust-demo")); err != nil {
			t.Fatal(err)
		}
		args := pluginCommand(t)
		args[len(args)-1] = dir
		code, out, err := here(t.Context(), args[1:], nil)
		if code != exitOK || out == "" || err != "" {
			t.Fatalf("exit %d: %s", code, err)
		}
		if i > 0 && out != first {
			t.Error("the directory's name changes the result")
		}
		first = out
	}
}
