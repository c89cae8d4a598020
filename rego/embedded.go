package rego

import "embed"

// embedded are the checks of the product, and the schema of the documents that they judge.
//
//go:embed checks/*/*.rego checks/input.schema.json
var embedded embed.FS
