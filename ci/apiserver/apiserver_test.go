// Package apiserver lets the API server of Kubernetes judge what portcullis emits, and what
// portcullis refuses. The module of its own keeps Kubernetes out of the product; ci/test builds
// two programs and names them, and Debian's package etcd-server has the third:
//
//	PORTCULLIS_PROGRAM=… PORTCULLIS_APISERVER=… go -C ci/apiserver test ./...
package apiserver

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestServer(t *testing.T) {
	s := newServer(t)
	s.calico(t)
	t.Run("takes all that is emitted", s.takesAll)
	t.Run("takes what check takes", s.takesWhatCheckTakes)
	t.Run("refuses labels that check refuses", s.refusesLabels)
	t.Run("differs from check where the table says", s.differs)
}

// takesAll sends what the examples compile to, and what every construct of the language does.
func (s *server) takesAll(t *testing.T) {
	sent := s.send(t, "every construct", read(t, "../../compiler/lower/testdata/every-construct.yaml"), object.isPolicy)
	for _, example := range []string{"online-shop", "zero-trust-demo"} {
		deploy := filepath.Join(t.TempDir(), "deploy")
		run(t, "build", "../../examples/"+example, "--out", deploy)
		environments, err := os.ReadDir(filepath.Join(deploy, "overlays"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range environments {
			args := []string{"build", "../../examples/" + example}
			if len(environments) > 1 {
				args = append(args, "--env", e.Name())
			}
			sent += s.send(t, example+" "+e.Name(), run(t, args...), object.isPolicy)
		}
	}
	if sent < 180 {
		t.Errorf("%d objects were sent, expected 180 at least", sent)
	}
	t.Logf("%d objects", sent)
}

// takesWhatCheckTakes sends the policies that others wrote, and the mended half of every rule's
// example, in which check finds nothing; of Calico's kinds those whose schemas are here.
func (s *server) takesWhatCheckTakes(t *testing.T) {
	sent := 0
	for _, pattern := range []string{"../../examples/tutorial-as-written/*.yaml", "../../testdata/rules/PC0*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text := read(t, name)
			if strings.HasSuffix(name, ".txtar") {
				text = mended(text)
			}
			sent += s.send(t, name, text, s.knows)
		}
	}
	if sent < 50 {
		t.Errorf("%d objects were sent, expected 50 at least", sent)
	}
	t.Logf("%d objects", sent)
}

// refusesLabels asks both for what no label can be, at every place where a policy has some.
func (s *server) refusesLabels(t *testing.T) {
	for field, of := range map[string][2]string{ // metadata and spec
		"metadata.labels":                              {"labels: {team: two words}", "podSelector: {}"},
		"metadata.annotations":                         {"annotations: {two words: a}", "podSelector: {}"},
		"spec.podSelector.matchLabels":                 {"labels: {team: a}", "podSelector: {matchLabels: {a: b c}}"},
		"spec.podSelector.matchLabels: Invalid value":  {"labels: {team: a}", "podSelector: {matchLabels: {a/b/c: d}}"},
		"spec.podSelector.matchExpressions[0].key":     {"labels: {team: a}", "podSelector: {matchExpressions: [{key: a b, operator: Exists}]}"},
		"spec.ingress[0].from[0].podSelector.matchExp": {"labels: {team: a}", "podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: In, values: [-b]}]}}]}]"},
	} {
		manifest := "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop, " + of[0] + "}\nspec: {" + of[1] + "}\n"
		if refusal := s.judge(t, objects(t, manifest)[0]); !strings.Contains(refusal, field) {
			t.Errorf("expected %q, the server says: %q of\n%s", field, refusal, manifest)
		}
		if found := checked(t, manifest); !slices.Equal(found, []string{"error PC025"}) {
			t.Errorf("check finds %q in\n%s", found, manifest)
		}
	}
}

// send has the server judge some objects of a stream, and counts them.
func (s *server) send(t *testing.T, name, stream string, which func(object) bool) (sent int) {
	t.Helper()
	for _, o := range objects(t, stream) {
		if !which(o) {
			continue
		}
		if refusal := s.judge(t, o); refusal != "" {
			t.Errorf("%s: the server refuses %s: %s", name, o, refusal)
		}
		sent++
	}
	return sent
}

// mended are the manifests of a rule's example, in txtar, that are right.
func mended(archive string) string {
	var right []string
	for _, file := range strings.Split("\n"+archive, "\n-- ")[1:] {
		name, text, _ := strings.Cut(file, " --\n")
		if strings.HasPrefix(name, "right/") && strings.HasSuffix(name, ".yaml") {
			right = append(right, text)
		}
	}
	return strings.Join(right, "\n---\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t, "PORTCULLIS_PROGRAM"), args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("portcullis %q: %v\n%s", args, err, said.String())
	}
	return string(out)
}

// difference is an object of which the server and check say different things, and why.
type difference struct {
	About    string   `json:"about"`
	Manifest string   `json:"manifest"`
	Check    []string `json:"check"`  // what it finds of the object itself
	Server   string   `json:"server"` // a part of its refusal; empty where it takes the object
	Why      string   `json:"why"`
}

// differs asks both about every row of the table.
func (s *server) differs(t *testing.T) {
	var rows []difference
	if err := yaml.UnmarshalStrict([]byte(read(t, "testdata/differences.yaml")), &rows); err != nil || len(rows) < 10 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	for _, row := range rows {
		refusal := s.judge(t, objects(t, row.Manifest)[0])
		switch {
		case row.Why == "":
			t.Errorf("%s: nobody says why", row.About)
		case row.Server == "" && refusal != "":
			t.Errorf("%s: the server refuses it: %s", row.About, refusal)
		case !strings.Contains(refusal, row.Server):
			t.Errorf("%s: expected %q, the server says: %q", row.About, row.Server, refusal)
		}
		found := checked(t, row.Manifest)
		if !slices.Equal(found, row.Check) {
			t.Errorf("%s: check finds %q, expected %q", row.About, found, row.Check)
		}
		if refuses := func(f string) bool { return strings.HasPrefix(f, "error ") }; slices.ContainsFunc(found, refuses) == (refusal != "") {
			t.Errorf("%s: there is no difference", row.About)
		}
	}
}

// checked is what check finds in a manifest as it is written, each once, and in the tier that it
// names. What a policy does to pods is not the server's to judge.
func checked(t *testing.T, manifest string) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(name, []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(program(t, "PORTCULLIS_PROGRAM"), "check", name, "-o", "json", "--calico=3.32").Output()
	var report struct {
		Findings []struct{ Rule, Severity, Message string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("check says no JSON: %v\n%s", err, out)
	}
	found := []string{}
	for _, f := range report.Findings {
		if strings.HasPrefix(f.Rule, "PC0") || strings.Contains(f.Message, "is used and not defined") {
			found = append(found, f.Severity+" "+f.Rule)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
