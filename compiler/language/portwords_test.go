package language

import (
	"testing"

	"portcullis.dev/compiler/plan"
)

func TestPortsOfWaiversCoverWhatTheySay(t *testing.T) {
	t.Parallel()
	declared := []plan.NamedPort{{Name: "http", Ports: []plan.Port{{Protocol: plan.TCP, First: 8080, Last: 8080}}}}
	for _, c := range []struct {
		written, evidence string
		want              bool
	}{
		{"8080", "8080", true},
		{"8080", "8081", false},
		{"8080", "8080/udp", false},
		{"53/udp", "53/udp", true},
		{"8000-8100", "8080", true},
		{"8000-8100", "8000-8100", true},
		{"8080", "8000-8100", false},
		{"http", "8080", true},
		{"http", "8080-8081", false},
		{"http", "http", true},
		{"admin", "8080", false},
		{"admin", "http", false},
		{"any", "any", true},
		{"any", "8080", true},
		{"8080", "any", false},
		{"1-65535", "any", false},
		{"icmp", "icmp", true},
		{"icmp", "8080", false},
		{"8080", "other protocols", false},
		{"any", "other protocols", false},
		{"any", "", false},
	} {
		var p PortRef
		if m := p.parse(c.written, "!!str"); m != nil {
			t.Fatal(m.message)
		}
		if got := p.Covers(c.evidence, declared); got != c.want {
			t.Errorf("%q covers %q: %v", c.written, c.evidence, got)
		}
	}
}
