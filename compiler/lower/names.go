package lower

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"portcullis.dev/policies/object"
)

// The first word of a name says what the object is, and no two kinds of object
// share one: that keeps names apart, for workloads may be called anything.
const (
	nameDefaultDeny = "default-deny"
	nameDNS         = "dns"
	prefixDNS       = "dns-"
	prefixAllow     = "allow-"   // a workload's flows
	prefixSet       = "set-"     // a set's flows
	prefixICMP      = "icmp-"    // a workload's control messages
	prefixICMPSet   = "icmpset-" // a set's control messages
	prefixPods      = "pods-"    // a share of the pods that one name stands for
	prefixPart      = "part-"    // a share of the rules that one name stands for

	namePlatform     = "platform-flows"
	prefixPeer       = "portcullis-"
	prefixQuarantine = "quarantine-" // after the tier
	prefixGuardrail  = "guardrail-"  // after the tier
)

const (
	// maxName is the length of a DNS label: names of both APIs may be longer, and
	// tools that put them into labels may not.
	maxName = 63
	// digestLength is how many characters of a digest keep two names apart.
	digestLength = 10
)

// named joins a prefix and an object's name. What does not fit is cut and gets a digest of the
// whole. A name that was cut has all of maxName and one that was not has less, so neither is ever
// taken for the other.
func named(prefix, name string) string {
	full := prefix + name
	if len(full) < maxName {
		return full
	}
	room := max(maxName-len(prefix), digestLength)
	kept := strings.TrimRight(name[:min(max(room-digestLength-1, 0), len(name))], "-")
	if kept != "" {
		kept += "-"
	}
	return prefix + kept + digest(full)[:room-len(kept)]
}

// digest returns the SHA-256 of what a name stands for, in hexadecimal digits.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// selected makes the name of a set of pods after its selector: something to read, and a digest.
func selected(prefix string, s object.Selector) string {
	if len(s) == 0 {
		return prefix + "all"
	}
	return named(prefix, slug(s.String())+digest(s.String())[:digestLength])
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// longestSlug leaves room for a prefix and a digest.
const longestSlug = 30

// slug keeps what of a text may stand in an object's name, before something that sets it apart: it
// is empty or ends in a dash.
func slug(text string) string {
	s := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(text), "-"), "-")
	s = strings.Trim(s[:min(len(s), longestSlug)], "-")
	if s == "" {
		return ""
	}
	return s + "-"
}
