package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var own = platform{runtime.GOOS, runtime.GOARCH}

// trial is a release of the sources as they lie there, of a commit that nobody made.
func trial() release {
	return release{source: "../..", version: "v0.0.0-trial", commit: strings.Repeat("c0ffee00", 5), at: time.Unix(1700000001, 0).UTC()}
}

// elsewhere is a copy of the sources with another path.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "some", "where else")
	out, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		to := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// cold has the compiler remember nothing of the first build, for minutes of its time.
var cold = flag.Bool("cold", false, "compile the second build from nothing")

// TestArchivesAreReproducible builds a release twice, the second time in another directory. Not
// one byte may differ. What is in the archive is held to what a user looks for there.
func TestArchivesAreReproducible(t *testing.T) {
	once, twice := filepath.Join(t.TempDir(), "once"), filepath.Join(t.TempDir(), "twice")
	r := trial()
	if err := r.archives(t.Context(), []platform{own}, once); err != nil {
		t.Fatal(err)
	}
	r.source = elsewhere(t)
	if *cold {
		r.cache = filepath.Join(t.TempDir(), "cache")
	}
	if err := r.archives(t.Context(), []platform{own}, twice); err != nil {
		t.Fatal(err)
	}
	written, again := read(t, once), read(t, twice)
	if len(written) != 3 || !slices.Equal(slices.Sorted(keys(written)), slices.Sorted(keys(again))) {
		t.Fatalf("it writes %q, and then %q", slices.Sorted(keys(written)), slices.Sorted(keys(again)))
	}
	for name, data := range written {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s is another one, built again", name)
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name); name != "SHA256SUMS" && !strings.Contains(string(written["SHA256SUMS"]), line) {
			t.Errorf("SHA256SUMS does not hold %s", line)
		}
	}

	base := "portcullis_0.0.0-trial_" + own.os + "_" + own.arch
	members, modes := unpacked(t, written[base+".tar.gz"])
	for name, want := range map[string]string{
		"LICENSE": "Apache License", "CHANGELOG.md": "## Unreleased", "README.md": "# Portcullis", "man/man1/portcullis.1": ".TH PORTCULLIS 1",
		"completions/portcullis.bash": "complete", "completions/_portcullis": "#compdef portcullis", "completions/portcullis.fish": "complete -c portcullis",
		"LICENSES-THIRD-PARTY": "The Go standard library go1.",
	} {
		if data := members[base+"/"+name]; !strings.Contains(string(data), want) || modes[base+"/"+name] != 0o644 {
			t.Errorf("%s has %d bytes and mode %o, and not %q", name, len(data), modes[base+"/"+name], want)
		}
	}
	if modes[base+"/portcullis"] != 0o755 || len(members) != 9 {
		t.Errorf("the archive holds %v", modes)
	}
	program := filepath.Join(t.TempDir(), "portcullis")
	if err := os.WriteFile(program, members[base+"/portcullis"], 0o755); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "portcullis v0.0.0-trial ") || !strings.Contains(string(said), "\ncommit "+r.commit+"\n") {
		t.Errorf("version: %v\n%s", err, said)
	}
	namesEveryModule(t, program, written[base+".cdx.json"], members[base+"/LICENSES-THIRD-PARTY"])
}

// namesEveryModule asks the program itself what is in it.
func namesEveryModule(t *testing.T, program string, materials, licences []byte) {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil || len(info.Deps) < 50 {
		t.Fatalf("the program tells of %d modules: %v", len(info.Deps), err)
	}
	var bill struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(materials, &bill); err != nil || bill.BOMFormat != "CycloneDX" {
		t.Fatalf("no bill of materials: %v\n%.300s", err, materials)
	}
	listed := map[string]bool{}
	for _, c := range bill.Components {
		listed[c.Name+" "+c.Version] = true
	}
	for _, m := range info.Deps {
		if !listed[m.Path+" "+m.Version] {
			t.Errorf("the bill of materials does not list %s %s", m.Path, m.Version)
		}
		if !strings.Contains(string(licences), "\n"+m.Path+" "+m.Version+": ") {
			t.Errorf("the licence of %s %s is missing", m.Path, m.Version)
		}
	}
	if len(listed) != len(info.Deps)+1 { // Go's library
		t.Errorf("the bill of materials lists %d, expected %d", len(listed), len(info.Deps)+1)
	}
}

func unpacked(t *testing.T, archive []byte) (map[string][]byte, map[string]fs.FileMode) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	members, modes := map[string][]byte{}, map[string]fs.FileMode{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return members, modes
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != trial().at.Unix() {
			t.Errorf("%s tells of whoever packed it: %+v", h.Name, h)
		}
		modes[h.Name] = fs.FileMode(h.Mode)
		if members[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestZip: Windows gets what its own tools unpack, twice the same.
func TestZip(t *testing.T) {
	files := []file{{"LICENSE", []byte("text"), 0o644}, {"man/man1/portcullis.1", []byte("page"), 0o644}, {"portcullis.exe", bytes.Repeat([]byte("MZ"), 9000), 0o755}}
	data, err := zipped(files, trial().at)
	again, _ := zipped(files, trial().at.In(time.FixedZone("elsewhere", 7200)).UTC())
	if err != nil || !bytes.Equal(data, again) {
		t.Fatal("two archives differ", err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || f.Name != files[i].name || !bytes.Equal(got, files[i].data) || int64(f.Mode()) != files[i].mode {
			t.Errorf("%s %o: %d bytes, %v", f.Name, f.Mode(), len(got), err)
		}
	}
}

// TestLicencesAreAsked: a module without a licence cannot slip into a release.
func TestLicencesAreAsked(t *testing.T) {
	dir := t.TempDir()
	for name, counts := range map[string]bool{"LICENSE": true, "LICENSE-MIT.txt": true, "license.md": true, "COPYING": true, "NOTICE": true, "licenses.go": false, "README": false} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fmt.Sprint(counts)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := licencesIn(dir)
	names := map[string]bool{}
	for _, f := range found {
		names[f.name] = string(f.data) == "true"
	}
	if want := map[string]bool{"LICENSE": true, "LICENSE-MIT.txt": true, "license.md": true, "COPYING": true, "NOTICE": true}; err != nil || !maps.Equal(names, want) {
		t.Errorf("it finds %v: %v", names, err)
	}
}
