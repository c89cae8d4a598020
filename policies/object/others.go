package object

import "strings"

// effect is what a kind of somebody else's API does to traffic.
type effect int

// The effects.
const (
	rendered  effect = iota // nothing: other objects are rendered from it
	decides                 // it may allow what others deny, and deny what they allow
	restricts               // it may deny what others allow, and never allows what they deny
	gone                    // nothing: no API server takes it any more
)

// other is what a kind of somebody else's API is to whoever judges policies.
type other struct {
	kinds   string // the names of kinds, apart by blanks; "*" for all of the group
	effect  effect // of those that have one, none is modelled here
	instead string // what to write, or do
	selects string // the pointer of the selector of the pods whose traffic it is about; empty where that is not simple
	half    string // ingress or egress, where it is about one of them alone
}

// decides reports whether a kind of somebody else's API decides traffic, and is not just rendered
// into what does.
func (o other) decides() bool { return o.effect != rendered }

const (
	notModelled   = "Portcullis judges Kubernetes' and Calico's policies"
	storageForm   = "Calico's storage form has other names and other defaults than its API; write " + CalicoAPI
	behindLinkerd = "Linkerd's proxies enforce it behind the policies: it may deny what those allow"
)

// others is the one table of kinds of other APIs that decide traffic, or stand for objects
// that may: by group. What is in neither table decides nothing that policies decide: address
// pools, routes, certificates, configurations.
//
// The kinds are those of the projects' API references; which of them permit or deny
// connections of pods is told there.
var others = map[string][]other{
	"cilium.io": {
		{"CiliumNetworkPolicy CiliumClusterwideNetworkPolicy", decides, "it is enforced by Cilium alone; " + notModelled, "/spec/endpointSelector", ""},
		{"CiliumLocalRedirectPolicy", decides, "it is enforced by Cilium alone; " + notModelled, "", ""}},
	"crd.antrea.io": {{"NetworkPolicy ClusterNetworkPolicy", decides, "it is enforced by Antrea alone; " + notModelled, "", ""}},
	"policy.networking.k8s.io": {{"*", decides,
		"this version is not modelled; write a ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2, or a GlobalNetworkPolicy of " + CalicoAPI + " in a tier of its own", "/spec/subject", ""}},
	"crd.projectcalico.org": {
		{"NetworkPolicy GlobalNetworkPolicy StagedNetworkPolicy StagedGlobalNetworkPolicy StagedKubernetesNetworkPolicy", decides, storageForm, "/spec/selector", ""},
		{"Tier NetworkSet GlobalNetworkSet HostEndpoint Profile", decides, storageForm, "", ""}},
	"k8s.ovn.org":          {{"EgressFirewall", decides, "it is enforced by OVN-Kubernetes alone; " + notModelled, "", "egress"}},
	"network.openshift.io": {{"EgressNetworkPolicy", decides, "it is enforced by OpenShift SDN alone; " + notModelled, "", "egress"}},
	"security.istio.io":    {{"AuthorizationPolicy PeerAuthentication", restricts, "Istio's proxies enforce it behind the policies: it may deny what those allow", "/spec/selector", "ingress"}},
	"policy.linkerd.io": {
		{"Server ServerAuthorization AuthorizationPolicy", restricts, behindLinkerd, "", "ingress"},
		{"EgressNetwork", restricts, behindLinkerd, "", "egress"}},
	"vpcresources.k8s.aws": {{"SecurityGroupPolicy", decides, "security groups of AWS decide about its pods beside the policies", "/spec/podSelector", ""}},
	"networking.k8s.aws": {
		{"ApplicationNetworkPolicy", decides, "it is enforced by Amazon's VPC CNI alone; " + notModelled, "/spec/podSelector", ""},
		{"ClusterNetworkPolicy", decides, "it is enforced by Amazon's VPC CNI alone; " + notModelled, "/spec/subject", ""}},
	"consul.hashicorp.com": {{"ServiceIntentions", restricts, "Consul's proxies enforce it behind the policies: it may deny what those allow", "", ""}},
	"kuma.io":              {{"MeshTrafficPermission TrafficPermission", restricts, "Kuma's proxies enforce it behind the policies: it may deny what those allow", "", ""}},
	"kubeovn.io":           {{"SecurityGroup", decides, "it is enforced by Kube-OVN alone; " + notModelled, "", ""}},
	"crd.nsx.vmware.com":   {{"SecurityPolicy", decides, "it is enforced by NSX alone; " + notModelled, "", ""}},

	"extensions": {{"NetworkPolicy", gone, "write apiVersion: " + KubernetesAPI, "", ""}},

	"helm.toolkit.fluxcd.io": {{"HelmRelease", rendered, "render its chart: helm template CHART | portcullis check -", "", ""}},
	"helm.cattle.io":         {{"HelmChart HelmChartConfig", rendered, "render its chart: helm template CHART | portcullis check -", "", ""}},
	"argoproj.io":            {{"Application ApplicationSet", rendered, "judge what it deploys: argocd app manifests NAME | portcullis check -", "", ""}},
}

// Rendered reports whether objects of somebody else's kind stand for others that a program
// renders, and how that is done by hand.
func Rendered(group, kind string) (how string, rendered bool) {
	o, known := otherOf(group, kind)
	return o.instead, known && !o.decides()
}

// WhyUnmodelled says what an object is to traffic whose kind is not modelled.
func (o Object) WhyUnmodelled() string {
	if of, _ := otherOf(o.ID.Group, o.ID.Kind); of.effect == gone {
		return "no API server has taken " + o.APIVersion + " since Kubernetes 1.16: nobody enforces it"
	}
	return "it decides traffic in a way that is not modelled: what becomes of the traffic of pods that it may select is unknown"
}

// report is what a run of the conformance tests of Kubernetes' own policies writes. It has the group
// of their API, and no API server has the kind.
const report = "ConformanceReport"

// otherOf finds a kind in the table of other APIs, and whether it is there.
func otherOf(group, kind string) (o other, known bool) {
	for _, o := range others[group] {
		for name := range strings.FieldsSeq(o.kinds) {
			if name == "*" && kind != report || name == kind {
				return o, true
			}
		}
	}
	return other{}, false
}

// enterprise are the fields of policies that Calico Enterprise and Calico Cloud have, and
// Calico has not: what an object with one means is not known here.
var enterprise = map[string]bool{"domains": true, "allowedEgressDomains": true, "networks": true, "dropActionOverride": true}
