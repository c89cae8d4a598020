package meaning

import (
	"regexp"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// identity checks an object's name, and that one of the whole cluster names no namespace. Names
// of policies and tiers that follow other rules are for those who read them.
func (r *reader) identity(o object.Object) {
	r.ownLabels(o)
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

// ownLabels checks what the API server checks of the labels and annotations of every object.
func (r *reader) ownLabels(o object.Object) {
	const refused = "the API server refuses the object"
	typed, ok := o.Typed.(metav1.Object)
	if !ok || o.Role != object.Policy {
		return
	}
	r.labels(typed.GetLabels(), "/metadata/labels", refused)
	for _, key := range mistaken(typed.GetAnnotations(), func(key, _ string) bool { return !isKey(strings.ToLower(key)) }) {
		r.add(badName.On(r.at("/metadata/annotations"+object.Pointer(key)), "%q is not an annotation's key", key).
			Because(refused).Suggest(keyForm))
	}
}

const (
	labelForm = "use at most 63 letters, digits, dashes, dots and underscores, a letter or digit at both ends"
	keyForm   = labelForm + "; before a key may stand a DNS name and a slash"
)

// labels checks the keys and values of labels that stand at a place of the object.
func (r *reader) labels(labels map[string]string, pointer, because string) {
	for _, key := range mistaken(labels, func(key, value string) bool { return !isKey(key) || !isValue(value) }) {
		r.labelKey(key, pointer+object.Pointer(key), because)
		r.labelValue(labels[key], pointer+object.Pointer(key), because)
	}
}

// mistaken lists the keys of entries that are wrong. To sort those of every object would be work.
func mistaken(entries map[string]string, wrong func(key, value string) bool) []string {
	var keys []string
	for key, value := range entries {
		if wrong(key, value) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// labelKey checks one key of a label.
func (r *reader) labelKey(key, pointer, because string) {
	if !isKey(key) {
		r.add(badName.On(r.at(pointer), "%q is not a label's key", key).Because("%s", because).Suggest(keyForm))
	}
}

// labelValue checks one value of a label.
func (r *reader) labelValue(value, pointer, because string) {
	if !isValue(value) {
		r.add(badName.On(r.at(pointer), "%q is not a label's value", value).Because("%s", because).Suggest(labelForm))
	}
}

// isKey reports whether a word is a label's key, or what will be one once somebody has replaced a
// part of it: that is for others to tell. It allocates nothing, unlike the API server's own.
func isKey(word string) bool {
	domain, name, prefixed := strings.Cut(word, "/")
	if !prefixed {
		domain, name = "", word
	}
	return name != "" && isValue(name) && (!prefixed || len(validation.IsDNS1123Subdomain(domain)) == 0) || replaced(word)
}

// isValue reports whether a word is a label's value, or what will be one.
func isValue(word string) bool {
	return len(validation.IsValidLabelValue(word)) == 0 || replaced(word)
}

// replaced reports whether a deployer replaces a part of a word.
func replaced(word string) bool {
	_, is := object.TemplateText(word)
	return is
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
