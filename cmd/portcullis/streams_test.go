package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// full takes nothing, as a full disk behind stdout.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullStdout has every command that prints something print it into a full disk. That is a
// failure of the machine, which a pipeline must not take for a judgement on its input.
func TestFullStdout(t *testing.T) {
	t.Parallel()
	const demo = "../../examples/zero-trust-demo"
	tried := map[string]bool{"init": true, "pull": true, hiddenComplete: true} // which print nothing, or to nobody who would look
	deploy := filepath.Join(t.TempDir(), "deploy")
	if code, _, said := here(t.Context(), []string{"build", demo, "--out", deploy}, nil); code != exitOK {
		t.Fatal(said)
	}
	for _, args := range [][]string{
		{"build", demo}, {"check", demo}, {"verify", deploy}, {"push", deploy, newRegistry(t) + "/team/policies:v1"}, {"test", demo}, {"map", demo}, {"diff", demo, demo + "/"}, {"explain", "zero-trust-demo/frontend -> zero-trust-demo/backend", demo},
		{"fmt", demo + "/portcullis.yaml"}, {"fmt", "-d", "testdata/fleet"}, {"schema"}, {"rules"}, {"rules", "PC101"}, {"rules", "-o", "json"},
		{"ci"}, {"ci", "github"}, {"completion", "bash"}, {"version"}, {hiddenManual}, {"help"}, {"help", "build"}, {"build", "--help"}, {"--version"},
	} {
		tried[args[0]] = true
		var said bytes.Buffer
		parsing.Lock()
		code := run(t.Context(), args, nil, streams{in: strings.NewReader(""), out: full{}, err: &said})
		parsing.Unlock()
		if code != exitMachine || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("%q: exit %d, expected %d: %s", args, code, exitMachine, said.String())
		}
	}
	for _, cmd := range (&program{}).app().Commands {
		if !tried[cmd.Name] {
			t.Errorf("%s was not tried", cmd.Name)
		}
	}
}
