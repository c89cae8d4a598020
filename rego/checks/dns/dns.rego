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
import data.portcullis.lib.dns as remedy

# Clients: one finding for the endpoints that lack the same packets for the same reason,
# in whatever namespaces. Whether the DNS pods let them in is judged once, below.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	some key, names in cut_off
	[grade, lacks, decider, cause, tier] := key
	said := remedy.told(grade, decider, cause, tier, lacks)
	finding := {
		"subject": decider,
		"severity": severities[grade],
		"names": names,
		"message": sprintf("%s: egress lacks %s", [messages[grade], concat(", ", lacks)]),
		"why": said.why,
		"hint": concat("\n", array.concat([remedy.elsewhere | input.platform.dns.elsewhere], [said.hint])),
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

# How sure it is that somebody goes without names: a pod does; one does that policies speak
# of, if it wears no more than they ask for; only a pod would that nobody has; long answers
# fail; or it is not known.
severities := {"without": "error", "spoken-of": "warning", "nobody": "info", "udp-alone": "warning", "unknown": "warning"}

messages := {
	"without": "{names} cannot resolve names",
	"spoken-of": "{names} cannot resolve names",
	"nobody": "pods like {names}, should any come, cannot resolve names",
	"udp-alone": "{names} can resolve names over UDP alone",
	"unknown": "whether {names} can resolve names is not known",
}

grade(_, lacks) := "unknown" if {
	not blind(lacks)
	not slow(lacks)
}

grade(_, lacks) := "udp-alone" if slow(lacks)

grade(endpoint, lacks) := "without" if {
	blind(lacks)
	endpoint.kind != "selected"
	not spare(endpoint)
}

grade(endpoint, lacks) := "spoken-of" if {
	blind(lacks)
	endpoint.kind == "selected"
}

grade(endpoint, lacks) := "nobody" if {
	blind(lacks)
	spare(endpoint)
}

# Resolvers ask over UDP, and over TCP what was cut off.
blind(lacks) if {
	some packet in lacks
	startswith(packet, "UDP")
	not unknown(packet)
}

slow(lacks) if {
	every packet in lacks {
		startswith(packet, "TCP")
	}
	some packet in lacks
	not unknown(packet)
}

# A default deny, and what each workload needs beside it, leaves nobody without.
spare(endpoint) if {
	endpoint.kind == "unlabelled"
	others := [other | some other in clients; other.kind != "unlabelled"; other.dns]
	count(others) > 0
	every other in others {
		not goes_without(other)
	}
}

goes_without(endpoint) if {
	stopped(endpoint)
	blind(missing(endpoint.probes))
}

# METADATA
# description: What a client lacks to resolve names.
missing(probes) := sort(lacking(probes, "resolve") | refused(probes, {"resolve", "node-local"}, "egress"))

# Servers: one finding for each policy that cuts the DNS pods off.
findings contains finding if {
	input.scope == "cluster"
	some decider, lacks in cutting
	finding := {
		"subject": decider,
		"severity": severity(lacks),
		"message": sprintf("%s isolates pods of %s and cuts the DNS pods off: %s", [remedy.culprit(decider), input.platform.dns.namespace, concat("; ", sort(lacks))]),
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
			"hint": remedy.allowing(object_id),
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

# METADATA
# description: Known pods of the namespace, and those of which its policies speak.
clients := array.concat(input.endpoints, input.selected)

# METADATA
# description: What was asked about them. Most pods of a namespace share the answers.
asked := {endpoint.probes | some endpoint in clients}

wanting := {probes: lacks |
	some probes in asked
	lacks := missing(probes)
	count(lacks) > 0
}

cut_off[array.concat([how, lacks], by)] contains endpoint.name if {
	count(wanting) > 0
	some endpoint in clients
	endpoint.dns
	stopped(endpoint)
	lacks := wanting[endpoint.probes]
	how := grade(endpoint, lacks)
	by := array.concat([[opener, "none-over-tcp", ""] | how == "udp-alone"; some opener in openers(endpoint)], [stopping(endpoint)])[0]
}

# METADATA
# description: >-
#   The rules that let a client ask over UDP, where no more is amiss than that none does
#   over TCP. A deny in the way, or a tier's end above, is another matter.
openers(endpoint) := [half.by |
	asked := [probe | some probe in endpoint.probes; probe.purpose in {"resolve", "node-local"}]
	stops := [probe.egress | some probe in asked; probe.egress.verdict == "deny"]
	count(stops) > 0
	some half in [probe.egress | some probe in asked; probe.protocol == "UDP"]
	half.by.pointer != ""
	every stop in stops {
		stop.cause == "tier-end"
		stop.tier == half.tier
	}
]

# METADATA
# description: What stops a client that asks for names, why, and in which tier.
stopping(endpoint) := [decider, cause, tier] if {
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
	some probes in asked
	some probe in probes
	probe.purpose in {"anywhere", "look-alike"}
	probe.egress.verdict == "allow"
	not probe.egress.everything
	probes in asked_by_isolated
}

asked_by_isolated := {endpoint.probes | some endpoint in clients; endpoint.egress.isolated}

# Where everything is open, port 53 is the least of it: one warning for the namespace.
findings contains finding if {
	input.scope == "namespace"
	input.namespace.governed
	rules := sort({rule | some rule, _ in unbounded})
	count(rules) > 0
	names := {name | some name in unbounded[_]}
	finding := {
		"subject": rules[0],
		"severity": "warning",
		"names": names,
		"message": "egress of {names} is open to everything",
		"why": "the rule names no peer and no port: whoever runs code there can send anything to anybody, and ask a DNS server of their own",
		"hint": "Say in the rule whom the pods call, and on which ports; the cluster's DNS is one of them.",
		"related": lib.others(rules, "so does this rule"),
		"evidence": {"namespace": input.namespace.name, "endpoint": lib.evidence(names), "peer": "*/*, @internet"},
	}
}

unbounded[probe.egress.by] contains endpoint.name if {
	count(let_out) > 0
	some endpoint in clients
	endpoint.egress.isolated
	endpoint.probes in let_out
	some probe in endpoint.probes
	everywhere(probe)
}

let_out := {probes | some probes in asked; some probe in probes; everywhere(probe)}

everywhere(probe) if {
	probe.egress.everything
	probe.purpose in {"anywhere", "look-alike"}
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
