//go:build unix

package bundle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The programs that the tests below kill, or starve. Each writes a bundle to a place:
// PROGRAM PLACE INPUT TEXT.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"write-exchanging": func() { os.Exit(writer()) },
		"write-renaming": func() {
			// As where there is no exchange, with time between the two renames.
			exchange = func(a, b string) error { return errors.ErrUnsupported }
			rename = func(from, to string) error {
				err := os.Rename(from, to)
				time.Sleep(10 * time.Millisecond)
				return err
			}
			os.Exit(writer())
		},
		"write-starving": func() {
			// No file can be larger than this: what a full disk says, without one.
			signal.Ignore(syscall.SIGXFSZ)
			limit := syscall.Rlimit{Cur: 1000, Max: 1000}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			os.Exit(writer())
		},
	})
}

func writer() int {
	var t helper
	o, err := At(os.Args[1], os.Args[2])
	if err == nil {
		err = o.Prepare()
	}
	if err == nil {
		err = o.Write(largeBundle(&t, os.Args[3]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// helper is the part of a test that making a bundle needs, in a process that is none.
type helper struct{ testing.TB }

func (*helper) Helper()           {}
func (*helper) Fatal(args ...any) { fmt.Fprintln(os.Stderr, args...); os.Exit(2) }

// TestKilled kills a writer at random moments, in the exchange of a directory, in
// the two renames that stand for one, and in the rename of an archive. Whatever the
// moment: the next run finds the old bundle or the new, whole, and nothing else.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		program, name string
		kills         int
		between       bool // there is a moment with nothing in the place
	}{
		{"write-exchanging", "out", 50, false}, // cmd/portcullis kills more of these
		{"write-renaming", "out", 200, true},
		{"write-exchanging", "out.tar.gz", 50, false},
	} {
		t.Run(test.program+" "+test.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			parent, input := t.TempDir(), t.TempDir()
			bundles := []Bundle{largeBundle(t, "zero"), largeBundle(t, "one")}
			texts := []string{"zero", "one"}
			o, err := At(filepath.Join(parent, test.name), input)
			must(t, err)
			must(t, o.Write(bundles[0]))
			now := 0
			var length time.Duration // of a run that nobody kills
			for range 3 {
				start := time.Now()
				out, err := exec.Command(test.program, o.path, input, texts[1-now]).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				length, now = max(length, time.Since(start)), 1-now
			}
			moments := map[string]int{}
			for i := range test.kills {
				cmd := exec.Command(test.program, o.path, input, texts[1-now])
				must(t, cmd.Start())
				// A third of the moments lie anywhere in a run, a third anywhere after the
				// writing began, and a third right then, or where there is nothing in the place.
				if i%3 > 0 {
					await(func() bool { return staged(parent, o.stagePrefix()) })
				}
				if i%3 > 1 && test.between {
					await(func() bool { return !exists(o.path) })
				}
				if i%3 <= 1 {
					time.Sleep(time.Duration(random.Int64N(int64(length))))
				}
				_ = cmd.Process.Kill() // it may have ended
				_ = cmd.Wait()

				absent, left := !exists(o.path), staged(parent, o.stagePrefix())
				must(t, o.Prepare())
				alone(t, parent, test.name)
				found := which(t, o, bundles)
				switch {
				case absent:
					moments["between the renames"]++
				case left && found == now:
					moments["in the writing"]++
				case left:
					moments["after the swap"]++
				case found == now:
					moments["before the writing"]++
				default:
					moments["after the end"]++
				}
				if t.Failed() {
					t.Fatalf("after kill %d", i)
				}
				now = found
			}
			t.Logf("%d kills: %v", test.kills, moments)
			if moments["in the writing"] == 0 {
				t.Error("no kill landed in the writing")
			}
			if (moments["between the renames"] > 0) != test.between {
				t.Errorf("%d kills landed between the renames", moments["between the renames"])
			}
		})
	}
}

// which is the bundle that a place holds, whole.
func which(t *testing.T, o *Output, bundles []Bundle) int {
	t.Helper()
	if !o.archive {
		return whole(t, o.path, bundles...)
	}
	for i, b := range bundles {
		differences, err := o.Compare(b)
		must(t, err)
		if differences == nil {
			return i
		}
	}
	t.Fatal("the archive is none of the bundles")
	return -1
}

// await waits for something, or until it is clear that it will not come.
func await(come func() bool) {
	for deadline := time.Now().Add(time.Second); !come() && time.Now().Before(deadline); {
		time.Sleep(100 * time.Microsecond)
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func staged(parent, prefix string) bool {
	entries, _ := os.ReadDir(parent)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			return true
		}
	}
	return false
}

// TestFullDisk: what was there stays, nothing is left, and the error says why.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"out", "out.tar.gz"} {
		parent, input := t.TempDir(), t.TempDir()
		o, err := At(filepath.Join(parent, name), input)
		must(t, err)
		must(t, o.Write(largeBundle(t, "zero")))
		out, err := exec.Command("write-starving", o.path, input, "one").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "file too large") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		alone(t, parent, name)
		if found := which(t, o, []Bundle{largeBundle(t, "one"), largeBundle(t, "zero")}); found != 1 {
			t.Errorf("%s was replaced", name)
		}
	}
}
