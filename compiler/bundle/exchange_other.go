//go:build !linux && !darwin

package bundle

import "errors"

// exchange is something that this system cannot do.
var exchange = func(a, b string) error { return errors.ErrUnsupported }
