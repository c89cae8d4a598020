package object

import (
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

// IDOf returns the identity of a manifest that is to be written.
func IDOf(m Map) ID {
	str := func(m Map, key string) string { s, _ := m.Get(key).(string); return s }
	metadata, _ := m.Get("metadata").(Map)
	return ID{Group: GroupOf(str(m, "apiVersion")), Kind: str(m, "kind"), Namespace: str(metadata, "namespace"), Name: str(metadata, "name")}
}

// DecodeManifest reads a manifest that is to be written, as [Decode] reads what is written.
func DecodeManifest(m Map) ([]Object, diag.List) { return DecodeJSON(m.JSON()) }
