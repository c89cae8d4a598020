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
