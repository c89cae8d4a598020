package rego

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// limits bound what the user's rules may cost, so that one that was written in haste,
// or in malice, exhausts neither the machine nor the reader.
type limits struct {
	time     time.Duration // for all rules of a run together, or for one test
	each     time.Duration // for each document, beside that
	memory   uint64        // by which the program may grow meanwhile, in bytes; or to twice its size
	findings int           // of one rule on one document
	total    int           // of one rule in one run
	text     int           // characters of one text
	related  int           // places beside a finding's own
}

// defaultLimits are far above what rules need, on a busy machine too: all of ours take a
// few milliseconds for a document.
var defaultLimits = limits{
	time: 30 * time.Second, each: 20 * time.Millisecond, memory: 64 << 20,
	findings: 1000, total: 10_000, text: 2000, related: 100,
}

// exhausted is what a rule ran out of.
type exhausted string

// Error says which limit a rule of the user's ran into.
func (e exhausted) Error() string { return string(e) }

// exhaustion tells which limit the rules ran into, if that is why their context ended.
func exhaustion(ctx context.Context) (cause exhausted, ok bool) {
	ok = errors.As(context.Cause(ctx), &cause)
	return cause, ok
}

// timed makes the context that limits the time of all the user's rules on so many documents,
// after what they took for others. Who of them took the time is known where it ends.
func (l limits) timed(ctx context.Context, documents int, before time.Duration) (context.Context, context.CancelFunc) {
	left := l.time + time.Duration(documents)*l.each - before
	return context.WithTimeoutCause(ctx, left, outOfTime(fmt.Sprintf("takes most of the %v that all rules have together", l.time)))
}

// spending is what the user's rules took since the engine was prepared.
type spending struct {
	sync.Mutex
	all    time.Duration // beyond what documents have each
	byRule map[string]time.Duration
}

// outOfTime is what rules ran out of together.
type outOfTime string

// Error says which limit the user's rules ran into together.
func (e outOfTime) Error() string { return string(e) }

// watched ends the context when the program has grown beyond the limit of memory. Evaluation
// looks at its context, so that nothing is killed; what a rule holds is then let go. As what the
// rules hold grows, more is collected, so that the program is not twice as large.
func (l limits) watched(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	runtime.GC() // what is alive now is not the rules'
	before := read(live)
	allowed := max(l.memory, before)
	holds := exhausted(fmt.Sprintf("holds more than %d MiB of memory", l.memory>>20))
	if allowed > l.memory {
		holds = "holds more memory than all that the program judges"
	}
	restore := collectBeyond(read(total) - read(released) + allowed)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if now := read(live); now > before && now-before > allowed {
					cancel(holds)
					return
				}
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
		restore()
	}
}

// collecting is the process's memory limit while rules are watched. Engines that run at once
// share it: the last to end restores what the first found.
var collecting struct {
	sync.Mutex
	engines int
	before  int64
}

// collectBeyond lets more be collected where the program takes more than so many bytes.
func collectBeyond(bytes uint64) (restore func()) {
	collecting.Lock()
	defer collecting.Unlock()
	before := debug.SetMemoryLimit(int64(min(bytes, math.MaxInt64)))
	if collecting.engines++; collecting.engines == 1 {
		collecting.before = before
	}
	return func() {
		collecting.Lock()
		defer collecting.Unlock()
		if collecting.engines--; collecting.engines == 0 {
			debug.SetMemoryLimit(collecting.before)
		}
	}
}

// What the program is asked about itself.
const (
	live     = "/gc/heap/live:bytes" // what the last collection found in use
	total    = "/memory/classes/total:bytes"
	released = "/memory/classes/heap/released:bytes"
)

// read reads one of the runtime's metrics, by which memory is limited.
func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

const exhaustedHint = "Look for a rule that enumerates pairs or large ranges, or builds large values."

// surplus counts findings beyond the limits, by rule.
type surplus map[*diag.Rule]int

// capped leaves of each rule of the user's no more findings than the limit allows, in order, and
// counts what is left out. A finding that is only counted names nothing, so that no waiver
// accepts it.
func (e *Engine) capped(sorted diag.List, more surplus) diag.List {
	users := map[*diag.Rule]bool{}
	for _, c := range e.checks {
		users[c.rule] = !c.module.own
	}
	count := map[*diag.Rule]int{}
	kept := make(diag.List, 0, len(sorted))
	for _, d := range sorted {
		if count[d.Rule]++; users[d.Rule] && count[d.Rule] > e.limits.total {
			more[d.Rule]++
			continue
		}
		kept = append(kept, d)
	}
	for _, c := range e.checks {
		if n := more[c.rule]; n > 0 {
			kept = append(kept, c.rule.On(diag.Subject{}, "%d more findings of this rule are not shown", n).
				Because("a report that nobody can read to its end shows nothing").
				Suggest("Mend what is shown, or let the rule make one finding of what belongs together."))
		}
	}
	return kept
}

// clip cuts a text of the user's that is longer than the limit, and says so.
func (l limits) clip(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= l.text {
		return s
	}
	return fmt.Sprintf("%s… (%d more characters)", string([]rune(s)[:l.text]), n-l.text)
}
