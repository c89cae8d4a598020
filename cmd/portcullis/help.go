package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func helpCommand(*program) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show the commands, or the flags of one",
		ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case c.NArg() > 1:
				return usageError{fmt.Errorf("help takes one command, found %d arguments", c.NArg())}
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return noCommand(c.App, name)
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}
