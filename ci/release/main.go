// Command release makes what a release of the product is: archives for every platform, with
// checksums and bills of materials, and an image for containers. Its invariant is that the
// same commit gives the same bytes, wherever and whenever it runs: times are the commit's,
// and nothing of the machine's environment reaches the compiler.
//
// The module of its own keeps what images need out of the product. It must not know what the
// product does: it asks the program that it has built for its manual and its completions.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const usage = `usage, in the module's root:
  go run -C ci/release . [flags] archives DIR
      writes the archives, bills of materials and SHA256SUMS of every platform to DIR
  go run -C ci/release . [flags] image DIR [REPOSITORY:TAG]
      writes the image for Linux to DIR, in OCI's layout, or pushes it, and prints its digest

flags:
`

// main makes the archives or the image of a release.
func main() {
	flags := flag.NewFlagSet("release", flag.ExitOnError)
	var r release
	flags.StringVar(&r.source, "source", "../..", "the checkout that is built")
	flags.StringVar(&r.version, "version", "", "the release's `VERSION`, v1.2.3")
	flags.StringVar(&r.commit, "commit", "", "the `COMMIT` that is built (default: the checkout's, which must hold no change)")
	flags.StringVar(&r.base, "base", "", "an image to build upon, by its digest: `NAME@sha256:…` (default: nothing but certificates; without git, portcullis diff cannot read revisions)")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, r, flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for of a release: archives or an image.
func run(ctx context.Context, r release, args []string) error {
	if r.version == "" || len(args) < 2 || args[0] == "archives" && len(args) != 2 || len(args) > 3 {
		return fmt.Errorf("expected a version, archives or image, and where to\n%s", usage)
	}
	if !filepath.IsAbs(args[1]) {
		return fmt.Errorf("%s: name it by its whole path, for go run -C has changed the directory", args[1])
	}
	if err := r.readCommit(ctx); err != nil {
		return err
	}
	switch args[0] {
	case "archives":
		return r.archives(ctx, platforms, args[1])
	case "image":
		return r.image(ctx, images, args[1], strings.Join(args[2:], ""))
	}
	return fmt.Errorf("there is no %q; there are archives and image", args[0])
}

// readCommit asks the checkout which commit it is, and when that was made: the only time that
// a release knows.
func (r *release) readCommit(ctx context.Context) error {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", r.source}, args...)...).Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	if r.commit == "" {
		changes, err := git("status", "--porcelain")
		if err != nil {
			return err
		}
		if changes != "" {
			return fmt.Errorf("the checkout is no commit; it has changes:\n%s", changes)
		}
		r.commit = "HEAD"
	}
	shown, err := git("show", "--no-patch", "--format=%H %ct", r.commit)
	if err != nil {
		return err
	}
	commit, seconds, _ := strings.Cut(shown, " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	r.commit, r.at = commit, time.Unix(at, 0).UTC()
	return err
}

// tool is a program of ci/tools, which pins it.
func (r release) tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "-modfile=ci/tools/go.mod", name}, args...)...)
	cmd.Dir, cmd.Stderr = r.source, os.Stderr
	return cmd.Output()
}
