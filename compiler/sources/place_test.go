package sources

import (
	"io"
	"strings"
	"testing"
)

// asked counts how often a file is read.
type asked struct {
	io.Reader
	reads int
}

func (c *asked) Read(p []byte) (int, error) {
	c.reads++
	return c.Reader.Read(p)
}

// TestReadUpTo: whatever size a file is said to have, it is read to its end or to the limit; and
// one that has the size that it is said to have is asked once.
func TestReadUpTo(t *testing.T) {
	t.Parallel()
	const text = "abcdef"
	for length := range len(text) + 1 {
		for size := range len(text) + 3 {
			for limit := range len(text) + 3 {
				file := &asked{Reader: strings.NewReader(text[:length])}
				got, err := readUpTo(file, int64(size), int64(limit))
				if want := text[:min(length, limit)]; string(got) != want || err != nil {
					t.Fatalf("%d bytes, said to be %d, up to %d: read %q, expected %q (%v)", length, size, limit, got, want, err)
				}
				if length > 0 && size == length && limit > size && file.reads != 1 {
					t.Errorf("%d bytes are asked for in %d reads", length, file.reads)
				}
			}
		}
	}
}
