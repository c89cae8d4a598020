package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// lateError is a run that took longer than it was given.
type lateError struct{ timeout time.Duration }

// Error says that --timeout was not enough, and what to do.
func (e lateError) Error() string {
	return fmt.Sprintf("not done after --timeout %s; nothing was written. Give it more time, or a smaller directory", e.timeout)
}

// within runs f and waits no longer than the timeout allows, or than the user does. A stage that
// does not look at the context is left behind: the program is about to end.
func within[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f(ctx)
		done <- outcome{value, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		o.err = ctx.Err()
	}
	switch {
	case o.err == nil:
		return o.value, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return o.value, usageError{lateError{timeout}}
	case errors.Is(ctx.Err(), context.Canceled):
		return o.value, errors.New("interrupted; nothing was written")
	default:
		return o.value, o.err
	}
}

// timedOut waits for the child processes of a run that failed, and says in the error of one whose
// timeout was over what they were at.
func (p *program) timedOut(err error) error {
	if err == nil {
		return nil
	}
	names := p.children.finish()
	if len(names) == 0 || !errors.As(err, new(usageError)) {
		return err
	}
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 5
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return usageError{fmt.Errorf("%w. It was rendering components: %s%s", err, strings.Join(names, ", "), more)}
}
