package resolve_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
)

// TestFormatChangesNoPlan compares what repositories mean before and after, places
// aside.
func TestFormatChangesNoPlan(t *testing.T) {
	t.Parallel()
	portcullis, err := filepath.Glob("../../examples/*/" + language.PlatformFile)
	if err != nil || len(portcullis) == 0 {
		t.Fatal("there are no examples", err)
	}
	for _, name := range portcullis {
		var before, after []language.File
		root := os.DirFS(filepath.Dir(name))
		err := filepath.WalkDir(filepath.Dir(name), func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, _ := filepath.Rel(filepath.Dir(name), p)
			data, err := root.(interface{ ReadFile(string) ([]byte, error) }).ReadFile(filepath.ToSlash(rel))
			f := language.File{Path: filepath.ToSlash(rel), Data: data}
			if !language.Ours(f) {
				return err
			}
			formatted, found, formatErr := language.Format(f)
			if formatErr != nil || found != nil {
				t.Errorf("%s: %v, %v", p, formatErr, found.Err())
			}
			before, after = append(before, f), append(after, language.File{Path: f.Path, Data: formatted})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		plans := func(files []language.File) []*plan.Plan {
			repo, found := language.Parse(files)
			plans, more := resolve.Plans(repo, options)
			if found.Failed() || more.Failed() {
				t.Errorf("%s: %v, %v", name, found.Err(), more.Err())
			}
			return plans
		}
		if diff := cmp.Diff(plans(before), plans(after), cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.IgnoreTypes(diag.Span{})); diff != "" {
			t.Errorf("%s means something else (-before +after):\n%s", name, diff)
		}
	}
}
