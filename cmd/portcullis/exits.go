package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/policies/diag"
)

// The exit codes. Of several that apply, the highest wins.
const (
	exitOK       = 0 // nothing stands against the result
	exitFindings = 1 // an unwaived finding of severity error
	exitInput    = 2 // the input could not be judged, or the command line not understood
	exitMachine  = 3 // the machine failed
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// Unwrap gives the error that a usage error, which has an exit code of its own, is about.
func (e usageError) Unwrap() error { return e.error }

// findings is the outcome of a run whose report holds against its input.
type findings struct{ code int }

// Error names the exit code of a run whose report holds against its input; it is not shown.
func (f findings) Error() string { return fmt.Sprintf("exit %d", f.code) }

// inputError blames the user for naming something that is not there or not readable, which
// decides about the exit code.
func inputError(err error) error {
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return usageError{fmt.Errorf("%s: %w", pathError.Path, pathError.Err)}
	}
	return usageError{err}
}

// outError tells a place that must not be written to, which is the user's mistake and has its
// exit code, from one that the machine keeps from us. The place is named as it was written.
func outError(place string, err error) error {
	if errors.Is(err, bundle.ErrRefused) {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return fmt.Errorf("--out %s: %w", place, err)
}

// misnamed are the system's reasons that lie in the name of a place: it is, or leads through,
// something else than was expected. All other reasons of the system's are the machine's.
var misnamed = []error{
	fs.ErrExist, fs.ErrNotExist, fs.ErrInvalid,
	syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL,
}

// writeError says why a file was not written: the place as people wrote it, the file in it, and
// the reason. What is wrong with the place itself is the user's mistake, by the exit code, and so
// is what the system was not asked about; the rest is a failure of the machine.
func writeError(place, file string, err error) error {
	where := file
	switch {
	case file == "":
		where = place
	case place != "":
		where = place + ": " + file
	}
	said := fmt.Errorf("%s: %w", where, reasonOf(err))
	var system syscall.Errno
	if !errors.As(err, &system) || slices.ContainsFunc(misnamed, func(m error) bool { return errors.Is(err, m) }) {
		return usageError{said}
	}
	return said
}

// reasonOf drops the system call and the path that it was given, which may be that of a file for
// the time being, from the reason with which a run exits.
func reasonOf(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// outcome finds the exit code that a report asks for.
func outcome(report diag.Report, failOn diag.Severity) error {
	if report.Findings.Unjudgeable() {
		return findings{exitInput}
	}
	if worst := report.Findings.Worst(); worst >= failOn && worst > 0 {
		return findings{exitFindings}
	}
	return nil
}

// exit says what went wrong, and turns it into the program's exit code.
func (p *program) exit(err error) int {
	var usage usageError
	var found findings
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &found):
		return found.code
	case errors.As(err, &usage):
		fmt.Fprintf(p.err, "portcullis: %v\n", err)
		return exitInput
	default:
		fmt.Fprintf(p.err, "portcullis: %v\n", err)
		return exitMachine
	}
}
