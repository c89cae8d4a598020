package intent

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// Listed is one question of a list that programs write: one packet, and the two ends
// by their names.
type Listed struct {
	Span     diag.Span
	From     At[string]       `key:"from,required"`
	To       At[string]       `key:"to,required"`
	Protocol At[ProtocolWord] `key:"protocol"` // zero: TCP, or ICMP where icmp is given
	Port     At[AskedPort]    `key:"port"`
	ICMP     *struct {
		Span diag.Span
		Type At[Octet] `key:"type,required"`
		Code At[Octet] `key:"code"`
	} `key:"icmp"`
}

// ProtocolWord is an IP protocol by its name, in any case, or by its number.
type ProtocolWord packet.Protocol

func (v *ProtocolWord) parse(word, tag string) *mistake {
	p, named := packet.ProtocolNamed(word)
	if !named {
		n, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return &mistake{rule: Unanswerable, message: fmt.Sprintf("expected a protocol, found %s", tagged(word, tag)),
				hint: "write TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite, or a number from 0 to 255"}
		}
		p = packet.Protocol(n)
	}
	*v = ProtocolWord(p)
	return nil
}

// AskedPort is a port that a packet can go to.
type AskedPort uint16

func (v *AskedPort) parse(word, tag string) *mistake {
	n, err := strconv.ParseUint(word, 10, 16)
	if tag != "!!int" || err != nil || n == 0 {
		return &mistake{rule: Unanswerable, message: fmt.Sprintf("expected a port, found %s", tagged(word, tag)), hint: "write a whole number from 1 to 65535"}
	}
	*v = AskedPort(n)
	return nil
}

// Octet is a number of eight bits.
type Octet uint8

func (v *Octet) parse(word, tag string) *mistake {
	n, err := strconv.ParseUint(word, 10, 8)
	if tag != "!!int" || err != nil {
		return &mistake{rule: Unanswerable, message: fmt.Sprintf("expected a type or code, found %s", tagged(word, tag)), hint: "write a whole number from 0 to 255"}
	}
	*v = Octet(n)
	return nil
}

// ParseList reads a list of questions, in YAML or JSON, as strictly as the language is
// read. What is returned beside findings is not whole.
func ParseList(f File) ([]Listed, diag.List) {
	data := bytes.TrimPrefix(f.Data, bom)
	if span, c, bad := object.NotUTF8(f.Path, data); bad {
		return nil, diag.List{unreadable.At(span, "the byte 0x%02x is not UTF-8", c).Suggest("save the file as UTF-8")}
	}
	var all []Listed
	var found diag.List
	documents := 0
	for doc := range object.Documents(f.Path, data) {
		d := &decoder{at: doc}
		if documents++; documents > 1 {
			d.add(Unanswerable.At(doc.Line(1), "a second document begins here").Suggest("write one list"))
		} else if n := d.list(); n != nil {
			d.value(n, reflect.ValueOf(&all).Elem())
			d.meaningful(all)
		}
		if told := len(d.found); told > mostFindings {
			d.found = append(d.found[:mostFindings], limitExceeded.At(doc.Line(1), "the list has %d mistakes, of which %d are told", told, mostFindings))
		}
		found = append(found, d.found...)
	}
	if documents == 0 {
		found = append(found, Unanswerable.At(diag.Span{File: f.Path}, "no list of flows").
			Because("an answer to nothing would look like one").Suggest("write a list of {from, to, port}"))
	}
	return all, found
}

// list is the document's root, if that can be a list. Unlike an intent it may be long:
// programs write it.
func (d *decoder) list() *yaml.Node {
	var n, rest yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(d.at.Text))
	if err := reader.Decode(&n); err != nil {
		d.syntax(err)
		return nil
	}
	if err := reader.Decode(&rest); err != io.EOF {
		d.add(Unanswerable.At(d.at.Line(rest.Line), "something follows the list"))
		return nil
	}
	if len(n.Content) == 0 {
		return nil
	}
	before := len(d.found)
	d.check(n.Content[0], 0)
	if len(d.found) > before {
		return nil
	}
	return n.Content[0]
}

// withPorts are protocols whose ports no policy names: they may be given, and decide
// nothing.
var withPorts = []packet.Protocol{packet.UDPLite, 33} // 33 is DCCP (IANA)

// meaningful finds questions that no packet is an answer to.
func (d *decoder) meaningful(all []Listed) {
	for i := range all {
		switch q := &all[i]; {
		case d.found.Failed() && (q.Span.IsZero() || !q.From.Given()): // already said
		case q.ICMP != nil && q.Protocol.Given() && !q.Header().Protocol.HasTypes():
			d.add(Unanswerable.At(q.ICMP.Span, "%s has no types", q.Header().Protocol).Suggest("leave out icmp, or write protocol: ICMP or ICMPv6"))
		case q.Port.Given() && !q.Header().Protocol.HasPorts() && !slices.Contains(withPorts, q.Header().Protocol):
			d.add(Unanswerable.At(q.Port.Span, "%s has no ports", q.Header().Protocol).Suggest("leave out port"))
		case !q.Port.Given() && q.Header().Protocol.HasPorts():
			d.add(Unanswerable.At(q.Span, "the flow has no port").Because("a verdict is about one packet").
				Suggest("add port, or ask about every port of two ends by explain \"FROM -> TO\""))
		}
	}
}

// Header is what the question says of its packet beside the ends.
func (q *Listed) Header() packet.Header {
	h := packet.Header{Protocol: packet.Protocol(q.Protocol.Value), Port: uint16(q.Port.Value)}
	if q.ICMP != nil {
		h.Type, h.Code = uint8(q.ICMP.Type.Value), uint8(q.ICMP.Code.Value)
	}
	switch {
	case q.Protocol.Given():
	case q.ICMP != nil:
		h.Protocol = packet.ICMP
	default:
		h.Protocol = packet.TCP
	}
	return h
}
