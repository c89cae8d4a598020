package object

import (
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// The API versions whose policies Portcullis reads and writes.
const (
	KubernetesAPI = "networking.k8s.io/v1"
	CalicoAPI     = "projectcalico.org/v3"
)

// Role is what a kind is to us.
type Role int

const (
	// Foreign kinds are somebody else's business: carried along, never looked into.
	Foreign Role = iota
	// Policy kinds decide verdicts: an unknown field in one is an error, for what
	// we do not understand could open or close traffic.
	Policy
	// World kinds are facts about the cluster (namespaces, workloads, services):
	// read for what we know of them, whatever else stands in them.
	World
	// Addresses kinds tell which addresses pods and nodes have, and nothing else.
	Addresses
	// Unmodelled kinds do decide verdicts, and we cannot say which.
	Unmodelled
)

type kind struct {
	role    Role
	cluster bool       // cluster-scoped
	typed   func() any // a new value of the Go type
}

// of makes the entry of the table of kinds that creates a value of a Go type.
func of[T any]() func() any { return func() any { return new(T) } }

// kinds is the one table of the kinds that mean something to Portcullis.
// Kubernetes' kinds are those of k8s.io/api, Calico's those of
// github.com/projectcalico/api/pkg/apis/projectcalico/v3.
var kinds = map[string]map[string]kind{
	"networking.k8s.io/v1": {
		"NetworkPolicy": {role: Policy, typed: of[networkingv1.NetworkPolicy]()},
	},
	"projectcalico.org/v3": {
		"NetworkPolicy":                 {role: Policy, typed: of[calico.NetworkPolicy]()},
		"GlobalNetworkPolicy":           {role: Policy, cluster: true, typed: of[calico.GlobalNetworkPolicy]()},
		"StagedNetworkPolicy":           {role: Policy, typed: of[calico.StagedNetworkPolicy]()},
		"StagedGlobalNetworkPolicy":     {role: Policy, cluster: true, typed: of[calico.StagedGlobalNetworkPolicy]()},
		"StagedKubernetesNetworkPolicy": {role: Policy, typed: of[calico.StagedKubernetesNetworkPolicy]()},
		"Tier":                          {role: Policy, cluster: true, typed: of[calico.Tier]()},
		"NetworkSet":                    {role: Policy, typed: of[calico.NetworkSet]()},
		"GlobalNetworkSet":              {role: Policy, cluster: true, typed: of[calico.GlobalNetworkSet]()},
		"HostEndpoint":                  {role: Policy, cluster: true, typed: of[calico.HostEndpoint]()},
		"Profile":                       {role: Policy, cluster: true, typed: of[calico.Profile]()},
		"IPPool":                        {role: Addresses, cluster: true},
	},
	"policy.networking.k8s.io/v1alpha2": {
		"ClusterNetworkPolicy": {role: Policy, cluster: true, typed: of[ClusterNetworkPolicy]()},
	},
	"v1": {
		"Node":           {role: Addresses, cluster: true},
		"Namespace":      {role: World, cluster: true, typed: of[corev1.Namespace]()},
		"Pod":            {role: World, typed: of[corev1.Pod]()},
		"Service":        {role: World, typed: of[corev1.Service]()},
		"ServiceAccount": {role: World, typed: of[corev1.ServiceAccount]()},
	},
	"apps/v1": {
		"Deployment":  {role: World, typed: of[appsv1.Deployment]()},
		"StatefulSet": {role: World, typed: of[appsv1.StatefulSet]()},
		"DaemonSet":   {role: World, typed: of[appsv1.DaemonSet]()},
		"ReplicaSet":  {role: World, typed: of[appsv1.ReplicaSet]()},
	},
	"discovery.k8s.io/v1": {
		"EndpointSlice": {role: World, typed: of[discoveryv1.EndpointSlice]()},
	},
	"batch/v1": {
		"Job":     {role: World, typed: of[batchv1.Job]()},
		"CronJob": {role: World, typed: of[batchv1.CronJob]()},
	},
}

// classify says what a kind is to us and, where it is Unmodelled, what to use
// instead. Any kind called …NetworkPolicy that is not in the table, or not in
// that version, is Unmodelled: it would be silently left out otherwise.
func classify(apiVersion, name string) (k kind, instead string) {
	if k, ok := kinds[apiVersion][name]; ok {
		return k, ""
	}
	group := GroupOf(apiVersion)
	if o, known := otherOf(group, name); known && o.decides() {
		return kind{role: Unmodelled}, o.instead
	}
	if strings.HasSuffix(name, "NetworkPolicy") {
		return kind{role: Unmodelled}, "write " + KubernetesAPI + " or " + CalicoAPI
	}
	return kind{role: Foreign}, ""
}

// GroupOf cuts the group off the API version of a kind, empty for the core's.
func GroupOf(apiVersion string) string {
	group, _, hasGroup := strings.Cut(apiVersion, "/")
	if !hasGroup {
		return ""
	}
	return group
}

// RoleOf tells what the kind of an object is to us, in some version of its API.
func RoleOf(id ID) Role {
	for apiVersion, byName := range kinds {
		if k, known := byName[id.Kind]; known && GroupOf(apiVersion) == id.Group {
			return k.role
		}
	}
	if IsPolicyKind(id.Group, id.Kind) {
		return Unmodelled
	}
	return Foreign
}

// ClusterScoped reports whether the kind is one of ours that has no namespace.
func ClusterScoped(apiVersion, name string) bool { return kinds[apiVersion][name].cluster }

// clusterScoped reports whether a kind of ours has no namespace, in some version of its API.
func clusterScoped(id ID) bool {
	for apiVersion, byName := range kinds {
		if GroupOf(apiVersion) == id.Group && byName[id.Kind].cluster {
			return true
		}
	}
	return false
}

// IsPolicyKind reports whether an API of the group, or any where that is empty, has a kind
// of that name that decides verdicts, modelled or not.
func IsPolicyKind(group, name string) bool {
	for apiVersion, byName := range kinds {
		if group == "" || GroupOf(apiVersion) == group {
			if byName[name].role == Policy {
				return true
			}
		}
	}
	if strings.HasSuffix(name, "NetworkPolicy") {
		return true
	}
	for g, all := range others {
		for _, o := range all {
			if !o.decides() {
				continue
			}
			if _, named := otherOf(g, name); g == group || group == "" && named && o.kinds != "*" {
				return true
			}
		}
	}
	return false
}
