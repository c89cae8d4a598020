// Package intent is the language: it reads what people wrote, says what is wrong
// with it, and resolves it for one environment into a plan.
//
// Its invariant: every mistake of a repository is reported in one run, each at the
// word that is wrong; and a Plan leaves this package only if there was none.
//
// It must not know how a policy is spelt, nor in which order Calico evaluates it.
package intent

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// PlatformFile is the file that marks the root of a repository of intents.
const PlatformFile = "portcullis.yaml"

// maxNodes bounds the work for one file; 10,000 intents take a tenth of it.
const maxNodes = 1_000_000

// Repository is what was written, document by document, unresolved.
type Repository struct {
	Platform *Platform
	Intents  []NetworkIntent // in the order of files and documents

	AllowEmpty bool // a repository without intents is meant
}

// File is one text of the repository; Path is relative to its root, with slashes.
type File struct {
	Path string
	Data []byte
}

// ours finds a document's head, block or flow style. The annotations on emitted
// manifests, which may lie in the same repository, do not look like it.
var ours = regexp.MustCompile(`(?m)^[^#\n]*?(["']?apiVersion["']?[ \t]*:[ \t]*["']?portcullis\.dev/|["']?kind["']?[ \t]*:[ \t]*["']?NetworkIntent\b)`)

// Ours reports whether a file is written in the intent language, and therefore
// read strictly. Other YAML beside it is not our business.
func Ours(f File) bool {
	switch path.Ext(f.Path) {
	case ".yaml", ".yml":
		return path.Base(f.Path) == PlatformFile || ours.Match(f.Data)
	}
	return false
}

// Parse reads the files that are Ours, in the order given.
func Parse(files []File) (*Repository, diag.List) {
	repo := &Repository{}
	var found diag.List
	for _, f := range files {
		if Ours(f) {
			found = append(found, repo.parse(f)...)
		}
	}
	if repo.Platform == nil && !found.Failed() {
		found = append(found, platformCount.At(diag.Span{File: PlatformFile}, "there is no Platform in the repository").
			Suggest("put one into %s:\n\n%s", PlatformFile, indent(minimalPlatform)))
	}
	return repo, found
}

const minimalPlatform = `apiVersion: ` + APIVersion + `
kind: Platform
metadata: {name: my-platform}
spec: {}
`

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}

var bom = []byte("\xef\xbb\xbf")

func (r *Repository) parse(f File) diag.List {
	data := bytes.TrimPrefix(f.Data, bom)
	if !utf8.Valid(data) {
		return diag.List{unreadable.At(diag.Span{File: f.Path}, "the file is not UTF-8").Suggest("save it as UTF-8")}
	}
	var found diag.List
	for doc := range object.Documents(f.Path, data) {
		d := &decoder{at: doc}
		if n := d.root(); n != nil {
			r.document(d, n)
		}
		found = append(found, d.found...)
	}
	return found
}

// root parses one document into nodes that hold nothing but the language's YAML.
func (d *decoder) root() *yaml.Node {
	for i, line := range strings.Split(string(d.at.Text), "\n") {
		if strings.HasPrefix(line, "%") {
			d.add(notInLanguage.At(d.at.Line(i+1), "a YAML directive").Suggest("remove the line"))
			return nil
		}
	}
	var n, rest yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(d.at.Text))
	if err := reader.Decode(&n); err != nil {
		d.syntax(err)
		return nil
	}
	if err := reader.Decode(&rest); err != io.EOF {
		d.add(notInLanguage.At(d.at.Line(rest.Line), "something follows the end of the document (...)").Suggest("begin each document with ---"))
		return nil
	}
	if count(&n) > maxNodes {
		d.add(limitExceeded.At(d.at.Line(1), "more than %d values in one document", maxNodes))
		return nil
	}
	before := len(d.found)
	d.check(n.Content[0], 0)
	if d.found[before:].Failed() {
		return nil
	}
	return n.Content[0]
}

func count(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += count(c)
	}
	return total
}

// document decodes one document into the kind that it says it is.
func (r *Repository) document(d *decoder, n *yaml.Node) {
	var head struct{ apiVersion, kind *yaml.Node }
	if n.Kind == yaml.MappingNode {
		for key, value := range pairs(n) {
			switch key.Value {
			case "apiVersion":
				head.apiVersion = value
			case "kind":
				head.kind = value
			}
		}
	}
	if head.kind == nil || head.apiVersion == nil {
		d.add(wrongKind.At(d.at.Span(n), "expected a document with apiVersion: %s and a kind", APIVersion).
			Suggest("the kinds are NetworkIntent and Platform"))
		return
	}
	if head.apiVersion.Value != APIVersion {
		f := wrongKind.At(d.at.Span(head.apiVersion), "expected apiVersion %s, found %.80s", APIVersion, head.apiVersion.Value)
		if strings.HasPrefix(head.apiVersion.Value, strings.TrimSuffix(APIVersion, "v1alpha1")) || head.kind.Value == "NetworkIntent" {
			f = f.Replace(d.at.Span(head.apiVersion), APIVersion)
		} else {
			f = f.Suggest("move other manifests into a file of their own: here they would not be read")
		}
		d.add(f)
		return
	}
	switch head.kind.Value {
	case "NetworkIntent":
		var i NetworkIntent
		d.value(n, reflect.ValueOf(&i).Elem())
		r.Intents = append(r.Intents, i)
	case "Platform":
		var p Platform
		d.value(n, reflect.ValueOf(&p).Elem())
		if r.Platform != nil {
			d.add(platformCount.At(p.Metadata.Name.Span, "a second Platform").See(r.Platform.Metadata.Name.Span, "the first is here").
				Suggest("merge the two: a repository has one Platform"))
			return
		}
		r.Platform = &p
	default:
		kinds := []string{"NetworkIntent", "Platform"}
		f := wrongKind.At(d.at.Span(head.kind), "expected the kind %s, found %.80s", listed(kinds, "or"), head.kind.Value)
		if near := nearest(head.kind.Value, kinds); near != "" {
			f = f.Suggest("did you mean %s?", near).Replace(d.at.Span(head.kind), near)
		}
		d.add(f)
	}
}

var (
	errorLine = regexp.MustCompile(`line (\d+): (.*)`)
	// indicator is a character that cannot begin a plain word, where one begins.
	indicator = regexp.MustCompile("(?:^|[\\[{,:-])[ \t]*([@`%])")
	star      = regexp.MustCompile(`(?:^|[\[{,:-])[ \t]*(\*/\*)`)
)

// syntax explains a parse error. The parser names a line near the mistake, and no
// column; what people most often forget are the quotes around @names and "*/*".
func (d *decoder) syntax(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := errorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	lines := strings.Split(string(d.at.Text), "\n")
	for _, n := range []int{line, line - 1, line + 1, 1} {
		if n < 1 || n > len(lines) {
			continue
		}
		for _, quoted := range []*regexp.Regexp{indicator, star} {
			if at := quoted.FindStringSubmatchIndex(lines[n-1]); at != nil {
				span := d.at.Line(n)
				word := wordAt(lines[n-1][at[2]:])
				span.Start.Column = utf8.RuneCountInString(lines[n-1][:at[2]]) + 1
				span.End.Column = span.Start.Column + utf8.RuneCountInString(word)
				d.add(object.NotYAML.At(span, "%s needs quotes in YAML", word).Suggest("write %q", word).Replace(span, fmt.Sprintf("%q", word)))
				return
			}
		}
	}
	d.add(object.NotYAML.At(d.at.Line(line), "the document does not parse as YAML: %.200s", message).
		Suggest("look at the indentation and the brackets of this line and the one before it"))
}

func wordAt(s string) string {
	if i := strings.IndexAny(s, " ,]}\t\r"); i > 0 {
		return s[:i]
	}
	return s
}
