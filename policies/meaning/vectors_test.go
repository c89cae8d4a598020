package meaning_test

import (
	"fmt"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/oracle"
)

// Every recorded verdict of Calico's is ours.
func TestVectors(t *testing.T) {
	t.Parallel()
	scenarios, err := oracle.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			m, _ := meaning.Of(s.Set, s.Cluster)
			for _, f := range s.Flows {
				packet, err := packetOf(m, f.Packet)
				if err != nil {
					t.Fatal(err)
				}
				v := m.Walk(packet)
				if got := v.Outcome().String(); got != string(f.Expect) {
					t.Errorf("%s: %s\nWalk says %s, Calico %s\negress:  %s\ningress: %s", f.Name, packet, got, f.Expect, v.Egress.By.Reason, v.Ingress.By.Reason)
				}
			}
		})
	}
}

// packetOf is the oracle's packet as one of the Meaning.
func packetOf(m *meaning.Meaning, p oracle.Packet) (meaning.Packet, error) {
	from, err := peerOf(m, p.From)
	if err != nil {
		return meaning.Packet{}, err
	}
	to, err := peerOf(m, p.To)
	return meaning.Packet{
		From: from, To: to, Protocol: meaning.Protocol(p.Protocol), SourcePort: uint16(p.SourcePort), Port: uint16(p.Port),
		Type: uint8(p.Type), Code: uint8(p.Code), Family: p.Family,
	}, err
}

func peerOf(m *meaning.Meaning, end oracle.End) (meaning.Peer, error) {
	if end.Name == "" {
		return meaning.Address(end.Address), nil
	}
	for _, e := range m.Endpoints {
		if e.Ref() == end.Name {
			return meaning.Peer{Endpoint: e, Addr: end.Address}, nil
		}
	}
	return meaning.Peer{}, fmt.Errorf("there is no endpoint %s", end.Name)
}
