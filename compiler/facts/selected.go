package facts

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
)

// selected are pods that policies let the internet in to, and that nobody knows: of each
// policy that selects no known endpoint, one such pod for each rule that does so.
func (a *asker) selected(facts []Policy, policies []*meaning.Policy) []Endpoint {
	out := []Endpoint{}
	seen := map[string]bool{}
	for i, p := range policies {
		if len(facts[i].Selects) > 0 || !p.Live() || !p.Governs[meaning.Ingress] {
			continue
		}
		for j := range p.Rules[meaning.Ingress] {
			r := &p.Rules[meaning.Ingress][j]
			if r.Action != meaning.Allow || !a.world.mayMatch(r, meaning.Ingress) {
				continue
			}
			pod := a.admitting(p, r)
			if pod == nil || seen[describe(pod)] {
				continue
			}
			seen[describe(pod)] = true
			resolves, _ := a.plan.Resolvers(pod.Namespace)
			e := &population.Pods{Endpoint: pod, Kind: selected, Resolves: resolves}
			f, egress := a.endpoint(e)
			f.Name, f.Probes = describe(pod), a.clientProbes(e, egress)
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// selected is the kind of pods that policies alone speak of.
const selected population.Kind = "selected"

// admitting is a pod that a policy's rule lets a public address in to: in the policy's
// namespace, or in the first that is not the system's.
func (a *asker) admitting(p *meaning.Policy, of *meaning.Rule) *meaning.Endpoint {
	public := a.search.Universe.Addresses(relation.Peer, packet.AddressRanges(slices.Concat(packet.Public(packet.IPv4).Ranges(), packet.Public(packet.IPv6).Ranges())...))
	for _, class := range a.governable(p.ID.Namespace) {
		outside := a.search.Universe.Outside().In(class)
		if outside == nil {
			continue
		}
		part := a.programs[meaning.Ingress].On(outside)
		for r, when := range part.Rules() {
			if r.Of != of {
				continue
			}
			w, err := a.search.Witness(relation.Question{
				Of: outside, Where: relation.And(when, public), Direction: meaning.Ingress,
				Wanted: []relation.Wanted{{Program: part, Verdict: relation.Allows, Ungoverned: relation.Denies}},
			})
			switch {
			case err != nil:
				a.undecided = append(a.undecided, r)
				return nil
			case w != nil:
				return w.Own().Endpoint
			}
		}
	}
	return nil
}

// governable are the classes of namespaces that a policy of a namespace, or of the
// cluster, may be about, less the system's.
func (a *asker) governable(namespace string) []int {
	u := a.search.Universe
	var classes []int
	for _, n := range a.plan.Namespaces {
		if class, listed := u.Class(n.Name); listed && !n.System && (namespace == "" || namespace == n.Name) {
			classes = append(classes, class)
		}
	}
	if namespace == "" {
		classes = append(classes, u.Classes()-1)
	}
	return classes
}
