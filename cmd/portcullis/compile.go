package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

// timeoutFlag makes one of every command that compiles.
func timeoutFlag(into *time.Duration) cli.Flag {
	return &typed[time.Duration]{
		StringFlag: cli.StringFlag{Name: "timeout", Value: "0s", DefaultText: "none", Usage: "give up after this `TIME`, such as 50s: before whoever started the run does, and with a reason"},
		parse:      parseTimeout, into: into,
	}
}

// effectiveTimeFlag makes one of every command that judges dates.
func effectiveTimeFlag(into *time.Time) cli.Flag {
	return &typed[time.Time]{
		StringFlag: cli.StringFlag{Name: "effective-time", Usage: "judge waivers and last days as at this `TIME`: a day such as 2026-12-01, or RFC 3339; now by default"},
		parse:      parseInstant, into: into,
	}
}

// compile runs the build over a repository.
func (p *program) compile(ctx context.Context, dir string, timeout time.Duration, o compiler.Options) (*compiler.Built, error) {
	return over(ctx, p, dir, timeout, "compiling", func(ctx context.Context, files []language.File, found diag.List) (*compiler.Built, error) {
		o.Child = p.child(ctx)
		return o.Build(ctx, files, found)
	})
}

// over reads a repository and runs something over it, within the time that the command
// line gives.
func over[T any](ctx context.Context, p *program, dir string, timeout time.Duration, doing string, run func(context.Context, []language.File, diag.List) (T, error)) (T, error) {
	defer p.progress(doing)()
	result, err := within(ctx, timeout, func(ctx context.Context) (result T, err error) {
		files, found, err := sources.ReadRepository(dir, sources.DefaultLimits())
		if err != nil {
			return result, inputError(err)
		}
		return run(ctx, files, found)
	})
	return result, p.timedOut(err) // the children end with the time that they were given
}

// lateError is a run that took longer than it was given.
type lateError struct{ timeout time.Duration }

func (e lateError) Error() string {
	return fmt.Sprintf("not done after --timeout %s; nothing was written. Give it more time, or a smaller directory", e.timeout)
}

// within runs f and waits no longer than the time allows, or than the user does. A
// stage that does not look at the context is left behind: the program is about to
// end.
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
