# METADATA
# title: DNS is blocked, or open to everybody
# description: >-
#   A pod whose egress is isolated resolves no name unless a rule lets it ask the DNS
#   pods on UDP and on TCP (answers that do not fit a datagram come by TCP), the DNS
#   pods accept it, and they reach their own upstream. A rule that opens port 53
#   wider than that is a tunnel out of the cluster.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
#   description: DNS for Services and Pods
# - ref: https://www.rfc-editor.org/rfc/rfc7766
#   description: DNS over TCP is required of every resolver
# custom:
#   code: PC202
#   severity: error
#   remediation: >-
#     Allow egress to the DNS pods by their labels and by the name of their namespace,
#     on UDP and TCP, and leave the DNS pods out of every policy that isolates them
#     without letting clients in and upstream queries out.
package portcullis.checks.dns

import data.portcullis.lib

# Clients: one finding for the endpoints of a namespace that lack the same packets
# for the same reason. Whether the DNS pods let them in is judged once, below.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some key, names in cut_off
	[lacks, decider] := key
	finding := {
		"subject": decider,
		"severity": severity(lacks),
		"message": sprintf("%s cannot resolve names: egress lacks %s", [lib.names(names), concat(", ", lacks)]),
		"why": sprintf("their egress is isolated, and no rule is known to let a packet through to %s", [concat(", ", lacks)]),
		"hint": advice(lacks),
		"evidence": {
			"namespace": input.namespace.name, "lacks": lib.evidence(lacks), "endpoint": lib.evidence(names),
			"peer": sprintf("%s/*", [input.platform.dns.namespace]),
			"port": lib.evidence({port |
				some protocol in {"TCP", "UDP"}
				some packet in lacks
				startswith(packet, protocol)
				some port in lib.ports(protocol, sprintf("%d", [input.platform.dns.port]))
			}),
		},
	}
}

# Servers: one finding for each policy that cuts the DNS pods off.
findings contains finding if {
	input.scope == "cluster"
	some decider, lacks in cutting
	finding := {
		"subject": decider,
		"severity": severity(lacks),
		"message": sprintf("%s isolates pods of %s and cuts the DNS pods off: %s", [culprit(decider), input.platform.dns.namespace, concat("; ", sort(lacks))]),
		"why": sprintf("every pod of the cluster asks the DNS pods for names; and whatever else of %s the policy selects may talk to nobody either", [input.platform.dns.namespace]),
		"hint": sprintf("Leave namespace %s out of the policy's selector, or let the DNS pods accept port %d from all pods and reach their upstream, on UDP and TCP.", [
			input.platform.dns.namespace,
			input.platform.dns.port,
		]),
		"evidence": {"namespace": input.platform.dns.namespace},
	}
}

# The converse: one warning for each rule that opens port 53 too wide.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some decider, purposes in too_wide
	finding := {
		"subject": decider,
		"severity": "warning",
		"message": sprintf("port %d is open to %s", [input.platform.dns.port, concat(" and ", [purposes_read[purpose] | some purpose in sort(purposes)])]),
		"why": concat(" ", [dangers[purpose] | some purpose in sort(purposes)]),
		"hint": hint,
		"evidence": {
			"namespace": input.namespace.name,
			"peer": lib.evidence({peers[purpose] | some purpose in purposes}),
		},
	}
}

purposes_read := {"anywhere": "the internet", "look-alike": "pods of any namespace that wear the DNS pods' labels"}

peers := {"anywhere": "@internet", "look-alike": "*/*"}

dangers := {
	"anywhere": "Whoever runs code in the pod can send data out as queries to a server of their own.",
	"look-alike": "Whoever may create a pod in any namespace can make it a DNS server, or a tunnel out, for these endpoints.",
}

cut_off[[lacks, decider]] contains endpoint.name if {
	some endpoint in input.endpoints
	endpoint.dns
	endpoint.egress.isolated
	lacks := sort(lacking(endpoint, "resolve") | refused(endpoint, {"resolve", "node-local"}, "egress"))
	count(lacks) > 0
	decider := deciders(endpoint, {"resolve", "node-local"}, "egress")[0]
}

cutting[decider] contains sprintf("they do not accept %s", [concat(", ", sort(lacks))]) if {
	some endpoint in input.endpoints
	endpoint.kind == "dns"
	endpoint.ingress.isolated
	lacks := lacking(endpoint, "resolve") | refused(endpoint, {"resolve"}, "ingress")
	count(lacks) > 0
	decider := deciders(endpoint, {"resolve"}, "ingress")[0]
}

cutting[decider] contains sprintf("they do not reach %s", [concat(", ", sort(lacks))]) if {
	some endpoint in input.endpoints
	endpoint.kind == "dns"
	endpoint.egress.isolated
	lacks := lacking(endpoint, "upstream") | refused(endpoint, {"upstream"}, "egress")
	count(lacks) > 0
	decider := deciders(endpoint, {"upstream"}, "egress")[0]
}

too_wide[probe.egress.by] contains probe.purpose if {
	some endpoint in input.endpoints
	endpoint.egress.isolated
	some probe in endpoint.probes
	probe.purpose in {"anywhere", "look-alike"}
	probe.egress.verdict == "allow"
}

# METADATA
# description: Where nothing is known to be refused, what is not known is no error.
severity(lacks) := "error" if {
	some packet in lacks
	not unknown(packet)
}

severity(lacks) := "warning" if {
	every packet in lacks {
		unknown(packet)
	}
}

unknown(packets) if {
	every packet in split(packets, ", ") {
		endswith(packet, doubtful)
	}
}

doubtful := " (not known to pass)"

# METADATA
# description: What to do about packets that are refused, or about which nobody knows.
advice(lacks) := hint if severity(lacks) == "error"

advice(lacks) := concat("\n", [
	"Say what is not known: where pods are (--pod-cidrs, or cluster.podCIDRs of the Platform),",
	"or the labels of the namespaces of which a rule asks some (their manifests).",
	hint,
]) if {
	severity(lacks) == "warning"
}

# METADATA
# description: Packets whose verdict on a half is not known to be allow.
refused(endpoint, purposes, half) := {sprintf("%s %d to %s%s", [probe.protocol, probe.port, probe.to, doubt]) |
	some probe in endpoint.probes
	probe.purpose in purposes
	probe[half].verdict != "allow"
	doubt := object.get({"unknown": doubtful}, probe[half].verdict, "")
}

# METADATA
# description: >-
#   Packets that nobody asked about. What was not shown to get through is not taken
#   to get through.
lacking(endpoint, purpose) := {sprintf("%s %d (%s, not established)", [protocol, input.platform.dns.port, purpose]) |
	asked := {probe.protocol | some probe in endpoint.probes; probe.purpose == purpose}
	some protocol in ({"UDP", "TCP"} - asked)
}

# METADATA
# description: What refuses, first the verdicts' own references, then what isolates.
deciders(endpoint, purposes, half) := array.concat(
	array.concat(
		[probe[half].by |
			some probe in endpoint.probes
			probe.purpose in purposes
			probe[half].verdict != "allow"
			probe[half].by.object.name != ""
		],
		endpoint[half].isolatedBy,
	),
	[{}],
)

culprit(decider) := lib.title(decider.object)

culprit(decider) := "a policy" if not decider.object

hint := concat("\n", array.concat(
	[
		"Allow exactly the cluster's DNS pods, in the rule's own words:",
		"to:",
		"- namespaceSelector:",
		sprintf("    matchLabels: {kubernetes.io/metadata.name: %s}", [input.platform.dns.namespace]),
		"  podSelector:",
		sprintf("    matchLabels: {%s}", [concat(", ", [sprintf("%s: %s", [key, value]) | some key, value in input.platform.dns.labels])]),
	],
	array.concat(
		[sprintf("- ipBlock: {cidr: %s}", [cidr]) | some cidr in node_local],
		[
			"ports:",
			sprintf("- {protocol: UDP, port: %d}", [input.platform.dns.port]),
			sprintf("- {protocol: TCP, port: %d}", [input.platform.dns.port]),
		],
	),
))

# METADATA
# description: The caches' addresses as NetworkPolicy writes them, as prefixes.
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
