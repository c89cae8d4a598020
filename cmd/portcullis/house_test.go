package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// limits are what the layout of the source is held to, and what is still beyond them: those
// ceilings may only fall. go run ./ci/knots says what to move.
type limits struct {
	knot  int            // files that need each other in a circle, in a package
	knots map[string]int // by package: how many today
	lines int            // of a file
	files map[string]int // by file: how many today
	twins []string       // types of one package that differ in case alone
}

var today = limits{
	knot:  10,
	knots: map[string]int{},
	lines: 400,
	files: map[string]int{},
}

// floors are the top-level folders, from the ground up. An arrow from one folder
// to another leads to a lower floor; folders on one floor do not know each other.
var floors = map[string]int{"policies": 0, "overlays": 1, "rego": 1, "compiler": 2, "ci": 3, "cmd": 4}

// faults is everything in which the house differs from its description and from
// its own rules, sorted.
func (h *house) faults(l limits) []string {
	all := slices.Concat(h.graph(), h.tower(), h.dependencies(), h.comments(), h.spelling(), h.layout(l))
	slices.Sort(all)
	return all
}

// graph compares the packages and their imports with the table's.
func (h *house) graph() []string {
	var found []string
	described := map[string]bool{}
	for _, r := range h.rows {
		p := h.packages[r.pkg]
		if described[r.pkg] {
			found = append(found, fmt.Sprintf("%s has two rows in the table of packages", r.pkg))
		}
		described[r.pkg] = true
		if p == nil {
			found = append(found, fmt.Sprintf("%s has a row in the table of packages, and no source", r.pkg))
			continue
		}
		for _, to := range p.internal {
			if !slices.Contains(r.imports, to) {
				found = append(found, fmt.Sprintf("%s imports %s, which its row does not list", r.pkg, to))
			}
		}
		for _, to := range r.imports {
			if !slices.Contains(p.internal, to) {
				found = append(found, fmt.Sprintf("%s does not import %s, which its row lists", r.pkg, to))
			}
		}
	}
	for pkg := range h.packages {
		if !described[pkg] {
			found = append(found, fmt.Sprintf("%s has no row in the table of packages", pkg))
		}
	}
	return found
}

// tower finds the arrows that run up: to a higher floor, sideways to another
// folder, or inside a folder to a package that the table lists later.
func (h *house) tower() []string {
	place := func(pkg string) int {
		return slices.IndexFunc(h.rows, func(r row) bool { return r.pkg == pkg })
	}
	var found []string
	for from, p := range h.packages {
		floor, known := floors[top(from)]
		if !known {
			found = append(found, fmt.Sprintf("%s is outside the tower's folders", from))
			continue
		}
		for _, to := range p.internal {
			down := floors[top(to)] < floor
			if top(from) == top(to) {
				down = place(to) < place(from)
			}
			if !down {
				found = append(found, fmt.Sprintf("%s imports %s: the arrow runs up", from, to))
			}
		}
	}
	return found
}

func top(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

// dependencies finds imports outside their owner, and direct requirements that
// nobody gave a reason for.
func (h *house) dependencies() []string {
	owns := map[string][]string{}
	for _, r := range h.rows {
		owns[r.pkg] = r.owns
	}
	used := map[string]map[string]bool{} // package → modules
	var found []string
	for pkg, p := range h.packages {
		used[pkg] = map[string]bool{}
		for _, imported := range p.external {
			module := h.moduleOf(imported)
			used[pkg][module] = true
			if !slices.Contains(owns[pkg], module) {
				found = append(found, fmt.Sprintf("%s imports %s, of which it is not an owner", pkg, imported))
			}
		}
	}
	for _, r := range h.rows {
		for _, module := range r.owns {
			if h.packages[r.pkg] != nil && !used[r.pkg][module] {
				found = append(found, fmt.Sprintf("%s owns %s and does not import it", r.pkg, module))
			}
		}
	}
	for module, direct := range h.requires {
		if direct && h.reasons[module] == "" {
			found = append(found, fmt.Sprintf("go.mod requires %s, for which the table of dependencies has no reason", module))
		}
	}
	for module := range h.reasons {
		if !h.requires[module] {
			found = append(found, fmt.Sprintf("the table of dependencies lists %s, which go.mod does not require directly", module))
		}
	}
	return found
}

// moduleOf is the longest required module that the import path lies in, or the
// path itself.
func (h *house) moduleOf(imported string) string {
	for p := imported; p != "."; p = path.Dir(p) {
		if _, required := h.requires[p]; required {
			return p
		}
	}
	return imported
}

var sentenceEnd = regexp.MustCompile("[.!?][)\"'`]*(?:\\s+[A-Z\"'`]|\\s*$)")

// comments finds packages that do not say what they are for.
func (h *house) comments() []string {
	var found []string
	for pkg, p := range h.packages {
		start := "Package " + p.name + " "
		if p.name == "main" {
			start = "Command " + path.Base(pkg) + " "
		}
		if !strings.HasPrefix(p.doc, start) {
			found = append(found, fmt.Sprintf("%s: the package comment does not begin with %q", pkg, start))
		}
		if n := len(sentenceEnd.FindAllString(p.doc, -1)); n < 2 {
			found = append(found, fmt.Sprintf("%s: the package comment has %d sentences, expected two at least", pkg, n))
		}
	}
	return found
}

// spelling finds the module's name, which is the API group too, written in more than one
// place.
func (h *house) spelling() []string {
	if n := len(h.spelt); n > 1 {
		return []string{fmt.Sprintf("%q is written in %d places, expected one: %s", h.module, n, strings.Join(h.spelt, ", "))}
	}
	return nil
}

// layout finds knots and files that are too large, types that are hard to tell apart, and
// ceilings that are higher than what stands below them.
func (h *house) layout(l limits) []string {
	var found []string
	knots, lines := map[string]int{}, map[string]int{}
	var twins []string
	for _, p := range h.measured {
		knots[p.Path] = p.Largest()
		for file, n := range p.Lines {
			lines[path.Join(p.Path, file)] = n
		}
		for _, pair := range p.Twins() {
			twins = append(twins, fmt.Sprintf("%s: %s and %s", p.Path, pair[0], pair[1]))
		}
	}
	found = append(found, ceilings("files that need each other in a circle (go run ./ci/knots)", l.knot, l.knots, knots)...)
	found = append(found, ceilings("lines", l.lines, l.files, lines)...)
	for _, pair := range twins {
		if !slices.Contains(l.twins, pair) {
			found = append(found, pair+" differ in case alone")
		}
	}
	for _, pair := range l.twins {
		if !slices.Contains(twins, pair) {
			found = append(found, pair+" are excused, and not there")
		}
	}
	return found
}

// ceilings compares figures with a limit, and with the ceilings of those that are beyond it.
func ceilings(unit string, limit int, ceilings, figures map[string]int) []string {
	var found []string
	for name, n := range figures {
		most := max(limit, ceilings[name])
		if n > most {
			found = append(found, fmt.Sprintf("%s has %d %s, expected %d at most", name, n, unit, most))
		}
	}
	for name, ceiling := range ceilings {
		switch n := figures[name]; {
		case n <= limit:
			found = append(found, fmt.Sprintf("%s has %d %s: its ceiling of %d is needed no more", name, n, unit, ceiling))
		case n < ceiling:
			found = append(found, fmt.Sprintf("%s has %d %s: lower its ceiling of %d, which may only fall", name, n, unit, ceiling))
		}
	}
	return found
}

func TestHouse(t *testing.T) {
	t.Parallel()
	h, err := readHouse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range h.faults(today) {
		t.Error(fault)
	}
}

// soundHouse has nothing to find fault with. It is a raft of traps as well: what
// lies in tests, in testdata and in a nested module is not judged.
const soundHouse = `
-- go.mod --
module example.org

go 1.26.0

require (
	lib.org/heavy v1.0.0
	lib.org/heavy/api/v2 v2.0.0 // indirect
	lib.org/testing v1.0.0
)
-- ARCHITECTURE.md --
| package | its job | imports of this module | owns |
|---|---|---|---|
| ''policies/diag'' | findings | nothing | |
| ''policies/object'' | manifests | ''policies/diag'' | ''lib.org/heavy/api/v2'' |
| ''rego'' | rules | ''policies/diag'' | |
| ''cmd/tool'' | commands | ''policies/object'', ''rego'' | ''lib.org/heavy'' |

| module | why this one |
|---|---|
| ''lib.org/heavy'' | it does the work |
| ''lib.org/testing'' | it tests the work |
-- policies/diag/diag.go --
// Package diag is the ground. It knows nobody.
package diag

const Group = "example.org"
-- policies/diag/diag_test.go --
package diag

import (
	"lib.org/testing"

	"example.org/cmd/tool"
)

const again = "example.org"
-- policies/diag/testdata/broken.go --
package
-- policies/object/object.go --
// Package object reads manifests, e.g. one
// of these. "It knows the ground."
package object

import (
	"strings"

	v2 "lib.org/heavy/api/v2/types"

	"example.org/policies/diag"
)
-- rego/rego.go --
// Package rego judges. It evaluates rules.
package rego

import "example.org/policies/diag"
-- cmd/tool/main.go --
// Command tool reads flags. It writes streams.
package main

import (
	"lib.org/heavy"

	"example.org/policies/object"
	"example.org/rego"
)
-- ci/tools/go.mod --
module example.org/ci/tools
-- ci/tools/tools.go --
package tools

import "lib.org/heavy"
`

func TestHouseFindsFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		old, new string // a replacement in soundHouse's text
		want     []string
	}{
		{"sound", "", "", nil},
		{"package without a row", "| ''rego'' | rules | ''policies/diag'' | |\n", "",
			[]string{"rego has no row in the table of packages"}},
		{"row without a package", "| ''rego'' |", "| ''policies/gone'' | | nothing | |\n| ''rego'' |",
			[]string{"policies/gone has a row in the table of packages, and no source"}},
		{"two rows", "| ''rego'' |", "| ''policies/diag'' | | nothing | |\n| ''rego'' |",
			[]string{"policies/diag has two rows in the table of packages"}},
		{"arrow that the table lacks", "''policies/object'', ''rego'' |", "''rego'' |",
			[]string{"cmd/tool imports policies/object, which its row does not list"}},
		{"arrow that the source lacks", "''policies/object'', ''rego'' |", "''policies/object'', ''rego'', ''policies/diag'' |",
			[]string{"cmd/tool does not import policies/diag, which its row lists"}},
		{"unknown folder", "-- rego/rego.go --", "-- util/util.go --\n// Package util is. Not wanted.\npackage util\n-- rego/rego.go --",
			[]string{"util has no row in the table of packages", "util is outside the tower's folders"}},
		{"dependency without its owner", "| ''lib.org/heavy/api/v2'' |\n", "| |\n",
			[]string{"policies/object imports lib.org/heavy/api/v2/types, of which it is not an owner"}},
		{"owner of a module is none of its submodule", "| ''lib.org/heavy/api/v2'' |\n", "| ''lib.org/heavy'' |\n",
			[]string{"policies/object imports lib.org/heavy/api/v2/types, of which it is not an owner",
				"policies/object owns lib.org/heavy and does not import it"}},
		{"dependency that go.mod does not know", "\"lib.org/heavy\"\n\n\t\"example.org/policies/object\"", "\"lib.org/other/x\"\n\n\t\"example.org/policies/object\"",
			[]string{"cmd/tool imports lib.org/other/x, of which it is not an owner", "cmd/tool owns lib.org/heavy and does not import it"}},
		{"dependency without a reason", "| it tests the work |", "| |",
			[]string{"go.mod requires lib.org/testing, for which the table of dependencies has no reason"}},
		{"dependency without a row", "| ''lib.org/testing'' | it tests the work |\n", "",
			[]string{"go.mod requires lib.org/testing, for which the table of dependencies has no reason"}},
		{"reason without a dependency", "\tlib.org/testing v1.0.0\n", "\tlib.org/testing v1.0.0 // indirect\n",
			[]string{"the table of dependencies lists lib.org/testing, which go.mod does not require directly"}},
		{"no package comment", "// Package rego judges. It evaluates rules.\n", "",
			[]string{`rego: the package comment does not begin with "Package rego "`, "rego: the package comment has 0 sentences, expected two at least"}},
		{"a short package comment", "judges. It evaluates rules.", "judges, e.g. by evaluating rules.",
			[]string{"rego: the package comment has 1 sentences, expected two at least"}},
		{"a command's comment", "// Command tool", "// Package main",
			[]string{`cmd/tool: the package comment does not begin with "Command tool "`}},
		{"a long file", "const Group = \"example.org\"\n", "const Group = \"example.org\"\n" + strings.Repeat("\n", 500),
			[]string{"policies/diag/diag.go has 504 lines, expected 500 at most"}},
		{"a knot", "const Group = \"example.org\"\n", "const Group = \"example.org\"\n\nvar a = b\n-- policies/diag/b.go --\npackage diag\n\nvar b = a\n",
			[]string{"policies/diag has 2 files that need each other in a circle (go run ./ci/knots), expected 1 at most"}},
		{"types that differ in case alone", "const Group = \"example.org\"\n", "const Group = \"example.org\"\n\ntype Flow int\ntype flow int\n",
			[]string{"policies/diag: Flow and flow differ in case alone"}},
		{"the module's name twice", "package rego\n\nimport \"example.org/policies/diag\"\n", "package rego\n\nimport \"example.org/policies/diag\"\n\nconst kind = `example.org/v1`\n",
			[]string{`"example.org" is written in 2 places, expected one: policies/diag/diag.go:4:15, rego/rego.go:6:14`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.old != "" && strings.Count(soundHouse, test.old) != 1 {
				t.Fatalf("%q must occur once in the sound house", test.old)
			}
			h, err := readHouse(fakeHouse(t, strings.Replace(soundHouse, test.old, test.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, h.faults(limits{lines: 500, knot: 1})); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCeilingsOnlyFall: what is beyond a limit is held to its ceiling, and a ceiling to what
// is below it.
func TestCeilingsOnlyFall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ceiling, figure int // 0 for none
		want            []string
	}{
		{0, 10, nil},
		{0, 11, []string{"x has 11 things, expected 10 at most"}},
		{12, 13, []string{"x has 13 things, expected 12 at most"}},
		{12, 12, nil},
		{12, 11, []string{"x has 11 things: lower its ceiling of 12, which may only fall"}},
		{12, 10, []string{"x has 10 things: its ceiling of 12 is needed no more"}},
		{12, 0, []string{"x has 0 things: its ceiling of 12 is needed no more"}},
	}
	for _, test := range tests {
		ceiling, figures := map[string]int{}, map[string]int{}
		if test.ceiling > 0 {
			ceiling["x"] = test.ceiling
		}
		if test.figure > 0 {
			figures["x"] = test.figure
		}
		if diff := cmp.Diff(test.want, ceilings("things", 10, ceiling, figures)); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", test, diff)
		}
	}
	h, err := readHouse(fakeHouse(t, soundHouse))
	if err != nil {
		t.Fatal(err)
	}
	excused := limits{lines: 500, knot: 1, twins: []string{"rego: Flow and flow"}}
	if diff := cmp.Diff([]string{"rego: Flow and flow are excused, and not there"}, h.faults(excused)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestHouseFindsArrowsUp(t *testing.T) {
	t.Parallel()
	ground := []row{{pkg: "policies/diag"}, {pkg: "policies/object"}, {pkg: "overlays"}, {pkg: "rego"},
		{pkg: "compiler/plan"}, {pkg: "compiler/language"}, {pkg: "compiler/resolve"}, {pkg: "compiler"}, {pkg: "ci/report"}, {pkg: "ci"}, {pkg: "cmd/tool"}}
	tests := []struct {
		from, to string
		down     bool
	}{
		{"policies/object", "policies/diag", true},
		{"policies/diag", "policies/object", false}, // listed later
		{"policies/diag", "policies/diag", false},
		{"policies/object", "rego", false},
		{"overlays", "policies/diag", true},
		{"overlays", "rego", false}, // beside it
		{"rego", "compiler/plan", false},
		{"compiler/language", "compiler/plan", true},
		{"compiler/plan", "compiler/language", false},
		{"compiler/resolve", "compiler/language", true},
		{"compiler/language", "compiler/resolve", false},
		{"compiler/resolve", "compiler", false},
		{"compiler", "compiler/resolve", true},
		{"compiler", "rego", true},
		{"compiler", "ci", false},
		{"ci/report", "compiler/plan", true}, // what it writes
		{"ci", "ci/report", true},
		{"ci", "policies/diag", true},
		{"cmd/tool", "compiler", true},
		{"cmd/tool", "ci/report", true},
		{"compiler", "cmd/tool", false},
	}
	for _, test := range tests {
		h := &house{rows: ground, packages: map[string]*source{test.from: {internal: []string{test.to}}}}
		if got := len(h.tower()) == 0; got != test.down {
			t.Errorf("%s imports %s: down is %t, expected %t", test.from, test.to, got, test.down)
		}
	}
}

func TestHouseNeedsItsTables(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"imports of this module", "why this one"} {
		text := strings.Replace(soundHouse, column, "renamed", 1)
		if _, err := readHouse(fakeHouse(t, text)); err == nil || !strings.Contains(err.Error(), column) {
			t.Errorf("without the column %q: error %v, expected one that names it", column, err)
		}
	}
}

// fakeHouse turns a txtar text into a file system; two single quotes stand for a
// backquote.
func fakeHouse(t *testing.T, text string) fs.FS {
	t.Helper()
	fsys, err := txtar.FS(txtar.Parse([]byte(strings.ReplaceAll(text, "''", "`"))))
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}
