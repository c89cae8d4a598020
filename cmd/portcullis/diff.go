package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/ci/revision"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// diffFormats lists the names of the forms of a difference, the default first.
func diffFormats() []string {
	var names []string
	for _, f := range report.DiffFormats {
		names = append(names, f.Name)
	}
	return names
}

// diffSink is a form of a difference, and the file that it goes to; empty is stdout.
type diffSink struct {
	format report.DiffFormat
	file   string
}

// parseDiffSink reads FORMAT or FORMAT=FILE, the form of a difference and where it goes.
func parseDiffSink(text string) (diffSink, error) {
	name, file, named := strings.Cut(text, "=")
	f, err := report.LookupDiff(name)
	if err == nil && named && file == "" {
		err = fmt.Errorf("%q names no file: write %s=FILE, or %s for stdout", text, name, name)
	}
	return diffSink{f, file}, err
}

// diffing is what the command line asks for.
type diffing struct {
	sinks   []diffSink
	risks   []string // tags and levels that fail the run
	colour  colour
	timeout time.Duration
	cluster clusterSaid
}

// parseRisks reads tags and levels of the risks by which diff fails the run, separated by commas.
func parseRisks(text string) (string, error) {
	for word := range strings.SplitSeq(text, ",") {
		known := slices.Contains(delta.Levels, delta.Level(word)) || slices.ContainsFunc(delta.Risks, func(t delta.Tag) bool { return t.Tag == word })
		if !known {
			var tags []string
			for _, t := range delta.Risks {
				tags = append(tags, t.Tag)
			}
			hint := "the levels are " + either(words(delta.Levels))
			if near := diag.Nearest(word, tags); near != "" {
				hint = "did you mean " + near + "?"
			}
			return "", fmt.Errorf("%q is no level and no tag of a risk; %s", word, hint)
		}
	}
	return text, nil
}

// diffCommand describes the command diff: flags, help text and what it runs.
func diffCommand(p *program) *cli.Command {
	var asked diffing
	return &cli.Command{
		Name:      "diff",
		Usage:     "say what traffic a change opens and closes, and how risky that is",
		ArgsUsage: "OLD [NEW]",
		Description: "OLD and NEW are revisions of Git, or directories, bundles or files of manifests, which are named " +
			"with a slash (./old). Without NEW it is what is on the disk. A revision is read from Git's objects: " +
			"the work tree is neither read nor touched. Where neither side is a repository of intents, manifests " +
			"are compared. Both sides are judged by the program's own rules; rules " +
			"of the repository are not run. A difference is no failure unless it is asked for.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "the `DIRECTORY` of the portcullis.yaml, or of the manifests, in the repository; by default that of the nearest portcullis.yaml, or the current one"},
			&typedList[diffSink]{
				StringSliceFlag: cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the difference as `FORMAT[=FILE]`: " + strings.Join(diffFormats(), ", ") + "; may be given several times"},
				parse:           parseDiffSink, closed: diffFormats(), into: &asked.sinks,
			},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 1 if any traffic is treated otherwise", DisableDefaultText: true},
			&typedList[string]{
				StringSliceFlag: cli.StringSliceFlag{Name: "fail-on-risk", Usage: "exit with 1 if there is such a `RISK`: high, medium (or worse), low, or a tag; may be repeated"},
				parse:           parseRisks, into: &asked.risks,
			},
			&cli.StringFlag{Name: "link-base", Usage: "in Markdown: link lines below this `URL`, such as https://…/blob/SHA/"},
			&cli.StringFlag{Name: "key", Usage: "in Markdown: the `NAME` that tells several comments of one request apart"},
			colourFlag(&asked.colour),
			timeoutFlag(&asked.timeout),
		}, clusterFlags(&asked.cluster)...),
		Action: func(c *cli.Context) error { return p.diff(c, asked) },
	}
}

// compared is what both sides came to.
type compared struct {
	*delta.Diff
	reports [2]diag.Report
}

// diff compares two states, writes the difference in every form asked for, and fails where that
// was asked for.
func (p *program) diff(c *cli.Context, asked diffing) error {
	if n := c.NArg(); n < 1 || n > 2 {
		return usageError{fmt.Errorf("diff takes OLD and NEW, found %d arguments; portcullis diff main compares the branch with what is on the disk", n)}
	}
	stop := p.progress("comparing")
	got, err := within(c.Context, asked.timeout, func(ctx context.Context) (compared, error) { return p.compare(ctx, c, asked) })
	err = p.timedOut(err)
	if stop(); err != nil {
		return err
	}
	if got.New.Failed > 0 || got.Old.Failed > 0 {
		rep := got.reports[1] // whoever changes something mends the new side
		if got.New.Failed == 0 {
			rep = got.reports[0]
		}
		if err := report.Write(p.err, report.Formats[0], rep, report.Options{Color: p.colour(p.err, asked.colour), Width: p.width(p.err)}); err != nil {
			return err
		}
	}
	if len(asked.sinks) == 0 {
		asked.sinks = []diffSink{{format: report.DiffFormats[0]}}
	}
	o := report.DiffOptions{LinkBase: c.String("link-base"), Key: c.String("key"), Version: version(), Fails: func(r delta.Risk) bool { return meets(r, asked.risks) }}
	for _, s := range asked.sinks {
		if o.Color, o.Width = false, 0; s.file == "" {
			o.Color, o.Width = p.colour(p.out, asked.colour), p.width(p.out)
		}
		if err := writeTo(p.out, s.file, func(w io.Writer) error { return report.WriteDiff(w, s.format, got.Diff, o) }); err != nil {
			return err
		}
	}
	switch {
	case got.Old.Failed+got.New.Failed > 0:
		return findings{exitInput}
	case c.Bool("exit-code") && !got.IsSame(), slices.ContainsFunc(got.Risks(), o.Fails):
		return findings{exitFindings}
	}
	return nil
}

// meets reports whether a difference has one of the risks by which diff fails the run.
func meets(r delta.Risk, asked []string) bool {
	for _, list := range asked {
		for word := range strings.SplitSeq(list, ",") {
			level := slices.Index(delta.Levels, delta.Level(word))
			if r.Tag == word || level >= 0 && slices.Index(delta.Levels, r.Level) <= level {
				return true
			}
		}
	}
	return false
}

// writeTo writes a difference to a file, or to w where none is named.
func writeTo(w io.Writer, file string, write func(io.Writer) error) error {
	if file == "" {
		return write(w)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// compare reads the old and the new state of diff, and has the compiler tell them apart.
func (p *program) compare(ctx context.Context, c *cli.Context, asked diffing) (compared, error) {
	o, err := asked.cluster.options()
	if err != nil {
		return compared{}, err
	}
	o.Child = p.child(ctx)
	args := c.Args().Slice()
	if len(args) == 1 {
		args = append(args, "")
	}
	var states [2]compiler.State
	var asManifests [2]reader
	known := revision.Blobs{}
	for i, arg := range args {
		if states[i], asManifests[i], err = p.state(ctx, arg, c.String("dir"), known); err != nil {
			return compared{}, err
		}
	}
	if !isOfIntents(states[0]) && !isOfIntents(states[1]) {
		for i := range states {
			if states[i].Manifests {
				continue
			}
			if states[i], err = asManifests[i](); err != nil {
				return compared{}, err
			}
		}
	}
	if !states[0].Manifests && !states[1].Manifests {
		if err := asked.cluster.refuse(); err != nil {
			return compared{}, err
		}
	}
	d, reports, err := o.Diff(ctx, states[0], states[1])
	return compared{d, reports}, err
}

// reader reads one side of diff.
type reader func() (compiler.State, error)

// isOfIntents reports whether one side of diff is a repository of intents, or nobody can tell.
func isOfIntents(s compiler.State) bool {
	isPlatform := func(f language.File) bool { return f.Path == language.PlatformFile }
	return !s.Manifests && slices.ContainsFunc(s.Files, isPlatform) && (s.Found.Failed() || holdsIntents(s.Files))
}

// state reads what an argument of diff names: a directory, a bundle, manifests, or a revision of
// Git, less the blobs that are known. A revision, and what is on the disk, is read as a repository of
// intents; how to read it as manifests is for whoever finds that neither side is one.
func (p *program) state(ctx context.Context, arg, dir string, known revision.Blobs) (compiler.State, reader, error) {
	onDisk := func() (compiler.State, reader, error) {
		s, err := p.stateOnDisk(arg)
		return s, func() (compiler.State, error) { return p.manifestsOnDisk(arg, filepath.ToSlash(arg)) }, err
	}
	if arg != "" && (strings.ContainsAny(arg[:1], "./") || filepath.IsAbs(arg)) {
		return onDisk()
	}
	home, err := repository(dir)
	if errors.Is(err, errNoPlatform) {
		home, err = ".", nil
	}
	if err != nil {
		return compiler.State{}, nil, err
	}
	if arg == "" {
		const name = "what is on the disk"
		s, err := p.repositoryOnDisk(home, name)
		return s, func() (compiler.State, error) { return p.manifestsOnDisk(home, name) }, err
	}
	git, err := revision.Open(ctx, home)
	if err != nil {
		if _, missing := os.Stat(arg); missing == nil {
			return onDisk()
		}
		if errors.Is(err, revision.ErrNoGit) {
			return compiler.State{}, nil, usageError{fmt.Errorf("%s is a revision, and the program git is not there to read it: install git, or name two directories (./old ./new)", arg)}
		}
		return compiler.State{}, nil, usageError{fmt.Errorf("%s is a revision, and %w: name two directories (./old ./new)", arg, err)}
	}
	commit, err := git.Commit(ctx, arg)
	if err != nil {
		var none *revision.NotFoundError
		_, missing := os.Stat(arg)
		switch {
		case missing == nil:
			return onDisk()
		case errors.As(err, &none) && none.Shallow:
			return compiler.State{}, nil, usageError{fmt.Errorf("%w: fetch it first\n  git fetch --deepen=50 origin   (actions/checkout: fetch-depth: 0)", err)}
		case errors.As(err, &none):
			return compiler.State{}, nil, usageError{fmt.Errorf("%w, and no file of that name: fetch it first, or write ./%s for a path\n  git fetch origin %s", err, arg, arg)}
		}
		return compiler.State{}, nil, err
	}
	s, err := readRevision(ctx, git, arg, commit, known)
	return s, func() (compiler.State, error) { return p.manifestsOf(ctx, git, arg, commit) }, err
}

// readRevision reads a repository at a commit for diff, as it would be read from the disk: from
// there if there are links in it or the like, and from memory if there are none.
func readRevision(ctx context.Context, git *revision.Repository, name, commit string, known revision.Blobs) (s compiler.State, err error) {
	limits := sources.DefaultLimits()
	most := revision.Limits{FileBytes: limits.FileBytes, TotalBytes: limits.TotalBytes, Files: limits.Files, Listed: 10_000_000}
	wanted := func(name string) bool { return language.IsYAML(name) || language.IsRego(name) }
	s = compiler.State{Ref: name, Commit: commit}
	switch files, err := git.Read(ctx, commit, most, wanted, known); {
	case err == nil:
		s.Files, s.Found, err = sources.ReadRepositoryIn(files, limits)
		return s, err
	case !errors.Is(err, revision.ErrNotPlain):
		return compiler.State{}, usageError{err}
	}
	into, err := os.MkdirTemp("", "portcullis-")
	if err != nil {
		return compiler.State{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(into)) }()
	if err := git.Unpack(ctx, commit, into, most, wanted); err != nil {
		return compiler.State{}, usageError{err}
	}
	s.Files, s.Found, err = sources.ReadRepository(into, limits)
	return s, err
}

// repositoryOnDisk reads a repository of intents as one side of diff.
func (p *program) repositoryOnDisk(dir, name string) (s compiler.State, err error) {
	s.Ref = name
	if s.Files, s.Found, err = p.readRepository(dir); err != nil {
		err = inputError(err)
	}
	return s, err
}

// stateOnDisk reads a directory with intents, or manifests of anybody, such as a bundle, as one
// side of diff.
func (p *program) stateOnDisk(name string) (compiler.State, error) {
	if _, err := os.Stat(filepath.Join(name, bundle.IndexFile)); err != nil && p.holdsIntents(name) {
		dir, err := repository(name)
		if err != nil {
			return compiler.State{}, err
		}
		return p.repositoryOnDisk(dir, filepath.ToSlash(name))
	}
	return p.manifestsOnDisk(name, filepath.ToSlash(name))
}

// manifestsOnDisk reads manifests of anybody as one side of diff. Files are called as if the run were
// in their directory, where there is one: two directories with the same files in them are alike.
func (p *program) manifestsOnDisk(dir, name string) (compiler.State, error) {
	all, err := p.readAllManifests([]string{dir})
	if info, wrong := os.Stat(dir); wrong == nil && info.IsDir() {
		dir = filepath.Clean(dir)
		inside := func(file *string) {
			if to, err := filepath.Rel(dir, filepath.FromSlash(*file)); err == nil && *file != "" {
				*file = filepath.ToSlash(to)
			}
		}
		for _, files := range [][]language.File{all.files, all.bases} {
			for i := range files {
				inside(&files[i].Path)
			}
		}
		for i := range all.found {
			inside(&all.found[i].Span.File)
		}
	}
	return compiler.State{Ref: name, Manifests: true, Files: all.files, Bases: all.bases, Found: all.found}, err
}

// isOfManifests reports whether a file is read where manifests are, by its name.
func isOfManifests(name string) bool {
	return language.IsYAML(name) || language.IsJSON(name) || language.IsRego(name) || overlays.IsKustomization(name)
}

// manifestsOf reads the manifests of a commit as one side of diff: those below the repository's
// directory, and what they stand on anywhere in the commit, as they would be read from the disk.
func (p *program) manifestsOf(ctx context.Context, git *revision.Repository, name, commit string) (s compiler.State, err error) {
	into, err := os.MkdirTemp("", "portcullis-")
	if err != nil {
		return compiler.State{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(into)) }()
	limits := sources.DefaultLimits()
	most := revision.Limits{FileBytes: limits.TotalBytes, TotalBytes: limits.TotalBytes, Files: limits.Files, Listed: 10_000_000}
	whole := revision.Repository{Dir: git.Dir}
	if err := whole.Unpack(ctx, commit, into, most, isOfManifests); err != nil {
		return compiler.State{}, usageError{err}
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return compiler.State{}, err
	}
	defer root.Close()
	// The commit may lack the directory, or have a link on the way there: out of the root leads none.
	// Above .git no base is looked for.
	dir := filepath.FromSlash(cmp.Or(git.Prefix, "."))
	if err := errors.Join(root.MkdirAll(dir, 0o700), root.Mkdir(".git", 0o700)); err != nil {
		return compiler.State{}, usageError{fmt.Errorf("the directory %s of %s cannot be read: %w", dir, name, err)}
	}
	s, err = p.manifestsOnDisk(filepath.Join(into, dir), name)
	s.Commit = commit
	return s, err
}
