package main

import (
	"errors"
	"flag"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write golden files anew")

// exits runs the program and holds it to an exact exit code, which testscript's own
// exec tells apart only as success and failure: exits CODE ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec("portcullis", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("portcullis did not run: %v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("portcullis exited %d, want %d\nstdout:\n%s\nstderr:\n%s", code, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}
