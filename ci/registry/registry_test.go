package registry

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// serve runs a registry of somebody else's code on this machine.
func serve(t *testing.T, before func(http.ResponseWriter, *http.Request) (answered bool)) (host string) {
	t.Helper()
	there := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			there.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func parse(t *testing.T, text string) Address {
	t.Helper()
	a, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPushAndPull sends one content twice: it is one artifact, which is found by tag and digest.
func TestPushAndPull(t *testing.T) {
	t.Parallel()
	a := parse(t, "oci://"+serve(t, nil)+"/team/policies:v1")
	content := bytes.Repeat([]byte("policies"), 100_000)
	first, err := a.Push(t.Context(), content, "https://example.com/intents", "main@sha1:abc")
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.Push(t.Context(), content, "https://example.com/intents", "main@sha1:abc")
	if err != nil || second != first {
		t.Errorf("the same is pushed as %s and as %s (%v)", first, second, err)
	}
	if other, err := a.Push(t.Context(), content, "", ""); err != nil || other == first {
		t.Errorf("another source and revision are pushed as %s (%v)", other, err)
	}
	for _, from := range []Address{a.At(first), a} {
		got, digest, err := from.Pull(t.Context())
		if err != nil || !bytes.Equal(got, content) || from == a.At(first) && digest != first {
			t.Errorf("%s: %d bytes of %s (%v)", from, len(got), digest, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"docker.io/a/b:c":         "expected oci://HOST/REPOSITORY:TAG",
		"oci://":                  "expected oci://HOST/REPOSITORY:TAG",
		"oci://host":              "expected oci://HOST/REPOSITORY:TAG",
		"oci://host/Upper:v1":     "expected oci://HOST/REPOSITORY:TAG",
		"oci://host/repo:":        "",
		"oci://host/repo":         "has no tag",
		"oci://host/../repo:v1":   "expected oci://HOST/REPOSITORY:TAG",
		"oci://user@host/repo:v1": "expected oci://HOST/REPOSITORY:TAG",
	} {
		if a, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, expected %q", text, a, err, want)
		}
	}
	for _, text := range []string{"oci://host/repo:v1", "oci://127.0.0.1:5000/a/b:v1", "oci://host/repo@sha256:" + strings.Repeat("a", 64)} {
		if got := parse(t, text).String(); got != text {
			t.Errorf("%s becomes %s", text, got)
		}
	}
	if _, err := parse(t, "oci://host/repo@sha256:"+strings.Repeat("a", 64)).Push(t.Context(), nil, "", ""); err == nil {
		t.Error("something is pushed to a digest")
	}
}

// TestCauses makes a registry, or the way to it, fail, and holds what is said.
func TestCauses(t *testing.T) {
	t.Parallel()
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	for name, c := range map[string]struct{ address, want string }{
		"nobody":      {serve(t, status(http.StatusUnauthorized)) + "/r:v1", "run docker login"},
		"forbidden":   {serve(t, status(http.StatusForbidden)) + "/r:v1", "has to give you the repository r"},
		"absent":      {serve(t, nil) + "/r:v1", "it is not there, or not for you to see"},
		"unreachable": {"127.0.0.1:1/r:v1", "does not answer"},
		"no host":     {"registry.invalid/r:v1", "there is no host registry.invalid"},
	} {
		if _, _, err := parse(t, Scheme+c.address).Pull(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
	}
	for want, cause := range map[string]error{
		"only a registry of this machine is spoken to": x509.UnknownAuthorityError{},
		"host is out of order (HTTP 501)":              &errcode.ErrorResponse{URL: &url.URL{}, StatusCode: http.StatusNotImplemented},
	} {
		if err := parse(t, "oci://host/r:v1").because(cause); !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

// TestTampered lets a registry answer with other bytes than the digest is of.
func TestTampered(t *testing.T) {
	t.Parallel()
	var once sync.Mutex
	tampering := false
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		once.Lock()
		defer once.Unlock()
		if !tampering || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		_, _ = io.WriteString(w, "otherwise")
		return true
	})
	a := parse(t, Scheme+host+"/r:v1")
	if _, err := a.Push(t.Context(), []byte("as it was"), "", ""); err != nil {
		t.Fatal(err)
	}
	once.Lock()
	tampering = true
	once.Unlock()
	if got, _, err := a.Pull(t.Context()); err == nil || !strings.Contains(err.Error(), "not what its digest says") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestOthersArtifacts pulls what is no artifact of Flux'.
func TestOthersArtifacts(t *testing.T) {
	t.Parallel()
	host := serve(t, nil)
	image := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/v2/r/manifests/v1", strings.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatal(err, answer)
	} else {
		_ = answer.Body.Close()
	}
	if _, _, err := parse(t, Scheme+host+"/r:v1").Pull(t.Context()); err == nil || !strings.Contains(err.Error(), "no artifact of Flux'") {
		t.Errorf("%v", err)
	}
}

// TestCredentials asks for what Docker's configuration has.
func TestCredentials(t *testing.T) {
	asked := 0
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if name, word, _ := r.BasicAuth(); name == "robot" && word == "secret" {
			return false
		}
		asked++
		w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	config, _ := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("robot:secret"))}}})
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, Scheme+host+"/r:v1").Push(t.Context(), []byte("x"), "", ""); err != nil || asked == 0 {
		t.Errorf("%v, after %d questions", err, asked)
	}
}

// TestPlainHTTPStaysHere holds that nothing is sent to another machine without encryption.
func TestPlainHTTPStaysHere(t *testing.T) {
	t.Parallel()
	for host, here := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true,
		"10.0.0.1:5000": false, "192.168.0.1": false, "registry.local:5000": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "[fe80::1]:5000": false, "": false,
	} {
		if isThisMachine(host) != here {
			t.Errorf("%q is this machine: %v", host, !here)
		}
	}
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://10.0.0.1/v2/", nil)
	if _, err := (guarded{http.DefaultTransport}).RoundTrip(r); !errors.Is(err, errPlain) {
		t.Errorf("something is sent: %v", err)
	}
}
