package facts_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"portcullis.dev/compiler/facts"
)

var update = flag.Bool("update", false, "write the schema that rules are checked against")

// The rules' copy of the schema is the one that the Go types give.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	const file = "../../rego/checks/input.schema.json"
	if *update {
		if err := os.MkdirAll("../../rego/checks", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, facts.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, facts.Schema()) {
		t.Errorf("%s differs from the Go types; run: go test ./compiler/facts -update", file)
	}
}
