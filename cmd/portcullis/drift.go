package main

import (
	"bufio"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/bundle"
)

// Every file that differs is named; of what differs in it, so many lines are shown.
const (
	driftOfFile = 100
	driftOfAll  = 1000
)

// compareBundle shows how a place has drifted from what would be built. Equal is silent.
func (p *program) compareBundle(b bundle.Bundle, out *bundle.Output, name string) error {
	differences, err := out.Compare(b)
	if err != nil {
		return outError(name, err)
	}
	if len(differences) == 0 {
		return nil
	}
	name = filepath.ToSlash(name)
	w := bufio.NewWriter(p.out)
	left := driftOfAll
	for _, d := range differences {
		fmt.Fprintf(w, "%s: %s\n", d.Change, report.Line(path.Join(name, d.Path)+note(d.Note)))
		left -= writeDiff(w, d.Diff, min(left, driftOfFile))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	remedy := "run portcullis build --out " + name
	if slices.ContainsFunc(differences, func(d bundle.Difference) bool { return d.Change == bundle.Extra }) {
		remedy = "move what is extra away and " + remedy
	}
	fmt.Fprintf(p.err, "portcullis: %s is not what would be built (%s); to mend it, %s\n", name, count(differences), remedy)
	return findings{exitFindings}
}

// note puts what build --check or verify says of a file that has drifted in brackets behind its
// name.
func note(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// writeDiff writes so many lines of how a file of a bundle has drifted, and says how many there
// are more. It returns how many it wrote.
func writeDiff(w *bufio.Writer, diff []byte, limit int) int {
	n := 0
	lines := strings.SplitAfter(string(diff), "\n")
	for _, line := range lines {
		if line == "" {
			continue
		}
		if n == limit {
			fmt.Fprintf(w, "… %d more lines\n", len(lines)-1-n)
			break
		}
		// A tab is no danger; everything else that cannot be seen is spelt out.
		text, end := strings.TrimSuffix(line, "\n"), "\n"
		for i, part := range strings.Split(text, "\t") {
			if i > 0 {
				w.WriteByte('\t')
			}
			w.WriteString(report.Line(part))
		}
		w.WriteString(end)
		n++
	}
	return n
}

// count says how many files of a bundle have drifted in which way: changed, missing or extra.
func count(differences []bundle.Difference) string {
	number := map[bundle.Change]int{}
	for _, d := range differences {
		number[d.Change]++
	}
	var parts []string
	for _, change := range []bundle.Change{bundle.Changed, bundle.Missing, bundle.Extra} {
		if n := number[change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, change))
		}
	}
	return strings.Join(parts, ", ")
}
