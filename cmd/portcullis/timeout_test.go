//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTimeoutEndsChildren gives a run less time than its component takes, which is eternity:
// the exit code is that of what could not be judged, the message names the component, and the
// child is gone. On a machine so busy that the child does not even begin, there is more time.
func TestTimeoutEndsChildren(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"build"}, {"check"}, {"explain", "shop/w0 -> shop/w1:http"}} {
		for timeout := 2 * time.Second; ; timeout *= 2 {
			dir, began := t.TempDir(), filepath.Join(t.TempDir(), "pid")
			for name, text := range component("commonAnnotations: {note: \"hang-in-" + began + "\"}\n") {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			code, out, said := here(t.Context(), append(args, dir, "--timeout", timeout.String()), nil)
			pid, err := os.ReadFile(began)
			if err != nil && timeout < 10*time.Minute {
				continue
			}
			if code != exitInput || out != "" || !strings.Contains(said, "not done after --timeout "+timeout.String()) || !strings.Contains(said, "platform/comp") {
				t.Errorf("%s: exit %d with %d bytes:\n%s", args[0], code, len(out), said)
			}
			child, err := strconv.Atoi(string(pid))
			if err != nil {
				t.Fatalf("%s: the child never began: %v", args[0], err)
			}
			if err := syscall.Kill(child, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("%s: the child is still there: %v", args[0], err)
			}
			break
		}
	}
}
