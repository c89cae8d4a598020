package meaning

import (
	"math"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"

	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
)

// calicoPolicy reads the four kinds of Calico policy, whose specs are one but for
// the fields that only a global policy has.
func (r *reader) calicoPolicy(typed any) *Policy {
	var s calico.GlobalNetworkPolicySpec
	var staged calico.StagedAction
	enforced := true
	switch p := typed.(type) {
	case *calico.GlobalNetworkPolicy:
		s = p.Spec
	case *calico.NetworkPolicy:
		s = namespaced(p.Spec)
	case *calico.StagedGlobalNetworkPolicy:
		action, twin := calico.ConvertStagedGlobalPolicyToEnforced(p)
		s, staged, enforced = twin.Spec, action, false
	case *calico.StagedNetworkPolicy:
		action, twin := calico.ConvertStagedPolicyToEnforced(p)
		s, staged, enforced = namespaced(twin.Spec), action, false
	default:
		return nil
	}
	p := &Policy{ID: r.id, Tier: s.Tier, Order: math.Inf(1), Enforced: enforced, TypesGiven: len(s.Types) > 0}
	if p.Tier == "" {
		p.Tier = DefaultTier
	}
	if s.Order != nil {
		p.Order, p.OrderGiven = *s.Order, true
	}
	p.Governs = readTypes(r, s.Types, "/spec/types")
	if len(s.Types) == 0 {
		p.Governs = r.inferTypes(len(s.Ingress), len(s.Egress))
	}
	p.selector = r.subject(s)
	p.Rules[Ingress] = r.calicoRules(s.Ingress, Ingress)
	p.Rules[Egress] = r.calicoRules(s.Egress, Egress)
	p.HostsOnly = s.DoNotTrack || s.PreDNAT
	switch {
	case s.DoNotTrack:
		p.OnHosts = "doNotTrack"
	case s.PreDNAT:
		p.OnHosts = "preDNAT"
	case s.ApplyOnForward:
		p.OnHosts = "applyOnForward"
	}
	r.hostFields(s, p)
	r.hints(s.PerformanceHints)
	r.calicoLimits(s)
	r.stagedAction(staged, s)
	r.policyName(p.Tier)
	if r.cluster.CalicoMinor < kindTieBreak {
		p.Tier = tierInName(r.id.Name)
	}
	p.Dropped = r.dropped
	return p
}

// tierInName reads off a policy's name the tier that it says, as Calico does up to 3.31.
func tierInName(name string) string {
	tier, _, dotted := strings.Cut(name, ".")
	if !dotted || tier == "knp" || tier == "ossg" { // converted policies of Kubernetes
		return DefaultTier
	}
	return tier
}

// inferTypes fills in the types of a Calico policy that has none, as Calico's own API server does
// or, for custom resources, the admission policy (api/pkg/defaults;
// api/admission/networkpolicy.mutatingadmissionpolicy.yaml).
func (r *reader) inferTypes(ingress, egress int) (governs [2]bool) {
	hasIngress, hasEgress := ingress > 0, egress > 0
	if r.cluster.API == object.NativeCRD {
		hasIngress, hasEgress = r.has("ingress"), r.has("egress")
	}
	governs[Egress] = hasEgress
	governs[Ingress] = hasIngress || !hasEgress
	return governs
}

// subject combines the selectors of a Calico policy's header into the one that says which
// endpoints it applies to (libcalico-go/lib/backend/syncersv1/updateprocessors).
func (r *reader) subject(s calico.GlobalNetworkPolicySpec) selector.Selector {
	written, ok := r.selector(s.Selector, "/spec/selector", false)
	if !ok {
		r.drop("its selector does not parse")
	}
	var terms []selector.Selector
	if s.Selector != "" { // all() that is written excludes host endpoints below, a selector left out does not
		terms = append(terms, written)
	}
	if r.id.Namespace != "" {
		terms = append(terms, selector.Equals(labelNamespace, r.id.Namespace))
	}
	// A header's term that does not parse is left out, and the policy selects more.
	inherit := func(text, pointer, prefix, instead string) {
		if text == "" {
			return
		}
		if term, ok := r.selector(text, pointer, false); ok {
			terms = append(terms, term.Prefixed(prefix))
		}
		for i := range terms {
			terms[i] = terms[i].Replacing(selector.OpAll, selector.Has(instead))
		}
	}
	inherit(s.NamespaceSelector, "/spec/namespaceSelector", namespacePrefix, labelNamespace)
	inherit(s.ServiceAccountSelector, "/spec/serviceAccountSelector", accountPrefix, labelServiceAccount)
	return selector.And(terms...)
}

// hostFields reports the fields of a Calico policy that matter to host endpoints alone: preDNAT,
// doNotTrack, applyOnForward.
func (r *reader) hostFields(s calico.GlobalNetworkPolicySpec, p *Policy) {
	before := len(*r.found)
	refuse := func(pointer, format string) {
		r.add(contradiction.On(r.at(pointer), "%s", format).Because(calicoRefuses))
	}
	if s.PreDNAT && s.DoNotTrack {
		refuse("/spec/preDNAT", "preDNAT and doNotTrack exclude each other")
	}
	if s.PreDNAT && !s.ApplyOnForward {
		refuse("/spec/preDNAT", "preDNAT needs applyOnForward: true")
	}
	if s.DoNotTrack && !s.ApplyOnForward {
		refuse("/spec/doNotTrack", "doNotTrack needs applyOnForward: true")
	}
	if s.PreDNAT && len(s.Egress) > 0 {
		refuse("/spec/egress", "a preDNAT policy has no egress rules")
	}
	for i, t := range s.Types {
		if s.PreDNAT && t == calico.PolicyTypeEgress {
			refuse(item("/spec/types", i), "a preDNAT policy governs ingress alone")
		}
	}
	if len(*r.found) > before {
		return // what a policy does that is refused need not be said
	}
	if p.OnHosts == "" {
		return
	}
	what := "where it may decide about a packet on its way, the verdict is unknown, unless a pod's own policies deny it"
	if !p.mayGovernHosts() {
		what = "the policy selects none, so the field has no effect"
	}
	r.add(notEvaluated.On(r.at("/spec/"+p.OnHosts), "%s acts on host endpoints: %s", p.OnHosts, what))
}

// stagedAction checks the stagedAction of a Staged policy, and that one which deletes says
// nothing else.
func (r *reader) stagedAction(a calico.StagedAction, s calico.GlobalNetworkPolicySpec) {
	switch a {
	case "", calico.StagedActionSet, calico.StagedActionLearn, calico.StagedActionIgnore:
	case calico.StagedActionDelete:
		if s.Order != nil || s.Selector != "" || len(s.Ingress)+len(s.Egress)+len(s.Types) > 0 ||
			s.NamespaceSelector != "" || s.ServiceAccountSelector != "" || len(s.PerformanceHints) > 0 ||
			s.DoNotTrack || s.PreDNAT || s.ApplyOnForward {
			r.add(contradiction.On(r.at("/spec/stagedAction"), "stagedAction Delete with other fields than tier").
				Because(calicoRefuses).Suggest("leave the rest of the spec out"))
		}
	default:
		r.add(badAction.On(r.at("/spec/stagedAction"), "the stagedAction %q is none of Set, Delete, Learn and Ignore", string(a)))
	}
}

// hints checks the performance hints of a Calico policy, which help Felix and decide nothing.
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

// namespaced widens the spec of a namespaced Calico policy to that of a global one, of which it
// is a part.
func namespaced(s calico.NetworkPolicySpec) calico.GlobalNetworkPolicySpec {
	return calico.GlobalNetworkPolicySpec{
		Tier: s.Tier, Order: s.Order, Ingress: s.Ingress, Egress: s.Egress, Selector: s.Selector, Types: s.Types,
		ServiceAccountSelector: s.ServiceAccountSelector, PerformanceHints: s.PerformanceHints,
	}
}
