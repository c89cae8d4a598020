package sources

import (
	"bytes"
	"path"
	"regexp"

	"portcullis.dev/compiler/language"
)

var (
	// numbered is the name of a file that a step of a test by kuttl expects to find in the cluster.
	numbered = regexp.MustCompile(`^[0-9]+-assert(-.*)?\.ya?ml$`)
	// expected is the name of one that several steps share, or that they expect not to find.
	expected = regexp.MustCompile(`-(assert|errors)(-.*)?\.ya?ml$`)
	// step is the head of a document by which kuttl knows its own.
	step = regexp.MustCompile(`(?m)^kind:[ ]*["']?(TestCase|TestStep|TestAssert)["']?[ ]*\r?$`)
)

// testsOfKuttl are the directories that kuttl applies step by step, to a namespace of its own that
// it removes. What is expected of an operator is written there as the manifests that it makes.
func testsOfKuttl(files []language.File) map[string]bool {
	dirs := map[string]bool{}
	for _, f := range files {
		if numbered.MatchString(path.Base(f.Path)) || bytes.Contains(f.Data, []byte("kuttl.dev/")) && step.Match(f.Data) {
			dirs[path.Dir(f.Path)] = true
		}
	}
	return dirs
}

// ofKuttl reports whether a file is of a test, or is called as what tests expect where there are
// any: nobody deploys it.
func (m *Manifests) ofKuttl(name string) bool {
	return m.tests[path.Dir(name)] || len(m.tests) > 0 && expected.MatchString(path.Base(name))
}
