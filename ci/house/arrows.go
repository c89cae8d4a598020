package house

import (
	"cmp"
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
)

// link finds the arrows between a package's files, and the types that they declare.
func (p *Package) link(fset *token.FileSet, files []*ast.File) {
	declared := map[token.Pos]string{}
	for _, file := range files {
		for _, d := range file.Decls {
			p.declare(declared, d)
		}
	}
	slices.Sort(p.Types)
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	check := types.Config{Importer: nowhere{}, Error: func(error) {}}
	check.Check(p.Path, fset, files, info) // what it misses for want of imports is no fault of the source
	arrows := map[[2]string]map[string]bool{}
	for use, object := range info.Uses {
		name := declared[object.Pos()]
		if name == "" {
			continue
		}
		ends := [2]string{file(fset, use.Pos()), file(fset, object.Pos())}
		if ends[0] == ends[1] {
			continue
		}
		if arrows[ends] == nil {
			arrows[ends] = map[string]bool{}
		}
		arrows[ends][name] = true
	}
	for ends, names := range arrows {
		p.arrows = append(p.arrows, Arrow{From: ends[0], To: ends[1], Names: slices.Sorted(maps.Keys(names))})
	}
	slices.SortFunc(p.arrows, func(a, b Arrow) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

// file names the file that a position lies in, as the end of an arrow.
func file(fset *token.FileSet, pos token.Pos) string { return path.Base(fset.Position(pos).Filename) }

// declare notes what a declaration at package level gives names to, which arrows lead to: itself,
// and what its type lists, under the type's name.
func (p *Package) declare(declared map[token.Pos]string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil && len(d.Recv.List) == 1 {
			if of := embedded(d.Recv.List[0].Type); of != nil {
				name = of.Name + "." + name
			}
		}
		declared[d.Name.Pos()] = name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					declared[name.Pos()] = name.Name
				}
			case *ast.TypeSpec:
				declared[spec.Name.Pos()] = spec.Name.Name
				p.Types = append(p.Types, spec.Name.Name)
				members(declared, spec)
			}
		}
	}
}

// members notes the fields and methods that the declaration of a type lists, for arrows lead to
// them as well.
func members(declared map[token.Pos]string, spec *ast.TypeSpec) {
	ast.Inspect(spec.Type, func(n ast.Node) bool {
		if _, isFunc := n.(*ast.FuncType); isFunc {
			return false // its parameters are nobody's members
		}
		field, isField := n.(*ast.Field)
		if !isField {
			return true
		}
		for _, name := range field.Names {
			declared[name.Pos()] = spec.Name.Name + "." + name.Name
		}
		if len(field.Names) == 0 {
			if name := embedded(field.Type); name != nil {
				declared[name.Pos()] = spec.Name.Name + "." + name.Name
			}
		}
		return true
	})
}

// embedded finds the name of the type of a receiver or of an embedded field, to which arrows
// lead.
func embedded(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.StarExpr:
		return embedded(e.X)
	case *ast.ParenExpr:
		return embedded(e.X)
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return embedded(e.X)
	case *ast.IndexListExpr:
		return embedded(e.X)
	}
	return nil
}

// nowhere finds no package: what is measured lies in the package itself.
type nowhere struct{}

// Import finds no package: arrows between the files of one need none.
func (nowhere) Import(string) (*types.Package, error) { return nil, errors.New("not looked up") }
