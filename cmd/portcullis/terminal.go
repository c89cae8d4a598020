package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// screen is the file behind a stream that people look at.
func screen(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// colour decides whether a stream gets colour: never into a pipe, unless asked.
func (p *program) colour(w io.Writer, when colour) bool {
	switch when {
	case colourAlways:
		return true
	case colourNever:
		return false
	}
	_, ok := screen(w)
	return ok && p.environ["NO_COLOR"] == "" && p.environ["TERM"] != "dumb"
}

// width is how many columns a stream has, or 0 where it is no terminal and lines
// have no end.
func width(w io.Writer) int {
	f, ok := screen(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// patience is how long people wait before they ask what is going on.
const patience = 500 * time.Millisecond

// progress says on a terminal what takes so long, until stop is called, and leaves
// no trace. Into a pipe it says nothing. The clock that it reads reaches no output
// of the run.
func (p *program) progress(doing string) (stop func()) {
	f, ok := screen(p.err)
	if !ok || p.environ["TERM"] == "dumb" {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		start := time.Now()
		shown := false
		next := time.NewTimer(patience)
		defer next.Stop()
		for {
			select {
			case <-quit:
				if shown {
					fmt.Fprint(f, "\r\x1b[K")
				}
				return
			case <-next.C:
				text := fmt.Sprintf("%s, %d s", doing, int(time.Since(start).Seconds()))
				if columns := width(f); columns > 0 && len(text) >= columns {
					text = text[:columns-1]
				}
				fmt.Fprintf(f, "\r\x1b[K%s", text)
				shown = true
				next.Reset(time.Second)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
