package language

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"portcullis.dev/policies/yamltext"
)

// CIDR is an address range in canonical form.
type CIDR struct{ netip.Prefix }

// parse reads an IP address or CIDR block that a document writes as text.
func (v *CIDR) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected an address or a CIDR, found " + tagged(word, tag)}
	}
	prefix, m := parseCIDR(word)
	*v = CIDR{prefix}
	return m
}

var leadingZero = regexp.MustCompile(`(^|\.)0[0-9]`)

// parseCIDR reads a CIDR block as 192.168.1.0/24, or a bare IP address as the range of itself
// alone.
func parseCIDR(word string) (netip.Prefix, *mistake) {
	bad := func(hint string) (netip.Prefix, *mistake) {
		return netip.Prefix{}, &mistake{rule: BadAddress, message: fmt.Sprintf("%.60q is not an address or a CIDR", word), hint: hint}
	}
	if leadingZero.MatchString(word) {
		return bad("write numbers without leading zeros: some programs read them as octal")
	}
	if !strings.Contains(word, "/") {
		addr, err := netip.ParseAddr(word)
		switch {
		case err != nil:
			return bad("expected an address such as 192.168.1.10 or a range such as 192.168.1.0/24")
		case addr.Is4In6():
			return bad("write the IPv4 address itself: " + addr.Unmap().String())
		case addr.Zone() != "":
			return bad("an address with a zone means something on one machine only")
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil {
		return bad("expected a range such as 192.168.1.0/24 or fd00:10::/64")
	}
	if prefix.Addr().Is4In6() {
		return bad("write the IPv4 range itself")
	}
	if masked := prefix.Masked(); masked != prefix {
		_, m := bad(fmt.Sprintf("the range is %s; a single address is %s", yamltext.Quote(masked.String()), yamltext.Quote(prefix.Addr().String())))
		m.message = fmt.Sprintf("%s has host bits set", word)
		m.replace = yamltext.Quote(masked.String())
		return masked, m
	}
	return prefix, nil
}
