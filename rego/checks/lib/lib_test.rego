package portcullis.lib_test

import data.portcullis.fixture
import data.portcullis.lib

test_short_lists_are_written_out if lib.names({"b", "a"}) == "a, b"

test_long_lists_are_cut_and_counted if lib.names({"a", "b", "c", "d", "e", "f", "g"}) == "a, b, c, d, e and 2 more"

test_titles if {
	lib.title(fixture.policy_id("x")) == "NetworkPolicy shop/x"
	lib.title(fixture.global_id("x")) == "GlobalNetworkPolicy x"
}

test_first_and_others if {
	references := [fixture.policy_reference("x"), fixture.policy_reference("y")]
	lib.first(references) == references[0]
	lib.first([]) == {}
	lib.others(references, "too") == [object.union(references[1], {"message": "too"})]
}

test_kinds_of_calico if {
	lib.calico(fixture.global_id("x"))
	not lib.calico(fixture.policy_id("x"))
	not lib.calico({"kind": "Service", "name": "x"})
}

test_ports_are_spelt_as_intents_spell_them if {
	lib.ports("TCP", "80,8000-8100") == {"80", "8000-8100"}
	lib.ports("TCP", "any") == {"1-65535"}
	lib.ports("UDP", "53") == {"53/udp"}
	lib.ports("SCTP", "any") == {"1-65535/sctp"}
	lib.ports("ICMPv6", "8") == {"icmp"}
	lib.ports("any", "any") == {"any"}
	lib.ports("other protocols", "any") == {"other protocols"}
}

test_evidence_is_in_order if lib.evidence({"b", "a"}) == "a, b"
