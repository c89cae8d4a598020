package main

import (
	"errors"
	"fmt"
	"os"

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

// findings is the outcome of a run whose report holds against its input.
type findings struct{ code int }

func (f findings) Error() string { return fmt.Sprintf("exit %d", f.code) }

// inputError is the user's mistake of naming something that is not there or not
// readable.
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

// outError tells a place that must not be written to, which is the user's mistake, from one
// that the machine keeps from us.
func outError(err error) error {
	if errors.Is(err, bundle.ErrRefused) {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return fmt.Errorf("--out: %w", err)
}

// outcome is the exit code that a report asks for.
func outcome(report diag.Report, failOn diag.Severity) error {
	if report.Findings.Unjudgeable() {
		return findings{exitInput}
	}
	if worst := report.Findings.Worst(); worst >= failOn && worst > 0 {
		return findings{exitFindings}
	}
	return nil
}
