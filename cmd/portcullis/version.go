package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// release and commit are set by the linker: -ldflags "-X main.release=v0.1.0 -X main.commit=…".
var release, commit string

// engines are the modules that decide what is compiled and how it is judged: whoever compares
// two verdicts asks for their versions first.
var engines = []string{
	"github.com/open-policy-agent/opa", "github.com/projectcalico/api", "k8s.io/api",
	"sigs.k8s.io/kustomize/api", "sigs.k8s.io/yaml",
}

// version finds the program's release, the module's version where it was installed by go install,
// or devel.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// commitOf names the commit that the program was built from: the linker's word, or what the
// go command wrote down of the checkout.
func commitOf(info *debug.BuildInfo) string {
	settings := map[string]string{"vcs.revision": commit}
	for _, s := range info.Settings {
		if settings[s.Key] == "" {
			settings[s.Key] = s.Value
		}
	}
	switch {
	case settings["vcs.revision"] == "":
		return "unknown"
	case commit == "" && settings["vcs.modified"] == "true":
		return settings["vcs.revision"] + ", with changes"
	}
	return settings["vcs.revision"]
}

// versionCommand describes the command version.

// versionCommand describes the command version.
func versionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version of the program, its commit, and the modules that decide what it says",
		Description: "Two programs that print the same say the same of the same input.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "modules", Usage: "list every module that is in the program"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{fmt.Errorf("version takes no arguments, found %q", c.Args().First())}
			}
			return p.printOrigin(c.Bool("modules"))
		},
	}
}

// printVersion prints the version of the program, of Go, and the system it was built for.
func (p *program) printVersion() error {
	_, err := fmt.Fprintf(p.out, "portcullis %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}

// printOrigin prints what the program was made of.
func (p *program) printOrigin(everything bool) error {
	if err := p.printVersion(); err != nil {
		return err
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "commit %s\n", commitOf(info))
	for _, m := range info.Deps {
		if everything || slices.Contains(engines, m.Path) {
			if m.Replace != nil {
				m = m.Replace
			}
			fmt.Fprintf(&text, "module %s %s\n", m.Path, m.Version)
		}
	}
	_, err := fmt.Fprint(p.out, text.String())
	return err
}
