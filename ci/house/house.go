// Package house measures how the source is laid out: which files of a package need each
// other, how long files are, and which types differ in case alone.
//
// One file points to another if it names something that the other declares: a function, a
// type, a variable or a constant of the package, a method, or a field or method that a type's
// declaration lists. A knot is a set of files each of which leads to every other along such
// arrows: none of them can be read, moved or tested without the rest. Tests do not count, and
// of files for one system alone, those for Linux on amd64 do.
//
// Its invariant: the same files give the same figures, on every machine. The source is all
// that is read: no package that is imported is looked up, so a field of what a function of
// another package returns is not seen. It must not know which figures are good ones.
package house

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Package is one package of the module, without its tests.
type Package struct {
	Path  string         // relative to the module's root
	Lines map[string]int // file → number of lines
	Types []string       // that it declares, sorted

	files  []string // those that are compiled, sorted
	arrows []Arrow  // sorted
}

// Arrow leads from a file to another one that declares what it names.
type Arrow struct {
	From, To string
	Names    []string // of what From takes from To, sorted
}

// Read measures the house, every package of the module whose root is fsys, in the order of their
// paths. Directories named testdata, hidden ones and modules of their own are left out.
func Read(fsys fs.FS) ([]*Package, error) {
	var all []*Package
	return all, fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		_, notModule := fs.Stat(fsys, path.Join(name, "go.mod"))
		if name != "." && (notModule == nil || entry.Name() == "testdata" || entry.Name()[0] == '.') {
			return fs.SkipDir
		}
		p, err := readPackage(fsys, name)
		if err == nil && len(p.Lines) > 0 {
			at, _ := slices.BinarySearchFunc(all, p, func(a, b *Package) int { return cmp.Compare(a.Path, b.Path) })
			all = slices.Insert(all, at, p)
		}
		return err
	})
}

// readPackage measures one package of the house: the lines of its Go files, the types that they
// declare, and arrows.
func readPackage(fsys fs.FS, dir string) (*Package, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	system := build.Context{GOOS: "linux", GOARCH: "amd64", Compiler: "gc",
		JoinPath: path.Join,
		OpenFile: func(name string) (io.ReadCloser, error) { return fsys.Open(name) }}
	p := &Package{Path: dir, Lines: map[string]int{}}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		file := path.Base(name)
		p.Lines[file] = bytes.Count(data, []byte("\n"))
		compiled, err := system.MatchFile(dir, file)
		if err != nil {
			return nil, err
		}
		if !compiled {
			continue
		}
		syntax, err := parser.ParseFile(fset, name, data, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, file)
		parsed = append(parsed, syntax)
	}
	p.link(fset, parsed)
	return p, nil
}

// Arrows lists all arrows between the files of a package of the house.
func (p *Package) Arrows() []Arrow { return p.arrows }

// Twins lists pairs of types that differ in case alone, in a package of the house.
func (p *Package) Twins() [][2]string {
	var all [][2]string
	for i, a := range p.Types {
		for _, b := range p.Types[i+1:] {
			if strings.EqualFold(a, b) {
				all = append(all, [2]string{a, b})
			}
		}
	}
	return all
}
