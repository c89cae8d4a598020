package meaning_test

import (
	"fmt"
	"net/netip"
	"testing"

	v3 "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/api/pkg/lib/numorstring"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// city builds the objects of a large cluster: teams of ten namespaces with ten pods
// each, closed in both directions but for what their policies open, under a tier of
// the platform's.
type city struct{ objects []object.Object }

func (c *city) add(group, kind, namespace, name string, typed any) {
	c.objects = append(c.objects, object.Object{ID: object.ID{Group: group, Kind: kind, Namespace: namespace, Name: name}, Typed: typed})
}

// town is a namespace with ten pods of five applications.
func (c *city) town(n, policies int) {
	ns := fmt.Sprintf("ns-%05d", n)
	env := []string{"prod", "dev"}[n/10%2]
	c.add("", "Namespace", "", ns, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
		"kubernetes.io/metadata.name": ns, "team": fmt.Sprintf("t%d", n/10), "env": env,
	}}})
	for i := range 10 {
		c.pod(ns, fmt.Sprintf("a%d-%d", i/2, i%2), map[string]string{"app": fmt.Sprintf("a%d", i/2), "statefulset.kubernetes.io/pod-name": fmt.Sprintf("a%d-%d", i/2, i%2)})
	}
	all := []networkingv1.NetworkPolicySpec{
		{PolicyTypes: []networkingv1.PolicyType{"Ingress", "Egress"}},
		{PolicyTypes: []networkingv1.PolicyType{"Egress"}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: peers(pods("kube-system", "k8s-app", "kube-dns")), Ports: ports("UDP", 53, "TCP", 53)}}},
		{PolicyTypes: []networkingv1.PolicyType{"Ingress"}, Ingress: []networkingv1.NetworkPolicyIngressRule{{From: peers(pods("monitoring", "app", "prometheus")), Ports: ports("TCP", 9100)}}},
		{PodSelector: labelled("app", "a0"), PolicyTypes: []networkingv1.PolicyType{"Ingress"}, Ingress: []networkingv1.NetworkPolicyIngressRule{{From: peers(pods("", "app", "a1")), Ports: ports("TCP", 8080)}}},
		{PodSelector: labelled("app", "a1"), PolicyTypes: []networkingv1.PolicyType{"Egress"}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: peers(pods("", "app", "a0")), Ports: ports("TCP", 8080)}}},
		{PodSelector: labelled("app", "a2"), PolicyTypes: []networkingv1.PolicyType{"Ingress"}, Ingress: []networkingv1.NetworkPolicyIngressRule{{From: peers(team(n, "a1")), Ports: named("http")}}},
		{PodSelector: labelled("app", "a1"), PolicyTypes: []networkingv1.PolicyType{"Egress"}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: peers(team(n, "a2")), Ports: named("http")}}},
		{PodSelector: labelled("app", "a3"), PolicyTypes: []networkingv1.PolicyType{"Egress"}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: peers(networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{
			CIDR: fmt.Sprintf("203.0.%d.0/24", n%64), Except: []string{fmt.Sprintf("203.0.%d.128/25", n%64)}}}), Ports: ports("TCP", 443)}}},
	}
	for i, spec := range all {
		c.add("networking.k8s.io", "NetworkPolicy", ns, fmt.Sprintf("p%d", i), &networkingv1.NetworkPolicy{Spec: spec})
	}
	order := 10.0
	for i := len(all); i < policies; i++ {
		c.add("projectcalico.org", "NetworkPolicy", ns, fmt.Sprintf("p%d", i), &v3.NetworkPolicy{Spec: v3.NetworkPolicySpec{
			Order: &order, Selector: fmt.Sprintf("app == 'a%d'", i%5), Types: []v3.PolicyType{"Ingress", "Egress"},
			Ingress: []v3.Rule{
				{Action: v3.Deny, Protocol: protocol("TCP"), Source: v3.EntityRule{Selector: "app == 'a0'"}, Destination: v3.EntityRule{Ports: []numorstring.Port{numorstring.SinglePort(22)}}},
				{Action: v3.Allow, Protocol: protocol("TCP"), Source: v3.EntityRule{NamespaceSelector: fmt.Sprintf("team == 't%d'", n/10), Selector: "app in {'a0', 'a2'}"}, Destination: v3.EntityRule{Ports: []numorstring.Port{{MinPort: 1, MaxPort: 1024}}}},
				{Action: v3.Pass, Source: v3.EntityRule{Selector: "app == 'a4'"}},
			},
			Egress: []v3.Rule{
				{Action: v3.Deny, Protocol: protocol("TCP"), Destination: v3.EntityRule{Ports: []numorstring.Port{numorstring.SinglePort(25)}}},
				{Action: v3.Allow, Destination: v3.EntityRule{Selector: "app == 'a4'"}},
			},
		}})
	}
}

func (c *city) pod(ns, name string, labels map[string]string) {
	c.add("", "Pod", ns, name, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9100}}}},
	}})
}

// platform is what the cluster's operators have: name service, monitoring, and a tier
// that goes before every namespace's own policies.
func (c *city) platform() {
	for _, ns := range []string{"kube-system", "monitoring"} {
		c.add("", "Namespace", "", ns, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"kubernetes.io/metadata.name": ns}}})
	}
	c.pod("kube-system", "coredns", map[string]string{"k8s-app": "kube-dns"})
	c.pod("monitoring", "prometheus", map[string]string{"app": "prometheus"})
	first, end := 100.0, v3.Pass
	c.add("projectcalico.org", "Tier", "", "platform", &v3.Tier{Spec: v3.TierSpec{Order: &first, DefaultAction: &end}})
	for i, spec := range []v3.GlobalNetworkPolicySpec{
		{NamespaceSelector: "has(projectcalico.org/name)", Types: []v3.PolicyType{"Egress"}, Egress: []v3.Rule{
			{Action: v3.Deny, Destination: v3.EntityRule{Nets: []string{"169.254.169.254/32"}}}}},
		{NamespaceSelector: "env == 'prod'", Types: []v3.PolicyType{"Ingress"}, Ingress: []v3.Rule{
			{Action: v3.Pass, Source: v3.EntityRule{NamespaceSelector: "projectcalico.org/name == 'monitoring'"}},
			{Action: v3.Deny, Source: v3.EntityRule{NamespaceSelector: "env == 'dev'"}}}},
		{NamespaceSelector: "projectcalico.org/name == 'monitoring'", Selector: "app == 'prometheus'", Types: []v3.PolicyType{"Egress"}, Egress: []v3.Rule{
			{Action: v3.Allow, Protocol: protocol("TCP"), Destination: v3.EntityRule{NamespaceSelector: "has(projectcalico.org/name)", Ports: []numorstring.Port{numorstring.SinglePort(9100)}}}}},
	} {
		order := float64(i)
		spec.Order, spec.Tier = &order, "platform"
		c.add("projectcalico.org", "GlobalNetworkPolicy", "", fmt.Sprintf("platform.p%d", i), &v3.GlobalNetworkPolicy{Spec: spec})
	}
}

func protocol(name string) *numorstring.Protocol {
	p := numorstring.ProtocolFromString(name)
	return &p
}

func labelled(key, value string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func pods(namespace, key, value string) networkingv1.NetworkPolicyPeer {
	selector := labelled(key, value)
	p := networkingv1.NetworkPolicyPeer{PodSelector: &selector}
	if namespace != "" {
		in := labelled("kubernetes.io/metadata.name", namespace)
		p.NamespaceSelector = &in
	}
	return p
}

func team(n int, app string) networkingv1.NetworkPolicyPeer {
	p := pods("", "app", app)
	in := labelled("team", fmt.Sprintf("t%d", n/10))
	p.NamespaceSelector = &in
	return p
}

func peers(all ...networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer { return all }

func ports(protocolsAndNumbers ...any) []networkingv1.NetworkPolicyPort {
	var all []networkingv1.NetworkPolicyPort
	for i := 0; i < len(protocolsAndNumbers); i += 2 {
		p, number := corev1.Protocol(protocolsAndNumbers[i].(string)), intstr.FromInt32(int32(protocolsAndNumbers[i+1].(int)))
		all = append(all, networkingv1.NetworkPolicyPort{Protocol: &p, Port: &number})
	}
	return all
}

func named(name string) []networkingv1.NetworkPolicyPort {
	port := intstr.FromString(name)
	return []networkingv1.NetworkPolicyPort{{Port: &port}}
}

// cityOf has so many namespaces, with so many policies in each.
func cityOf(t testing.TB, namespaces, policies int) (object.Set, object.Cluster) {
	c := &city{}
	c.platform()
	for n := range namespaces {
		c.town(n, policies)
	}
	set, found := object.NewSet(c.objects)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	cluster := object.DefaultCluster()
	cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	return set, cluster
}

var sizes = []struct{ namespaces, policies int }{{100, 10}, {1000, 10}, {10000, 9}}

// The work is what it was, and grows no faster than the cluster.
//
// Of the 671 classes of a hundred namespaces six are each namespace's, its five
// applications and a pod without labels, and two are each external network's.
func TestWork(t *testing.T) {
	t.Parallel()
	done := map[int]meaning.Work{}
	for _, namespaces := range []int{10, 100} {
		set, cluster := cityOf(t, namespaces, 10)
		m, found := meaning.Of(set, cluster)
		if len(found) > 0 {
			t.Fatal(found.Err())
		}
		done[namespaces] = meaning.Evaluate(m, &meaning.Atoms{}).Work()
	}
	want := map[int]meaning.Work{
		10:  {Classes: 78, Selectors: 90, Programs: 95, Segments: 539, Rectangles: 36},
		100: {Classes: 671, Selectors: 837, Programs: 905, Segments: 4809, Rectangles: 279},
	}
	for n := range want {
		if done[n] != want[n] {
			t.Errorf("%d namespaces: %+v, expected %+v", n, done[n], want[n])
		}
	}
}

func BenchmarkOf(b *testing.B) {
	for _, s := range sizes {
		b.Run(fmt.Sprintf("namespaces=%d", s.namespaces), func(b *testing.B) {
			set, cluster := cityOf(b, s.namespaces, s.policies)
			b.ReportAllocs()
			for b.Loop() {
				if _, found := meaning.Of(set, cluster); len(found) > 0 {
					b.Fatal(found.Err())
				}
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, s := range sizes {
		b.Run(fmt.Sprintf("namespaces=%d", s.namespaces), func(b *testing.B) {
			set, cluster := cityOf(b, s.namespaces, s.policies)
			m, _ := meaning.Of(set, cluster)
			b.ReportAllocs()
			var r *meaning.Relation
			for b.Loop() {
				r = meaning.Evaluate(m, &meaning.Atoms{})
			}
			work := r.Work()
			b.ReportMetric(float64(work.Classes), "classes")
			b.ReportMetric(float64(work.Programs), "programs")
			b.ReportMetric(float64(work.Segments), "segments")
			b.ReportMetric(float64(work.Rectangles), "rectangles")
		})
	}
}
