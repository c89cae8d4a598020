package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/revision"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/cache"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// compile compiles a repository by the stages of a build.
func (p *program) compile(ctx context.Context, dir string, timeout time.Duration, o compiler.Options) (*compiler.Built, error) {
	return over(ctx, p, dir, timeout, "compiling", func(ctx context.Context, files []language.File, found diag.List) (*compiler.Built, error) {
		o.Child = p.child(ctx)
		return o.Build(ctx, files, found)
	})
}

// cacheOf opens the directory that --cache names, if it does, for a run that judges a repository.
// What is judged must not bring along what is known of it.
func cacheOf(c *cli.Context, repository string) (*cache.Dir, error) {
	name := c.String("cache")
	switch {
	case name == "":
		return nil, nil
	case bundle.Within(repository, existing(name)):
		return nil, usageError{fmt.Errorf("--cache %s lies within what is judged, which could bring along what is known of it: name a directory elsewhere", name)}
	}
	switch brought, err := committed(c.Context, name); {
	case err != nil:
		return nil, usageError{fmt.Errorf("--cache %s lies in a Git checkout, and whether that brought along what is known cannot be told (%w): name a directory elsewhere", name, err)}
	case brought:
		return nil, usageError{fmt.Errorf("--cache %s holds files of the commit that is checked out, which could bring along what is known: name a directory elsewhere", name)}
	}
	dir, err := cache.Open(name)
	switch {
	case errors.Is(err, cache.ErrOpen):
		return nil, usageError{fmt.Errorf("--cache %s: %w", name, err)}
	case err != nil:
		return nil, writeError("--cache "+name, "", err)
	}
	return dir, nil
}

// committed reports whether the commit that is checked out holds anything below a directory. The error
// is why nobody can tell.
func committed(ctx context.Context, name string) (bool, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return false, nil // it holds nothing, or whoever opens it says what is wrong
	}
	dir, err := filepath.EvalSymlinks(name)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return false, err
	}
	for above := dir; ; above = filepath.Dir(above) {
		if _, err := os.Lstat(filepath.Join(above, ".git")); err == nil {
			break
		}
		if filepath.Base(above) == ".git" || filepath.Dir(above) == above { // no commit holds the former
			return false, nil
		}
	}
	git, err := revision.Open(ctx, dir)
	if err != nil {
		return false, err
	}
	commit, err := git.Commit(ctx, "HEAD")
	if errors.As(err, new(*revision.NotFoundError)) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return git.Holds(ctx, commit)
}

// existing finds the nearest directory above a path, or the path itself, that is there.
func existing(path string) string {
	for {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// unkept says that a cache did not keep all that became known, which changes nothing of what was judged.
func (p *program) unkept(c *cli.Context, err error) {
	if err != nil {
		fmt.Fprintf(p.err, "--cache %s: not all was kept: %s\n", c.String("cache"), strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// over reads a repository and compiles it, or does something else with it, within the time that
// the command line gives.
func over[T any](ctx context.Context, p *program, dir string, timeout time.Duration, doing string, run func(context.Context, []language.File, diag.List) (T, error)) (T, error) {
	defer p.progress(doing)()
	result, err := within(ctx, timeout, func(ctx context.Context) (result T, err error) {
		files, found, err := p.readRepository(dir)
		if err != nil {
			return result, inputError(err)
		}
		return run(ctx, files, found)
	})
	return result, p.timedOut(err) // the children end with the time that they were given
}
