package facts

import (
	"encoding/json"
	"iter"
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// Of computes the documents of one environment, each when it is asked for: one for each
// namespace of the plan, by name, and the cluster's last.
//
// The set is the rendered objects, r what they do, and everybody those whom the facts are
// about. Policies outside the plan's namespaces count in every verdict, and are in
// no document.
func Of(p *plan.Plan, r *relation.Relation, set object.Set, everybody population.Population) iter.Seq[Document] {
	return AllBut(p, r, set, everybody, func(*Basis, string) bool { return false })
}

// AllBut computes the documents of one environment as Of does, but for those of the namespaces that
// are spared: whoever asks for them knows what the document says, by what it is made of.
func AllBut(p *plan.Plan, r *relation.Relation, set object.Set, everybody population.Population, spared func(of *Basis, namespace string) bool) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		a := newAsker(p, r, set, everybody)
		basis := &Basis{p, r.Meaning.Cluster, set, everybody, a.elsewhere, map[*Basis]*common{}}
		for _, n := range p.Namespaces {
			if !spared(basis, n.Name) && !yield(a.namespace(n)) {
				return
			}
		}
		yield(a.cluster())
	}
}

// Near computes the documents of some namespaces and of the cluster as Of does, of what was rendered near
// those. What pods of other namespaces would have to tell is taken to be a conflict, or undecided, where
// one may be: such documents may say more than those of Of, and never less.
func Near(p *plan.Plan, r *relation.Relation, set object.Set, everybody population.Population, namespaces map[string]bool) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		a := newAsker(p, r, set, everybody)
		for _, n := range p.Namespaces {
			class, listed := r.Universe.Class(n.Name)
			if listed && !n.Pattern && !namespaces[n.Name] {
				a.unknown[class] = true
			}
			if namespaces[n.Name] && !yield(a.namespace(n)) {
				return
			}
		}
		yield(a.cluster())
	}
}

// newAsker prepares what all documents of facts share: the pods, the policies by namespace, the
// objects, and the searches.
func newAsker(p *plan.Plan, r *relation.Relation, set object.Set, everybody population.Population) *asker {
	m, walks := r.Meaning, r.Meaning.Asker()
	a := &asker{
		plan: p, set: set, m: m, programs: r.Programs, walks: walks, known: everybody, world: newWorldMap(m, walks),
		objects: map[string][]json.RawMessage{}, policies: map[string][]*meaning.Policy{},
		search: &relation.Search{Universe: r.Universe, Described: map[string][]*meaning.Endpoint{}}, names: map[string]bool{}, referred: map[*meaning.Policy]*Reference{},
		wearing: map[*population.Pods]*meaning.Endpoint{}, open: map[Reference]bool{}, unknown: map[int]bool{},
	}
	a.likeness = newLikeness(a.world, p.Cluster.DNS.Port, append(slices.Clip(everybody.DNS), everybody.Stranger)...)
	for _, e := range everybody.Described {
		if e.HostNetwork {
			a.onHost = append(a.onHost, e)
		}
	}
	for _, server := range everybody.DNS {
		if server.Object.IsZero() {
			wearing := *server.Endpoint
			wearing.LabelsUnwritten = true
			a.wearing[server] = &wearing
		}
	}
	for _, e := range everybody.All {
		a.search.Described[e.Namespace] = append(a.search.Described[e.Namespace], e.Endpoint)
		a.names[e.Ref()] = true
	}
	for _, o := range set.All() {
		a.objects[o.ID.Namespace] = append(a.objects[o.ID.Namespace], o.JSON)
	}
	for _, policy := range m.Policies {
		a.policies[policy.ID.Namespace] = append(a.policies[policy.ID.Namespace], policy)
		a.note(policy)
	}
	return a
}

// asker holds what the documents share.
type asker struct {
	plan     *plan.Plan
	set      object.Set
	m        *meaning.Meaning
	walks    *meaning.Asker
	known    population.Population
	world    *worldMap
	objects  map[string][]json.RawMessage // by namespace
	policies map[string][]*meaning.Policy // by namespace
	search   *relation.Search
	programs [2]*relation.Program // by direction: what the policies do for every pod
	names    map[string]bool      // of known endpoints

	referred map[*meaning.Policy]*Reference
	likeness *likeness          // of pods that ask for names
	open     map[Reference]bool // rules that let everything through

	elsewhere string              // see DNS
	onHost    []*meaning.Endpoint // those that manifests put into the host's network
	// wearing are DNS pods that nobody describes, with more labels than are assumed of them.
	wearing map[*population.Pods]*meaning.Endpoint

	labelled  map[labelled]map[string][]*population.Pods // by the value of the label; filled when asked
	undecided []*relation.Rule                           // of which the world could not be found out
	unknown   map[int]bool                               // classes of namespaces whose policies are not there: see Near
}

// document begins the document of a namespace or the cluster with what facts say of every one:
// Platform, DNS, and the objects.
func (a *asker) document(scope, namespace string) Document {
	c := a.plan.Cluster
	d := Document{
		Version: Version, Environment: a.plan.Environment, Scope: scope,
		Namespace: Namespace{Labels: map[string]string{}},
		Platform: Platform{
			DNS:    DNS{Namespace: c.DNS.Namespace, Labels: labels(c.DNS.Labels), Port: c.DNS.Port, NodeLocal: []string{}, Elsewhere: a.elsewhere},
			System: list(c.System), Calico: c.CalicoMinor, Targets: list(a.plan.Targets),
		},
		Endpoints: []Endpoint{}, Selected: []Endpoint{}, Policies: []Policy{}, Tiers: []Tier{}, Conflicts: []Conflict{},
		Objects: list(a.objects[namespace]),
	}
	for _, address := range c.DNS.NodeLocal {
		d.Platform.DNS.NodeLocal = append(d.Platform.DNS.NodeLocal, address.String())
	}
	return d
}

// namespace computes the facts about one namespace: its pods with probes, its policies, and what
// they select.
func (a *asker) namespace(n plan.Namespace) Document {
	d := a.document("namespace", n.Name)
	d.Namespace = Namespace{Name: n.Name, Owner: n.Owner, Labels: labels(n.Labels), Governed: n.Governed, System: n.System}
	alike := map[string][]*Probe{} // by class
	d.Endpoints = make([]Endpoint, 0, len(a.known.ByNamespace[n.Name]))
	d.Policies = make([]Policy, 0, len(a.policies[n.Name]))
	for _, e := range a.known.ByNamespace[n.Name] {
		f, egress := a.endpoint(e)
		f.Probes = a.probesAlike(alike, e, egress)
		d.Endpoints = append(d.Endpoints, f)
	}
	for _, p := range a.policies[n.Name] {
		d.Policies = append(d.Policies, a.policy(p))
	}
	d.Selected = a.selected(d.Policies, a.policies[n.Name])
	return d
}

// cluster computes the facts that belong to no namespace: DNS pods, global policies, tiers, and
// conflicts.
func (a *asker) cluster() Document {
	d := a.document("cluster", "")
	for _, e := range a.known.DNS {
		f, egress := a.endpoint(e)
		f.Probes = a.serverProbes(e, egress)
		d.Endpoints = append(d.Endpoints, f)
	}
	for _, p := range a.policies[""] {
		d.Policies = append(d.Policies, a.policy(p))
	}
	d.Selected = a.selected(d.Policies, a.policies[""])
	for _, t := range a.m.Tiers {
		d.Tiers = append(d.Tiers, tier(t))
	}
	d.Conflicts = a.conflicts()
	return d
}

// endpoint computes the facts about a set of pods, and returns which policies govern what it
// sends.
func (a *asker) endpoint(e *population.Pods) (Endpoint, meaning.Governed) {
	egress, ingress := a.walks.Governing(e.Endpoint, meaning.Egress), a.walks.Governing(e.Endpoint, meaning.Ingress)
	return Endpoint{
		Name: e.Ref(), Kind: string(e.Kind), Labels: labels(e.Labels), DNS: e.Resolves,
		Ingress: a.direction(ingress), Egress: a.direction(egress),
		World: a.world.of(e, ingress),
	}, egress
}

// direction states as facts whether pods are isolated in a direction, and which policies govern or
// isolate them.
func (a *asker) direction(g meaning.Governed) Direction {
	return Direction{Isolated: g.Isolated, Perhaps: g.Perhaps, Policies: a.references(g.Policies), IsolatedBy: a.references(g.IsolatedBy)}
}

// references points at policies, by the same value wherever facts refer to one, so that the engine
// makes one value of all.
func (a *asker) references(policies []*meaning.Policy) []*Reference {
	refs := make([]*Reference, len(policies))
	for i, p := range policies {
		if a.referred[p] == nil {
			a.referred[p] = &Reference{Object: p.ID}
		}
		refs[i] = a.referred[p]
	}
	return refs
}
