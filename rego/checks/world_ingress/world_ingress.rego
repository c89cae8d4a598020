# METADATA
# title: Ingress from the whole internet
# description: >-
#   No pod accepts connections from everywhere. The measure is what its rules come to
#   together: two halves of the address space in two policies are the whole of it.
# related_resources:
# - ref: https://www.iana.org/assignments/iana-ipv4-special-registry/
#   description: The address ranges that are not public
# custom:
#   code: PC203
#   severity: error
#   remediation: >-
#     Name the addresses that need the service. Where it is meant for everybody, let a
#     load balancer or an ingress controller accept the connections, or waive the
#     finding with the reason.
package portcullis.checks.world_ingress

import data.portcullis.lib

# More than this share of a family's public address space is the world.
most := 0.25

# One finding for each first rule that opens the world. An endpoint that is not
# isolated accepts everything without any rule: that is PC201's to say.
findings contains finding if {
	not input.namespace.system
	some opening, _ in opened
	entries := {entry | some entry in opened[opening]}
	shares := {entry.world.share | some entry in entries}
	ports := {words(entry.world) | some entry in entries}
	families := {entry.world.family | some entry in entries}
	names := {entry.endpoint | some entry in entries}
	said := told[anybody(entries)]
	finding := {
		"subject": opening,
		"names": names,
		"message": sprintf("ingress of {names} is open for %s to %s of the public %s addresses, expected at most %s", [
			lib.names(ports),
			percent(max(shares)),
			concat(" and ", sort(families)),
			percent(most),
		]),
		"why": said.why,
		"hint": said.hint,
		"related": [object.union(reference, {"message": "opens a part of it too"}) |
			some reference in {reference |
				some entry in entries
				some reference in entry.world.rules
				reference != opening
			}
		],
		"evidence": {
			"namespace": input.namespace.name,
			"endpoint": lib.evidence(names),
			"family": lib.evidence(families),
			"port": lib.evidence({port | some entry in entries; some port in lib.ports(entry.world.protocol, entry.world.ports)}),
			"peer": "@internet",
		},
	}
}

opened[lib.first(world.rules)] contains {"endpoint": endpoint.name, "world": world} if {
	some endpoint in judged
	some world in endpoint.world
	world.share > most
	endpoint.ingress.isolated
}

# A policy that nobody's pod is known for opens the world all the same.
judged := array.concat(input.endpoints, input.selected)

percent(share) := sprintf("%d%%", [round(share * 100)])

words(world) := "everything" if world.protocol == "any"

words(world) := world.protocol if {
	world.protocol != "any"
	world.ports == "any"
}

words(world) := sprintf("%s %s", [world.protocol, world.ports]) if world.ports != "any"

# METADATA
# description: Whether the rule that opens the world names nobody, or ranges.
anybody(entries) if {
	some entry in entries
	entry.world.anybody
} else := false

told := {
	true: {
		"why": "the rule names no peer, and so lets everybody in",
		"hint": concat("\n", [
			"Say in the rule who may come in. If it serves the API server, as a webhook or an aggregated API",
			"does, no selector finds that: list the API server's addresses, or waive the finding with that reason.",
		]),
	},
	false: {
		"why": "what the rules admit together covers the internet, whichever way the ranges are split",
		"hint": "Replace the range by the addresses that are meant, for example an office's or a partner's, and check that no other rule adds the rest.",
	},
}
