package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// because says what caused the push or pull of an artifact of a registry to fail, and what to do
// about it.
func (a Address) because(err error) error {
	var answer *errcode.ErrorResponse
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	var lookup *net.DNSError
	var network *net.OpError
	status := 0
	if errors.As(err, &answer) {
		status = answer.StatusCode
	}
	switch host := a.of.Registry; {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, auth.ErrBasicCredentialNotFound), status == http.StatusUnauthorized:
		return fmt.Errorf("%s: %s asks who you are, and Docker's configuration has no answer that it takes: run docker login %s, or set DOCKER_CONFIG to a directory with a config.json that has one", a, host, host)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: %s knows you, and does not let you: whoever runs it has to give you the repository %s", a, host, a.of.Repository)
	case errors.Is(err, errdef.ErrNotFound), status == http.StatusNotFound:
		return fmt.Errorf("%s: it is not there, or not for you to see", a)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%s: %s has had too many requests: wait, or log in", a, host)
	case status >= 500:
		return fmt.Errorf("%s: %s is out of order (HTTP %d)", a, host, status)
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData), errors.Is(err, content.ErrInvalidDescriptorSize):
		return fmt.Errorf("%s: what came is not what its digest says: %w", a, err)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &record), errors.Is(err, errPlain):
		return fmt.Errorf("%s: %w; without encryption that can be trusted, only a registry of this machine is spoken to", a, err)
	case errors.As(err, &lookup):
		return fmt.Errorf("%s: there is no host %s", a, lookup.Name)
	case errors.As(err, &network):
		return fmt.Errorf("%s: %s does not answer: %w", a, host, network.Err)
	}
	return fmt.Errorf("%s: %w", a, err)
}
