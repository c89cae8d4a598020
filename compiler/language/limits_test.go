package language

import (
	"fmt"
	"strings"
	"testing"
)

// TestValuesOfOneList: a list of ten thousand values is read, and a longer one refused at
// the first that is too much.
func TestValuesOfOneList(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"from: [%s], ports: [any]", "from: a, ports: [%s]"} {
		for n, want := range map[int]string{10_000: "", 10_001: "10001 values in one list, expected 10000 at most"} {
			value := "a"
			if strings.Contains(list, "ports: [%s]") {
				value = "80"
			}
			values := strings.TrimSuffix(strings.Repeat(value+", ", n), ", ")
			text := "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: a, namespace: b}\nspec:\n  inbound:\n    - {" + fmt.Sprintf(list, values) + "}\n"
			_, found := Parse([]File{{Path: "a.yaml", Data: []byte(text)}, {Path: PlatformFile, Data: []byte(minimalPlatform)}})
			switch {
			case want == "" && found.Failed():
				t.Errorf("%s: %v", list, found.Err())
			case want != "" && (len(found) == 0 || !found[0].Is(limitExceeded) || found[0].Message != want):
				t.Errorf("%s: %v, want PC006: %s", list, found.Err(), want)
			}
		}
	}
}
