// Command portcullis compiles network intent into Kubernetes and Calico policy.
//
// The package turns flags into calls of the compiler, and reports into streams and
// exit codes; its invariant is that stdout carries the product and nothing else.
// It must not know how anything is compiled or judged.
package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"portcullis.dev/overlays"
)

// main runs the program, and exits with its code.
func main() {
	os.Exit(Main())
}

// Main runs the program on the process' own arguments and streams and returns its exit code. A
// child that renders components begins here as well.
func Main() int {
	if isChild(os.Args) {
		return overlays.Serve(os.Stdin, os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	environ := map[string]string{}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		environ[name] = value
	}
	collectSeldom(environ)
	return run(ctx, os.Args[1:], environ, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
