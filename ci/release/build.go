package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// release is one version of the product, made of one commit.
type release struct {
	source  string // the checkout
	version string
	commit  string
	at      time.Time // of the commit
	base    string    // of the image
	cache   string    // of the compiler; the go command's own where it is empty
}

// platform is what a binary runs on.
type platform struct{ os, arch string }

var platforms = []platform{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// program is the name of the executable that is built for a platform.
func (p platform) program() string {
	if p.os == "windows" {
		return "portcullis.exe"
	}
	return "portcullis"
}

// file is a member of an archive, or of a layer.
type file struct {
	name string // with slashes; a directory ends in one
	data []byte
	mode int64
}

// build compiles the program for a platform. Whatever could make the compiler's output differ
// is fixed here: paths are cut, no C compiler is asked, and only what finds the compiler and
// its caches is left of the environment.
func (r release) build(ctx context.Context, p platform, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags", "-s -w -buildid= -X main.release="+r.version+" -X main.commit="+r.commit, "-o", to, "./cmd/portcullis")
	cmd.Dir = r.source
	cmd.Env = []string{"GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOWORK=off", "GOENV=off", "GOFLAGS=", "GOEXPERIMENT="}
	for _, name := range []string{"PATH", "HOME", "GOROOT", "GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "USERPROFILE", "LocalAppData", "SystemRoot", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if r.cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+r.cache)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s/%s: %w\n%s", p.os, p.arch, err, out)
	}
	return nil
}

// common are the files of every platform: licences, the manual and completions. The program
// for this machine is asked for those that it writes itself.
func (r release) common(ctx context.Context, program string) ([]file, error) {
	licences, err := r.licences(ctx, program)
	if err != nil {
		return nil, err
	}
	all := []file{{"LICENSES-THIRD-PARTY", licences, 0o644}}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(filepath.Join(r.source, name))
		if err != nil {
			return nil, err
		}
		all = append(all, file{name, data, 0o644})
	}
	for name, args := range map[string][]string{
		"man/man1/portcullis.1":       {"__man"},
		"completions/portcullis.bash": {"completion", "bash"},
		"completions/_portcullis":     {"completion", "zsh"},
		"completions/portcullis.fish": {"completion", "fish"},
	} {
		data, err := exec.CommandContext(ctx, program, args...).Output()
		if err != nil {
			return nil, fmt.Errorf("portcullis %s: %w", strings.Join(args, " "), err)
		}
		all = append(all, file{name, data, 0o644})
	}
	return sorted(all), nil
}

// licences is the text of the licences of all modules that are in the program, and of Go's own
// library. A module without one cannot be released.
func (r release) licences(ctx context.Context, program string) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	dirs := map[string]string{"The Go standard library " + info.GoVersion: runtime.GOROOT()}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	dirs["The Go standard library "+info.GoVersion] = strings.TrimSpace(string(out))
	list := exec.CommandContext(ctx, "go", "list", "-mod=readonly", "-m", "-f", "{{.Path}} {{.Version}}\t{{.Dir}}", "all")
	list.Dir = r.source
	if out, err = list.Output(); err != nil {
		return nil, fmt.Errorf("go list -m all: %w", err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(out)) {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		known[module] = dir
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		dirs[m.Path+" "+m.Version] = known[m.Path+" "+m.Version]
	}
	var text strings.Builder
	text.WriteString("What portcullis is made of besides its own source, and under which licences.\n")
	for _, module := range slices.Sorted(keys(dirs)) {
		found, err := licencesIn(dirs[module])
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s has no licence in %q: %w", module, dirs[module], err)
		}
		for _, f := range found {
			fmt.Fprintf(&text, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 80), module, f.name, strings.TrimSpace(string(f.data)))
		}
	}
	return []byte(text.String()), nil
}

// licencesIn are the files of a directory in which a licence, or what it wants to be kept beside
// it, stands.
func licencesIn(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []file
	for _, e := range entries {
		name := strings.ToUpper(strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
		name, _, _ = strings.Cut(name, "-")
		if e.Type().IsRegular() && slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, name) {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			found = append(found, file{name: e.Name(), data: data})
		}
	}
	return found, nil
}

// sorted puts the files of a release into the order of their names.
func sorted(files []file) []file {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files
}
