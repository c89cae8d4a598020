package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	layout "portcullis.dev/ci/house"
)

// house is what the house test knows: the source as it is, and the tables in
// ARCHITECTURE.md as they claim it to be.
type house struct {
	module   string             // the module path of go.mod
	requires map[string]bool    // module → required directly
	packages map[string]*source // by directory, relative to the root
	rows     []row              // the table of packages, from the ground up
	reasons  map[string]string  // the table of dependencies: module → reason
	spelt    []string           // places of string literals that name the module
	measured []*layout.Package  // how the files of each hang together
}

// source is one package without its tests.
type source struct {
	name     string
	doc      string
	internal []string // imports of this module, as directories, sorted
	external []string // imports from other modules, as import paths, sorted
}

// row is what the table says of one package.
type row struct {
	pkg           string
	imports, owns []string
}

// readHouse reads the repository whose root is fsys. Directories named testdata,
// hidden ones and modules of their own are not part of the house.
func readHouse(fsys fs.FS) (*house, error) {
	h := &house{packages: map[string]*source{}}
	gomod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	h.readModule(string(gomod))
	architecture, err := fs.ReadFile(fsys, "ARCHITECTURE.md")
	if err != nil {
		return nil, err
	}
	if err := h.readTables(string(architecture)); err != nil {
		return nil, err
	}
	if h.measured, err = layout.Read(fsys); err != nil {
		return nil, err
	}
	return h, fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			_, notModule := fs.Stat(fsys, path.Join(name, "go.mod"))
			if name != "." && (notModule == nil || entry.Name() == "testdata" || entry.Name()[0] == '.') {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return h.readFile(name, data)
	})
}

var (
	moduleLine  = regexp.MustCompile(`(?m)^module (\S+)$`)
	requireLine = regexp.MustCompile(`(?m)^(?:require |\t)(\S+) v\S+( // indirect)?$`)
)

func (h *house) readModule(gomod string) {
	if m := moduleLine.FindStringSubmatch(gomod); m != nil {
		h.module = m[1]
	}
	h.requires = map[string]bool{}
	for _, m := range requireLine.FindAllStringSubmatch(gomod, -1) {
		h.requires[m[1]] = m[2] == ""
	}
}

var quoted = regexp.MustCompile("`([^`]+)`")

func names(cell string) []string {
	var all []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

func (h *house) readTables(text string) error {
	packages, err := table(text, "package", "its job", "imports of this module", "owns")
	if err != nil {
		return err
	}
	for _, cells := range packages {
		if pkg := names(cells[0]); len(pkg) == 1 {
			h.rows = append(h.rows, row{pkg: pkg[0], imports: names(cells[2]), owns: names(cells[3])})
		}
	}
	dependencies, err := table(text, "module", "why this one")
	if err != nil {
		return err
	}
	h.reasons = map[string]string{}
	for _, cells := range dependencies {
		for _, module := range names(cells[0]) {
			h.reasons[module] = cells[1]
		}
	}
	return nil
}

// table finds the Markdown table with these columns and returns its rows' cells.
func table(text string, columns ...string) ([][]string, error) {
	var rows [][]string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case slices.Equal(cells, columns):
			inside = true
		case inside && !strings.HasPrefix(cells[0], "--"):
			if len(cells) != len(columns) {
				return nil, fmt.Errorf("ARCHITECTURE.md: %q has %d cells, its table has %d columns", line, len(cells), len(columns))
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("ARCHITECTURE.md: found no table with the columns %s", strings.Join(columns, " | "))
	}
	return rows, nil
}

func (h *house) readFile(name string, data []byte) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	p := h.packages[dir]
	if p == nil {
		p = &source{}
		h.packages[dir] = p
	}
	p.name = file.Name.Name
	p.doc += file.Doc.Text()
	for _, spec := range file.Imports {
		p.add(h.module, strings.Trim(spec.Path.Value, "`\""))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, isImport := n.(*ast.ImportSpec); isImport {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(lit.Value, h.module) {
			h.spelt = append(h.spelt, fset.Position(lit.Pos()).String())
		}
		return true
	})
	return nil
}

// add files an import: the standard library's paths have no dot in their first
// element.
func (p *source) add(module, imported string) {
	first, _, _ := strings.Cut(imported, "/")
	switch dir, ours := strings.CutPrefix(imported, module+"/"); {
	case ours:
		p.internal = insert(p.internal, dir)
	case strings.Contains(first, "."):
		p.external = insert(p.external, imported)
	}
}

func insert(sorted []string, s string) []string {
	if i, found := slices.BinarySearch(sorted, s); !found {
		return slices.Insert(sorted, i, s)
	}
	return sorted
}
