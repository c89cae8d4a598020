package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
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
		if !p.children.begin() {
			return errors.New("the run is over")
		}
		defer p.children.end()
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
			p.children.died(overlays.ComponentsOf(job))
		}
		return err
	}
}

// children are the processes of a run that render components.
type children struct {
	lock       sync.Mutex
	running    int
	over       bool          // the run is, and no more are started
	idle       chan struct{} // closed when the last has ended; nil if nobody waits
	components []string      // that were being rendered as the time of the run was over
}

// begin counts one more child process, unless the run is over.
func (c *children) begin() bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.over {
		c.running++
	}
	return !c.over
}

// end counts a child process that has ended, and wakes who waits for the last.
func (c *children) end() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.running--; c.running == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// died takes note of the components that a child process was rendering when its time was over.
func (c *children) died(components []string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.components = append(c.components, components...)
}

// finish waits until all child processes have ended, and lets no other begin. The components are
// those that were not rendered in time.
func (c *children) finish() (components []string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.over = true
	if c.running > 0 {
		idle := make(chan struct{})
		c.idle = idle
		c.lock.Unlock()
		<-idle
		c.lock.Lock()
	}
	return c.components
}

// itself finds the program's own file, to start it as a child: on Linux whatever its name has
// become since it was started.
func itself() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil && runtime.GOOS == "linux" {
		return running, nil
	}
	return os.Executable()
}

// isChild reports whether the program was started by itself, as a child.
func isChild(args []string) bool { return len(args) == 2 && args[1] == childArgument }
