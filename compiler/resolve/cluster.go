package resolve

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// cluster settles what this cluster is: the environment's own settings replace the
// Platform's, each as a whole.
func (s *resolver) cluster() {
	chosen := s.Platform.Spec.Targets
	if s.settings.Targets != nil {
		chosen = s.settings.Targets
	}
	if chosen != nil {
		asked := language.Words(chosen)
		s.plan.Targets = slices.DeleteFunc(slices.Clone(s.plan.Targets), func(t string) bool { return !slices.Contains(asked, t) })
	}
	if s.Platform.Spec.System != nil {
		s.plan.Cluster.System = language.Words(*s.Platform.Spec.System)
	}
	if dns := cmp.Or(s.settings.DNS, s.Platform.Spec.DNS); dns != nil {
		s.dns(*dns)
	}
	if cidrs := cmp.Or(s.settings.Cluster, s.Platform.Spec.Cluster); cidrs != nil {
		s.cidrs(*cidrs)
	}
	if calico := cmp.Or(s.settings.Calico, s.Platform.Spec.Calico); calico != nil {
		s.calico(*calico)
	}
	if s.Platform.Spec.Stages != nil {
		s.stages(*s.Platform.Spec.Stages)
	}
	if u := s.Platform.Spec.UnknownNamespaces; u.Value == language.Deny {
		s.plan.DenyUnknown = true
		s.requireCalico(u.Span, "unknownNamespaces: deny")
	}
}

// cidrs takes the cluster's ranges of pods, Services and nodes, and refuses those of nodes or
// Services that overlap pods.
func (s *resolver) cidrs(given language.ClusterCIDRs) {
	c := &s.plan.Cluster
	c.PodCIDRs, c.ServiceCIDRs, c.NodeCIDRs = prefixes(given.PodCIDRs), prefixes(given.ServiceCIDRs), prefixes(given.NodeCIDRs)
	for _, n := range given.NodeCIDRs {
		if pods, both := overlap(n.Value.Prefix, c.PodCIDRs); both {
			s.add(overlapsCluster.At(n.Span, "nodeCIDRs %s overlaps podCIDRs %s", n.Value, pods).
				Because("a rule for nodes would open pods as well").
				Suggest("give tunnels an IPPool of their own, with allowedUses: [Tunnel]"))
		}
	}
	for _, n := range given.ServiceCIDRs {
		if pods, both := overlap(n.Value.Prefix, c.PodCIDRs); both {
			s.add(overlapsCluster.At(n.Span, "serviceCIDRs %s overlaps podCIDRs %s", n.Value, pods).
				Because("an address would be a pod's and a Service's").Suggest("write the ranges that the cluster was made with"))
		}
	}
}

// prefixes returns the ranges that could be read of those the cluster's settings list.
func prefixes(list []language.At[language.CIDR]) []netip.Prefix {
	all := make([]netip.Prefix, 0, len(list))
	for _, c := range list {
		if c.Value.IsValid() {
			all = append(all, c.Value.Prefix)
		}
	}
	return all
}

// dns settles where this cluster's DNS answers: namespace, labels, port, and node-local caches.
func (s *resolver) dns(d language.DNS) {
	c := &s.plan.Cluster
	if d.Namespace.Given() {
		c.DNS.Namespace = string(d.Namespace.Value)
	}
	if d.Selector != nil {
		labels := map[string]string{}
		for _, r := range d.Selector.Selector {
			if r.Op != object.In || len(r.Values) != 1 {
				s.add(language.BadPeer.At(d.Selector.Span, "the DNS pods' selector needs exact labels").Suggest("write {k8s-app: kube-dns}"))
				return
			}
			labels[r.Key] = r.Values[0]
		}
		c.DNS.Labels = labels
	}
	if d.Port.Given() {
		if d.Port.Value < 1 || d.Port.Value > 65535 {
			s.add(language.BadPort.At(d.Port.Span, "%d is not a port", d.Port.Value).Suggest("CoreDNS listens on 53, OpenShift's DNS on 5353"))
			return
		}
		c.DNS.Port = int(d.Port.Value)
	}
	for _, a := range d.NodeLocal {
		if !a.Value.IsSingleIP() {
			s.add(language.BadAddress.At(a.Span, "expected one address, found the range %s", a.Value).Suggest("a node-local cache answers on one address, mostly 169.254.20.10"))
			continue
		}
		c.DNS.NodeLocal = append(c.DNS.NodeLocal, a.Value.Addr())
	}
}

// The releases of Calico that policies are emitted for, by minor version of 3.
const oldestCalico, newestCalico = 31, 33

// calico settles which release of Calico this cluster runs and in which API group it has policies,
// and refuses what is not supported.
func (s *resolver) calico(c language.Calico) {
	if c.API.Given() {
		s.plan.Cluster.API = object.APIForm(c.API.Value)
	}
	if !c.Version.Given() {
		return
	}
	text, major := strings.CutPrefix(strings.TrimPrefix(c.Version.Value, "v"), "3.")
	minor, err := strconv.Atoi(text)
	switch {
	case !major || err != nil || minor < 0 || minor > newestCalico:
		s.add(language.WrongType.At(c.Version.Span, "expected a Calico version from 3.%d to 3.%d, found %.40q", oldestCalico, newestCalico, c.Version.Value).
			Suggest("write \"3.%d\"", oldestCalico))
		return
	case minor < oldestCalico:
		s.add(oldCalico.At(c.Version.Span, "policies are emitted for Calico 3.%d to 3.%d, not for 3.%d", oldestCalico, newestCalico, minor).
			Because("what they mean is judged as of 3.%d, the nearest release that was tried", oldestCalico).
			Suggest("upgrade Calico"))
		minor = oldestCalico
	}
	s.plan.Cluster.CalicoMinor = minor
	if s.plan.Cluster.API == object.NativeCRD && minor < 32 {
		s.add(language.WrongType.At(c.API.Span, "Calico 3.%d has no custom resources of projectcalico.org/v3", minor).
			Suggest("they came with 3.32: use api: aggregated, or a later version"))
	}
}

// longestTier leaves room for the names of the tier's policies.
const longestTier = 40

// stages moves the bands of our Calico policies. Two at one order would leave their
// precedence to their names, and at 1000 Calico puts every Kubernetes NetworkPolicy.
func (s *resolver) stages(given language.Stages) {
	p := &s.plan.Stages
	if g := given.Guardrails; g != nil {
		if g.Tier.Value == "default" {
			s.add(badStage.At(g.Tier.Span, "guardrails cannot stand in tier default").
				Because("there anybody who may write a NetworkPolicy can take precedence over them").Suggest("name a tier of their own"))
		} else if len(g.Tier.Value) > longestTier {
			s.add(badStage.At(g.Tier.Span, "the tier's name has %d characters, expected at most %d", len(g.Tier.Value), longestTier).
				Because("it stands before the name of every policy in it").Suggest("choose a shorter name"))
		} else if g.Tier.Given() {
			p.GuardrailTier = string(g.Tier.Value)
		}
		if g.Order.Given() {
			p.GuardrailTierOrder = int(g.Order.Value)
			if p.GuardrailTierOrder >= 1_000_000 {
				s.add(badStage.At(g.Order.Span, "order %d puts the guardrails behind tier default", g.Order.Value).
					Because("tier default has order 1000000, and what it allows never reaches a later tier").Suggest("choose a smaller order"))
			}
		}
	}
	taken := map[int]diag.Span{p.AllowOrder: s.plan.Platform}
	place := func(b *language.Band, order *int, last bool) {
		if b != nil {
			*order = int(b.Order.Value)
			switch first, twice := taken[*order]; {
			case *order == kubernetesOrder || twice:
				f := badStage.At(b.Order.Span, "order %d is taken", *order).
					Because("at equal orders the names of policies decide, and differently so from one release of Calico to the next").Suggest("choose another order")
				switch {
				case *order == kubernetesOrder:
					f = f.Because("Calico evaluates every Kubernetes NetworkPolicy at order %d", kubernetesOrder)
				case first == s.plan.Platform:
					f = f.Because("policies of Portcullis' own stand there already, and at equal orders names decide")
				default:
					f = f.See(first, "by this")
				}
				s.add(f)
			case last && *order < kubernetesOrder:
				s.add(badStage.At(b.Order.Span, "the default deny at order %d stands before the NetworkPolicies", *order).
					Because("Calico evaluates every Kubernetes NetworkPolicy at order %d", kubernetesOrder).Suggest("choose an order above it, such as 2000"))
			}
			taken[*order] = b.Order.Span
			return
		}
		taken[*order] = s.plan.Platform
	}
	place(given.Platform, &p.PlatformOrder, false)
	place(given.DefaultDeny, &p.DefaultDenyOrder, true)
}

// kubernetesOrder is the order at which Calico evaluates every Kubernetes
// NetworkPolicy (libcalico-go/lib/backend/k8s/conversion).
const kubernetesOrder = 1000
