package main

import (
	"fmt"
	"net/netip"

	"github.com/urfave/cli/v2"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/cluster"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/object"
)

// clusterSaid is what the command line says of the cluster that manifests are for.
type clusterSaid struct {
	calico   calicoRelease // 0: nothing
	dns      *object.DNS   // nil: nothing
	pods     [][]netip.Prefix
	platform string // empty: none
}

// clusterFlags makes the flags about a cluster of every command that reads manifests: release of
// Calico, DNS, ranges of pods, Platform.
func clusterFlags(into *clusterSaid) []cli.Flag {
	return []cli.Flag{
		&typed[calicoRelease]{
			StringFlag: cli.StringFlag{Name: "calico", DefaultText: newestCalico.String(), Usage: "of manifests: the `RELEASE` of Calico that evaluates them"},
			parse:      parseRelease, into: &into.calico,
		},
		&typed[*object.DNS]{
			StringFlag: cli.StringFlag{Name: "dns", DefaultText: "kube-system/k8s-app=kube-dns:53", Usage: "of manifests: the pods that resolve names, `NAMESPACE/key=value[,…][:PORT]`"},
			parse:      parseDNS, into: &into.dns,
		},
		&typedList[[]netip.Prefix]{
			StringSliceFlag: cli.StringSliceFlag{Name: "pod-cidrs", Usage: "of manifests: the `RANGES` in which pods are, and nothing else, separated by commas"},
			parse:           parsePodRanges, into: &into.pods,
		},
		&typed[string]{
			StringFlag: cli.StringFlag{Name: "platform", Usage: "of manifests: the `FILE` with the Platform that describes their cluster"},
			parse:      func(text string) (string, error) { return text, nil }, into: &into.platform,
		},
	}
}

// options turns what flags say of a cluster into the compiler's options, and reads the Platform
// that one of them names.
func (s clusterSaid) options() (compiler.Options, error) {
	o := compiler.Options{Cluster: cluster.Said{CalicoMinor: int(s.calico), DNS: s.dns}}
	for _, p := range s.pods {
		o.Cluster.PodCIDRs = append(o.Cluster.PodCIDRs, p...)
	}
	if s.platform == "" {
		return o, nil
	}
	f, found, err := sources.ReadFile(s.platform, sources.DefaultLimits())
	switch {
	case err != nil:
		return o, inputError(err)
	case len(found) > 0:
		return o, usageError{fmt.Errorf("--platform %s: %s", s.platform, found[0].Message)}
	}
	o.Platform = &language.File{Path: f.Path, Data: f.Data}
	return o, nil
}

// refuse refuses flags about a cluster for a repository of intents, whose Platform describes it.
func (s clusterSaid) refuse() error {
	for _, flag := range []struct {
		name  string
		given bool
	}{{"calico", s.calico != 0}, {"dns", s.dns != nil}, {"pod-cidrs", len(s.pods) > 0}, {"platform", s.platform != ""}} {
		if flag.given {
			return usageError{fmt.Errorf("--%s is for manifests; a repository of intents has a Platform that says it", flag.name)}
		}
	}
	return nil
}

// assume tells what is taken for granted of the cluster because nobody said it.
func (p *program) assume(sentences []string) {
	for _, s := range sentences {
		fmt.Fprintf(p.err, "assumed: %s\n", s)
	}
}
