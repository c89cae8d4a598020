package rego

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// limits bound what the user's rules may cost, so that one that was written in haste,
// or in malice, exhausts neither the machine nor the reader.
type limits struct {
	time     time.Duration // for all rules on one document, or for one test
	memory   uint64        // by which the program may grow meanwhile, in bytes
	findings int           // of one rule on one document
	total    int           // of one rule in one run
	text     int           // characters of one text
	related  int           // places beside a finding's own
}

// defaultLimits are far above what rules need, on a busy machine too: a document takes
// a few milliseconds.
var defaultLimits = limits{
	time: 30 * time.Second, memory: 512 << 20,
	findings: 1000, total: 10_000, text: 2000, related: 100,
}

// exhausted is what a rule ran out of.
type exhausted string

func (e exhausted) Error() string { return string(e) }

// exhaustion is what the rules ran out of, if that is why their context ended.
func exhaustion(ctx context.Context) (cause exhausted, ok bool) {
	ok = errors.As(context.Cause(ctx), &cause)
	return cause, ok
}

// perDocument is the context of one evaluation.
func (l limits) perDocument(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.time, exhausted(fmt.Sprintf("takes longer than %v for one document", l.time)))
}

// watched ends the context when the program has grown too much. Evaluation looks at
// its context, so that nothing is killed; what a rule holds is then let go.
func (l limits) watched(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	runtime.GC() // what is alive now is not the rules'
	before := liveBytes()
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if live := liveBytes(); live > before && live-before > l.memory {
					cancel(exhausted(fmt.Sprintf("holds more than %d MiB of memory", l.memory>>20)))
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// liveBytes is what the last collection found in use.
func liveBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// blame finds out which of the user's rules ran out of something on documents that
// were under evaluation when it happened, by evaluating each alone.
func (e *Engine) blame(ctx context.Context, documents []any, cause exhausted) (diag.List, error) {
	for _, document := range documents {
		input, err := valueOf(document)
		if err != nil {
			return nil, err
		}
		for _, c := range e.checks {
			if c.module.own {
				continue
			}
			query, err := e.prepare(ctx, "found := "+c.findings())
			if err != nil {
				return nil, err
			}
			alone, stop := e.limits.watched(ctx)
			alone, stopTime := e.limits.perDocument(alone)
			_, _ = e.evaluate(alone, query, input) // what it found does not count any more
			own, ranOut := exhaustion(alone)
			stopTime()
			stop()
			if ctx.Err() != nil {
				return e.outOfTime(ctx.Err())
			}
			if ranOut {
				return diag.List{e.failure(c, own).Suggest("%s", exhaustedHint)}, nil
			}
		}
	}
	return diag.List{doesNotEvaluate.At(diag.Span{}, "the rules cannot be evaluated: together they need too much; one %s", cause).
		Because("a rule that was not evaluated has judged nothing").Suggest("%s", exhaustedHint)}, nil
}

const exhaustedHint = "Look for a rule that enumerates pairs or large ranges, or builds large values."

// surplus counts findings beyond the limits, by rule.
type surplus map[*diag.Rule]int

// capped leaves of each rule of the user's no more than the limit allows, in order,
// and counts what is left out. A finding that is only counted names nothing, so that
// no waiver accepts it.
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

// clip cuts a text of the user's that is too long to be read, and says so.
func (l limits) clip(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= l.text {
		return s
	}
	return fmt.Sprintf("%s… (%d more characters)", string([]rune(s)[:l.text]), n-l.text)
}
