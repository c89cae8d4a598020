# METADATA
# title: What the checks share
# description: Words and references, written the same way in every finding.
package portcullis.lib

# METADATA
# description: How many names a message lists before it counts the rest.
listed := 5

# METADATA
# description: A collection of names for people, in order; a long one is cut and counted.
names(all) := concat(", ", sorted) if {
	sorted := sort(all)
	count(sorted) <= listed
}

names(all) := sprintf("%s and %d more", [concat(", ", array.slice(sorted, 0, listed)), count(sorted) - listed]) if {
	sorted := sort(all)
	count(sorted) > listed
}

# METADATA
# description: An object for people, spelt like everywhere in a report.
title(object_id) := sprintf("%s %s", [object_id.kind, object_id.name]) if cluster_scoped(object_id)

title(object_id) := sprintf("%s %s/%s", [object_id.kind, object_id.namespace, object_id.name]) if {
	not cluster_scoped(object_id)
}

# METADATA
# description: Whether an object lives in no namespace.
cluster_scoped(object_id) if object.get(object_id, "namespace", "") == ""

# METADATA
# description: >-
#   The first of some references, or no subject at all, so that a fact without a
#   deciding rule still makes a finding.
first(references) := references[0]

first(references) := {} if count(references) == 0

# METADATA
# description: All references but the first, as related places.
others(references, message) := [related |
	some reference in array.slice(references, 1, count(references))
	related := object.union(reference, {"message": message})
]

# METADATA
# description: Whether a policy is of one of Calico's own kinds, which have orders and tiers.
calico(object_id) if endswith(object.get(object_id, "group", ""), "projectcalico.org")

# METADATA
# description: >-
#   Ports of one protocol as intents write them, for evidence. What no intent can
#   name keeps its own name, so that no waiver for a port covers it.
ports("any", _) := {"any"}

ports("TCP", written) := {port | some port in split(numbers(written), ",")}

ports(protocol, written) := {sprintf("%s/%s", [port, lower(protocol)]) | some port in split(numbers(written), ",")} if {
	protocol in {"UDP", "SCTP"}
}

ports(protocol, _) := {"icmp"} if protocol in {"ICMP", "ICMPv6"}

ports(protocol, _) := {protocol} if not protocol in {"any", "TCP", "UDP", "SCTP", "ICMP", "ICMPv6"}

numbers("any") := "1-65535"

numbers(written) := written if written != "any"

# METADATA
# description: Some values of one key of evidence.
evidence(values) := concat(", ", sort(values))
