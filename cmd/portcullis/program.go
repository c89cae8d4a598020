package main

import (
	"io"
	"sync"
)

// streams are where the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// program is what commands need of the world around them.
type program struct {
	streams
	environ map[string]string

	children sync.WaitGroup // processes that render components
	ended    ended          // those that did not come to their own end
}

// ended are the components that were being rendered as the time of the run was over.
type ended struct {
	sync.Mutex
	components []string
}

func (e *ended) add(components []string) {
	e.Lock()
	defer e.Unlock()
	e.components = append(e.components, components...)
}
