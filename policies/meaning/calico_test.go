package meaning_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/oracle"
)

var (
	flows  = flag.Int("flows", 100_000, "how many random flows Calico's own code judges, where there is any")
	record = flag.Bool("record", false, "write down what Calico's own code says")
)

// Calico's own code, from a module of its own (PORTCULLIS_CALICO names the program;
// ci/test builds it), says of random flows what Walk says. Where there is no such
// program, what it said of the first worlds stands in testdata/calico.txt.
//
// It is a release with one tier; for worlds with more its program writes the chain
// of tiers itself, so those are counted apart. Ties are left out: they depend on the
// release.
func TestWalkIsCalico(t *testing.T) {
	t.Parallel()
	for name, features := range map[string]oracle.Features{"one tier": {}, "tiers": {Tiers: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := os.Getenv("PORTCULLIS_CALICO")
			var judge calico = &recorded{file: "testdata/calico/" + strings.ReplaceAll(name, " ", "-") + ".txt"}
			n := recordedWorlds * packetsPerWorld
			if program != "" {
				live, err := start(t, program)
				if err != nil {
					t.Fatal(err)
				}
				if n = *flows; features.Tiers {
					n = *flows / 10
				}
				if judge = live; *record {
					judge, n = &recorder{live: live, file: "testdata/calico/" + strings.ReplaceAll(name, " ", "-") + ".txt"}, recordedWorlds*packetsPerWorld
				}
			}
			outcomes := map[string]int{}
			for i := range (n + packetsPerWorld - 1) / packetsPerWorld {
				compare(t, judge, *seed+uint64(i), features, outcomes)
			}
			if err := judge.done(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d flows from seed %d on: %v", outcomes["allow"]+outcomes["deny"], *seed, outcomes)
			for _, o := range []string{"allow", "deny"} {
				if 5*outcomes[o] < n {
					t.Errorf("%s is the outcome of %d flows in %d, expected a fifth at least", o, outcomes[o], n)
				}
			}
		})
	}
}

const recordedWorlds = 40

// compare asks Calico for the packets of one world, and reports the first difference.
func compare(t *testing.T, judge calico, seed uint64, f oracle.Features, outcomes map[string]int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	c, err := oracle.Random(r, 31, f)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	m, _ := meaning.Of(c.Set, c.Cluster)
	packets := oracle.Of(c.Set, c.Cluster).Packets(r, packetsPerWorld, false)
	verdicts, err := judge.ask(seed, c, packets)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	for i, p := range packets {
		packet, err := packetOf(m, p)
		if err != nil {
			t.Fatal(err)
		}
		got, want := m.Walk(packet), verdicts[i]
		if want.Egress == "deny" || want.Ingress == "deny" {
			outcomes["deny"]++
		} else {
			outcomes["allow"]++
		}
		if got.Egress.Outcome.String() != want.Egress || got.Ingress.Outcome.String() != want.Ingress {
			t.Fatalf("seed %d: %s (%+v)\negress:  Calico says %s (%s)\n         Walk says %s: %s\ningress: Calico says %s (%s)\n         Walk says %s: %s\n%s",
				seed, packet, p, want.Egress, want.EgressBy, got.Egress.Outcome, got.Egress.By.Reason,
				want.Ingress, want.IngressBy, got.Ingress.Outcome, got.Ingress.By.Reason, written(c.Set))
		}
	}
}

// calico is somebody who knows what Calico says.
type calico interface {
	ask(seed uint64, c oracle.Case, packets []oracle.Packet) ([]calicoVerdict, error)
	done() error
}

type calicoVerdict struct{ Egress, EgressBy, Ingress, IngressBy string }

// live is Calico's code, running.
type live struct {
	in      *json.Encoder
	out     *json.Decoder
	closing io.Closer
	wait    func() error
}

func start(t *testing.T, program string) (*live, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &live{json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out)), in, cmd.Wait}, cmd.Start()
}

func (l *live) ask(_ uint64, c oracle.Case, packets []oracle.Packet) ([]calicoVerdict, error) {
	type asked struct {
		From       netip.Addr `json:"from"`
		To         netip.Addr `json:"to"`
		Protocol   int        `json:"protocol"`
		SourcePort int        `json:"sourcePort"`
		Port       int        `json:"port"`
		Type       int        `json:"type"`
		Code       int        `json:"code"`
	}
	var request struct {
		Objects []json.RawMessage `json:"objects"`
		Packets []asked           `json:"packets"`
	}
	for _, o := range c.Set.All() {
		request.Objects = append(request.Objects, o.JSON)
	}
	for _, p := range packets {
		request.Packets = append(request.Packets, asked{p.From.Address, p.To.Address, p.Protocol, p.SourcePort, p.Port, p.Type, p.Code})
	}
	if err := l.in.Encode(request); err != nil {
		return nil, err
	}
	var answer struct {
		Error    string
		Verdicts []calicoVerdict
	}
	if err := l.out.Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	if len(answer.Verdicts) != len(packets) {
		return nil, fmt.Errorf("Calico answered %d packets of %d", len(answer.Verdicts), len(packets))
	}
	return answer.Verdicts, nil
}

func (l *live) done() error {
	return errors.Join(l.closing.Close(), l.wait())
}

// recorded is what Calico said: a line for each world with its seed and one letter
// for each packet.
type recorded struct{ file string }

// letters are the verdicts on both halves, egress first.
var letters = map[byte]calicoVerdict{
	'A': {Egress: "allow", Ingress: "allow"}, 'E': {Egress: "deny", Ingress: "allow"},
	'I': {Egress: "allow", Ingress: "deny"}, 'D': {Egress: "deny", Ingress: "deny"},
}

func (r *recorded) ask(seed uint64, _ oracle.Case, packets []oracle.Packet) ([]calicoVerdict, error) {
	data, err := os.ReadFile(r.file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		number, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number != fmt.Sprint(seed) || len(text) != len(packets) {
			continue
		}
		var verdicts []calicoVerdict
		for _, letter := range []byte(text) {
			verdicts = append(verdicts, letters[letter])
		}
		return verdicts, nil
	}
	return nil, fmt.Errorf("%s has no line for the world; PORTCULLIS_CALICO and -record write them", r.file)
}

func (r *recorded) done() error { return nil }

// recorder writes down what Calico says.
type recorder struct {
	*live
	file string
	text strings.Builder
}

func (r *recorder) ask(seed uint64, c oracle.Case, packets []oracle.Packet) ([]calicoVerdict, error) {
	verdicts, err := r.live.ask(seed, c, packets)
	fmt.Fprintf(&r.text, "%d ", seed)
	for _, v := range verdicts {
		for letter, means := range letters {
			if means.Egress == v.Egress && means.Ingress == v.Ingress {
				r.text.WriteByte(letter)
			}
		}
	}
	r.text.WriteByte('\n')
	return verdicts, err
}

func (r *recorder) done() error {
	return errors.Join(r.live.done(), os.WriteFile(r.file, []byte(r.text.String()), 0o644))
}
