package lower

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Labels that Calico itself gives, to namespaces and to pods
// (Calico: libcalico-go/lib/backend/k8s/conversion).
const (
	calicoNamespaceName = "projectcalico.org/name"      // on namespaces
	calicoNamespace     = "projectcalico.org/namespace" // on whatever is in one
	calicoPod           = "projectcalico.org/orchestrator == 'k8s'"
	anyNamespace        = "has(" + calicoNamespaceName + ")"
	inherited           = "pcns."              // before a namespace's labels, on its pods
	peerLabel           = plan.Group + "/peer" // on our own network sets
)

// family of the addresses in an entity: Calico refuses a rule that mixes them.
type family int

const (
	anyFamily family = iota
	ipv4
	ipv6
)

// entity is one end of a Calico rule.
type entity struct {
	rule   object.Map
	family family
}

// entities makes the source or destination of Calico rules for an end; a nil end is everything.
// not selects the pods that are exempt, if any are.
func (l *lowering) entities(end *plan.End, not string, at diag.Span) []entity {
	var exempt object.Map
	if not != "" {
		exempt = object.Map{{Key: "notSelector", Value: not}}
	}
	switch {
	case end == nil:
		return []entity{{rule: exempt}}
	case end.Pods != nil:
		var all []entity
		for _, pods := range l.podEntities(*end.Pods, at) {
			all = append(all, entity{rule: slices.Concat(pods, exempt)})
		}
		return all
	case end.Peer != "":
		l.peers[end.Peer] = *end
		return []entity{{rule: object.Map{
			{Key: "namespaceSelector", Value: "global()"},
			{Key: "selector", Value: peerLabel + " == '" + end.Peer + "'"},
		}}}
	}
	var all []entity
	for i, nets := range byFamily(plan.Ranges(end.Blocks)) {
		for some := range slices.Chunk(nets, maxNets) {
			all = append(all, entity{rule: object.Map{{Key: "nets", Value: some}}, family: []family{ipv4, ipv6}[i]})
		}
	}
	return all
}

// podEntities makes entities of Calico rules that select pods, and nothing else that may wear
// their labels.
func (l *lowering) podEntities(pods plan.Pods, at diag.Span) []object.Map {
	var all []object.Map
	for _, namespaces := range l.namespaceTerms(pods, "all()", at) {
		for _, selector := range l.terms(pods.Selector, calicoPod, at) {
			all = append(all, object.Map{
				{Key: "namespaceSelector", Value: namespaces},
				{Key: "selector", Value: selector},
			})
		}
	}
	return all
}

// namespaceTerms writes selectors for the namespaces of an entity. Without a label that only
// namespaces have, a negated term would be true of whatever is in none.
func (l *lowering) namespaceTerms(pods plan.Pods, all string, at diag.Span) []string {
	switch {
	case pods.Namespace != "":
		return []string{calicoNamespaceName + " == '" + pods.Namespace + "'"}
	case len(pods.Namespaces) == 0:
		return []string{all}
	}
	return l.terms(pods.Namespaces, anyNamespace, at)
}

// terms writes an entity's selector behind a term that narrows it, as alternatives where it is too
// long.
func (l *lowering) terms(s object.Selector, head string, at diag.Span) []string {
	if len(s) == 0 {
		return []string{head}
	}
	shorter, ok := alternatives(s, maxSelector-len(head+and))
	if !ok {
		l.tooLong(at, "the selector "+s.String())
	}
	all := make([]string, len(shorter))
	for i, s := range shorter {
		all[i] = head + and + s.Calico()
	}
	return all
}

const and = " && "

// tooLong complains of what an entity of Calico cannot hold, for its selector is too long.
func (l *lowering) tooLong(at diag.Span, what string) {
	l.add(inexpressible.At(at, "%.80s is too long for a Calico policy", what).
		Because("Calico takes at most %d characters, and this cannot be written as several", maxSelector).
		Suggest("give what is meant a label of its own, and select that"))
}

// anyOf selects the pods of several ends in one Calico selector over their own labels and, by
// Calico's prefix, their namespaces'. It is empty for none.
func (l *lowering) anyOf(ends []plan.End, what string, at diag.Span) string {
	var all []string
	for _, e := range ends {
		var terms []string
		if e.Pods.Namespace != "" {
			terms = append(terms, calicoNamespace+" == '"+e.Pods.Namespace+"'")
		}
		if len(e.Pods.Namespaces) > 0 {
			prefixed := slices.Clone(e.Pods.Namespaces)
			for i := range prefixed {
				prefixed[i].Key = inherited + prefixed[i].Key
			}
			terms = append(terms, prefixed.Calico())
		}
		if len(e.Pods.Selector) > 0 {
			terms = append(terms, e.Pods.Selector.Calico())
		}
		if len(terms) == 0 {
			return calicoPod // every pod
		}
		all = append(all, "("+strings.Join(terms, and)+")")
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	text := calicoPod + " && (" + strings.Join(slices.Compact(all), " || ") + ")"
	if len(text) > maxSelector {
		l.tooLong(at, what)
	}
	return text
}

// everyPodBut selects, in a policy's header, the pods of all namespaces but some.
// anyNamespace keeps host endpoints out: they carry no namespace, so a negated term
// alone is true of them. Names that one field cannot hold stand in another.
func (l *lowering) everyPodBut(names []string, patterns []object.Selector) object.Map {
	namespaces := []string{anyNamespace}
	length := len(anyNamespace)
	for _, p := range patterns {
		term := "!(" + p.Calico() + ")"
		namespaces = append(namespaces, term)
		length += len(and + term)
	}
	here, rest := without(calicoNamespaceName, names, maxSelector-length-len(and))
	if here != "" {
		namespaces = append(namespaces, here)
	}
	header := object.Map{{Key: "namespaceSelector", Value: strings.Join(namespaces, and)}}
	there, rest := without(calicoNamespace, rest, maxSelector)
	if there != "" {
		header = append(header, object.Field{Key: "selector", Value: there})
	}
	if len(rest) > 0 || length > maxSelector {
		l.add(inexpressible.At(l.Platform, "a policy for the whole cluster cannot leave out as many namespaces as are not enforced").
			Because("it lists them in two selectors, and Calico takes at most %d characters in each", maxSelector).
			Suggest("enforce more of the namespaces, or set unknownNamespaces: open"))
	}
	return header
}

// without writes a term that excludes as many names as a Calico selector has room for.
func without(label string, names []string, room int) (text string, rest []string) {
	n, length := 0, len(label)+len(" not in {}")
	for ; n < len(names) && length+len("'', ")+len(names[n]) <= room; n++ {
		length += len("'', ") + len(names[n])
	}
	if n == 0 {
		return "", names
	}
	return label + " not in {'" + strings.Join(names[:n], "', '") + "'}", names[n:]
}

// networkSets emits the NetworkSets that hold the addresses of each @name to which a policy's
// entities refer.
func (l *lowering) networkSets() {
	for _, name := range diag.SortedKeys(l.peers) {
		var nets []string
		for _, prefix := range plan.Ranges(l.peers[name].Blocks) {
			nets = append(nets, prefix.String())
		}
		fits := func(nets []string) bool { return len(nets)*netBytes <= maxBytes }
		for _, p := range parts("", prefixPeer+name, nets, strings.Clone, fits) {
			l.emit(calicoObject("GlobalNetworkSet", about{
				name: p.name, intent: l.platform(), wave: waveSets, labels: map[string]string{peerLabel: name},
				reason: "the Platform's @" + name,
			}, object.Map{{Key: "nets", Value: yamltext.Strings(p.things)}}), l.Platform)
		}
	}
}

// netBytes is what one range takes in a manifest, at most.
const netBytes = 60

// byFamily splits an entity's ranges into IPv4's and IPv6's, since Calico refuses a rule that
// mixes them.
func byFamily(all []netip.Prefix) (families [2]object.List) {
	for _, p := range all {
		i := 0
		if !p.Addr().Is4() {
			i = 1
		}
		families[i] = append(families[i], p.String())
	}
	return families
}
