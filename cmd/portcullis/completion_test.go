package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// bashCompletes types a line into bash, asks for its completions as the readline
// library does, and returns them.
const bashCompletes = `
source <(portcullis completion bash) || exit
spec=$(complete -p portcullis) || exit
COMP_LINE=$1 COMP_POINT=${#1}
# Words as readline makes them: the equals sign is one of its own.
read -ra COMP_WORDS <<<"${1//=/ = }"
[[ $1 == *[\ =] ]] && [[ $1 != *= ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $spec =~ -F\ ([^ ]+) ]] || exit
"${BASH_REMATCH[1]}" portcullis
printf '%s\n' "${COMPREPLY[@]}"
`

// TestCompletion asks the shells themselves. What is there besides bash depends on
// the machine; ci/test installs them where it can, and demands that each has run.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ all, none []string }{
		"portcullis ":                       {[]string{"build", "check", "init", "rules", "ci", "completion"}, []string{hiddenComplete}},
		"portcullis bu":                     {[]string{"build"}, []string{"check"}},
		"portcullis build --":               {[]string{"--env", "--out", "--allow-empty", "--help"}, []string{"build"}},
		"portcullis check examples --fa":    {[]string{"--fail-on"}, []string{"--color"}},
		"portcullis check --fail-on ":       {[]string{"error", "warning", "info"}, []string{"check"}},
		"portcullis check --fail-on=w":      {[]string{"warning"}, []string{"error", "--fail-on=warning"}},
		"portcullis check --color=":         {[]string{"auto", "always", "never"}, nil},
		"portcullis check -o ":              {[]string{"text", "json", "brief"}, nil},
		"portcullis te":                     {[]string{"test"}, []string{"check"}},
		"portcullis test -o ":               {[]string{"text", "json", "brief"}, nil},
		"portcullis build --env ":           {[]string{"dev", "prod"}, nil},
		"portcullis build --namespace ":     {[]string{"payments", "shop", "storefront"}, []string{"pr-*", "build"}},
		"portcullis build --namespace=s":    {[]string{"shop", "storefront"}, []string{"payments"}},
		"portcullis schema ":                {[]string{"NetworkIntent", "Platform", "Waiver"}, []string{"--out"}},
		"portcullis schema N":               {[]string{"NetworkIntent"}, []string{"Platform"}},
		"portcullis ci g":                   {[]string{"github", "gitlab"}, []string{"argocd"}},
		"portcullis rules PC20":             {[]string{"PC201", "PC202"}, []string{"PC001"}},
		"portcullis completion ":            {[]string{"bash", "fish", "zsh"}, nil},
		"portcullis help b":                 {[]string{"build"}, []string{"check"}},
		"portcullis check ":                 {nil, []string{"build", "--fail-on"}}, // files are the shell's own
		"portcullis nonsense --":            {nil, []string{"--help"}},
		"portcullis check -- --fa":          {nil, []string{"--fail-on"}},
		"portcullis build --out directory ": {nil, []string{"build"}},
	} {
		t.Run("bash/"+line, func(t *testing.T) {
			t.Parallel()
			got := completions(t, "bash", "-c", bashCompletes, "bash", line)
			compareCompletions(t, got, want.all, want.none)
		})
		t.Run("fish/"+line, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(line, "=") {
				return // fish hands the word over whole, and shows it whole: TestCompleteWholeWords
			}
			got := completions(t, "fish", "-c", "portcullis completion fish | source; complete -C $argv[1]", line)
			compareCompletions(t, got, want.all, want.none)
		})
	}
	t.Run("zsh", func(t *testing.T) {
		t.Parallel()
		completions(t, "zsh", "-fc", "autoload -U compinit; compinit -D; source <(portcullis completion zsh) && print $_comps[portcullis]")
	})
}

// TestCompleteWholeWords is what a shell gets that does not split at the equals sign.
func TestCompleteWholeWords(t *testing.T) {
	t.Parallel()
	got := completions(t, "portcullis", hiddenComplete, "check", "--fail-on=w")
	if !slices.Equal(got, []string{"--fail-on=warning"}) {
		t.Errorf("candidates %q", got)
	}
}

// TestCompleteRepository takes names from the repository that the line names, and from the
// nearest one without: from every part of its Platform, and from its intents.
func TestCompleteRepository(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"build --namespace ":                                 nil, // this directory is below no repository
		"build testdata/fleet --namespace ":                  {"payments", "shop", "storefront"},
		"build testdata/fleet --namespace=st":                {"--namespace=storefront"},
		"build testdata/fleet --env ":                        {"dev", "prod"},
		"build --namespace shop testdata/fleet --e":          {"--env"},
		"explain testdata/fleet --env p":                     {"prod"},
		"build ../../examples/zero-trust-demo --namespace z": {"zero-trust-demo"},
	} {
		_, out, errs := here(t.Context(), append([]string{hiddenComplete}, strings.Split(line, " ")...), nil)
		var got []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, word)
		}
		if !slices.Equal(got, want) || errs != "" {
			t.Errorf("%s: %q, expected %q; %s", line, got, want, errs)
		}
	}
}

func completions(t *testing.T, program string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("there is no %s to ask", program)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = "testdata/fleet"
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", program, err, stderr.String())
	}
	var words []string
	for line := range strings.Lines(string(out)) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t") // behind it stands the meaning
		words = append(words, word)
	}
	return words
}

func compareCompletions(t *testing.T, got, all, none []string) {
	t.Helper()
	for _, w := range all {
		if !slices.Contains(got, w) {
			t.Errorf("%q is not among %q", w, got)
		}
	}
	for _, w := range none {
		if slices.Contains(got, w) {
			t.Errorf("%q is among %q", w, got)
		}
	}
}
