package language

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// PeerKind is which notation a Peer is written in.
type PeerKind int

// The notations of a peer.
const (
	WorkloadPeer PeerKind = iota + 1 // cart, payments/ledger
	SetPeer                          // payments/*, */*
	NamedPeer                        // @corp
	LabelPeer                        // {selector}, {namespace, selector}, {namespaceSelector, selector}
	AddressPeer                      // {cidr, except}
)

// Peer is the other end of a line as it is written; resolving gives it a meaning.
type Peer struct {
	Kind      PeerKind
	Namespace string       // workload, set ("*" is every one); empty is the line's own
	Name      string       // workload, or the @name without its @
	Labels    *labelPeer   // nil unless it is a LabelPeer
	Addresses *addressPeer // nil unless it is an AddressPeer
}

type labelPeer struct {
	Span              diag.Span
	Namespace         At[NamespaceName] `key:"namespace"`
	NamespaceSelector *Selector         `key:"namespaceSelector"`
	Selector          *Selector         `key:"selector"`
}

type addressPeer struct {
	Span   diag.Span
	CIDR   At[CIDR]   `key:"cidr,required"`
	Except []At[CIDR] `key:"except"`
}

// decodeNode reads a peer in any of its notations: one word, {cidr, except}, or labels of pods and
// namespaces.
func (p *Peer) decodeNode(d *decoder, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		d.scalar(n, p)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(BadPeer.At(d.at.Span(n), "expected a peer, found %s", describe(n)).Suggest("%s", BadPeer.Mend))
		return
	}
	if isAddressPeer(n) {
		p.Kind = AddressPeer
		d.value(n, reflect.ValueOf(&p.Addresses).Elem())
		return
	}
	p.Kind = LabelPeer
	d.value(n, reflect.ValueOf(&p.Labels).Elem())
	if p.Labels.Namespace.Given() && p.Labels.NamespaceSelector != nil {
		p.Kind = 0 // that is said, and nothing else of it
		d.add(BadPeer.At(d.at.Span(n), "a peer has namespace and namespaceSelector").Suggest("keep the one that is meant"))
	}
	if p.Labels.Selector == nil && !p.Labels.Namespace.Given() && p.Labels.NamespaceSelector == nil {
		d.add(BadPeer.At(d.at.Span(n), "an empty peer").Suggest("name who is meant; every pod of the cluster is \"*/*\""))
	}
}

// isAddressPeer tells a peer of addresses, {cidr, except}, from one of labels.
func isAddressPeer(n *yaml.Node) bool {
	for key := range pairs(n) {
		if key.Value == "cidr" || key.Value == "except" {
			return true
		}
	}
	return false
}

// parse reads a peer of one word, a workload, a set or an @name, and says of what is none how it
// would be written.
func (p *Peer) parse(word, tag string) *mistake {
	bad := func(hint, replace string) *mistake {
		return &mistake{rule: BadPeer, message: fmt.Sprintf("%.80q is not a peer", word), hint: hint, replace: replace}
	}
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected a peer, found " + tagged(word, tag), hint: "a name is text: quote it", replace: yamltext.Quoted(word)}
	}
	if name, ok := strings.CutPrefix(word, "@"); ok {
		if !dnsLabel.MatchString(name) {
			return bad("after the @ stands a name of the Platform's peers", "")
		}
		p.Kind, p.Name = NamedPeer, name
		return nil
	}
	if host, ok := strings.CutPrefix(word, "dns:"); ok {
		return bad(fmt.Sprintf("open-source Calico has no policy by DNS name, and %s is not resolved at build time because it may change after: use an @name of the Platform or an egress proxy", host), "")
	}
	if looksLikeAddress(word) {
		if _, m := parseCIDR(word); m == nil {
			block := yamltext.Line(yamltext.Map{{Key: "cidr", Value: word}})
			return bad("addresses are written as "+block, block)
		}
	}
	namespace, name, both := strings.Cut(word, "/")
	if !both {
		namespace, name = "", word
		if n, ns, dotted := strings.Cut(word, "."); dotted {
			ns, _, _ = strings.Cut(ns, ".") // ledger.payments.svc.cluster.local
			if dnsLabel.MatchString(n) && dnsLabel.MatchString(ns) {
				ref := yamltext.Quote(ns + "/" + n)
				return bad("write namespace/name: "+ref, ref)
			}
		}
	}
	switch {
	case both && name == "*" && (namespace == "*" || isNamespace(namespace)):
		p.Kind, p.Namespace = SetPeer, namespace
	case both && namespace == "*":
		return bad("every pod of the cluster is \"*/*\"; the same name in every namespace is {namespaceSelector: {}, selector: {…}}", "")
	case dnsLabel.MatchString(name) && (!both || isNamespace(namespace)):
		p.Kind, p.Namespace, p.Name = WorkloadPeer, namespace, name
	case word == "*":
		return bad("every pod of this namespace is {selector: {}}; of the cluster, \"*/*\"", "")
	default:
		hint := "a peer is a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), a selector, {cidr, except}, or an @name"
		if peer, port, both := strings.Cut(word, ":"); both {
			hint = "a line says its ports by themselves: " + yamltext.Line(yamltext.Map{{Key: "to", Value: peer}, {Key: "ports", Value: yamltext.List{PortValue(port)}}})
		} else if mended := mendName(word); mended != "" && !both {
			hint += "; did you mean " + yamltext.Quote(mended) + "?"
		}
		return bad(hint, "")
	}
	return nil
}

// Member is a peer that may be written as a bare address, where nothing else can be
// meant: among the members of an @name, and at the ends of tests.
type Member struct{ Peer }

// decodeNode reads a peer, or a bare address as the addresses it stands for.
func (v *Member) decodeNode(d *decoder, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		v.Peer.decodeNode(d, n)
		return
	}
	d.scalar(n, v)
	if v.Kind == AddressPeer {
		v.Addresses.Span = d.at.Span(n)
		v.Addresses.CIDR.Span = v.Addresses.Span
	}
}

// parse reads a peer of one word, or a bare address or block.
func (v *Member) parse(word, tag string) *mistake {
	if !looksLikeAddress(word) {
		return v.Peer.parse(word, tag)
	}
	prefix, m := parseCIDR(word)
	v.Kind = AddressPeer
	v.Addresses = &addressPeer{CIDR: At[CIDR]{Value: CIDR{prefix}}}
	return m
}

// looksLikeAddress tells a peer's address from its name: no name has a colon, and none that is all
// digits, dots and a slash is meant as one.
func looksLikeAddress(word string) bool {
	return word != "" && (strings.ContainsRune(word, ':') && !strings.HasPrefix(word, "dns:") || strings.Trim(word, "0123456789./") == "")
}
