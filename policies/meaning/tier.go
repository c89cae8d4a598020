package meaning

import (
	"math"
	"slices"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"

	"portcullis.dev/policies/object"
)

// Tier is a group of policies, evaluated as one.
type Tier struct {
	ID         object.ID // zero for a tier that has no manifest
	Name       string
	Order      float64 // as evaluated
	OrderGiven bool    // false: 1 000 000, as tier default
	// PassAtEnd: a packet that no rule of the tier's policies decides goes on to the
	// next tier. Otherwise it is dropped.
	PassAtEnd bool
	// Defined: built in, the operator's, or among the manifests. Policies of a tier that
	// is not defined are enforced after all others, as if the tier ended in Deny.
	Defined  bool
	Policies []*Policy // all of them, in the order of evaluation
}

// builtIn makes the tiers that Calico of that minor release creates itself.
func builtIn(minor int) []*Tier {
	admin, baseline := "kube-admin", "kube-baseline"
	if minor < kindTieBreak {
		admin, baseline = "adminnetworkpolicy", "baselineadminnetworkpolicy"
	}
	return []*Tier{
		{Name: admin, Order: adminTierOrder, OrderGiven: true, PassAtEnd: true, Defined: true},
		{Name: DefaultTier, Order: defaultTierOrder, OrderGiven: true, Defined: true},
		{Name: baseline, Order: baselineOrder, OrderGiven: true, PassAtEnd: true, Defined: true},
	}
}

// tierObject checks a Tier's manifest. The orders of Calico's own tiers are fixed.
func (r *reader) tierObject(t *calico.Tier) {
	name := r.id.Name
	if !label.MatchString(name) || len(name) > 63 {
		r.add(badName.On(r.at("/metadata/name"), "the tier's name %q is not a DNS label", name).
			Suggest("use at most 63 lower-case letters, digits and dashes"))
	}
	if a := t.Spec.DefaultAction; a != nil && *a != calico.Pass && *a != calico.Deny {
		r.add(badAction.On(r.at("/spec/defaultAction"), "the defaultAction %q is neither Pass nor Deny", string(*a)).
			Because("Calico takes anything but Pass for Deny"))
	}
	for _, fixed := range builtIn(r.cluster.CalicoMinor) {
		if fixed.Name != name {
			continue
		}
		if t.Spec.Order == nil && name != DefaultTier || t.Spec.Order != nil && math.Abs(*t.Spec.Order-fixed.Order) > 0 {
			r.add(badName.On(r.at("/spec/order"), "the order of Calico's own tier %s is %g", name, fixed.Order))
		}
		if r.cluster.CalicoMinor >= kindTieBreak && t.Spec.DefaultAction != nil && (*t.Spec.DefaultAction == calico.Pass) != fixed.PassAtEnd {
			r.add(badAction.On(r.at("/spec/defaultAction"), "the defaultAction of Calico's own tier %s cannot be changed", name))
		}
	}
}

// tiersOf groups the policies by tier and puts both in the order of evaluation.
func tiersOf(set object.Set, minor int, policies []*Policy) []*Tier {
	tiers := builtIn(minor)
	byName := map[string]*Tier{}
	for _, t := range tiers {
		byName[t.Name] = t
	}
	object.Each(set, func(o object.Object, spec *calico.Tier) {
		t, built := byName[o.ID.Name]
		if !built {
			t = &Tier{Name: o.ID.Name, Order: defaultTierOrder, Defined: true}
			byName[t.Name] = t
			tiers = append(tiers, t)
		}
		t.ID = o.ID
		if spec.Spec.Order != nil {
			t.Order, t.OrderGiven = *spec.Spec.Order, true
		}
		if !built || spec.Spec.DefaultAction != nil {
			t.PassAtEnd = spec.Spec.DefaultAction != nil && *spec.Spec.DefaultAction == calico.Pass
		}
	})
	for _, p := range policies {
		t, ok := byName[p.Tier]
		if !ok {
			t = &Tier{Name: p.Tier, Order: defaultTierOrder}
			if isOperatorTier(t.Name) { // which the operator defines
				t.Order, t.OrderGiven, t.Defined = operatorOrder, true, true
			}
			byName[t.Name] = t
			tiers = append(tiers, t)
		}
		t.Policies = append(t.Policies, p)
	}
	slices.SortFunc(tiers, compareTiers)
	for _, t := range tiers {
		sortPolicies(t.Policies, minor)
	}
	return tiers
}
