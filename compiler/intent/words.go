package intent

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"portcullis.dev/compiler/plan"
)

// text is prose: any one-line string.
type text string

func (t *text) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected text, found " + tagged(word, tag), hint: "quote it", replace: strconv.Quote(word)}
	}
	if i := strings.IndexFunc(word, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
		return &mistake{rule: unreadable, message: fmt.Sprintf("the text holds a control character (%q)", []rune(word[i:])[0]), hint: "remove it, so that a reviewer sees what is there"}
	}
	*t = text(word)
	return nil
}

// flag is true or false.
type flag bool

func (f *flag) parse(word, tag string) *mistake {
	if tag != "!!bool" {
		m := &mistake{rule: wrongType, message: "expected true or false, found " + tagged(word, tag), hint: "write true or false, without quotes"}
		switch strings.ToLower(word) {
		case "yes", "on", "y":
			m.replace = "true"
		case "no", "off", "n":
			m.replace = "false"
		}
		return m
	}
	*f = flag(strings.EqualFold(word, "true"))
	return nil
}

// Number is a whole number.
type Number int

func (v *Number) parse(word, tag string) *mistake {
	i, err := strconv.ParseInt(word, 10, 32)
	if tag != "!!int" || err != nil {
		return &mistake{rule: wrongType, message: "expected a whole number, found " + tagged(word, tag)}
	}
	*v = Number(i)
	return nil
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Name is a DNS label (RFC 1123), as names of namespaces and workloads are.
type Name string

func (v *Name) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected a name, found " + tagged(word, tag), hint: "quote it: \"" + word + "\"", replace: strconv.Quote(word)}
	}
	if !dnsLabel.MatchString(word) {
		m := &mistake{rule: badName, message: fmt.Sprintf("%.80q is not a name", word),
			hint: "a name has at most 63 lower-case letters, digits and dashes, and begins and ends with a letter or digit"}
		if mended := mendName(word); mended != "" {
			m.hint += "; did you mean " + mended + "?"
		}
		return m
	}
	*v = Name(word)
	return nil
}

// mendName is the name that differs from the word in case and separators alone.
func mendName(word string) string {
	mended := strings.Trim(strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(strings.ToLower(word)), "-")
	if mended != word && dnsLabel.MatchString(mended) {
		return mended
	}
	return ""
}

var (
	labelKey   = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
)

// LabelKey is the key of a Kubernetes label.
type LabelKey string

func (v *LabelKey) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected a label's key, found " + tagged(word, tag), hint: "quote it", replace: strconv.Quote(word)}
	}
	if !labelKey.MatchString(word) {
		return &mistake{rule: badName, message: fmt.Sprintf("%.80q is not the key of a label", word),
			hint: "a key is at most 63 letters, digits, dashes, underscores and dots, optionally after a DNS name and a slash"}
	}
	*v = LabelKey(word)
	return nil
}

// LabelValue is the value of a Kubernetes label.
type LabelValue string

func (v *LabelValue) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected a label's value, found " + tagged(word, tag),
			hint: "label values are strings: quote it", replace: strconv.Quote(word)}
	}
	if !labelValue.MatchString(word) {
		return &mistake{rule: badName, message: fmt.Sprintf("%.80q is not the value of a label", word),
			hint: "a value is at most 63 letters, digits, dashes, underscores and dots, and begins and ends with a letter or digit"}
	}
	*v = LabelValue(word)
	return nil
}

// CIDR is an address range in canonical form.
type CIDR struct{ netip.Prefix }

func (v *CIDR) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: wrongType, message: "expected an address or a CIDR, found " + tagged(word, tag)}
	}
	prefix, m := parseCIDR(word)
	*v = CIDR{prefix}
	return m
}

var leadingZero = regexp.MustCompile(`(^|\.)0[0-9]`)

// parseCIDR reads 192.168.1.0/24, or an address as the range of itself.
func parseCIDR(word string) (netip.Prefix, *mistake) {
	bad := func(hint string) (netip.Prefix, *mistake) {
		return netip.Prefix{}, &mistake{rule: badAddress, message: fmt.Sprintf("%.60q is not an address or a CIDR", word), hint: hint}
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
		_, m := bad(fmt.Sprintf("the range is %s; a single address is %s", masked, prefix.Addr()))
		m.message = fmt.Sprintf("%s has host bits set", word)
		m.replace = masked.String()
		return masked, m
	}
	return prefix, nil
}

// PortRef is a port as a line names it: by number, or by the destination's name.
type PortRef struct {
	Name string // empty for a number
	Port plan.Port
}

func (v *PortRef) parse(word, tag string) *mistake {
	if tag != "!!str" && tag != "!!int" {
		return &mistake{rule: badPort, message: "expected a port, found " + tagged(word, tag), hint: badPort.Help}
	}
	if portName.MatchString(word) && strings.ContainsFunc(word, unicode.IsLetter) {
		switch word {
		case "any":
			v.Port = plan.Port{Protocol: plan.Any, First: 0, Last: 65535}
		default:
			v.Name = word
		}
		return nil
	}
	port, m := parsePort(word)
	v.Port = port
	return m
}

// portName is an IANA service name as Kubernetes accepts it (RFC 6335).
var portName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$`)

// PortName is the name that an intent gives to a port.
type PortName string

func (v *PortName) parse(word, tag string) *mistake {
	if tag != "!!str" || !portName.MatchString(word) || !strings.ContainsFunc(word, unicode.IsLetter) || strings.Contains(word, "--") {
		return &mistake{rule: badName, message: fmt.Sprintf("%.60q is not the name of a port", word),
			hint: "a port's name has at most 15 lower-case letters, digits and dashes, at least one of them a letter"}
	}
	if word == "any" || word == "icmp" || word == "ping" {
		return &mistake{rule: reserved, message: word + " already means something as a port", hint: "choose another name"}
	}
	*v = PortName(word)
	return nil
}

// PortNumber is a port, or a range, by number.
type PortNumber struct{ plan.Port }

func (v *PortNumber) parse(word, tag string) *mistake {
	port, m := parsePort(word)
	if m == nil && tag == "!!float" {
		m = &mistake{rule: badPort, message: "expected a port, found " + tagged(word, tag)}
	}
	*v = PortNumber{port}
	return m
}

var protocols = map[string]plan.Protocol{"": plan.TCP, "tcp": plan.TCP, "udp": plan.UDP, "sctp": plan.SCTP}

// parsePort reads 8080, 53/udp or 8000-8100/tcp.
func parsePort(word string) (plan.Port, *mistake) {
	bad := func(hint string) (plan.Port, *mistake) {
		return plan.Port{}, &mistake{rule: badPort, message: fmt.Sprintf("%.60q is not a port", word), hint: hint}
	}
	numbers, protocol, _ := strings.Cut(word, "/")
	p, ok := protocols[protocol]
	if !ok {
		if p, ok = protocols[strings.ToLower(protocol)]; ok {
			return bad("write the protocol in lower case: " + numbers + "/" + strings.ToLower(string(p)))
		}
		return bad("the protocols are tcp, udp and sctp: 53/udp")
	}
	first, last, isRange := strings.Cut(numbers, "-")
	if !isRange {
		last = first
	}
	a, okA := portNumber(first)
	b, okB := portNumber(last)
	switch {
	case !okA || !okB:
		return bad("a port is a number from 1 to 65535, or a range such as 8000-8100")
	case a > b:
		return bad(fmt.Sprintf("a range begins with its smaller end: %d-%d", b, a))
	}
	return plan.Port{Protocol: p, First: a, Last: b}, nil
}

func portNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}

// overlap finds the first of the ranges that shares an address with the prefix.
func overlap(p netip.Prefix, ranges []netip.Prefix) (netip.Prefix, bool) {
	for _, r := range ranges {
		if p.Overlaps(r) {
			return r, true
		}
	}
	return netip.Prefix{}, false
}
