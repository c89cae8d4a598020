package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"
)

func opened(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRecordsAreWhole keeps a record and damages its file in every byte, at every length, and by giving it
// another key's name: nothing is handed out but what was kept, under the key under which it was.
func TestRecordsAreWhole(t *testing.T) {
	t.Parallel()
	d := opened(t)
	key, other := d.Key("a", "b"), d.Key("ab")
	want := map[string]int{"one": 1, "two": 2}
	if err := d.Keep(key, want); err != nil {
		t.Fatal(err)
	}
	load := func(key Key) (got map[string]int, some bool) {
		some = d.Load(key, &got)
		return got, some
	}
	if got, some := load(key); !some || !reflect.DeepEqual(got, want) {
		t.Fatalf("kept %v, and got %v", want, got)
	}
	whole, err := os.ReadFile(d.file(key))
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, name string, text []byte, key Key) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, some := load(key); some {
			t.Errorf("%s: got %v", what, got)
		}
	}
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1
		try(fmt.Sprintf("byte %d", i), d.file(key), damaged, key)
		try(fmt.Sprintf("the first %d bytes", i), d.file(key), whole[:i], key)
	}
	try("one byte more", d.file(key), append(append([]byte(nil), whole...), ' '), key)
	try("another key", d.file(other), whole, other)
	another := &Dir{d.path, [32]byte{1}} // of another program, with its own keys
	if err := os.WriteFile(another.file(another.Key("a", "b")), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if another.Load(another.Key("a", "b"), &map[string]int{}) {
		t.Error("another program gets the record")
	}
}

// TestKeysTellListsApart: no two lists of texts have one key, wherever one ends and the next begins.
func TestKeysTellListsApart(t *testing.T) {
	t.Parallel()
	d := opened(t)
	seen := map[Key][]string{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"b", "a"}, {"a\x00b"}} {
		key := d.Key(parts...)
		if seen[key] != nil {
			t.Errorf("%q and %q have one key", seen[key], parts)
		}
		seen[key] = parts
	}
}

// TestIrregularRecords puts what is no file where a record would be: nothing waits for it, and nothing is
// handed out.
func TestIrregularRecords(t *testing.T) {
	t.Parallel()
	d := opened(t)
	key := d.Key("a")
	if err := d.Keep(key, 1); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "record")
	if err := errors.Join(os.Rename(d.file(key), elsewhere), os.Symlink(elsewhere, d.file(key))); err != nil {
		t.Skip("there are no links here:", err)
	}
	if d.Load(key, new(int)) {
		t.Error("a link is followed")
	}
	if err := errors.Join(os.Remove(d.file(key)), os.Mkdir(d.file(key), 0o700)); err != nil {
		t.Fatal(err)
	}
	if d.Load(key, new(int)) {
		t.Error("a directory is a record")
	}
	if err := d.Keep(key, 1); err == nil {
		t.Error("a record takes a directory's place")
	}
	if left, err := filepath.Glob(filepath.Join(d.path, "*"+unfinished)); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind: %v", left, err)
	}
}

// TestOldestGo keeps more records than are kept: the oldest go, but for what was loaded since, and so does
// what a killed run left; what is somebody else's stays.
func TestOldestGo(t *testing.T) {
	t.Parallel()
	d := opened(t)
	begin := time.Now().Add(-48 * time.Hour)
	for i := range most + 3 {
		key := d.Key(fmt.Sprint(i))
		if err := os.WriteFile(d.file(key), []byte(seal(key, []byte("1"))+"\n1"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := begin.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(d.file(key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"7" + unfinished, "notes.record", "notes" + unfinished} {
		file := filepath.Join(d.path, name)
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, begin, begin)); err != nil {
			t.Fatal(err)
		}
	}
	if !d.Load(d.Key("2"), new(int)) {
		t.Error("nothing was kept")
	}
	if err := d.Keep(d.Key("new"), 1); err != nil {
		t.Fatal(err)
	}
	there := func(name string) bool {
		_, err := os.Lstat(name)
		return err == nil
	}
	for i := range most + 3 {
		if want := i == 2 || i >= 5; there(d.file(d.Key(fmt.Sprint(i)))) != want {
			t.Errorf("record %d is there: %v", i, !want)
		}
	}
	for name, want := range map[string]bool{"7" + unfinished: false, "notes.record": true, "notes" + unfinished: true} {
		if there(filepath.Join(d.path, name)) != want {
			t.Errorf("%s is there: %v", name, !want)
		}
	}
}

// TestRecordsAtOnce keeps and loads one record from many sides at once: whoever gets one gets a whole one.
func TestRecordsAtOnce(t *testing.T) {
	t.Parallel()
	d := opened(t)
	key := d.Key("a")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				if err := d.Keep(key, []int{i, i, i}); err != nil {
					t.Error(err)
				}
				var got []int
				if !d.Load(key, &got) || len(got) != 3 || got[0] != got[1] || got[1] != got[2] {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	all.Wait()
}

// TestOpenToEverybody: a directory in which everybody may write is refused.
func TestOpenToEverybody(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("rights are no bits there")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrOpen) {
		t.Errorf("opened: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "file")); err == nil {
		t.Error("a file is opened as a directory")
	}
}
