package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is whom the program runs as: Argo CD runs its plugins as 999, and whoever demands a user
// that is not root needs a number.
const user = "999"

// images are the platforms of the image.
var images = []platform{{"linux", "amd64"}, {"linux", "arm64"}}

// image makes the image of some platforms, writes it to a directory or pushes it, and prints
// the digest by which it is to be named.
func (r release) image(ctx context.Context, of []platform, dir, to string) error {
	index, err := r.index(ctx, of)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	if to == "" {
		if _, err := layout.Write(dir, index); err != nil {
			return err
		}
		fmt.Println(digest)
		return nil
	}
	ref, err := name.ParseReference(to, name.StrictValidation)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	fmt.Println(ref.Context().Digest(digest.String()))
	return nil
}

// index is the image of several platforms.
func (r release) index(ctx context.Context, of []platform) (v1.ImageIndex, error) {
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	own := platform{runtime.GOOS, runtime.GOARCH}
	local := filepath.Join(work, own.program())
	if err := r.build(ctx, own, local); err != nil {
		return nil, err
	}
	common, err := r.common(ctx, local)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range of {
		img, err := r.imageOf(ctx, p, filepath.Join(work, p.arch), common)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: p.os, Architecture: p.arch},
		}})
	}
	return mutate.Annotations(index, r.labels()).(v1.ImageIndex), nil
}

// labels are those that registries and scanners read.
func (r release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "portcullis",
		"org.opencontainers.image.description": "compiles network intent into Kubernetes and Calico policy",
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.revision":    r.commit,
		"org.opencontainers.image.created":     r.at.Format("2006-01-02T15:04:05Z"),
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
}

// imageOf lays the program upon the base.
func (r release) imageOf(ctx context.Context, p platform, program string, common []file) (v1.Image, error) {
	if err := r.build(ctx, p, program); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	materials, err := r.materials(ctx, program)
	if err != nil {
		return nil, err
	}
	img, err := r.baseOf(ctx, p)
	if err != nil {
		return nil, err
	}
	files := []file{
		{"usr/local/bin/portcullis", data, 0o755},
		{"usr/share/doc/portcullis/portcullis.cdx.json", materials, 0o644},
	}
	for _, f := range common {
		if strings.HasPrefix(f.name, "LICENSE") {
			files = append(files, file{"usr/share/doc/portcullis/" + f.name, f.data, 0o644})
		}
	}
	if img, err = r.layer(img, "portcullis "+r.version, sorted(files)); err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = p.os, p.arch, v1.Time{Time: r.at}
	config.Config.User = user + ":" + user
	config.Config.Entrypoint, config.Config.Cmd = []string{"/usr/local/bin/portcullis"}, []string{"help"}
	if len(config.Config.Env) == 0 {
		config.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	}
	if config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}
	maps.Copy(config.Config.Labels, r.labels())
	return mutate.ConfigFile(img, config)
}

// baseOf is the image that was asked for, which is named by what it is, so that the release is
// the same tomorrow; or one with nothing but certificates, a user and a place for files that
// are needed for a moment.
func (r release) baseOf(ctx context.Context, p platform) (v1.Image, error) {
	if r.base != "" {
		ref, err := name.NewDigest(r.base, name.StrictValidation)
		if err != nil {
			return nil, fmt.Errorf("the base is named by its digest: %w", err)
		}
		return remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
			remote.WithPlatform(v1.Platform{OS: p.os, Architecture: p.arch}))
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	return r.layer(img, "certificates and a user", []file{
		{"etc/group", []byte("root:x:0:\nportcullis:x:" + user + ":\n"), 0o644},
		{"etc/passwd", []byte("root:x:0:0:root:/:/nologin\nportcullis:x:" + user + ":" + user + ":portcullis:/tmp:/nologin\n"), 0o644},
		{"etc/ssl/certs/ca-certificates.crt", certificates(), 0o644},
		{"tmp/", nil, 0o1777},
	})
}

// certificates are the roots that Mozilla trusts in everything: those that it trusts in part
// alone cannot be written down in a file of certificates.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return out.Bytes()
}

// layer lays files over an image of the release, with a line in its history.
func (r release) layer(img v1.Image, comment string, files []file) (v1.Image, error) {
	var data bytes.Buffer
	if err := tarInto(&data, files, r.at); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	return mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: r.at}, CreatedBy: "ci/release", Comment: comment}})
}
