package relation_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

const page = "../../docs/how-verdicts-are-computed.md"

// blocks are the blocks of a page in one language, in order.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, rest := range strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "```"+language+"\n")[1:] {
		block, _, closed := strings.Cut(rest, "```\n")
		if !closed {
			t.Fatalf("%s: a block of %s does not end", page, language)
		}
		all = append(all, block)
	}
	return all
}

// TestPageTellsWhatHappens carries the example of the page from its policies to the
// verdicts, and finds the page's own words.
func TestPageTellsWhatHappens(t *testing.T) {
	t.Parallel()
	written := blocks(t, "yaml")
	if len(written) != 3 {
		t.Fatalf("%s has %d blocks of YAML: expected pods, what is meant and what is added", page, len(written))
	}
	of := func(manifests ...string) *meaning.Meaning {
		objects, found := object.Decode("page.yaml", []byte(strings.Join(manifests, "---\n")))
		if found.Failed() {
			t.Fatal(found.Err())
		}
		set, found := object.NewSet(objects)
		if found.Failed() {
			t.Fatal(found.Err())
		}
		cluster := object.DefaultCluster()
		cluster.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		m, found := meaning.Of(set, cluster)
		if found.Failed() {
			t.Fatal(found.Err())
		}
		return m
	}
	meant, rendered := of(written[0], written[1]), of(written...)
	var said strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }

	described := map[string][]*meaning.Endpoint{}
	pods := map[string]*meaning.Endpoint{}
	for _, e := range meant.Endpoints {
		described[e.Namespace] = append(described[e.Namespace], e)
		pods[e.Ref()] = e
	}
	verdicts := func(p meaning.Packet) {
		say("%s: meant %s, rendered %s", p, meant.WalkHalf(p, meaning.Ingress).Outcome, rendered.WalkHalf(p, meaning.Ingress).Outcome)
	}
	for _, from := range []string{"ops/web", "shop/debugger"} {
		for _, port := range []uint16{8080, 5005} {
			verdicts(meaning.Packet{From: meaning.Pod(pods[from]), To: meaning.Pod(pods["shop/api"]), Protocol: packet.TCP, Port: port, SourcePort: 40000, Family: 4})
		}
	}
	inside := packet.AddressesOf(netip.MustParsePrefix("10.244.0.0/16"))
	u := relation.NewUniverse([]relation.Namespace{{Name: "shop"}, {Name: "ops", Labels: map[string]string{"team": "ops"}}}, inside, inside.Complement())
	search := &relation.Search{Universe: u, Described: described}
	search.Compare(relation.Comparison{
		Direction: meaning.Ingress, Allowing: u.Of(rendered, meaning.Ingress), Denying: u.Of(meant, meaning.Ingress), Patterns: relation.Allows,
	}, nil, func(x relation.Difference, err error) bool {
		if err != nil {
			t.Fatal(err)
		}
		say("opened by %s at %s:", x.Rule.Policy.ID, x.Rule.Of.Pointer)
		say("  %s from %s to %s", x.Witness.Leaf.Traffic(), x.Witness.Leaf.Words(relation.Peer, x.Witness.Peer().Endpoint.Namespace), x.Witness.Own().Endpoint.Ref())
		verdicts(x.Witness.Packet)
		return false
	})
	say("%d cubes for the hardest question, %d for all", search.Hardest, search.Steps)

	if output := blocks(t, "text"); len(output) != 1 || output[0] != said.String() {
		t.Errorf("%s quotes something else (-what happens +the page):\n%s", page, cmp.Diff(strings.Split(said.String(), "\n"), strings.Split(strings.Join(output, "\n"), "\n")))
	}
}
