package oracle

import "testing"

// Every recorded verdict of Calico's is the oracle's.
func TestVectors(t *testing.T) {
	t.Parallel()
	scenarios, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	flows := 0
	for _, s := range scenarios {
		flows += len(s.Flows)
		w := Of(s.Set, s.Cluster)
		for _, f := range s.Flows {
			if v := w.Judge(f.Packet); v.Outcome() != f.Expect {
				t.Errorf("%s, %s: got %s, Calico says %s\negress:  %s\ningress: %s", s.ID, f.Name, v.Outcome(), f.Expect, v.Egress.By, v.Ingress.By)
			}
		}
	}
	if len(scenarios) != 67 || flows != 172 {
		t.Errorf("read %d scenarios with %d flows, expected 67 with 172", len(scenarios), flows)
	}
}
