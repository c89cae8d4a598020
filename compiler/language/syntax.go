package language

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// root parses one document's YAML syntax into nodes that hold nothing but the language's YAML; nil
// where it does not parse.
func (d *decoder) root() *yaml.Node {
	if d.nodes == nil {
		d.nodes = &nodes{}
	}
	n := readSubset(d.at.Text, d.nodes)
	if n == nil {
		if n = d.read(); n == nil {
			return nil
		}
	}
	if count(n) >= maxNodes {
		d.add(limitExceeded.At(d.at.Line(1), "more than %d values in one document", maxNodes))
		return nil
	}
	before := len(d.found)
	d.check(n, 0)
	if d.found[before:].Failed() {
		return nil
	}
	return n
}

// read parses one document's YAML syntax, whatever YAML it is; nil where it does not parse.
func (d *decoder) read() *yaml.Node {
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
	return n.Content[0]
}

// count counts a parsed node and all below it, for the limit on a document's size.
func count(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += count(c)
	}
	return total
}

var (
	errorLine = regexp.MustCompile(`line (\d+): (.*)`)
	// indicator is a character that cannot begin a plain word, where one begins.
	indicator = regexp.MustCompile("(?:^|[\\[{,:-])[ \t]*([@`%])")
	star      = regexp.MustCompile(`(?:^|[\[{,:-])[ \t]*(\*/\*)`)
	tab       = regexp.MustCompile(`^ *(\t)`)
	unknown   = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// errorAt takes the YAML parser's error apart. The parser counts lines from 0 in some of its
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

// beyond explains what the YAML parser met behind the one value that it had read, where nothing
// but the end of the text was expected.
func (d *decoder) beyond(err error, r *diag.Rule, message, help string) {
	line, problem := errorAt(err)
	if problem != "did not find expected <document start>" {
		d.syntax(err)
		return
	}
	d.add(r.At(d.at.Line(line), "%s", message).Suggest("%s", help))
}

// syntax explains an error of YAML's syntax. The parser names a line near the mistake, and no
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
				d.add(object.NotYAML.At(span, "%s needs quotes in YAML", word).Suggest("write %s", yamltext.Quoted(word)).Mend(span, yamltext.Quoted(word)))
				return
			}
		}
	}
	d.add(object.NotYAML.At(d.at.Line(line), "the document does not parse as YAML: %.200s", message).
		Suggest("look at the indentation and the brackets of this line and its neighbours"))
}

// columns returns the place of a syntax error: a part of the nth of the document's lines, between
// two of its bytes.
func (d *decoder) columns(lines []string, n, start, end int) diag.Span {
	before := 0
	for _, l := range lines[:n-1] {
		before += len(l) + 1
	}
	return d.at.Within(before+start, before+end)
}

// wordAt cuts a line to the word that it begins with, which a syntax error points at.
func wordAt(s string) string {
	if i := strings.IndexAny(s, " ,]}\t\r"); i > 0 {
		return s[:i]
	}
	return s
}

// check refuses aliases, tags, merge keys and depth, which YAML has and the language does not,
// everywhere in a document, before anything is decoded.
func (d *decoder) check(n *yaml.Node, depth int) {
	if depth > maxDepth {
		d.add(limitExceeded.At(d.at.Span(n), "nested deeper than %d levels", maxDepth))
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		d.add(d.alias(d.at.Span(n), n.Value))
		return
	case n.Anchor != "":
		d.add(notInLanguage.At(d.at.Span(n), "an anchor (&%s)", n.Anchor).Suggest("remove the anchor and write values out"))
	case n.Style&yaml.TaggedStyle != 0:
		d.add(notInLanguage.At(d.at.Span(n), "a tag (%s)", n.Tag).Suggest("remove the tag"))
	}
	if n.Kind == yaml.MappingNode {
		seen := keysSeen{}
		for key := range pairs(n) {
			switch {
			case key.Kind != yaml.ScalarNode:
				d.add(WrongType.At(d.at.Span(key), "expected a word as key, found %s", describe(key)))
			case key.ShortTag() == "!!merge":
				d.add(notInLanguage.At(d.at.Span(key), "a merge key (<<)").Suggest("write the fields out"))
			default:
				if first := seen.before(key); first != nil {
					d.add(object.DuplicateKey.At(d.at.Span(key), "the key %q is written twice in one mapping", key.Value).See(d.at.Span(first), "first here").
						Suggest("keep one of the two"))
				}
			}
		}
	}
	for i, c := range n.Content {
		if c.Kind == yaml.AliasNode && n.Kind == yaml.MappingNode && i > 0 && n.Content[i-1].ShortTag() == "!!merge" {
			continue // the merge key says it
		}
		d.check(c, depth+1)
	}
}

// keysSeen are the keys of a mapping that were checked: the first ones one after the other, which
// is soon looked through, and all by their words where there are more.
type keysSeen struct {
	first  [8]*yaml.Node
	count  int
	byWord map[string]*yaml.Node
}

// before finds the key with the same word that was seen before; nil for none, and then this one
// was.
func (k *keysSeen) before(key *yaml.Node) *yaml.Node {
	for _, other := range k.first[:k.count] {
		if other.Value == key.Value {
			return other
		}
	}
	if k.count < len(k.first) {
		k.first[k.count] = key
		k.count++
		return nil
	}
	if first := k.byWord[key.Value]; first != nil {
		return first
	}
	if k.byWord == nil {
		k.byWord = map[string]*yaml.Node{}
	}
	k.byWord[key.Value] = key
	return nil
}

// alias refuses an alias node, which is mostly a set of pods whose quotes were forgotten.
func (d *decoder) alias(span diag.Span, name string) diag.Diagnostic {
	return notInLanguage.At(span, "an alias (*%s)", name).
		Suggest("write the value out; if a set of pods is meant, quote it: \"*/*\"")
}
