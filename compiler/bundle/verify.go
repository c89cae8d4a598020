package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Found is what lies at a place that is said to be a bundle.
type Found struct {
	files   map[string]file
	index   Index
	damaged error // why an archive could not be read to its end; then nothing of it counts
}

// ErrNoBundle wraps the reason why a place is no bundle at all, whatever lies there.
var ErrNoBundle = errors.New("not a bundle")

// Find reads a place: a directory or, by the end of its name (.tar.gz, .tgz), an archive. Of
// a directory that is a checkout of Git, Git's own files are none of the bundle's. The error
// is the system's, or wraps ErrNoBundle.
func Find(name string) (*Found, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, plain(err)
	}
	var files map[string]file
	switch {
	case info.IsDir():
		files, err = inDirectory(os.DirFS(name), func(string) int { return fileLimit })
	case info.Mode().IsRegular() && isArchive(name):
		var damaged error
		if files, damaged, err = inArchive(name); damaged != nil {
			return &Found{damaged: damaged}, nil
		}
	default:
		return nil, fmt.Errorf("%w: neither a directory nor a file that ends in .tar.gz", ErrNoBundle)
	}
	if err != nil {
		return nil, err
	}
	return found(files)
}

// Unpack reads an archive that somebody sent, to verify it: what build wrote, or what Flux packed
// of it.
func Unpack(archive []byte) (*Found, error) {
	b, damaged := readArchive(bytes.NewReader(archive))
	if damaged != nil {
		return &Found{damaged: damaged}, nil
	}
	return found(filesOf(b))
}

// found reads the index among some files that are to be verified.
func found(files map[string]file) (*Found, error) {
	f := &Found{files: files}
	index, there := files[IndexFile]
	switch m, err := parseMark(index.data); {
	case !there:
		return nil, fmt.Errorf("%w: it has no %s", ErrNoBundle, IndexFile)
	case index.note != "":
		return nil, fmt.Errorf("%w: its %s is %s", ErrNoBundle, IndexFile, index.note)
	case err != nil:
		return nil, fmt.Errorf("%w: its %s is none of ours", ErrNoBundle, IndexFile)
	case m.Schema != Schema:
		return nil, fmt.Errorf("%w: its %s is of %.100q, and %s is verified; build it again", ErrNoBundle, IndexFile, m.Schema, Schema)
	}
	if err := json.Unmarshal(index.data, &f.index); err != nil {
		return nil, fmt.Errorf("%w: its %s: %v", ErrNoBundle, IndexFile, err)
	}
	return f, nil
}

// Index returns what the found bundle tells of itself.
func (f *Found) Index() Index { return f.index }

// Files returns the files of the found bundle that a deployer would read: all but the index.
func (f *Found) Files() map[string][]byte {
	files := map[string][]byte{}
	for name, is := range f.files {
		if name != IndexFile && is.data != nil {
			files[name] = is.data
		}
	}
	return files
}

// Bundle returns what was found, to be written elsewhere. It is one of ours where nothing was
// altered.
func (f *Found) Bundle() Bundle {
	b := Bundle(f.Files())
	b[IndexFile] = f.files[IndexFile].data
	return b
}

// Altered verifies the files against the index: it lists, by path, how they differ from what it
// says of them; nothing if they do not.
func (f *Found) Altered() []Difference {
	if f.damaged != nil {
		return []Difference{{Change: Changed, Note: f.damaged.Error()}}
	}
	var all []Difference
	missing := map[string]string{} // by digest
	for name, digest := range f.index.Outputs {
		_, there := f.files[name]
		switch {
		case name == IndexFile || !fs.ValidPath(name) || name == ".":
			all = append(all, Difference{Change: Changed, Path: IndexFile, Note: fmt.Sprintf("it lists %q, which no bundle holds", name)})
		case !there:
			all = append(all, Difference{Change: Missing, Path: name})
			missing[digest] = name
		}
	}
	for name, is := range f.files {
		digest, listed := f.index.Outputs[name]
		switch d := (Difference{Path: name, Note: is.note}); {
		case name == IndexFile:
		case !listed:
			if d.Change = Extra; is.note == "" && missing[Digest(is.data)] != "" {
				d.Note = "it is what " + missing[Digest(is.data)] + " should be"
			}
			all = append(all, d)
		case is.note != "":
			d.Change = Changed
			all = append(all, d)
		case Digest(is.data) != digest:
			d.Change, d.Note = Changed, fmt.Sprintf("its SHA-256 begins with %.12s, expected %.12s", Digest(is.data), digest)
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Difference) int { return strings.Compare(a.Path+"\x00"+a.Note, b.Path+"\x00"+b.Note) })
	return all
}

// Stale lists the inputs that are others than those from which the bundle was built, by what
// input finds of each; it is not there where that is nil.
func (f *Found) Stale(input func(name string) []byte) []Difference {
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(f.index.Inputs)) {
		switch data := input(name); {
		case data == nil:
			all = append(all, Difference{Change: Missing, Path: name, Note: "the bundle was built from it"})
		case Digest(data) != f.index.Inputs[name]:
			all = append(all, Difference{Change: Changed, Path: name, Note: "the bundle was built from something else"})
		}
	}
	return all
}

// isArchive reports whether a place is an archive by the end of its name.
func isArchive(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// inDirectory reads all files of a directory that is to be verified, each up to so many bytes, or
// what is shown of a text.
func inDirectory(fsys fs.FS, size func(name string) int) (map[string]file, error) {
	there := map[string]file{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name == ".git":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case len(there) == archiveFiles:
			return fmt.Errorf("%w: more than %d files", ErrNoBundle, archiveFiles)
		}
		there[name], err = readFile(fsys, name, size(name))
		return err
	})
	if err != nil {
		return nil, plain(err)
	}
	return there, nil
}

// inArchive reads all files of an archive that is to be verified, and says apart what is damaged
// in it.
func inArchive(name string) (there map[string]file, damaged, err error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, nil, plain(err)
	}
	defer f.Close()
	b, damaged := readArchive(f)
	return filesOf(b), damaged, nil
}

// filesOf returns an archive's files in the form in which a directory's are found.
func filesOf(b Bundle) map[string]file {
	files := map[string]file{}
	for name, data := range b {
		files[name] = file{data: data}
	}
	return files
}
