# The four checks that people write first, with an index for each join: what grows with
# the number of objects, and not with its square.
package main

import rego.v1

policies contains policy if {
	some file in input
	some policy in documents(file.contents)
	policy.kind == "NetworkPolicy"
}

documents(contents) := contents if is_array(contents)

documents(contents) := [contents] if is_object(contents)

selected(policy) := object.get(policy.spec.podSelector, "matchLabels", {})

denied contains policy.metadata.namespace if {
	some policy in policies
	policy.spec.podSelector == {}
	{"Ingress", "Egress"} == {type | some type in policy.spec.policyTypes}
	not policy.spec.ingress
	not policy.spec.egress
}

resolves contains policy.metadata.namespace if {
	some policy in policies
	some rule in policy.spec.egress
	some port in rule.ports
	port.port == 53
}

deny contains sprintf("namespace %s has no default deny", [policy.metadata.namespace]) if {
	some policy in policies
	not policy.metadata.namespace in denied
}

deny contains sprintf("namespace %s resolves no names", [policy.metadata.namespace]) if {
	some policy in policies
	not policy.metadata.namespace in resolves
}

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

# Whom pods may call, by their namespace and labels.
sends[key] contains json.marshal(object.get(peer.podSelector, "matchLabels", {})) if {
	some policy in policies
	some rule in policy.spec.egress
	some peer in rule.to
	peer.podSelector
	key := sender(policy)
}

sends_to_all contains sender(policy) if {
	some policy in policies
	some rule in policy.spec.egress
	some peer in rule.to
	peer.namespaceSelector == {}
	not peer.podSelector
}

sender(policy) := sprintf("%s %s", [policy.metadata.namespace, json.marshal(selected(policy))])

deny contains sprintf("%s/%s lets in who may not send", [policy.metadata.namespace, policy.metadata.name]) if {
	some policy in policies
	some rule in policy.spec.ingress
	some peer in rule.from
	peer.podSelector
	not peer.namespaceSelector
	from := sprintf("%s %s", [policy.metadata.namespace, json.marshal(object.get(peer.podSelector, "matchLabels", {}))])
	not may_send(from, json.marshal(selected(policy)))
}

may_send(from, to) if to in sends[from]

may_send(from, _) if from in sends_to_all
