package language

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: " + APIVersion + "\nkind: NetworkIntent\nmetadata: {name: a, namespace: b}\n"
	tests := []struct{ name, in, want string }{
		{"keys in the order of the kind", "kind: NetworkIntent\nspec: {owner: a, ports: {http: 80}}\nmetadata: {namespace: b, name: a}\napiVersion: " + APIVersion + "\n",
			head + "spec: {ports: {http: 80}, owner: a}\n"},
		{"of every line, and of Kubernetes' selectors", head + "spec:\n  selector: {matchExpressions: [{operator: Exists, key: b}], matchLabels: {z: a, a: z}}\n  inbound:\n    - {ports: [http], from: {except: [10.1.0.0/16], cidr: 10.0.0.0/8}}\n    - why: so\n      ports: [http]\n      from: {selector: {z: a, a: z}, namespace: b}\n",
			head + "spec:\n  selector: {matchLabels: {z: a, a: z}, matchExpressions: [{key: b, operator: Exists}]}\n  inbound:\n    - {from: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, ports: [http]}\n    - from: {namespace: b, selector: {z: a, a: z}}\n      ports: [http]\n      why: so\n"},
		{"the user's own names stay in theirs", head + "spec: {ports: {z: 1, a: 2}, in: [z, a]}\n", head + "spec: {ports: {z: 1, a: 2}, in: [z, a]}\n"},
		{"quotes", head + "spec:\n  owner: 'team'\n  inbound: [{from: ['@corp', '*/*', \"a/*\", \"b\"], ports: [\"80\", '53/udp', \"http\"], why: \"it's so, I say\"}]\n  tests: [a -> b:80 allow]\n",
			head + "spec:\n  inbound: [{from: [\"@corp\", \"*/*\", a/*, b], ports: [\"80\", 53/udp, http], why: \"it's so, I say\"}]\n  owner: team\n  tests: [\"a -> b:80 allow\"]\n"},
		{"words that other readers take for something else keep theirs", head + "spec: {selector: {a: 'yes', b: \"1.0\", c: '', d: 'null', e: \"0x1F\", f: '2026-01-01', g: \"1e3\", h: 'Off'}}\n",
			head + "spec:\n  selector: {a: \"yes\", b: \"1.0\", c: \"\", d: \"null\", e: \"0x1F\", f: \"2026-01-01\", g: \"1e3\", h: \"Off\"}\n"},
		{"indentation, and lists below their keys", head + "spec:\n      inbound:\n      -   from:   a\n          ports:\n          - http\n          -   dns\n",
			head + "spec:\n  inbound:\n    - from: a\n      ports:\n        - http\n        - dns\n"},
		{"brackets up to the hundredth column", head + "spec:\n  in: [" + strings.Repeat("env, ", 17) + "en-v]\n  owner: a\n  outbound: [{to: " + strings.Repeat("a", 60) + ", ports: [http, https, metrics, admin]}]\n",
			head + "spec:\n  outbound:\n    - to: " + strings.Repeat("a", 60) + "\n      ports: [http, https, metrics, admin]\n  in: [" + strings.Repeat("env, ", 17) + "en-v]\n  owner: a\n"},
		{"comments and empty lines", "# a file\n\n\n\n" + head + "# the spec\nspec:     # of a\n\n\n  # who calls\n  inbound:\n\n   - {from: b, ports: [http]}    # b\n   - {from: ccccc, ports: [http]} # c\n\n   # nobody else:\n   # - {from: d}\n\n     # really\n\n  # our ports\n  ports:\n    http: 80\n    # dns: 53\n# the end\n",
			"# a file\n\n" + head + "# the spec\nspec:  # of a\n  # our ports\n  ports:\n    http: 80\n    # dns: 53\n\n  # who calls\n  inbound:\n    - {from: b, ports: [http]}      # b\n    - {from: ccccc, ports: [http]}  # c\n\n    # nobody else:\n    # - {from: d}\n\n    # really\n# the end\n"},
		{"comments between brackets", head + "spec: {in: [a, # one\n  b, # two\n  # three\n  c\n  # four\n  ]} # five\n",
			head + "spec:  # five\n  in:\n    - a  # one\n    - b  # two\n    # three\n    - c\n    # four\n"},
		{"several documents", "---\n" + head + "...\n# between\n---\n\n---\n" + head + "\n\n---\n# at the end\n", "---\n" + head + "# between\n---\n" + head + "---\n# at the end\n"},
		{"end markers before the first document, and none between", "...\n... # one\n# two\n" + head + "...\t# three\n...\n" + head + "... # four\n---\n" + head + "...\n", "# one\n# two\n" + head + "# three\n---\n" + head + "# four\n---\n" + head},
		{"bytes", "\ufeff" + strings.ReplaceAll(head, "\n", "\r\n") + "spec: {}", head + "spec: {}\n"},
		{"a question between brackets", head + "spec: {inbound: [{from: b, ports: [http], why: 'who calls?'}]}\n", head + "spec: {inbound: [{from: b, ports: [http], why: \"who calls?\"}]}\n"},
		{"a number sign that begins no comment", head + "spec: {owner: 'a # b'}\n", head + "spec: {owner: \"a # b\"}\n"},
	}
	for _, test := range tests {
		got, found, err := Format(File{PlatformFile, []byte(test.in)})
		if err != nil || found != nil {
			t.Errorf("%s: %v, %v", test.name, err, found.Err())
			continue
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestFormatFillsTexts(t *testing.T) {
	t.Parallel()
	in := intentHead + "spec:\n  owner: >-\n    " + strings.Repeat("words and\n    ", 19) + "words\n"
	got, found, err := Format(File{PlatformFile, []byte(in)})
	if err != nil || found != nil {
		t.Fatal(err, found.Err())
	}
	lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")[5:]
	for i, l := range lines {
		if !strings.HasPrefix(l, "    ") || len(l) > 100 || i < len(lines)-1 && len(l) < 90 {
			t.Errorf("line %d is %q", i, l)
		}
	}
	if text := strings.Join(strings.Fields(strings.Join(lines, " ")), " "); text != strings.Repeat("words and ", 19)+"words" {
		t.Errorf("the text is %q", text)
	}
}

func TestFormatLeavesMistakesAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		intentHead + "spec: {inbuond: []}\n":          "portcullis.yaml:4:8",
		intentHead + "spec: [\n":                      "portcullis.yaml:4:1",
		intentHead + "spec: {}\r# x\n":                "portcullis.yaml:4:9",
		intentHead + "---\nkind: Namespace\n":         "portcullis.yaml:5:1",
		intentHead + "spec: {owner: a\u0085b}\n":      "portcullis.yaml:4:16",
		intentHead + "... spec: {}\n---\n" + platform: "portcullis.yaml:4:5",
		"... # c\n... {}\n" + platform:                "portcullis.yaml:2:5",
		intentHead + "\ufeff---\n" + platform:         "portcullis.yaml:4:1",
		"...\n\ufeff" + intentHead:                    "portcullis.yaml:2:1",
	} {
		got, found, err := Format(File{PlatformFile, []byte(text)})
		if got != nil || err != nil || len(found) == 0 || found[0].Span.String() != want {
			t.Errorf("%q: %q, %v, %v; expected a finding at %s", text, got, err, found.Err(), want)
		}
	}
}

// TestSyntaxIsToldWhereItIs: the parser counts the lines of some of its errors from 0.
func TestSyntaxIsToldWhereItIs(t *testing.T) {
	t.Parallel()
	const flow = "{kind: NetworkIntent,\n apiVersion: x}\n"
	for text, want := range map[string]string{
		"kind: ]\napiVersion: x\n":         "1:1",
		"a: 1\nkind: ]\napiVersion: x\n":   "2:1",
		flow + "\n  spec: {}\n":            "4:3",
		"# c\n" + flow + "]\n":             "4:1",
		flow + "\n'x\n":                    "4:1",
		"x\nkind: NetworkIntent\n":         "2:1",
		"kind: NetworkIntent\n- a\nb: 1\n": "2:1",
	} {
		found := (&Repository{}).parse(File{PlatformFile, []byte(text)})
		if len(found) != 1 || fmt.Sprintf("%d:%d", found[0].Span.Start.Line, found[0].Span.Start.Column) != want {
			t.Errorf("%q: %v; expected a finding at %s", text, found.Err(), want)
		}
	}
}

// TestFormatKeepsComments strews comments and empty lines over documents, in every
// place that takes them.
func TestFormatKeepsComments(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, text := range whole {
		lines = append(lines, strings.Split("---\n"+strings.TrimSuffix(text, "\n"), "\n")...)
	}
	rapid.Check(t, func(t *rapid.T) {
		var text []string
		var comments []string
		comment := func() string {
			c := fmt.Sprintf("# c%d: - {a: b} # x", len(comments))
			comments = append(comments, c)
			return c
		}
		for _, l := range lines {
			if inBrackets := strings.HasSuffix(l, "]") || strings.HasSuffix(l, "}"); inBrackets && strings.Contains(l, ", ") && rapid.IntRange(0, 5).Draw(t, "break") == 0 {
				at := strings.LastIndex(l, ", ") + 2
				if strings.Count(l[:at], `"`)%2 == 0 {
					text = append(text, l[:at]+comment(), strings.Repeat(" ", 12)+comment())
					l = strings.Repeat(" ", 12) + l[at:]
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				l += "  " + comment()
			case 1, 2:
				text = append(text, strings.Repeat(" ", rapid.IntRange(0, 12).Draw(t, "indent"))+comment())
			case 3:
				text = append(text, "")
			}
			text = append(text, l)
		}
		in := strings.Join(text, "\n") + "\n"
		got, found, err := Format(File{PlatformFile, []byte(in)})
		if err != nil || found != nil {
			t.Fatalf("%v, %v:\n%s", err, found.Err(), in)
		}
		var kept []string
		for l := range strings.SplitSeq(string(got), "\n") {
			if at := strings.Index(l, "# c"); at >= 0 {
				kept = append(kept, l[at:])
			}
		}
		slices.Sort(kept)
		slices.Sort(comments)
		if diff := cmp.Diff(comments, kept); diff != "" {
			t.Fatalf("comments (-before +after):\n%s\n%s", diff, got)
		}
	})
}
