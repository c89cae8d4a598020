package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// reasons are mismatches in words.
var reasons = map[meaning.Mismatch]string{
	meaning.OtherFamily: "other address family", meaning.OtherProtocol: "other protocol", meaning.OtherMessage: "other ICMP type",
	meaning.OtherSource: "other sender", meaning.OtherSourcePort: "other source port", meaning.OtherDestination: "other receiver",
	meaning.OtherPort: "other port", meaning.OtherService: "not an endpoint of the Service",
}

// describe puts into words what the rules made of one rule of a manifest match: Allow TCP 80 from
// pods …
func describe(group []*meaning.Rule, d meaning.Direction) string {
	r := group[0]
	text := r.Action.String()
	if traffic := spoken(group); traffic != "" {
		text += " " + traffic
	}
	if r.Family != 0 {
		text += fmt.Sprintf(" of IPv%d", r.Family)
	}
	from, to := peers(group, func(r *meaning.Rule) *meaning.Entity { return &r.Source }), peers(group, func(r *meaning.Rule) *meaning.Entity { return &r.Destination })
	if d == meaning.Ingress || from != "" {
		text += " from " + orAnyone(from)
	}
	if d == meaning.Egress || to != "" {
		text += " to " + orAnyone(to)
	}
	return text
}

// orAnyone keeps the words for an end of a rule, and puts anyone where the rule names none.
func orAnyone(text string) string {
	if text == "" {
		return "anyone"
	}
	return text
}

// spoken puts into words the protocols and ports that some rules match.
func spoken(group []*meaning.Rule) string {
	var words []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" && !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	for _, r := range group {
		text := ""
		if r.Protocol != nil {
			text = r.Protocol.String()
		}
		if r.NotProtocol != nil {
			text = "all but " + r.NotProtocol.String()
		}
		if r.ICMP != nil {
			text += " type " + strconv.Itoa(int(r.ICMP.Type))
		}
		if r.NotICMP != nil {
			text += " all but type " + strconv.Itoa(int(r.NotICMP.Type))
		}
		if len(r.Destination.Ports) > 0 {
			text += " " + portList(r.Destination.Ports)
		}
		if len(r.Destination.NotPorts) > 0 {
			text += " not on " + portList(r.Destination.NotPorts)
		}
		add(text)
	}
	return shortened(words)
}

// portList puts the ports of a rule into words: names, numbers and ranges, a few of them.
func portList(ports []meaning.PortMatch) string {
	var words []string
	for _, p := range ports {
		switch {
		case p.Name != "":
			words = append(words, p.Name)
		case p.First == p.Last:
			words = append(words, strconv.Itoa(int(p.First)))
		default:
			words = append(words, fmt.Sprintf("%d-%d", p.First, p.Last))
		}
	}
	return shortenedBy(words, ",")
}

// peers puts into words the ends that some rules name.
func peers(group []*meaning.Rule, of func(*meaning.Rule) *meaning.Entity) string {
	var words []string
	for _, r := range group {
		var terms []string
		e := of(r)
		if e.Selector != nil {
			terms = append(terms, spell(*e.Selector))
		}
		if e.NotSelector != nil {
			terms = append(terms, "not "+spell(*e.NotSelector))
		}
		for i, nets := range [][]string{texts(e.Nets), texts(e.NotNets)} {
			if len(nets) > 0 {
				terms = append(terms, []string{"", "not "}[i]+shortened(nets))
			}
		}
		if e.Service != nil {
			terms = append(terms, "the Service "+e.Service.Namespace+"/"+e.Service.Name)
		}
		if text := strings.Join(terms, " and "); text != "" && !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	return shortenedBy(words, "; ")
}

// spell writes a selector in words for people: that pods are pods is said by nobody who writes
// one.
func spell(s selector.Selector) string {
	text := s.String()
	const orchestrator = `projectcalico.org/orchestrator == "k8s"`
	text = strings.ReplaceAll(strings.ReplaceAll(text, orchestrator+" && ", ""), orchestrator, "every pod")
	if inner, ok := strings.CutPrefix(text, "("); ok && strings.HasSuffix(inner, ")") && !strings.ContainsAny(inner[:len(inner)-1], "()") {
		text = inner[:len(inner)-1]
	}
	return text
}

// texts turns the values that rules match into their words.
func texts[T fmt.Stringer](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, v.String())
	}
	return all
}

// shortened joins the words of what rules match by commas, the first few of them.
// shortenedBy joins the first four words of what rules match, and says how many more there are.
func shortened(words []string) string { return shortenedBy(words, ", ") }

// shortenedBy joins the first four words, and says how many more there are.
func shortenedBy(words []string, separator string) string {
	const most = 4
	if len(words) > most {
		words = append(slices.Clone(words[:most]), fmt.Sprintf("%d more", len(words)-most))
	}
	return strings.Join(words, separator)
}
