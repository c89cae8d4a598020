//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// isKilled kills build --out at random moments: half of them anywhere in a run, half
// anywhere after its writing began. Whatever the moment, the directory is the old
// bundle or the new one, whole.
func (p builtProgram) isKilled(t *testing.T) {
	t.Parallel()
	const lanes, kills = 2, 100 // beside each other, each with a place of its own
	var moments struct {
		sync.Mutex
		before, writing, after int
	}
	t.Run("lanes", func(t *testing.T) {
		for range lanes {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 0))
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
				now := 1
				for i := range kills {
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
						moments.Lock()
						moments.after++
						moments.Unlock()
					case staging(parent):
						moments.Lock()
						moments.writing++
						moments.Unlock()
					default:
						moments.Lock()
						moments.before++
						moments.Unlock()
					}
				}
				// The next run that ends clears what all of them left.
				if out, err := exec.Command(p.path, "build", repos[now], "--out", out).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				entries, err := os.ReadDir(parent)
				if err != nil || len(entries) != 1 {
					t.Errorf("left behind: %v, %v", entries, err)
				}
			})
		}
	})
	t.Logf("%d kills: %d before the writing, %d in it, %d after the swap", lanes*kills, moments.before, moments.writing, moments.after)
	if moments.before == 0 || moments.writing == 0 || moments.after == 0 {
		t.Error("no kill landed before the writing, in it, or after it")
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
