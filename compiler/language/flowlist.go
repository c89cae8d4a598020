package language

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Listed is one question of a list that programs write: what goes between two ends, by
// their names.
type Listed struct {
	From, To   string
	Protocol   *packet.Protocol // nil where none is given: TCP for ports, and otherwise every one
	SourcePort uint16           // zero is any
	Ports      []PortRef        // of the destination; nil is every one
	Message    *Message         // of ICMP; nil is every one

	doc            object.Document
	node, from, to *yaml.Node
}

// Message is a control message of ICMP or ICMPv6.
type Message struct{ Type, Code uint8 }

// FromSpan returns the place of From in the list. It is looked up when somebody asks, as To's is:
// a list of thousands may stand on one line.
func (q *Listed) FromSpan() diag.Span { return q.doc.Span(q.from) }

// ToSpan returns the place of To in the list.
func (q *Listed) ToSpan() diag.Span { return q.doc.Span(q.to) }

// ParseList reads a list of questions, in YAML or JSON, as strictly as the language is
// read. What is returned beside findings is not whole.
func ParseList(f File) ([]Listed, diag.List) {
	data := bytes.TrimPrefix(f.Data, bom)
	if span, c, bad := object.NotUTF8(f.Path, data); bad {
		return nil, diag.List{unreadable.At(span, "the byte 0x%02x is not UTF-8", c).Suggest("save the file as UTF-8")}
	}
	if found := object.Stray(f.Path, data); found != nil {
		return nil, found
	}
	var all []Listed
	var found diag.List
	documents := 0
	for doc := range object.Documents(f.Path, data) {
		l := listReader{decoder: decoder{at: doc}}
		if documents++; documents > 1 {
			l.add(Unanswerable.At(doc.Line(1), "a second document begins here").Suggest("write one list"))
		} else {
			all = l.read()
		}
		found = append(found, l.found...)
	}
	if documents == 0 {
		found = append(found, Unanswerable.At(diag.Span{File: f.Path}, "no list of flows").
			Because("an answer to nothing would look like one").Suggest("write a list of {from, to, port}"))
	}
	return all, found
}

// listReader reads one document. It looks for the place of what is wrong alone.
type listReader struct{ decoder }

// read reads one document that is a list of flows, each entry a question, and refuses what follows
// it.
func (l *listReader) read() []Listed {
	var n, rest yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(l.at.Text))
	if err := reader.Decode(&n); err != nil {
		l.syntax(err)
		return nil
	}
	if err := reader.Decode(&rest); err != io.EOF {
		l.beyond(err, Unanswerable, "something follows the list", "write one list, and nothing behind it")
		return nil
	}
	if len(n.Content) == 0 || !l.plain(n.Content[0]) {
		return nil
	}
	list := n.Content[0]
	if list.Kind != yaml.SequenceNode {
		l.add(WrongType.At(l.at.Span(list), "expected a list of flows, found %s", describe(list)).Suggest("write a list of {from, to, port}"))
		return nil
	}
	all := make([]Listed, 0, len(list.Content))
	for _, item := range list.Content {
		if len(l.found) >= listMistakes {
			l.add(limitExceeded.At(l.at.Span(item), "more mistakes than %d, of which no more are told", listMistakes))
			break
		}
		all = append(all, l.flow(item))
	}
	return all
}

// plain reports whether a node of the list is neither an alias nor marked as something, and
// complains if it is.
func (l *listReader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		l.add(notInLanguage.At(l.at.Span(n), "an alias (*%s)", n.Value).Suggest("write the value out"))
	case n.Anchor != "":
		l.add(notInLanguage.At(l.at.Span(n), "an anchor (&%s)", n.Anchor).Suggest("remove the anchor and write values out"))
	case n.Style&yaml.TaggedStyle != 0:
		l.add(notInLanguage.At(l.at.Span(n), "a tag (%s)", n.Tag).Suggest("remove the tag"))
	default:
		return true
	}
	return false
}

// fields returns the values of one listed flow by key. Those that are null count as left out, as
// programs write them.
func (l *listReader) fields(n *yaml.Node, required, others []string) map[string]*yaml.Node {
	if !l.plain(n) {
		return nil
	}
	known := slices.Concat(required, others)
	if n.Kind != yaml.MappingNode {
		l.add(WrongType.At(l.at.Span(n), "expected a mapping with %s, found %s", diag.Enumerate(known, "or"), describe(n)))
		return nil
	}
	given := map[string]*yaml.Node{}
	clean := true
	for key, value := range pairs(n) {
		first, twice := given[key.Value]
		switch {
		case !l.plain(key) || !l.plain(value):
			clean = false
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			l.add(notInLanguage.At(l.at.Span(key), "expected a field, found %s", describe(key)))
			clean = false
		case !slices.Contains(known, key.Value):
			l.unknown(key, known)
			clean = false
		case twice:
			l.add(object.DuplicateKey.At(l.at.Span(key), "the key %q is written twice in one mapping", key.Value).See(l.at.Span(first), "first here").
				Suggest("keep one of the two"))
			clean = false
		case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
		default:
			given[key.Value] = value
		}
	}
	for _, name := range required {
		if clean && given[name] == nil {
			l.add(MissingField.At(l.at.Span(n), "%s is missing here", name).Suggest("add %s", name))
			clean = false
		}
	}
	if !clean {
		return nil
	}
	return given
}

// flow reads one entry of the list: {from, to, protocol, port, sourcePort, icmp}.
func (l *listReader) flow(n *yaml.Node) Listed {
	q := Listed{doc: l.at, node: n}
	given := l.fields(n, []string{"from", "to"}, []string{"protocol", "sourcePort", "port", "icmp"})
	if given == nil {
		return q
	}
	q.from, q.to = given["from"], given["to"]
	q.From, q.To = l.name(q.from), l.name(q.to)
	protocol, icmp := given["protocol"], given["icmp"]
	of := packet.TCP // of which ports are where no protocol is given
	switch {
	case protocol != nil:
		if !l.protocol(protocol, &of) {
			return q
		}
		q.Protocol = &of
	case icmp != nil:
		of = packet.ICMP
	}
	for _, name := range []string{"port", "sourcePort"} {
		if port := given[name]; port != nil && !of.HasPorts() && !slices.Contains(withPorts, of) {
			l.add(Unanswerable.At(l.at.Span(port), "%s has no ports", of).Suggest("leave out %s", name))
			return q
		}
	}
	if port := given["sourcePort"]; port != nil {
		q.SourcePort = uint16(l.number(port, "a port", 1, 65535))
	}
	if port := given["port"]; port != nil {
		q.Ports = l.ports(port, q.Protocol)
	}
	switch {
	case icmp == nil:
	case !of.HasTypes():
		l.add(Unanswerable.At(l.at.Span(icmp), "%s has no types", of).Suggest("leave out icmp, or write protocol: ICMP or ICMPv6"))
	default:
		if message := l.fields(icmp, []string{"type"}, []string{"code"}); message != nil {
			q.Message = &Message{Type: uint8(l.number(message["type"], "a type", 0, 255))}
			if code := message["code"]; code != nil {
				q.Message.Code = uint8(l.number(code, "a code", 0, 255))
			}
		}
	}
	return q
}

// ports reads a listed flow's port, or its list of them, of a protocol if one is given. Nil is
// every port.
func (l *listReader) ports(n *yaml.Node, of *packet.Protocol) []PortRef {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if items = n.Content; len(items) == 0 {
			l.add(Unanswerable.At(l.at.Span(n), "an empty list of ports").Suggest("name a port, or leave out port for every one"))
		}
	}
	if len(items) > mostPorts {
		l.add(limitExceeded.At(l.at.Span(n), "the flow names %d ports", len(items)).Suggest("name %d at most, or a range", mostPorts))
		return nil
	}
	all := make([]PortRef, 0, len(items))
	every := false
	for _, item := range items {
		if item.Kind == yaml.ScalarNode && item.ShortTag() == "!!int" {
			number := uint16(l.number(item, "a port", 1, 65535))
			all = append(all, l.only(item, of, PortRef{Ports: []plan.Port{{Protocol: plan.TCP, First: number, Last: number}}}))
			continue
		}
		var p PortRef
		if item.Kind != yaml.ScalarNode || !l.plain(item) {
			l.add(WrongType.At(l.at.Span(item), "expected a port, found %s", describe(item)).Suggest("write a number, a name, 53/udp, any, or a list of those"))
			continue
		}
		if m := p.parse(item.Value, item.ShortTag()); m != nil {
			l.mistake(l.at.Span(item), m)
			continue
		}
		every = every || len(p.Ports) > 0 && p.Ports[0].Protocol == plan.Any
		all = append(all, l.only(item, of, p))
	}
	if every {
		return nil
	}
	return all
}

// only turns a port into one of the protocol that the listed flow gives, if it gives one.
func (l *listReader) only(n *yaml.Node, of *packet.Protocol, p PortRef) PortRef {
	if of == nil || p.Name != "" || len(p.Ports) == 0 || p.Ports[0].Protocol == plan.Any || slices.Contains(withPorts, *of) {
		return p
	}
	own := p.Ports[0].Protocol
	switch {
	case string(own) == of.String():
	case p.Portless() || strings.Contains(n.Value, "/"):
		l.add(Unanswerable.At(l.at.Span(n), "%s is no port of %s", n.Value, of).Suggest("leave out protocol"))
	default:
		p.Ports[0].Protocol = plan.Protocol(of.String())
	}
	return p
}

// withPorts are protocols whose ports no policy names: they may be given, and decide
// nothing.
var withPorts = []packet.Protocol{packet.UDPLite, 33} // 33 is DCCP (IANA)

// name reads an end of a listed flow as text; who it names is looked up later.
func (l *listReader) name(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" {
		l.add(WrongType.At(l.at.Span(n), "expected namespace/name or an address, found %s", describe(n)))
		return ""
	}
	return n.Value
}

// protocol reads a listed flow's protocol, by name or as a number from 0 to 255.
func (l *listReader) protocol(n *yaml.Node, p *packet.Protocol) bool {
	named, ok := packet.ProtocolNamed(n.Value)
	if !ok {
		number, err := strconv.ParseUint(n.Value, 10, 8)
		named, ok = packet.Protocol(number), err == nil
	}
	if n.Kind != yaml.ScalarNode || !ok {
		l.add(Unanswerable.At(l.at.Span(n), "expected a protocol, found %s", describe(n)).
			Suggest("write TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite, or a number from 0 to 255"))
		return false
	}
	*p = named
	return true
}

// number reads a whole number of a listed flow between two bounds, a port or a type of ICMP.
func (l *listReader) number(n *yaml.Node, what string, first, last uint64) uint64 {
	number, err := strconv.ParseUint(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || number < first || number > last {
		l.add(Unanswerable.At(l.at.Span(n), "expected %s, found %s", what, describe(n)).
			Suggest("write %s", fmt.Sprintf("a whole number from %d to %d", first, last)))
		return first
	}
	return number
}
