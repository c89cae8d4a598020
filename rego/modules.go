package rego

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis.dev/policies/diag"
)

// role is what a module is for, by its package.
type role int

const (
	checkModule   role = iota + 1 // portcullis.checks.<name>: has findings
	libraryModule                 // portcullis.lib or portcullis.lib.<name>: is used by checks
)

// module is one parsed file.
type module struct {
	file   string
	own    bool // embedded, and not a user's
	role   role
	name   string // of the check; empty for a library
	parsed *ast.Module
}

// place finds a module's role and name from its package.
func (m *module) place() error {
	var parts []string
	for _, term := range m.parsed.Package.Path[1:] { // the first is data
		part, isString := term.Value.(ast.String)
		if !isString {
			return fmt.Errorf("package %v, expected constant names", m.parsed.Package)
		}
		parts = append(parts, string(part))
	}
	switch full := path.Join(parts...); {
	case len(parts) == 3 && strings.HasPrefix(full, "portcullis/checks/"):
		m.role, m.name = checkModule, parts[2]
	case len(parts) == 3 && strings.HasPrefix(full, "portcullis/lib/"), m.own && full == "portcullis/lib":
		m.role = libraryModule
	default:
		return fmt.Errorf("package %s, expected portcullis.checks.<name> for a rule or portcullis.lib.<name> for what rules share", strings.Join(parts, "."))
	}
	return nil
}

// head finds the place of a module's package clause.
func (m *module) head() diag.Span { return m.span(m.parsed.Package.Location) }

// span makes the span of a place in the module. The product's own modules are no files of the
// user's: nothing points into them.
func (m *module) span(at *ast.Location) diag.Span {
	if m.own {
		return diag.Span{}
	}
	return spanOf(m.file, at)
}

// spanOf makes the span of the first line of what OPA points at in a module; OPA counts columns
// in runes, as Span does.
func spanOf(file string, at *ast.Location) diag.Span {
	if at == nil || at.Row < 1 || at.Col < 1 {
		return diag.Span{File: file}
	}
	text, _, _ := strings.Cut(string(at.Text), "\n")
	return diag.Span{File: file, Start: diag.At(at.Row, at.Col), End: diag.At(at.Row, at.Col+utf8.RuneCountInString(text))}
}

// moduleAt finds the user's module that a location of OPA's is in; nil for the product's own.
func moduleAt(modules map[string]*module, at *ast.Location) *module {
	if at == nil {
		return nil
	}
	if m := modules[at.File]; m != nil && !m.own {
		return m
	}
	return nil
}

// embeddedModules are the product's own checks without their tests, parsed side by
// side: every run waits for them. Whoever compiles them compiles copies.
var embeddedModules = sync.OnceValues(func() ([]*module, error) {
	capabilities := capabilities()
	files, err := fs.Glob(embedded, "checks/*/*.rego")
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, IsTest)
	modules, failed := make([]*module, len(files)), make([]error, len(files))
	var parsers sync.WaitGroup
	for i, file := range files {
		parsers.Go(func() {
			m := &module{file: "/" + file, own: true} // as no file of a repository is called
			source, err := embedded.ReadFile(file)
			if err == nil {
				m.parsed, err = parse(m.file, source, capabilities)
			}
			if err == nil {
				err = m.place()
			}
			modules[i], failed[i] = m, err
		})
	}
	parsers.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("the embedded checks are broken: %w", err)
	}
	return modules, nil
})

// isRule reports whether a file is a module of rules, and not of tests.
func isRule(file string) bool { return !IsTest(file) }

// parse parses the text of a module, with its METADATA.
func parse(file string, source []byte, capabilities *ast.Capabilities) (*ast.Module, error) {
	return ast.ParseModuleWithOpts(file, string(source), ast.ParserOptions{
		Capabilities: capabilities, ProcessAnnotation: true, RegoVersion: ast.RegoV1,
	})
}

// parseUsers parses the modules of the user's rules. A package of ours cannot be extended: its
// findings would be somebody else's under our code.
func parseUsers(sources map[string][]byte, own []*module, capabilities *ast.Capabilities) ([]*module, diag.List) {
	var users []*module
	var found diag.List
	taken := map[string]bool{}
	for _, m := range own {
		taken[m.parsed.Package.Path.String()] = true
		for _, r := range m.parsed.Rules {
			taken[m.parsed.Package.Path.Append(ast.StringTerm(string(r.Head.Name))).String()] = true
		}
	}
	for _, file := range diag.SortedKeys(sources) {
		if IsTest(file) {
			continue
		}
		m := &module{file: file}
		var err error
		m.parsed, err = parse(file, sources[file], capabilities)
		switch {
		case err != nil:
			found = append(found, m.broken(err)...)
			continue
		case m.parsed == nil:
			found = append(found, doesNotCompile.At(diag.Span{File: file}, "the file holds no package, expected a rule"))
			continue
		case taken[m.parsed.Package.Path.String()]:
			found = append(found, doesNotCompile.At(m.head(), "package %s is one of the product's, expected a name of your own", strings.TrimPrefix(m.parsed.Package.Path.String(), "data.")))
			continue
		}
		if err := m.place(); err != nil {
			found = append(found, doesNotCompile.At(m.head(), "%v", err).
				Because("only packages in these places are evaluated"))
			continue
		}
		users = append(users, m)
	}
	return users, found
}

// broken makes findings of the parser's complaints about a user's module.
func (m *module) broken(err error) diag.List {
	var several ast.Errors
	var single *ast.Error
	switch {
	case errors.As(err, &several):
	case errors.As(err, &single):
		several = ast.Errors{single}
	default:
		return diag.List{doesNotCompile.At(diag.Span{File: m.file}, "%s", oneLine(err.Error()))}
	}
	var found diag.List
	for _, one := range several {
		found = append(found, doesNotCompile.At(m.span(one.Location), "%s", oneLine(one.Message)))
	}
	return found
}
