package apiserver

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// server is an API server of this machine alone, with etcd behind it.
type server struct {
	url        string
	client     http.Client
	namespaces map[string]bool // that are there
	kinds      map[string]bool // of Calico, that are there
}

func program(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Fatalf("%s names no program; bash ci/test builds it", variable)
	}
	return name
}

// start runs a program in a directory until the test ends. It is killed then, for both programs
// take a minute to say farewell.
func start(t *testing.T, dir, name string, args ...string) (ended <-chan error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, gone := make(chan error, 1), make(chan struct{})
	go func() {
		err := cmd.Wait()
		said <- fmt.Errorf("%s ended: %v\n%s", filepath.Base(name), err, log.String())
		close(gone)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-gone
	})
	return said
}

func newServer(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "api") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// Of this form etcd makes a socket in its directory, whose name nobody else can take.
	const clients, peers = "127.0.0.1:1", "127.0.0.1:2"
	etcd := start(t, dir, "etcd", "--data-dir=etcd", "--unsafe-no-fsync",
		"--listen-client-urls=unix://"+clients, "--advertise-client-urls=unix://"+clients, "--listen-peer-urls=unix://"+peers,
		"--initial-advertise-peer-urls=unix://"+peers, "--initial-cluster=default=unix://"+peers)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"key":    pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}),
		"public": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"tokens": []byte("tester,tester,tester,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{namespaces: map[string]bool{}, kinds: map[string]bool{}}
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // it signs for itself
	for {
		port := freePort(t)
		s.url = "https://127.0.0.1:" + port
		ended := start(t, dir, program(t, "PORTCULLIS_APISERVER"), "--etcd-servers=unix://"+filepath.Join(dir, clients), "--secure-port="+port,
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--cert-dir=certificates",
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=public", "--service-account-signing-key-file=key",
			"--token-auth-file=tokens", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
			"--disable-admission-plugins=ServiceAccount", "--enable-priority-and-fairness=false")
		err := s.until(t, "/readyz", ended, etcd)
		if err == nil {
			return s
		}
		if !strings.Contains(err.Error(), "address already in use") {
			t.Fatal(err)
		}
	}
}

// freePort is one that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// ask sends a request, and returns the answer's code and text.
func (s *server) ask(t *testing.T, method, path string, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer tester")
	request.Header.Set("Content-Type", "application/yaml")
	request.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	var status struct{ Kind, Message string }
	if json.Unmarshal(data, &status) == nil && status.Kind == "Status" {
		return answer.StatusCode, status.Message
	}
	return answer.StatusCode, string(data)
}

// until asks for a path again and again, until it is there or a program has ended: how long that
// takes is no business of a test.
func (s *server) until(t *testing.T, path string, ended ...<-chan error) error {
	t.Helper()
	for {
		if code, _ := s.ask(t, "GET", path, nil); code == http.StatusOK {
			return nil
		}
		for _, e := range ended {
			select {
			case err := <-e:
				return err
			default:
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// object is what a test has to know of one.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	text string
}

func (o object) String() string {
	return fmt.Sprintf("%s %s/%s", o.Kind, o.Metadata.Namespace, o.Metadata.Name)
}

// objects are the documents of a stream, as they are written there.
func objects(t *testing.T, stream string) []object {
	t.Helper()
	var all []object
	for document := range strings.SplitSeq("\n"+stream, "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		if o.Kind != "" {
			o.text = document
			all = append(all, o)
		}
	}
	return all
}

// kinds are those that this test sends, by their plural.
var kinds = map[string]struct {
	plural     string
	namespaced bool
}{
	"Namespace":                     {"namespaces", false},
	"CustomResourceDefinition":      {"customresourcedefinitions", false},
	"NetworkPolicy":                 {"networkpolicies", true},
	"Tier":                          {"tiers", false},
	"GlobalNetworkPolicy":           {"globalnetworkpolicies", false},
	"GlobalNetworkSet":              {"globalnetworksets", false},
	"NetworkSet":                    {"networksets", true},
	"HostEndpoint":                  {"hostendpoints", false},
	"StagedNetworkPolicy":           {"stagednetworkpolicies", true},
	"StagedGlobalNetworkPolicy":     {"stagedglobalnetworkpolicies", false},
	"StagedKubernetesNetworkPolicy": {"stagedkubernetesnetworkpolicies", true},
}

// isPolicy reports whether an object is of those that are written for traffic.
func (o object) isPolicy() bool {
	return o.APIVersion == "networking.k8s.io/v1" && o.Kind == "NetworkPolicy" || o.APIVersion == "projectcalico.org/v3"
}

// knows reports whether the server does, of an object that is a policy.
func (s *server) knows(o object) bool {
	return o.isPolicy() && (o.APIVersion == "networking.k8s.io/v1" || s.kinds[kinds[o.Kind].plural])
}

// path is where the server takes an object.
func (o object) path(t *testing.T) string {
	t.Helper()
	kind, known := kinds[o.Kind]
	if !known {
		t.Fatalf("nobody has said where the server takes a %s", o.Kind)
	}
	path := "/apis/" + o.APIVersion
	if o.APIVersion == "v1" {
		path = "/api/v1"
	}
	if kind.namespaced {
		path += "/namespaces/" + cmp.Or(o.Metadata.Namespace, "default")
	}
	return path + "/" + kind.plural
}

// judge asks the server whether it would store an object: everything but writing is done, and
// what is not a field, or there twice, is refused.
func (s *server) judge(t *testing.T, o object) (refusal string) {
	t.Helper()
	if namespace := o.Metadata.Namespace; namespace != "" && !s.namespaces[namespace] {
		s.create(t, objects(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+namespace+"}\n")[0])
		s.namespaces[namespace] = true
	}
	code, said := s.ask(t, "POST", o.path(t)+"?dryRun=All&fieldValidation=Strict", []byte(o.text))
	switch code {
	case http.StatusCreated:
		return ""
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return said
	}
	t.Fatalf("%s: %d %s", o, code, said)
	return ""
}

// create stores an object that others need.
func (s *server) create(t *testing.T, o object) {
	t.Helper()
	if code, said := s.ask(t, "POST", o.path(t), []byte(o.text)); code != http.StatusCreated && code != http.StatusConflict {
		t.Fatalf("%s: %d %s", o, code, said)
	}
}

// calico teaches the server the kinds of Calico. What of Calico's own definitions is in this
// repository are the schemas (../../compiler/lower/testdata/crds.yaml says where they come from),
// without rules in CEL; PORTCULLIS_CRDS names a file with the whole of them.
func (s *server) calico(t *testing.T) {
	t.Helper()
	var definitions []object
	if file := os.Getenv("PORTCULLIS_CRDS"); file != "" {
		for _, o := range objects(t, read(t, file)) {
			if o.Kind == "CustomResourceDefinition" {
				definitions = append(definitions, o)
			}
		}
	} else {
		var schemas map[string]any
		if err := yaml.Unmarshal([]byte(read(t, "../../compiler/lower/testdata/crds.yaml")), &schemas); err != nil {
			t.Fatal(err)
		}
		for kind, schema := range schemas {
			definitions = append(definitions, definition(t, kind, schema))
		}
	}
	for _, d := range definitions {
		s.create(t, d)
	}
	for _, d := range definitions {
		plural, _, _ := strings.Cut(d.Metadata.Name, ".")
		s.until(t, "/apis/projectcalico.org/v3/"+plural)
		s.kinds[plural] = true
	}
}

// definition makes the custom resource that a schema is of.
func definition(t *testing.T, kind string, schema any) object {
	t.Helper()
	k, known := kinds[kind]
	if !known {
		t.Fatalf("nobody has said how several of the kind %s are called", kind)
	}
	scope := "Cluster"
	if k.namespaced {
		scope = "Namespaced"
	}
	data, err := json.Marshal(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": k.plural + ".projectcalico.org"},
		"spec": map[string]any{
			"group": "projectcalico.org", "scope": scope,
			"names":    map[string]any{"kind": kind, "listKind": kind + "List", "plural": k.plural, "singular": strings.ToLower(kind)},
			"versions": []any{map[string]any{"name": "v3", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": schema}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(data))[0]
}
