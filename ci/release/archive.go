package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// keys lists the names of the files of a release.
func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// archives writes those of the platforms to a directory: each with its bill of materials beside
// it, and the checksums of all.
func (r release) archives(ctx context.Context, of []platform, dir string) error {
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	own := platform{runtime.GOOS, runtime.GOARCH}
	local := filepath.Join(work, own.program())
	if err := r.build(ctx, own, local); err != nil {
		return err
	}
	common, err := r.common(ctx, local)
	if err != nil {
		return err
	}
	written := map[string][]byte{}
	for _, p := range of {
		name := fmt.Sprintf("portcullis_%s_%s_%s", strings.TrimPrefix(r.version, "v"), p.os, p.arch)
		program := filepath.Join(work, name, p.program())
		if err := r.build(ctx, p, program); err != nil {
			return err
		}
		data, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		files := sorted(append(slices.Clone(common), file{p.program(), data, 0o755}))
		if p.os == "windows" {
			written[name+".zip"], err = zipped(files, r.at)
		} else {
			written[name+".tar.gz"], err = tarred(prefixed(files, name+"/"), r.at)
		}
		if err != nil {
			return err
		}
		if written[name+".cdx.json"], err = r.materials(ctx, program); err != nil {
			return err
		}
	}
	var sums strings.Builder
	for _, name := range slices.Sorted(keys(written)) {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(written[name]), name)
	}
	written["SHA256SUMS"] = []byte(sums.String())
	for name, data := range written {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// materials is the bill of materials of a program, in CycloneDX' form: without a serial number
// and a time, which would make every one another.
func (r release) materials(ctx context.Context, program string) ([]byte, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	return r.tool(ctx, "cyclonedx-gomod", "bin", "-json", "-std", "-noserial", "-notimestamp", "-version", r.version, program)
}

// prefixed are files below a directory, as tar archives of releases have them.
func prefixed(files []file, dir string) []file {
	all := slices.Clone(files)
	for i := range all {
		all[i].name = dir + all[i].name
	}
	return all
}

// tarred makes a .tar.gz archive of files, each of one time, for Linux and macOS.
func tarred(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := tarInto(compressed, files, at); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// tarInto writes files that belong to root and are of one time.
func tarInto(w io.Writer, files []file, at time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	return t.Close()
}

// zipped makes a .zip archive of files, each of one time, for Windows.
func zipped(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		header.SetMode(os.FileMode(f.mode))
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
