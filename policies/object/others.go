package object

import "strings"

// other is what a kind of somebody else's API is to whoever judges policies.
type other struct {
	kinds   string // the names of kinds, apart by blanks; "*" for all of the group
	decides bool   // traffic, in a way that is not modelled here; otherwise objects are rendered from it
	instead string // what to write, or do
}

const notModelled = "Portcullis judges Kubernetes' and Calico's policies"

// others is the one table of kinds of other APIs that decide traffic, or stand for objects
// that may: by group. What is in neither table decides nothing that policies decide: address
// pools, routes, certificates, configurations.
//
// The kinds are those of the projects' API references; which of them permit or deny
// connections of pods is told there.
var others = map[string][]other{
	"cilium.io": {{"CiliumNetworkPolicy CiliumClusterwideNetworkPolicy CiliumLocalRedirectPolicy", true,
		"it is enforced by Cilium alone; " + notModelled}},
	"crd.antrea.io": {{"NetworkPolicy ClusterNetworkPolicy", true, "it is enforced by Antrea alone; " + notModelled}},
	"policy.networking.k8s.io": {{"*", true,
		"this version is not modelled; write a ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2, or a GlobalNetworkPolicy of " + CalicoAPI + " in a tier of its own"}},
	"crd.projectcalico.org": {{"NetworkPolicy GlobalNetworkPolicy StagedNetworkPolicy StagedGlobalNetworkPolicy StagedKubernetesNetworkPolicy Tier NetworkSet GlobalNetworkSet HostEndpoint Profile", true,
		"Calico's storage form has other names and other defaults than its API; write " + CalicoAPI}},
	"k8s.ovn.org":          {{"EgressFirewall", true, "it is enforced by OVN-Kubernetes alone; " + notModelled}},
	"network.openshift.io": {{"EgressNetworkPolicy", true, "it is enforced by OpenShift SDN alone; " + notModelled}},
	"security.istio.io":    {{"AuthorizationPolicy PeerAuthentication", true, "Istio's proxies enforce it behind the policies: it may deny what those allow"}},
	"policy.linkerd.io":    {{"Server ServerAuthorization AuthorizationPolicy EgressNetwork", true, "Linkerd's proxies enforce it behind the policies: it may deny what those allow"}},
	"vpcresources.k8s.aws": {{"SecurityGroupPolicy", true, "security groups of AWS decide about its pods beside the policies"}},
	"networking.k8s.aws":   {{"ApplicationNetworkPolicy ClusterNetworkPolicy", true, "it is enforced by Amazon's VPC CNI alone; " + notModelled}},
	"consul.hashicorp.com": {{"ServiceIntentions", true, "Consul's proxies enforce it behind the policies: it may deny what those allow"}},
	"kuma.io":              {{"MeshTrafficPermission TrafficPermission", true, "Kuma's proxies enforce it behind the policies: it may deny what those allow"}},
	"kubeovn.io":           {{"SecurityGroup", true, "it is enforced by Kube-OVN alone; " + notModelled}},
	"crd.nsx.vmware.com":   {{"SecurityPolicy", true, "it is enforced by NSX alone; " + notModelled}},

	"helm.toolkit.fluxcd.io": {{"HelmRelease", false, "render its chart: helm template CHART | portcullis check -"}},
	"helm.cattle.io":         {{"HelmChart HelmChartConfig", false, "render its chart: helm template CHART | portcullis check -"}},
	"argoproj.io":            {{"Application ApplicationSet", false, "judge what it deploys: argocd app manifests NAME | portcullis check -"}},
}

// Rendered reports whether objects of a kind stand for others that a program renders, and
// how that is done by hand.
func Rendered(group, kind string) (how string, rendered bool) {
	o, known := otherOf(group, kind)
	return o.instead, known && !o.decides
}

// otherOf finds a kind in the table of others, and whether it decides traffic.
func otherOf(group, kind string) (o other, known bool) {
	for _, o := range others[group] {
		for name := range strings.FieldsSeq(o.kinds) {
			if name == "*" || name == kind {
				return o, true
			}
		}
	}
	return other{}, false
}

// enterprise are the fields of policies that Calico Enterprise and Calico Cloud have, and
// Calico has not: what an object with one means is not known here.
var enterprise = map[string]bool{"domains": true, "allowedEgressDomains": true, "networks": true, "dropActionOverride": true}
