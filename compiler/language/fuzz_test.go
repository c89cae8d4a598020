package language

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

// hostile are texts that were written to hurt, and some that only look like it.
var hostile = []string{
	// Bombs, loops, and what else an alias does.
	"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: &d [*c, *c, *c]\ne: &e [*d, *d, *d]\nf: &f [*e, *e]\nkind: NetworkIntent\n",
	"kind: NetworkIntent\nspec: &spec {in: *spec}\n",
	intentHead + "spec: &s {owner: a}\n", intentHead + "spec: {<<: {owner: a}}\n", intentHead + "spec: *nobody\n", intentHead + "spec: {inbound: [{from: */*, ports: [a]}]}\n",
	// Depth, length, number.
	intentHead + "spec: " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "\n", intentHead + "spec: " + strings.Repeat("{a: ", 200) + "\n",
	intentHead + "spec: {owner: " + strings.Repeat("long ", 500) + "}\n", intentHead + "spec: {in: [" + strings.Repeat("a, ", 500) + "]}\n",
	// Twice, and misspelt.
	intentHead + "spec: {owner: a, \"owner\": b}\n", intentHead + "spec: {Selector: {}, INBOUND: []}\n",
	// Several documents, and what stands between them.
	intentHead + "---\n" + platform, "---\n" + intentHead + "...\n# after\n" + waiver, "# alone\n---\n---\n" + intentHead + "---\nkind: Namespace\n", intentHead + "...\n%YAML 1.1\n---\n" + platform,
	// What YAML 1.1 takes for something else.
	intentHead + "spec: {dns: no, hostNetwork: on, owner: y, ports: {a: 012, b: 1_000, c: 12:30, d: 0x50, e: 1e3, f: .inf, g: ~}}\n",
	intentHead + "spec: {ports: {a: 65536, b: -1, c: 80.0, d: \"80\", e: 9223372036854775808, f: 9007199254740993}}\n",
	"%YAML 1.1\n---\n" + intentHead, "%TAG ! tag:example.com,2026:\n---\n" + intentHead, intentHead + "spec: {owner: !!binary aGk=}\n", intentHead + "spec: !local {}\n",
	// Bytes.
	"\ufeff" + intentHead, "\xff\xfe" + intentHead, intentHead + "spec: {owner: \"\xc3\x28\"}\n", strings.ReplaceAll(intentHead, "\n", "\r\n"), intentHead + "spec:\n\tdns: true\n",
	intentHead + "spec: {owner: \"a\\0b\\e\\a\"}\n", intentHead + "spec: {owner: \"\u202egnp\"}\n", intentHead + "spec: {in: [\u0430dmin, a\u200bb]}\n", intentHead + "# a\u2028b\nspec: {owner: a\u0085b}\n", intentHead + "# a\rb\n",
	intentHead + "spec: {owner: \"a\\n::error ::x\"}\n", intentHead + "spec: {owner: \"```<script>|](javascript:-->\"}\n", intentHead + "spec: {owner: '${SECRET} $(id) {{ .Values }}'}\n",
	// Shapes.
	intentHead + "spec:\n  owner: >-\n    folded\n    words # no comment\n\n    more\n  in:\n  - a\n  -\n    b\n", intentHead + "spec:\n  owner: |2-\n     x\n", intentHead + "? spec\n: {? dns : true}\n",
	intentHead + "spec: {owner: plain\n  over lines, in: [a, # one\n  b # two\n  # three\n  ]} # four\n", "{apiVersion: " + APIVersion + ", kind: NetworkIntent, metadata: {name: a, namespace: b}}", "kind: NetworkIntent", "kind: NetworkIntent\n[", "", "\n", "#", "---", "...",
	"--- # head\n" + intentHead + "spec: # of spec\n  # above\n  dns: # key\n    true # value\n   # between\n # below\n# last\n", intentHead + "spec: {ports: {a: 1,},}\n", intentHead + "spec:\n  - a: b\n    # c\n   # d\n",
	intentHead + "spec: {in: ['a''b', \"c\\\n  d\", 'e\n\n  f']}\n", intentHead + "spec: {tests: [a -> b:80 allow, \"a -> b deny\"]}\n",
	"apiVersion: v1\nkind: ConfigMap\ndata: {a: \"kind: NetworkIntent\"}\n", "{{- if .Values.x }}\nkind: NetworkIntent\n{{- end }}\n",
}

func seed(f *testing.F) {
	for _, text := range whole {
		f.Add([]byte(text))
	}
	for _, text := range hostile {
		f.Add([]byte(text))
	}
}

// FuzzParse: whatever the text, findings that name places in it, and no panic.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file := File{PlatformFile, data}
		_, found := Parse([]File{file})
		inside(t, file, found)
	})
}

// inside holds findings to their promises: a code, a message, and places that exist.
func inside(t testing.TB, file File, found diag.List) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(string(file.Data), "\ufeff"), "\n")
	exists := func(what string, s diag.Span) {
		if s.File != file.Path || s.IsZero() {
			t.Errorf("%s is in %q", what, s.File)
		}
		if !s.HasPosition() {
			return
		}
		for _, p := range []diag.Position{s.Start, s.End} {
			if p.Line < 1 || int(p.Line) > len(lines) || p.Column < 1 || int(p.Column) > utf8.RuneCountInString(lines[p.Line-1])+2 {
				t.Errorf("%s is at %v-%v, which does not exist", what, s.Start, s.End)
			}
		}
		if s.End.Compare(s.Start) < 0 {
			t.Errorf("%s ends at %v, before it begins at %v", what, s.End, s.Start)
		}
	}
	for _, d := range found {
		if d.Rule == nil || d.Rule.Code == "" || d.Message == "" || d.Severity == 0 {
			t.Errorf("a finding without code, message or severity: %+v", d)
		}
		exists(d.Message, d.Span)
		for _, r := range d.Related {
			exists(d.Message+", "+r.Message, r.Span)
		}
		for _, e := range d.Fix {
			exists("the fix of "+d.Message, e.Span)
		}
	}
}

// FuzzFormat: what is formatted is a fixed point, holds every comment and means the
// same, by the judgement of a parser that knows nothing of either.
func FuzzFormat(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		formatted, found, err := Format(File{PlatformFile, data})
		if err != nil {
			t.Fatal(err)
		}
		if found.Failed() {
			inside(t, File{PlatformFile, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))}, found)
			return
		}
		again, found, err := Format(File{PlatformFile, formatted})
		if err != nil || found.Failed() || !bytes.Equal(again, formatted) {
			t.Fatalf("%v, %v: not a fixed point:\n%s", err, found.Err(), formatted)
		}
		if before, after := values(t, data), values(t, formatted); !reflect.DeepEqual(before, after) {
			t.Fatalf("it means something else:\n%v\n%v", before, after)
		}
		if bytes.ContainsAny(formatted, "\r\t") && !bytes.ContainsAny(formatted, "#") || len(formatted) > 0 && formatted[len(formatted)-1] != '\n' {
			t.Fatalf("not in canonical form: %q", formatted)
		}
	})
}

var (
	// endMarker is a line that ends a document (YAML 1.2.2, 9.1.2).
	endMarker = regexp.MustCompile(`(?m)^\.\.\.([ \t]|$)`)
	// vacant is a document of blanks and comments, behind the dashes that begin it.
	vacant = regexp.MustCompile(`^(?:[ \t]*(?:#.*)?(?:\n|$))*$`)
)

// values reads a file's documents as any YAML parser sees them. A key without a value
// stands for an empty mapping.
//
// The parser reads a stream of YAML 1.1, in which nothing ends before a document has
// begun and only a line of dashes begins another. In YAML 1.2 (1.2.2, 9.2) an end may
// stand anywhere between documents, and what follows it needs no dashes. With dashes in
// its place both say the same, but for documents without a value, which are left out: of
// them the parser also refuses those in which a tab is a blank (6.6).
func values(t testing.TB, data []byte) []any {
	t.Helper()
	var all []any
	text := bytes.ReplaceAll(bytes.TrimPrefix(data, bom), []byte("\r\n"), []byte("\n"))
	var documents []byte
	for i, doc := range bytes.Split(append([]byte("\n"), endMarker.ReplaceAll(text, []byte("---$1"))...), []byte("\n---")) {
		switch {
		case vacant.Match(doc):
		case i == 0:
			documents = append(documents, doc[len("\n"):]...)
		default:
			documents = append(append(documents, "\n---"...), doc...)
		}
	}
	reader := yaml.NewDecoder(bytes.NewReader(documents))
	for {
		var v any
		switch err := reader.Decode(&v); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("what was formatted is no YAML: %v", err)
		}
		if v = filled(v); v != nil {
			all = append(all, v)
		}
	}
}

func filled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if v[key] = filled(value); v[key] == nil {
				v[key] = map[string]any{}
			}
		}
	case []any:
		for i := range v {
			v[i] = filled(v[i])
		}
	}
	return v
}

// FuzzQuestion: what is read has two ends, and without its port can be turned round.
func FuzzQuestion(f *testing.F) {
	for _, text := range []string{
		"frontend -> checkout:http", "a/* -> */*", "@internet -> a/b:53/udp", "10.0.0.1 -> [2001:db8::1]:53/udp", "2001:db8::/32 -> a:1-2", "a->b", "a -> b:", "a -> [b", "-> b", "a -> ", "a -> b -> c",
		"a.b.svc -> c", "dns:example.com -> a", "a -> [10.0.0.1]:any", "::ffff:1.2.3.4 -> a", "a -> b:ping", "010.0.0.1 -> a", "a -> [b]x", "a\x00 -> b", "a -> fe80::1%eth0", "a -> 1.2.3.4/33",
		"a:40000 -> b:53,53/udp", "[fd00::1]:40000 -> b:http,any", "a -> b:1,", "a:http -> b",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuestion(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("a mistake without a word")
			}
			return
		}
		if q.From.Kind == 0 || q.To.Kind == 0 || slices.ContainsFunc(q.Ports, func(p PortRef) bool { return p.Name == "" && len(p.Ports) == 0 }) {
			t.Fatalf("%q is half a question: %+v", text, q)
		}
		if q.Ports != nil || q.SourcePort > 0 {
			return
		}
		from, to, _ := strings.Cut(text, "->")
		to = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(to), "["), "]")
		turned, err := ParseQuestion(to + "->" + from)
		if err != nil || !reflect.DeepEqual(turned, Question{From: q.To, To: q.From}) {
			t.Fatalf("%q turned round is %+v, %v", text, turned, err)
		}
	})
}
