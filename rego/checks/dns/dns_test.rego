package portcullis.checks.dns_test

import data.portcullis.checks.dns
import data.portcullis.fixture

found(document) := all if {
	all := dns.findings with input as document
}

only(document) := finding if {
	all := found(document)
	count(all) == 1
	some finding in all
}

asking(probes) := fixture.namespace([fixture.endpoint("shop/a", {"probes": probes}), fixture.endpoint("shop/b", {"probes": probes})], [])

serving(changes) := fixture.cluster({"endpoints": [object.union(fixture.endpoint("kube-system/dns", {"kind": "dns"}), changes)]})

test_clients_that_resolve_are_silent if {
	count(found(asking(fixture.resolving))) == 0
}

test_what_is_not_isolated_or_meant_to_be_without_is_silent if {
	denied := [fixture.probe("resolve", "UDP", "deny", "allow")]
	nowhere := [sending("resolve", "UDP", half("deny", "none", "", fixture.nothing))]
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"egress": fixture.open, "probes": nowhere})], []))) == 0
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"egress": fixture.open, "probes": denied})], []))) == 1
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"dns": false, "probes": denied})], []))) == 0
	count(found(object.union(asking(denied), {"namespace": {"governed": false}}))) == 0
}

refused := [fixture.probe("resolve", protocol, "deny", "allow") | some protocol in ["UDP", "TCP"]]

test_tcp_only_resolves_nothing if {
	finding := only(asking([fixture.probe("resolve", "UDP", "deny", "allow"), fixture.probe("resolve", "TCP", "allow", "allow")]))
	finding.severity == "error"
}

# The rule that forgets TCP is named, unless something stands in the way of TCP.
test_udp_alone_of_calico if {
	udp := sending("resolve", "UDP", half("allow", "none", "default", fixture.global_reference("dns", "/spec/egress/1")))
	tcp := sending("resolve", "TCP", half("deny", "tier-end", "default", fixture.global_reference("deny", "")))
	finding := only(asking([udp, tcp]))
	finding.subject == fixture.global_reference("dns", "/spec/egress/1")
	finding.hint == "Write the rule once more, with protocol: TCP."
	above := only(asking([udp, sending("resolve", "TCP", half("deny", "deny", "default", fixture.global_reference("feeds", "/spec/egress/0")))]))
	above.severity == "warning"
	above.subject == fixture.global_reference("feeds", "/spec/egress/0")
	startswith(above.hint, "Narrow what GlobalNetworkPolicy feeds denies")
}

# A pod that nobody has is no error where all others have what they need.
bare(others, selected) := object.union(
	fixture.namespace(array.concat([fixture.endpoint("shop/*", {"kind": "unlabelled", "probes": refused})], others), []),
	{"selected": selected},
)

spoken(probes) := fixture.endpoint("pods with app=a in shop", {"kind": "selected", "probes": probes})

test_dns_of_nobody if {
	only(bare([], [])).severity == "error"
	only(bare([fixture.endpoint("shop/a", {})], [])).severity == "info"
	only(bare([fixture.endpoint("shop/a", {"dns": false})], [])).severity == "error"
	only(bare([], [spoken(fixture.resolving)])).severity == "info"
	only(bare([fixture.endpoint("shop/a", {"probes": refused})], [])).severity == "error"
	{finding.severity | some finding in found(bare([fixture.endpoint("shop/a", {})], [spoken(refused)]))} == {"error", "warning"}
	{finding.severity | some finding in found(bare([fixture.endpoint("shop/a", {"probes": array.concat([fixture.resolving[0]], array.slice(refused, 1, 2))})], []))} == {"info", "warning"}
}

# Whoever speaks of pods may know more labels of theirs.
test_pods_that_nobody_describes if {
	finding := only(object.union(fixture.namespace([], []), {"selected": [spoken(refused)]}))
	finding.severity == "warning"
	finding.names == {"pods with app=a in shop"}
	startswith(finding.why, "nobody describes them")
}

test_names_are_resolved_elsewhere if {
	elsewhere := object.union(asking(refused), {"platform": {"dns": {"elsewhere": "openshift-dns/a=b:5353"}}})
	startswith(only(elsewhere).hint, "Where names are resolved by the pods for which a rule here is meant: --dns openshift-dns/a=b:5353")
}

unbounded(pointer) := [object.union(probe, {"egress": {"everything": true, "by": fixture.rule_reference("all", pointer)}}) |
	some purpose in ["anywhere", "look-alike"]
	some probe in [fixture.probe(purpose, "UDP", "allow", "allow")]
]

test_where_everything_is_open_port_53_is_the_least if {
	document := fixture.namespace(
		[fixture.endpoint("shop/a", {"probes": array.concat(fixture.resolving, unbounded("/spec/egress/0"))})],
		[],
	)
	finding := only(object.union(document, {"selected": [spoken(array.concat(fixture.resolving, unbounded("/spec/egress/1")))]}))
	finding.severity == "warning"
	finding.message == "egress of {names} is open to everything"
	finding.names == {"shop/a", "pods with app=a in shop"}
	finding.subject == fixture.rule_reference("all", "/spec/egress/0")
	[other.pointer | some other in finding.related] == ["/spec/egress/1"]
	not contains(finding.hint, "matchLabels")
}

test_udp_only_is_one_finding_for_the_namespace if {
	finding := only(asking([fixture.probe("resolve", "UDP", "allow", "allow"), fixture.probe("resolve", "TCP", "deny", "allow")]))
	finding.message == "{names} can resolve names over UDP alone: egress lacks TCP 53 to resolve"
	finding.names == {"shop/a", "shop/b"}
	finding.subject == fixture.rule_reference("dns", "/spec/egress/0")
	finding.severity == "warning"
	finding.evidence.peer == "kube-system/*"
	finding.evidence.port == "53"
	contains(finding.hint, "- {protocol: TCP, port: 53}")
}

test_neither_is_one_finding_for_the_namespace if {
	finding := only(asking(refused))
	finding.message == "{names} cannot resolve names: egress lacks TCP 53 to resolve, UDP 53 to resolve"
	finding.names == {"shop/a", "shop/b"}
	finding.severity == "error"
	contains(finding.hint, "kubernetes.io/metadata.name: kube-system")
	contains(finding.hint, "cidr: 169.254.20.10/32")
	contains(finding.hint, "cidr: \"fd00::a/128\"")
	contains(finding.hint, "cidr: 10.9.0.0/16")
}

test_the_cache_of_the_node_counts if {
	finding := only(asking(array.concat(fixture.resolving, [fixture.probe("node-local", "UDP", "unknown", "allow")])))
	contains(finding.message, "UDP 53 to node-local")
}

test_what_was_not_asked_is_not_shown if {
	finding := only(asking([fixture.probe("resolve", "UDP", "allow", "allow")]))
	contains(finding.message, "TCP 53 (resolve, not established)")
	finding.subject == fixture.policy_reference("default-deny")
}

test_a_verdict_that_no_object_gives if {
	denied := object.union(fixture.probe("resolve", "TCP", "deny", "allow"), {"egress": {"by": fixture.nothing, "cause": "none"}})
	endpoint := fixture.endpoint("shop/a", {
		"probes": [fixture.probe("resolve", "UDP", "allow", "allow"), denied],
		"egress": {"isolated": true, "policies": [], "isolatedBy": []},
	})
	only(fixture.namespace([endpoint], [])).subject == {}
}

test_what_is_not_known_to_pass_is_not_called_denied if {
	finding := only(asking([fixture.probe("resolve", "UDP", "allow", "allow"), fixture.probe("resolve", "TCP", "unknown", "allow")]))
	contains(finding.message, "TCP 53 to resolve (not known to pass)")
	finding.severity == "warning"
	contains(finding.hint, "--pod-cidrs")
}

test_what_is_not_known_hides_nothing_that_is_denied if {
	finding := only(asking([fixture.probe("resolve", "UDP", "deny", "allow"), fixture.probe("resolve", "TCP", "unknown", "allow")]))
	finding.severity == "error"
}

test_servers_of_which_nobody_knows_are_a_warning if {
	probes := [fixture.probe("upstream", protocol, "allow", "allow") | some protocol in ["UDP", "TCP"]]
	unknown := [fixture.probe("resolve", protocol, "allow", "unknown") | some protocol in ["UDP", "TCP"]]
	finding := only(serving({"ingress": fixture.isolated("guard"), "egress": fixture.open, "probes": array.concat(probes, unknown)}))
	finding.severity == "warning"
}

test_a_closed_server_is_not_reported_by_every_namespace if {
	count(found(asking([fixture.probe("resolve", protocol, "allow", "deny") | some protocol in ["UDP", "TCP"]]))) == 0
}

test_a_policy_that_cuts_the_servers_off_is_one_finding if {
	finding := only(serving({
		"ingress": fixture.isolated("guard"),
		"egress": fixture.isolated("guard"),
		"probes": [
			fixture.probe("resolve", "UDP", "allow", "deny"),
			fixture.probe("resolve", "TCP", "allow", "deny"),
			object.union(fixture.probe("upstream", "UDP", "deny", "allow"), {"egress": {"by": fixture.rule_reference("guard", "/spec")}}),
		],
	}))
	finding.subject == fixture.rule_reference("guard", "/spec")
	startswith(finding.message, "NetworkPolicy shop/guard isolates pods of kube-system and cuts the DNS pods off: they do not accept TCP 53 to resolve, UDP 53 to resolve; they do not reach ")
}

test_isolated_servers_of_which_nothing_else_is_known if {
	half := {"isolated": true, "policies": [], "isolatedBy": []}
	finding := only(serving({"ingress": half, "egress": fixture.open, "probes": []}))
	finding.subject == {}
	startswith(finding.message, "a policy isolates pods of kube-system and cuts the DNS pods off")
}

test_servers_that_serve_are_silent if {
	upstream := [fixture.probe("upstream", protocol, "allow", "allow") | some protocol in ["UDP", "TCP"]]
	count(found(serving({"probes": array.concat(fixture.resolving, upstream)}))) == 0
	count(found(serving({"ingress": fixture.open, "egress": fixture.open, "probes": []}))) == 0
}

test_one_rule_that_opens_too_much_is_one_warning if {
	wide := [fixture.probe(purpose, protocol, "allow", "allow") |
		some purpose in ["anywhere", "look-alike"]
		some protocol in ["UDP", "TCP"]
	]
	finding := only(asking(array.concat(fixture.resolving, wide)))
	finding.severity == "warning"
	finding.subject == fixture.rule_reference("dns", "/spec/egress/0")
	finding.message == "port 53 is open to the internet and pods of any namespace that wear the DNS pods' labels"
	finding.evidence.peer == "*/*, @internet"
}

test_what_is_open_without_isolation_is_no_rules_fault if {
	wide := [fixture.probe("anywhere", "UDP", "allow", "allow")]
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"egress": fixture.open, "probes": wide})], []))) == 0
}

mixed(probes) := fixture.namespace(
	[
		fixture.endpoint("shop/a", {"probes": probes}),
		fixture.endpoint("shop/b", {"egress": fixture.open, "probes": probes}),
		fixture.endpoint("shop/c", {"dns": false, "probes": probes}),
	],
	[],
)

# What was asked is looked at once for all pods that share it; each is told of by itself.
test_of_pods_with_the_same_answers_some_are_isolated if {
	nowhere := [sending("resolve", protocol, half("deny", "none", "", fixture.nothing)) | some protocol in ["UDP", "TCP"]]
	only(mixed(nowhere)).names == {"shop/a"}
	only(mixed(array.concat(fixture.resolving, unbounded("/spec/egress/0")))).names == {"shop/a", "shop/c"}
	count(found(mixed(array.concat(fixture.resolving, [fixture.probe("anywhere", "UDP", "allow", "allow")])))) == 1
}

half(verdict, cause, tier, by) := {"verdict": verdict, "cause": cause, "tier": tier, "by": by, "reason": ""}

sending(purpose, protocol, egress) := object.union(
	object.remove(fixture.probe(purpose, protocol, "allow", "allow"), ["egress"]),
	{"egress": egress},
)

wide_by(reference) := sending("look-alike", "UDP", half("allow", "none", "default", reference))

test_two_rules_of_one_policy_are_one_warning if {
	finding := only(asking(array.concat(fixture.resolving, [
		wide_by(fixture.global_reference("dns", "/spec/egress/1")),
		wide_by(fixture.global_reference("dns", "/spec/egress/0")),
	])))
	finding.subject == fixture.global_reference("dns", "/spec/egress/0")
	[other.pointer | some other in finding.related] == ["/spec/egress/1"]
	finding.message == "port 53 is open to pods of any namespace that wear the DNS pods' labels, for pods of {names}"
	finding.names == ["shop"]
	contains(finding.hint, "- action: Allow\n  protocol: UDP\n  destination:\n    namespaceSelector: kubernetes.io/metadata.name == \"kube-system\"\n    selector: k8s-app == \"kube-dns\"\n    ports: [53]")
	contains(finding.hint, "nets: [169.254.20.10/32]")
	not contains(finding.hint, "matchLabels")
}

denied_by(reference, cause, tier) := only(asking([
	sending("resolve", "UDP", half("deny", cause, tier, reference)),
	sending("resolve", "TCP", half("unknown", "deny", "default", fixture.global_reference("unknown", "/spec/egress/0"))),
]))

test_a_deny_is_no_missing_allow if {
	finding := denied_by(fixture.global_reference("feeds", "/spec/egress/0"), "deny", "security")
	finding.subject == fixture.global_reference("feeds", "/spec/egress/0")
	startswith(finding.hint, "Narrow what GlobalNetworkPolicy feeds denies")
	contains(finding.hint, "- action: Pass")
	contains(denied_by(fixture.global_reference("feeds", "/spec/egress/0"), "deny", "default").hint, "- action: Allow")
	admin := {"object": {"group": "policy.networking.k8s.io", "kind": "ClusterNetworkPolicy", "name": "admin"}, "pointer": "/spec/egress/0"}
	not contains(denied_by(admin, "deny", "admin").hint, "action:")
	startswith(denied_by(admin, "tier-end", "admin").hint, "Let the packets through in tier admin")
}

test_the_end_of_a_tier_above_is_no_missing_allow if {
	finding := denied_by(fixture.global_reference("feeds", ""), "tier-end", "security")
	contains(finding.why, "tier security")
	contains(finding.hint, "defaultAction of tier security")
	contains(finding.hint, "- action: Allow")
}

test_labels_that_YAML_takes_for_something_else if {
	asked := asking([fixture.probe("resolve", "UDP", "allow", "allow")])
	strange := object.union(asked, {"platform": {"dns": {"labels": {"k8s-app": "yes"}}}})
	contains(only(strange).hint, "k8s-app: \"yes\"")
}
