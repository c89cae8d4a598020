package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// hanging is what a job says in which a child of the tests is to hang: the place where it
// writes who it is.
var hanging = regexp.MustCompile(`hang-in-(/[^ "\\]+)`)

// hangIfAsked reads a child's job, and hangs until it is killed, or its parent is gone, where
// the job says so. Any other job is left to be read again.
func hangIfAsked() {
	job, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(exitMachine)
	}
	var asked struct{ Files map[string][]byte }
	var text []byte
	if json.Unmarshal(job, &asked) == nil {
		text = bytes.Join(slices.Collect(maps.Values(asked.Files)), []byte("\n"))
	}
	if marked := hanging.FindSubmatch(text); marked != nil {
		if err := os.WriteFile(string(marked[1]), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			os.Exit(exitMachine)
		}
		for parent := os.Getppid(); os.Getppid() == parent; {
			time.Sleep(10 * time.Millisecond)
		}
		os.Exit(exitMachine)
	}
	again, write, err := os.Pipe()
	if err != nil {
		os.Exit(exitMachine)
	}
	go func() {
		_, _ = io.Copy(write, bytes.NewReader(job))
		_ = write.Close()
	}()
	os.Stdin = again
}
