package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// read measures one package, whose files are a txtar text.
func read(t *testing.T, text string) *Package {
	t.Helper()
	fsys, err := txtar.FS(txtar.Parse([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Read(fsys)
	if err != nil || len(all) != 1 {
		t.Fatalf("read %d packages, expected one (error %v)", len(all), err)
	}
	return all[0]
}

// TestArrows has a row for every way in which a file can need another one, and for what
// looks like one.
func TestArrows(t *testing.T) {
	t.Parallel()
	const declares = `
-- b.go --
package p

import "strings"

type T struct {
	field int
	inner struct{ deep int }
	*strings.Builder
	M
}

type M struct{}

func (M) promoted() {}

func (t *T) method() T { return *t }

type I interface{ do(argument int) }

type G[P any] struct{ value P }

func (g *G[P]) get() P { return g.value }

func f() T { return T{} }

var v, w = f(), 1

const c = iota
`
	tests := []struct{ name, a, want string }{
		{"nothing", "", ""},
		{"function", "var x = f", "f"},
		{"variable", "var x = w", "w"},
		{"constant", "var x [c]int", "c"},
		{"type", "var x *T", "T"},
		{"method of a value whose type is not named", "func x() { v.method().method() }", "T.method v"},
		{"field", "var x = f().field", "T.field f"},
		{"field of a literal", "var x = T{field: 1}", "T T.field"},
		{"field of a field", "var x = v.inner.deep", "T.deep T.inner v"},
		{"embedded field", "var x = v.Builder", "T.Builder v"},
		{"promoted method", "func x() { v.promoted() }", "M.promoted v"},
		{"method of an interface", "func x(i I) { i.do(0) }", "I I.do"},
		{"method of a generic type", "var x = new(G[int]).get()", "G G.get"},
		{"receiver", "func (T) more() {}", "T"},
		{"what an unknown package returns", "import \"lib.org/lib\"\nvar x = lib.Get(f)", "f"},
		{"a name that is shadowed", "func x(f int) int { v := f; return v }", ""},
		{"a field of a type of its own", "type x struct{ field int }; func (y x) method() int { return y.field }", ""},
		{"a label and a key", "func x() { f: for { break f } }; var y = map[string]int{\"f\": 1}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range read(t, "-- a.go --\npackage p\n\n"+test.a+"\n"+declares).Arrows() {
				if a.From != "a.go" || a.To != "b.go" {
					t.Errorf("arrow %s -> %s", a.From, a.To)
				}
				got = append(got, a.Names...)
			}
			if diff := cmp.Diff(strings.Fields(test.want), got, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatIsRead: tests, testdata, hidden directories, other modules and other systems'
// files have no part in a package, but that files of every system have their lines.
func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	p := read(t, `
-- go.mod --
module example.org
-- a.go --
package p

var a = b
-- b_linux.go --
package p

var b = 1
-- b_windows.go --
package p

var b = a
-- b_other.go --
//go:build !linux

package p

var b = a
-- a_test.go --
package p

var c = b
-- testdata/x.go --
package
-- .hidden/x.go --
package
-- tools/go.mod --
module example.org/tools
-- tools/x.go --
package tools
`)
	if diff := cmp.Diff(map[string]int{"a.go": 3, "b_linux.go": 3, "b_windows.go": 3, "b_other.go": 5}, p.Lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := show(p.Arrows()); got != "a.go>b_linux.go" {
		t.Errorf("arrows %s, expected one", got)
	}
	if _, err := Read(fstest.MapFS{"a.go": {Data: []byte("package")}}); err == nil {
		t.Error("a file that does not parse is passed over")
	}
}

func TestTwins(t *testing.T) {
	t.Parallel()
	p := read(t, "-- a.go --\npackage p\n\ntype Flow int\ntype Flows int\n-- b.go --\npackage p\n\ntype (\n\tflow int\n\tfLow int\n)\nvar FLOW int\n")
	if got := fmt.Sprint(p.Twins()); got != "[[Flow fLow] [Flow flow] [fLow flow]]" {
		t.Errorf("twins %s", got)
	}
}

// show writes arrows as graph reads them.
func show(arrows []Arrow) string {
	var all []string
	for _, a := range arrows {
		all = append(all, a.From+">"+a.To)
	}
	return strings.Join(all, " ")
}

// graph makes a package of files a, b, c … from arrows such as a>b; a>b*3 carries three names.
func graph(text string) *Package {
	p := &Package{}
	for _, word := range strings.Fields(text) {
		ends, times, _ := strings.Cut(word, "*")
		from, to, _ := strings.Cut(ends, ">")
		n := 1
		fmt.Sscan(times, &n)
		p.arrows = append(p.arrows, Arrow{From: from, To: to, Names: make([]string, n)})
		p.files = append(p.files, from, to)
	}
	slices.Sort(p.files)
	p.files = slices.Compact(p.files)
	return p
}

func TestKnots(t *testing.T) {
	t.Parallel()
	tests := []struct{ arrows, knots, cycle string }{
		{"a>b b>c a>c", "[]", ""},
		{"a>b b>a", "[[a b]]", "a>b b>a"},
		{"a>b b>c c>a b>a*5", "[[a b c]]", "a>b b>a"},
		{"a>b b>c c>a x>a c>y", "[[a b c]]", "a>b b>c c>a"},
		{"a>b b>a c>d d>e e>c b>c", "[[c d e] [a b]]", "c>d d>e e>c"},
		{"a>b b>c c>b b>d d>a", "[[a b c d]]", "b>c c>b"},
	}
	for _, test := range tests {
		p := graph(test.arrows)
		if got := fmt.Sprint(p.Knots()); got != test.knots {
			t.Errorf("%s: knots %s, expected %s", test.arrows, got, test.knots)
			continue
		}
		if knots := p.Knots(); len(knots) > 0 {
			if got := show(p.Cycle(knots[0])); got != test.cycle {
				t.Errorf("%s: the shortest circle is %s, expected %s", test.arrows, got, test.cycle)
			}
		}
	}
}

// TestCut holds cuts to what they promise, on all graphs of four files: nothing larger than
// the goal stays, and without any one of the arrows something does.
func TestCut(t *testing.T) {
	t.Parallel()
	files := []string{"a", "b", "c", "d"}
	for bits := range 1 << 12 {
		p := &Package{files: files}
		for i, from := range files {
			for j, to := range files {
				if k := i*3 + j - min(1, max(0, j-i)); i != j && bits>>k&1 == 1 {
					p.arrows = append(p.arrows, Arrow{From: from, To: to, Names: make([]string, 1+(i+2*j)%3)})
				}
			}
		}
		for _, knot := range p.Knots() {
			for goal := 1; goal < len(knot); goal++ {
				cut := p.Cut(knot, goal)
				for i := range cut {
					if others := slices.Delete(slices.Clone(cut), i, i+1); largest(knot, without(p.Within(knot), others)) <= goal {
						t.Fatalf("%s: to %d, of %s not all are needed", show(p.arrows), goal, show(cut))
					}
				}
				if largest(knot, without(p.Within(knot), cut)) > goal {
					t.Fatalf("%s: to %d, %s are not enough", show(p.arrows), goal, show(cut))
				}
			}
		}
	}
}

// TestCutPrefersLightArrows: what carries one name is cut before what carries many.
func TestCutPrefersLightArrows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		arrows string
		goal   int
		cut    string
	}{
		{"a>b*5 b>a", 1, "b>a"},
		{"a>b b>a*5", 1, "a>b"},
		{"a>b*3 b>c*3 c>d*3 d>a c>a*2", 2, "d>a c>a"},
		{"a>b*3 b>a*3 b>c*9 c>d*9 d>b", 2, "d>b"},
	}
	for _, test := range tests {
		p := graph(test.arrows)
		if got := show(p.Cut(p.Knots()[0], test.goal)); got != test.cut {
			t.Errorf("%s, to %d: cut %s, expected %s", test.arrows, test.goal, got, test.cut)
		}
	}
}

func without(arrows, cut []Arrow) []Arrow {
	return slices.DeleteFunc(slices.Clone(arrows), func(a Arrow) bool {
		return slices.ContainsFunc(cut, func(c Arrow) bool { return a.From == c.From && a.To == c.To })
	})
}
