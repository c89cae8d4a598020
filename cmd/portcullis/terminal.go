package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"
)

// screen finds the terminal behind a stream, if people look at it.
func screen(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// colour decides whether a stream gets colour: on a terminal, never into a pipe, unless asked. The
// command line goes before the environment, and there who wants none before who wants some.
func (p *program) colour(w io.Writer, when colour) bool {
	switch force := p.environ["CLICOLOR_FORCE"]; {
	case when != colourAuto:
		return when == colourAlways
	case p.environ["NO_COLOR"] != "":
		return false
	case force != "" && force != "0":
		return true
	}
	_, ok := screen(w)
	return ok && p.environ["CLICOLOR"] != "0" && p.environ["TERM"] != "dumb"
}

// width measures how many columns a stream has, or 0 where it is no terminal and lines have no
// end. COLUMNS says of a terminal what it does not know itself, or what people prefer.
func (p *program) width(w io.Writer) int {
	f, ok := screen(w)
	if !ok {
		return 0
	}
	if columns, err := strconv.Atoi(p.environ["COLUMNS"]); err == nil && columns > 0 {
		return columns
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
// no trace. Into a pipe, or the log of a pipeline, it says nothing. The clock that it reads reaches no output
// of the run.
func (p *program) progress(doing string) (stop func()) {
	f, ok := screen(p.err)
	if !ok || p.environ["TERM"] == "dumb" || p.environ["CI"] != "" {
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
				if columns := p.width(f); columns > 0 && len(text) >= columns {
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
