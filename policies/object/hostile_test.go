package object_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// hostile are files made to exhaust a reader.
func hostile() map[string]string {
	var bomb strings.Builder
	bomb.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\na0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return map[string]string{
		"alias-bomb":     bomb.String(),
		"self-reference": "apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: b, x: *m}\n",
		"deep-flow":      "a: " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"deeper-flow":    "a: " + strings.Repeat("{a: ", 100_000),
		"deep-block":     strings.Repeat("- ", 10_000) + "x",
		"deep-lists":     strings.Repeat("{apiVersion: v1, kind: List, items: [", 4_000) + strings.Repeat("]}", 4_000),
		"binary":         "\x00\x01\x02\xff\xfe",
		"duplicates":     "{" + strings.Repeat("a: 1, ", 20_000) + "}",
		"duplicate-rows": strings.Repeat("a: 1\n", 20_000),
		"many-documents": strings.Repeat("---\na: 1\n", 1_000),
	}
}

// TestHostileFilesAreRefusedQuickly: nothing panics, nothing is believed, and the
// work, which is measured in memory, does not run away. It runs alone, for it
// measures; a machine may be as slow as it likes.
func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	for name, data := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		objects, found := object.Decode("f.yaml", []byte(data))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		t.Logf("%-15s %8v %4d MB, %d findings", name, took.Round(time.Microsecond*100), (after.TotalAlloc-before.TotalAlloc)>>20, len(found))
		if len(objects) != 0 || !found.Unjudgeable() {
			t.Errorf("%s: %d objects, %v", name, len(objects), found.Err())
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 256<<20 {
			t.Errorf("%s took %d bytes", name, allocated)
		}
		object.Locate("f.yaml", []byte(data), diag.Subject{Object: object.ID{Kind: "ConfigMap", Name: "b"}, Pointer: "/metadata/x/x/x/x"}, "x")
	}
}

// FuzzDecode reads any file, and asks for the place of anything that was read.
func FuzzDecode(f *testing.F) {
	for _, data := range hostile() {
		if len(data) < 2_000 {
			f.Add([]byte(data), "/a0")
		}
	}
	files, err := filepath.Glob("testdata/locate/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "/spec")
	}
	for _, s := range []string{
		"", "\ufeff", "---", "...", "a: 1\r---\rb: 2", "\u2028kind: x\u0085", "{a: 1}\nb: 2", "a: *b", "a: &b\n  !!str |2\n  x\n", "? [a]\n: b", "a: 'x\n\n  y'\n", "- - - |+\n\n", "\"\\\"", "a: 1\na: 2",
	} {
		f.Add([]byte(s), "/a")
		f.Add([]byte(manifest("NetworkPolicy", "a")+s), "/a")
	}
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		objects, found := object.Decode("f.yaml", data)
		for _, d := range found {
			inside(t, data, d.Span)
			if d.Message == "" || !utf8.ValidString(d.Message) {
				t.Fatalf("the message is %q", d.Message)
			}
			for _, r := range d.Related {
				inside(t, data, r.Span)
			}
		}
		for _, o := range objects {
			for _, p := range []string{"", "/metadata/name", pointer} {
				span, _ := object.Locate("f.yaml", data, diag.Subject{Object: o.ID, Pointer: p}, nil)
				inside(t, data, span)
			}
		}
	})
}

// inside fails where a span leaves its file.
func inside(t *testing.T, data []byte, s diag.Span) {
	t.Helper()
	if !s.HasPosition() {
		return
	}
	lines := bytes.Split(bytes.TrimSuffix(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n")), []byte("\n"))
	for _, p := range []diag.Position{s.Start, s.End} {
		if p.Line < 1 || int(p.Line) > len(lines) || p.Column < 1 || int(p.Column) > utf8.RuneCount(lines[p.Line-1])+1 {
			t.Fatalf("%v-%v leaves the file of %d lines", s, s.End, len(lines))
		}
	}
	if s.End.Compare(s.Start) < 0 {
		t.Fatalf("%v ends at %v", s, s.End)
	}
}
