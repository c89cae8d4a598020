package object

import (
	"reflect"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// Map, Field and List are what manifests are made of that are to be written: the values of
// YAML's one pen.
type (
	Map   = yamltext.Map
	Field = yamltext.Field
	List  = yamltext.List
)

// IDOf reads the identity of a manifest that is to be written.
func IDOf(m Map) ID {
	str := func(m Map, key string) string { s, _ := m.Get(key).(string); return s }
	metadata, _ := m.Get("metadata").(Map)
	return ID{Group: GroupOf(str(m, "apiVersion")), Kind: str(m, "kind"), Namespace: str(metadata, "namespace"), Name: str(metadata, "name")}
}

// DecodeManifest reads a manifest that is to be written, as [Decode] reads what is written.
func DecodeManifest(m Map) ([]Object, diag.List) { return NewReader().Decode(m) }

// Reader reads manifests that are to be written, of which many say the same: they share it. It
// is not for several goroutines at once.
type Reader struct{ filling }

// NewReader makes a reader that has read nothing.
func NewReader() Reader { return Reader{filling{map[string]map[string]string{}}} }

// Decode reads a manifest. A policy that says nothing out of the ordinary is read without the
// text between.
func (r Reader) Decode(m Map) ([]Object, diag.List) {
	raw := m.JSON()
	if o, whole := r.policy(m, raw); whole {
		return []Object{o}, nil
	}
	return DecodeJSON(raw)
}

// policy decodes a manifest of a policy by filling its Go type, and reports whether it is whole.
func (r Reader) policy(m Map, raw []byte) (o Object, whole bool) {
	id := IDOf(m)
	apiVersion, _ := m.Get("apiVersion").(string)
	k, _ := classify(apiVersion, id.Kind)
	if k.role != Policy || id.Name == "" {
		return o, false
	}
	unplaced := id.Namespace == "" && !k.cluster
	switch {
	case k.cluster:
		id.Namespace = ""
	case unplaced:
		id.Namespace = "default"
	}
	o = Object{ID: id, APIVersion: apiVersion, Role: k.role, Typed: k.typed(), JSON: raw, Unplaced: unplaced}
	return o, r.fill(reflect.ValueOf(o.Typed).Elem(), m)
}
