package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// manifests are what some arguments name.
type manifests struct {
	files []language.File
	bases []language.File // outside of them, that kustomizations among them list
	found diag.List
}

// readAllManifests reads the manifests that arguments name, and the bases that their
// kustomizations list.
func (p *program) readAllManifests(names []string) (all manifests, err error) {
	for _, name := range names {
		files, found, err := p.readManifests(name)
		if err != nil {
			return all, inputError(err)
		}
		all.files, all.found = append(all.files, files...), append(all.found, found...)
		bases, found, err := sources.ReadBases(name, files, sources.DefaultLimits())
		if err != nil {
			return all, inputError(err)
		}
		all.bases, all.found = append(all.bases, bases...), append(all.found, found...)
	}
	return all, nil
}

// readManifests reads the manifests that one argument names: stdin, a file, or a directory.
func (p *program) readManifests(name string) ([]language.File, diag.List, error) {
	limits := sources.DefaultLimits()
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(p.in, limits.TotalBytes+1))
		if err == nil && int64(len(data)) > limits.TotalBytes {
			err = fmt.Errorf("stdin is larger than %d MiB", limits.TotalBytes>>20)
		}
		return []language.File{{Path: "stdin", Data: data}}, nil, err
	}
	name = filepath.ToSlash(filepath.Clean(name))
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		f, found, err := sources.ReadManifest(name, limits)
		return []language.File{f}, found, err
	}
	files, found, err := sources.ReadTree(name, limits)
	for i := range files {
		files[i].Path = path.Join(name, files[i].Path)
	}
	for i := range found {
		found[i].Span.File = path.Join(name, found[i].Span.File)
	}
	return files, found, err
}
