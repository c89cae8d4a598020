// Package repair finds the smallest change of manifests that opens one half of a
// packet's way.
//
// Its invariant: the change opens that half, and beside it only what pods with the same
// labels in the same namespaces exchange. Where there is no such change, it says so in
// words.
//
// It must not know why anybody wants the packet to pass, nor where manifests lie.
package repair

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Repair is a change of manifests, or the reason why there is none.
type Repair struct {
	// Owner is whose half it is: namespace/workload, or an address.
	Owner string
	// Policy is the object to change; zero says that Lines are a new one.
	Policy object.ID
	// At is where in Policy the rule goes, as JSON Patch (RFC 6902) says for "add": before
	// the rule with that number, or, with a dash for the number, after all others.
	At string
	// Lines are YAML to paste: an item of the list of rules, or a manifest. Empty: no
	// change of this kind opens the half.
	Lines string
	Why   string
}

// Of finds the repair of a half that is denied, and of what denies it.
func Of(m *meaning.Meaning, p meaning.Packet, d meaning.Direction, by meaning.Decision) Repair {
	w := want{m: m, packet: p, direction: d, by: by}
	near, far := p.To, p.From
	if d == meaning.Egress {
		near, far = far, near
	}
	r := Repair{Owner: near.String()}
	if w.own = pod(m, near); w.own != nil {
		r.Owner = w.own.Ref()
	}
	if r.Why = w.meet(far); r.Why != "" {
		return r
	}
	switch {
	case by.Cause == meaning.ByRule:
		return w.change(r, w.by.Pointer) // ahead of the one that denies
	case by.Tier == meaning.DefaultTier:
		return w.inDefaultTier(r)
	default:
		return w.change(r, w.section()+"/-")
	}
}

// Hint says how to repair, for people: a line of prose, and the lines to paste.
func (r Repair) Hint() string {
	switch number := r.At[strings.LastIndex(r.At, "/")+1:]; {
	case r.Lines == "":
		return r.Why
	case r.Policy.IsZero():
		return "add this policy:\n" + r.Lines
	case number == "-":
		return fmt.Sprintf("add to %s, at the end of %s:\n%s", r.Policy, strings.TrimSuffix(r.At, "/-"), r.Lines)
	default:
		return fmt.Sprintf("add to %s, before %s:\n%s", r.Policy, r.At, r.Lines)
	}
}

// want is the half that is to be opened.
type want struct {
	m         *meaning.Meaning
	packet    meaning.Packet
	direction meaning.Direction
	by        meaning.Decision
	own       *meaning.Endpoint
	peer      *meaning.Endpoint // nil for an address
	address   netip.Addr        // of a peer that is no pod
}

// pod finds the pod at one end of the packet that a repair lets pass, or nil. On the host's
// network a pod is an address.
func pod(m *meaning.Meaning, p meaning.Peer) *meaning.Endpoint {
	e := p.Endpoint
	if e == nil {
		e = m.PodAt(p.Addr)
	}
	if e == nil || e.HostNetwork {
		return nil
	}
	return e
}

// meet finds out who the other end of a repair is, and why no rule can name both ends if that is
// so.
func (w *want) meet(far meaning.Peer) string {
	switch {
	case w.own == nil:
		return "no policy of pods has a say at this end: the policies of the host endpoint decide"
	case w.by.Cause != meaning.ByRule && w.by.Cause != meaning.ByTierEnd || w.own.NamespaceLabels == nil:
		return fmt.Sprintf("%s; add the manifest of the Namespace %s", w.by.Reason, w.own.Namespace)
	}
	const highestType = 254 // that a rule can name
	if h := w.packet.Header(); h.Protocol == 0 || h.Protocol.HasTypes() && h.Type > highestType {
		return fmt.Sprintf("no rule can name %s alone", w.traffic())
	}
	if why := nameless(w.own); why != "" {
		return why
	}
	if w.peer = pod(w.m, far); w.peer != nil {
		if w.peer.NamespaceLabels == nil {
			return fmt.Sprintf("a rule names a pod of another namespace by the Namespace's labels, and nothing describes the Namespace %s; add its manifest", w.peer.Namespace)
		}
		return nameless(w.peer)
	}
	w.address = far.Addr.Unmap().WithZone("")
	if !w.address.IsValid() && far.Endpoint != nil {
		i := slices.IndexFunc(far.Endpoint.Addresses, func(a netip.Addr) bool { return w.packet.Family == 0 || a.Is4() == (w.packet.Family == 4) })
		if i >= 0 {
			w.address = far.Endpoint.Addresses[i]
		}
	}
	if !w.address.IsValid() {
		return fmt.Sprintf("%s has the address of its node, which is not known: a rule names it by nodes' address ranges", far)
	}
	return ""
}

// exact reports whether the policy that a repair may change selects this workload, no other, and
// none that comes without labels.
func (w *want) exact(p *meaning.Policy) bool {
	stranger := *w.own
	stranger.Labels, stranger.ServiceAccount, stranger.ServiceAccountLabels = nil, "", nil
	if p.ID.Namespace != w.own.Namespace || !p.Live() || !p.Governs[w.direction] || !p.Selects(w.own) || p.Selects(&stranger) {
		return false
	}
	return !slices.ContainsFunc(w.m.Endpoints, func(e *meaning.Endpoint) bool {
		return e.Namespace == w.own.Namespace && e.Name != w.own.Name && p.Selects(e)
	})
}

// inDefaultTier repairs a half by a rule in a policy of the workload's own, or by such a policy.
func (w *want) inDefaultTier(r Repair) Repair {
	r.Why = w.by.Reason + "; the rule lets " + w.sentence()
	for _, p := range w.m.Policies {
		if p.ID.Namespace != w.own.Namespace {
			continue
		}
		kubernetes := isKubernetes(p.ID)
		if p.Tier != meaning.DefaultTier || kubernetes && !w.kubernetesCan() || !kubernetes && !isCalico(p.ID) || !w.exact(p) {
			continue
		}
		r.Policy, r.At = p.ID, w.section()+"/-"
		rule := w.kubernetesRule
		if !kubernetes {
			rule = func() object.Map { return w.calicoRule("Allow", false) }
		}
		r.Lines = string(yamltext.List{rule()}.YAML())
		return r
	}
	r.Lines = string(w.newPolicy().YAML())
	if also := w.newlyIsolated(); also != "" {
		r.Why += fmt.Sprintf("; %s carries the same labels, and the policy isolates it as well", also)
	}
	return r
}

// newlyIsolated finds another workload that a repairing policy for this one's labels would select,
// and that no policy of tier default governs yet.
func (w *want) newlyIsolated() string {
	for _, e := range w.m.Endpoints {
		if e.Namespace != w.own.Namespace || e.HostNetwork || !carries(e, labelsOf(w.own)) {
			continue
		}
		governed := w.m.Governing(e, w.direction).Policies
		if !slices.ContainsFunc(governed, func(p *meaning.Policy) bool { return p.Tier == meaning.DefaultTier }) {
			return e.Ref()
		}
	}
	return ""
}

// carries reports whether an endpoint has all labels by which a repair would select another.
func carries(e *meaning.Endpoint, labels map[string]string) bool {
	for k, v := range labels {
		if have, ok := e.Labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// change repairs a half by a rule in the deciding policy: one that passes the packet on if the
// tiers below allow it, and else one that allows it. Nothing that the policy governs is newly
// governed by it.
func (w *want) change(r Repair, at string) Repair {
	i := slices.IndexFunc(w.m.Policies, func(p *meaning.Policy) bool { return p.ID == w.by.Policy })
	if i < 0 || !isCalico(w.by.Policy) {
		r.Why = fmt.Sprintf("%s, and its rules cannot name one of the pods that they govern: whoever answers for it adds a rule that lets %s ahead, or takes %s out of its subject", w.by.Reason, w.sentence(), w.own.Ref())
		return r
	}
	action, what := "Allow", "the rule lets "
	if w.by.Tier != meaning.DefaultTier && w.m.WalkBelow(w.packet, w.direction, w.by.Tier).Outcome == meaning.Allowed {
		action, what = "Pass", "the rule leaves it to the tiers below, which let "
	}
	r.Policy, r.At = w.by.Policy, at
	r.Lines = string(yamltext.List{w.calicoRule(action, !w.exact(w.m.Policies[i]))}.YAML())
	r.Why = w.by.Reason + "; " + what + w.sentence()
	return r
}

// sentence writes who would do what after the repair: shop/web send TCP 80 to shop/api.
func (w *want) sentence() string {
	other := w.address.String()
	if w.peer != nil {
		other = w.peer.Ref()
	}
	if w.direction == meaning.Egress {
		return fmt.Sprintf("%s send %s to %s", w.own.Ref(), w.traffic(), other)
	}
	return fmt.Sprintf("%s receive %s from %s", w.own.Ref(), w.traffic(), other)
}

// isKubernetes reports whether the policy to repair is a NetworkPolicy of Kubernetes.
func isKubernetes(id object.ID) bool {
	return id.Group == "networking.k8s.io" && id.Kind == "NetworkPolicy"
}

// isCalico reports whether the policy to repair is Calico's.
func isCalico(id object.ID) bool {
	return id.Group == "projectcalico.org" && (id.Kind == "NetworkPolicy" || id.Kind == "GlobalNetworkPolicy")
}
