package overlays

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"portcullis.dev/policies/diag"
)

// Child starts a process of the program in which [Serve] does a job, hands over what it
// writes, and waits for its end. How it ended decides nothing: what was asked for is there
// or not. The error says why it is not; where the process ended by itself it has an
// ExitCode, as those of os/exec do.
type Child func(job []byte, results func(io.Reader) error) error

// What a child may take for one job: far more than components of people need. The heap is
// looked at every few milliseconds; behind that stands a limit of the kernel's, where
// there is one.
const (
	mostHeap     = 512 << 20
	mostStack    = 64 << 20
	mostCPU      = 300 * time.Second
	mostResults  = 512 << 20 // bytes of one unit
	betweenLooks = 2 * time.Millisecond
)

// The exit codes of a child that ends itself. Go's own runtime ends with 2 where there is
// no more memory or stack.
const (
	exitHeap   = 41
	exitCPU    = 42
	exitParent = 43
	exitJob    = 44
)

// job is what a child is asked to build: units, of files in common.
type job struct {
	Files map[string][]byte
	Units []jobUnit
}

type jobUnit struct {
	Dir   string
	Files []string
}

// ComponentsOf lists the paths of the components that a child's job lays over its units.
func ComponentsOf(text []byte) []string {
	var j job
	if json.Unmarshal(text, &j) != nil {
		return nil
	}
	paths := map[string]bool{}
	for _, u := range j.Units {
		for _, name := range u.Files {
			below, ok := strings.CutPrefix(name, "components/")
			if base := path.Base(name); ok && (base == "kustomization.yaml" || base == "kustomization.yml") {
				paths[path.Dir(below)] = true
			}
		}
	}
	return diag.SortedKeys(paths)
}

// result is what became of one unit.
type result struct {
	Manifests [][]byte
	Error     string // kustomize's own
}

// build builds one unit of a child's job with kustomize, from an in-memory file system.
func (j job) build(u jobUnit) result {
	fs := filesys.MakeFsInMemory()
	for _, p := range u.Files {
		if err := fs.WriteFile(p, j.Files[p]); err != nil {
			return result{Error: oneLine(err)}
		}
	}
	manifests, err := build(fs, u.Dir)
	if err != nil {
		return result{Error: fmt.Sprintf("%.1000s", oneLine(err))}
	}
	return result{Manifests: manifests}
}

// do builds the units of a job in order, in a child process where one can be started. Where that
// ends before its work does, the results are those before the unit that it was at, and died says
// how it ended.
func (j job) do(child Child) (results []result, died error) {
	if child == nil {
		for _, u := range j.Units {
			results = append(results, j.build(u))
		}
		return results, nil
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var unread error
	died = child(text, func(pipe io.Reader) error {
		for len(results) < len(j.Units) && unread == nil {
			var r result
			if unread = readFrame(pipe, &r); unread == nil {
				results = append(results, r)
			}
		}
		return unread
	})
	if len(results) == len(j.Units) {
		return results, nil
	}
	return results, errors.Join(died, unread)
}

// reasonOf says in people's words how a child ended.
func reasonOf(died error) string {
	var exited interface{ ExitCode() int }
	if !errors.As(died, &exited) {
		return fmt.Sprintf("it could not be run (%.200s)", oneLine(died))
	}
	switch code := exited.ExitCode(); code {
	case exitHeap:
		return fmt.Sprintf("it takes more than %d MiB of memory", mostHeap>>20)
	case exitCPU:
		return fmt.Sprintf("it takes more than %v of CPU", mostCPU)
	case 2:
		return fmt.Sprintf("it takes more than %d MiB of memory, or %d MiB of stack", mostHeap>>20, mostStack>>20)
	case -1:
		return "it was killed"
	default:
		return fmt.Sprintf("it ended with code %d and no result", code)
	}
}

// A frame is the length of what follows, its digest, and JSON. What was cut off, or was
// written by somebody who does not know of frames, is none.

// writeFrame writes a child's result to the pipe, behind its length and digest.
func writeFrame(w io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(text)
	head := append(binary.BigEndian.AppendUint64(nil, uint64(len(text))), digest[:]...)
	if _, err = w.Write(head); err == nil {
		_, err = w.Write(text)
	}
	return err
}

// readFrame reads a child's result from the pipe, and refuses half a one, or one that is not what
// was sent.
func readFrame(r io.Reader, value any) error {
	var head [8 + sha256.Size]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("no result: %w", err)
	}
	length := binary.BigEndian.Uint64(head[:8])
	if length > mostResults {
		return fmt.Errorf("a result of %d bytes", length)
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(length)))
	switch {
	case err != nil:
		return fmt.Errorf("half a result: %w", err)
	case uint64(len(text)) < length:
		return errors.New("half a result")
	case sha256.Sum256(text) != [sha256.Size]byte(head[8:]):
		return errors.New("a result that is not what was sent")
	}
	return json.Unmarshal(text, value)
}

// Serve does a child's whole work: it reads a job, writes the result of each unit as soon as it
// has it, and returns its exit code. It writes nothing else, and ends itself where it takes too
// much, or where its parent is gone.
func Serve(in io.Reader, out io.Writer) int {
	debug.SetMaxStack(mostStack)
	debug.SetGCPercent(300)                // a job is short: what it leaves behind goes with the process
	debug.SetMemoryLimit(mostHeap * 3 / 4) // collect more often from there on
	limitData()
	go watch(os.Getppid())
	text, err := io.ReadAll(in)
	var j job
	if err != nil || json.Unmarshal(text, &j) != nil {
		return exitJob
	}
	for _, u := range j.Units {
		if err := writeFrame(out, j.build(u)); err != nil {
			return exitJob
		}
	}
	return 0
}

// watch ends the child process where it takes too much, or has lost its parent.
func watch(parent int) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for range time.Tick(betweenLooks) {
		metrics.Read(sample)
		switch {
		case sample[0].Value.Kind() == metrics.KindUint64 && sample[0].Value.Uint64() > mostHeap:
			os.Exit(exitHeap)
		case usedCPU() > mostCPU:
			os.Exit(exitCPU)
		case os.Getppid() != parent:
			os.Exit(exitParent)
		}
	}
}
