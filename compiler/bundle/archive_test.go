package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "portcullis.dev/testdata/seed"
)

// smallBundle has directories, an empty file, and a name that USTAR cannot hold.
func smallBundle(t testing.TB, text string) Bundle {
	t.Helper()
	b, err := New(Record{Tool: "test"}, map[string][]byte{
		"base/a/x.yaml":            []byte(text),
		"base/kustomization.yaml":  []byte("resources: [a]\n"),
		"overlays/prod/empty.yaml": nil,
		"base/b/networkpolicy-" + strings.Repeat("n", 200) + ".yaml": []byte(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func archiveOf(t testing.TB, b Bundle) []byte {
	t.Helper()
	data, err := b.Archive()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestArchiveTellsNothingOfItsMaking reads the headers themselves: no time, no
// owner, no extended header that could hold one, files alone and in order.
func TestArchiveTellsNothingOfItsMaking(t *testing.T) {
	t.Parallel()
	data := archiveOf(t, smallBundle(t, "x"))
	// RFC 1952: magic, deflate, no flags (name, comment, extra), no time, unknown system.
	if want := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0}; !bytes.HasPrefix(data, want) || data[9] != 0xff {
		t.Errorf("the gzip header is % x", data[:10])
	}
	compressed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(compressed)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	in := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Typeflag != tar.TypeReg || h.Mode != 0o644 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s tells %+v", h.Name, h)
		}
		if want := tar.FormatUSTAR; len(h.Name) < 100 && h.Format != want {
			t.Errorf("%s is in the format %v, expected %v", h.Name, h.Format, want)
		}
		if h.Format == tar.FormatPAX || h.PAXRecords != nil {
			t.Errorf("%s has a PAX header", h.Name)
		}
	}
	want := []string{IndexFile, "base/a/x.yaml", "base/b/networkpolicy-" + strings.Repeat("n", 200) + ".yaml", "base/kustomization.yaml", "overlays/prod/empty.yaml"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestArchiveLosesNothing packs and unpacks any bundle.
func TestArchiveLosesNothing(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching(`[a-zA-Z0-9._ é-]{1,120}`).Filter(func(s string) bool { return s != "." && s != ".." })
	rapid.Check(t, func(rt *rapid.T) {
		b := Bundle{IndexFile: []byte("{}")}
		for range rapid.IntRange(0, 8).Draw(rt, "files") {
			b[strings.Join(rapid.SliceOfN(part, 1, 4).Draw(rt, "path"), "/")] = rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(rt, "data")
		}
		first, err := b.Archive()
		if err != nil {
			rt.Fatal(err)
		}
		back, err := readArchive(bytes.NewReader(first))
		if err != nil {
			rt.Fatal(err)
		}
		if len(back) != len(b) {
			rt.Fatalf("%d files were packed, %d unpacked", len(b), len(back))
		}
		for name := range b {
			if !bytes.Equal(b[name], back[name]) {
				rt.Fatalf("%q came back as %q", b[name], back[name])
			}
		}
		if second, _ := back.Archive(); !bytes.Equal(first, second) {
			rt.Fatal("packed again, it has other bytes")
		}
	})
}

// pack writes an archive as somebody else would.
func pack(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		h.Size = 0
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// repacked is the bundle as an archive of somebody else.
func repacked(t *testing.T, b Bundle) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, data := range b {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Uid: 7, Size: int64(len(data)), Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return compress(t, out.Bytes())
}

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	sound := pack(t, file(IndexFile), file("base/a.yaml"))
	if _, err := readArchive(bytes.NewReader(compress(t, sound))); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	sparse := tar.Header{Typeflag: tar.TypeReg, Name: "sparse", PAXRecords: map[string]string{"PORTCULLIS.size": "1099511627776"}}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "EOF"},
		"no gzip":          {sound, "invalid header"},
		"no tar":           {compress(t, []byte(strings.Repeat("text ", 1000))), "invalid tar header"},
		"half of it":       {compress(t, sound)[:60], "unexpected EOF"},
		"half a header":    {compress(t, sound[:700+512]), "unexpected EOF"},
		"a wrong checksum": {damaged(compress(t, sound)), "invalid checksum"},
		"more after it":    {append(compress(t, sound), "and then garbage"...), "invalid header"},
		"another after it": {append(compress(t, sound), compress(t, sound)...), "something follows"},
		"text in the tail": {compress(t, append(bytes.Clone(sound), "tail"...)), "something follows"},
		"the parent":       {compress(t, pack(t, file("../a"))), `"../a" is not the name`},
		"a way out":        {compress(t, pack(t, file("base/../../a"))), "is not the name"},
		"the root":         {compress(t, pack(t, file("/etc/passwd"))), "is not the name"},
		"itself":           {compress(t, pack(t, file("."))), "is not the name"},
		"a name twice":     {compress(t, pack(t, file("a"), file("a"))), `"a" is there twice`},
		"a symbolic link":  {compress(t, pack(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "/etc/passwd"})), "not a plain file"},
		"a hard link":      {compress(t, pack(t, file("a"), tar.Header{Typeflag: tar.TypeLink, Name: "b", Linkname: "a"})), "not a plain file"},
		"a device":         {compress(t, pack(t, tar.Header{Typeflag: tar.TypeChar, Name: "a"})), "not a plain file"},
		"a named pipe":     {compress(t, pack(t, tar.Header{Typeflag: tar.TypeFifo, Name: "a"})), "not a plain file"},
		"a directory":      {compress(t, pack(t, tar.Header{Typeflag: tar.TypeDir, Name: "../a/"})), "not a plain file"},
		"a PAX header":     {compress(t, pack(t, sparse)), "not a plain file"},
		"a global header":  {compress(t, pack(t, tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"path": "x"}})), "not a plain file"},
		"a large file":     {compress(t, header(t, fileLimit+1)), `"huge" is larger than 64 MiB`},
		"a file of 1 TiB":  {compress(t, header(t, 1<<40)), `"huge" is larger than 64 MiB`},
		"a bomb of zeros":  {compressZeros(t, sound), "more than 512 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := readArchive(bytes.NewReader(test.data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, expected one with %q", err, test.want)
			}
			if b != nil {
				t.Errorf("%d files were handed on", len(b))
			}
		})
	}
}

// damaged changes the checksum at the end.
func damaged(data []byte) []byte {
	data[len(data)-5] ^= 1
	return data
}

// header is that of a file of a size that does not follow.
func header(t *testing.T, size int64) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "huge", Size: size, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// compressZeros is an archive with more padding after it than is read.
func compressZeros(t *testing.T, archive []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = compressed.Write(archive)
	if err == nil {
		_, err = io.CopyN(compressed, endless{}, archiveBytes)
	}
	if err := errors.Join(err, compressed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// FuzzReadArchive reads anything. What is accepted holds nothing but files below
// the root, and can be written.
func FuzzReadArchive(f *testing.F) {
	f.Add(archiveOf(f, smallBundle(f, "x")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		// Both as it is, and as the content, past the checksum that guards it.
		for _, archive := range [][]byte{data, compress(t, data)} {
			b, err := readArchive(bytes.NewReader(archive))
			if err != nil {
				continue
			}
			for name := range b {
				if strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../") {
					t.Errorf("%q leads out", name)
				}
			}
		}
	})
}
