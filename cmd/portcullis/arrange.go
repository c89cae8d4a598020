package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/policies/diag"
)

// arrange puts the flags of a command line before its arguments, where urfave/cli expects them,
// so that they work after as well. A command or a flag that does not exist is refused, with the
// one that was probably meant. The flag for help, wherever it stands, is the command of that
// name: urfave/cli would look for help of what it takes for a command of the command.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	if strings.HasPrefix(args[0], "-") {
		if err := known(app.Flags, "", args[0]); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(args, asksForHelp) {
			args = []string{"help"}
		}
		return args, nil
	}
	cmd := app.Command(args[0])
	if cmd == nil {
		return nil, noCommand(app, args[0])
	}
	if cmd.SkipFlagParsing {
		return args, nil
	}
	var flags, rest []string
	help := false
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			rest = append(rest, arg)
			continue
		}
		if err := known(cmd.Flags, cmd.Name, arg); err != nil {
			return nil, err
		}
		if err := boolean(cmd.Flags, arg); err != nil {
			return nil, err
		}
		help = help || asksForHelp(arg)
		flags = append(flags, arg)
		if takesValue(cmd.Flags, arg) {
			if i++; i == len(args) {
				return nil, usageError{fmt.Errorf("%s needs a value (see portcullis %s --help)", arg, cmd.Name)}
			}
			flags = append(flags, args[i])
		}
	}
	if help {
		return []string{"help", cmd.Name}, nil
	}
	return slices.Concat(args[:1], flags, []string{"--"}, rest), nil
}

// noCommand refuses a command line whose command does not exist, with the one that was probably
// meant.
func noCommand(app *cli.App, name string) error {
	var names []string
	for _, c := range app.VisibleCommands() {
		names = append(names, c.Name)
	}
	return usageError{fmt.Errorf("there is no command %q; %sthe commands are %s", name, didYouMean(name, names), strings.Join(names, ", "))}
}

// didYouMean asks for the nearest of the words that a command line may hold, if one is near, and
// leaves room for what follows.
func didYouMean(word string, known []string) string {
	if near := diag.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %s? ", near)
	}
	return ""
}

// known refuses a flag on the command line that the command, or the program where there is none,
// does not have.
func known(flags []cli.Flag, command, arg string) error {
	if _, ok := flagOf(flags, arg); ok {
		return nil
	}
	long := []string{"--" + cli.HelpFlag.Names()[0]}
	for _, f := range flags {
		long = append(long, "--"+f.Names()[0])
	}
	name, _, _ := strings.Cut(arg, "=")
	meant := didYouMean("--"+strings.TrimLeft(name, "-"), long)
	if command == "" {
		return usageError{fmt.Errorf("there is no flag %s; %sa command's flags come after its name (see portcullis --help)", name, meant)}
	}
	return usageError{fmt.Errorf("%s has no flag %s; %ssee portcullis %s --help", command, name, meant, command)}
}

// boolean refuses a value on the command line of a flag that is neither true nor false.
func boolean(flags []cli.Flag, arg string) error {
	name, value, given := strings.Cut(arg, "=")
	f, _ := flagOf(flags, arg)
	if _, isBool := f.(*cli.BoolFlag); !isBool || !given {
		return nil
	}
	if err := checkBool(value); err != nil {
		return usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return nil
}

// flagOf finds the flag that an argument of the command line names. The help flag is every
// command's, and has no value.
func flagOf(flags []cli.Flag, arg string) (cli.Flag, bool) {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, f := range append(slices.Clone(flags), cli.HelpFlag) {
		if slices.Contains(f.Names(), name) {
			return f, true
		}
	}
	return nil, false
}

// takesValue reports whether a flag's value is the next argument of the command line.
func takesValue(flags []cli.Flag, arg string) bool {
	f, ok := flagOf(flags, arg)
	if !ok || strings.Contains(arg, "=") {
		return false
	}
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}
