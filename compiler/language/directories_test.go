package language

import "testing"

// TestRepositoriesInEverySpelling reads the directories that a Platform calls repositories in each
// way in which YAML can spell the word, and none where it does not stand.
func TestRepositoriesInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key  string
		want int
	}{
		{"repositories", 1}, {`"repositories"`, 1}, {`"repo\x73itories"`, 1}, {"\"repo\\\n    sitories\"", 1},
		{"# repositories\n  name", 0}, {"namespaces", 0},
	} {
		f := File{PlatformFile, []byte(minimalPlatform[:len(minimalPlatform)-len("{}\n")] + "\n  ? " + test.key + "\n  : [apart]\n")}
		got := Repositories(f)
		if len(got) != test.want || test.want > 0 && got[0].Value != "apart" {
			t.Errorf("%s: %v, expected %d", test.key, got, test.want)
		}
	}
}
