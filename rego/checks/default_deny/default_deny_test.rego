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

open_both := {"ingress": fixture.open, "egress": fixture.open}

bare(changes) := fixture.endpoint("shop/*", object.union({"kind": "unlabelled"}, changes))

test_ungoverned_namespaces_are_not_judged if {
	document := object.union(fixture.namespace([fixture.endpoint("shop/a", {"ingress": fixture.open})], []), {"namespace": {"governed": false}})
	count(found(document)) == 0
}

test_no_policy_at_all if {
	finding := only(fixture.namespace([fixture.endpoint("shop/a", {"ingress": fixture.open, "egress": fixture.open})], []))
	finding.subject == {}
	finding.message == "no default deny in namespace {names}: ingress and egress are open for every pod"
	finding.names == ["shop"]
	contains(finding.paste, "name: default-deny\n  namespace: {names}\n")
	finding.evidence == {"namespace": "shop", "open": "egress, ingress"}
}

test_a_namespace_of_which_nothing_is_known if {
	only(fixture.namespace([], [])).message == "no default deny in namespace {names}: no pod of it is known"
}

test_labels_that_some_pods_lack if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {}), fixture.endpoint("shop/*", {"ingress": fixture.open, "egress": fixture.open})],
		[deny({"selects": ["shop/a"]})],
	))
	finding.subject == {"object": fixture.policy_id("default-deny"), "pointer": "/spec/podSelector"}
	finding.message == "no complete default deny in namespace {names}: ingress and egress are open for shop/*"
	contains(finding.why, "selects 1 of 2")
	finding.evidence.open == "egress of shop/*, ingress of shop/*"
}

test_one_direction_only if {
	finding := only(fixture.namespace([bare({"egress": fixture.open})], [deny({"egress": false})]))
	finding.subject.pointer == "/spec/policyTypes"
	contains(finding.message, "egress is open for every pod")
	contains(finding.why, "isolates ingress alone: its types say no more than ingress")
}

test_a_cluster_wide_policy_without_types if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	finding := only(fixture.namespace([bare({"ingress": half, "egress": fixture.open})], []))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/types"}
}

test_a_policy_of_the_namespace_without_types if {
	finding := only(fixture.namespace(
		[bare({"egress": fixture.open})],
		[deny({"egress": false, "typesGiven": false})],
	))
	contains(finding.why, "it has no types")
}

test_a_cluster_wide_policy_that_goes_by_labels if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	finding := only(fixture.namespace(
		[
			fixture.endpoint("shop/a", {"ingress": half, "egress": half}),
			bare({"ingress": fixture.open, "egress": half}),
		],
		[],
	))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/types"}
	contains(finding.message, "ingress is open for shop/*")
}

test_labels_of_a_cluster_wide_policy if {
	half := {"isolated": true, "policies": [], "isolatedBy": [fixture.global_reference("deny", "/spec")]}
	closed := fixture.endpoint("shop/a", {"ingress": half, "egress": half})
	finding := only(fixture.namespace([closed, object.union(closed, {"name": "shop/b"}), bare(open_both)], []))
	finding.subject == {"object": fixture.global_id("deny"), "pointer": "/spec/selector"}
	only(fixture.namespace([closed, bare(open_both)], [])).subject == {}
}

test_rules_under_a_type_that_is_not_declared if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {"ingress": fixture.open})],
		[deny({"ingress": false, "ingressRules": 1, "selectsBare": true})],
	))
	finding.subject.pointer == "/spec/policyTypes"
	contains(finding.why, "ingress rules")
	contains(finding.why, "ignored")
}

test_a_staged_default_deny if {
	finding := only(fixture.namespace(
		[fixture.endpoint("shop/a", {"ingress": fixture.open, "egress": fixture.open})],
		[deny({"enforced": false, "selectsBare": true})],
	))
	finding.subject == {"object": fixture.policy_id("default-deny"), "pointer": ""}
	contains(finding.why, "staged")
}

test_a_tier_that_passes_to_nothing if {
	passed := handed_on_by(fixture.global_reference("guard.default-deny", "/spec/ingress/0"))
	finding := only(fixture.namespace([bare({"ingress": passed, "egress": passed})], []))
	finding.subject == fixture.global_reference("guard.default-deny", "/spec/ingress/0")
	contains(finding.why, "nothing below it drops")
}

handed_on_by(reference) := {"isolated": false, "policies": [reference], "isolatedBy": []}

test_what_hands_on_as_it_should_is_not_blamed if {
	admin := {"object": {"group": "policy.networking.k8s.io", "kind": "ClusterNetworkPolicy", "name": "deny-some"}, "pointer": "/spec"}
	every reference in [admin, fixture.global_reference("guard", "/spec")] {
		half := handed_on_by(reference)
		finding := only(fixture.namespace([bare({"ingress": half, "egress": half})], []))
		finding.subject == {}
		startswith(finding.message, "no default deny in namespace")
	}
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
	endswith(finding.message, "ingress is open for shop/b; egress is open for every pod")
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

test_a_workloads_own_policy_is_not_blamed if {
	half := fixture.isolated("web")
	own := fixture.policy("web", {"egress": false, "selects": ["shop/a"]})
	passes := {"isolated": false, "policies": [fixture.global_reference("web", "/spec/ingress/0")], "isolatedBy": []}
	every endpoint, policy in {
		fixture.endpoint("shop/a", {"ingress": {"isolated": true, "policies": [], "isolatedBy": []}, "egress": half}): own,
		fixture.endpoint("shop/a", {"ingress": half, "egress": fixture.open}): own,
		fixture.endpoint("shop/a", {"ingress": passes, "egress": passes}): own,
		fixture.endpoint("shop/a", open_both): object.union(own, {"enforced": false}),
		fixture.endpoint("shop/a", object.union(open_both, {"x": 1})): object.union(own, {"ingress": false, "ingressRules": 1}),
	} {
		only(fixture.namespace([endpoint, bare(open_both)], [policy])).subject == {}
	}
}

test_what_is_pasted_leaves_names_open_where_they_were if {
	freely := [object.union(
		object.remove(fixture.probe("resolve", protocol, "allow", "allow"), ["egress"]),
		{"egress": {"verdict": "allow", "cause": "none", "tier": "", "by": fixture.nothing, "reason": ""}},
	) |
		some protocol in ["UDP", "TCP"]
	]
	finding := only(fixture.namespace([bare(object.union(open_both, {"probes": freely}))], []))
	contains(finding.paste, "\n  policyTypes: [Ingress, Egress]\n  egress:\n  - to:\n")
	endswith(finding.paste, "\n    - {protocol: TCP, port: 53}")
	endswith(only(fixture.namespace([bare(open_both)], [])).paste, "policyTypes: [Ingress, Egress]")
	endswith(only(fixture.namespace([bare({"ingress": fixture.open, "probes": freely})], [])).paste, "policyTypes: [Ingress, Egress]")
}

test_what_is_pasted_has_a_name_of_its_own if {
	taken := [fixture.policy(name, {"egress": false, "ingress": false}) | some name in ["default-deny", "default-deny-all", "default-deny-2"]]
	contains(only(fixture.namespace([bare(open_both)], taken)).paste, "name: default-deny-3\n")
}

test_a_name_that_YAML_takes_for_something_else if {
	strange := object.union(fixture.namespace([bare(open_both)], []), {"namespace": {"name": "yes"}})
	contains(only(strange).paste, "namespace: \"yes\"\n")
}
