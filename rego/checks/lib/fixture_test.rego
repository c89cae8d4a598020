# METADATA
# title: Documents for the tests of the checks
# description: Small documents with every field, to be changed where a test looks.
package portcullis.fixture

platform := {
	"dns": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}, "port": 53, "nodeLocal": ["169.254.20.10", "fd00::a", "10.9.0.0/16"]},
	"system": ["kube-system"],
	"calico": 30,
	"targets": ["kubernetes", "calico"],
}

namespace(endpoints, policies) := {
	"version": "v1alpha1",
	"environment": "prod",
	"scope": "namespace",
	"namespace": {"name": "shop", "owner": "team-a", "labels": {}, "governed": true, "system": false},
	"platform": platform,
	"endpoints": endpoints,
	"selected": [],
	"policies": policies,
	"tiers": [],
	"conflicts": [],
	"objects": [],
}

cluster(changes) := object.union(
	object.union(namespace([], []), {
		"scope": "cluster",
		"namespace": {"name": "", "owner": "", "labels": {}, "governed": false, "system": false},
	}),
	changes,
)

endpoint(name, changes) := object.union(
	{
		"name": name, "kind": "workload", "labels": {"app": name}, "dns": true,
		"ingress": isolated("default-deny"), "egress": isolated("default-deny"),
		"probes": resolving, "world": [],
	},
	changes,
)

isolated(name) := {"isolated": true, "policies": [policy_reference(name)], "isolatedBy": [policy_reference(name)]}

open := {"isolated": false, "policies": [], "isolatedBy": []}

policy_id(name) := {"group": "networking.k8s.io", "kind": "NetworkPolicy", "namespace": "shop", "name": name}

global_id(name) := {"group": "projectcalico.org", "kind": "GlobalNetworkPolicy", "name": name}

policy_reference(name) := {"object": policy_id(name), "pointer": "/spec"}

rule_reference(name, pointer) := {"object": policy_id(name), "pointer": pointer}

global_reference(name, pointer) := {"object": global_id(name), "pointer": pointer}

nothing := {"object": {"kind": "", "name": ""}, "pointer": ""}

resolving := [probe("resolve", protocol, "allow", "allow") | some protocol in ["UDP", "TCP"]]

probe(purpose, protocol, egress, ingress) := {
	"purpose": purpose, "to": purpose, "protocol": protocol, "port": 53,
	"egress": {"verdict": egress, "cause": "tier-end", "tier": "default", "by": rule_reference("dns", "/spec/egress/0"), "reason": ""},
	"ingress": {"verdict": ingress, "cause": "tier-end", "tier": "default", "by": rule_reference("guard", "/spec"), "reason": ""},
}

policy(name, changes) := object.union(
	{
		"object": policy_id(name), "tier": "default", "order": 1000, "orderGiven": false, "enforced": true,
		"ingress": true, "egress": true, "ingressRules": 0, "egressRules": 0, "actions": [],
		"selects": [], "selectsHosts": false, "closesHosts": false, "selectsDNS": false, "selectsBare": false, "typesGiven": true,
		"namespaceSelector": "",
	},
	changes,
)

global_policy(name, changes) := object.union(
	object.union(object.remove(policy(name, {}), ["object"]), {"object": global_id(name)}),
	changes,
)

tier(name, changes) := object.union(
	{
		"object": {"group": "projectcalico.org", "kind": "Tier", "name": name}, "name": name,
		"order": 100, "orderGiven": true, "defaultAction": "Deny", "defined": true, "policies": 1,
	},
	changes,
)
