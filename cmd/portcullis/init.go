package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/scaffold"
	"portcullis.dev/policies/diag"
)

// initCommand describes the command init: flags, help text and what it runs.
func initCommand(p *program) *cli.Command {
	var said clusterSaid
	return &cli.Command{
		Name:      "init",
		Usage:     "begin a repository of intents: with an example, or from manifests",
		ArgsUsage: "[DIR]",
		Description: "Writes a portcullis.yaml and first intents into DIR, by default the current directory: two workloads " +
			"that explain the language, or with --from an intent for each workload that manifests describe. Nothing " +
			"that is there already is overwritten.",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "from", Usage: "draft intents for the workloads in `MANIFESTS`: a file, a directory, or - for stdin; may be given several times"},
		}, clusterFlags(&said)...),
		Action: func(c *cli.Context) error { return p.init(c, said) },
	}
}

// init begins a repository: it writes a Platform, first intents and the schema, and says what is
// next.
func (p *program) init(c *cli.Context, said clusterSaid) error {
	if c.NArg() > 1 {
		return usageError{fmt.Errorf("init takes one directory, found %d arguments", c.NArg())}
	}
	dir := filepath.Clean(c.Args().First())
	switch at, taken, err := enclosing(dir); {
	case err != nil:
		return err
	case taken:
		return usageError{fmt.Errorf("%s is there already; nothing was written", filepath.Join(at, language.PlatformFile))}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	draft, err := p.draft(filepath.Base(abs), c.StringSlice("from"), said)
	if err != nil {
		return err
	}
	draft.Files[path.Join(language.SchemaDirectory, language.SchemaFile)] = language.Schemas()[language.SchemaFile]
	if err := p.writeNew(c.Args().First(), draft.Files); err != nil {
		return err
	}
	for _, note := range draft.Notes {
		fmt.Fprintf(p.err, "note: %s\n", note)
	}
	named := ""
	if dir != "." {
		named = " " + dir
	}
	fmt.Fprintf(p.err, "next: portcullis check%s judges them, portcullis build%s shows the policies that come of them\n", named, named)
	return nil
}

// draft drafts for init the first files of a repository: the example, or what manifests suggest.
func (p *program) draft(name string, manifests []string, said clusterSaid) (scaffold.Draft, error) {
	if len(manifests) == 0 {
		if err := said.refuse(); err != nil {
			return scaffold.Draft{}, err
		}
		return scaffold.Start(name)
	}
	var files []language.File
	var found diag.List
	for _, m := range manifests {
		more, problems, err := p.readManifests(m)
		if err != nil {
			return scaffold.Draft{}, inputError(err)
		}
		files = append(files, more...)
		found = append(found, problems...)
	}
	o, err := said.options()
	if err != nil {
		return scaffold.Draft{}, err
	}
	known, files, problems := o.ClusterOf(files)
	found = append(found, problems...)
	draft, problems := scaffold.From(name, known.Cluster, files)
	found = append(found, problems...)
	if len(found) > 0 {
		sources := map[string][]byte{}
		for _, f := range files {
			sources[f.Path] = f.Data
		}
		wishes := usualReporting()
		r := diag.NewReport(found, nil, sources)
		if err := p.write(wishes, r, p.err); err != nil {
			return draft, err
		}
		if err := outcome(r, wishes.failOn); err != nil {
			return draft, err
		}
	}
	if len(draft.Files) == 0 {
		for _, note := range draft.Notes {
			fmt.Fprintf(p.err, "note: %s\n", note)
		}
		return draft, usageError{errors.New("--from: no workload was found that an intent could be drafted for; nothing was written")}
	}
	return draft, nil
}
