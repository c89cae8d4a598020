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
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"egress": fixture.open, "probes": denied})], []))) == 0
	count(found(fixture.namespace([fixture.endpoint("shop/a", {"dns": false, "probes": denied})], []))) == 0
	count(found(object.union(asking(denied), {"namespace": {"governed": false}}))) == 0
}

test_udp_only_is_one_finding_for_the_namespace if {
	finding := only(asking([fixture.probe("resolve", "UDP", "allow", "allow"), fixture.probe("resolve", "TCP", "deny", "allow")]))
	finding.message == "shop/a, shop/b cannot resolve names: egress lacks TCP 53 to resolve"
	finding.subject == fixture.rule_reference("dns", "/spec/egress/0")
	finding.severity == "error"
	finding.evidence.peer == "kube-system/*"
	finding.evidence.port == "53"
	contains(finding.hint, "kubernetes.io/metadata.name: kube-system")
	contains(finding.hint, "cidr: 169.254.20.10/32")
	contains(finding.hint, "cidr: fd00::a/128")
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
	denied := object.union(fixture.probe("resolve", "TCP", "deny", "allow"), {"egress": {"by": fixture.nothing}})
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
