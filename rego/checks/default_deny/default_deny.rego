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
#     Add a NetworkPolicy with an empty podSelector and policyTypes Ingress and Egress,
#     which allows no more than the cluster's DNS; or, in a repository of intents, let one
#     name the namespace, so that the build emits it.
package portcullis.checks.default_deny

import data.portcullis.lib

findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some found in mistakes
	finding := object.union(found, {
		"severity": severity,
		"evidence": {"namespace": input.namespace.name, "open": lib.evidence(unisolated)},
		"names": [input.namespace.name],
		"hint": concat("\n", array.concat([unwritten | severity == "warning"], ["Add a default deny, and beside it what the pods may send and accept:"])),
		"paste": concat("\n", array.concat(
			[
				"apiVersion: networking.k8s.io/v1",
				"kind: NetworkPolicy",
				"metadata:",
				sprintf("  name: %s", [free_name]),
				sprintf("  namespace: %s", [named]),
				"spec:",
				"  podSelector: {}",
				"  policyTypes: [Ingress, Egress]",
			],
			[sprintf("  %s", [line]) | some line in names_allowed],
		)),
	})
}

# A name that YAML takes for something else needs quotes.
named := "{names}" if lib.scalar(input.namespace.name) == input.namespace.name

named := lib.scalar(input.namespace.name) if lib.scalar(input.namespace.name) != input.namespace.name

# A default deny alone would leave pods without names that ask for them freely today.
names_allowed := lib.kubernetes_dns if asks_freely

names_allowed := [] if not asks_freely

asks_freely if {
	some endpoint in input.endpoints
	endpoint.dns
	not endpoint.egress.isolated
	some probe in endpoint.probes
	probe.purpose in {"resolve", "node-local"}
	probe.egress.by.object.name == ""
}

# METADATA
# description: A name that no NetworkPolicy of the namespace has.
free_name := [name | some name in candidates; not name in taken][0]

candidates := array.concat(["default-deny", "default-deny-all"], [sprintf("default-deny-%d", [n]) | some n in numbers.range(2, count(taken) + 2)])

taken contains policy.object.name if {
	some policy in input.policies
	not lib.calico(policy.object)
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
# Namespaces with the same hole for the same reason make one together.
mistakes contains found if {
	uncovered
	severity == "error"
	count(suspects) == 0
	found := {
		"subject": {},
		"message": sprintf("no default deny in namespace {names}: %s", [concat("; ", holes)]),
		"why": "Kubernetes lets through whatever no policy speaks about",
	}
}

mistakes contains found if {
	uncovered
	severity == "error"
	suspect := min(suspects)
	found := {
		"subject": {"object": suspect[2], "pointer": suspect[3]},
		"message": sprintf("no complete default deny in namespace {names}: %s", [concat("; ", holes)]),
		"why": suspect[4],
	}
}

mistakes contains found if {
	uncovered
	severity == "warning"
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
	endpoint[direction].isolated == false
}

# METADATA
# description: What is open, as evidence. A direction alone is open for every pod.
unisolated := {"egress", "ingress"} if count(input.endpoints) == 0

unisolated := {text |
	some direction, names in open
	some text in ways(direction, names)
} if count(input.endpoints) > 0

ways(direction, names) := {direction} if pods(names) == "every pod"

ways(direction, names) := {sprintf("%s of %s", [direction, name]) | some name in names} if pods(names) != "every pod"

holes := [sprintf("ingress and egress are open for %s", [pods(open.ingress)])] if open.ingress == open.egress

holes := [sprintf("%s is open for %s", [direction, pods(open[direction])]) |
	some direction in ["ingress", "egress"]
	open[direction]
] if {
	object.get(open, "ingress", set()) != object.get(open, "egress", set())
}

holes := ["no pod of it is known"] if count(input.endpoints) == 0

pods(names) := "every pod" if count(names) == count({endpoint.name | some endpoint in input.endpoints})

pods(names) := lib.names(names) if count(names) != count({endpoint.name | some endpoint in input.endpoints})

# Suspects are policies that look like the default deny that was meant, as rows that
# sort by how sure that is: the kind of mistake, how many it covers (most first), the
# policy, where in it, and why. A workload's own policy was not meant to be one.
suspects contains [1, 0, policy.object, "", why] if {
	some policy in input.policies
	not policy.enforced
	policy.ingressRules + policy.egressRules == 0
	policy.selectsBare
	some direction, names in open
	policy[direction]
	some name in names
	name in policy.selects
	why := sprintf("%s is staged: Calico reports what it would drop, and drops nothing", [lib.title(policy.object)])
}

suspects contains [2, 0, policy.object, pointer, why] if {
	some policy in input.policies
	policy.enforced
	policy.selectsBare
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
	endpoint.kind == "unlabelled"
	not endpoint[direction].isolated
	count(endpoint[direction].policies) > 0
	reference := endpoint[direction].policies[count(endpoint[direction].policies) - 1]
	passed_on(reference.object)
	why := sprintf("%s governs %s and hands on what it does not decide, and nothing below it drops", [
		lib.title(reference.object),
		direction,
	])
}

suspects contains [4, 0, reference.object, pointer, why] if {
	some direction, names in open
	some endpoint in input.endpoints
	endpoint.kind == "unlabelled"
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
	meant_for_all(reference.object, covered)
	pointer := sprintf("/spec/%s", [selector_field(reference.object)])
	why := sprintf("%s selects %d of %d: the others lack the labels that it goes by", [lib.title(reference.object), count(covered), count(input.endpoints)])
}

# An allow or a deny ahead of the namespace's own policies hands on as it should. One that by its
# name is a default deny should not, and of the cluster's admin policies none is.
passed_on(object_id) if {
	lib.calico(object_id)
	some word in {"default", "deny"}
	contains(object_id.name, word)
}

# By its name a policy says that it is the namespace's, unless that is one workload's deny.
meant_for_all(object_id, _) if contains(object_id.name, "default")

meant_for_all(object_id, covered) if {
	contains(object_id.name, "deny")
	count(covered) > 1
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
