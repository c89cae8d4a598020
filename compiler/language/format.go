package language

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/compiler/format"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// errChanged is a failure of Format itself, which its own judgement caught.
var errChanged = errors.New("the formatted text would mean something else or lose a comment; the file is left as it is")

// Format returns the file in the form that all files of the language have: the keys
// of a document in the order of its type, one style of quotes and indentation, and
// every comment where it belongs. A file that has mistakes is not formatted: they are
// returned. What is returned without them means the same and holds the same comments.
func Format(f File) ([]byte, diag.List, error) { return new(Formatter).Format(f) }

// Formatter formats one file after the other, with room for their nodes.
type Formatter struct{ room nodes }

// Format formats a file as the function of this name does.
func (r *Formatter) Format(f File) ([]byte, diag.List, error) {
	text := bytes.ReplaceAll(bytes.TrimPrefix(f.Data, bom), []byte("\r\n"), []byte("\n"))
	for bytes.HasPrefix(text, bom) { // which YAML takes for one as well
		text = text[len(bom):]
	}
	before, found := r.read(File{f.Path, text})
	if found.Failed() {
		return nil, found, nil
	}
	if bytes.Equal(before.formatted, text) { // what is read of it is what was read
		return text, nil, nil
	}
	after, found := r.read(File{f.Path, before.formatted})
	if found.Failed() || !slices.Equal(before.comments, after.comments) || !reflect.DeepEqual(before.meaning, after.meaning) ||
		!bytes.Equal(before.formatted, after.formatted) {
		return nil, nil, errChanged
	}
	return before.formatted, nil, nil
}

// formatting is what Format needs to know of a text.
type formatting struct {
	formatted []byte
	comments  []string // sorted
	meaning   meaning
}

// meaning is what a file says, without the places where it says so.
type meaning struct {
	Intents   []*NetworkIntent
	Platforms []Platform
	Waivers   []Waiver
	Baselines []Baseline
}

// read parses a file for formatting: its text with the keys in order, its comments, and what it
// means without places, for a comparison with what was formatted.
func (r *Formatter) read(f File) (formatting, diag.List) {
	if found := lineBreaks(f); found != nil {
		return formatting{}, found
	}
	repo, w := &Repository{}, format.NewWriter(f.Data)
	found := repo.parseEach(&r.room, f, func(doc object.Document, root *yaml.Node) {
		order := keyOrder{}
		for _, k := range kinds {
			if n := member(root, "kind"); n != nil && n.Value == k.name {
				order.of(root, k.document)
			}
		}
		w.Document(doc, root, order)
	})
	if found.Failed() {
		return formatting{}, found
	}
	formatted, comments := w.Close()
	m := meaning{repo.Intents, repo.Parts, repo.Waivers, repo.Baselines}
	forgetSpans(reflect.ValueOf(&m).Elem())
	return formatting{formatted, comments, m}, nil
}

// lineBreaks refuses to format a file with what YAML takes for the end of a line and an editor
// does not.
func lineBreaks(f File) diag.List {
	if !bytes.ContainsAny(f.Data, "\r\u0085\u2028\u2029") {
		return nil
	}
	for i, line := range strings.Split(string(f.Data), "\n") {
		if at := strings.IndexAny(line, "\r\u0085\u2028\u2029"); at >= 0 {
			column := len([]rune(line[:at])) + 1
			return diag.List{unreadable.At(diag.Span{File: f.Path, Start: diag.At(i+1, column), End: diag.At(i+1, column+1)},
				"a line break that is neither LF nor CRLF (%q)", []rune(line[at:])[0]).
				Because("editors show one line where YAML sees two").Suggest("begin a new line, or remove the character")}
		}
	}
	return nil
}

// member looks up a key of a mapping node, whose value the formatter goes into; nil where there is
// none.
func member(n *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(n) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// forgetSpans clears every place in what a file means, so that it can be compared before and after
// formatting.
func forgetSpans(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			forgetSpans(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forgetSpans(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Field(i); {
			case !f.CanSet():
			case f.Type() == reflect.TypeFor[diag.Span]():
				f.SetZero()
			default:
				forgetSpans(f)
			}
		}
	}
}

// keyOrder has, for each mapping that is a struct of the language, the fields' names
// in the order of the struct.
type keyOrder map[*yaml.Node][]string

// notation is a type whose notation has several forms. form is the type that a node
// stands for; where the node's members are the user's own or a list's, members is
// theirs, and form is nil.
type notation interface {
	notation(n *yaml.Node) (form, members reflect.Type)
}

// of notes, for a node that is written as a type of the language, in which order the formatter
// writes its keys, and goes on into its members.
func (o keyOrder) of(n *yaml.Node, t reflect.Type) {
	if t == nil || n.Kind == yaml.ScalarNode {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if special, ok := reflect.Zero(t).Interface().(notation); ok {
		form, members := special.notation(n)
		if form != nil {
			o.of(n, form)
			return
		}
		o.members(n, members)
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		o.members(n, t.Elem())
	case reflect.Struct:
		fields := fieldsOf(t)
		o[n] = names(fields)
		for _, f := range fields {
			if value := member(n, f.name); value != nil {
				o.of(value, t.FieldByIndex(f.index).Type)
			}
		}
	}
}

// members notes the order of keys in each entry of a list, or each value of a mapping.
func (o keyOrder) members(n *yaml.Node, t reflect.Type) {
	for i, c := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			o.of(c, t)
		}
	}
}

// notation tells the formatter that the node is written as the value itself.
func (At[T]) notation(*yaml.Node) (form, members reflect.Type) { return reflect.TypeFor[T](), nil }

// notation tells the formatter that keys are the user's own, and what their values are.
func (Mapping[K, V]) notation(*yaml.Node) (form, members reflect.Type) {
	return nil, reflect.TypeFor[V]()
}

// notation tells the formatter whether one member or a list of them is written.
func (OneOrMany[T]) notation(n *yaml.Node) (form, members reflect.Type) {
	if n.Kind == yaml.SequenceNode {
		return nil, reflect.TypeFor[T]()
	}
	return reflect.TypeFor[T](), nil
}

// notation tells the formatter whether one value or a mapping by environment is written.
func (PerEnvironment[T]) notation(n *yaml.Node) (form, members reflect.Type) {
	if n.Kind == yaml.MappingNode && !isPeerNotation(n) {
		return nil, reflect.TypeFor[T]()
	}
	return reflect.TypeFor[T](), nil
}

// notation tells the formatter whether a list of namespaces or a selector is written.
func (Replication) notation(n *yaml.Node) (form, members reflect.Type) {
	if n.Kind == yaml.MappingNode {
		return reflect.TypeFor[Selector](), nil
	}
	return nil, nil
}

// notation tells the formatter whether a plain mapping of labels is written, whose order is the
// user's, or Kubernetes' matchLabels and matchExpressions.
func (Selector) notation(n *yaml.Node) (form, members reflect.Type) {
	if isKubernetesSelector(n) {
		return reflect.TypeFor[kubernetesSelector](), nil
	}
	return nil, nil
}

// notation tells the formatter whether a peer's fields are those of addresses or of labels.
func (Peer) notation(n *yaml.Node) (form, members reflect.Type) {
	if isAddressPeer(n) {
		return reflect.TypeFor[addressPeer](), nil
	}
	return reflect.TypeFor[labelPeer](), nil
}

// notation tells the formatter that a member's fields are those of a peer.
func (Member) notation(n *yaml.Node) (form, members reflect.Type) { return Peer{}.notation(n) }
