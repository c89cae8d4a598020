// Package packet is exact sets of what packets are: of traffic (protocols with their
// ports, or types and codes) and of addresses.
//
// Its invariant: every answer is exact over the whole of what there is, every port of
// every protocol and every address of both families; nothing is sampled. Sets do not
// change.
//
// It must not know what a policy is.
package packet

import (
	"net/netip"

	"go4.org/netipx"
)

// Family is an address family.
type Family int

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String names the address family: IPv4 or IPv6.
func (f Family) String() string {
	if f == IPv4 {
		return "IPv4"
	}
	return "IPv6"
}

// reserved are the blocks that are not public unicast, from IANA's special-purpose
// address registries (RFC 6890 and its updates).
var reserved = map[Family][]string{
	IPv4: {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"},
	IPv6: {"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"},
}

// allocated is what each family gives to unicast at all: of IPv6, only 2000::/3 is
// global.
var allocated = map[Family]string{IPv4: "0.0.0.0/0", IPv6: "2000::/3"}

var all = map[Family]*netipx.IPSet{IPv4: less("0.0.0.0/0", nil), IPv6: less("::/0", nil)}

var public = map[Family]*netipx.IPSet{IPv4: less(allocated[IPv4], reserved[IPv4]), IPv6: less(allocated[IPv6], reserved[IPv6])}

// less makes the set of a family's addresses, less some blocks.
func less(whole string, parts []string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddPrefix(netip.MustParsePrefix(whole))
	for _, text := range parts {
		b.RemovePrefix(netip.MustParsePrefix(text))
	}
	set, err := b.IPSet()
	if err != nil {
		panic(err) // the tables above are constant
	}
	return set
}

// Public gives the family's public unicast space: no private, shared, loopback, link-local,
// multicast, documentation or reserved addresses.
func Public(f Family) *netipx.IPSet { return public[f] }

// unrouted are the blocks of which no address is anybody's beyond a link: those of this network
// and this host, of a link, of groups, and those that IANA keeps (RFC 6890 and its updates).
var unrouted = map[Family][]string{
	IPv4: {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"},
	IPv6: {"::/127", "fe80::/10", "ff00::/8"},
}

var routable = map[Family]Addresses{IPv4: {less("0.0.0.0/0", unrouted[IPv4])}, IPv6: {less("::/0", unrouted[IPv6])}}

// Routable gives what a pod, or anybody, may have for an address: all of the family but what is
// somebody's on one link or host at most.
func Routable(f Family) Addresses { return routable[f] }

// All gives every address of the family.
func All(f Family) *netipx.IPSet { return all[f] }
