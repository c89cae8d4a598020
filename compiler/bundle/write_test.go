package bundle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestWriteReplacesInWhole(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	o := place(t, parent, "out")
	first, second := smallBundle(t, "first"), largeBundle(t, "second")
	for _, b := range []Bundle{first, second, first} {
		write(t, o, b)
		whole(t, o.path, b)
		alone(t, parent, "out")
	}
}

// TestRecovery finds what a run left that was killed at each step of a swap by two
// renames, and after an exchange.
func TestRecovery(t *testing.T) {
	t.Parallel()
	first, second := smallBundle(t, "first"), smallBundle(t, "second")
	for name, test := range map[string]struct {
		killed func(t *testing.T, o *Output, s *stage)
		want   Bundle
	}{
		"before the writing": {func(t *testing.T, o *Output, s *stage) {}, first},
		"within a file": {func(t *testing.T, o *Output, s *stage) {
			must(t, os.Mkdir(s.fresh(), 0o755))
			must(t, os.WriteFile(filepath.Join(s.fresh(), IndexFile), second[IndexFile][:10], 0o644))
		}, first},
		"before the first rename": {func(t *testing.T, o *Output, s *stage) { must(t, second.writeInto(s.fresh())) }, first},
		"between the renames": {func(t *testing.T, o *Output, s *stage) {
			must(t, second.writeInto(s.fresh()))
			must(t, os.Rename(o.path, s.aside()))
		}, first},
		"after the second rename": {func(t *testing.T, o *Output, s *stage) {
			must(t, second.writeInto(s.fresh()))
			must(t, os.Rename(o.path, s.aside()))
			must(t, os.Rename(s.fresh(), o.path))
		}, second},
		"while what was there is cleared": {func(t *testing.T, o *Output, s *stage) {
			must(t, second.writeInto(s.aside()))
			must(t, os.RemoveAll(filepath.Join(s.aside(), "base")))
		}, first},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			o := place(t, parent, "out")
			write(t, o, first)
			s, err := o.newStage()
			must(t, err)
			test.killed(t, o, s)
			must(t, unlock(s.lock)) // as the end of a process does
			// The next run is refused for its own reasons, and sets right all the same.
			must(t, o.Prepare())
			whole(t, o.path, test.want)
			alone(t, parent, "out")
		})
	}
}

// TestRecoveryLeavesOthersAlone: another run's stage, another output's, and what
// only has a similar name.
func TestRecoveryLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	o, other := place(t, parent, "out"), place(t, parent, "out.portcullis-1")
	mine, err := o.newStage()
	must(t, err)
	theirs, err := other.newStage()
	must(t, err)
	must(t, unlock(theirs.lock))
	must(t, os.Mkdir(filepath.Join(parent, ".out.portcullis-mine"), 0o755))
	must(t, os.WriteFile(filepath.Join(parent, ".out.portcullis-2"), nil, 0o644))
	must(t, os.Symlink(t.TempDir(), filepath.Join(parent, ".out.portcullis-3")))
	must(t, o.Prepare())
	alone(t, parent, filepath.Base(mine.dir), filepath.Base(theirs.dir), ".out.portcullis-mine", ".out.portcullis-2", ".out.portcullis-3")
	must(t, mine.remove())
	must(t, other.Prepare())
	alone(t, parent, ".out.portcullis-mine", ".out.portcullis-2", ".out.portcullis-3")
}

// TestManyAtOnce lets runs write to one place, all at once: each of them may fail
// for that, and the place is whole whatever they do.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"out", "out.tar.gz"} {
		parent := t.TempDir()
		bundles := []Bundle{smallBundle(t, "0"), smallBundle(t, "1"), smallBundle(t, "2"), smallBundle(t, "3")}
		write(t, place(t, parent, name), bundles[0])
		var runs sync.WaitGroup
		for _, b := range bundles {
			o := place(t, parent, name)
			runs.Go(func() {
				for range 10 {
					if err := errors.Join(o.Prepare(), o.Write(b)); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
		runs.Wait()
		alone(t, parent, name)
		if name == "out" {
			whole(t, filepath.Join(parent, name), bundles...)
			continue
		}
		same := 0
		for _, b := range bundles {
			differences, err := place(t, parent, name).Compare(b)
			must(t, err)
			if differences == nil {
				same++
			}
		}
		if same != 1 {
			t.Errorf("the archive is %d of the bundles", same)
		}
	}
}

// TestForeignFilesAreSeenLate: one appears after the build began.
func TestForeignFilesAreSeenLate(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	o := place(t, parent, "out")
	b := smallBundle(t, "x")
	write(t, o, b)
	must(t, o.Prepare())
	must(t, os.WriteFile(filepath.Join(o.path, "base", "notes.txt"), []byte("mine"), 0o644))
	err := o.Write(smallBundle(t, "y"))
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "base/notes.txt") {
		t.Errorf("error %v, expected one that names the file", err)
	}
	alone(t, parent, "out")
	must(t, os.Remove(filepath.Join(o.path, "base", "notes.txt")))
	whole(t, o.path, b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWrite is the writing of 41 files, each safe on the disk.
func BenchmarkWrite(b *testing.B) {
	b.ReportAllocs()
	o := place(b, b.TempDir(), "out")
	large := largeBundle(b, "x")
	for b.Loop() {
		write(b, o, large)
	}
}
