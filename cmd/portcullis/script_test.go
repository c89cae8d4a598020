package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"portcullis": func() {
			if isChild(os.Args) {
				hangIfAsked()
			}
			os.Exit(Main())
		},
		"longwork": longWork,
		"measure":  measure,
	})
}

// TestScripts runs the program as a user does: streams, exit codes, and what must
// not exist afterwards. Golden files are written anew with -update.
func TestScripts(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			// The scripts run in empty directories; the examples are copied in, so that
			// no path of the checkout can reach an output.
			return os.CopyFS(filepath.Join(e.WorkDir, "examples"), os.DirFS(filepath.Join(root, "examples")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

// longWork takes longer than people wait in silence, on a busy machine too.
func longWork() {
	p := &program{streams: streams{err: os.Stderr}, environ: map[string]string{"TERM": os.Getenv("TERM"), "CI": os.Getenv("CI")}}
	stop := p.progress("compiling")
	time.Sleep(4 * patience)
	stop()
	fmt.Println("done")
}
