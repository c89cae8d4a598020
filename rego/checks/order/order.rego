# METADATA
# title: An order that does not do what it says
# description: >-
#   Calico reads policies by tier and order, and the first rule that matches decides.
#   An order is right when every packet meets the verdict that was meant for it; it
#   is wrong when a deny that must win is never reached, when an allow is dead, when
#   a verdict hangs on a tie, or when the number claims a precedence that it cannot
#   give.
# related_resources:
# - ref: https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy
#   description: Order, tier and types of a GlobalNetworkPolicy
# - ref: https://docs.tigera.io/calico/latest/reference/resources/tier
#   description: Order and default action of a tier
# custom:
#   code: PC204
#   severity: error
#   remediation: >-
#     Keep denies that must win in a tier of their own with an order of its own, ended
#     by Pass, and the default deny last in tier default, without rules.
package portcullis.checks.order

import data.portcullis.lib

# Where Calico places every Kubernetes NetworkPolicy.
kubernetes_order := 1000

# Packets on which the order decides: one finding for each policy in the wrong place,
# whatever the number of its victims.
findings contains finding if {
	some key, clashes in by_culprit
	[kind, culprit] := key
	said := object.get(words, kind, other_words)
	packets := sort({clash.packet | some clash in clashes})
	finding := {
		"subject": culprit,
		"severity": object.get(said, "severity", "error"),
		"message": sprintf(said.verdict, [lib.title(culprit.object), victims(clashes), packets[0]]),
		"why": sprintf("%s%s", [said.reason, more(packets)]),
		"hint": said.remedy,
		"related": [object.union(reference, {"message": said.relation}) |
			some reference in {clash.other | some clash in clashes}
			reference.object.name != ""
		],
		"evidence": {
			"others": victims(clashes),
			"packet": packets[0],
			"conflict": kind,
		},
	}
}

# The culprit is the policy that stands in the wrong place: the deny that kills an
# allow, but also the deny that an allow beats.
by_culprit[[conflict.kind, conflict.first]] contains clash if {
	some conflict in input.conflicts
	not conflict.kind in beaten
	clash := {"other": conflict.second, "packet": conflict.packet}
}

by_culprit[[conflict.kind, conflict.second]] contains clash if {
	some conflict in input.conflicts
	conflict.kind in beaten
	clash := {"other": conflict.first, "packet": conflict.packet}
}

# Kinds of which the second is the culprit.
beaten := {"dead-deny", "passed-deny"}

# METADATA
# description: What is said of each kind of conflict.
words := {
	"dead-allow": {
		"verdict": "%s denies what %s allows: %s",
		"reason": "the deny comes first in the order of evaluation, so that the allow is dead",
		"remedy": "Move the deny behind the allow, narrow it, or take the allow away if the deny is meant.",
		"relation": "is never reached",
	},
	"dead-deny": {
		"verdict": "%s never denies what %s allows before it: %s",
		"reason": "the allow comes first in the order of evaluation, so that the deny is dead",
		"remedy": "Move the deny into a tier above, or give it an order lower than the allow's.",
		"relation": "decides first",
	},
	"passed-deny": {
		"verdict": "%s never denies what %s passes on before it: %s",
		"reason": "a packet that a tier passes on meets none of the tier's later rules, so that the deny is dead",
		"remedy": "Move the deny before the pass, or pass on less: the policies of a tier need one Pass, at its end.",
		"relation": "passes it on",
	},
	"tie": {
		"verdict": "%s and %s have equal orders and different verdicts: %s",
		"reason": "which of the two comes first hangs on their names and on Calico's release",
		"remedy": "Give one of the two an order of its own, clear of 1000, where every Kubernetes NetworkPolicy stands.",
		"relation": "has the same order",
	},
	"tier-end": {
		"verdict": "the tier of %s ends in Deny before %s is reached: %s",
		"reason": "a tier whose policies select the endpoint and do not decide applies its default action",
		"remedy": "Set the tier's defaultAction to Pass, or end its policies with a Pass rule.",
		"relation": "is never reached",
	},
	"pass-to-nothing": {
		"severity": "warning",
		"verdict": "%s passes to nothing%s: %s",
		"reason": "no policy below the tier governs the endpoint, and its namespace's profile lets everything through",
		"remedy": "Give the endpoint a default deny in tier default, or replace Pass by the verdict that is meant.",
		"relation": "stands below",
	},
	"undecided": {
		"verdict": "whether a rule of %s decides anything%s cannot be decided: %s",
		"reason": "the question takes more steps than it may, and what is not decided does not count as right",
		"remedy": "Ask for less in one selector, or split the policy.",
		"relation": "is asked about",
	},
}

# A kind that this check does not know is a conflict all the same.
other_words := {
	"verdict": "the verdict hangs on the order of %s and %s: %s",
	"reason": "the policies overlap and decide differently",
	"remedy": "Give the policies orders that say which of them wins.",
	"relation": "overlaps",
}

victims(clashes) := lib.names({lib.title(clash.other.object) |
	some clash in clashes
	clash.other.object.name != ""
})

more(packets) := "" if count(packets) == 1

more(packets) := sprintf("; %d packets in all", [count(packets)]) if count(packets) > 1

# Orders that claim what they do not do. A policy that a conflict names is not
# reported a second time.
findings contains finding if {
	some policy in governing
	policy.tier == "default"
	policy.orderGiven
	policy.order < kubernetes_order
	policy.ingressRules + policy.egressRules == 0
	finding := {
		"subject": {"object": policy.object, "pointer": "/spec/order"},
		"message": sprintf("order %v of %s claims a precedence that it does not have", [policy.order, lib.title(policy.object)]),
		"why": "it has no rules, so that it decides no packet in its place: it drops what nothing else in the tier allows, whatever its order",
		"hint": "Put denies that must win into a tier of their own with Deny rules, or give this default deny an order above 1000.",
	}
}

findings contains finding if {
	some policy in governing
	policy.tier == "default"
	policy.orderGiven
	policy.order == kubernetes_order
	not policy.object in in_conflict
	finding := {
		"subject": {"object": policy.object, "pointer": "/spec/order"},
		"severity": "warning",
		"message": sprintf("order 1000 of %s ties with every Kubernetes NetworkPolicy", [lib.title(policy.object)]),
		"why": "Calico places Kubernetes policies at order 1000 of tier default; which comes first then hangs on names and on the release",
		"hint": "Take an order below 1000 to come before the Kubernetes policies, or above to come after them.",
	}
}

findings contains finding if {
	some policy in governing
	not policy.orderGiven
	"Deny" in policy.actions
	not alone(policy.tier)
	not policy.object in in_conflict
	finding := {
		"subject": {"object": policy.object, "pointer": "/spec"},
		"message": sprintf("%s has Deny rules and no order", [lib.title(policy.object)]),
		"why": sprintf("without an order it comes last in tier %s, so that every allow there beats its denies", [policy.tier]),
		"hint": "Write spec.order, lower than that of the allows that the deny must beat.",
	}
}

# A policy for pods and for host endpoints alike was hardly meant for both where it
# isolates the nodes: what denies by name and leaves the rest alone is right for both,
# and one for hosts alone is left alone.
findings contains finding if {
	some policy in governing
	policy.closesHosts
	for_pods(policy)
	said := reaching_hosts(policy)
	finding := {
		"subject": {"object": policy.object, "pointer": said.pointer},
		"message": sprintf("%s applies to host endpoints as well as to pods", [lib.title(policy.object)]),
		"why": sprintf("%s; where there are host endpoints, what it does not allow is dropped there", [said.why]),
		"hint": said.hint,
	}
}

reaching_hosts(policy) := {
	"pointer": "/spec/selector",
	"why": "a selector without a namespaceSelector reaches the nodes' own interfaces",
	"hint": "Add a namespaceSelector, for example all(), so that only pods are selected; give hosts a policy of their own.",
} if {
	policy.namespaceSelector == ""
}

reaching_hosts(policy) := {
	"pointer": "/spec/namespaceSelector",
	"why": "its namespaceSelector says which namespaces are not meant, and that is true of the nodes' own interfaces, which have no namespace",
	"hint": concat("\n", [
		"Ask for a namespace first, so that only pods are selected, and give hosts a policy of their own:",
		sprintf("namespaceSelector: has(projectcalico.org/name) && %s", [term(policy.namespaceSelector)]),
	]),
} if {
	policy.namespaceSelector != ""
}

# METADATA
# description: A selector as one side of a conjunction.
term(text) := text if not contains(text, "||")

term(text) := sprintf("(%s)", [text]) if contains(text, "||")

findings contains finding if {
	some policy in governing
	contains(policy.object.name, ".")
	prefix := split(policy.object.name, ".")[0]
	prefix in tier_names
	prefix != policy.tier
	finding := {
		"subject": {"object": policy.object, "pointer": "/spec/tier"},
		"message": sprintf("the name of %s says tier %s, and spec.tier says %s", [lib.title(policy.object), prefix, policy.tier]),
		"why": "Calico evaluates the policy in spec.tier; whoever goes by the name expects it elsewhere in the order",
		"hint": sprintf("Rename the policy to %s.%s, or correct spec.tier.", [policy.tier, substring(policy.object.name, count(prefix) + 1, -1)]),
		"evidence": {"tier": policy.tier},
	}
}

# Tiers.
findings contains finding if {
	some tier in input.tiers
	tier.object.name != ""
	not tier.orderGiven
	tier.defined
	tier.policies > 0
	finding := {
		"subject": {"object": tier.object, "pointer": "/spec"},
		"message": sprintf("tier %s has policies and no order", [tier.name]),
		"why": "a tier without an order comes after all others, so that tier default decides first",
		"hint": "Write spec.order, below 1000000 to come before tier default.",
		"evidence": {"tier": tier.name},
	}
}

findings contains finding if {
	some order in {tier.order | some tier in ordered_tiers}
	tied := [tier | some tier in ordered_tiers; tier.order == order]
	count(tied) > 1
	written := [{"object": tier.object, "pointer": "/spec/order"} | some tier in tied; tier.object.name != ""]
	finding := {
		"subject": lib.first(written),
		"message": sprintf("tiers %s have the same order %v", [lib.names([tier.name | some tier in tied]), order]),
		"why": "which of them comes first hangs on their names",
		"hint": "Give each tier an order of its own.",
		"related": lib.others(written, "has the same order"),
		"evidence": {"tier": lib.evidence([tier.name | some tier in tied])},
	}
}

findings contains finding if {
	some tier in input.tiers
	not tier.defined
	not tier.name in unread
	members := sort([policy.object | some policy in input.policies; policy.tier == tier.name])
	references := [{"object": member, "pointer": "/spec/tier"} | some member in members]
	finding := {
		"subject": lib.first(references),
		"message": sprintf("tier %s is used and not defined", [tier.name]),
		"why": "Calico refuses a policy whose tier does not exist, so that none of its rules takes effect",
		"hint": sprintf("Add a Tier named %s with an order and a defaultAction, or correct spec.tier.", [tier.name]),
		"related": lib.others(references, "is in the tier too"),
		"evidence": {"tier": tier.name},
	}
}

# Tiers of ClusterNetworkPolicies, which Calico makes itself where it reads them.
unread contains policy.tier if {
	some policy in input.policies
	not lib.calico(policy.object)
}

ordered_tiers := [tier | some tier in input.tiers; tier.defined; tier.orderGiven; tier.policies > 0]

tier_names := ({"default"} | {tier.name | some tier in input.tiers}) | {policy.tier | some policy in input.policies}

# METADATA
# description: Calico's policies that take effect; a staged one decides nothing.
governing := [policy |
	some policy in input.policies
	endswith(policy.object.group, lib.calico_group)
	policy.enforced
	true in {policy.ingress, policy.egress}
]

for_pods(policy) if count(policy.selects) > 0

for_pods(policy) if policy.selectsBare

# A tier of one policy has no order to speak of. Tier default always has company.
alone(name) if {
	name != "default"
	some tier in input.tiers
	tier.name == name
	tier.policies == 1
}

in_conflict contains conflict.first.object if some conflict in input.conflicts

in_conflict contains conflict.second.object if some conflict in input.conflicts
