package meaning_test

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

type vectorFlow struct {
	Name     string `json:"name"`
	Src, Dst string
	Dport    uint16
	Proto    uint8
	Expect   string
}

// Every recorded verdict of Calico's is ours.
func TestVectors(t *testing.T) {
	t.Parallel()
	base := read(t, "base.yaml")
	scenarios := strings.Split("\n"+string(read(t, "scenarios.txt")), "\n=== ")[1:]
	flows := 0
	for _, text := range scenarios {
		title, body, _ := strings.Cut(text, "\n")
		id, _, _ := strings.Cut(title, " ")
		set, asked := scenario(t, title, body, base)
		flows += len(asked)
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			cluster := object.DefaultCluster()
			cluster.CalicoMinor = 32
			m, _ := meaning.Of(set, cluster)
			for _, f := range asked {
				packet := meaning.Packet{
					From: peer(t, m, f.Src), To: peer(t, m, f.Dst), Protocol: meaning.TCP, Port: f.Dport, SourcePort: 40000,
				}
				if f.Proto != 0 {
					packet.Protocol = meaning.Protocol(f.Proto)
				}
				v := m.Walk(packet)
				if got := v.Outcome().String(); got != f.Expect {
					t.Errorf("%s: %s\n got %s, Calico says %s\negress:  %s\ningress: %s", f.Name, packet, got, f.Expect, v.Egress.By.Reason, v.Ingress.By.Reason)
				}
			}
		})
	}
	if len(scenarios) != 65 || flows != 166 {
		t.Errorf("read %d scenarios with %d flows, expected 65 with 166", len(scenarios), flows)
	}
}

// scenario decodes the documents of one scenario and its flows.
func scenario(t *testing.T, title, body string, base []byte) (object.Set, []vectorFlow) {
	t.Helper()
	var objects []object.Object
	var flows []vectorFlow
	for doc := range strings.SplitSeq(body, "---\n") {
		switch {
		case strings.TrimSpace(doc) == "@base":
			decoded, found := object.Decode("base.yaml", base)
			if len(found) > 0 {
				t.Fatal(found.Err())
			}
			objects = append(objects, decoded...)
		case strings.Contains(doc, "kind: Flows"):
			var f struct{ Flows []vectorFlow }
			if err := yaml.Unmarshal([]byte(doc), &f); err != nil {
				t.Fatalf("%s: %v", title, err)
			}
			flows = f.Flows
		default:
			decoded, _ := object.Decode(title, []byte(doc))
			if strings.Contains(doc, "#nodefault") {
				for _, o := range decoded {
					asStored(o)
				}
			}
			objects = append(objects, decoded...)
		}
	}
	set, found := object.NewSet(objects)
	if len(found) > 0 {
		t.Fatalf("%s: %v", title, found.Err())
	}
	return set, flows
}

// asStored writes out what Calico takes a policy without types for that reached the
// store by no API: both directions.
func asStored(o object.Object) {
	if p, ok := o.Typed.(*calico.GlobalNetworkPolicy); ok && len(p.Spec.Types) == 0 {
		p.Spec.Types = []calico.PolicyType{calico.PolicyTypeIngress, calico.PolicyTypeEgress}
	}
}

func peer(t *testing.T, m *meaning.Meaning, name string) meaning.Peer {
	t.Helper()
	if a, err := netip.ParseAddr(name); err == nil {
		return meaning.Address(a)
	}
	for _, e := range m.Endpoints {
		if e.Ref() == name {
			return meaning.Pod(e)
		}
	}
	t.Fatalf("no endpoint %s", name)
	return meaning.Peer{}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}
