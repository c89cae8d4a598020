package portcullis.checks.default_deny_test

import data.portcullis.checks.default_deny
import data.portcullis.fixture

found(document) := all if {
	all := default_deny.findings with input as document
}

only(document) := finding if {
	all := found(document)
	count(all) == 1
	some finding in all
}

deny(changes) := fixture.policy("default-deny", object.union({"selects": ["shop/a", "shop/b"]}, changes))

test_a_complete_default_deny_is_silent if {
	count(found(fixture.namespace([fixture.endpoint("shop/a", {}), fixture.endpoint("shop/*", {})], [deny({})]))) == 0
}

test_ungoverned_namespaces_are_not_judged if {
	document := object.union(fixture.namespace([fixture.endpoint("shop/a", {"ingress": fixture.open})], []), {"namespace": {"governed": false}})
	count(found(document)) == 0
}

test_no_policy_at_all if {
	finding := only(fixture.namespace([fixture.endpoint("shop/a", {"ingress": fixture.open, "egress": fixture.open})], []))
	finding.subject == {}
	finding.message == "namespace shop has no default deny"
	finding.why == "ingress and egress are open for shop/a"
	contains(finding.hint, "namespace: shop\n")
	finding.evidence == {"namespace": "shop"}
}

test_a_namespace_of_which_nothing_is_known if {
	only(fixture.namespace([], [])).why == "no pod of it is known"
}

test_labels_that_some_pods_lack if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {}), fixture.endpoint("shop/*", {"ingress": fixture.open, "egress": fixture.open})],
		[deny({"selects": ["shop/a"]})],
	))
	finding.subject == {"object": fixture.policy_id("default-deny"), "pointer": "/spec/podSelector"}
	finding.message == "namespace shop has no complete default deny: ingress and egress are open for shop/*"
	contains(finding.why, "selects 1 of 2")
}

test_one_direction_only if {
	finding := only(fixture.namespace([fixture.endpoint("shop/a", {"egress": fixture.open})], [deny({"egress": false})]))
	finding.subject.pointer == "/spec/policyTypes"
	contains(finding.message, "egress is open for shop/a")
	contains(finding.why, "isolates ingress alone: its types say no more than ingress")
}

test_a_cluster_wide_policy_without_types if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	finding := only(fixture.namespace([fixture.endpoint("shop/a", {"ingress": half, "egress": fixture.open})], []))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/types"}
}

test_a_policy_of_the_namespace_without_types if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {"egress": fixture.open})],
		[deny({"egress": false, "typesGiven": false})],
	))
	contains(finding.why, "it has no types")
}

test_a_cluster_wide_policy_that_goes_by_labels if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	finding := only(fixture.namespace(
		[
			fixture.endpoint("shop/a", {"ingress": half, "egress": half}),
			fixture.endpoint("shop/b", {"ingress": fixture.open, "egress": half}),
		],
		[],
	))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/types"}
	contains(finding.message, "ingress is open for shop/b")
}

test_labels_of_a_cluster_wide_policy if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	finding := only(fixture.namespace(
		[
			fixture.endpoint("shop/a", {"ingress": half, "egress": half}),
			fixture.endpoint("shop/b", {"ingress": fixture.open, "egress": fixture.open}),
		],
		[],
	))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/selector"}
}

test_rules_under_a_type_that_is_not_declared if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {"ingress": fixture.open})],
		[deny({"ingress": false, "ingressRules": 1})],
	))
	finding.subject.pointer == "/spec/policyTypes"
	contains(finding.why, "ingress rules")
	contains(finding.why, "ignored")
}

test_a_staged_default_deny if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {"ingress": fixture.open, "egress": fixture.open})],
		[deny({"enforced": false})],
	))
	finding.subject == {"object": fixture.policy_id("default-deny"), "pointer": ""}
	contains(finding.why, "staged")
}

test_a_tier_that_passes_to_nothing if {
	passed := {"isolated": false, "policies": [fixture.global_reference("guard", "/spec/ingress/0")], "isolatedBy": []}
	finding := only(fixture.namespace([fixture.endpoint("shop/a", {"ingress": passed, "egress": passed})], []))
	finding.subject == fixture.global_reference("guard", "/spec/ingress/0")
	contains(finding.why, "nothing below it drops")
}

test_an_allow_is_no_default_deny if {
	finding := only(fixture.namespace(
		[
			fixture.endpoint("shop/a", {"ingress": fixture.isolated("allow"), "egress": fixture.open}),
			fixture.endpoint("shop/b", {"ingress": fixture.open, "egress": fixture.open}),
		],
		[fixture.policy("allow", {"ingressRules": 1, "egress": false, "selects": ["shop/a"]})],
	))
	finding.subject == {}
	finding.why == "ingress is open for shop/b; egress is open for shop/a, shop/b"
}

test_a_cluster_wide_deny_with_holes if {
	policy := fixture.global_policy("deny", {"selects": ["kube-system/dns", "shop/a"]})
	finding := only(fixture.cluster({"policies": [policy]}))
	finding.severity == "warning"
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/selector"}
	count(found(fixture.cluster({"policies": [object.union(policy, {"selectsBare": true})]}))) == 0
	count(found(fixture.cluster({"policies": [object.union(policy, {"selects": ["shop/a", "shop/b"]})]}))) == 0
}

test_what_hangs_on_labels_that_nobody_wrote_down_is_a_warning if {
	perhaps := object.union(fixture.open, {"perhaps": true})
	all := default_deny.findings with input as fixture.namespace([fixture.endpoint("shop/a", {"ingress": perhaps})], [])
	count(all) == 1
	some finding in all
	finding.severity == "warning"
	finding.message == "whether namespace shop has a default deny is not known: nothing is certain to isolate shop/a"
	startswith(finding.hint, "Add the manifest of the Namespace shop")
	others := default_deny.findings with input as fixture.namespace([fixture.endpoint("shop/a", {"ingress": perhaps, "egress": fixture.open})], [])
	some other in others
	other.severity == "error"
}
