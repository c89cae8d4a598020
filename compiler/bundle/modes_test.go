//go:build unix

package bundle

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestModes writes as whoever keeps things close does, or shares them: the same modes come of it,
// which content asks for.
func TestModes(t *testing.T) {
	t.Parallel()
	for umask, parentMode := range map[string]fs.FileMode{"000": 0o755, "002": 0o777 | fs.ModeSetgid, "033": 0o755, "077": 0o755} {
		parent, input := t.TempDir(), t.TempDir()
		must(t, os.Chmod(parent, parentMode))
		for _, name := range []string{"out", "out.tar.gz"} {
			cmd := exec.Command("/bin/sh", "-c", `umask "$0" && exec "$@"`, umask, "write-exchanging", filepath.Join(parent, name), input, "x")
			cmd.Env = append(os.Environ(), dieAt+"=0") // never
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("umask %s: %v\n%s", umask, err, out)
			}
		}
		whole(t, filepath.Join(parent, "out"), bundleOf(t, fewFiles, "x"))
		archive, err := os.Stat(filepath.Join(parent, "out.tar.gz"))
		must(t, err)
		if archive.Mode() != 0o644 {
			t.Errorf("umask %s: the archive has the mode %v", umask, archive.Mode())
		}
	}
}
