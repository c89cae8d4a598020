package facts

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/relation"
	"portcullis.dev/policies/selector"
)

// selected makes up pods of which nothing but that they are selected is known: of each policy that
// selects no known endpoint, one such pod for each rule that lets the internet in to it, and one
// that sends.
func (a *asker) selected(facts []Policy, policies []*meaning.Policy) []Endpoint {
	out := []Endpoint{}
	seen := map[string]bool{}
	alike := map[string][]*Probe{} // by class
	add := func(pod *meaning.Endpoint, built bool) {
		if pod == nil || seen[describe(pod)] {
			return
		}
		seen[describe(pod)] = true
		resolves, _ := a.plan.Resolvers(pod.Namespace)
		resolves = resolves && !built // the build knows who does without names, and judged it
		e := &population.Pods{Endpoint: pod, Kind: selected, Resolves: resolves}
		f, egress := a.endpoint(e)
		f.Name, f.Probes = describe(pod), a.probesAlike(alike, e, egress)
		out = append(out, f)
	}
	for i, p := range policies {
		if len(facts[i].Selects) > 0 || !p.Live() || a.isOfHosts(p) {
			continue
		}
		built := a.isBuilt(p.ID)
		for j := range p.Rules[meaning.Ingress] {
			r := &p.Rules[meaning.Ingress][j]
			if p.Governs[meaning.Ingress] && r.Action == meaning.Allow && a.world.mayMatch(r, meaning.Ingress) {
				add(a.admitting(p, r), built)
			}
		}
		if p.Governs[meaning.Egress] {
			add(a.sending(p), built)
		}
	}
	slices.SortFunc(out, func(a, b Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// isOfHosts reports whether what a policy selects are pods of the host's network, of which it
// decides nothing.
func (a *asker) isOfHosts(p *meaning.Policy) bool {
	return slices.ContainsFunc(a.onHost, func(e *meaning.Endpoint) bool { return p.Selects(e) })
}

// isBuilt reports whether a build emitted a policy, as far as its label says: of the pods that it
// selects the build knew who does without names.
func (a *asker) isBuilt(id diag.ObjectID) bool {
	o, found := a.set.Get(id)
	return found && o.Labels()[plan.ManagedBy] == plan.Manager
}

// sending makes up a selected pod of the policy's namespace that wears the labels for which the
// policy asks, and no others; none where that is not what the policy selects.
func (a *asker) sending(p *meaning.Policy) *meaning.Endpoint {
	n, listed := a.plan.Namespace(p.ID.Namespace)
	if !listed || n.Pattern || n.System || len(a.known.ByNamespace[n.Name]) == 0 {
		return nil
	}
	pod := *a.known.ByNamespace[n.Name][0].Endpoint
	pod.Name, pod.Labels, pod.ServiceAccount, pod.ServiceAccountLabels = "*", map[string]string{}, "default", nil
	pod.Ports, pod.PortsKnown, pod.Addresses, pod.Object = nil, false, nil, meaning.Endpoint{}.Object
	selects := p.Selector()
	wear(pod.Labels, selects.Root())
	cut := func(q plan.Quarantined) bool {
		return q.End.Pods.Matches(pod.Namespace, pod.NamespaceLabels, pod.Labels)
	}
	if !p.Selects(&pod) || slices.ContainsFunc(a.plan.Quarantine, cut) {
		return nil
	}
	return &pod
}

// wear adds to a made-up pod the labels without which what a selector asks for is not there.
func wear(labels map[string]string, asked *selector.Node) {
	if asked.Op == selector.OpAnd {
		for i := range asked.Kids {
			wear(labels, &asked.Kids[i])
		}
	}
	of, name := meaning.LabelOf(asked.Key)
	if (asked.Op == selector.OpEqual || asked.Op == selector.OpIn) && of == meaning.PodLabel && len(asked.Values) > 0 {
		labels[name] = asked.Values[0]
	}
}

// selected is the kind of pods that policies alone speak of.
const selected population.Kind = "selected"

// admitting makes up a selected pod that a policy's rule lets a public address in to: in the
// policy's namespace, or in the first that is not the system's.
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
			if a.unknown[class] {
				a.undecided = append(a.undecided, r)
				return nil
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

// governable lists the classes of namespaces in which a policy of a namespace, or of the cluster,
// may have selected pods, less the system's.
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
