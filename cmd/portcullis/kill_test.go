//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var kills = flag.Int("kills", 16, "how often the program is killed while it builds")

// isKilled kills build --out: half of the times anywhere in a run, half anywhere after its
// writing began. Whatever the moment, the directory is the old bundle or the new one,
// whole. Where a kill lands is the machine's affair; TestKilled of compiler/bundle dies at
// every step of the writing.
func (p builtProgram) isKilled(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 0))
	dir, parent := t.TempDir(), t.TempDir()
	out := filepath.Join(parent, "out")
	repos := []string{filepath.Join(dir, "zero"), filepath.Join(dir, "one")}
	var bundles []map[string]string
	var length time.Duration // of a run that nobody kills
	for i, repo := range repos {
		fleet(t, repo, filepath.Base(repo), nil)
		start := time.Now()
		if out, err := exec.Command(p.path, "build", repo, "--out", out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		length = max(length, time.Since(start))
		bundles = append(bundles, filesOf(t, out))
		if !agrees(t, out) || i > 0 && same(bundles[0], bundles[1]) {
			t.Fatal("the bundles are no good for this test")
		}
	}
	before, writing, after := 0, 0, 0
	now := 1
	for i := range *kills {
		cmd := exec.Command(p.path, "build", repos[1-now], "--out", out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var delay time.Duration
		if i%2 == 0 {
			delay = time.Duration(random.Int64N(int64(length)))
		} else {
			for deadline := time.Now().Add(10 * time.Second); !staging(parent) && time.Now().Before(deadline); {
				time.Sleep(200 * time.Microsecond)
			}
			delay = time.Duration(random.Int64N(int64(length / 4)))
		}
		time.Sleep(delay)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()

		found := filesOf(t, out)
		switch {
		case !same(found, bundles[0]) && !same(found, bundles[1]) || !agrees(t, out):
			t.Fatalf("after kill %d, %v after the beginning or the writing, the bundle is neither the old one nor the new", i, delay)
		case same(found, bundles[1-now]):
			now = 1 - now
			after++
		case staging(parent):
			writing++
		default:
			before++
		}
	}
	t.Logf("killed %d times before the writing, %d in it, %d after the swap", before, writing, after)
	// The next run that ends clears what all of them left.
	if out, err := exec.Command(p.path, "build", repos[now], "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// staging reports whether a run has begun to write, and not ended.
func staging(parent string) bool {
	entries, _ := os.ReadDir(parent)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			return true
		}
	}
	return false
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, data := range a {
		if other, ok := b[name]; !ok || other != data {
			return false
		}
	}
	return true
}

// agrees reports whether the files' digests are those of the index.
func agrees(t *testing.T, dir string) bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "bundle.json"))
	if err != nil {
		t.Error(err)
		return false
	}
	var index struct{ Outputs map[string]string }
	if err := json.Unmarshal(raw, &index); err != nil || len(index.Outputs) == 0 {
		t.Errorf("%d outputs, %v", len(index.Outputs), err)
		return false
	}
	for name, digest := range index.Outputs {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != digest {
			t.Errorf("%s: not what the index says (%v)", name, err)
			return false
		}
	}
	return true
}
