# The rules that people write first, each after what blog posts advise. They read how
# policies are spelt, and every disguise passes them.
package naive

import rego.v1

policies := [object | some object in input.objects; endswith(object.kind, "NetworkPolicy")]

ports(rule) := {port.port | some port in rule.ports} | {port | some port in rule.destination.ports}

# Each namespace has a policy, or a global one covers it.
PC201 contains namespace if {
	some object in input.objects
	object.kind == "Pod"
	namespace := object.metadata.namespace
	count([policy | some policy in policies; object_namespace(policy) in {namespace, "*"}]) == 0
}

object_namespace(policy) := object.get(policy.metadata, "namespace", "*")

# Where egress is restricted, some rule allows port 53.
PC202 contains namespace if {
	some policy in policies
	namespace := policy.metadata.namespace
	"Egress" in object.get(policy.spec, "policyTypes", [])
	not asks_for_names(namespace)
}

asks_for_names(namespace) if {
	some policy in policies
	object_namespace(policy) in {namespace, "*"}
	some rule in policy.spec.egress
	53 in ports(rule)
}

# Nobody writes 0.0.0.0/0, unless something is cut out of it.
PC203 contains policy.metadata.name if {
	some policy in policies
	some rule in policy.spec.ingress
	some peer in rule.from
	peer.ipBlock.cidr == "0.0.0.0/0"
	not peer.ipBlock.except
}

PC203 contains policy.metadata.name if {
	some policy in policies
	some rule in policy.spec.ingress
	"0.0.0.0/0" in rule.source.nets
}

# What must win comes before the Kubernetes policies, which have order 1000.
PC204 contains policy.metadata.name if {
	some policy in policies
	policy.kind == "GlobalNetworkPolicy"
	policy.spec.order > 1000
}
