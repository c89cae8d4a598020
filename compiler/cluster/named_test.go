package cluster

import (
	"net/netip"
	"testing"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/packet"
)

// TestPodsAreSomewhere names all of a family, or all that is private, in different ways.
func TestPodsAreSomewhere(t *testing.T) {
	t.Parallel()
	of := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	for name, n := range map[string]named{
		"nothing":                         {},
		"a build's line to everywhere":    {ours: of("0.0.0.0/0")},
		"both families":                   {ours: of("0.0.0.0/0", "::/0")},
		"private space":                   {ours: private},
		"all but a little":                {ours: of("0.0.0.0/1", "128.0.0.0/1", "fc00::/7")},
		"parts of each block by somebody": {others: of("10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/13", "172.24.0.0/13", "192.168.0.0/17", "192.168.128.0/17", "100.64.0.0/11", "100.96.0.0/11")},
	} {
		for _, f := range []packet.Family{packet.IPv4, packet.IPv6} {
			if spare := n.spare(); !plan.HasRoom(spare, f) {
				t.Errorf("%s is named, and pods have no address of %s but those of %s", name, f, spare)
			}
		}
	}
}
