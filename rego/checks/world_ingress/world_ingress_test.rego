package portcullis.checks.world_ingress_test

import data.portcullis.checks.world_ingress
import data.portcullis.fixture

found(document) := all if {
	all := world_ingress.findings with input as document
}

world(family, share, rules) := {"family": family, "protocol": "TCP", "ports": "443", "share": share, "rules": rules}

halves := [fixture.rule_reference("low", "/spec/ingress/0"), fixture.rule_reference("high", "/spec/ingress/0")]

document(entries) := fixture.namespace([fixture.endpoint(name, {"world": entries}) | some name in ["shop/a", "shop/b"]], [])

test_a_quarter_is_not_the_world if {
	count(found(document([world("IPv4", 0.25, halves)]))) == 0
}

test_two_halves_are_the_world_and_one_finding if {
	all := found(document([world("IPv4", 0.996, halves), world("IPv6", 1, halves)]))
	count(all) == 1
	some finding in all
	finding.subject == halves[0]
	[other | some other in finding.related] == [object.union(halves[1], {"message": "opens a part of it too"})]
	finding.message == "ingress of {names} is open for TCP 443 to 100% of the public IPv4 and IPv6 addresses, expected at most 25%"
	finding.names == {"shop/a", "shop/b"}
	finding.evidence.port == "443"
	finding.evidence.peer == "@internet"
}

test_rules_without_ports_or_protocol if {
	every protocol, words in {"any": "everything", "SCTP": "SCTP"} {
		portless := object.union(world("IPv4", 1, [halves[0]]), {"protocol": protocol, "ports": "any"})
		open := fixture.endpoint("shop/a", {"world": [portless]})
		messages := {finding.message | some finding in found(fixture.namespace([open], []))}
		messages == {sprintf("ingress of {names} is open for %s to 100%% of the public IPv4 addresses, expected at most 25%%", [words])}
	}
}

test_two_rules_are_two_findings if {
	count(found(document([world("IPv4", 1, [halves[0]]), world("IPv6", 1, [halves[1]])]))) == 2
}

test_a_share_that_no_rule_explains if {
	all := found(document([world("IPv4", 1, [])]))
	[{}] == [finding.subject | some finding in all]
}

test_endpoints_without_isolation_are_left_to_the_default_deny if {
	open := fixture.endpoint("shop/a", {"ingress": fixture.open, "world": [world("IPv4", 1, [])]})
	count(found(fixture.namespace([open], []))) == 0
}

test_system_namespaces_are_not_judged if {
	count(found(object.union(document([world("IPv4", 1, halves)]), {"namespace": {"system": true}}))) == 0
}

test_pods_that_a_policy_alone_speaks_of if {
	pods := fixture.endpoint("pods with app=web in shop", {"world": [world("IPv4", 1, [halves[0]])]})
	names := {finding.names | some finding in found(object.union(fixture.namespace([], []), {"selected": [pods]}))}
	names == {{"pods with app=web in shop"}}
}

test_a_rule_that_names_nobody_has_no_range_to_replace if {
	some finding in found(document([object.union(world("IPv4", 1, [halves[0]]), {"anybody": true})]))
	finding.why == "the rule names no peer, and so lets everybody in"
	contains(finding.hint, "API server")
	some other in found(document([world("IPv4", 1, [halves[0]])]))
	startswith(other.hint, "Replace the range")
}
