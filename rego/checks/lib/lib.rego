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
calico(object_id) if endswith(object.get(object_id, "group", ""), calico_group)

# METADATA
# description: How the groups of Calico's own kinds end.
calico_group := "projectcalico.org"

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

# METADATA
# description: >-
#   The rules by which pods ask the cluster's DNS for names, and nothing else, as a
#   Kubernetes NetworkPolicy says it.
kubernetes_dns := array.concat(
	[
		"egress:",
		"- to:",
		"  - namespaceSelector:",
		sprintf("      matchLabels: {kubernetes.io/metadata.name: %s}", [input.platform.dns.namespace]),
		"    podSelector:",
		sprintf("      matchLabels: {%s}", [concat(", ", [sprintf("%s: %s", [key, scalar(value)]) | some key, value in input.platform.dns.labels])]),
	],
	array.concat(
		[sprintf("  - ipBlock: {cidr: %s}", [quoted(cidr)]) | some cidr in node_local],
		[
			"  ports:",
			sprintf("  - {protocol: UDP, port: %d}", [input.platform.dns.port]),
			sprintf("  - {protocol: TCP, port: %d}", [input.platform.dns.port]),
		],
	),
)

# METADATA
# description: The same as a policy of Calico's says it.
calico_dns(action) := array.concat(["egress:"], [line |
	some protocol in ["UDP", "TCP"]
	some destination in array.concat([pods], [sprintf("    nets: [%s]", [quoted(cidr)]) | some cidr in node_local])
	some line in [
		sprintf("- action: %s", [action]),
		sprintf("  protocol: %s", [protocol]),
		"  destination:",
		destination,
		sprintf("    ports: [%d]", [input.platform.dns.port]),
	]
])

pods := concat("\n", [
	sprintf("    namespaceSelector: kubernetes.io/metadata.name == %q", [input.platform.dns.namespace]),
	sprintf("    selector: %s", [concat(" && ", [sprintf("%s == %q", [key, value]) | some key, value in input.platform.dns.labels])]),
])

# METADATA
# description: A value of a label as YAML writes it, with quotes where it would be another.
scalar(value) := value if plain(value)

scalar(value) := json.marshal(value) if not plain(value)

plain(value) if {
	regex.match(`^[A-Za-z][A-Za-z0-9._/-]*$`, value)
	not lower(value) in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
}

quoted(cidr) := cidr if not contains(cidr, ":")

quoted(cidr) := json.marshal(cidr) if contains(cidr, ":")

# METADATA
# description: The caches' addresses as policies write them, as prefixes.
node_local contains sprintf("%s/32", [address]) if {
	some address in input.platform.dns.nodeLocal
	not contains(address, ":")
	not contains(address, "/")
}

node_local contains sprintf("%s/128", [address]) if {
	some address in input.platform.dns.nodeLocal
	contains(address, ":")
	not contains(address, "/")
}

node_local contains address if {
	some address in input.platform.dns.nodeLocal
	contains(address, "/")
}
