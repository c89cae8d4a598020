package report

import _ "embed"

//go:embed map.schema.json
var mapSchema []byte

//go:embed diff.schema.json
var diffSchema []byte

// SchemaNames lists the documents of ours that have a JSON Schema to print.
func SchemaNames() []string { return []string{"map", "diff"} }

// Schema looks up the JSON Schema of a document of ours.
func Schema(name string) ([]byte, bool) {
	switch name {
	case "map":
		return mapSchema, true
	case "diff":
		return diffSchema, true
	}
	return nil, false
}
