// Package cache keeps between runs what need not be found out again.
//
// Its invariant: what it hands out was kept by the same program, under the same key, and is
// whole, or it hands out nothing. It never stands in the way: what cannot be read is as if it had
// never been kept.
//
// It must not know what is kept, nor what a key is made of.
package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dir is a directory in which records are kept, each in a file that its key names. Several programs
// may use one at once: a record is replaced in whole.
type Dir struct {
	path string
	tool [sha256.Size]byte
}

// ErrOpen is why a directory is refused.
var ErrOpen = errors.New("everybody may write in it, and so have anything pass for known; take that right away (chmod o-w), or name another directory")

// Open makes a directory ready, and makes it if there is none. One in which everybody may write is
// refused: whoever may could have anything pass for known.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, plain(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, plain(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 {
		return nil, ErrOpen
	}
	tool, err := identity()
	return &Dir{dir, tool}, err
}

// plain names of an error the reason alone where the path is the one that was asked for.
func plain(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// identity tells this program from every other, by the bytes of its file: how it was built need not
// tell all that it was built from.
var identity = sync.OnceValues(func() (sum [sha256.Size]byte, err error) {
	file, err := os.Executable()
	if err != nil {
		return sum, err
	}
	f, err := os.Open(file)
	if err != nil {
		return sum, err
	}
	defer f.Close() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
})

// Key is what a record is kept under.
type Key [sha256.Size]byte

// Key makes the key of some texts, of which no two lists are alike, for this program alone.
func (d *Dir) Key(parts ...string) Key {
	h := sha256.New()
	h.Write(d.tool[:])
	for _, part := range parts {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return Key(h.Sum(nil))
}

// The form of a record: a line with the digest of the key and what follows, and that, as JSON.
const (
	suffix     = ".record"
	unfinished = ".unfinished"
	mostBytes  = 64 << 20 // of one record
	most       = 256      // records
)

// file returns where the record of a key is kept.
func (d *Dir) file(key Key) string {
	return filepath.Join(d.path, hex.EncodeToString(key[:])+suffix)
}

// seal digests a record for its first line.
func seal(key Key, text []byte) string {
	h := sha256.New()
	h.Write(key[:])
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// Load reads into a value what was kept under a key, and reports whether anything was that is
// whole. Of many records those go first that nobody has loaded for longest.
func (d *Dir) Load(key Key, into any) bool {
	name := d.file(key)
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() || info.Size() > mostBytes {
		return false
	}
	all, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	sealed, text, _ := bytes.Cut(all, []byte("\n"))
	if string(sealed) != seal(key, text) || json.Unmarshal(text, into) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // who may not write keeps nothing, and lets go of nothing
	return true
}

// Keep keeps a value under a key, in place of another. Where there are many records it lets go of those
// that were neither kept nor loaded for longest.
func (d *Dir) Keep(key Key, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(d.path, "*"+unfinished)
	if err != nil {
		return plain(err)
	}
	_, err = f.WriteString(seal(key, text) + "\n" + string(text))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.file(key))
	}
	if err != nil {
		return errors.Join(plain(err), os.Remove(f.Name()))
	}
	return d.clear()
}

// clear removes those of many records that nobody asked for longest, and what killed runs left
// unfinished. Files of other names are somebody else's.
func (d *Dir) clear() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return plain(err)
	}
	type aged struct {
		name string
		at   time.Time
	}
	var records, old []aged
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() { // another run removed it, or it is nobody's record
			continue
		}
		one := aged{entry.Name(), info.ModTime()}
		number, isUnfinished := strings.CutSuffix(one.name, unfinished)
		key, isRecord := strings.CutSuffix(one.name, suffix)
		switch {
		case isUnfinished && strings.Trim(number, "0123456789") == "" && time.Since(one.at) > time.Hour:
			old = append(old, one)
		case isRecord && len(key) == hex.EncodedLen(sha256.Size) && strings.Trim(key, "0123456789abcdef") == "":
			records = append(records, one)
		}
	}
	slices.SortFunc(records, func(a, b aged) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.name, b.name)) })
	var failed error
	for _, one := range append(old, records[min(most, len(records)):]...) {
		if err := os.Remove(filepath.Join(d.path, one.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, plain(err))
		}
	}
	return failed
}
