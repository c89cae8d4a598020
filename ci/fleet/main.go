// Command fleet writes a repository of any size into a directory that does not exist yet, for
// those who measure: go run ./ci/fleet -namespaces 1000 DIR.
//
// Its invariant: the same flags write the same bytes. It must not know what a fleet is made of.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"portcullis.dev/testdata/fleet"
)

// main runs the program that writes a fleet, a repository of any size, as flags describe it.
func main() {
	var size fleet.Size
	flag.IntVar(&size.Namespaces, "namespaces", 100, "how many, of ten workloads each; a multiple of ten")
	flag.IntVar(&size.Environments, "environments", 1, "how many, up to four")
	flag.Parse()
	if flag.NArg() != 1 || size.Namespaces < 10 || size.Namespaces%10 != 0 || size.Environments < 1 || size.Environments > 4 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), size.Files()); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// write puts the files of a generated fleet on the disk, in a directory that does not exist yet.
func write(dir string, files map[string]string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
