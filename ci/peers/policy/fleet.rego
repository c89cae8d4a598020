# The four checks that people write first, with an index for each join: what grows with
# the number of objects, and not with its square.
package main

import rego.v1

policies := [policy |
	some file in input
	some policy in documents(file.contents)
	policy.kind == "NetworkPolicy"
]

documents(contents) := contents if is_array(contents)

documents(contents) := [contents] if is_object(contents)

namespaces := {policy.metadata.namespace | some policy in policies}

denied := {policy.metadata.namespace |
	some policy in policies
	policy.spec.podSelector == {}
	{"Ingress", "Egress"} == {type | some type in policy.spec.policyTypes}
	not policy.spec.ingress
	not policy.spec.egress
}

resolves := {policy.metadata.namespace |
	some policy in policies
	some rule in policy.spec.egress
	some port in rule.ports
	port.port == 53
}

deny contains sprintf("namespace %s has no default deny", [namespace]) if some namespace in namespaces - denied

deny contains sprintf("namespace %s resolves no names", [namespace]) if some namespace in namespaces - resolves

deny contains sprintf("%s/%s is open to everybody", [policy.metadata.namespace, policy.metadata.name]) if {
	some policy in policies
	some rule in policy.spec.ingress
	open(rule)
}

open(rule) if not rule.from

open(rule) if {
	some peer in rule.from
	peer.ipBlock.cidr == "0.0.0.0/0"
}

# Pods and whom they may call in their namespace, by their labels. A rule that is asked for one
# sender at a time would look through all policies for each; a set is made once.
calls := {call(policy.metadata.namespace, selected(policy), peer.podSelector) |
	some policy in policies
	some rule in policy.spec.egress
	some peer in rule.to
	peer.podSelector
}

calls_everybody := {call(policy.metadata.namespace, selected(policy), {}) |
	some policy in policies
	some rule in policy.spec.egress
	some peer in rule.to
	peer.namespaceSelector == {}
	not peer.podSelector
}

deny contains sprintf("%s/%s lets in who may not send", [policy.metadata.namespace, policy.metadata.name]) if {
	some policy in policies
	some rule in policy.spec.ingress
	some peer in rule.from
	peer.podSelector
	not peer.namespaceSelector
	not call(policy.metadata.namespace, labels(peer.podSelector), policy.spec.podSelector) in calls
	not call(policy.metadata.namespace, labels(peer.podSelector), {}) in calls_everybody
}

selected(policy) := labels(policy.spec.podSelector)

labels(selector) := object.get(selector, "matchLabels", {})

call(namespace, from, to) := sprintf("%s %s %s", [namespace, json.marshal(from), json.marshal(labels(to))])
