package overlays

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// ownTransformers are transformers of kustomize's own, which it runs without a flag and which
// read no files (isBuiltinPlugin, kustomize/api/internal/plugins/loader). HelmChartInflationGenerator
// is one of its own, too, and starts Helm.
var ownTransformers = []string{
	"AnnotationsTransformer", "ImageTagTransformer", "LabelTransformer", "NamespaceTransformer", "PrefixTransformer",
	"PrefixSuffixTransformer", "ReplicaCountTransformer", "SuffixTransformer",
}

// describesOwn reports whether a text describes transformers alone that are built into kustomize.
func describesOwn(text []byte) bool {
	for reader := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var head struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
		}
		if err := reader.Decode(&head); err != nil {
			return errors.Is(err, io.EOF)
		}
		if head.APIVersion != "builtin" || !slices.Contains(ownTransformers, head.Kind) {
			return false
		}
	}
}
