package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

func checkCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "judge intents, or manifests that somebody else wrote, without emitting anything",
		ArgsUsage: "[PATH…|-]",
		Description: "PATH is a directory with a portcullis.yaml, which is judged as build judges it, or directories and\n" +
			"files with manifests, which are judged by the same rules; - reads manifests from stdin. Without a\n" +
			"PATH it judges the directory of the nearest portcullis.yaml, searched upward to the Git root.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "effective-time", Usage: "judge waivers and last days as at this `TIME`: a day such as 2026-12-01, or RFC 3339; now by default"},
			timeoutFlag(),
		}, reportFlags()...),
		Action: p.check,
	}
}

func (p *program) check(c *cli.Context) error {
	wishes, err := reportingOf(c)
	if err != nil {
		return err
	}
	now, err := effectiveTime(c.String("effective-time"))
	if err != nil {
		return err
	}
	built, err := p.judge(c, compiler.Options{EffectiveTime: now})
	if err != nil {
		return err
	}
	if err := p.write(wishes, built, p.out); err != nil {
		return err
	}
	return outcome(built, wishes.failOn)
}

func (p *program) judge(c *cli.Context, o compiler.Options) (diag.Report, error) {
	paths := c.Args().Slice()
	if len(paths) == 0 || len(paths) == 1 && isRepository(paths[0]) {
		dir, err := repository(c.Args().First())
		if err != nil {
			return diag.Report{}, err
		}
		built, err := p.compile(c, dir, o)
		if err != nil {
			return diag.Report{}, err
		}
		return under(dir, built.Report), nil
	}
	var files []intent.File
	var found diag.List
	for _, name := range paths {
		more, f, err := p.readManifests(name)
		if err != nil {
			return diag.Report{}, inputError(err)
		}
		files = append(files, more...)
		found = append(found, f...)
	}
	defer p.progress("judging")()
	built, err := within(c.Context, c.Duration("timeout"), func(ctx context.Context) (*compiler.Built, error) {
		return compiler.Check(ctx, files, found)
	})
	if err != nil {
		return diag.Report{}, err
	}
	return built.Report, nil
}

// effectiveTime is when a check takes place. A day is all of it: what ends on it has
// not ended.
func effectiveTime(given string) (time.Time, error) {
	if given == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, given); err == nil && at.Year() >= 2000 {
			return at, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--effective-time: expected a day such as 2026-12-01, or a time such as 2026-12-01T09:30:00Z, found %q", given)}
}

// readManifests reads what one argument names: stdin, a file, or a directory.
func (p *program) readManifests(name string) ([]intent.File, diag.List, error) {
	limits := sources.DefaultLimits()
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(p.in, limits.TotalBytes+1))
		if err == nil && int64(len(data)) > limits.TotalBytes {
			err = fmt.Errorf("stdin is larger than %d MiB", limits.TotalBytes>>20)
		}
		return []intent.File{{Path: "stdin", Data: data}}, nil, err
	}
	name = filepath.ToSlash(filepath.Clean(name))
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		f, found, err := sources.ReadFile(name, limits)
		return []intent.File{f}, found, err
	}
	files, found, err := sources.ReadTree(name, limits)
	for i := range files {
		files[i].Path = path.Join(name, files[i].Path)
	}
	for i := range found {
		found[i].Span.File = path.Join(name, found[i].Span.File)
	}
	return files, found, err
}

func isRepository(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, intent.PlatformFile))
	return err == nil && info.Mode().IsRegular()
}

// repository is the directory that the user named, or that of the nearest
// portcullis.yaml above, as far as the Git root.
func repository(named string) (string, error) {
	if named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return "", inputError(err)
		}
		if !info.IsDir() {
			return "", usageError{fmt.Errorf("%s is a file; expected the directory of a %s", named, intent.PlatformFile)}
		}
		named = filepath.ToSlash(filepath.Clean(named))
		return named, outermost(named)
	}
	dir, ok, err := enclosing(".")
	if err != nil {
		return "", err
	}
	if !ok {
		return "", usageError{fmt.Errorf("there is no %s here, nor in a directory above; name the directory that has one, or begin one with portcullis init", intent.PlatformFile)}
	}
	return dir, outermost(dir)
}

// enclosing is the nearest directory with a portcullis.yaml, from this one upward as
// far as the Git root.
func enclosing(dir string) (found string, ok bool, err error) {
	for ; ; dir = filepath.Join(dir, "..") {
		if isRepository(dir) {
			return filepath.ToSlash(dir), true, nil
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", false, err
		}
		if isTop(abs) {
			return "", false, nil
		}
	}
}

// isTop reports whether a directory is the top of a Git checkout, or of the file system.
func isTop(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, ".git"))
	return err == nil || filepath.Dir(dir) == dir
}

// outermost refuses a repository below another one of the same checkout: whoever may write in
// one directory would put a Platform there, and a run below it would know nothing of the
// other's guardrails. The outer Platform may say that it is one of its own: that very
// directory, for in one above it anybody could begin another.
func outermost(dir string) error {
	if !isRepository(dir) {
		return nil // the run says what is missing
	}
	inner, err := filepath.Abs(dir)
	if err == nil {
		inner, err = filepath.EvalSymlinks(inner) // the checkout that it is in, not the one of the link
	}
	if err != nil {
		return err
	}
	for outer := inner; !isTop(outer); {
		outer = filepath.Dir(outer)
		if !isRepository(outer) {
			continue
		}
		below, err := filepath.Rel(outer, inner)
		if err != nil {
			return err
		}
		below = filepath.ToSlash(below)
		platform, _, err := sources.ReadFile(filepath.ToSlash(filepath.Join(outer, intent.PlatformFile)), sources.DefaultLimits())
		if err != nil {
			return inputError(err)
		}
		if slices.ContainsFunc(intent.Repositories(platform), func(d intent.At[intent.Directory]) bool {
			named := string(d.Value) // it, or a repository that it lies in, which was asked before
			return named == below || d.Value != "." && d.Value.Holds(below) && isRepository(filepath.Join(outer, filepath.FromSlash(named)))
		}) {
			continue // unless one further out knows nothing of it
		}
		up := path.Join(dir, strings.Repeat("../", strings.Count(below, "/")+1))
		return usageError{fmt.Errorf("%s lies below %s of the same checkout, and is a part of that repository: run portcullis from there. If it is a repository of its own, the other one has to say so in its spec: repositories: [%s]",
			path.Join(dir, intent.PlatformFile), path.Join(up, intent.PlatformFile), below)}
	}
	return nil
}

// inputError is the user's mistake of naming something that is not there or not
// readable.
func inputError(err error) error {
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return usageError{fmt.Errorf("%s: %w", pathError.Path, pathError.Err)}
	}
	return usageError{err}
}
