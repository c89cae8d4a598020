package oracle

import (
	"bytes"
	_ "embed" // the recorded verdicts
	"fmt"
	"net/netip"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"sigs.k8s.io/yaml"

	"portcullis.dev/policies/object"
)

var (
	//go:embed testdata/vectors/base.yaml
	baseText []byte
	//go:embed testdata/vectors/scenarios.txt
	scenarioText []byte
	//go:embed testdata/vectors/validation.txt
	validationText []byte
)

// Scenario is a set of objects and what Calico, executed, did with some flows.
type Scenario struct {
	ID      string
	Set     object.Set
	Cluster object.Cluster
	Flows   []Flow
}

// Flow is a packet and its recorded outcome.
type Flow struct {
	Name   string
	Packet Packet
	Expect Outcome
}

// Scenarios reads the recorded verdicts in testdata/vectors, which see. Ties are Calico 3.32's.
func Scenarios() ([]Scenario, error) {
	var all []Scenario
	for _, text := range strings.Split("\n"+text(scenarioText), "\n=== ")[1:] {
		title, body, _ := strings.Cut(text, "\n")
		id, _, _ := strings.Cut(title, " ")
		s, err := scenario(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		s.ID = id
		all = append(all, s)
	}
	return all, nil
}

// ValidationMatrix reads the objects of the recorded validation matrix, each as a manifest.
func ValidationMatrix() [][]byte {
	_, body, _ := strings.Cut(text(validationText), "\n")
	var all [][]byte
	for doc := range strings.SplitSeq(body, "---\n") {
		all = append(all, []byte(doc))
	}
	return all
}

// text gives the text of an embedded file of vectors, whichever line ends a checkout gave it.
func text(data []byte) string { return string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) }

// scenario reads one recorded scenario: its objects and its flows.
func scenario(body string) (Scenario, error) {
	s := Scenario{Cluster: object.DefaultCluster()}
	s.Cluster.CalicoMinor = 32
	var objects []object.Object
	for doc := range strings.SplitSeq(body, "---\n") {
		switch {
		case strings.TrimSpace(doc) == "@base":
			decoded, found := object.Decode("base.yaml", []byte(text(baseText)))
			if len(found) > 0 {
				return s, found.Err()
			}
			objects = append(objects, decoded...)
		case strings.Contains(doc, "kind: Flows"):
			var err error
			if s.Flows, err = flows(doc); err != nil {
				return s, err
			}
		default: // what is wrong with these is part of the record
			decoded, _ := object.Decode("scenario.yaml", []byte(doc))
			if strings.Contains(doc, "#nodefault") {
				for _, o := range decoded {
					asStored(o)
				}
			}
			objects = append(objects, decoded...)
		}
	}
	set, found := object.NewSet(objects)
	s.Set = set
	return s, found.Err()
}

// asStored writes out what Calico takes a policy of a recorded scenario without types for that
// reached the store by no API: both directions.
func asStored(o object.Object) {
	if p, ok := o.Typed.(*calico.GlobalNetworkPolicy); ok && len(p.Spec.Types) == 0 {
		p.Spec.Types = []calico.PolicyType{calico.PolicyTypeIngress, calico.PolicyTypeEgress}
	}
}

// flows reads the flows of a recorded scenario, with the outcome that Calico gave each.
func flows(doc string) ([]Flow, error) {
	var written struct {
		Flows []struct {
			Name, Src, Dst string
			Dport, Proto   int
			Expect         Outcome
		}
	}
	if err := yaml.Unmarshal([]byte(doc), &written); err != nil {
		return nil, err
	}
	var all []Flow
	for _, f := range written.Flows {
		p := Packet{From: end(f.Src), To: end(f.Dst), Protocol: TCP, SourcePort: 40000, Port: f.Dport}
		if f.Proto != 0 {
			p.Protocol = f.Proto
		}
		all = append(all, Flow{Name: f.Name, Packet: p, Expect: f.Expect})
	}
	return all, nil
}

// end reads an end of a recorded flow: an address, or a pod's name.
func end(name string) End {
	if a, err := netip.ParseAddr(name); err == nil {
		return End{Address: a}
	}
	return End{Name: name}
}
