package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"portcullis.dev/ci"
)

// hooksOf reads a list of hooks, by their IDs, without what describes them alone.
func hooksOf(t *testing.T, data []byte) map[string]map[string]any {
	t.Helper()
	var list []map[string]any
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, h := range list {
		delete(h, "description")
		all[h["id"].(string)] = h
	}
	return all
}

// switchedOn takes the marks away that keep lines from being read.
func switchedOn(text []byte) []byte { return bytes.ReplaceAll(text, []byte("#: "), nil) }

// TestHooksAgree holds the hooks that this repository offers and those that
// portcullis ci writes to each other, and to what every release of pre-commit needs.
func TestHooksAgree(t *testing.T) {
	t.Parallel()
	offered, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hooks := hooksOf(t, offered)
	files, err := ci.Integrations[0].Files()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Repos []struct{ Hooks yaml.Node }
	}
	// Those that are not switched on count as well.
	if err := yaml.Unmarshal(switchedOn(files[".pre-commit-config.yaml"]), &config); err != nil {
		t.Fatal(err)
	}
	written, err := yaml.Marshal(&config.Repos[0].Hooks)
	if err != nil {
		t.Fatal(err)
	}
	for id, h := range hooksOf(t, written) {
		if diff := cmp.Diff(hooks[id], h); diff != "" {
			t.Errorf("%s is offered otherwise than it is written (-offered +written):\n%s", id, diff)
		}
	}
	for id, h := range hooks {
		// Whole repositories are judged, whichever files were edited; files are formatted one by one.
		want := map[string]any{"require_serial": true, "always_run": true, "pass_filenames": false}
		switch command := strings.TrimSuffix(id, "-system"); command {
		case "portcullis-fmt":
			want = map[string]any{"require_serial": true, "entry": "portcullis fmt -w --", "always_run": nil, "pass_filenames": nil}
		case "portcullis-check":
			want["entry"] = "portcullis check"
		case "portcullis-build-check":
			want["entry"] = "portcullis build --check"
		default:
			t.Errorf("nobody knows what the hook %s runs", id)
		}
		for key, value := range want {
			if h[key] != value {
				t.Errorf("%s: %s is %v, expected %v", id, key, h[key], value)
			}
		}
		if _, has := h["stages"]; has {
			t.Errorf("%s has stages, of which releases know different names", id)
		}
	}
	if len(hooks) != 6 {
		t.Errorf("%d hooks are offered, expected three for those who download and for those who do not", len(hooks))
	}
}
