# METADATA
# title: Why names are not resolved, and what to do about it
# description: Reasons and remedies of findings about DNS, in the words of the policy that is to say them.
package portcullis.lib.dns

import data.portcullis.lib

# METADATA
# description: Why somebody goes without, and what to do about it.
told("without", decider, cause, tier, lacks) := blocked(decider, cause, tier, lacks)

told("spoken-of", decider, cause, tier, lacks) := {
	"why": sprintf("nobody describes them, and where they wear no labels but those that policies ask for, %s", [said.why]),
	"hint": said.hint,
} if {
	said := blocked(decider, cause, tier, lacks)
}

told("nobody", decider, cause, tier, lacks) := {
	"why": "all pods that are known, or of which policies speak, can; one that comes without a policy of its own is isolated, and no rule lets it ask",
	"hint": said.hint,
} if {
	said := blocked(decider, cause, tier, lacks)
}

told("unknown", decider, cause, tier, lacks) := {"why": said.why, "hint": asking(said.hint)} if {
	said := blocked(decider, cause, tier, lacks)
}

told("udp-alone", decider, "none-over-tcp", _, _) := {
	"why": sprintf("%s lets UDP out alone, and what does not fit a datagram is asked for over TCP", [culprit(decider)]),
	"hint": beside(decider.object),
}

told("udp-alone", decider, cause, tier, lacks) := {
	"why": sprintf("%s; what does not fit a datagram is asked for over TCP", [said.why]),
	"hint": said.hint,
} if {
	cause != "none-over-tcp"
	said := blocked(decider, cause, tier, lacks)
}

beside(object_id) := concat("\n", [
	"Open TCP beside UDP, in the ports of that rule:",
	sprintf("- {protocol: TCP, port: %d}", [input.platform.dns.port]),
]) if {
	not lib.calico(object_id)
}

beside(object_id) := "Write the rule once more, with protocol: TCP." if lib.calico(object_id)

elsewhere := sprintf("Where names are resolved by the pods for which a rule here is meant: --dns %s, or cluster.dns of the Platform.", [input.platform.dns.elsewhere])

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

# METADATA
# description: What to do about packets of which nobody knows whether they pass.
asking(hint) := concat("\n", [
	"Say what is not known: where pods are (--pod-cidrs, or cluster.podCIDRs of the Platform),",
	"the labels of the namespaces of which a rule asks some (their manifests), or all labels of the",
	sprintf("DNS pods by which a rule goes (--dns %s,KEY=VALUE, or cluster.dns of the Platform).", [served_by]),
	hint,
])

culprit(decider) := lib.title(decider.object)

culprit(decider) := "a policy" if not decider.object

# METADATA
# description: Who resolves names, as --dns takes it.
served_by := sprintf("%s/%s", [input.platform.dns.namespace, concat(",", [sprintf("%s=%s", [key, value]) | some key, value in input.platform.dns.labels])])
