package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
)

// parsing guards a variable of urfave/cli's: the flag for help is the same for all
// programs of a process, and each of them writes into it as it begins.
var parsing sync.Mutex

// here runs the program in this process, one at a time.
func here(ctx context.Context, args []string, environ map[string]string) (code int, stdout, stderr string) {
	parsing.Lock()
	defer parsing.Unlock()
	var out, err bytes.Buffer
	code = run(ctx, args, environ, streams{in: strings.NewReader(""), out: &out, err: &err})
	return code, out.String(), err.String()
}
