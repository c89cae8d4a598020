package language

import (
	"bytes"
	"encoding/base64"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Ours reports whether a file holds a document of the intent language, and is therefore
// read strictly: one of a kind of ours, or of an API group that has our name in it, however
// YAML spells that and in whatever case its keys are. Other YAML beside it is not our business. Of what does not parse, the
// words decide.
func Ours(f File) bool {
	switch {
	case !IsYAML(f.Path):
		return false
	case path.Base(f.Path) == PlatformFile || plainHead(f.Data):
		return true
	case !mayMention(f.Data):
		return false
	}
	for doc := range object.Documents(f.Path, bytes.TrimPrefix(f.Data, bom)) {
		if mayMention(doc.Text) && !plainlyForeign(doc) && parsedAsOurs(doc.Text) {
			return true
		}
	}
	return false
}

// parsedAsOurs reports whether a document is of the language, by its YAML, or by its words where
// it is none.
func parsedAsOurs(text []byte) bool {
	reader := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		switch err := reader.Decode(&n); {
		case err == io.EOF:
			return false
		case err != nil:
			return spelt.Match(text)
		case isOurs(&n, map[*yaml.Node]bool{}):
			return true
		}
	}
}

// plainlyForeign reports whether a document is none of the language, as its keys say for sure
// without parsing it. Manifests that a build of ours wrote mention us, each of them.
func plainlyForeign(doc object.Document) bool {
	sure := doc.Keys(func(key, word string) bool {
		switch headKey(key) {
		case "apiVersion":
			return word != "" && !groupIsOurs(word)
		case "kind":
			return word != "" && !slices.Contains(tellingKinds(), word)
		case "items":
			return false
		}
		return true
	})
	return sure && !maySpell(doc.Text)
}

// maySpell reports whether a text may be ours by its words, should it turn out not to be YAML.
func maySpell(text []byte) bool {
	for line := range bytes.Lines(text) {
		if (containsFold(line, "portcullis") && containsFold(line, "version") || containsFold(line, "networkintent")) && spelt.Match(line) {
			return true
		}
	}
	return bytes.Contains(text, []byte("\u017f")) || bytes.Contains(text, []byte("\u212a")) // which fold to letters of these words
}

// plainHead reports whether a line of a text begins as almost every document of ours does.
func plainHead(text []byte) bool {
	const head = "apiVersion: " + plan.Group + "/"
	return bytes.HasPrefix(text, []byte(head)) || bytes.Contains(text, []byte("\n"+head))
}

// mayMention looks in a file's bytes for the words without which nothing is ours, and for what
// YAML can hide them in. Most files of other people have none of it, and are not parsed.
func mayMention(text []byte) bool {
	return containsFold(text, "portcullis") || mayHide(text) ||
		slices.ContainsFunc(tellingKinds(), func(kind string) bool { return bytes.Contains(text, []byte(kind)) }) && kindWord.Match(text)
}

// mayHide reports whether YAML may hide words in a text whose bytes have none of them.
func mayHide(text []byte) bool { return containsFold(text, "%tag") || escapes(text) || tagged64(text) }

// escapes reports whether a text may hide a word of ours: write a character by its number, or join
// lines inside of a word.
func escapes(text []byte) bool {
	for at := range indices(text, '\\') {
		rest := text[at+1:]
		if len(rest) > 0 && strings.IndexByte("xuU\n", rest[0]) >= 0 || bytes.HasPrefix(rest, []byte("\r\n")) {
			return true
		}
	}
	return false
}

// tagged64 reports whether a text may hide a word of ours in a value in base 64.
func tagged64(text []byte) bool {
	for at := range indices(text, '!') {
		tag := text[at:]
		if end := bytes.IndexAny(tag, " \t\r\n"); end >= 0 {
			tag = tag[:end]
		}
		if bytes.IndexByte(tag, '%') >= 0 || containsFold(tag, "binary") {
			return true
		}
	}
	return false
}

// indices yields where a byte stands in a text that is searched for words of ours.
func indices(text []byte, b byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		for at := 0; ; at++ {
			next := bytes.IndexByte(text[at:], b)
			if next < 0 {
				return
			}
			if at += next; !yield(at) {
				return
			}
		}
	}
}

// containsFold looks for a word of ours, of ASCII in lower case, in whatever case it is written.
func containsFold(text []byte, word string) bool {
	first, upper := word[0], word[0]-'a'+'A'
	if first < 'a' || first > 'z' {
		upper = first
	}
	for i := 0; i+len(word) <= len(text); i++ {
		if (text[i] == first || text[i] == upper) && strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}

// Foreign reports whether all of a file is text and YAML, and none of it ours: nothing in it
// can be meant for us.
func Foreign(f File) bool {
	if path.Base(f.Path) == PlatformFile || Unreadable(f) != nil {
		return false
	}
	for doc := range object.Documents(f.Path, bytes.TrimPrefix(f.Data, bom)) {
		reader := yaml.NewDecoder(bytes.NewReader(doc.Text))
		for {
			var n yaml.Node
			if err := reader.Decode(&n); err == io.EOF {
				break
			} else if err != nil || isOurs(&n, map[*yaml.Node]bool{}) {
				return false
			}
		}
	}
	return true
}

var (
	// spelt is a document's head in a text that does not parse.
	spelt = regexp.MustCompile(`(?im)^[^#\n]*?(["']?api[-_ ]?Version["']?[ \t]*:[ \t]*["']?[a-z0-9.-]*portcullis|["']?kind["']?[ \t]*:[ \t]*["']?NetworkIntent\b)`)
	// kindWord is the name of a kind of ours as a word of its own.
	kindWord = regexp.MustCompile(`\b(?:` + strings.Join(tellingKinds(), "|") + `)\b`)
)

// isOurs reports whether a document, or one that it lists, is of the language. It looks at no
// node twice, whatever aliases make of them.
func isOurs(n *yaml.Node, seen map[*yaml.Node]bool) bool {
	if n = resolved(n); n == nil || seen[n] {
		return false
	}
	seen[n] = true
	switch n.Kind {
	case yaml.DocumentNode:
		return len(n.Content) == 1 && isOurs(n.Content[0], seen)
	case yaml.SequenceNode:
		return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return isOurs(c, seen) })
	case yaml.MappingNode:
	default:
		return false
	}
	for key, value := range pairs(n) {
		switch headKey(word(key)) {
		case "apiVersion":
			if groupIsOurs(word(value)) {
				return true
			}
		case "kind":
			if slices.Contains(tellingKinds(), word(value)) {
				return true
			}
		case "items", "<<":
			if isOurs(value, seen) {
				return true
			}
		}
	}
	return false
}

// headKey says what a key of a document's head is meant to be, whatever its case and whatever
// joins its words: who wrote Kind or api_version meant a document too, and would not see that
// it is passed over. The reader then says how the key is spelt.
func headKey(key string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || r == '<' {
			return unicode.ToLower(r)
		}
		return -1
	}, key)
	if letters == "apiversion" {
		return "apiVersion"
	}
	return letters
}

// groupIsOurs reports whether an API group has our name in it, spelt in whatever case.
func groupIsOurs(apiVersion string) bool {
	return strings.Contains(strings.ToLower(apiVersion), "portcullis")
}

// resolved follows a YAML alias to the node that it stands for, where one may hide what is ours.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// word returns the text of a node, which may be an alias or in base 64, to see whether it names
// us; empty where it is no text.
func word(n *yaml.Node) string {
	if n = resolved(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	if n.ShortTag() == "!!binary" {
		if text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), "")); err == nil {
			return string(text)
		}
	}
	return n.Value
}

// pointer is how a file begins, behind a word, that Git LFS keeps elsewhere. Under its earlier names
// the program wrote other versions, which it still takes for its own; it skips space before them.
var pointer = regexp.MustCompile(`^(https://(git-lfs|hawser)\.github\.com/spec/|http://git-media\.io/v/)`)

// isPointer reports whether a file of Git LFS stands in the place of another one.
func isPointer(data []byte) bool {
	version, begins := bytes.CutPrefix(bytes.TrimLeft(data, " \t\n\f\r"), []byte("version "))
	return begins && pointer.Match(version)
}

// Unreadable finds what keeps a file from being text: then nobody knows whether it is ours.
func Unreadable(f File) diag.List {
	data := bytes.TrimPrefix(f.Data, bom)
	if isPointer(data) {
		return diag.List{unreadable.At(diag.Span{File: f.Path}, "a pointer of Git LFS stands here in place of the file").
			Suggest("fetch it (git lfs pull), or keep the file out of LFS: what is compiled has to be reviewed as text")}
	}
	if span, c, bad := object.NotUTF8(f.Path, data); bad {
		return diag.List{unreadable.At(span, "the byte 0x%02x is not UTF-8", c).Suggest("save the file as UTF-8")}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return diag.List{unreadable.At(diag.Span{File: f.Path}, "the file holds NUL characters, as UTF-16 does").Suggest("save the file as UTF-8")}
	}
	return nil
}
