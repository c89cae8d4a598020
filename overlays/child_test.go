package overlays

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

const childArgument = "__render"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		os.Exit(Serve(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// childOfTest starts the test's own program again.
func childOfTest(job []byte, results func(io.Reader) error) error {
	cmd := exec.Command(os.Args[0], childArgument)
	cmd.Env, cmd.Stdin = []string{"GOTRACEBACK=none"}, bytes.NewReader(job)
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	if results(pipe) != nil {
		_ = cmd.Process.Kill()
	}
	return cmd.Wait()
}

// environment has policies of names in shop, under a component.
func environment(component string, names ...string) []Environment {
	e := Environment{Name: "default"}
	for _, name := range names {
		e.Objects = append(e.Objects, object.Map{
			{Key: "apiVersion", Value: "networking.k8s.io/v1"}, {Key: "kind", Value: "NetworkPolicy"},
			{Key: "metadata", Value: object.Map{{Key: "name", Value: name}, {Key: "namespace", Value: "shop"}}},
			{Key: "spec", Value: object.Map{{Key: "podSelector", Value: object.Map{}}}},
		})
	}
	if component != "" {
		c := Component{Path: "parts", Files: map[string][]byte{"kustomization.yaml": []byte(kustomizeKind + component)}, Span: diag.Span{File: "portcullis.yaml", Start: diag.Position{Line: 6, Column: 14}, End: diag.Position{Line: 6, Column: 19}}}
		e.Components = []Laid{{Component: c, Units: []string{"shop"}}}
	}
	return []Environment{e}
}

// grows is a component of replacements, each of which doubles the object.
func grows(times int) string {
	var b strings.Builder
	b.WriteString("replacements:\n")
	for i := range times {
		fmt.Fprintf(&b, "  - source: {kind: NetworkPolicy, name: one, fieldPath: spec}\n    targets: [{select: {kind: NetworkPolicy, name: one}, fieldPaths: [spec.x%d], options: {create: true}}]\n", i)
	}
	return b.String()
}

func texts(all [][]Rendered) []string {
	var texts []string
	for _, of := range all[0] {
		for _, o := range of.Objects {
			texts = append(texts, of.Unit+" "+string(o.JSON))
		}
	}
	return texts
}

// TestChild: what a child renders is what this process renders, and one that takes too
// much, or is none, is a finding where the Platform names the component.
func TestChild(t *testing.T) {
	t.Parallel()
	sound := environment("labels:\n  - pairs: {team: shop}\n", "one", "two")
	here, found, err := Render(Write(sound), sound, nil)
	if err != nil || found != nil {
		t.Fatal(found, err)
	}
	there, found, err := Render(Write(sound), sound, childOfTest)
	if err != nil || found != nil {
		t.Fatal(found, err)
	}
	if diff := cmp.Diff(texts(here), texts(there)); diff != "" || len(texts(here)) != 2 {
		t.Errorf("a child renders something else:\n%s", diff)
	}
	for name, c := range map[string]struct {
		component string
		child     Child
		says      string
	}{
		"grows without end": {grows(60), childOfTest, "it takes more than 512 MiB of memory"},
		"cannot be started": {grows(1), func([]byte, func(io.Reader) error) error { return errors.New("no such file") }, "it could not be run (no such file"},
		"says nothing":      {grows(1), func(_ []byte, results func(io.Reader) error) error { return results(strings.NewReader("")) }, "it could not be run"},
		"says what is no result": {grows(1), func(_ []byte, results func(io.Reader) error) error {
			return results(strings.NewReader(strings.Repeat("warning: ", 100)))
		}, "it could not be run"},
	} {
		e := environment(c.component, "one")
		if vetted := e[0].Components[0].Vet(); vetted != nil {
			t.Errorf("%s: %v", name, vetted.Err())
		}
		_, found, err := Render(Write(e), e, c.child)
		if err != nil || len(found) != 1 || !found[0].Is(costlyComponent) || found[0].Span.String() != "portcullis.yaml:6:14" || !strings.Contains(found[0].Message, c.says) {
			t.Errorf("%s: %v, %v; want PC029 with %q", name, found.Err(), err, c.says)
		}
	}
}

// TestFrames: nothing but a whole frame is a result.
func TestFrames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	want := result{Manifests: [][]byte{[]byte(`{"kind": "NetworkPolicy"}`)}}
	if err := writeFrame(&b, want); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	var got result
	if err := readFrame(bytes.NewReader(whole), &got); err != nil || !cmp.Equal(got, want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range whole {
		if readFrame(bytes.NewReader(whole[:i]), new(result)) == nil {
			t.Errorf("the first %d bytes of %d are taken for a result", i, len(whole))
		}
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if readFrame(bytes.NewReader(changed), new(result)) == nil {
			t.Errorf("a result with another byte %d is taken for one", i)
		}
	}
}

// TestReadingIsRendering: what no component touches is read as kustomize renders it, and
// nothing is started for it.
func TestReadingIsRendering(t *testing.T) {
	t.Parallel()
	e := environment("", "one", "two", "yes", "3", "0x1f")
	e[0].Objects[0] = append(e[0].Objects[0][:3:3], object.Field{Key: "spec", Value: object.Map{{Key: "podSelector", Value: object.Map{{Key: "matchLabels", Value: object.Map{{Key: "on", Value: "no"}, {Key: "a", Value: "1e3"}, {Key: "b", Value: "ü: #"}}}}}}})
	tree := Write(e)
	read, found, err := Render(tree, e, func([]byte, func(io.Reader) error) error { t.Error("a child was started"); return nil })
	if err != nil || found != nil {
		t.Fatal(found, err)
	}
	r := newRenderer(tree, e)
	files := map[string][]byte{}
	built := job{Files: files}.build(r.jobUnit(r.unit("default", "shop"), files))
	var manifests []string
	for _, raw := range built.Manifests {
		decoded, _ := object.DecodeJSON(raw)
		text, err := decoded[0].YAML()
		if err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, string(text))
	}
	var ours []string
	for _, o := range read[0][0].Objects {
		text, err := o.YAML()
		if err != nil {
			t.Fatal(err)
		}
		ours = append(ours, string(text))
	}
	if diff := cmp.Diff(manifests, ours); diff != "" || len(ours) != 5 {
		t.Errorf("kustomize renders something else (%s):\n%s", built.Error, diff)
	}
}

// FuzzComponent: whatever a component's files hold, vetting comes to an end, and what it
// lets through is rendered, or refused, or ends a child in one of the ways that are
// foreseen.
func FuzzComponent(f *testing.F) {
	for _, seed := range [][2]string{
		{"patches:\n  - path: other.yaml\n", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: one, labels: {a: b}}\n"},
		{"resources: [other.yaml]\n", "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}\n"},
		{"patches:\n  - {target: {kind: .*}, patch: '[{\"op\": \"move\", \"from\": \"/spec\", \"path\": \"/metadata/x\"}]'}\n  - {target: {name: one}, patch: '[{\"op\": \"add\", \"path\": \"/spec/a\", \"value\": [1]}]'}\n", ""},
		{"replacements:\n  - path: other.yaml\n", "source: {kind: NetworkPolicy, name: one, fieldPath: metadata.name}\ntargets:\n  - select: {name: two}\n    fieldPaths: [metadata.labels.x]\n    options: {create: true}\n"},
		{"labels:\n  - {pairs: {a: b}, includeSelectors: true, fields: [{path: spec/x, create: true}]}\ncommonAnnotations: {c: d}\n", "a: &a [*a]"},
		{grows(10), "- &x {y: *x}\n"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, kustomization, other string) {
		e := environment(kustomization, "one", "two")
		c := e[0].Components[0].Component
		c.Files["other.yaml"] = []byte(other)
		if c.Vet().Failed() {
			return
		}
		e[0].Components[0].Component = c
		_, found, err := Render(Write(e), e, childOfTest)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			if d.Is(costlyComponent) && !strings.Contains(d.Message, "it takes more") {
				t.Errorf("%s", d.Message)
			}
		}
	})
}
