// Package language is what people may write: documents of four kinds, read as strictly
// as a reviewer reads them, and everything that follows from how they are written: their
// form, their schema, their names, where they may lie, and how one more line is put in.
//
// Its invariant: every mistake of a file is reported in one run, each at the word that is
// wrong, and every value that was written keeps its place.
//
// It must not know what a document means: no name in it is looked up, and no environment
// chosen. Nor must it know who asks.
package language

import (
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Repository is what was written, document by document, unresolved.
type Repository struct {
	Platform *Platform // its parts merged; nil if there is none
	Intents  []*NetworkIntent
	Waivers  []Waiver
	// Baselines are what checks of manifests are told is known: nothing of a repository.
	Baselines []Baseline

	Parts []Platform // as written, the one of PlatformFile first
	// Partial: some document has a mistake, so that something in it may be missing.
	Partial bool
	// Lost: of some document not even the name is known.
	Lost bool
}

// kinds is the table of what a document may be.
var kinds = []struct {
	name     string
	document reflect.Type
	add      func(*Repository, *decoder, *yaml.Node)
}{
	{"NetworkIntent", reflect.TypeFor[NetworkIntent](), func(r *Repository, d *decoder, n *yaml.Node) {
		i := &NetworkIntent{}
		r.Intents = append(r.Intents, i)
		d.value(n, reflect.ValueOf(i).Elem())
		i.Partial = d.found.Failed()
		r.Lost = r.Lost || i.Metadata.Name.Value == "" || i.Partial && i.Metadata.Namespace.Value == "" && i.Spec.Namespaces == nil
	}},
	{"Platform", reflect.TypeFor[Platform](), func(r *Repository, d *decoder, n *yaml.Node) {
		r.Parts = append(r.Parts, decoded[Platform](d, n))
	}},
	{"Waiver", reflect.TypeFor[Waiver](), func(r *Repository, d *decoder, n *yaml.Node) {
		r.Waivers = append(r.Waivers, decoded[Waiver](d, n))
	}},
	{baselineKind, reflect.TypeFor[Baseline](), (*Repository).addBaseline},
}

// decoded decodes a document's root node into a new document of one of the kinds.
func decoded[T any](d *decoder, n *yaml.Node) (document T) {
	d.value(n, reflect.ValueOf(&document).Elem())
	return document
}

// kindNames lists the kinds that a document may have, in the order of their table.
func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Parse reads the files that are Ours. The order in which they are given does not
// matter.
func Parse(files []File) (*Repository, diag.List) { return new(Parser).Parse(files) }

// Parser reads repositories that have most of their files in common: of two that have the same file,
// by its path and its bytes, the second takes over what the first was told. The zero Parser
// keeps nothing: see Keep.
type Parser struct {
	known map[string]*fileParsed // by path; nil where none is kept
}

// Keep has the parser keep what it reads, for the next repository.
func (p *Parser) Keep() *Parser {
	p.known = map[string]*fileParsed{}
	return p
}

// Parse reads the files of one repository, as the function of this name does.
func (p *Parser) Parse(files []File) (*Repository, diag.List) {
	repo := &Repository{}
	var found diag.List
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	all := p.all(sorted)
	intents := 0
	for _, f := range all {
		intents += len(f.Intents)
	}
	repo.Intents = slices.Grow(repo.Intents, intents)
	for _, f := range all {
		repo.Intents = append(repo.Intents, f.Intents...)
		repo.Waivers = append(repo.Waivers, f.Waivers...)
		repo.Parts = append(repo.Parts, f.Parts...)
		repo.Lost = repo.Lost || f.Lost
		found = append(found, f.found...)
	}
	repo.Partial = found.Failed()
	found = append(found, repo.mergeParts()...)
	if repo.Platform == nil && !found.Failed() {
		found = append(found, NoPlatform.At(diag.Span{File: PlatformFile}, "there is no Platform in the repository").
			Suggest("put one into %s:\n\n%s", PlatformFile, indent(minimalPlatform)))
	}
	return repo, found
}

// fileParsed is what one file says.
type fileParsed struct {
	data []byte
	Repository
	found diag.List
}

// all reads each file by itself, on all cores: what comes of it is in the files' order. What a file
// says hangs on nothing but the file; one with mistakes is read again.
func (p *Parser) all(files []File) []*fileParsed {
	all := make([]*fileParsed, len(files))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			room := &nodes{}
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				f, known := p.known[files[i].Path]
				if !known || !bytes.Equal(f.data, files[i].Data) {
					f = &fileParsed{data: files[i].Data}
					if Ours(files[i]) {
						f.found = f.parseIn(room, files[i])
					}
				}
				all[i] = f
			}
		})
	}
	workers.Wait()
	for i, f := range all {
		if p.known != nil && len(f.found) == 0 {
			p.known[files[i].Path] = f
		}
	}
	return all
}

const minimalPlatform = `apiVersion: ` + APIVersion + `
kind: Platform
metadata: {name: my-platform}
spec: {}
`

// indent sets an example document off by four columns, where advice shows one.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}

// parse reads the documents of one file into the repository, and notes as lost what could not be
// read.
func (r *Repository) parse(f File) diag.List { return r.parseIn(&nodes{}, f) }

// parseIn parses a file with room for the nodes of one document after the other.
func (r *Repository) parseIn(room *nodes, f File) diag.List {
	return r.parseEach(room, f, func(object.Document, *yaml.Node) {})
}

// parseEach parses a file, and shows each document that has no mistakes while its nodes are there.
func (r *Repository) parseEach(room *nodes, f File, show func(object.Document, *yaml.Node)) diag.List {
	data := bytes.TrimPrefix(f.Data, bom)
	if found := Unreadable(f); found != nil {
		r.Lost = true
		return found
	}
	if found := object.Stray(f.Path, data); found != nil {
		r.Lost = true
		return found
	}
	var found diag.List
	for doc := range object.Documents(f.Path, data) {
		d := &decoder{at: doc, nodes: room}
		n := d.root()
		if n == nil || !r.document(d, n) {
			r.Lost = true
		} else if !d.found.Failed() {
			show(doc, n)
		}
		if all := len(d.found); all > mostFindings {
			d.found = append(d.found[:mostFindings], limitExceeded.At(d.at.Line(1), "the document has %d mistakes, of which %d are told", all, mostFindings).
				Suggest("mend those first"))
		}
		found = append(found, d.found...)
	}
	return found
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
				Suggest("write %s", meant).Mend(d.at.Span(key), meant))
		}
		return false
	}
	if head.kind == nil || head.apiVersion == nil {
		d.add(wrongKind.At(d.at.Span(n), "expected a document with apiVersion: %s and a kind", APIVersion).
			Suggest("the kinds are %s", diag.Enumerate(kindNames(), "and")))
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
	f := wrongKind.At(d.at.Span(head.kind), "expected the kind %s, found %.80s", diag.Enumerate(kindNames(), "or"), head.kind.Value)
	if near := diag.Nearest(head.kind.Value, kindNames()); near != "" {
		f = f.Suggest("did you mean %s?", near).Replace(d.at.Span(head.kind), near)
	}
	d.add(f)
	return false
}

// DefaultEnvironment is the only one of a Platform that names none.
const DefaultEnvironment = "default"

// Environments returns the names of the repository's environments, in order.
func (r *Repository) Environments() []string {
	if r.Platform == nil || len(r.Platform.Spec.Environments) == 0 {
		return []string{DefaultEnvironment}
	}
	var all []string
	for _, e := range r.Platform.Spec.Environments {
		all = append(all, string(e.Key.Value))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Kinds returns the kinds of documents, in the order of their table.
func Kinds() []string { return kindNames() }
