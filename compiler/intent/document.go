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
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// PlatformFile is the file that marks the root of a repository of intents.
const PlatformFile = "portcullis.yaml"

// maxNodes bounds the work for one file; 10,000 intents take a tenth of it.
const maxNodes = 1_000_000

// mostFindings is how many mistakes of one document are told: a file of nothing else
// would be a report that nobody can open.
const mostFindings = 1000

// Repository is what was written, document by document, unresolved.
type Repository struct {
	Platform *Platform // its parts merged; nil if there is none
	Intents  []NetworkIntent
	Waivers  []Waiver

	parts []Platform // the one of PlatformFile first
	// partial: some document has a mistake, so that something in it may be missing.
	partial bool
	// lost: of some document not even the name is known.
	lost bool
}

// kinds is the table of what a document may be.
var kinds = []struct {
	name     string
	document reflect.Type
	add      func(*Repository, *decoder, *yaml.Node)
}{
	{"NetworkIntent", reflect.TypeFor[NetworkIntent](), func(r *Repository, d *decoder, n *yaml.Node) {
		i := decoded[NetworkIntent](d, n)
		i.partial = d.found.Failed()
		r.lost = r.lost || i.Metadata.Name.Value == "" || i.partial && i.Metadata.Namespace.Value == "" && i.Spec.Namespaces == nil
		r.Intents = append(r.Intents, i)
	}},
	{"Platform", reflect.TypeFor[Platform](), func(r *Repository, d *decoder, n *yaml.Node) {
		r.parts = append(r.parts, decoded[Platform](d, n))
	}},
	{"Waiver", reflect.TypeFor[Waiver](), func(r *Repository, d *decoder, n *yaml.Node) {
		r.Waivers = append(r.Waivers, decoded[Waiver](d, n))
	}},
}

func decoded[T any](d *decoder, n *yaml.Node) (document T) {
	d.value(n, reflect.ValueOf(&document).Elem())
	return document
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// File is one text of the repository; Path is relative to its root, with slashes.
type File struct {
	Path string
	Data []byte
}

// Parse reads the files that are Ours. The order in which they are given does not
// matter.
func Parse(files []File) (*Repository, diag.List) {
	repo := &Repository{}
	var found diag.List
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range sorted {
		if Ours(f) {
			found = append(found, repo.parse(f)...)
		}
	}
	repo.partial = found.Failed()
	found = append(found, repo.mergeParts()...)
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
	if found := Unreadable(f); found != nil {
		r.lost = true
		return found
	}
	if found := object.Stray(f.Path, data); found != nil {
		r.lost = true
		return found
	}
	var found diag.List
	for doc := range object.Documents(f.Path, data) {
		d := &decoder{at: doc}
		if n := d.root(); n == nil || !r.document(d, n) {
			r.lost = true
		}
		if all := len(d.found); all > mostFindings {
			d.found = append(d.found[:mostFindings], limitExceeded.At(d.at.Line(1), "the document has %d mistakes, of which %d are told", all, mostFindings).
				Suggest("mend those first"))
		}
		found = append(found, d.found...)
	}
	return found
}

// root parses one document into nodes that hold nothing but the language's YAML.
func (d *decoder) root() *yaml.Node {
	at := 0
	for line := range bytes.SplitSeq(d.at.Text, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("%")) {
			d.add(notInLanguage.At(d.at.Within(at, at+len(line)), "a YAML directive").Suggest("remove the line"))
			return nil
		}
		at += len(line) + 1
	}
	var n, rest yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(d.at.Text))
	if err := reader.Decode(&n); err != nil {
		d.syntax(err)
		return nil
	}
	if err := reader.Decode(&rest); err != io.EOF {
		d.beyond(err, notInLanguage, "something follows the end of the document's value", "begin each document with ---, or write what belongs to one into one mapping")
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

// document decodes one document into the kind that it says it is, and reports
// whether there is such a kind.
func (r *Repository) document(d *decoder, n *yaml.Node) (known bool) {
	var head struct{ apiVersion, kind *yaml.Node }
	var misspelt []*yaml.Node
	if n.Kind == yaml.MappingNode {
		for key, value := range pairs(n) {
			switch meant := headKey(key.Value); {
			case key.Value == "apiVersion":
				head.apiVersion = value
			case key.Value == "kind":
				head.kind = value
			case meant == "apiVersion" || meant == "kind":
				misspelt = append(misspelt, key)
			}
		}
	}
	if (head.kind == nil || head.apiVersion == nil) && len(misspelt) > 0 {
		for _, key := range misspelt {
			meant := headKey(key.Value)
			d.add(unknownField.At(d.at.Span(key), "there is no field %q here: %s is spelt so", key.Value, meant).
				Because("keys are read as they are written, and a document without %s could be anybody's", meant).
				Suggest("write %s", meant).Replace(d.at.Span(key), meant))
		}
		return false
	}
	if head.kind == nil || head.apiVersion == nil {
		d.add(wrongKind.At(d.at.Span(n), "expected a document with apiVersion: %s and a kind", APIVersion).
			Suggest("the kinds are %s", listed(kindNames(), "and")))
		return false
	}
	if head.apiVersion.Value != APIVersion {
		f := wrongKind.At(d.at.Span(head.apiVersion), "expected apiVersion %s, found %.80s", APIVersion, head.apiVersion.Value)
		if strings.HasPrefix(head.apiVersion.Value, strings.TrimSuffix(APIVersion, "v1alpha1")) || head.kind.Value == "NetworkIntent" {
			f = f.Suggest("write %s", APIVersion).Replace(d.at.Span(head.apiVersion), APIVersion)
		} else {
			f = f.Suggest("move other manifests into a file of their own: here they would not be read")
		}
		d.add(f)
		return false
	}
	for _, k := range kinds {
		if k.name == head.kind.Value {
			k.add(r, d, n)
			return true
		}
	}
	f := wrongKind.At(d.at.Span(head.kind), "expected the kind %s, found %.80s", listed(kindNames(), "or"), head.kind.Value)
	if near := nearest(head.kind.Value, kindNames()); near != "" {
		f = f.Suggest("did you mean %s?", near).Replace(d.at.Span(head.kind), near)
	}
	d.add(f)
	return false
}

var (
	errorLine = regexp.MustCompile(`line (\d+): (.*)`)
	// indicator is a character that cannot begin a plain word, where one begins.
	indicator = regexp.MustCompile("(?:^|[\\[{,:-])[ \t]*([@`%])")
	star      = regexp.MustCompile(`(?:^|[\[{,:-])[ \t]*(\*/\*)`)
	tab       = regexp.MustCompile(`^ *(\t)`)
	unknown   = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// errorAt takes a parse error apart. The parser counts lines from 0 in some of its
// errors and from 1 in the others, and does not name a line 0.
func errorAt(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := errorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	if line == 0 || strings.HasPrefix(message, "did not find expected") {
		line++
	}
	return line, message
}

// beyond explains the error of a parser that has read one value, of which nothing but
// the end of the text was expected.
func (d *decoder) beyond(err error, r *diag.Rule, message, help string) {
	line, problem := errorAt(err)
	if problem != "did not find expected <document start>" {
		d.syntax(err)
		return
	}
	d.add(r.At(d.at.Line(line), "%s", message).Suggest("%s", help))
}

// syntax explains a parse error. The parser names a line near the mistake, and no
// column; what people most often forget are the quotes around @names and "*/*".
func (d *decoder) syntax(err error) {
	line, message := errorAt(err)
	lines := strings.Split(string(d.at.Text), "\n")
	if m := unknown.FindStringSubmatch(message); m != nil {
		for i, text := range lines {
			if at := strings.Index(text, "*"+m[1]); at >= 0 {
				d.add(d.alias(d.columns(lines, i+1, at, at+1+len(m[1])), m[1]))
				return
			}
		}
	}
	for _, n := range []int{line, line - 1, line + 1, 1} {
		if n < 1 || n > len(lines) {
			continue
		}
		if at := tab.FindStringSubmatchIndex(lines[n-1]); at != nil {
			d.add(object.NotYAML.At(d.columns(lines, n, at[2], at[3]), "a tab in the indentation").
				Because("YAML indents by spaces alone").Suggest("write spaces"))
			return
		}
		for _, quoted := range []*regexp.Regexp{indicator, star} {
			if at := quoted.FindStringSubmatchIndex(lines[n-1]); at != nil {
				word := wordAt(lines[n-1][at[2]:])
				span := d.columns(lines, n, at[2], at[2]+len(word))
				d.add(object.NotYAML.At(span, "%s needs quotes in YAML", word).Suggest("write %q", word).Replace(span, fmt.Sprintf("%q", word)))
				return
			}
		}
	}
	d.add(object.NotYAML.At(d.at.Line(line), "the document does not parse as YAML: %.200s", message).
		Suggest("look at the indentation and the brackets of this line and its neighbours"))
}

// columns is a part of the nth of the document's lines, between two of its bytes.
func (d *decoder) columns(lines []string, n, start, end int) diag.Span {
	before := 0
	for _, l := range lines[:n-1] {
		before += len(l) + 1
	}
	return d.at.Within(before+start, before+end)
}

func wordAt(s string) string {
	if i := strings.IndexAny(s, " ,]}\t\r"); i > 0 {
		return s[:i]
	}
	return s
}
