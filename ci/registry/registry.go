// Package registry carries bundles to and from registries, as the artifacts that Flux'
// OCIRepository takes.
//
// Its invariant: the same bundle, source and revision are the same artifact, by its digest, and
// what was fetched is what its digest says. Without encryption it speaks to this machine alone.
//
// It must not know what is in a bundle.
package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// The media types by which Flux knows an artifact
// (https://fluxcd.io/flux/components/source/ocirepositories/).
const (
	configType  = "application/vnd.cncf.flux.config.v1+json"
	contentType = "application/vnd.cncf.flux.content.v1.tar+gzip"
)

// Scheme is how the address of an artifact begins.
const Scheme = "oci://"

// mostManifest and mostContent bound what is fetched, in bytes.
const (
	mostManifest = 4 << 20
	mostContent  = 512 << 20
)

// Address is where an artifact lies.
type Address struct{ of registry.Reference }

// Parse reads the address of an artifact in a registry, oci://HOST/REPOSITORY:TAG, or @DIGEST in
// place of the tag.
func Parse(text string) (Address, error) {
	rest, is := strings.CutPrefix(text, Scheme)
	if !is {
		return Address{}, fmt.Errorf("expected %sHOST/REPOSITORY:TAG, found %.200q", Scheme, text)
	}
	of, err := registry.ParseReference(rest)
	if err != nil {
		return Address{}, fmt.Errorf("%.200q: expected %sHOST/REPOSITORY:TAG, or @sha256:… in place of the tag", text, Scheme)
	}
	if of.Reference == "" {
		return Address{}, fmt.Errorf("%.200q has no tag: an artifact is found by %s%s:TAG, or by @sha256:…", text, Scheme, rest)
	}
	return Address{of}, nil
}

// String writes the address of an artifact in a registry as Parse reads it.
func (a Address) String() string { return Scheme + a.of.String() }

// At makes the address of the artifact with a digest in the same repository of a registry.
func (a Address) At(digest string) Address {
	a.of.Reference = digest
	return a
}

// Push sends content, an archive as Flux unpacks it, to the registry, and returns the digest by
// which it is found. Where it comes from, and its revision there, may be empty.
func (a Address) Push(ctx context.Context, archive []byte, source, revision string) (digest string, err error) {
	if a.of.ValidateReferenceAsDigest() == nil {
		return "", errors.New("an artifact is pushed to a tag, and has the digest that comes of it")
	}
	config := []byte("{}")
	layer := content.NewDescriptorFromBytes(contentType, archive)
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: content.NewDescriptorFromBytes(configType, config), Layers: []ocispec.Descriptor{layer},
		// Of a date there is none but the beginning of time, or no two pushes would be the same.
		Annotations: map[string]string{ocispec.AnnotationCreated: "1970-01-01T00:00:00Z"},
	}
	for key, value := range map[string]string{ocispec.AnnotationSource: source, ocispec.AnnotationRevision: revision} {
		if value != "" {
			m.Annotations[key] = value
		}
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	repo, err := a.repository()
	if err != nil {
		return "", err
	}
	for _, blob := range []struct {
		of   ocispec.Descriptor
		data []byte
	}{{m.Config, config}, {layer, archive}} {
		there, err := repo.Blobs().Exists(ctx, blob.of)
		if err == nil && !there {
			err = repo.Blobs().Push(ctx, blob.of, bytes.NewReader(blob.data))
		}
		if err != nil {
			return "", a.because(err)
		}
	}
	of := content.NewDescriptorFromBytes(m.MediaType, manifest)
	if err := repo.PushReference(ctx, of, bytes.NewReader(manifest), a.of.Reference); err != nil {
		return "", a.because(err)
	}
	return of.Digest.String(), nil
}

// Pull fetches the content of an artifact from the registry, and its digest.
func (a Address) Pull(ctx context.Context) (archive []byte, digest string, err error) {
	repo, err := a.repository()
	if err != nil {
		return nil, "", err
	}
	of, err := repo.Resolve(ctx, a.of.Reference)
	if err != nil {
		return nil, "", a.because(err)
	}
	var m ocispec.Manifest
	switch raw, err := fetch(ctx, repo, of, mostManifest); {
	case err != nil:
		return nil, "", a.because(err)
	case of.MediaType != ocispec.MediaTypeImageManifest || json.Unmarshal(raw, &m) != nil:
		return nil, "", fmt.Errorf("%s is %s, and no artifact of Flux'", a, of.MediaType)
	case m.Config.MediaType != configType || len(m.Layers) != 1 || m.Layers[0].MediaType != contentType:
		return nil, "", fmt.Errorf("%s is no artifact of Flux': its configuration is %.100q, and it has %d layers; push it with portcullis push or flux push artifact", a, m.Config.MediaType, len(m.Layers))
	}
	archive, err = fetch(ctx, repo, m.Layers[0], mostContent)
	return archive, of.Digest.String(), a.because(err)
}

// fetch reads from the registry the content of an artifact that a descriptor speaks of, and holds
// it against its size and digest.
func fetch(ctx context.Context, from content.Fetcher, of ocispec.Descriptor, most int64) ([]byte, error) {
	if of.Size > most {
		return nil, fmt.Errorf("%s is larger than %d MiB", of.Digest, most>>20)
	}
	return content.FetchAll(ctx, from, of)
}

// repository makes a client of the artifact's repository in a registry, with the credentials of
// Docker's configuration.
func (a Address) repository() (*remote.Repository, error) {
	repo, err := remote.NewRepository(a.of.Registry + "/" + a.of.Repository)
	if err != nil {
		return nil, err
	}
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	repo.PlainHTTP = isThisMachine(a.of.Host())
	client := retry.NewClient()
	client.Transport = guarded{client.Transport}
	repo.Client = &auth.Client{Client: client, Cache: auth.NewCache(), Credential: credentials.Credential(store)}
	return repo, nil
}

// guarded refuses to send anything to another machine without encryption, wherever a registry
// refers to.
type guarded struct{ http.RoundTripper }

var errPlain = errors.New("the registry refers to a place without encryption")

// RoundTrip refuses requests of a registry's client to another machine that are not encrypted.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !isThisMachine(r.URL.Host) {
		return nil, errPlain
	}
	return g.RoundTripper.RoundTrip(r)
}

// isThisMachine reports whether a registry's host, which may have a port, is a loopback address.
func isThisMachine(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
