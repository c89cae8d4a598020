package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// isRepository reports whether a directory has a portcullis.yaml, as repositories do.
func isRepository(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, language.PlatformFile))
	return err == nil && info.Mode().IsRegular()
}

// holdsIntents reports whether a directory is a repository of intents: it has a Platform and
// something that is compiled under it, or nothing at all that could be judged without. A Platform
// beside manifests alone describes their cluster. What it reads is there for whoever reads next.
func (p *program) holdsIntents(dir string) bool {
	if !isRepository(dir) {
		return false
	}
	files, found, err := p.readRepository(dir)
	if p.ahead = (ahead{filepath.Clean(dir), files, found, err}); err != nil || found.Failed() {
		return true // the run says what is wrong
	}
	return holdsIntents(files)
}

// holdsIntents reports whether files with a Platform among them are a repository of intents, and not
// manifests whose cluster the Platform describes.
func holdsIntents(files []language.File) bool {
	var ours []language.File
	for _, f := range files {
		if !language.Ours(f) {
			continue
		}
		if one, _ := language.Parse([]language.File{f}); len(one.Intents) > 0 {
			return true // as of most repositories the first says
		}
		ours = append(ours, f)
	}
	repo, _ := language.Parse(ours)
	return repo.Lost || repo.Partial || repo.Platform != nil && len(repo.Platform.Spec.Flows) > 0 || !sources.HoldsPolicies(files)
}

// ahead is a repository that was read to find out whether it is one.
type ahead struct {
	dir   string
	files []language.File
	found diag.List
	err   error
}

// readRepository reads a repository of intents, unless it is the one that was read ahead.
func (p *program) readRepository(dir string) ([]language.File, diag.List, error) {
	a := p.ahead
	if p.ahead = (ahead{}); a.dir != "" && a.dir == filepath.Clean(dir) {
		return a.files, a.found, a.err
	}
	return sources.ReadRepository(dir, sources.DefaultLimits())
}

// errNoPlatform says that no directory is a repository of intents.
var errNoPlatform = fmt.Errorf("there is no %s here, nor in a directory above; name the directory that has one, or begin one with portcullis init", language.PlatformFile)

// repository finds the directory that the user named, or that of the nearest portcullis.yaml
// above, as far as the Git root.
func repository(named string) (string, error) {
	if named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return "", inputError(err)
		}
		if !info.IsDir() {
			return "", usageError{fmt.Errorf("%s is a file; expected the directory of a %s", named, language.PlatformFile)}
		}
		named = filepath.ToSlash(filepath.Clean(named))
		return named, outermost(named)
	}
	dir, ok, err := enclosing(".")
	if err != nil {
		return "", err
	}
	if !ok {
		return "", usageError{errNoPlatform}
	}
	return dir, outermost(dir)
}

// enclosing finds the nearest repository, a directory with a portcullis.yaml, from this one
// upward as far as the Git root.
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

// isTop reports whether the search for a repository ends in a directory: it is the top of a Git
// checkout, or of the file system.
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
		platform, _, err := sources.ReadFile(filepath.ToSlash(filepath.Join(outer, language.PlatformFile)), sources.DefaultLimits())
		if err != nil {
			return inputError(err)
		}
		if slices.ContainsFunc(language.Repositories(platform), func(d language.At[language.Directory]) bool {
			named := string(d.Value) // it, or a repository that it lies in, which was asked before
			return named == below || d.Value != "." && d.Value.Holds(below) && isRepository(filepath.Join(outer, filepath.FromSlash(named)))
		}) {
			continue // unless one further out knows nothing of it
		}
		up := path.Join(dir, strings.Repeat("../", strings.Count(below, "/")+1))
		return usageError{fmt.Errorf("%s lies below %s of the same checkout, and is a part of that repository: run portcullis from there. If it is a repository of its own, the other one has to say so in its spec: repositories: [%s]",
			path.Join(dir, language.PlatformFile), path.Join(up, language.PlatformFile), below)}
	}
	return nil
}
