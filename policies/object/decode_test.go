package object_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

func manifest(kind, name string) string {
	api := map[string]string{
		"NetworkPolicy": "networking.k8s.io/v1", "GlobalNetworkPolicy": "projectcalico.org/v3",
		"Namespace": "v1", "ConfigMap": "v1", "Deployment": "apps/v1",
	}[kind]
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", api, kind, name)
}

// decoded is what Decode answered, in a form that a table can hold: the objects'
// IDs and, for each finding, its code and place.
func decoded(data string) (ids, findings []string) {
	objects, found := object.Decode("f.yaml", []byte(data))
	for _, o := range objects {
		ids = append(ids, o.ID.String())
	}
	for _, d := range found {
		where := fmt.Sprintf("%d:%d", d.Span.Start.Line, d.Span.Start.Column)
		if d.Span.IsZero() {
			where = d.Subject.Object.String() + d.Subject.Pointer
		}
		findings = append(findings, d.Rule.Code+" "+where)
	}
	return ids, findings
}

func TestDecode(t *testing.T) {
	t.Parallel()
	np, ns, cm := manifest("NetworkPolicy", "a"), manifest("Namespace", "b"), manifest("ConfigMap", "c")
	const npID, nsID, cmID = "NetworkPolicy default/a", "Namespace b", "ConfigMap c"
	indent := func(s string) string {
		return "- " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
	}
	for name, c := range map[string]struct {
		data     string
		ids      []string
		findings []string
	}{
		"empty":                            {"", nil, nil},
		"only blanks and comments":         {"\n# nothing\n---\n# here\n--- # or here\n...\n", nil, nil},
		"an explicit null":                 {"--- ~\n", nil, nil},
		"several documents":                {np + "---\n" + ns + "---\n" + cm, []string{npID, nsID, cmID}, nil},
		"a marker first, comments":         {"# head\n--- # one\n" + np + "--- # two\n# more\n" + ns, []string{npID, nsID}, nil},
		"a marker with a blank":            {np + "--- \n" + ns + "---\t\n" + cm, []string{npID, nsID, cmID}, nil},
		"an end marker, and more":          {np + "...\n" + ns + "... # end\n" + cm, []string{npID, nsID, cmID}, nil},
		"end and start markers":            {np + "...\n---\n" + ns, []string{npID, nsID}, nil},
		"end markers first":                {"...\n... # one\r\n# two\n...\t# three\n" + np + "...\n...\n", []string{npID}, nil},
		"an end marker behind a mark":      {"\ufeff...\n" + np, []string{npID}, nil},
		"an empty document between ends":   {"--- # a\n...\n" + np + "...\n---\n...\n" + ns, []string{npID, nsID}, nil},
		"CRLF":                             {strings.ReplaceAll(np+"---\n"+ns, "\n", "\r\n"), []string{npID, nsID}, nil},
		"CR alone":                         {strings.ReplaceAll(np+"---\n"+ns, "\n", "\r"), []string{npID, nsID}, nil},
		"a line separator as line break":   {np + "x: 1\u2028---\u2028" + ns, []string{npID, nsID}, []string{"PC010 NetworkPolicy default/a/x"}},
		"a byte order mark":                {"\ufeff" + np, []string{npID}, nil},
		"a byte order mark and a marker":   {"\ufeff---\n" + np + "---\n" + ns, []string{npID, nsID}, nil},
		"dashes that are text":             {np + "  annotations:\n    x: |\n      ---\n      ...\n    y: ---z\n", []string{npID}, nil},
		"flow style":                       {`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}}`, []string{nsID}, nil},
		"flow style, two documents":        {"{apiVersion: v1, kind: Namespace, metadata: {name: b}}\n---\n" + np, []string{nsID, npID}, nil},
		"a value after the end":            {"{apiVersion: v1, kind: Namespace, metadata: {name: b}}\nkind: NetworkPolicy\n", nil, []string{"PC001 2:1"}},
		"an outdented value after the end": {"  apiVersion: v1\n  kind: Namespace\n  metadata: {name: b}\nkind: NetworkPolicy\n", nil, []string{"PC001 4:1"}},
		"a List":                           {"apiVersion: v1\nkind: List\nitems:\n" + indent(np) + indent(ns), []string{npID, nsID}, nil},
		"a kind's own List":                {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n" + indent(np), []string{npID}, nil},
		"a List in a List":                 {"apiVersion: v1\nkind: List\nitems:\n- kind: List\n  apiVersion: v1\n  items: [{apiVersion: v1, kind: Namespace, metadata: {name: b}}]\n", []string{nsID}, nil},
		"an empty List":                    {"apiVersion: v1\nkind: List\nitems: []\n", nil, nil},
		"a foreign kind that has items":    {"apiVersion: x.io/v1\nkind: Cart\nmetadata: {name: c}\nitems: {a: 1}\n", []string{"Cart c"}, nil},
		"a foreign kind called List":       {"apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: c}\nspec: {}\n", []string{"AllowList c"}, nil},
		"foreign fields are not read":      {cm + "data: 1\nspec: [x]\n", []string{cmID}, nil},
		"world fields need not be known":   {ns + "spec: {future: 1}\n", []string{nsID}, nil},
		"world fields have types":          {manifest("Deployment", "d") + "spec: {replicas: many}\n", nil, []string{"PC010 5:18"}},

		"no kind":             {"apiVersion: v1\nmetadata: {name: x}\n", nil, []string{"PC013 1:1"}},
		"no name":             {np + "---\n# second\nkind: Namespace\napiVersion: v1\n", []string{npID}, []string{"PC013 7:1"}},
		"kind in upper case":  {"apiVersion: v1\nKind: Namespace\nmetadata: {name: x}\n", nil, []string{"PC013 1:1"}},
		"a number for a name": {"apiVersion: v1\nkind: Namespace\nmetadata: {name: 1}\n", nil, []string{"PC013 1:1"}},
		"a scalar":            {"hello\n", nil, []string{"PC013 1:1"}},
		"a sequence":          {np + "---\n\n- a\n", []string{npID}, []string{"PC013 7:1"}},

		"a key twice":                            {np + "kind: Other\n", nil, []string{"PC003 5:1"}},
		"a mapping twice":                        {np + "metadata:\n  name: b\n", nil, []string{"PC003 5:1"}},
		"a key twice, 2nd document":              {ns + "---\n# c\n" + np + "spec:\n  podSelector: {a: 1, a: 2}\n", []string{nsID}, []string{"PC003 12:23"}},
		"a key twice, 3rd document":              {ns + "---\n" + cm + "---\n" + np + "spec:\n  podSelector: {}\n  \"podSelector\":\n    a: b\n", []string{nsID, cmID}, []string{"PC003 17:3"}},
		"all keys written twice":                 {np + "kind: x\nspec: {a: 1, a: 2}\n", nil, []string{"PC003 5:1", "PC003 6:14"}},
		"a key twice behind a comma, multi-byte": {np + "spec: {é: 1, 日本: 2, é: 3}\n", nil, []string{"PC003 5:21"}},
		"an alias for a key":                     {cm + "data: {&k a: 1, *k : 2}\n", nil, []string{"PC003 5:17"}},
		"keys that only YAML tells apart":        {cm + "data:\n  1: a\n  \"1\": b\n", nil, []string{"PC003 7:3"}},
		"YAML 1.1 words as keys":                 {cm + "data:\n  y: a\n  \"true\": b\n", nil, []string{"PC003 7:3"}},
		"a number among strings":                 {cm + "data:\n  1: a\n  \"2\": b\n", []string{cmID}, nil},

		"not YAML":                              {"a: b: c\n", nil, []string{"PC001 1:1"}},
		"not YAML, 2nd document":                {ns + "---\nx:\n  - a\n  b\n" + "---\n" + cm, []string{nsID, cmID}, []string{"PC001 8:3"}},
		"an unclosed quote":                     {ns + "x: \"abc\n", nil, []string{"PC001 5:1"}},
		"an unclosed brace":                     {"{a: 1,\n", nil, []string{"PC001 1:1"}},
		"a tab":                                 {"a:\n\tb: 1\n", nil, []string{"PC001 2:2"}},
		"a control character":                   {"a: \x00\n", nil, []string{"PC001 1:4"}},
		"a control character in a comment":      {"# é\u0085é\x1b[2J\n" + np, nil, []string{"PC001 1:6"}},
		"a control character between documents": {np + "... # \u009b2J\n---\n# \uffff\n---\n" + ns, nil, []string{"PC001 5:7"}},
		"characters that are printable":         {np + "# \t\u00a0\ufffd\U0010ffff\u202e\n", []string{npID}, nil},
		"a stray bracket":                       {"a: ]\nb: 1\n", nil, []string{"PC001 1:1"}},
		"a stray bracket, later":                {"a: 1\nb: ]\nc: 1\n", nil, []string{"PC001 2:1"}},
		"an unknown alias":                      {"a: *x\n", nil, []string{"PC001 1:1"}},

		"text behind an end marker":            {np + "... {a: é}  \n---\n" + ns, nil, []string{"PC001 5:5"}},
		"text behind an end marker, CRLF":      {np + "...\tx # y\r\n" + ns, nil, []string{"PC001 5:5"}},
		"text behind an end marker that leads": {"... x\n... ---\n... ...\n" + np, nil, []string{"PC001 1:5", "PC001 2:5", "PC001 3:5"}},
		"dots that are no marker":              {np + "...x: 1\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/...x"}},
		"a mark before a marker":               {np + "\ufeff---\n" + ns, nil, []string{"PC001 5:1"}},
		"a mark behind markers":                {np + "---\n\ufeff" + ns + "...\n\ufeff" + cm, nil, []string{"PC001 6:1", "PC001 11:1"}},
		"a mark inside a line":                 {np + "x: \"\ufeff\"\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/x"}},

		"invalid UTF-8": {ns + "x: é\xff\n", nil, []string{"PC001 5:5"}},
		"UTF-16":        {"\xff\xfea\x00:\x00", nil, []string{"PC001 1:1"}},
		"a binary file": {"\x7fELF\x02\x01\x01\x00\xb0", nil, []string{"PC001 1:9"}},

		"an unknown field":                {np + "spec:\n  podSelector: {}\n  ingres: []\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/spec/ingres"}},
		"all unknown fields":              {np + "spec:\n  ingress:\n  - from: []\n  - form: []\n    prots: []\nx/y~z: 1\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/spec/ingress/1/form", "PC010 NetworkPolicy default/a/spec/ingress/1/prots", "PC010 NetworkPolicy default/a/x~1y~0z"}},
		"a field in another case":         {np + "spec:\n  podSelector: {}\n  INGRESS: []\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/spec/INGRESS"}},
		"the empty field":                 {np + "\"\": 1\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/"}},
		"an unknown field with a quote":   {np + "'a\"b.c': 1\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/a\"b.c"}},
		"another type":                    {np + "spec:\n  podSelector: x\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/spec/podSelector"}},
		"another type in a list":          {np + "spec:\n  ingress:\n  - {}\n  - ports: [{protocol: TCP}, {protocol: 6}]\n", []string{npID}, []string{"PC010 8:41"}},
		"another type under a dotted key": {np + "  labels:\n    a.b: x\n    app.kubernetes.io/name: [1]\n", []string{npID}, []string{"PC010 NetworkPolicy default/a/metadata/labels/app.kubernetes.io~1name"}},

		"an unmodelled group":   {"apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: z}\n", []string{"NetworkPolicy z/x"}, []string{"PC011 NetworkPolicy z/x/kind"}},
		"an unmodelled version": {"apiVersion: networking.k8s.io/v2\nkind: NetworkPolicy\nmetadata: {name: x}\n", []string{"NetworkPolicy x"}, []string{"PC011 NetworkPolicy x/kind"}},
		"an unmodelled kind":    {"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\n", []string{"AdminNetworkPolicy x"}, []string{"PC011 AdminNetworkPolicy x/kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids, findings := decoded(c.data)
			if diff := cmp.Diff(c.ids, ids); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.findings, findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	objects, found := object.DecodeJSON([]byte(`{"apiVersion":"projectcalico.org/v3","kind":"GlobalNetworkPolicy","metadata":{"name":"g","namespace":"stamped"},"spec":{"types":["Ingress"]}}`))
	if len(objects) != 1 || len(found) != 0 {
		t.Fatalf("%d objects, %v", len(objects), found.Err())
	}
	if want := (object.ID{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy", Name: "g"}); objects[0].ID != want {
		t.Errorf("%v, not %v", objects[0].ID, want)
	}
	if v, ok := objects[0].Value("/spec/types/0"); !ok || v != "Ingress" {
		t.Errorf("the value is %v", v)
	}
	if _, found := object.DecodeJSON([]byte(`{"kind":`)); len(found) != 1 {
		t.Errorf("broken JSON: %d findings", len(found))
	}
}

func TestSetHoldsEachObjectOnce(t *testing.T) {
	t.Parallel()
	a, _ := object.Decode("a.yaml", []byte(manifest("NetworkPolicy", "x")+"---\n"+manifest("Namespace", "ns")))
	b, _ := object.Decode("b.yaml", []byte(manifest("NetworkPolicy", "x")+"  namespace: default\n"))
	set, found := object.NewSet(append(slices.Clone(a), b...))
	if set.Len() != 2 || len(found) != 1 || found[0].Rule.Code != "PC012" {
		t.Fatalf("%d objects, %v", set.Len(), found.Err())
	}
	for _, o := range a {
		if got, ok := set.Get(o.ID); !ok || got.File != "a.yaml" {
			t.Errorf("%v: found %v in %q", o.ID, ok, got.File)
		}
	}
	if _, ok := set.Get(object.ID{Kind: "Pod", Name: "none"}); ok {
		t.Error("an object that is not there was found")
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range object.Rules {
		if len(r.Code) != 5 || !strings.HasPrefix(r.Code, "PC0") || strings.Trim(r.Code[2:], "0123456789") != "" {
			t.Errorf("%q is not a code of the family PC0xx", r.Code)
		}
		if seen[r.Code] {
			t.Errorf("%s is declared twice", r.Code)
		}
		seen[r.Code] = true
		if r.Severity != diag.Error || !r.Unjudgeable() {
			t.Errorf("%s: what cannot be read cannot be judged", r.Code)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Mend, ".") {
			t.Errorf("%s: a title is a clause, help is sentences: %q, %q, %q", r.Code, r.Title, r.Why, r.Mend)
		}
	}
}
