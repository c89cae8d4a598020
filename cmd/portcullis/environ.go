package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// fromEnvironment fills flags that were not given from PORTCULLIS_<FLAG>.
func (p *program) fromEnvironment(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		variable := "PORTCULLIS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, given := p.environ[variable]
		if !given || c.IsSet(name) {
			continue
		}
		if err := c.Set(name, value); err != nil {
			return usageError{fmt.Errorf("%s: %w", variable, err)}
		}
	}
	return nil
}
