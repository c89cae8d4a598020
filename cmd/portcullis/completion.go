package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
)

// shells have a script each, which asks the program itself what could come next:
// nothing is listed a second time.
//
//go:embed completion
var shells embed.FS

// hiddenComplete is the command that the scripts call.
const hiddenComplete = "__complete"

// shellNames lists the shells for which there is a script of completion.
func shellNames() []string {
	entries, err := shells.ReadDir("completion")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimPrefix(e.Name(), "portcullis."))
	}
	return names
}

// completionCommand describes the command completion, which prints a shell's script.
func completionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that completes commands and flags in a shell",
		ArgsUsage: strings.Join(shellNames(), "|"),
		Description: "bash: source <(portcullis completion bash), in ~/.bashrc\n" +
			"zsh:  source <(portcullis completion zsh), in ~/.zshrc after compinit\n" +
			"fish: portcullis completion fish | source, in ~/.config/fish/config.fish",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 || !slices.Contains(shellNames(), c.Args().First()) {
				return usageError{fmt.Errorf("completion takes one of %s, found %q", strings.Join(shellNames(), ", "), strings.Join(c.Args().Slice(), " "))}
			}
			script, err := shells.ReadFile("completion/portcullis." + c.Args().First())
			if err != nil {
				return err
			}
			_, err = p.out.Write(script)
			return err
		},
	}
}

// completeCommand describes the hidden command that shells call for completion: it prints what
// the word that is being typed, the last of its arguments, may become: one candidate on a line,
// with its meaning behind a tab. No line means that the shell's own completion of files is right.
func completeCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:            hiddenComplete,
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				return nil
			}
			last := words[len(words)-1]
			for _, candidate := range p.complete(c, words[:len(words)-1], last) {
				if strings.HasPrefix(candidate.text, last) {
					fmt.Fprintln(p.out, strings.TrimRight(candidate.text+"\t"+candidate.meaning, "\t"))
				}
			}
			return nil
		},
	}
}

type candidate struct{ text, meaning string }

// complete lists completion's candidates for the word that is being typed: commands, flags, a
// flag's values, or arguments.
func (p *program) complete(c *cli.Context, before []string, word string) []candidate {
	var all []candidate
	if len(before) == 0 {
		for _, cmd := range c.App.VisibleCommands() {
			all = append(all, candidate{cmd.Name, cmd.Usage})
		}
		return append(all, flagCandidates(c.App.Flags)...)
	}
	cmd := c.App.Command(before[0])
	if cmd == nil || slices.Contains(before, "--") {
		return nil
	}
	previous := before[len(before)-1]
	if previous == "=" && len(before) > 2 { // bash splits at it
		return bare(values(cmd, before, before[len(before)-2]))
	}
	if name, _, given := strings.Cut(word, "="); given && strings.HasPrefix(name, "-") {
		for _, v := range values(cmd, before, name) {
			all = append(all, candidate{name + "=" + v, ""})
		}
		return all
	}
	if len(before) > 1 && strings.HasPrefix(previous, "-") && takesValue(cmd.Flags, previous) {
		return bare(values(cmd, before, previous))
	}
	if strings.HasPrefix(word, "-") {
		return flagCandidates(append(slices.Clone(cmd.Flags), cli.HelpFlag))
	}
	return p.arguments(c, cmd.Name)
}

// bare makes candidates of completion without a meaning.
func bare(values []string) []candidate {
	var all []candidate
	for _, v := range values {
		all = append(all, candidate{text: v})
	}
	return all
}

// flagCandidates makes candidates of completion from flags, with their usage as meaning.
func flagCandidates(flags []cli.Flag) []candidate {
	var all []candidate
	for _, f := range flags {
		usage := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		all = append(all, candidate{"--" + f.Names()[0], usage})
	}
	return all
}

// values lists for completion what a flag may have as value, as far as that can be listed.
func values(cmd *cli.Command, before []string, arg string) []string {
	f, ok := flagOf(cmd.Flags, arg)
	if !ok {
		return nil
	}
	if f, ok := f.(typedFlag); ok {
		return f.choices()
	}
	dir := ""
	if i := slices.IndexFunc(before[1:], isRepository); i >= 0 {
		dir = before[1+i]
	}
	switch f.Names()[0] {
	case "env":
		return environments(dir)
	case "namespace":
		return namespaces(dir)
	}
	return nil
}

// environments lists for completion those of the Platform in a directory, by default of the
// nearest one.
func environments(dir string) []string {
	dir, err := repository(dir)
	if err != nil {
		return nil
	}
	platform, _, err := sources.ReadFile(dir+"/"+language.PlatformFile, sources.DefaultLimits())
	if err != nil {
		return nil
	}
	repo, _ := language.Parse([]language.File{platform})
	if repo.Platform == nil {
		return nil
	}
	var names []string
	for _, e := range repo.Platform.Spec.Environments {
		names = append(names, string(e.Key.Value))
	}
	return names
}

// namespaces lists for completion those of a repository, by default the nearest one, that have a
// name: a pattern stands for some that are made elsewhere.
func namespaces(dir string) []string {
	dir, err := repository(dir)
	if err != nil {
		return nil
	}
	files, _, err := sources.ReadRepository(dir, sources.DefaultLimits())
	if err != nil {
		return nil
	}
	repo, _ := language.Parse(files)
	var names []string
	if repo.Platform != nil && repo.Platform.Spec.Namespaces != nil {
		for _, n := range *repo.Platform.Spec.Namespaces {
			names = append(names, string(n.Key.Value))
		}
	}
	for _, i := range repo.Intents {
		names = append(names, string(i.Metadata.Namespace.Value))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" || language.NamespaceName(name).IsPattern() })
	slices.Sort(names)
	return slices.Compact(names)
}

// arguments lists for completion the arguments of a command that are no files: shells, kinds,
// rules and the like.
func (p *program) arguments(c *cli.Context, command string) []candidate {
	var all []candidate
	switch command {
	case "completion":
		return bare(shellNames())
	case "ci":
		for _, i := range ci.Integrations {
			all = append(all, candidate{i.Name, i.Description})
		}
	case "schema":
		return bare(language.Kinds())
	case "help":
		for _, cmd := range c.App.VisibleCommands() {
			all = append(all, candidate{cmd.Name, cmd.Usage})
		}
	case "rules":
		rules, err := compiler.AllRules(c.Context)
		if err != nil {
			return nil
		}
		for _, r := range rules {
			all = append(all, candidate{r.Code, r.Title})
		}
	}
	return all
}
