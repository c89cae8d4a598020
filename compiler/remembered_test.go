package compiler

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
)

// TestRememberedIsMadeAlike renders random fleets, each as it is and as somebody changes it, one
// after the other with one memory. Each comes to what it comes to by itself: the tree, the objects,
// what they mean, and the lines that each part of them comes from.
func TestRememberedIsMadeAlike(t *testing.T) {
	t.Parallel()
	memory := render.NewMemory()
	made := 0
	for seed := range 40 {
		f := fleets.Example(seed)
		files := []language.File{{Path: language.PlatformFile, Data: []byte(f.platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		for range 4 {
			repo, found := language.Parse(files)
			plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
			if slices.Concat(found, resolved).Failed() {
				break
			}
			together, x, err := memory.Plans(plans, nil, nil)
			apart, y, err2 := render.Plans(plans, nil, nil)
			if err != nil || err2 != nil || !reflect.DeepEqual(x, y) || !reflect.DeepEqual(together.Tree, apart.Tree) {
				t.Fatalf("seed %d: %v, %v\n%v\n%v", seed, err, err2, x.Err(), y.Err())
			}
			for i := range apart.Environments {
				a, b := &together.Environments[i], &apart.Environments[i]
				if !reflect.DeepEqual(a.Emitted, b.Emitted) || !reflect.DeepEqual(a.Objects, b.Objects) {
					t.Fatalf("seed %d: %s is another: %v\n%v", seed, a.Plan.Environment, a.Emitted, b.Emitted)
				}
				m, unread := a.Assumed()
				n, unread2 := b.Assumed()
				if !reflect.DeepEqual(m, n) || !reflect.DeepEqual(unread, unread2) {
					t.Fatalf("seed %d: %s means something else", seed, a.Plan.Environment)
				}
				made += b.Objects.Len()
			}
			files = retold(r, withEdits(r, files))
		}
	}
	if memory.Remembered() < 500 || made-memory.Remembered() < 500 {
		t.Errorf("of %d objects %d are remembered", made, memory.Remembered())
	}
}

// retold changes what a repository says of something, or only where it is said.
func retold(r *rand.Rand, files []language.File) []language.File {
	files = slices.Clone(files)
	of := &files[r.IntN(len(files))]
	edit := [][2]string{
		{"", "# moves what follows\n"}, {"why: because", "why: of need"}, {"ticket: T-1", "ticket: T-2"}, {"owner: team-", "owner: crew-"},
		{"dns: false", "dns: true"}, {"name: fleet", "name: navy"}, {"tier: ", "rank: "}, {"in: [dev]", "in: [prod]"}, {"8080", "8081"},
	}[r.IntN(9)]
	of.Data = bytes.Replace(of.Data, []byte(edit[0]), []byte(edit[1]), 1)
	return files
}
