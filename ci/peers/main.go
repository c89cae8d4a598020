//go:build linux

// Command peers builds a fleet with Portcullis, and with the tools that people put together for
// the same: kustomize renders each namespace, conftest judges what comes out. It writes
// docs/performance.md to stdout: make bench-peers.
//
// Its invariant: one run measures everybody, on the same objects, one after the other. It must
// not know what is fast.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"portcullis.dev/testdata/fleet"
)

//go:embed page.md
var page string

// conftest is its version. What it needs is more than all that the gate needs, so that it stands
// in no module of ours.
const conftest = "v0.71.0"

// main prints the page of benchmarks beside peers for the sizes that the command line names.
func main() {
	sizes := flag.String("namespaces", "10,100,1000", "how many, of ten workloads each; multiples of ten")
	flag.Parse()
	if err := run(strings.Split(*sizes, ","), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run builds our program and the peers, measures both at each size, and writes the page.
func run(sizes []string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, rows: map[string][]row{}}
	for _, build := range [][]string{
		{"build", "-o", dir, "./cmd/portcullis"},
		{"build", "-o", dir, "-modfile=ci/tools/go.mod", "sigs.k8s.io/kustomize/kustomize/v5"},
		{"install", "github.com/open-policy-agent/conftest@" + conftest},
	} {
		c := exec.Command("go", build...)
		c.Env = append(os.Environ(), "GOBIN="+dir)
		if text, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(build, " "), err, text)
		}
	}
	for _, text := range sizes {
		n, err := strconv.Atoi(text)
		if err != nil || n < 10 || n%10 != 0 {
			return fmt.Errorf("%q namespaces: expected a multiple of ten", text)
		}
		b.sizes = append(b.sizes, n)
		if err := b.measure(n); err != nil {
			return err
		}
	}
	return template.Must(template.New("page").Parse(page)).Execute(out, map[string]string{"Table": b.table()})
}

// bench measures programs on fleets of some sizes.
type bench struct {
	dir   string
	sizes []int
	rows  map[string][]row // by what is done: one for each size
}

// row is what something cost.
type row struct {
	cpu, wall time.Duration
	peak      int64 // bytes, of the largest process
}

// What is done, in the order of the table.
const (
	build   = "`portcullis build --out`: compile, render, judge, prove, write"
	check   = "`portcullis check` of the intents"
	edited  = "`portcullis check --cache`, one intent changed"
	same    = "`portcullis check --cache`, nothing changed"
	differ  = "`portcullis diff`, one intent changed"
	render  = "`kustomize build`, one run a namespace"
	judge   = "`conftest test --combine`, four checks"
	peers   = "kustomize and conftest together"
	inspect = "`portcullis check` of the rendered manifests"
)

// measure runs every program on a fleet of n namespaces, and notes a row for each.
func (b *bench) measure(n int) error {
	repository, before := filepath.Join(b.dir, "intents"), filepath.Join(b.dir, "before")
	bundle, manifests := filepath.Join(b.dir, "bundle"), filepath.Join(b.dir, "manifests")
	for _, old := range []string{repository, before, bundle, manifests} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	files := fleet.Size{Namespaces: n, Environments: 1}.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, dir := range []string{repository, before} {
			if err := write(filepath.Join(dir, filepath.FromSlash(name)), []byte(files[name])); err != nil {
				return err
			}
		}
	}
	built, _, err := b.run("portcullis", "build", repository, "--out", bundle)
	if err != nil {
		return err
	}
	if err := b.cached(repository, files[changed]); err != nil {
		return err
	}
	told, _, err := b.run("portcullis", "diff", before, repository)
	if err != nil {
		return err
	}
	var rendered row
	units, err := filepath.Glob(filepath.Join(bundle, "overlays", "default", "*", "kustomization.yaml"))
	if err != nil || len(units) <= n {
		return fmt.Errorf("%d units of %d namespaces: %w", len(units), n, err)
	}
	for _, unit := range units {
		r, text, err := b.run("kustomize", "build", "--load-restrictor", "LoadRestrictionsNone", filepath.Dir(unit))
		if err != nil {
			return err
		}
		rendered = rendered.and(r)
		if err := write(filepath.Join(manifests, filepath.Base(filepath.Dir(unit))+".yaml"), text); err != nil {
			return err
		}
	}
	judged, _, err := b.run("conftest", "test", "--combine", "--no-color", "--policy", filepath.Join("ci", "peers", "policy"), manifests)
	if err != nil {
		return err
	}
	checked, _, err := b.run("portcullis", "check", manifests)
	if err != nil {
		return err
	}
	for what, r := range map[string]row{build: built, differ: told, render: rendered, judge: judged, peers: rendered.and(judged), inspect: checked} {
		b.rows[what] = append(b.rows[what], r)
	}
	return nil
}

// changed is an intent of every fleet, which somebody edits.
const changed = "intents/ns-00004/w4.yaml"

// cached measures checks of a repository: without a cache, and with one that knows what was there
// before nothing was changed, and before an intent was.
func (b *bench) cached(repository, intent string) error {
	kept := filepath.Join(b.dir, "kept")
	if err := os.RemoveAll(kept); err != nil {
		return err
	}
	for _, what := range []string{check, "", same, edited} {
		arguments := []string{"check", repository, "--cache", kept}
		switch what {
		case check:
			arguments = arguments[:2]
		case edited:
			text := strings.Replace(intent, "[http]", "[metrics]", 1)
			if err := write(filepath.Join(repository, filepath.FromSlash(changed)), []byte(text)); err != nil {
				return err
			}
		}
		r, _, err := b.run("portcullis", arguments...)
		if err != nil {
			return err
		}
		b.rows[what] = append(b.rows[what], r)
	}
	return nil
}

// run runs one of the programs to its end.
func (b *bench) run(name string, arguments ...string) (row, []byte, error) {
	c := exec.Command(filepath.Join(b.dir, name), arguments...)
	var out, wrong bytes.Buffer
	c.Stdout, c.Stderr = &out, &wrong
	begun := time.Now()
	if err := c.Run(); err != nil {
		return row{}, nil, fmt.Errorf("%s %s: %w\n%.2000s%.2000s", name, strings.Join(arguments, " "), err, wrong.String(), out.String())
	}
	r := row{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: time.Since(begun)}
	if used, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = used.Maxrss << 10
	}
	return r, out.Bytes(), nil
}

// and is one after the other.
func (r row) and(s row) row { return row{r.cpu + s.cpu, r.wall + s.wall, max(r.peak, s.peak)} }

// write makes a file of a fleet, and the directories above it.
func write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// table has a column for each size, how many times as much CPU as the first row it is at the
// largest, and by which power of the size the CPU grows between the last two.
func (b *bench) table() string {
	var t strings.Builder
	t.WriteString("| |")
	for _, n := range b.sizes {
		fmt.Fprintf(&t, " %d |", n)
	}
	t.WriteString(" ratio | growth |\n|---|" + strings.Repeat("---|", len(b.sizes)+2) + "\n")
	last := len(b.sizes) - 1
	for _, what := range []string{build, check, edited, same, differ, render, judge, peers, inspect} {
		rows := b.rows[what]
		fmt.Fprintf(&t, "| %s |", what)
		for _, r := range rows {
			fmt.Fprintf(&t, " %.2f / %.2f / %d |", r.cpu.Seconds(), r.wall.Seconds(), r.peak>>20)
		}
		growth := "–"
		if last > 0 {
			growth = fmt.Sprintf("n^%.2f", math.Log(rows[last].cpu.Seconds()/rows[last-1].cpu.Seconds())/math.Log(float64(b.sizes[last])/float64(b.sizes[last-1])))
		}
		fmt.Fprintf(&t, " %.1f × | %s |\n", rows[last].cpu.Seconds()/b.rows[build][last].cpu.Seconds(), growth)
	}
	return t.String()
}
