// Command knots prints how the files of each package hang together: the largest set of
// files that need each other in a circle, and which arrows to cut where it is large. See
// package house for what is measured.
//
// It judges nothing and exits 0 whatever it finds: what may be is for the test of the
// house to say.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"portcullis.dev/ci/house"
)

// main runs the program that prints the knots of files in the packages that were asked for, and
// what to move.
func main() {
	goal := flag.Int("goal", 10, "show the arrows of knots of more than `N` files")
	lines := flag.Int("lines", 400, "show files of more than `N` lines")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage, in the module's root: go run ./ci/knots [flags] [PACKAGE…]")
		flag.PrintDefaults()
	}
	flag.Parse()
	all, err := house.Read(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var asked []*house.Package
	for _, p := range all {
		if isAsked(p.Path, flag.Args()) {
			asked = append(asked, p)
		}
	}
	table(os.Stdout, asked)
	for _, p := range asked {
		details(os.Stdout, p, *goal, *lines)
	}
}

// isAsked reports whether an argument of the program asks for the knots of a package, written as
// the go command takes packages: ./compiler/plan, ./policies/...; without any, every package is
// asked for.
func isAsked(pkg string, patterns []string) bool {
	for _, pattern := range patterns {
		dir, below := strings.CutSuffix(pattern, "...")
		dir = path.Clean(dir)
		if pkg == dir || below && (dir == "." || strings.HasPrefix(pkg, dir+"/")) {
			return true
		}
	}
	return len(patterns) == 0
}

// table prints a line for each package that the program was asked about: files, arrows, largest
// knot and longest file.
func table(w io.Writer, packages []*house.Package) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "files\tarrows\tlargest knot\tlongest file\t package\n")
	for _, p := range packages {
		longest := 0
		for _, n := range p.Lines {
			longest = max(longest, n)
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t %s\n", len(p.Lines), len(p.Arrows()), p.Largest(), longest, p.Path)
	}
	t.Flush()
}

// details prints of a package what an engineer has to know to mend its large knots, long files
// and types alike.
func details(w io.Writer, p *house.Package, goal, lines int) {
	for _, knot := range p.Knots() {
		if len(knot) <= goal {
			break
		}
		cut := p.Cut(knot, goal)
		fmt.Fprintf(w, "\n%s: %d files need each other:\n  %s\n", p.Path, len(knot), strings.Join(knot, " "))
		fmt.Fprint(w, "one of the shortest circles:\n")
		arrows(w, p.Cycle(knot))
		fmt.Fprintf(w, "without these %d arrows of %d, %d files at most would:\n", len(cut), len(p.Within(knot)), goal)
		arrows(w, cut)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Lines)) {
		if p.Lines[name] > lines {
			fmt.Fprintf(w, "\n%s has %d lines\n", path.Join(p.Path, name), p.Lines[name])
		}
	}
	for _, twins := range p.Twins() {
		fmt.Fprintf(w, "\n%s: the types %s and %s differ in case alone\n", p.Path, twins[0], twins[1])
	}
}

// arrows prints what the program found: arrows of a knot from file to file, with the names that
// they carry.
func arrows(w io.Writer, all []house.Arrow) {
	for _, a := range all {
		fmt.Fprintf(w, "  %s -> %s: %s\n", a.From, a.To, strings.Join(a.Names, ", "))
	}
}
