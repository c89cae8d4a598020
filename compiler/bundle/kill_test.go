//go:build unix

package bundle

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The programs that the tests below kill, or starve. Each writes a bundle to a place:
// PROGRAM PLACE INPUT TEXT.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"write-exchanging": func() {
			dying()
			os.Exit(writer())
		},
		"write-renaming": func() {
			dying()
			exchange = func(a, b string) error { return errors.ErrUnsupported }
			os.Exit(writer())
		},
		"write-starving": func() {
			// No file can be larger than this: what a full disk says, without one.
			signal.Ignore(syscall.SIGXFSZ)
			limit := syscall.Rlimit{Cur: 100, Max: 100}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			os.Exit(writer())
		},
	})
}

// dieAt is the variable that says at which of its steps a program kills itself.
const dieAt = "PORTCULLIS_TEST_DIE_AT"

// dying lets the program kill itself at a step: no handler runs and nothing is cleared,
// as when somebody else does it.
func dying() {
	last, err := strconv.ParseInt(os.Getenv(dieAt), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var steps atomic.Int64
	step = func() {
		if steps.Add(1) == last {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	move, swap := rename, exchange
	rename = func(from, to string) error {
		step()
		defer step()
		return move(from, to)
	}
	exchange = func(a, b string) error {
		step()
		defer step()
		return swap(a, b)
	}
}

// fewFiles are as many as there are kinds of steps for; each step costs a process.
const fewFiles = 6

func writer() int {
	var t helper
	o, err := At(os.Args[1], os.Args[2])
	if err == nil {
		err = o.Prepare()
	}
	if err == nil {
		err = o.Write(bundleOf(&t, fewFiles, os.Args[3]))
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

// TestKilled kills a writer at each of its steps, one after another: in the exchange of a
// directory, in the two renames that stand for one, and in the rename of an archive.
// Wherever it died, the next run finds the old bundle or the new, whole, and nothing else.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		program, name string
		between       bool // there is a moment with nothing in the place
	}{
		{"write-exchanging", "out", false},
		{"write-renaming", "out", true},
		{"write-exchanging", "out.tar.gz", false},
	} {
		t.Run(test.program+" "+test.name, func(t *testing.T) {
			t.Parallel()
			parent, input := t.TempDir(), t.TempDir()
			texts := []string{"zero", "one"}
			var bundles []Bundle
			for _, text := range texts {
				bundles = append(bundles, bundleOf(t, fewFiles, text))
			}
			o, err := At(filepath.Join(parent, test.name), input)
			must(t, err)
			must(t, o.Write(bundles[0]))
			now := 0
			moments := map[string]int{}
			for at := 1; ; at++ {
				cmd := exec.Command(test.program, o.path, input, texts[1-now])
				cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", dieAt, at))
				out, err := cmd.CombinedOutput()
				if err == nil {
					break // it has fewer steps
				}
				if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
					t.Fatalf("%v\n%s", err, out)
				}
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
				default:
					moments["with no stage"]++
				}
				if t.Failed() {
					t.Fatalf("after step %d", at)
				}
				now = found
			}
			t.Logf("killed %v", moments)
			if moments["in the writing"] == 0 || moments["after the swap"] == 0 || (moments["between the renames"] > 0) != test.between {
				t.Errorf("killed %v: a moment is missing, or one too many", moments)
			}
			if found := which(t, o, bundles); found != 1-now {
				t.Error("who was not killed has written nothing")
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
		must(t, o.Write(bundleOf(t, fewFiles, "zero")))
		out, err := exec.Command("write-starving", o.path, input, "one").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "file too large") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		alone(t, parent, name)
		if found := which(t, o, []Bundle{bundleOf(t, fewFiles, "one"), bundleOf(t, fewFiles, "zero")}); found != 1 {
			t.Errorf("%s was replaced", name)
		}
	}
}
