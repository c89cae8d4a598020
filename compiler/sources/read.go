// Package sources reads the files of a run, from the disk or from memory, and sorts them: intents,
// manifests beside them or instead of them, rules of the user's.
//
// Its invariant: nothing of ours is left out in silence. What is not read, for its size, its
// kind or its place, is a finding where something of the language may lie.
//
// It must not know what is compiled from the files.
package sources

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
)

// Limits bound what one run reads, so that a hostile tree exhausts nobody's
// machine.
type Limits struct {
	FileBytes  int64
	TotalBytes int64
	Files      int
}

// DefaultLimits returns limits on what is read that are far above what the largest fleets need.
func DefaultLimits() Limits {
	return Limits{FileBytes: 8 << 20, TotalBytes: 512 << 20, Files: 200_000}
}

// ReadTree reads every file of YAML, JSON or Rego below a directory, in the order of paths. It
// follows no symbolic link and opens nothing but regular files; the content of a
// file that it refuses reaches no message. The error is about the directory
// itself.
func ReadTree(dir string, limits Limits) ([]language.File, diag.List, error) {
	limits.FileBytes = limits.TotalBytes // a stream of manifests has any size
	return readBelow(dir, limits, (*reader).visitManifests)
}

// ReadRepository is ReadTree without what bundles below the directory list, which is output:
// what was built must not depend on what was built before. Nor does it read the directories
// that the Platform calls repositories of their own.
func ReadRepository(dir string, limits Limits) ([]language.File, diag.List, error) {
	return readBelow(dir, limits, (*reader).visitRepository)
}

// ReadRepositoryIn is ReadRepository of files that lie in memory, without a link among them.
func ReadRepositoryIn(files fs.FS, limits Limits) ([]language.File, diag.List, error) {
	return walk(memory{files}, limits, (*reader).visitRepository)
}

// readBelow walks a directory, through a root that no path leads out of, and returns the files
// that visit read.
func readBelow(dir string, limits Limits, visit func(*reader, string, fs.DirEntry, error) error) ([]language.File, diag.List, error) {
	root, err := openDisk(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	return walk(root, limits, visit)
}

// walk returns the files that visit read.
func walk(root place, limits Limits, visit func(*reader, string, fs.DirEntry, error) error) ([]language.File, diag.List, error) {
	r := &reader{root: root, limits: limits}
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error { return visit(r, name, entry, err) })
	if errors.Is(err, errLimit) {
		err = nil
	}
	return r.files, r.found, plainPathError(err)
}

// ReadManifest reads one file that the user named as one of manifests, of any size.
func ReadManifest(name string, limits Limits) (language.File, diag.List, error) {
	limits.FileBytes = limits.TotalBytes
	return ReadFile(name, limits)
}

// ReadFile reads one file that the user named.
func ReadFile(name string, limits Limits) (language.File, diag.List, error) {
	root, err := openDisk(path.Dir(name))
	if err != nil {
		return language.File{}, nil, err
	}
	defer root.Close()
	r := &reader{root: root, limits: limits}
	if info, err := root.Stat(path.Base(name)); err != nil {
		return language.File{}, nil, plainPathError(err)
	} else if !info.Mode().IsRegular() {
		return language.File{}, diag.List{refusedFile.At(diag.Span{File: name}, "%s, not a file", kindOf(info.Mode()))}, nil
	}
	r.read(path.Base(name))
	for i := range r.files {
		r.files[i].Path = name
	}
	for i := range r.found {
		r.found[i].Span.File = name
	}
	if len(r.files) == 0 {
		return language.File{}, r.found, nil
	}
	return r.files[0], r.found, nil
}

var errLimit = errors.New("limit reached")

type reader struct {
	root   place
	limits Limits
	files  []language.File
	total  int64
	found  diag.List

	bundles []string          // directories that carry an index of ours
	outputs map[string]string // that those list: path → digest
	apart   map[string]bool   // directories that are repositories of their own; nil until they are known
}

// visit reads one entry of the walk if it is a file of YAML or Rego, passes over Git's own, and
// refuses what is no regular file.
func (r *reader) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		r.found = append(r.found, refusedFile.At(diag.Span{File: name}, "%s", reason(err)).Suggest("make it readable, or keep it out of the directory"))
		return nil
	}
	switch {
	case entry.IsDir() && entry.Name() == ".git":
		return fs.SkipDir
	case entry.Name() == ".git":
		return nil // of a worktree: a file or a link in the place of what is never read
	case entry.IsDir():
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		r.link(name)
		return nil
	case !isYAML(name) && !language.IsRego(name):
		return nil
	case !entry.Type().IsRegular():
		r.found = append(r.found, refusedFile.At(diag.Span{File: name}, "%s, not a file", kindOf(entry.Type())))
		return nil
	}
	return r.readNext(name)
}

// readNext reads a file, if there are not too many.
func (r *reader) readNext(name string) error {
	if len(r.files) >= r.limits.Files {
		r.found = append(r.found, overLimit.At(diag.Span{File: name}, "more than %d files", r.limits.Files).
			Suggest("judge a smaller directory"))
		return errLimit
	}
	return r.read(name)
}

// visitManifests takes files of JSON for manifests as well, and passes over links to what is
// read where it lies.
func (r *reader) visitManifests(name string, entry fs.DirEntry, err error) error {
	if err == nil && entry.Type()&fs.ModeSymlink != 0 && r.readElsewhere(name) {
		return nil
	}
	if err == nil && (language.IsJSON(name) || overlays.IsKustomization(name)) && entry.Type().IsRegular() {
		return r.readNext(name)
	}
	return r.visit(name, entry, err)
}

// visitRepository reads one entry of a repository: directories of their own and bundles are left
// out, and intents in JSON refused.
func (r *reader) visitRepository(name string, entry fs.DirEntry, err error) error {
	if err == nil && entry.IsDir() {
		switch {
		case name == ".":
			r.keepApart()
		case r.apart[name]:
			return fs.SkipDir
		default:
			r.passOver(name)
		}
	}
	if err == nil && language.IsJSON(name) && entry.Type()&(fs.ModeType&^fs.ModeSymlink) == 0 {
		if err := r.refuseInJSON(name); err != nil {
			return err
		}
	}
	return r.visit(name, entry, err)
}

// refuseInJSON refuses a file of JSON, or a link to one, that holds an intent: it would be
// left out. An index of a bundle is none.
func (r *reader) refuseInJSON(name string) error {
	if path.Base(name) == bundle.IndexFile && slices.Contains(r.bundles, path.Dir(name)) {
		return nil
	}
	data, err := r.root.read(name, r.limits.FileBytes)
	if err != nil {
		return nil // nothing of ours is read from JSON, and what a link hides is said elsewhere
	}
	if r.total += int64(len(data)); r.total > r.limits.TotalBytes {
		r.found = append(r.found, overLimit.At(diag.Span{File: name}, "more than %d MiB", r.limits.TotalBytes>>20).Suggest("judge a smaller directory"))
		return errLimit
	}
	if language.InJSON(data) {
		r.found = append(r.found, refusedFile.At(diag.Span{File: name}, "an intent in a file of JSON").
			Because("intents are read from files that end in .yaml or .yml, and this one would be left out in silence").
			Suggest("rename it to %s: JSON is YAML", strings.TrimSuffix(path.Base(name), path.Ext(name))+".yaml"))
	}
	return nil
}

// passOver notes what a directory's index lists, which is not read as input, if it has an index of
// ours: only that is output, and only while it is as it was written.
func (r *reader) passOver(dir string) {
	listed, marked := bundle.Outputs(r.root.FS(), dir)
	if !marked {
		return
	}
	r.bundles = append(r.bundles, dir)
	if r.outputs == nil {
		r.outputs = map[string]string{}
	}
	for name, digest := range listed {
		if name != "." && fs.ValidPath(name) { // it speaks of nothing but its own directory
			r.outputs[path.Join(dir, name)] = digest
		}
	}
}

// ofBundle reports whether a file is left out because it lies in a bundle. What a build would
// read and never writes is refused there: the next build would replace it, or whoever puts an
// index beside it would have it passed over. Whoever writes an index writes what digests it
// likes: what cannot be decoded is read, and told, as if it were not listed.
func (r *reader) ofBundle(f language.File) bool {
	dir, inside := r.bundleOf(f.Path)
	if !inside {
		return false
	}
	if digest, listed := r.outputs[f.Path]; listed && digest == bundle.Digest(f.Data) && isYAML(f.Path) && language.Foreign(f) {
		return true
	}
	if language.IsRego(f.Path) || language.Ours(f) {
		what := "an intent"
		if language.IsRego(f.Path) {
			what = "a rule"
		}
		r.found = append(r.found, refusedFile.At(diag.Span{File: f.Path}, "%s inside the bundle %s", what, dir).
			Because("a directory with a %s of ours is output, which the next build replaces", bundle.IndexFile).
			Suggest("move it out of %s", dir))
		return true
	}
	return false
}

// bundleOf finds the outermost directory with an index of ours that a read file lies in.
func (r *reader) bundleOf(name string) (dir string, inside bool) {
	for _, dir := range r.bundles {
		if strings.HasPrefix(name, dir+"/") {
			return dir, true
		}
	}
	return "", false
}

// keepApart reads which directories the Platform calls repositories of their own. Each has to be
// one: what is left out is judged by its own run, and not by none.
func (r *reader) keepApart() {
	r.apart = map[string]bool{}
	platform := &reader{root: r.root, limits: r.limits}
	if info, err := r.root.Lstat(language.PlatformFile); err != nil || !info.Mode().IsRegular() || platform.read(language.PlatformFile) != nil || len(platform.files) == 0 {
		return // which the walk says
	}
	for _, dir := range language.Repositories(platform.files[0]) {
		name := string(dir.Value)
		info, err := r.root.Lstat(path.Join(name, language.PlatformFile))
		if name == "." || err != nil || !info.Mode().IsRegular() {
			r.found = append(r.found, refusedFile.At(dir.Span, "%s is no repository of its own", name).
				Because("a directory that is listed here is not read, and without a %s in it nobody else reads it either", language.PlatformFile).
				Suggest("list directories below this one that have a %s", language.PlatformFile))
			continue
		}
		r.apart[name] = true
	}
}

// read opens and reads one file.
func (r *reader) read(name string) error {
	span := diag.Span{File: name}
	data, err := r.root.read(name, r.limits.FileBytes+1)
	if err != nil {
		refused := refusedFile.At(span, "%s", reason(err))
		if !errors.Is(err, errIrregular) {
			refused = refused.Suggest("make it readable, or keep it out of the directory")
		}
		r.found = append(r.found, refused)
		return nil
	}
	if int64(len(data)) > r.limits.FileBytes {
		big := overLimit.At(span, "larger than %d MiB", r.limits.FileBytes>>20).Suggest("split it into several files")
		if !language.Ours(language.File{Path: name, Data: data}) {
			big.Severity = diag.Warning // as far as it was read; see hiddenBySize
		}
		r.found = append(r.found, big)
		return nil
	}
	r.total += int64(len(data))
	if r.total > r.limits.TotalBytes {
		r.found = append(r.found, overLimit.At(span, "more than %d MiB", r.limits.TotalBytes>>20).Suggest("judge a smaller directory"))
		return errLimit
	}
	if f := (language.File{Path: name, Data: data}); !r.ofBundle(f) {
		r.files = append(r.files, f)
	}
	return nil
}

// isYAML reports whether a file is read as YAML, by its name.
func isYAML(name string) bool { return language.IsYAML(name) }

// kindOf says what stands in the place of a file that is not read: a directory, a pipe, a socket,
// a device.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}

// reason says why a file could not be read, without its path, which the finding's place already
// says.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// plainPathError drops the system call's name from a reading's error.
func plainPathError(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Path, pathError.Err)
	}
	return err
}
