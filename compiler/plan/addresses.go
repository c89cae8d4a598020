package plan

import (
	"net/netip"

	"portcullis.dev/policies/packet"
)

// Ranges are the addresses of blocks as the fewest plain prefixes, in order.
func Ranges(blocks []Block) []netip.Prefix {
	var all []netip.Prefix
	for _, b := range blocks {
		all = append(all, packet.Subtract([]netip.Prefix{b.CIDR}, b.Except)...)
	}
	return packet.Merge(all)
}
