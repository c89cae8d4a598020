package deploy

import (
	"regexp"
	"slices"
	"strings"
)

// deployer is a program that acts on labels and annotations of the objects that it
// applies, prunes or deletes.
type deployer struct {
	// domain is the prefix of its keys, subdomains included, or one whole key.
	domain string
	does   string   // what its keys can do to a policy
	source string   // where that is documented
	values []string // that they act on; none: all
	// never are parts of keys, behind the domain's slash, that keep a policy from being
	// applied, or remove it; "*" is all of them.
	never []string
}

// deployers is the one table of those who act on metadata.
var deployers = []deployer{
	{domain: "argoproj.io", does: "Argo CD applies a hook at another time or, with Skip, never, and prunes, orders and compares by its annotations",
		source: "https://argo-cd.readthedocs.io/en/stable/user-guide/annotations-and-labels/",
		never:  []string{"hook", "hook-delete-policy", "skip-reconcile", "tracking-id", "instance"}},
	{domain: "fluxcd.io", does: "Flux leaves an object alone, applies it once or replaces it as its annotations say",
		source: "https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources",
		never:  []string{"reconcile", "ssa", "driftDetection", "ignore", "name", "namespace", "checksum"}},
	{domain: "helm.sh", does: "Helm runs a hook apart from the release, deletes it as its policy says, and keeps what its resource policy says",
		source: "https://helm.sh/docs/topics/charts_hooks/",
		never:  []string{"hook", "hook-weight", "hook-delete-policy"}},
	{domain: "app.kubernetes.io/managed-by", does: "Helm adopts what carries its name here, and deletes it with the release",
		source: "https://helm.sh/docs/topics/chart_best_practices/labels/", values: []string{"Helm"}},
	{domain: "config.kubernetes.io", does: "kustomize and kpt leave what is local-config out, and the appliers of cli-utils wait and order by it",
		source: "https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/#localconfig",
		never:  []string{"local-config", "function"}},
	{domain: "config.k8s.io", does: "kustomize, kpt and the appliers of cli-utils rename, leave out, detach or ignore an object as it says",
		source: "https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/common/common.go",
		never:  []string{"mutation", "owning-inventory"}},
	{domain: "cli-utils.sigs.k8s.io", does: "the appliers of cli-utils prune or keep an object as it says",
		source: "https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/common/common.go",
		never:  []string{"inventory-id"}},
	{domain: "kpt.dev", does: "kpt merges and renames an object by it",
		source: "https://kpt.dev/reference/annotations/"},
	{domain: "kubectl.kubernetes.io", does: "kubectl apply removes and keeps fields by what it says was applied before",
		source: "https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-last-applied-configuration",
		never:  []string{"last-applied-configuration"}},
	{domain: "applyset.kubernetes.io", does: "kubectl apply --prune deletes what belongs to an apply set and is not applied with it",
		source: "https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-part-of",
		never:  []string{"*"}},
	{domain: "addonmanager.kubernetes.io", does: "the add-on manager of a cluster deletes or restores what carries it",
		source: "https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/addon-manager/README.md",
		never:  []string{"*"}},
	{domain: "gke.io", does: "Config Sync stops managing, or prunes, an object as it says",
		source: "https://cloud.google.com/kubernetes-engine/config-sync/docs/reference/gitops-labels-annotations",
		never:  []string{"managed", "resource-id", "git-token"}},
	{domain: "k14s.io", does: "kapp skips, orders, replaces or orphans an object as it says",
		source: "https://carvel.dev/kapp/docs/latest/apply/#kappk14siochange-group",
		never:  []string{"noop", "exists"}},
	{domain: "cattle.io", does: "Rancher's Fleet and Helm controller take what carries it for theirs, and prune it",
		source: "https://fleet.rancher.io/ref-bundle-stages", never: []string{"*"}},
	{domain: "projectcalico.org/metadata", does: "Calico's store keeps an object's labels there, and may read it instead of them",
		source: "https://github.com/projectcalico/calico/blob/master/libcalico-go/lib/backend/k8s/resources/resources.go", never: []string{"*"}},
	{domain: "werf.io", does: "werf orders, keeps and ignores an object as it says",
		source: "https://werf.io/docs/latest/reference/deploy_annotations.html"},
	{domain: "pulumi.com", does: "Pulumi waits for an object, or replaces it, as it says",
		source: "https://www.pulumi.com/registry/packages/kubernetes/annotations/"},
	{domain: "harness.io", does: "Harness skips, prunes and versions an object as it says",
		source: "https://developer.harness.io/docs/continuous-delivery/deploy-srv-diff-platforms/kubernetes/kubernetes-annotations/ignore-a-manifest-file-during-deployment",
		never:  []string{"skip-file-for-deploy"}},
	{domain: "spinnaker.io", does: "Spinnaker versions, recreates and orders an object as it says",
		source: "https://spinnaker.io/docs/reference/providers/kubernetes-v2/"},
	{domain: "flux.weave.works", does: "Flux 1 leaves an object alone, and updates it by itself, as its annotations say",
		source: "https://fluxcd.io/legacy/flux/references/fluxyaml-config-files/", never: []string{"*"}},
	{domain: "kluctl.io", does: "kluctl deletes, keeps, ignores and orders an object as it says",
		source: "https://kluctl.io/docs/kluctl/deployments/annotations/all-resources/", never: []string{"delete", "ignore"}},
	{domain: "qbec.io", does: "qbec neither updates nor deletes an object, and orders it, as its directives say",
		source: "https://github.com/splunk/qbec/blob/main/internal/commands/directives.go", never: []string{"update-policy"}},
	{domain: "component-operator.cs.sap.com", does: "SAP's component operator adopts, orphans, applies once and orders an object as it says",
		source: "https://sap.github.io/component-operator/docs/usage/annotations/", never: []string{"reconcile-policy", "adoption-policy"}},
	{domain: "timoni.sh", does: "Timoni applies an object once, replaces it or leaves it when it prunes, as it says",
		source: "https://timoni.sh/cue/module/apply-behavior/", never: []string{"one-off"}},
	{domain: "tanka.dev", does: "Tanka prunes what carries its environment and is not in it",
		source: "https://tanka.dev/garbage-collection", never: []string{"*"}},
	{domain: "cleanup.kyverno.io", does: "Kyverno deletes an object when its time to live is over",
		source: "https://kyverno.io/docs/policy-types/cleanup-policy/#cleanup-label", never: []string{"*"}},
	{domain: "janitor", does: "kube-janitor deletes an object when its time to live is over",
		source: "https://codeberg.org/hjacobs/kube-janitor", never: []string{"*"}},
}

// withoutEffect are values by which an object is not applied, whoever reads them.
var withoutEffect = regexp.MustCompile(`(?i)^(skip|ignore|ignored|noop|none|never|disabled|detach|ifnotpresent|ensureexists|local-config)$`)

// keeping are keys that may say disabled and the like: what they switch off takes away.
var keeping = []string{"prune"}

// deployerOf finds who acts on a label or annotation; nil for nobody.
func deployerOf(key string) *deployer {
	domain, _, prefixed := strings.Cut(key, "/")
	for i := range deployers {
		d := &deployers[i]
		if key == d.domain || prefixed && (domain == d.domain || strings.HasSuffix(domain, "."+d.domain)) {
			return d
		}
	}
	return nil
}

// refuses reports whether a label or annotation on which a deployer acts passes for nobody, named
// or not.
func (d *deployer) refuses(key, value string) bool {
	_, name, _ := strings.Cut(key, "/")
	if slices.ContainsFunc(d.never, func(n string) bool { return n == "*" || strings.EqualFold(n, name) }) {
		return true
	}
	return !slices.Contains(keeping, name) && slices.ContainsFunc(strings.Split(value, ","), func(word string) bool {
		_, setting, both := strings.Cut(word, "=")
		if !both {
			setting = word
		}
		return withoutEffect.MatchString(strings.TrimSpace(setting))
	})
}
