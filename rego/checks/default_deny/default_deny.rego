# METADATA
# title: No default deny
# description: >-
#   Kubernetes lets every packet through that no policy speaks about. In a governed
#   namespace every pod, whatever its labels, must be isolated in both directions, so
#   that only traffic somebody allowed gets through.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
#   description: Default policies of a namespace
# custom:
#   code: PC201
#   severity: error
#   remediation: >-
#     Add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress and
#     no rules, or let an intent name the namespace, so that the build emits one.
package portcullis.checks.default_deny

import data.portcullis.lib

findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some found in mistakes
	finding := object.union(found, {
		"severity": severity,
		"evidence": {"namespace": input.namespace.name},
		"hint": concat("\n", array.concat([unwritten | severity == "warning"], [
			"Name the namespace in an intent or in the Platform, or add this default deny:",
			"apiVersion: networking.k8s.io/v1",
			"kind: NetworkPolicy",
			"metadata:",
			"  name: default-deny",
			sprintf("  namespace: %s", [input.namespace.name]),
			"spec:",
			"  podSelector: {}",
			"  policyTypes: [Ingress, Egress]",
		])),
	})
}

# A cluster-wide deny over several namespaces that goes by labels is a default deny
# with holes. One that selects the pods of a single namespace, or no known pod, is
# taken for what it may well be: a quarantine.
findings contains finding if {
	input.scope == "cluster"
	some policy in input.policies
	policy.enforced
	policy.ingress
	policy.egress
	policy.ingressRules + policy.egressRules == 0
	lib.cluster_scoped(policy.object)
	not policy.selectsBare
	namespaces := {split(name, "/")[0] | some name in policy.selects}
	count(namespaces) > 1
	finding := {
		"subject": {"object": policy.object, "pointer": "/spec/selector"},
		"severity": "warning",
		"message": sprintf("%s denies by label: every pod that wears none of the labels stays open", [lib.title(policy.object)]),
		"why": sprintf("it isolates pods of %s, and leaves a class of pods alone, in these namespaces and in new ones: those to which nobody gave a label that it lists", [lib.names(namespaces)]),
		"hint": "Select all() and say which namespaces are meant with a namespaceSelector, or give each namespace its own default deny.",
	}
}

# METADATA
# description: What hangs on labels that nobody wrote down is no error.
default severity := "error"

severity := "warning" if {
	count(input.endpoints) > 0
	every endpoint in input.endpoints {
		every direction in ["ingress", "egress"] {
			covered(endpoint[direction])
		}
	}
}

covered(direction) if direction.isolated

covered(direction) if direction.perhaps

unwritten := sprintf("Add the manifest of the Namespace %s: whether a policy isolates its pods hangs on its labels. Or do this.", [input.namespace.name])

# One namespace makes one finding: whatever its holes, one default deny closes them.
mistakes contains {"subject": {}, "message": sprintf("namespace %s has no default deny", [input.namespace.name]), "why": why} if {
	uncovered
	severity == "error"
	count(suspects) == 0
	why := concat("; ", [sentence | some sentence in holes])
}

mistakes contains found if {
	uncovered
	severity == "error"
	suspect := min(suspects)
	found := {
		"subject": {"object": suspect[2], "pointer": suspect[3]},
		"message": sprintf("namespace %s has no complete default deny: %s", [input.namespace.name, concat("; ", holes)]),
		"why": suspect[4],
	}
}

mistakes contains found if {
	severity == "warning"
	uncovered
	references := [reference |
		some endpoint in input.endpoints
		some direction in ["ingress", "egress"]
		endpoint[direction].perhaps
		some reference in endpoint[direction].policies
	]
	found := {
		"subject": array.concat(references, [{}])[0],
		"message": sprintf("whether namespace %s has a default deny is not known: nothing is certain to isolate %s", [
			input.namespace.name,
			lib.names(union({open[direction] | some direction, _ in open})),
		]),
		"why": "which policies select its pods hangs on labels of the Namespace, and nobody wrote those down",
	}
}

uncovered if some _, _ in open

# A namespace of which nothing is known has nothing that isolates it either.
uncovered if count(input.endpoints) == 0

# METADATA
# description: The names of the endpoints that a direction leaves open.
open[direction] contains endpoint.name if {
	some direction in {"ingress", "egress"}
	some endpoint in input.endpoints
	not endpoint[direction].isolated
}

holes := [sprintf("ingress and egress are open for %s", [lib.names(open.ingress)])] if open.ingress == open.egress

holes := [sprintf("%s is open for %s", [direction, lib.names(open[direction])]) |
	some direction in ["ingress", "egress"]
	open[direction]
] if {
	object.get(open, "ingress", set()) != object.get(open, "egress", set())
}

holes := ["no pod of it is known"] if count(input.endpoints) == 0

# Suspects are policies that look like the default deny that was meant, as rows that
# sort by how sure that is: the kind of mistake, how many it covers (most first), the
# policy, where in it, and why.
suspects contains [1, 0, policy.object, "", why] if {
	some policy in input.policies
	not policy.enforced
	policy.ingressRules + policy.egressRules == 0
	some direction, names in open
	policy[direction]
	some name in names
	name in policy.selects
	why := sprintf("%s is staged: Calico reports what it would drop, and drops nothing", [lib.title(policy.object)])
}

suspects contains [2, 0, policy.object, pointer, why] if {
	some policy in input.policies
	policy.enforced
	some direction, names in open
	not policy[direction]
	policy[sprintf("%sRules", [direction])] > 0
	some name in names
	name in policy.selects
	pointer := sprintf("/spec/%s", [types_field(policy.object)])
	why := sprintf("%s has %s rules, and its types leave %s out, so that they are ignored", [lib.title(policy.object), direction, direction])
}

suspects contains [3, 0, reference.object, reference.pointer, why] if {
	some direction in {"ingress", "egress"}
	some endpoint in input.endpoints
	not endpoint[direction].isolated
	count(endpoint[direction].policies) > 0
	reference := endpoint[direction].policies[count(endpoint[direction].policies) - 1]
	why := sprintf("%s governs %s of %s and hands on what it does not decide, and nothing below it drops", [
		lib.title(reference.object),
		direction,
		endpoint.name,
	])
}

suspects contains [4, 0, reference.object, pointer, why] if {
	some direction, names in open
	some endpoint in input.endpoints
	endpoint.name in names
	some half in {"ingress", "egress"}
	some reference in endpoint[half].isolatedBy
	denies_all(reference.object, half)
	count(endpoint[direction].policies) == 0
	pointer := sprintf("/spec/%s", [types_field(reference.object)])
	why := sprintf("%s isolates %s alone: %s", [lib.title(reference.object), half, types_reason(reference.object, half)])
}

suspects contains [5, 0 - count(covered), reference.object, pointer, why] if {
	some direction, names in open
	some endpoint in input.endpoints
	some reference in endpoint[direction].isolatedBy
	denies_all(reference.object, direction)
	covered := {other.name |
		some other in input.endpoints
		some by in other[direction].isolatedBy
		by.object == reference.object
	}
	pointer := sprintf("/spec/%s", [selector_field(reference.object)])
	why := sprintf("%s selects %d of %d: the others lack the labels that it goes by", [lib.title(reference.object), count(covered), count(input.endpoints)])
}

# What is known of a policy elsewhere than in this namespace is that it isolates.
denies_all(object_id, direction) if {
	not rules_of(object_id, direction)
}

rules_of(object_id, direction) if {
	some policy in input.policies
	policy.object == object_id
	policy[sprintf("%sRules", [direction])] > 0
}

types_reason(object_id, _) := "it has no types, and without egress rules that is read as Ingress" if {
	some policy in input.policies
	policy.object == object_id
	not policy.typesGiven
}

types_reason(object_id, half) := sprintf("its types say no more than %s", [half]) if {
	some policy in input.policies
	policy.object == object_id
	policy.typesGiven
}

types_reason(object_id, half) := sprintf("it governs %s and no more, by its types or for want of them", [half]) if {
	every policy in input.policies {
		policy.object != object_id
	}
}

types_field(object_id) := "types" if lib.calico(object_id)

types_field(object_id) := "policyTypes" if not lib.calico(object_id)

selector_field(object_id) := "selector" if lib.calico(object_id)

selector_field(object_id) := "podSelector" if not lib.calico(object_id)
