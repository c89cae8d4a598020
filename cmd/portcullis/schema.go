package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// schemaCommand describes the command schema: flags, help text and what it runs.
func schemaCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of intents, by which editors complete and check them",
		ArgsUsage: "[KIND]",
		Description: "Without a KIND (" + strings.Join(language.Kinds(), ", ") + ") the schema knows all of them; " + strings.Join(report.SchemaNames(), " and ") + " are those of our own JSON. With --out it is " +
			"written to files, one for each kind and " + language.SchemaFile + " for all. An editor with the YAML language " +
			"server finds it by a file's first line:\n\n" +
			language.EditorLine("portcullis.yaml"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write all schemas into this `DIRECTORY`, such as " + language.SchemaDirectory},
		},
		Action: p.schema,
	}
}

// schemaKinds lists the documents whose schema the command prints: those that people write, and
// those that we do.
func schemaKinds() []string { return slices.Concat(language.Kinds(), report.SchemaNames()) }

// schema prints the JSON Schema of a kind, or has all of them written into a directory.
func (p *program) schema(c *cli.Context) error {
	if c.NArg() > 1 {
		return usageError{fmt.Errorf("schema takes one kind, found %d arguments", c.NArg())}
	}
	kind := c.Args().First()
	text, ok := report.Schema(kind)
	if !ok {
		text, ok = language.Schema(kind)
	}
	if !ok {
		return usageError{fmt.Errorf("there is no kind %q; the kinds are %s", kind, strings.Join(schemaKinds(), ", "))}
	}
	dir := c.String("out")
	switch {
	case c.IsSet("out") && dir == "":
		return usageError{errors.New("--out is empty: name a directory; left out altogether, the schema goes to stdout")}
	case dir == "":
		_, err := p.out.Write(text)
		return err
	case kind != "":
		return usageError{fmt.Errorf("--out writes the schemas of all kinds: leave out %s", kind)}
	}
	return writeSchemas("--out "+dir, dir)
}

// writeSchemas writes the schemas of all kinds into the directory of the command's --out, which
// errors call the place.
func writeSchemas(place, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return writeError(place, "", err)
	}
	files := language.Schemas()
	for _, name := range diag.SortedKeys(files) {
		if err := replaceFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return writeError(place, name, err)
		}
	}
	return nil
}
