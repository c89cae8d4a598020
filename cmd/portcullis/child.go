package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"portcullis.dev/overlays"
)

// childArgument is the one by which the program starts itself to render components. It is
// no command: nobody types it, and no flag or variable has a say in it.
const childArgument = "__render"

// child starts the processes in which components are rendered, and ends them with the
// context. They get no environment, no arguments of the user's and no file: what they are
// to do comes in by one pipe, and goes out by another.
func (p *program) child(ctx context.Context) overlays.Child {
	return func(job []byte, results func(io.Reader) error) error {
		p.children.Add(1)
		defer p.children.Done()
		self, err := itself()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, self, childArgument)
		cmd.Args[0] = "portcullis"
		cmd.Env = []string{"GOTRACEBACK=none"}
		cmd.Dir = "/"
		cmd.Stdin = bytes.NewReader(job)
		cmd.WaitDelay = 10 * time.Second
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := results(pipe); err != nil {
			_ = cmd.Process.Kill() // it has ended, or writes what nobody reads
		}
		err = cmd.Wait()
		if ctx.Err() != nil {
			p.ended.add(overlays.ComponentsOf(job))
		}
		return err
	}
}

// timedOut waits for the children, and says in the error of a run whose time was over what
// they were at.
func (p *program) timedOut(err error) error {
	p.children.Wait()
	p.ended.Lock()
	defer p.ended.Unlock()
	if len(p.ended.components) == 0 || !errors.As(err, new(usageError)) {
		return err
	}
	slices.Sort(p.ended.components)
	names := slices.Compact(p.ended.components)
	const most = 5
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return usageError{fmt.Errorf("%w. It was rendering components: %s%s", err, strings.Join(names, ", "), more)}
}

// itself is the program's own file: on Linux whatever its name has become since it was
// started.
func itself() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil && runtime.GOOS == "linux" {
		return running, nil
	}
	return os.Executable()
}

// isChild reports whether the program was started by itself.
func isChild(args []string) bool { return len(args) == 2 && args[1] == childArgument }
