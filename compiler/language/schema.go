package language

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"sync"

	"portcullis.dev/policies/diag"
)

// SchemaDirectory is where a repository keeps the schema that its editors read, and
// SchemaFile the one that knows every kind.
const (
	SchemaDirectory = ".portcullis"
	SchemaFile      = "portcullis.schema.json"
)

// Schema returns the JSON Schema (draft-07, as editors want it) of one kind, or, for an
// empty name, of all: the document's kind then decides. It says of a document what
// Parse says of its structure; what depends on more than one word is left to Parse.
func Schema(kind string) ([]byte, bool) {
	g := generator{definitions: map[string]any{}}
	root := jsonObject{}
	for _, k := range kinds {
		if k.name == kind {
			root = g.root(k.document)
		}
	}
	switch {
	case kind == "":
		root = g.dispatch()
	case len(root) == 0:
		return nil, false
	}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = strings.TrimSpace("Portcullis " + path.Base(APIVersion) + " " + kind)
	root["definitions"] = g.definitions
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // maps, slices, strings and numbers always encode
	}
	return []byte(b.String()), true
}

// Schemas returns the files with the schema of each kind and that of all.
func Schemas() map[string][]byte {
	files := map[string][]byte{}
	for _, kind := range append(kindNames(), "") {
		name := SchemaFile
		if kind != "" {
			name = strings.ToLower(kind) + ".schema.json"
		}
		files[name], _ = Schema(kind)
	}
	return files
}

// EditorLine returns the comment by which the YAML language server finds the schema for a
// file, whose path is relative to the root of the repository, without a network.
func EditorLine(file string) string {
	up := strings.Repeat("../", strings.Count(path.Clean(file), "/"))
	return "# yaml-language-server: $schema=" + up + SchemaDirectory + "/" + SchemaFile
}

type jsonObject = map[string]any

// generator collects the definitions of types, each once. It walks the types as the
// decoder walks a document.
type generator struct{ definitions jsonObject }

// described is a type whose notation is not that of a struct, a list or a word.
type described interface {
	schema(g *generator) jsonObject
}

// dispatch makes the JSON Schema of all kinds, which goes on to that of the document's kind.
func (g *generator) dispatch() jsonObject {
	var byKind []any
	for _, k := range kinds {
		byKind = append(byKind, jsonObject{
			"if":   jsonObject{"properties": jsonObject{"kind": jsonObject{"const": k.name}}, "required": []string{"kind"}},
			"then": g.of(k.document, ""),
		})
	}
	return jsonObject{
		"type":     "object",
		"required": []string{"apiVersion", "kind"},
		"properties": jsonObject{
			"apiVersion": jsonObject{"const": APIVersion, "description": documentation[kinds[0].name+".apiVersion"]},
			"kind":       jsonObject{"enum": kindNames(), "description": "What the document describes."},
		},
		"allOf": byKind,
	}
}

// root makes a kind's own definition in the JSON Schema, unfolded.
func (g *generator) root(t reflect.Type) jsonObject {
	g.of(t, "")
	root := g.definitions[t.Name()].(jsonObject)
	delete(g.definitions, t.Name())
	return root
}

// of returns the JSON Schema of a Go type; within names the field of an unnamed one.
func (g *generator) of(t reflect.Type, within string) jsonObject {
	if t.Kind() == reflect.Pointer {
		return g.of(t.Elem(), within)
	}
	if d, ok := reflect.Zero(t).Interface().(described); ok {
		return d.schema(g)
	}
	if w, ok := words()[t]; ok {
		if t.PkgPath() == "" {
			return w
		}
		return g.define(t.Name(), func() jsonObject { return w })
	}
	switch t.Kind() {
	case reflect.Slice:
		return jsonObject{"type": "array", "items": g.of(t.Elem(), within)}
	case reflect.Struct:
		if t.Name() != "" {
			return g.define(t.Name(), func() jsonObject { return g.structure(t, t.Name()) })
		}
		return g.structure(t, within)
	}
	panic("language: no schema for " + t.String()) // a mistake in the types of this package
}

// define adds a definition to the JSON Schema once, and returns the reference to it.
func (g *generator) define(name string, make func() jsonObject) jsonObject {
	if _, known := g.definitions[name]; !known {
		g.definitions[name] = nil // being defined: types may refer to each other
		g.definitions[name] = make()
	}
	return jsonObject{"$ref": "#/definitions/" + name}
}

// structure returns the schema of a struct: its fields with their descriptions, and no others.
func (g *generator) structure(t reflect.Type, name string) jsonObject {
	properties, required := jsonObject{}, []string{}
	for _, f := range fieldsOf(t) {
		in := declaredIn(t, f, name) + "." + f.name
		p := g.of(t.FieldByIndex(f.index).Type, in)
		if _, isKind := words()[t]; !isKind && f.name == "kind" {
			p = jsonObject{"const": name}
		} else if f.name == "apiVersion" {
			p = jsonObject{"const": APIVersion}
		}
		p = with(p, "description", documentation[in])
		properties[f.name] = p
		if f.required {
			required = append(required, f.name)
		}
	}
	s := jsonObject{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if text := documentation[name]; text != "" {
		s["description"] = text
	}
	return s
}

// declaredIn returns the name of the struct that declares the field, under which its description
// stands: that of an embedded one where it comes from there.
func declaredIn(t reflect.Type, f field, name string) string {
	for _, i := range f.index[:len(f.index)-1] {
		t = t.Field(i).Type
		name = t.Name()
	}
	return name
}

// with returns the schema with one more JSON Schema keyword.
func with(s jsonObject, key string, value any) jsonObject {
	copied := jsonObject{key: value}
	for k, v := range s {
		copied[k] = v
	}
	return copied
}

// schema describes the value; its place is no part of a schema.
func (At[T]) schema(g *generator) jsonObject { return g.of(reflect.TypeFor[T](), "") }

// schema describes an object whose property names are the user's own, and may lack a value.
func (Mapping[K, V]) schema(g *generator) jsonObject {
	value := g.of(reflect.TypeFor[V](), "")
	if mayBeEmpty(reflect.TypeFor[V]()) {
		value = jsonObject{"anyOf": []any{value, jsonObject{"type": "null"}}}
	}
	return jsonObject{"type": "object", "propertyNames": g.of(reflect.TypeFor[K](), ""), "additionalProperties": value}
}

// schema describes one value, or an array of them.
func (OneOrMany[T]) schema(g *generator) jsonObject {
	one := g.of(reflect.TypeFor[T](), "")
	return jsonObject{"anyOf": []any{one, jsonObject{"type": "array", "items": one}}}
}

// schema describes one value, or an object by environment, of which none is called as a key of a
// peer.
func (PerEnvironment[T]) schema(g *generator) jsonObject {
	value := g.of(reflect.TypeFor[T](), "")
	name := jsonObject{"allOf": []any{g.of(reflect.TypeFor[Name](), ""), jsonObject{"not": jsonObject{"enum": peerKeys}}}}
	return jsonObject{"anyOf": []any{value, jsonObject{"type": "object", "propertyNames": name, "additionalProperties": value}}}
}

// schema describes an array of namespaces, or a selector.
func (Replication) schema(g *generator) jsonObject {
	names := jsonObject{"type": "array", "minItems": 1, "items": g.of(reflect.TypeFor[NamespaceName](), "")}
	return jsonObject{"anyOf": []any{names, g.of(reflect.TypeFor[Selector](), "")}}
}

// schema defines the schema of a selector, which depends on whether it is written as Kubernetes
// writes it.
func (Selector) schema(g *generator) jsonObject {
	return g.define("Selector", func() jsonObject {
		var kubernetes []any
		for _, name := range names(fieldsOf(reflect.TypeFor[kubernetesSelector]())) {
			kubernetes = append(kubernetes, jsonObject{"required": []string{name}, "properties": jsonObject{name: jsonObject{"type": []string{"object", "array"}}}})
		}
		value := g.of(reflect.TypeFor[LabelValue](), "")
		return jsonObject{
			"type":        "object",
			"description": "Labels that pods must all have: {app: kafka, role: [broker, controller]}, where a list is any of; or Kubernetes' matchLabels and matchExpressions. {} is every pod.",
			"if":          jsonObject{"anyOf": kubernetes},
			"then":        g.of(reflect.TypeFor[kubernetesSelector](), ""),
			"else": jsonObject{
				"propertyNames":        g.of(reflect.TypeFor[LabelKey](), ""),
				"additionalProperties": jsonObject{"anyOf": []any{value, jsonObject{"type": "array", "minItems": 1, "items": value}}},
			},
		}
	})
}

// schema adds to the schema of its fields that In and NotIn alone have values.
func (matchExpression) schema(g *generator) jsonObject {
	type fields matchExpression
	return g.define("matchExpression", func() jsonObject {
		s := g.structure(reflect.TypeFor[fields](), "matchExpression")
		s["if"] = jsonObject{"properties": jsonObject{"operator": jsonObject{"enum": []string{"Exists", "DoesNotExist"}}}}
		s["then"] = jsonObject{"properties": jsonObject{"values": jsonObject{"maxItems": 0}}}
		s["else"] = jsonObject{"required": []string{"values"}, "properties": jsonObject{"values": jsonObject{"minItems": 1}}}
		return s
	})
}

// schema defines the schema of a peer of one word, of addresses or of labels.
func (Peer) schema(g *generator) jsonObject {
	return g.define("Peer", func() jsonObject { return g.peer(peerPattern) })
}

// schema defines the schema of a peer that may be a bare address too.
func (Member) schema(g *generator) jsonObject {
	return g.define("Member", func() jsonObject { return g.peer(peerPattern + "|" + addressPattern) })
}

// peer describes a peer's notations, where one of a single word matches a pattern.
func (g *generator) peer(pattern string) jsonObject {
	labels := g.of(reflect.TypeFor[labelPeer](), "")
	return jsonObject{
		"description": "Who: a workload (cart, payments/ledger), a set (payments/*, \"*/*\"), \"@internet\", \"@nodes\" or another \"@name\" of the Platform, {selector}, {namespace, selector}, {namespaceSelector, selector}, or {cidr, except}.",
		"anyOf": []any{
			jsonObject{"type": "string", "pattern": pattern},
			g.of(reflect.TypeFor[addressPeer](), ""),
			jsonObject{"allOf": []any{labels}, "minProperties": 1, "not": jsonObject{"required": []string{"namespace", "namespaceSelector"}}},
		},
	}
}

// oneOf returns the schema of a word that is one of some.
func oneOf[T any](choices map[string]T) jsonObject {
	return jsonObject{"enum": diag.SortedKeys(choices)}
}

// The patterns of words, in the part of the syntax that Go and ECMAScript share.
const (
	dnsLabelPattern = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
	namespaces      = `(` + dnsLabelPattern + `|[a-z0-9][a-z0-9-]{0,61}\*)`
	peerPattern     = `^@` + dnsLabelPattern + `$|^(` + namespaces + `|\*)/\*$|^(` + namespaces + `/)?` + dnsLabelPattern + `$`
	number16        = `([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
	portPattern     = `^` + number16 + `(-` + number16 + `)?(/(tcp|udp|sctp))?$`
	addressPattern  = `^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?$`
)

var aLetter = jsonObject{"pattern": "[a-z]"}

// words is the table of the types that are written as one word.
var words = sync.OnceValue(func() map[reflect.Type]jsonObject {
	return map[reflect.Type]jsonObject{
		reflect.TypeFor[string](): {"type": "string"},
		reflect.TypeFor[bool]():   {"type": "boolean"},
		reflect.TypeFor[Number](): {"type": "integer", "minimum": -1 << 31, "maximum": 1<<31 - 1},

		reflect.TypeFor[Name]():          {"type": "string", "pattern": dnsLabel.String()},
		reflect.TypeFor[NamespaceName](): {"type": "string", "pattern": "^" + namespaces + "$"},
		reflect.TypeFor[LabelKey]():      {"type": "string", "pattern": labelKey.String()},
		reflect.TypeFor[LabelValue]():    {"type": "string", "pattern": labelValue.String()},
		reflect.TypeFor[KindName]():      {"type": "string", "pattern": kindName.String()},
		reflect.TypeFor[User]():          {"type": "string", "pattern": "^" + dnsLabelPattern + `/(\*|` + dnsLabelPattern + ")$"},
		reflect.TypeFor[WorkloadRef]():   {"type": "string", "pattern": "^(" + namespaces + ")/" + dnsLabelPattern + "$"},
		reflect.TypeFor[ObjectRef]():     {"type": "string", "pattern": `^[^/ \t,]+(/[^/ \t,]+){1,2}$`},
		reflect.TypeFor[Directory]():     {"type": "string", "pattern": `^[^/\\\x00][^\\\x00]*$`},
		reflect.TypeFor[Code]():          {"type": "string", "pattern": ruleCode.String()},
		reflect.TypeFor[Fingerprint]():   {"type": "string", "pattern": fingerprint.String()},
		reflect.TypeFor[Date]():          {"type": "string", "pattern": `^[2-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`},
		reflect.TypeFor[Test]():          {"type": "string", "pattern": `^.*\S.*->.*\S.*[ \t](allow|deny)([ \t]+in[ \t]+\S.*)?$`},
		reflect.TypeFor[CIDR]():          {"type": "string", "pattern": addressPattern},

		reflect.TypeFor[PortName](): {"type": "string", "pattern": portName.String(),
			"allOf": []any{aLetter, jsonObject{"not": jsonObject{"pattern": "--"}}, jsonObject{"not": jsonObject{"enum": diag.SortedKeys(portWords)}}}},
		reflect.TypeFor[PortNumber](): {"anyOf": []any{
			jsonObject{"type": "integer", "minimum": 1, "maximum": 65535},
			jsonObject{"type": "string", "pattern": portPattern},
		}},
		reflect.TypeFor[PortRef](): {"anyOf": []any{
			jsonObject{"type": "integer", "minimum": 1, "maximum": 65535},
			jsonObject{"type": "string", "pattern": portPattern},
			jsonObject{"type": "string", "pattern": portName.String(), "allOf": []any{aLetter}},
		}},

		reflect.TypeFor[Handshake](): oneOf(handshakes),
		reflect.TypeFor[Unknown]():   oneOf(unknowns),
		reflect.TypeFor[APIForm]():   oneOf(apiForms),
		reflect.TypeFor[Severity]():  oneOf(severities),
		reflect.TypeFor[operator]():  oneOf(operators),
		reflect.TypeFor[Enforce]():   {"enum": []any{true, false, "staged"}},
	}
})
