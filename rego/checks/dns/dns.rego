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

# Clients: one finding for the endpoints that lack the same packets for the same reason,
# in whatever namespaces. Whether the DNS pods let them in is judged once, below.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some key, names in cut_off
	[lacks, decider, cause, tier] := key
	said := blocked(decider, cause, tier, lacks)
	finding := {
		"subject": decider,
		"severity": severity(lacks),
		"names": names,
		"message": sprintf("{names} cannot resolve names: egress lacks %s", [concat(", ", lacks)]),
		"why": said.why,
		"hint": advice(lacks, said.hint),
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

# METADATA
# description: Why packets are stopped, and what to do about it. A deny is no missing allow.
blocked(decider, "deny", tier, _) := {
	"why": sprintf("%s stands in the way in tier %s, ahead of whatever is allowed behind", [culprit(decider), tier]),
	"hint": around(decider, tier),
}

blocked(decider, "tier-end", tier, _) := {
	"why": sprintf("the policies of tier %s apply to them, none of its rules lets it through, and the tier ends in Deny before the tiers below are asked", [tier]),
	"hint": at_end(decider, tier),
} if {
	tier != "default"
}

blocked(decider, cause, tier, lacks) := {
	"why": sprintf("their egress is isolated, and no rule is known to let a packet through to %s", [concat(", ", lacks)]),
	"hint": allowing(object.get(decider, "object", {})),
} if {
	cause != "deny"
	not above(cause, tier)
}

above("tier-end", tier) if tier != "default"

around(decider, tier) := concat("\n", array.concat(
	[sprintf("Narrow what %s denies so that it leaves the DNS pods out, or let their packets by ahead of it:", [culprit(decider)])],
	lib.calico_dns(action_in(tier)),
)) if {
	lib.calico(decider.object)
}

around(decider, _) := sprintf("Narrow what %s denies so that it leaves the DNS pods out: an allow behind it is never asked.", [culprit(decider)]) if {
	not lib.calico(decider.object)
}

at_end(decider, tier) := concat("\n", array.concat(
	[sprintf("Set defaultAction of tier %s to Pass, or let the packets through in it, by %s: an allow in a tier below is never asked:", [tier, culprit(decider)])],
	lib.calico_dns("Allow"),
)) if {
	lib.calico(decider.object)
}

at_end(decider, tier) := sprintf("Let the packets through in tier %s, by %s: an allow in a tier below is never asked.", [tier, culprit(decider)]) if {
	not lib.calico(decider.object)
}

# Who may allow in tier default decides; above it, that is left to the tiers below.
action_in("default") := "Allow"

action_in(tier) := "Pass" if tier != "default"

# METADATA
# description: The exact allow, in the words of the policy that is to say it.
allowing(object_id) := concat("\n", array.concat(["Allow exactly the cluster's DNS pods:"], lib.calico_dns("Allow"))) if lib.calico(object_id)

allowing(object_id) := concat("\n", array.concat(["Allow exactly the cluster's DNS pods:"], lib.kubernetes_dns)) if not lib.calico(object_id)

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

# The converse: one warning for each policy that opens port 53 too wide, whichever of its
# rules do, and for whatever namespaces.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some opened, pointers in too_wide
	[object_id, purposes] := opened
	rules := [{"object": object_id, "pointer": pointer} | some pointer in sort(pointers)]
	finding := object.union(
		naming(object_id, sprintf("port %d is open to %s", [
			input.platform.dns.port,
			concat(" and ", [purposes_read[purpose] | some purpose in purposes]),
		])),
		{
			"subject": rules[0],
			"severity": "warning",
			"why": concat(" ", [dangers[purpose] | some purpose in purposes]),
			"hint": allowing(object_id),
			"related": lib.others(rules, "opens it too"),
			"evidence": {
				"namespace": input.namespace.name,
				"peer": lib.evidence({peers[purpose] | some purpose in purposes}),
			},
		},
	)
}

# A policy of the cluster opens it for namespaces; one of a namespace says itself which.
naming(object_id, message) := {"message": sprintf("%s, for pods of {names}", [message]), "names": [input.namespace.name]} if {
	lib.cluster_scoped(object_id)
}

naming(object_id, message) := {"message": message} if not lib.cluster_scoped(object_id)

purposes_read := {"anywhere": "the internet", "look-alike": "pods of any namespace that wear the DNS pods' labels"}

peers := {"anywhere": "@internet", "look-alike": "*/*"}

dangers := {
	"anywhere": "Whoever runs code in the pod can send data out as queries to a server of their own.",
	"look-alike": "Whoever may create a pod in any namespace can make it a DNS server, or a tunnel out, for these endpoints.",
}

cut_off[[lacks, decider, cause, tier]] contains endpoint.name if {
	some endpoint in input.endpoints
	endpoint.dns
	stopped(endpoint)
	lacks := sort(lacking(endpoint.probes, "resolve") | refused(endpoint.probes, {"resolve", "node-local"}, "egress"))
	count(lacks) > 0
	decider := deciders(endpoint, {"resolve", "node-local"}, "egress")[0]
	[cause, tier] := array.concat(
		[[half.cause, half.tier] |
			some half in refusals(endpoint, {"resolve", "node-local"}, "egress")
			half.by == decider
		],
		[["none", ""]],
	)[0]
}

cutting[decider] contains sprintf("they do not accept %s", [concat(", ", sort(lacks))]) if {
	some endpoint in input.endpoints
	endpoint.kind == "dns"
	endpoint.ingress.isolated
	lacks := lacking(endpoint.probes, "resolve") | refused(endpoint.probes, {"resolve"}, "ingress")
	count(lacks) > 0
	decider := deciders(endpoint, {"resolve"}, "ingress")[0]
}

cutting[decider] contains sprintf("they do not reach %s", [concat(", ", sort(lacks))]) if {
	some endpoint in input.endpoints
	endpoint.kind == "dns"
	endpoint.egress.isolated
	lacks := lacking(endpoint.probes, "upstream") | refused(endpoint.probes, {"upstream"}, "egress")
	count(lacks) > 0
	decider := deciders(endpoint, {"upstream"}, "egress")[0]
}

stopped(endpoint) if endpoint.egress.isolated

# What hands on whatever it does not decide may deny this all the same.
stopped(endpoint) if {
	some probe in endpoint.probes
	probe.purpose in {"resolve", "node-local"}
	probe.egress.verdict == "deny"
	probe.egress.cause != "none"
}

too_wide[[rule.object, purposes]] contains rule.pointer if {
	some rule, _ in opening
	purposes := sort(opening[rule])
}

opening[probe.egress.by] contains probe.purpose if {
	some probes in {endpoint.probes | some endpoint in input.endpoints; endpoint.egress.isolated}
	some probe in probes
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
advice(lacks, hint) := hint if severity(lacks) == "error"

advice(lacks, hint) := concat("\n", [
	"Say what is not known: where pods are (--pod-cidrs, or cluster.podCIDRs of the Platform),",
	"the labels of the namespaces of which a rule asks some (their manifests), or all labels of the",
	sprintf("DNS pods by which a rule goes (--dns %s,KEY=VALUE, or cluster.dns of the Platform).", [served_by]),
	hint,
]) if {
	severity(lacks) == "warning"
}

# METADATA
# description: Packets whose verdict on a half is not known to be allow. Pods with the same probes share the answer.
refused(probes, purposes, half) := {sprintf("%s %d to %s%s", [probe.protocol, probe.port, probe.to, doubt]) |
	some probe in probes
	probe.purpose in purposes
	probe[half].verdict != "allow"
	doubt := object.get({"unknown": doubtful}, probe[half].verdict, "")
}

# METADATA
# description: >-
#   Packets that nobody asked about. What was not shown to get through is not taken
#   to get through.
lacking(probes, purpose) := {sprintf("%s %d (%s, not established)", [protocol, input.platform.dns.port, purpose]) |
	asked := {probe.protocol | some probe in probes; probe.purpose == purpose}
	some protocol in ({"UDP", "TCP"} - asked)
}

# METADATA
# description: What refuses, first the verdicts' own references, then what isolates.
deciders(endpoint, purposes, half) := array.concat(
	array.concat(
		[found.by |
			some found in refusals(endpoint, purposes, half)
			found.by.object.name != ""
		],
		endpoint[half].isolatedBy,
	),
	[{}],
)

# METADATA
# description: The halves that are not known to pass; those that are known not to come first.
refusals(endpoint, purposes, half) := array.concat(
	[probe[half] |
		some probe in endpoint.probes
		probe.purpose in purposes
		not probe[half].verdict in {"allow", "unknown"}
	],
	[probe[half] |
		some probe in endpoint.probes
		probe.purpose in purposes
		probe[half].verdict == "unknown"
	],
)

culprit(decider) := lib.title(decider.object)

culprit(decider) := "a policy" if not decider.object

# METADATA
# description: Who resolves names, as --dns takes it.
served_by := sprintf("%s/%s", [input.platform.dns.namespace, concat(",", [sprintf("%s=%s", [key, value]) | some key, value in input.platform.dns.labels])])
