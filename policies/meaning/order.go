package meaning

import (
	"cmp"
	"slices"
	"strings"

	"portcullis.dev/policies/object"
)

// The orders that Calico fixes (api/pkg/apis/projectcalico/v3, constants.go).
const (
	DefaultTier      = "default"
	defaultTierOrder = 1_000_000 // also of a tier that gives none: libcalico-go/lib/resources/tier.go
	adminTierOrder   = 1_000
	baselineOrder    = 10_000_000
	kubernetesOrder  = 1_000 // of every Kubernetes NetworkPolicy, in tier default
)

// Calico's operator keeps policies for its own components in a tier of its own. It is
// allow-tigera up to 3.31, where Calico Enterprise alone has it, and calico-system from 3.32
// on; its order is 100, and its end drops (tigera/operator, pkg/render/tiers).
var operatorTiers = [2]string{"allow-tigera", "calico-system"}

const operatorOrder = 100

// isOperatorTier reports whether a tier is the one that Calico's operator orders for its own
// components.
func isOperatorTier(name string) bool { return slices.Contains(operatorTiers[:], name) }

// kindTieBreak is the first of Calico's minor releases that breaks ties by name,
// namespace and kind, and that has kube-admin and kube-baseline tiers.
const kindTieBreak = 32

// compareTiers orders tiers as Felix does (felix/calc/policy_sorter.go, TierLess):
// those that exist first, then by order, then by name.
func compareTiers(a, b *Tier) int {
	missing := func(t *Tier) int {
		if t.Defined {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(missing(a), missing(b)),
		cmp.Compare(a.Order, b.Order),
		cmp.Compare(a.Name, b.Name),
	)
}

// sortPolicies puts the policies of one tier into the order of Felix of that minor
// release (PolKVLess): by order, then by a key whose bytes are compared. The ID's
// group tells Kubernetes' kinds from Calico's.
func sortPolicies(policies []*Policy, minor int) {
	key := nameKey
	if minor < kindTieBreak {
		key = pathKey
	}
	type keyed struct {
		*Policy
		key string
	}
	sorted := make([]keyed, len(policies))
	for i, p := range policies {
		sorted[i] = keyed{p, key(p.ID)}
	}
	slices.SortFunc(sorted, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.key, b.key))
	})
	for i, p := range sorted {
		policies[i] = p.Policy
	}
}

// nameKey makes the key by which Calico 3.32 and later order policies that tie:
// name/namespace/kind.
func nameKey(id object.ID) string {
	kind := id.Kind
	switch {
	case id.Group == "networking.k8s.io":
		kind = "KubernetesNetworkPolicy"
	case id.Group == "policy.networking.k8s.io":
		kind = "KubernetesClusterNetworkPolicy"
	}
	return id.Name + "/" + id.Namespace + "/" + kind
}

// pathKey makes the key by which Calico up to 3.31 orders policies that tie: namespace/name, with
// the marks of staged and Kubernetes policies in the name.
func pathKey(id object.ID) string {
	name := id.Name
	if id.Group == "networking.k8s.io" || id.Kind == "StagedKubernetesNetworkPolicy" {
		name = "knp.default." + name
	}
	if strings.HasPrefix(id.Kind, "Staged") {
		name = "staged:" + name
	}
	if id.Namespace == "" {
		return name
	}
	return id.Namespace + "/" + name
}

// Tied reports whether only names decide which of two policies of one tier comes first in the
// order.
func Tied(a, b *Policy) bool { return a.Tier == b.Tier && a.Order == b.Order }
