package main

import "io"

// streams are where the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// program is what commands need of the world around them.
type program struct {
	streams
	environ map[string]string

	children children
	ahead    ahead
}
