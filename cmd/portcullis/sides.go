package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"portcullis.dev/ci/revision"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/overlays"
)

// side is one side of diff.
type side struct {
	compiler.State
	dir         string                         // in which its files lie, from where the run is
	asManifests func() (compiler.State, error) // reads it once more, as manifests of anybody
}

// isOfIntents reports whether one side of diff is a repository of intents, or nobody can tell.
func (s *side) isOfIntents() bool {
	isPlatform := func(f language.File) bool { return f.Path == language.PlatformFile }
	return !s.Manifests && slices.ContainsFunc(s.Files, isPlatform) && (s.Found.Failed() || holdsIntents(s.Files))
}

// side reads what an argument of diff names: a directory, a bundle, manifests, or a revision of
// Git, less the blobs that are known. A revision, and what is on the disk, is read as a repository of
// intents; how to read it as manifests is for whoever finds that neither side is one.
func (p *program) side(ctx context.Context, arg, dir string, known revision.Blobs) (side, error) {
	onDisk := func() (side, error) {
		s, err := p.stateOnDisk(arg)
		return side{s, directoryOf(arg), func() (compiler.State, error) { return p.manifestsOnDisk(arg, filepath.ToSlash(arg)) }}, err
	}
	if arg != "" && (strings.ContainsAny(arg[:1], "./") || filepath.IsAbs(arg)) {
		return onDisk()
	}
	home, err := repository(dir)
	if errors.Is(err, errNoPlatform) {
		home, err = ".", nil
	}
	if err != nil {
		return side{}, err
	}
	if arg == "" {
		const name = "what is on the disk"
		s, err := p.repositoryOnDisk(home, name)
		return side{s, home, func() (compiler.State, error) { return p.manifestsOnDisk(home, name) }}, err
	}
	git, err := revision.Open(ctx, home)
	if err != nil {
		if _, missing := os.Stat(arg); missing == nil {
			return onDisk()
		}
		if errors.Is(err, revision.ErrNoGit) {
			return side{}, usageError{fmt.Errorf("%s is a revision, and the program git is not there to read it: install git, or name two directories (./old ./new)", arg)}
		}
		return side{}, usageError{fmt.Errorf("%s is a revision, and %w: name two directories (./old ./new)", arg, err)}
	}
	commit, err := git.Commit(ctx, arg)
	if err != nil {
		var none *revision.NotFoundError
		_, missing := os.Stat(arg)
		switch {
		case missing == nil:
			return onDisk()
		case errors.As(err, &none) && none.Shallow:
			return side{}, usageError{fmt.Errorf("%w: fetch it first\n  git fetch --deepen=50 origin   (actions/checkout: fetch-depth: 0)", err)}
		case errors.As(err, &none):
			return side{}, usageError{fmt.Errorf("%w, and no file of that name: fetch it first, or write ./%s for a path\n  git fetch origin %s", err, arg, arg)}
		}
		return side{}, err
	}
	s, err := readRevision(ctx, git, arg, commit, known)
	return side{s, home, func() (compiler.State, error) { return p.manifestsOf(ctx, git, arg, commit) }}, err
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

// directoryOf returns the directory whose files are called as if the run were in it, of a path that
// names one side of diff; empty for a file, which keeps its name.
func directoryOf(name string) string {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return ""
	}
	return filepath.ToSlash(filepath.Clean(name))
}

// manifestsOnDisk reads manifests of anybody as one side of diff. Files are called as if the run were
// in their directory, where there is one: two directories with the same files in them are alike.
func (p *program) manifestsOnDisk(dir, name string) (compiler.State, error) {
	all, err := p.readAllManifests([]string{dir})
	if directoryOf(dir) != "" {
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
