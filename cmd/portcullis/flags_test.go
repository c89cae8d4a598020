package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// freeFlags are those whose values nobody can list, and whose type is text. A new flag is one
// of these, or has a type and a parser of its own in values.go.
var freeFlags = []string{"baseline", "cache", "dir", "env", "file", "from", "ignore-kind", "inputs", "key", "link-base", "manifests", "namespace", "out", "revision", "source", "to", "write-baseline"}

// valuesOf lists all that a flag may have, or nil.
func valuesOf(f cli.Flag) []string {
	switch f := f.(type) {
	case *cli.BoolFlag:
		return []string{"true", "false"}
	case typedFlag:
		return f.choices()
	}
	return nil
}

// TestFlagsAreChecked gives every flag of every command that has a closed set of values one
// that is not in it: on the command line, in the environment, and with arguments that would
// end the run before the flag is used. The exit code is 2, the values are named, and a flag
// of one name and set is refused in one and the same way by all commands.
func TestFlagsAreChecked(t *testing.T) {
	t.Parallel()
	refusals := map[string]map[string]bool{}
	for _, cmd := range (&program{}).app().Commands {
		if cmd.SkipFlagParsing {
			continue
		}
		for _, f := range cmd.Flags {
			name, values := f.Names()[0], valuesOf(f)
			if values == nil {
				if _, typed := f.(typedFlag); !typed && !slices.Contains(freeFlags, name) {
					t.Errorf("%s --%s is text; give it a type, or list it in freeFlags", cmd.Name, name)
				}
				continue
			}
			variable := "PORTCULLIS_" + strings.ReplaceAll(strings.ToUpper(name), "-", "_")
			for _, bogus := range []string{"bogus", "", "x" + values[0]} {
				for _, run := range []struct {
					origin  string
					args    []string
					environ map[string]string
				}{
					{"--" + name, []string{"--" + name + "=" + bogus}, nil},
					{"--" + name, []string{"a", "b", "c", "--" + name + "=" + bogus}, nil},
					{variable, nil, map[string]string{variable: bogus}},
				} {
					code, stdout, stderr := here(t.Context(), slices.Concat([]string{cmd.Name}, run.args), run.environ)
					said, ours := strings.CutPrefix(stderr, "portcullis: "+run.origin+": ")
					if code != exitInput || stdout != "" || !ours || !strings.Contains(said, fmt.Sprintf("%q", bogus)) {
						t.Errorf("%s %q %v: exit %d, %d bytes on stdout, and it says: %s", cmd.Name, run.args, run.environ, code, len(stdout), stderr)
					}
					for _, v := range values {
						if !strings.Contains(said, v) {
							t.Errorf("%s %q does not name %s: %s", cmd.Name, run.args, v, said)
						}
					}
					set := fmt.Sprint(name, values, bogus)
					if refusals[set] == nil {
						refusals[set] = map[string]bool{}
					}
					refusals[set][said] = true
				}
			}
			for _, v := range values {
				// So many arguments are refused by every command, and by no flag.
				code, _, stderr := here(t.Context(), []string{cmd.Name, "a", "b", "c", "--" + name + "=" + v}, nil)
				if code != exitInput || strings.Contains(stderr, "--"+name+": ") {
					t.Errorf("%s --%s=%s: exit %d: %s", cmd.Name, name, v, code, stderr)
				}
			}
		}
	}
	for set, said := range refusals {
		if len(said) != 1 {
			t.Errorf("%s is refused in %d ways: %v", set, len(said), said)
		}
	}
	for _, set := range []string{"color[auto always never]bogus", "fail-on[error warning info]bogus", "output[text json]bogus", fmt.Sprintf("output%sbogus", formatNames()), "diff[true false]bogus"} {
		if refusals[set] == nil {
			t.Errorf("%s was not tried", set)
		}
	}
}

// TestOpenValues tries flags that have a type, and values that cannot be listed.
func TestOpenValues(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"check --timeout=soon a":                    `--timeout: expected a time such as 50s or 1m30s, found "soon"`,
		"explain --timeout= a":                      `--timeout: expected a time such as 50s or 1m30s, found ""`,
		"check --effective-time=yesterday a":        `--effective-time: expected a day such as 2026-12-01, or a time such as 2026-12-01T09:30:00Z, found "yesterday"`,
		"check --effective-time=1999-12-31 a":       `--effective-time: expected a day such as`,
		"explain --calico=2.6 a":                    `--calico: expected a release such as 3.32, found "2.6"`,
		"explain --calico=3.-1 a":                   `--calico: expected a release such as 3.32, found "3.-1"`,
		"check -o json= a":                          `--output: json= names no file`,
		"check -o text -o yaml=x a":                 `--output: unknown format "yaml"`,
		"check --effective-time= a":                 `a: no such file or directory`, // none is now
		"check --effective-time=2026-12-01 a":       `a: no such file or directory`,
		"check --timeout=1m30s -o text -o json=x a": `a: no such file or directory`,
		"explain --calico=v3.29 --manifests a x->y": `a: no such file or directory`,
	} {
		code, stdout, stderr := here(t.Context(), strings.Split(line, " "), nil)
		if code != exitInput || stdout != "" || !strings.HasPrefix(stderr, "portcullis: "+want) {
			t.Errorf("%s: exit %d, expected %q, it says: %s", line, code, want, stderr)
		}
	}
}
