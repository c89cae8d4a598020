package oracle

import (
	"cmp"
	"math"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	networkingv1 "k8s.io/api/networking/v1"

	"portcullis.dev/policies/object"
)

// policy is an enforced policy of any kind, as Calico stores it.
type policy struct {
	id        object.ID
	tieBreak  string // decides between equal orders
	tier      string
	order     float64
	selects   selector
	onIngress bool // it governs what the selected accept
	onEgress  bool // it governs what they send
	ingress   []rule
	egress    []rule
}

type tier struct {
	name      string
	order     float64
	exists    bool
	passAtEnd bool
	policies  []policy
}

// spec is what Calico's own kinds say; Kubernetes' kinds are converted to it.
type spec struct {
	tier                                 string
	order                                *float64
	selector, namespaces, accounts       string
	types                                []calico.PolicyType
	ingress, egress                      []calico.Rule
	untracked, beforeTranslation, global bool
}

// readPolicies finds the policies that decide about packets. Staged ones do not.
func (w *World) readPolicies(set object.Set) {
	for _, o := range set.All() {
		switch typed := o.Typed.(type) {
		case *calico.GlobalNetworkPolicy:
			s := typed.Spec
			w.add(o, spec{
				tier: s.Tier, order: s.Order, selector: s.Selector, namespaces: s.NamespaceSelector, accounts: s.ServiceAccountSelector,
				types: s.Types, ingress: s.Ingress, egress: s.Egress, untracked: s.DoNotTrack, beforeTranslation: s.PreDNAT, global: true,
			})
		case *calico.NetworkPolicy:
			s := typed.Spec
			w.add(o, spec{
				tier: s.Tier, order: s.Order, selector: s.Selector, accounts: s.ServiceAccountSelector,
				types: s.Types, ingress: s.Ingress, egress: s.Egress,
			})
		case *networkingv1.NetworkPolicy:
			w.add(o, fromKubernetes(typed))
		case *object.ClusterNetworkPolicy:
			if s, ok := fromCluster(typed); ok && w.cluster.CalicoMinor >= 32 {
				w.add(o, s)
			}
		}
	}
}

// add reads one policy of any kind into the world, unless it acts on no packet that is judged
// here, or Felix ignores it because of what is wrong with it.
func (w *World) add(o object.Object, s spec) {
	selects, err := s.selects(o.ID.Namespace)
	ingress, errIngress := rulesOf(s.ingress, o.ID.Namespace)
	egress, errEgress := rulesOf(s.egress, o.ID.Namespace)
	if s.untracked || s.beforeTranslation || err != nil || errIngress != nil || errEgress != nil {
		return
	}
	p := policy{id: o.ID, selects: selects, ingress: ingress, egress: egress, order: math.Inf(1)}
	if s.order != nil {
		p.order = *s.order
	}
	for _, t := range w.types(o, s) {
		p.onIngress = p.onIngress || lower(t) == "ingress"
		p.onEgress = p.onEgress || lower(t) == "egress"
	}
	p.tier = w.tierOf(o.ID, s)
	p.tieBreak = w.tieBreak(o.ID)
	w.policies = append(w.policies, p)
}

// selects says which endpoints a policy's header selects. In a
// global header that has a selector of namespaces, or of service accounts, the word
// all() means those that have one.
func (s spec) selects(namespace string) (selector, error) {
	all := everything
	switch {
	case !s.global:
	case s.namespaces != "":
		all = has(namespaceLabel)
	case s.accounts != "":
		all = has(accountLabel)
	}
	selects, err := parse(s.selector, dialect{all: all, global: everything})
	if err != nil {
		return nil, err
	}
	if s.selector == "" {
		selects = everything
	}
	if !s.global {
		selects = both(selects, equals(namespaceLabel, namespace))
	}
	// What does not parse in these two is left out, and the policy selects more.
	if s.namespaces != "" {
		if in, err := parse(s.namespaces, dialect{prefix: namespacePrefix, all: all, global: everything}); err == nil {
			selects = both(selects, in)
		}
	}
	if s.accounts != "" {
		of := dialect{prefix: accountPrefix, all: everything, global: everything}
		if s.global {
			of.all = has(accountLabel)
		}
		if with, err := parse(s.accounts, of); err == nil {
			selects = both(selects, with)
		}
	}
	return selects, nil
}

// types says which directions a policy governs: those that it names, or else those that
// the API server or Calico derives from its rules.
func (w *World) types(o object.Object, s spec) []calico.PolicyType {
	ingress, egress := len(s.ingress) > 0, len(s.egress) > 0
	switch {
	case len(s.types) > 0:
		return s.types
	case o.ID.Kind == "ClusterNetworkPolicy":
	case w.cluster.API == object.NativeCRD:
		_, ingress = o.Value("/spec/ingress")
		_, egress = o.Value("/spec/egress")
		ingress = ingress || !egress
	default:
		ingress = ingress || !egress
	}
	var types []calico.PolicyType
	if ingress {
		types = append(types, calico.PolicyTypeIngress)
	}
	if egress {
		types = append(types, calico.PolicyTypeEgress)
	}
	return types
}

// tierOf tells the tier of a policy: the one that it says, and up to 3.31 the one that its name
// says.
func (w *World) tierOf(id object.ID, s spec) string {
	name := s.tier
	if w.cluster.CalicoMinor <= 31 && id.Group == "projectcalico.org" {
		if prefix, _, dotted := strings.Cut(id.Name, "."); dotted && prefix != "knp" && prefix != "ossg" {
			name = prefix
		} else {
			name = ""
		}
	}
	return cmp.Or(name, "default")
}

// tieBreak makes the text by which Calico puts policies of one order in order; it differs between
// releases.
func (w *World) tieBreak(id object.ID) string {
	kubernetes := id.Group == "networking.k8s.io"
	if w.cluster.CalicoMinor <= 31 {
		switch {
		case kubernetes:
			return id.Namespace + "/knp.default." + id.Name
		case id.Namespace == "":
			return id.Name
		default:
			return id.Namespace + "/" + id.Name
		}
	}
	kind := id.Kind
	switch {
	case kubernetes:
		kind = "KubernetesNetworkPolicy"
	case kind == "ClusterNetworkPolicy":
		kind = "KubernetesClusterNetworkPolicy"
	}
	return id.Name + "/" + id.Namespace + "/" + kind
}

// readTiers finds the tiers with their policies, all in the order of evaluation.
func (w *World) readTiers(set object.Set) {
	tiers := map[string]tier{"default": {order: 1e6, exists: true}}
	if w.cluster.CalicoMinor <= 31 {
		tiers["adminnetworkpolicy"] = tier{order: 1e3, exists: true, passAtEnd: true}
		tiers["baselineadminnetworkpolicy"] = tier{order: 1e7, exists: true, passAtEnd: true}
	} else {
		tiers["kube-admin"] = tier{order: 1e3, exists: true, passAtEnd: true}
		tiers["kube-baseline"] = tier{order: 1e7, exists: true, passAtEnd: true}
	}
	object.Each(set, func(o object.Object, t *calico.Tier) {
		read := tier{order: 1e6, exists: true} // without an order, whatever the API's comment says
		if t.Spec.Order != nil {
			read.order = *t.Spec.Order
		}
		read.passAtEnd = t.Spec.DefaultAction != nil && *t.Spec.DefaultAction == calico.Pass
		tiers[o.ID.Name] = read
	})
	for _, p := range w.policies {
		t, known := tiers[p.tier] // one that does not exist is enforced all the same, after all others
		if !known && (p.tier == "allow-tigera" || p.tier == "calico-system") {
			t = tier{order: 100, exists: true} // and these Calico's operator has made
		}
		t.policies = append(t.policies, p)
		tiers[p.tier] = t
	}
	for name, t := range tiers {
		t.name = name
		slices.SortFunc(t.policies, func(a, b policy) int {
			return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.tieBreak, b.tieBreak))
		})
		w.tiers = append(w.tiers, t)
	}
	slices.SortFunc(w.tiers, func(a, b tier) int {
		switch {
		case a.exists != b.exists && a.exists:
			return -1
		case a.exists != b.exists:
			return 1
		default:
			return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
		}
	})
}
