package portcullis.checks.order_test

import data.portcullis.checks.order
import data.portcullis.fixture

found(changes) := all if {
	all := order.findings with input as fixture.cluster(changes)
}

only(changes) := finding if {
	all := found(changes)
	count(all) == 1
	some finding in all
}

pointing(changes) := {[finding.subject.object.name, finding.subject.pointer] | some finding in found(changes)}

guard := fixture.global_reference("guard", "/spec/ingress/0")

allow(name) := fixture.rule_reference(name, "/spec/ingress/0")

conflict(kind, first, second) := {"kind": kind, "first": first, "second": second, "endpoint": "shop/a", "packet": "TCP 80 from shop/b"}

test_a_deny_that_kills_many_allows_is_one_finding if {
	finding := only({"conflicts": [conflict("dead-allow", guard, allow("x")), conflict("dead-allow", guard, object.union(allow("y"), {}))]})
	finding.subject == guard
	finding.severity == "error"
	finding.message == "GlobalNetworkPolicy guard denies what NetworkPolicy shop/x, NetworkPolicy shop/y allows: TCP 80 from shop/b"
	count(finding.related) == 2
	finding.evidence.packet == "TCP 80 from shop/b"
}

test_packets_are_counted if {
	finding := only({"conflicts": [
		conflict("dead-allow", guard, allow("x")),
		object.union(conflict("dead-allow", guard, allow("x")), {"packet": "TCP 81 from shop/b"}),
	]})
	endswith(finding.why, "; 2 packets in all")
}

test_a_deny_that_is_beaten_is_the_culprit if {
	finding := only({"conflicts": [conflict("dead-deny", allow("x"), guard)]})
	finding.subject == guard
	finding.related[_].object.name == "x"
}

test_a_tie if {
	contains(only({"conflicts": [conflict("tie", guard, allow("x"))]}).message, "have equal orders and different verdicts")
}

test_the_end_of_a_tier if {
	contains(only({"conflicts": [conflict("tier-end", guard, allow("x"))]}).message, "ends in Deny before NetworkPolicy shop/x is reached")
}

test_pass_to_nothing_is_a_warning if {
	finding := only({"conflicts": [conflict("pass-to-nothing", guard, fixture.nothing)]})
	finding.severity == "warning"
	finding.message == "GlobalNetworkPolicy guard passes to nothing: TCP 80 from shop/b"
	count(finding.related) == 0
}

test_what_is_not_decided_is_no_pass if {
	undecided := object.union(conflict("undecided", guard, fixture.nothing), {"endpoint": "any pod", "packet": "any packet"})
	finding := only({"conflicts": [undecided]})
	finding.severity == "error"
	finding.message == "whether a rule of GlobalNetworkPolicy guard decides anything cannot be decided: any packet"
}

test_a_kind_of_conflict_that_is_not_known if {
	only({"conflicts": [conflict("sideways", guard, allow("x"))]}).severity == "error"
}

test_empty_rules_claim_a_precedence if {
	claim := fixture.global_policy("deny", {"order": 100, "orderGiven": true})
	pointing({"policies": [claim]}) == {["deny", "/spec/order"]}
	count(found({"policies": [object.union(claim, {"order": 2000})]})) == 0
	count(found({"policies": [object.union(claim, {"ingressRules": 1})]})) == 0
	count(found({"policies": [object.union(claim, {"enforced": false})]})) == 0
	count(found({"policies": [object.union(claim, {"tier": "security"})]})) == 0
	count(found({"policies": [object.union(claim, {"object": {"group": "networking.k8s.io"}})]})) == 0
	count(found({"policies": [object.union(claim, {"ingress": false, "egress": false})]})) == 0
}

test_the_order_of_the_kubernetes_policies if {
	at := fixture.global_policy("at", {"order": 1000, "orderGiven": true, "ingressRules": 1})
	finding := only({"policies": [at]})
	finding.severity == "warning"
	tied := only({"policies": [at], "conflicts": [conflict("tie", fixture.global_reference("at", "/spec"), allow("x"))]})
	tied.severity == "error"
}

test_denies_without_an_order if {
	last := fixture.global_policy("last", {"order": 0, "ingressRules": 1, "actions": ["Allow", "Deny"]})
	pointing({"policies": [last]}) == {["last", "/spec"]}
	beaten := only({"policies": [last], "conflicts": [conflict("dead-deny", allow("x"), fixture.global_reference("last", "/spec"))]})
	beaten.evidence.conflict == "dead-deny"
	own := object.union(last, {"tier": "security"})
	count(found({"policies": [own], "tiers": [fixture.tier("security", {})]})) == 0
	count(found({"policies": [own], "tiers": [fixture.tier("security", {"policies": 2})]})) == 1
}

test_pods_and_hosts_in_one_policy if {
	both := fixture.global_policy("both", {"ingressRules": 1, "selectsHosts": true, "closesHosts": true, "selects": ["shop/a"]})
	pointing({"policies": [both]}) == {["both", "/spec/selector"]}
	bare := object.union(both, {"selects": [], "selectsBare": true})
	pointing({"policies": [bare]}) == {["both", "/spec/selector"]}
	count(found({"policies": [object.union(both, {"selects": []})]})) == 0
	count(found({"policies": [object.union(both, {"closesHosts": false})]})) == 0
}

test_namespaces_that_are_only_excluded if {
	both := fixture.global_policy("both", {"ingressRules": 1, "closesHosts": true, "selectsBare": true, "namespaceSelector": "a != 'b'"})
	one := only({"policies": [both]})
	one.subject.pointer == "/spec/namespaceSelector"
	contains(one.hint, "\nnamespaceSelector: has(projectcalico.org/name) && a != 'b'")
	other := only({"policies": [object.union(both, {"namespaceSelector": "!has(a) || !has(b)"})]})
	contains(other.hint, "&& (!has(a) || !has(b))")
}

test_a_name_that_contradicts_its_tier if {
	misnamed := fixture.global_policy("security.deny", {"ingressRules": 1, "tier": "default"})
	tiers := [fixture.tier("security", {})]
	finding := only({"policies": [misnamed], "tiers": tiers})
	finding.subject.pointer == "/spec/tier"
	contains(finding.hint, "default.deny")
	count(found({"policies": [object.union(misnamed, {"tier": "security"})], "tiers": tiers})) == 0
	count(found({"policies": [misnamed]})) == 0
}

test_tiers_without_an_order if {
	late := fixture.tier("late", {"orderGiven": false})
	pointing({"tiers": [late]}) == {["late", "/spec"]}
	count(found({"tiers": [object.union(late, {"policies": 0})]})) == 0
	count(found({"tiers": [object.union(late, {"object": {"name": ""}})]})) == 0
}

test_tied_tiers_are_one_finding if {
	finding := only({"tiers": [fixture.tier("a", {}), fixture.tier("b", {}), fixture.tier("c", {"order": 7})]})
	finding.message == "tiers a, b have the same order 100"
	finding.subject.object.name == "a"
	[related.object.name | some related in finding.related] == ["b"]
}

test_built_in_tiers_that_tie_have_no_object if {
	built_in := fixture.tier("default", {"object": {"name": ""}})
	other := fixture.tier("adminnetworkpolicy", {"object": {"name": ""}})
	only({"tiers": [built_in, other]}).subject == {}
}

test_an_undefined_tier if {
	undefined := fixture.tier("ghost", {"defined": false})
	members := [fixture.global_policy(name, {"tier": "ghost", "ingressRules": 1}) | some name in ["y", "x"]]
	finding := only({"tiers": [undefined], "policies": members})
	finding.subject == {"object": fixture.global_id("x"), "pointer": "/spec/tier"}
	[related.object.name | some related in finding.related] == ["y"]
	only({"tiers": [undefined]}).subject == {}
}

test_a_tier_of_another_api_is_not_missing if {
	undefined := fixture.tier("kube-admin", {"defined": false})
	admin := object.union(fixture.global_policy("admin", {"tier": "kube-admin"}), {"object": {
		"group": "policy.networking.k8s.io",
		"kind": "ClusterNetworkPolicy",
		"name": "admin",
	}})
	count(found({"tiers": [undefined], "policies": [admin]})) == 0
}
