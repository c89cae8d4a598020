package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// Archives are bounded as the input is: a small file must not fill the memory of
// whoever reads it.
const (
	archiveBytes = 512 << 20
	archiveFiles = 200_000
)

// Archive packs the bundle as a gzipped tar: files alone, the index first and the others by name,
// with the same mode, no owner and no time.
func (b Bundle) Archive() ([]byte, error) {
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	w := tar.NewWriter(compressed)
	for _, name := range b.paths() {
		h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(b[name])), Format: tar.FormatUSTAR}
		err := w.WriteHeader(&h)
		if err != nil { // a name that USTAR has no room or no letters for
			h.Format = tar.FormatGNU
			err = w.WriteHeader(&h)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, err := w.Write(b[name]); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), compressed.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readArchive reads an archive as strictly as it is written: whatever a bundle
// does not hold (links, devices, names that lead elsewhere or come twice, bytes
// after the end) is an error. Directories, which Flux packs as well, say nothing.
func readArchive(r io.Reader) (Bundle, error) {
	compressed, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	content := &io.LimitedReader{R: compressed, N: archiveBytes}
	b := Bundle{}
	for in := tar.NewReader(content); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, limited(content, err)
		}
		if h.Typeflag == tar.TypeDir && fs.ValidPath(path.Clean(h.Name)) {
			continue
		}
		switch _, twice := b[h.Name]; {
		case h.Typeflag != tar.TypeReg || h.PAXRecords != nil:
			return nil, fmt.Errorf("%q is not a plain file", h.Name)
		case !fs.ValidPath(h.Name) || h.Name == ".":
			return nil, fmt.Errorf("%q is not the name of a file in a bundle", h.Name)
		case twice:
			return nil, fmt.Errorf("%q is there twice", h.Name)
		case h.Size > fileLimit:
			return nil, fmt.Errorf("%q is larger than %d MiB", h.Name, fileLimit>>20)
		case len(b) == archiveFiles:
			return nil, fmt.Errorf("more than %d files", archiveFiles)
		}
		if b[h.Name], err = io.ReadAll(in); err != nil {
			return nil, limited(content, err)
		}
	}
	// What is left are zeros, up to a whole number of records, and the checksum.
	if _, err := io.Copy(zeros{}, content); err != nil {
		return nil, err
	}
	if err := limited(content, nil); err != nil {
		return nil, err
	}
	return b, nil
}

// zeros takes nothing but zeros.
type zeros struct{}

// Write refuses any byte but zero, with which a tar archive is padded at its end.
func (zeros) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, "\x00")) > 0 {
		return 0, errors.New("something follows the archive's end")
	}
	return len(p), nil
}

// limited says of an archive that was cut at the limit on its size that it is too large.
func limited(content *io.LimitedReader, err error) error {
	if content.N <= 0 {
		return fmt.Errorf("more than %d MiB", archiveBytes>>20)
	}
	return err
}
