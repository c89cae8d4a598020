// Command calico judges packets with Calico's own code: it reads worlds from its
// standard input, one JSON value each, and answers what becomes of their packets.
// The module of its own keeps the versions that this code needs out of the product,
// whose newer API types it does not compile with; so the two talk over a pipe.
//
// The code is that of Calico 3.28: its conversions, validators, update processors,
// calculation graph and filter of rules by address family. It knows one tier. For
// worlds with more, there is one calculation graph for each tier, and the chain from
// tier to tier is written here: what is judged then is each tier, not the chain.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/sirupsen/logrus"
)

// world is a request: objects as JSON manifests, and packets.
type world struct {
	Objects []json.RawMessage `json:"objects"`
	Packets []packet          `json:"packets"`
}

type packet struct {
	From       netip.Addr `json:"from"`
	To         netip.Addr `json:"to"`
	Protocol   int        `json:"protocol"`
	SourcePort int        `json:"sourcePort"`
	Port       int        `json:"port"`
	Type       int        `json:"type"`
	Code       int        `json:"code"`
}

// answer is one verdict for each packet, or why there is none.
type answer struct {
	Error    string    `json:"error,omitempty"`
	Verdicts []verdict `json:"verdicts"`
}

// verdict is the outcome of each half, allow or deny, and what decided it.
type verdict struct {
	Egress    string `json:"egress"`
	EgressBy  string `json:"egressBy"`
	Ingress   string `json:"ingress"`
	IngressBy string `json:"ingressBy"`
}

// main runs the program that judges worlds by Calico's own code, from standard input to standard
// output.
func main() {
	logrus.SetLevel(logrus.FatalLevel)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "calico:", err)
		os.Exit(1)
	}
}

// serve answers, as the main loop of the program around Calico's code, each world that comes in:
// one JSON value each.
func serve(in io.Reader, out io.Writer) error {
	requests, buffered := json.NewDecoder(bufio.NewReader(in)), bufio.NewWriter(out)
	answers := json.NewEncoder(buffered)
	for {
		var w world
		if err := requests.Decode(&w); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(judge(w)); err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
}

// judge asks Calico's code for the program's answer to one world: a verdict on both halves of
// every packet, or why there is none.
func judge(w world) answer {
	c := newCluster()
	for _, raw := range w.Objects {
		if err := c.add(raw); err != nil {
			return answer{Error: fmt.Sprintf("%v\n%s", err, raw)}
		}
	}
	if err := c.start(); err != nil {
		return answer{Error: err.Error()}
	}
	a := answer{Verdicts: []verdict{}}
	for _, p := range w.Packets {
		var v verdict
		v.Egress, v.EgressBy = c.half(p, p.From, false)
		v.Ingress, v.IngressBy = c.half(p, p.To, true)
		a.Verdicts = append(a.Verdicts, v)
	}
	return a
}
