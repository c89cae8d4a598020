package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// typedFlag is a flag whose text is turned into a value of a type of its own before its
// command runs, so that no command runs with a value that does not exist.
type typedFlag interface {
	cli.Flag
	read(*cli.Context) error // what its type's parser says against the text
	choices() []string       // all values that there are, or nil where they cannot be listed
}

// typed is a flag with one value.
type typed[T any] struct {
	cli.StringFlag
	parse  func(string) (T, error)
	closed []string
	into   *T
}

// read parses the text of a flag into the value of its own type, before its command runs.
func (f *typed[T]) read(c *cli.Context) (err error) {
	*f.into, err = f.parse(c.String(f.Name))
	return err
}

// choices lists what the flag can be set to, if that can be listed.
func (f *typed[T]) choices() []string { return f.closed }

// typedList is a flag that may be given several times.
type typedList[T any] struct {
	cli.StringSliceFlag
	parse  func(string) (T, error)
	closed []string
	into   *[]T
}

// read parses each text that a flag which may be repeated was given, before its command runs.
func (f *typedList[T]) read(c *cli.Context) error {
	for _, text := range c.StringSlice(f.Name) {
		v, err := f.parse(text)
		if err != nil {
			return err
		}
		*f.into = append(*f.into, v)
	}
	return nil
}

// choices lists what a flag which may be repeated can be set to each time, if that can be listed.
func (f *typedList[T]) choices() []string { return f.closed }

// checkFlags fills flags that were not given from PORTCULLIS_<FLAG>, and reads those of
// types of their own. It runs before every command: a value that does not exist is refused
// in the same words by each of them, whether the run would have come to it or not.
func (p *program) checkFlags(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		origin := "--" + name
		variable := "PORTCULLIS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if value, given := p.environ[variable]; given && !c.IsSet(name) {
			origin = variable
			if err := set(c, f, value); err != nil {
				return usageError{fmt.Errorf("%s: %w", origin, err)}
			}
		}
		if f, ok := f.(typedFlag); ok {
			if err := f.read(c); err != nil {
				return usageError{fmt.Errorf("%s: %w", origin, err)}
			}
		}
	}
	return nil
}

// set gives a flag the value of its environment variable.
func set(c *cli.Context, f cli.Flag, value string) error {
	if _, ok := f.(*cli.BoolFlag); ok {
		if err := checkBool(value); err != nil {
			return err
		}
	}
	return c.Set(f.Names()[0], value)
}

// checkBool refuses a flag's value that is neither true nor false. The words of urfave/cli name
// no value.
func checkBool(text string) error {
	if _, err := strconv.ParseBool(text); err != nil {
		return fmt.Errorf("expected true or false, found %q", text)
	}
	return nil
}

// timeoutFlag makes the flag --timeout of every command that compiles.
func timeoutFlag(into *time.Duration) cli.Flag {
	return &typed[time.Duration]{
		StringFlag: cli.StringFlag{Name: "timeout", Value: "0s", DefaultText: "none", Usage: "give up after this `TIME`, such as 50s: before whoever started the run does, and with a reason"},
		parse:      parseTimeout, into: into,
	}
}

// cacheFlag makes the flag --cache of every command that judges a whole repository.
func cacheFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", Usage: "keep in `DIR` where in a repository of intents nothing was found, and do not judge that again while it stays as it is"}
}

// effectiveTimeFlag makes the flag --effective-time of every command that judges dates.
func effectiveTimeFlag(into *time.Time) cli.Flag {
	return &typed[time.Time]{
		StringFlag: cli.StringFlag{Name: "effective-time", Usage: "judge waivers and last days as at this `TIME`: a day such as 2026-12-01, or RFC 3339; now by default"},
		parse:      parseInstant, into: into,
	}
}

// colourFlag makes the flag --color of every command that shows findings.
func colourFlag(into *colour) cli.Flag {
	return &typed[colour]{
		StringFlag: cli.StringFlag{Name: "color", Value: string(colourAuto), Usage: "`WHEN` to use colour: " + either(words(colours))},
		parse:      parseColour, closed: words(colours), into: into,
	}
}

// formFlag makes the flag --output of every command that writes a list, as text or JSON.
func formFlag(into *form, usage string) cli.Flag {
	return &typed[form]{
		StringFlag: cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: string(forms[0]), Usage: usage},
		parse:      parseForm, closed: words(forms), into: into,
	}
}
