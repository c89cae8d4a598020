package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/mend"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// texts are of files, by their names as reports have them.
type texts map[string][]byte

// of puts mended texts in the place of what files of a directory hold.
func (t texts) of(dir string, files []language.File) []language.File {
	if len(t) == 0 {
		return files
	}
	files = slices.Clone(files)
	for i, f := range files {
		if text, there := t[path.Join(dir, f.Path)]; there {
			files[i].Data = text
		}
	}
	return files
}

// mostRounds is how often it is looked again for what an edit brings to light: a mistake may hide
// the next one of its document.
const mostRounds = 20

// mayMend reports whether a file was asked about, and is not read because of others.
func (j judged) mayMend(file string) bool {
	return slices.ContainsFunc(j.asked, func(name string) bool { return sources.Below(file, clean(name)) })
}

// mendable is how many findings --fix would mend at once.
func (j judged) mendable() int {
	n := 0
	files := mend.Files(j.Findings, j.Sources, j.mayMend)
	for _, d := range j.Findings {
		if d.Safe && d.WaivedBy == "" && len(d.Fix) > 0 && slices.ContainsFunc(files, func(m mend.Mended) bool { return m.Path == d.Fix[0].Span.File }) {
			n++
		}
	}
	return n
}

// mend makes safe edits until there are none any more, and judges what comes of them. Nothing is
// written. Only files that were asked about are changed, and not what is read because of them.
func (p *program) mend(c *cli.Context, asked checking, before judged) ([]mend.Mended, judged, error) {
	after := before
	asked.instead = texts{}
	for range mostRounds {
		round := mend.Files(after.Findings, after.Sources, before.mayMend)
		if len(round) == 0 {
			break
		}
		for _, m := range round {
			asked.instead[m.Path] = m.After
		}
		var err error
		if after, err = p.judge(c, asked); err != nil {
			return nil, after, err
		}
	}
	var all []mend.Mended
	for _, name := range diag.SortedKeys(asked.instead) {
		all = append(all, mend.Mended{Path: name, Before: before.Sources[name], After: asked.instead[name]})
	}
	return all, after, nil
}

// showMended writes mended files as a patch, for git apply and patch -p1.
func (p *program) showMended(all []mend.Mended) error {
	for _, m := range all {
		if _, err := p.out.Write(diff.Diff("a/"+m.Path, m.Before, "b/"+m.Path, m.After)); err != nil {
			return err
		}
	}
	return nil
}

// writeMended replaces files that were mended, unless one of them is another than the one that
// was judged.
func (p *program) writeMended(all []mend.Mended) error {
	for _, m := range all {
		now, err := os.ReadFile(m.Path)
		if err != nil {
			return writeError("", m.Path, err)
		}
		if !bytes.Equal(now, m.Before) {
			return usageError{fmt.Errorf("%s has changed since it was judged; nothing was written", m.Path)}
		}
	}
	for _, m := range all {
		if err := p.rewrite(m.Path, m.After); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(p.err, "no finding has an edit that is safe")
	}
	return nil
}
