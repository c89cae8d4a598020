package main

import (
	"context"
	"time"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// compile compiles a repository by the stages of a build.
func (p *program) compile(ctx context.Context, dir string, timeout time.Duration, o compiler.Options) (*compiler.Built, error) {
	return over(ctx, p, dir, timeout, "compiling", func(ctx context.Context, files []language.File, found diag.List) (*compiler.Built, error) {
		o.Child = p.child(ctx)
		return o.Build(ctx, files, found)
	})
}

// over reads a repository and compiles it, or does something else with it, within the time that
// the command line gives.
func over[T any](ctx context.Context, p *program, dir string, timeout time.Duration, doing string, run func(context.Context, []language.File, diag.List) (T, error)) (T, error) {
	defer p.progress(doing)()
	result, err := within(ctx, timeout, func(ctx context.Context) (result T, err error) {
		files, found, err := p.readRepository(dir)
		if err != nil {
			return result, inputError(err)
		}
		return run(ctx, files, found)
	})
	return result, p.timedOut(err) // the children end with the time that they were given
}
