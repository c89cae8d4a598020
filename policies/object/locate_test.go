package object_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// variants are the ways in which the same manifests may reach us.
var variants = map[string]func(string) string{
	"as written":        func(s string) string { return s },
	"CRLF":              func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"CR":                func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	"a byte order mark": func(s string) string { return "\ufeff" + s },
	"no last line end":  func(s string) string { return strings.TrimSuffix(s, "\n") },
	"behind a document": func(s string) string {
		return "# ünï\u2028# cödé\napiVersion: v1\nkind: Pod\nmetadata: {name: first}\n---\n" + s
	},
}

// TestLocateFindsEveryScalar is the law: the text at the span of a value, read by
// itself, is the value.
func TestLocateFindsEveryScalar(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/locate/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		original, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, variant := range variants {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				t.Parallel()
				data := variant(string(original))
				objects, found := object.Decode(file, []byte(data))
				if len(found) > 0 {
					t.Error(found[0].Message)
				}
				scalars := 0
				for _, o := range objects {
					root, _ := o.Value("")
					each("", root, func(pointer string, value any) {
						scalars++
						locates(t, data, diag.Subject{Object: o.ID, Pointer: pointer}, value)
					})
				}
				if scalars < 10 {
					t.Errorf("%d objects with %d scalars", len(objects), scalars)
				}
			})
		}
	}
}

func each(at string, v any, f func(pointer string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			each(at+object.Pointer(k), member, f)
		}
	case []any:
		for i, item := range v {
			each(at+"/"+strconv.Itoa(i), item, f)
		}
	default:
		f(at, v)
	}
}

func locates(t *testing.T, data string, subject diag.Subject, value any) {
	t.Helper()
	span, how := object.Locate("f.yaml", []byte(data), subject, value)
	if how != object.AtValue {
		t.Errorf("%v: %v", subject, how)
		return
	}
	slice := cut(data, span)
	if strings.HasPrefix(slice, "*") || value == nil && slice != "~" {
		return // an alias; a null without a text, which is pointed at by its key
	}
	var got struct{ V any }
	raw, err := yaml.YAMLToJSON([]byte("V: " + slice + "\n"))
	if err == nil {
		err = json.Unmarshal(raw, &got)
	}
	want := value
	if s, ok := value.(string); ok && strings.ContainsAny(slice[:1], "|>") {
		// The blank lines that follow a block are not part of its span.
		want = strings.TrimRight(s, "\n")
		s, _ = got.V.(string)
		got.V = strings.TrimRight(s, "\n")
	}
	// Without its tag, !!str 80 is a number.
	if s, ok := value.(string); ok && fmt.Sprint(got.V) == s {
		got.V = s
	}
	if diff := cmp.Diff(want, got.V); err != nil || diff != "" {
		t.Errorf("%v at %v-%v is %q, %v (-want +got):\n%s", subject, span.Start, span.End, slice, err, diff)
	}
}

// cut is the text at a span, read off the text as an editor would.
func cut(data string, s diag.Span) string {
	lines := strings.SplitAfter(strings.TrimPrefix(data, "\ufeff"), "\n")
	first, last := []rune(lines[s.Start.Line-1]), []rune(lines[s.End.Line-1])
	if s.Start.Line == s.End.Line {
		return string(first[s.Start.Column-1 : s.End.Column-1])
	}
	return string(first[s.Start.Column-1:]) + strings.Join(lines[s.Start.Line:s.End.Line-1], "") + string(last[:s.End.Column-1])
}

func TestLocate(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/locate/policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data := string(raw)
	policy := object.ID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "zero-trust-demo", Name: "frontend"}
	global := object.ID{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy", Name: "default-deny"}
	for name, c := range map[string]struct {
		subject diag.Subject
		want    any
		how     object.Located
		text    string
	}{
		"a value":                      {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/1/port"}, "http", object.AtValue, "http"},
		"a value, not compared":        {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/1/port"}, nil, object.AtValue, "http"},
		"a number as Go's int":         {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/0/port"}, 80, object.AtValue, "80"},
		"a number in another notation": {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/1/endPort"}, int32(80), object.AtValue, "0x50"},
		"a YAML 1.1 word":              {diag.Subject{Object: global, Pointer: "/spec/doNotTrack"}, false, object.AtValue, "no"},
		"an escaped pointer":           {diag.Subject{Object: policy, Pointer: "/metadata/labels/te am"}, "it's", object.AtValue, "'it''s'"},
		"an alias":                     {diag.Subject{Object: policy, Pointer: "/metadata/annotations/alias"}, "frontend", object.AtValue, "*name"},
		"a mapping by its key":         {diag.Subject{Object: policy, Pointer: "/spec/podSelector"}, nil, object.AtValue, "podSelector"},
		"a mapping, compared":          {diag.Subject{Object: policy, Pointer: "/spec/podSelector"}, map[string]any{"matchLabels": map[string]string{"app": "frontend"}}, object.AtValue, "podSelector"},
		"a mapping in a list":          {diag.Subject{Object: policy, Pointer: "/spec/ingress/0"}, nil, object.AtValue, "from:"},
		"a whole object":               {diag.Subject{Object: policy}, nil, object.AtValue, "apiVersion: networking.k8s.io/v1"},
		"another value":                {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/1/port"}, "https", object.AtObject, "frontend"},
		"a string, not the number":     {diag.Subject{Object: policy, Pointer: "/spec/ingress/0/ports/0/port"}, "80", object.AtObject, "frontend"},
		"a field that is not there":    {diag.Subject{Object: policy, Pointer: "/spec/egress/7"}, nil, object.AtObject, "frontend"},
		"a member of a scalar":         {diag.Subject{Object: global, Pointer: "/spec/order/x"}, nil, object.AtObject, "default-deny"},
		"another name":                 {diag.Subject{Object: object.ID{Kind: "Pod", Name: "frontend"}}, nil, object.NotFound, ""},
		"another namespace":            {diag.Subject{Object: object.ID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "default", Name: "frontend"}}, nil, object.NotFound, ""},
		"no identity":                  {diag.Subject{Pointer: "/spec"}, nil, object.NotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			span, how := object.Locate("f.yaml", raw, c.subject, c.want)
			if how != c.how {
				t.Fatalf("%v, not %v", how, c.how)
			}
			if how == object.NotFound {
				if !span.IsZero() {
					t.Errorf("what was not found is at %v", span)
				}
				return
			}
			if got := cut(data, span); got != c.text {
				t.Errorf("%v is %q, not %q", span, got, c.text)
			}
		})
	}
}

// TestFindingsStandWhereTheyPoint: what Decode says of a field, Locate finds.
func TestFindingsStandWhereTheyPoint(t *testing.T) {
	t.Parallel()
	data := manifest("NetworkPolicy", "a") + "spec:\n  ingress:\n  - form: []\n    ports: [{prot: 80}]\n"
	_, found := object.Decode("f.yaml", []byte(data))
	var got []string
	for _, d := range found {
		span, how := object.Locate("f.yaml", []byte(data), d.Subject, nil)
		if how != object.AtValue {
			t.Errorf("%v: %v", d.Subject, how)
		}
		got = append(got, fmt.Sprintf("%d %s", span.Start.Line, cut(data, span)))
	}
	if diff := cmp.Diff([]string{"7 form", "8 80"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
