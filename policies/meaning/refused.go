package meaning

import (
	"regexp"
	"slices"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// identity checks what an object is called. Names of policies and tiers that follow other
// rules are for those who read them.
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

// subdomain checks a name that is a DNS subdomain.
func (r *reader) subdomain(name, pointer, what, who string) {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		r.add(badName.On(r.at(pointer), "%s %q is not a DNS subdomain", what, name).
			Because("%s refuses it", who).
			Suggest("use lower-case letters, digits, dashes and dots, a letter or digit at both ends"))
	}
}

// hints checks what helps Felix and decides nothing.
func (r *reader) hints(hints []calico.PolicyPerformanceHint) {
	for i, h := range hints {
		subject := r.at(item("/spec/performanceHints", i))
		switch {
		case h != calico.PerfHintAssumeNeededOnEveryNode:
			r.add(badAction.On(subject, "the performance hint %q is not %s", string(h), calico.PerfHintAssumeNeededOnEveryNode).
				Because("Calico refuses the policy").Suggest("leave it out: no hint changes what a policy decides"))
		case slices.Contains(hints[:i], h):
			r.add(badAction.On(subject, "the performance hint %s is written twice", string(h)).
				Because("Calico refuses the policy").Suggest("keep one"))
		}
	}
}

// labelsToApply checks the labels that a profile gives to its endpoints.
func (r *reader) labelsToApply(labels map[string]string) {
	for _, key := range diag.SortedKeys(labels) {
		if len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(labels[key])) > 0 {
			r.add(badName.On(r.at(object.Pointer("spec", "labelsToApply", key)), "%s: %q is not a label", key, labels[key]).
				Because("Calico refuses the Profile").
				Suggest("use at most 63 letters, digits, dashes, dots and underscores, a letter or digit at both ends"))
		}
	}
}

var interfaceName = regexp.MustCompile(`^(\*|[a-zA-Z0-9_.-]{1,15})$`)

// hostNames checks what a host endpoint names.
func (r *reader) hostNames(s calico.HostEndpointSpec) {
	if s.Node != "" {
		r.subdomain(s.Node, "/spec/node", "the node", "Calico")
	}
	if s.InterfaceName != "" && !interfaceName.MatchString(s.InterfaceName) {
		r.add(badName.On(r.at("/spec/interfaceName"), "the interface %q is neither * nor an interface's name", s.InterfaceName).
			Because("Calico refuses the HostEndpoint").
			Suggest("use at most 15 letters, digits, dashes, dots and underscores"))
	}
	for i, name := range s.Profiles {
		r.subdomain(name, item("/spec/profiles", i), "the profile", "Calico")
	}
}

// hostPort reads a port to which a host endpoint gives a name.
func (r *reader) hostPort(p calico.EndpointPort, pointer string) (NamedPort, bool) {
	refuse := func(at, format string, args ...any) {
		r.add(badPort.On(r.at(pointer+at), format, args...).Because("Calico refuses the HostEndpoint"))
	}
	switch {
	case p.Name == "":
		refuse("", "a port of a HostEndpoint without a name")
	case len(validation.IsValidPortName(p.Name)) > 0:
		refuse("/name", "%q is not a port's name", p.Name)
	}
	if p.Port == 0 {
		refuse("", "port 0: ports are 1 to 65535")
	}
	protocol := r.protocol(&p.Protocol, pointer+"/protocol")
	if protocol != nil && *protocol != 0 && !protocol.HasPorts() {
		refuse("/protocol", "a port with protocol %s, which has none", p.Protocol.String())
	}
	if protocol == nil {
		return NamedPort{}, false
	}
	return NamedPort{p.Name, *protocol, p.Port}, true
}
