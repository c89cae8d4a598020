package main

import (
	"archive/tar"
	"crypto/x509"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func newRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// TestImage pushes the image to a registry, fetches it, and looks at what came.
func TestImage(t *testing.T) {
	linux := platform{"linux", own.arch}
	host := newRegistry(t)
	r := trial()
	if err := r.image(t.Context(), []platform{linux}, t.TempDir(), host+"/portcullis:v0.0.0-trial"); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/portcullis:v0.0.0-trial")
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	pushed, _ := index.Digest()
	again, err := r.index(t.Context(), []platform{linux})
	if err != nil {
		t.Fatal(err)
	}
	if built, err := again.Digest(); err != nil || built != pushed {
		t.Errorf("built again, %s is %s: %v", pushed, built, err)
	}
	img, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: own.arch}))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; c.User != "999:999" || c.Labels["org.opencontainers.image.revision"] != r.commit || c.Labels["org.opencontainers.image.licenses"] != "Apache-2.0" || config.Created.Unix() != r.at.Unix() {
		t.Errorf("the image is %+v", config)
	}
	layers, _ := img.Layers()
	if len(layers) != 2 {
		t.Errorf("there are %d layers, expected certificates and the program", len(layers))
	}
	root := t.TempDir()
	laidOut(t, img, root)

	roots, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(roots) || strings.Count(string(roots), "BEGIN CERTIFICATE") < 50 {
		t.Errorf("there are few certificates: %v", err)
	}
	program := filepath.Join(root, "usr/local/bin/portcullis")
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is not static; the image has no libraries for it")
		}
	}
	docs := filepath.Join(root, "usr/share/doc/portcullis")
	materials, err1 := os.ReadFile(filepath.Join(docs, "portcullis.cdx.json"))
	licences, err2 := os.ReadFile(filepath.Join(docs, "LICENSES-THIRD-PARTY"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	namesEveryModule(t, program, materials, licences)
	runsAsNobody(t, root, config.Config)
}

// runsAsNobody runs the image's program as a runtime does, as root can: its file system is all
// that there is, its user owns nothing, and its environment is the image's.
func runsAsNobody(t *testing.T, root string, config v1.Config) {
	t.Helper()
	if os.Geteuid() != 0 || own.os != "linux" {
		t.Log("LEFT OUT: running the image: root alone can")
		return
	}
	if err := os.CopyFS(filepath.Join(root, "repository"), os.DirFS("../../examples/zero-trust-demo")); err != nil {
		t.Fatal(err)
	}
	for dir := root; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(config.Entrypoint[0], args...)
		cmd.Dir, cmd.Env = "/repository", config.Env
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 999, Gid: 999}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if said := run("version"); !strings.HasPrefix(said, "portcullis v0.0.0-trial linux/") {
		t.Errorf("version: %s", said)
	}
	if said := run("build", "--argocd", "."); !strings.Contains(said, "kind: NetworkPolicy") {
		t.Errorf("build: %s", said)
	}
}

// laidOut writes the files of an image below a directory.
func laidOut(t *testing.T, img v1.Image, root string) {
	t.Helper()
	data := mutate.Extract(img)
	defer data.Close()
	for r := tar.NewReader(data); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(to, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			var file *os.File
			if file, err = os.OpenFile(to, os.O_CREATE|os.O_WRONLY, h.FileInfo().Mode()); err == nil {
				_, err = io.Copy(file, r)
				err = errors.Join(err, file.Close())
			}
		}
		if err == nil {
			err = os.Chmod(to, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestBase builds upon another image, which is named by its digest and by nothing else.
func TestBase(t *testing.T) {
	host := newRegistry(t)
	base, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/base:latest")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, base); err != nil {
		t.Fatal(err)
	}
	digest, err := base.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r := trial()
	r.base = host + "/base@" + digest.String()
	img, err := r.baseOf(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := img.Digest(); err != nil || got != digest {
		t.Errorf("the base is %s: %v", got, err)
	}
	r.base = host + "/base:latest"
	if _, err := r.baseOf(t.Context(), own); err == nil || !strings.Contains(err.Error(), "named by its digest") {
		t.Errorf("a tag is taken for a base: %v", err)
	}
}
