package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"portcullis.dev/compiler/language"
)

// TestReadAhead finds out of directories whether they are repositories of intents. What was read
// for that is what is judged, whatever the disk says meanwhile, and it is there once.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	const (
		platform = "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: p}\nspec: {}\n"
		intent   = "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: a, namespace: shop}\nspec: {}\n"
		policy   = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n"
		flows    = "  flows:\n    - {from: shop/a, to: shop/b, ports: [any]}\n"
	)
	for name, c := range map[string]struct {
		platform, other string
		holds           bool
	}{
		"an intent":                     {platform, intent, true},
		"an intent behind a policy":     {platform, policy + "---\n" + intent, true},
		"an intent that is none":        {platform, intent + "nonsense\n", true},
		"a policy":                      {platform, policy, false},
		"a policy and flows":            {platform[:len(platform)-len(" {}\n")] + "\n" + flows, policy, true},
		"a Platform that does not read": {platform + "\t", policy, true},
		"nothing":                       {platform, "", true},
	} {
		p, dir := &program{}, t.TempDir()
		file := filepath.Join(dir, "a.yaml")
		if err := errors.Join(os.WriteFile(filepath.Join(dir, language.PlatformFile), []byte(c.platform), 0o644), os.WriteFile(file, []byte(c.other), 0o644)); err != nil {
			t.Fatal(err)
		}
		if holds := p.holdsIntents(dir); holds != c.holds {
			t.Errorf("%s: it holds intents: %v", name, holds)
		}
		if err := os.WriteFile(file, []byte("changed: true\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.other, "changed: true\n"} {
			files, _, err := p.readRepository(dir + "/")
			if err != nil || len(files) != 2 || string(files[0].Data) != want {
				t.Errorf("%s: read %v %v, want %q", name, files, err, want)
			}
		}
	}
}
