package reach

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// Term is an end as people and explain call it.
type Term struct {
	Kind      string   `json:"kind"` // all, namespace, workload, labels, peer, internet, nodes or cidr
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name,omitempty"`     // of a workload, or of a peer without its @
	Selector  string   `json:"selector,omitempty"` // of labels: {a=b}, and before it those of a namespace that is not listed
	Addresses []string `json:"addresses,omitempty"`
	But       []Term   `json:"but,omitempty"`
	State     string   `json:"state,omitempty"` // new or gone, of a difference
}

// String writes the term in the language of explain.
func (t Term) String() string {
	switch t.Kind {
	case "all":
		return "*/*"
	case "namespace":
		return t.Namespace + "/*"
	case "workload":
		return t.Namespace + "/" + t.Name
	case "labels":
		return t.Selector
	case "internet", "nodes":
		return "@" + t.Kind
	case "peer":
		return "@" + t.Name
	default:
		if strings.Contains(t.Addresses[0], ":") {
			return "[" + t.Addresses[0] + "]"
		}
		return t.Addresses[0]
	}
}

// Terms calls a set of members by as few terms as there are for it.
func (r *Relation) Terms(set []int) []Term {
	r.sort()
	in := make(map[int]bool, len(set))
	for _, i := range set {
		in[i] = true
	}
	all := append(r.pods(in), r.addresses(set)...)
	said := map[string]bool{}
	return slices.DeleteFunc(all, func(t Term) bool { // pods of two namespaces that nobody lists
		again := t.Kind == "labels" && said[t.Selector]
		said[t.Selector] = true
		return again
	})
}

// pods finds the terms for the pods of a set, with exceptions where that makes fewer. What is outside
// of the set is looked at only where its terms may be few: each namespace of it has one at least.
func (r *Relation) pods(in map[int]bool) []Term {
	count := map[string]int{} // of the set
	for i := range in {
		if m := &r.Members[i]; m.IsPod() {
			count[m.Endpoint.Namespace]++
		}
	}
	if len(count) == 0 {
		return nil
	}
	beyond := len(r.inNamespace)
	for name, n := range count {
		if n == len(r.inNamespace[name]) {
			beyond--
		}
	}
	inside := r.podTerms(slices.Sorted(maps.Keys(count)), in, true, true)
	if beyond > mostBut {
		return inside
	}
	outside := r.podTerms(r.namespaces(), in, false, false)
	switch {
	case len(outside) == 0:
		return []Term{{Kind: "all"}}
	case len(outside) <= mostBut && len(outside) < len(inside):
		return []Term{{Kind: "all", But: outside}}
	}
	return inside
}

// mostBut is how many exceptions terms may have.
const mostBut = 3

// namespaces lists the namespaces of the pods that terms name.
func (r *Relation) namespaces() []string {
	return slices.Sorted(maps.Keys(r.inNamespace))
}

// sort sorts the pods of a relation by their namespaces and by their names, once.
func (r *Relation) sort() {
	if r.inNamespace == nil {
		r.inNamespace, r.byName = map[string][]int{}, map[string][]int{}
		for i := range r.Members {
			if m := &r.Members[i]; m.IsPod() {
				r.inNamespace[m.Endpoint.Namespace] = append(r.inNamespace[m.Endpoint.Namespace], i)
				for _, name := range m.Names {
					r.byName[name] = append(r.byName[name], i)
				}
			}
		}
	}
}

// podTerms finds the terms for the pods that are in a set, or those that are not, in some namespaces,
// one after the other, with or without exceptions.
func (r *Relation) podTerms(namespaces []string, in map[int]bool, wanted, exceptions bool) []Term {
	var all []Term
	for _, ns := range namespaces {
		var some, rest []int
		for _, i := range r.inNamespace[ns] {
			if in[i] == wanted {
				some = append(some, i)
			} else {
				rest = append(rest, i)
			}
		}
		listed := r.World.Lists(ns)
		switch {
		case len(some) == 0:
		case len(rest) == 0 && listed:
			all = append(all, Term{Kind: "namespace", Namespace: ns})
		default:
			named := r.named(ns, some, in, wanted)
			if but := r.named(ns, rest, in, !wanted); exceptions && listed && len(but) <= mostBut && len(but) < len(named) {
				named = []Term{{Kind: "namespace", Namespace: ns, But: but}}
			}
			all = append(all, named...)
		}
	}
	return all
}

// named finds the terms for pods of one namespace: by name where all that has the name is meant,
// else by their labels.
func (r *Relation) named(ns string, some []int, in map[int]bool, wanted bool) []Term {
	var all []Term
	told := map[int]bool{}
	for _, i := range some {
		for _, name := range r.Members[i].Names {
			if told[i] || slices.ContainsFunc(r.byName[name], func(j int) bool { return in[j] != wanted }) {
				continue
			}
			for _, j := range r.byName[name] {
				told[j] = true
			}
			all = append(all, Term{Kind: "workload", Namespace: ns, Name: strings.TrimPrefix(name, ns+"/")})
		}
		if !told[i] {
			told[i] = true
			all = append(all, Term{Kind: "labels", Namespace: ns, Selector: r.selector(r.Members[i].Endpoint)})
		}
	}
	slices.SortStableFunc(all, func(a, b Term) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Selector, b.Selector))
	})
	return all
}

// selector writes the term for pods without a name: their labels, and where nobody lists the
// namespace its labels too.
func (r *Relation) selector(e *meaning.Endpoint) string {
	lists := func(w *World) bool { return w.Lists(e.Namespace) }
	if lists(r.World) || slices.ContainsFunc(r.others, lists) {
		return e.Namespace + "/{" + Labels(e.Labels) + "}"
	}
	of := maps.Clone(e.NamespaceLabels)
	delete(of, meaning.NameLabel)
	return "{" + Labels(of) + "}/{" + Labels(e.Labels) + "}"
}

// Labels writes labels in a term, in one line: a=b,c=d.
func Labels(all map[string]string) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		words = append(words, k+"="+all[k])
	}
	return strings.Join(words, ",")
}

// addresses finds the terms for the addresses of a set: by the largest peers that lie in it as a
// whole, and what is left by ranges.
func (r *Relation) addresses(set []int) []Term {
	var left packet.Addresses
	for _, i := range set {
		if !r.Members[i].IsPod() {
			left = left.Union(r.Members[i].Addresses)
		}
	}
	if left.IsEmpty() {
		return nil
	}
	peers := r.peers()
	whole := left
	var terms []Term
	for _, p := range peers {
		if !p.Addresses.IsEmpty() && whole.Covers(p.Addresses) && left.Overlaps(p.Addresses) {
			t := peerTerm(p.Name)
			if assumed := r.assumed(t).Prefixes(); len(assumed) <= 3 {
				t.But = cidrs(assumed)
			}
			terms = append(terms, t)
			left = left.Subtract(p.Addresses)
		}
	}
	for _, p := range peers { // nearly all of one
		missing := p.Addresses.Subtract(left).Prefixes()
		if kept := p.Addresses.Intersect(left); len(missing) > 0 && len(missing) <= 3 && len(kept.Prefixes()) > len(missing) {
			t := peerTerm(p.Name)
			t.But = cidrs(missing)
			terms, left = append(terms, t), left.Subtract(kept)
		}
	}
	for _, p := range left.Prefixes() {
		terms = append(terms, Term{Kind: "cidr", Addresses: []string{short(p)}})
	}
	return terms
}

// peers lists, once, the names of addresses by which terms are made, the largest first, as far as the
// addresses are members.
func (r *Relation) peers() []Peer {
	if r.called != nil {
		return r.called
	}
	var all packet.Addresses
	for i := range r.Members {
		if !r.Members[i].IsPod() {
			all = all.Union(r.Members[i].Addresses)
		}
	}
	peers := slices.Clone(r.World.Peers)
	for _, p := range []string{"0.0.0.0/0", "::/0"} {
		peers = append(peers, Peer{p, packet.AddressesOf(netip.MustParsePrefix(p))})
	}
	for _, p := range r.World.Meaning.Boundaries() { // as somebody wrote them
		if !p.IsSingleIP() {
			peers = append(peers, Peer{p.String(), packet.AddressesOf(p)})
		}
	}
	for i := range peers {
		peers[i].Addresses = peers[i].Addresses.Intersect(all)
	}
	size := func(a packet.Addresses) float64 { return packet.Size(a.IPSet().Ranges()...) }
	slices.SortStableFunc(peers, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(size(b.Addresses), size(a.Addresses)), cmp.Compare(b.Name[:1], a.Name[:1]), cmp.Compare(a.Name, b.Name))
	})
	r.called = peers
	return peers
}

// assumed returns the addresses of a term that are taken to be pods' although nobody says so:
// lines do not name them.
func (r *Relation) assumed(t Term) packet.Addresses {
	if t.Kind != "cidr" || r.World.Plan == nil {
		return packet.Addresses{}
	}
	prefix, err := netip.ParsePrefix(t.Addresses[0])
	if err != nil {
		return packet.Addresses{}
	}
	taken := packet.AddressesOf(r.World.Meaning.Cluster.PodCIDRs...).Subtract(packet.AddressesOf(r.World.Plan.Cluster.PodCIDRs...))
	return taken.Intersect(packet.AddressesOf(prefix))
}

// cidrs makes terms of ranges of addresses.
func cidrs(all []netip.Prefix) []Term {
	var terms []Term
	for _, p := range all {
		terms = append(terms, Term{Kind: "cidr", Addresses: []string{short(p)}})
	}
	return terms
}

// short writes a range in a term, and one address without its length.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// peerTerm makes the term for a name that people have for addresses: @internet, @nodes, another
// @name, or a range.
func peerTerm(name string) Term {
	switch bare, at := strings.CutPrefix(name, "@"); {
	case !at:
		return Term{Kind: "cidr", Addresses: []string{name}}
	case bare == "internet" || bare == "nodes":
		return Term{Kind: bare}
	default:
		return Term{Kind: "peer", Name: bare}
	}
}

// TermWords writes terms in the language of explain: names of one namespace in braces.
func TermWords(all []Term) string {
	var words []string
	var but []Term
	for i := 0; i < len(all); {
		t := all[i]
		but = append(but, t.But...)
		n := i + 1
		for ; t.Kind == "workload" && n < len(all) && all[n].Kind == "workload" && all[n].Namespace == t.Namespace; n++ {
		}
		if n == i+1 {
			words = append(words, t.String())
		} else {
			names := make([]string, 0, n-i)
			for _, of := range all[i:n] {
				names = append(names, of.Name)
			}
			words = append(words, t.Namespace+"/{"+strings.Join(names, ",")+"}")
		}
		i = n
	}
	text := strings.Join(words, ", ")
	if len(but) > 0 {
		text += " but " + TermWords(but)
	}
	return text
}
