package lower

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/policies/object"
)

var labelName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// aName draws DNS labels that are likely to be mistaken for each other: made of our
// own words, long, and cut from one another.
func aName() *rapid.Generator[string] {
	words := rapid.SampledFrom([]string{"allow", "dns", "set", "icmp", "icmpset", "part", "pods", "all", "default", "deny", "a", "0", "10", strings.Repeat("x", 50), strings.Repeat("y", 20)})
	return rapid.Custom(func(t *rapid.T) string {
		name := strings.Join(rapid.SliceOfN(words, 1, 4).Draw(t, "words"), rapid.SampledFrom([]string{"-", "--", ""}).Draw(t, "joint"))
		return strings.Trim(name[:min(len(name), rapid.IntRange(1, 63).Draw(t, "length"))], "-")
	}).Filter(func(name string) bool { return labelName.MatchString(name) })
}

// TestNames tries names of every kind of object on each other: none is two things'
// and all of them go everywhere.
func TestNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(aName(), 2, 40, rapid.ID[string]).Draw(t, "names")
		// What was cut is what somebody could call a workload.
		for _, name := range names {
			for _, prefix := range []string{prefixAllow, prefixICMP, prefixDNS} {
				if whole := named(prefix, name); len(whole) == maxName {
					if forged := strings.TrimPrefix(whole, prefix); labelName.MatchString(forged) {
						names = append(names, forged)
					}
				}
			}
		}
		seen := map[string]string{}
		take := func(name, whose string) {
			if !labelName.MatchString(name) {
				t.Fatalf("%q, of %s, is no DNS label", name, whose)
			}
			if other, taken := seen[name]; taken && other != whose {
				t.Fatalf("%q is of %s and of %s", name, other, whose)
			}
			seen[name] = whose
		}
		take(nameDefaultDeny, "the default deny")
		take(nameDNS, "DNS")
		for _, n := range names {
			w := &subject{workload: n}
			s := &subject{selector: object.NewSelector(object.Equals("app", n))}
			for who, name := range map[string]string{
				"flows of " + n: w.name(prefixAllow, prefixSet), "messages of " + n: w.name(prefixICMP, prefixICMPSet),
				"flows of {" + n: s.name(prefixAllow, prefixSet), "messages of {" + n: s.name(prefixICMP, prefixICMPSet),
				"DNS of " + n: named(prefixDNS, n),
			} {
				take(name, who)
				for _, share := range []string{"0", "1", "01"} {
					take(named(prefixPart, share+"-"+name), "share "+share+" of "+who)
				}
			}
		}
		clear(seen)
		whole := &subject{}
		take(whole.name(prefixAllow, prefixSet), "flows of all")
		take(whole.name(prefixICMP, prefixICMPSet), "messages of all")
		for _, n := range names {
			take((&subject{workload: n}).name(prefixAllow, prefixSet), "flows of "+n)
			take((&subject{workload: n}).name(prefixICMP, prefixICMPSet), "messages of "+n)
		}
	})
}

// TestNamesAreReadable shows what names look like.
func TestNamesAreReadable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long-", 12) + "one"
	for _, c := range []struct{ got, want string }{
		{named(prefixAllow, "web"), "allow-web"},
		{named(prefixAllow, long), "allow-long-long-long-long-long-long-long-long-long-l-" + digest(prefixAllow + long)[:10]},
		{selected(prefixSet, nil), "set-all"},
		{selected(prefixSet, object.NewSelector(object.Equals("app.kubernetes.io/name", "Web"))), "set-app-kubernetes-io-name-web-" + digest("app.kubernetes.io/name=Web")[:10]},
		{named("portcullis.", prefixGuardrail+"no-metadata"), "portcullis.guardrail-no-metadata"},
		{named(strings.Repeat("t", 60)+".", "no-metadata"), strings.Repeat("t", 60) + "." + digest(strings.Repeat("t", 60) + ".no-metadata")[:10]},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

// TestCollisionsAreFound makes two objects of one name, as equal digests would: none
// is emitted over the other.
func TestCollisionsAreFound(t *testing.T) {
	t.Parallel()
	p := everyConstruct()
	p.Namespaces = append(p.Namespaces, p.Namespaces[5]) // shop
	if _, found := Lower(p); !found.Failed() || !strings.Contains(found.Err().Error(), "two objects would be called") {
		t.Errorf("found %v", found.Err())
	}
}
