package meaning

import (
	"regexp"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// identity checks an object's name, and that one of the whole cluster names no namespace. Names
// of policies and tiers that follow other rules are for those who read them.
func (r *reader) identity(o object.Object) {
	who := "Calico"
	switch o.Typed.(type) {
	case *networkingv1.NetworkPolicy, *object.ClusterNetworkPolicy:
		who = "the API server"
		r.subdomain(r.id.Name, "/metadata/name", "the name", who)
	case *calico.NetworkSet, *calico.GlobalNetworkSet, *calico.HostEndpoint, *calico.Profile, *calico.StagedKubernetesNetworkPolicy:
		r.subdomain(r.id.Name, "/metadata/name", "the name", who)
	}
	if !object.ClusterScoped(o.APIVersion, r.id.Kind) {
		return
	}
	if namespace, _ := o.Value("/metadata/namespace"); namespace != nil && namespace != "" {
		because := "the API server drops it, and what the object says is of the whole cluster"
		if who == "Calico" {
			because = "calicoctl refuses it, the API server drops it, and what the object says is of the whole cluster"
		}
		d := badName.On(r.at("/metadata/namespace"), "a %s has no namespace", r.id.Kind).
			Because("%s", because).Suggest("leave it out")
		if r.id.Kind == "GlobalNetworkPolicy" || r.id.Kind == "StagedGlobalNetworkPolicy" {
			d = d.Suggest("leave it out, and say namespaceSelector: projectcalico.org/name == '%v' if the policy is for that namespace alone", namespace)
		}
		d.Severity = diag.Warning // kustomize adds it to kinds that it does not know
		r.add(d)
	}
}

// subdomain checks a name that has to be a DNS subdomain.
func (r *reader) subdomain(name, pointer, what, who string) {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		r.add(badName.On(r.at(pointer), "%s %q is not a DNS subdomain", what, name).
			Because("%s refuses it", who).
			Suggest("use lower-case letters, digits, dashes and dots, a letter or digit at both ends"))
	}
}

// labelsToApply checks the names and values of the labels that a profile gives to its endpoints.
func (r *reader) labelsToApply(labels map[string]string) {
	for _, key := range diag.SortedKeys(labels) {
		if len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(labels[key])) > 0 {
			r.add(badName.On(r.at(object.Pointer("spec", "labelsToApply", key)), "%s: %q is not a label", key, labels[key]).
				Because("Calico refuses the Profile").
				Suggest("use at most 63 letters, digits, dashes, dots and underscores, a letter or digit at both ends"))
		}
	}
}

var (
	dottedName = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	label      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	subdomain  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// policyName checks a Calico policy's name, and that it carries its tier's name as long as Calico
// reads the tier off it (up to 3.31).
func (r *reader) policyName(tier string) {
	name := r.id.Name
	if r.id.Namespace != "" && tier == DefaultTier {
		for _, converted := range []string{"knp.default.", "ossg.default."} {
			if rest, ok := strings.CutPrefix(name, converted); ok && subdomain.MatchString(rest) {
				return
			}
		}
	}
	subject := r.at("/metadata/name")
	if !dottedName.MatchString(name) || len(name) > 253 {
		r.add(badName.On(subject, "the name %q is not of the form label or tier.label", name).
			Suggest("use lower-case letters, digits and dashes, and at most one dot"))
		return
	}
	if r.cluster.CalicoMinor >= kindTieBreak {
		return
	}
	prefix, _, dotted := strings.Cut(name, ".")
	if dotted && prefix != tier || !dotted && tier != DefaultTier {
		want := "a name without a dot"
		if tier != DefaultTier {
			want = tier + ".<label>"
		}
		r.add(badName.On(subject, "the policy %q is of tier %q", name, tier).
			Because("up to Calico 3.31 a policy's name must begin with its tier, and where nothing checks that, the name decides").
			Suggest("use %s", want))
	}
}
