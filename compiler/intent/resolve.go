package intent

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// DefaultEnvironment is the only one of a Platform that names none.
const DefaultEnvironment = "default"

// Environments are the names of the repository's environments, in order.
func (r *Repository) Environments() []string {
	if r.Platform == nil || len(r.Platform.Spec.Environments) == 0 {
		return []string{DefaultEnvironment}
	}
	var all []string
	for _, e := range r.Platform.Spec.Environments {
		all = append(all, string(e.Key.Value))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Resolve gives what is written its meaning in every environment: one plan for
// each, in the order of Environments. A finding that holds in some of several
// environments names them. The plans are whole only if nothing failed. targets are
// the kinds of policy that a Platform may ask for.
func (r *Repository) Resolve(targets []string) ([]*plan.Plan, diag.List) {
	if r.Platform == nil {
		return nil, nil
	}
	environments := r.Environments()
	found := r.checkNames(targets)
	lines := r.lines()
	exists := make([]bool, len(lines))
	var plans []*plan.Plan
	var perEnvironment diag.List
	for _, name := range environments {
		s := newResolver(r, name, targets)
		s.resolve(lines, exists)
		plans = append(plans, s.plan)
		perEnvironment = append(perEnvironment, s.found.In(name)...)
	}
	for _, f := range perEnvironment.Sorted() {
		if len(f.Environments) == len(environments) {
			f.Environments = nil
		}
		found = append(found, f)
	}
	if !found.Failed() {
		for i, l := range lines {
			if !exists[i] {
				found = append(found, neverExists.At(l.span, "this line exists in no environment").
					Because("a flow exists where its line, both workloads and both namespaces do").
					Suggest("compare the line's in with those of the workloads and namespaces that it names"))
			}
		}
	}
	if len(r.Intents) == 0 && !r.AllowEmpty && !found.Failed() {
		found = append(found, nothing.At(r.Platform.Metadata.Name.Span, "the repository has no NetworkIntent").
			Because("an empty result would remove every policy from a cluster that prunes").
			Suggest("write one NetworkIntent for each workload"))
	}
	return plans, found
}

// checkNames finds what is wrong whatever the environment.
func (r *Repository) checkNames(targets []string) diag.List {
	var found diag.List
	spec := r.Platform.Spec
	known := map[string]diag.Span{}
	groups := map[string]diag.Span{}
	for _, e := range spec.Environments {
		known[string(e.Key.Value)] = e.Key.Span
		if g := e.Value.Group; g.Given() {
			groups[string(g.Value)] = g.Span
		}
	}
	for _, name := range diag.SortedKeys(groups) {
		if first, both := known[name]; both {
			found = append(found, reserved.At(groups[name], "%s is an environment and a group", name).See(first, "the environment").
				Suggest("rename one of the two: in: [%s] must mean one thing", name))
		}
		known[name] = groups[name]
	}
	if len(known) == 0 {
		known[DefaultEnvironment] = diag.Span{}
	}
	check := func(names []At[Name]) {
		for _, n := range names {
			if _, ok := known[string(n.Value)]; !ok && n.Value != "" {
				found = append(found, suggestName(unknownEnvironment.At(n.Span, "there is no environment or group called %s", n.Value),
					n.Span, string(n.Value), diag.SortedKeys(known), "the environments and groups are"))
			}
		}
	}
	for _, i := range r.Intents {
		check(i.Spec.In)
	}
	for _, l := range r.lines() {
		check(l.terms.In)
	}
	for _, g := range spec.Guardrails {
		check(g.In)
	}
	refuseUnit := func(name At[Name]) {
		if name.Value == clusterUnit {
			found = append(found, reserved.At(name.Span, "a namespace cannot be called %s", clusterUnit).
				Because("base/%s holds the objects that belong to no namespace", clusterUnit).
				Suggest("leave the namespace to other means, or rename it"))
		}
	}
	if spec.Namespaces != nil {
		for _, n := range *spec.Namespaces {
			check(n.Value.In)
			check(keys(n.Value.Enforce.By))
			refuseUnit(n.Key)
		}
	}
	for _, p := range spec.Peers {
		check(keys(p.Value.Is.By))
	}
	seen := map[string]diag.Span{}
	for _, i := range r.Intents {
		m := i.Metadata
		if spec.Namespaces == nil {
			refuseUnit(m.Namespace)
		}
		ref := string(m.Namespace.Value) + "/" + string(m.Name.Value)
		if first, twice := seen[ref]; twice && m.Name.Given() {
			found = append(found, workloadTwice.At(m.Name.Span, "%s is described twice", ref).See(first, "first here").
				Suggest("merge the two documents, or give one another name"))
			continue
		}
		seen[ref] = m.Name.Span
	}
	for _, t := range slices.Concat(append([][]At[Name]{spec.Targets}, environmentTargets(spec)...)...) {
		if !slices.Contains(targets, string(t.Value)) {
			found = append(found, suggestName(badName.At(t.Span, "there is no target called %s", t.Value), t.Span, string(t.Value), targets, "the targets are"))
		}
	}
	return found
}

// clusterUnit is where the tree keeps what belongs to no namespace.
const clusterUnit = "cluster"

func environmentTargets(spec PlatformSpec) [][]At[Name] {
	var all [][]At[Name]
	for _, e := range spec.Environments {
		all = append(all, e.Value.Targets)
	}
	return all
}

func keys[V any](m Mapping[Name, V]) []At[Name] {
	all := make([]At[Name], len(m))
	for i, e := range m {
		all[i] = e.Key
	}
	return all
}

// suggestName adds what was probably meant, or what there is.
func suggestName(f diag.Diagnostic, span diag.Span, word string, known []string, there string) diag.Diagnostic {
	if near := nearest(word, known); near != "" {
		return f.Suggest("did you mean %s?", near).Replace(span, near)
	}
	return f.Suggest("%s %s", there, listed(known, "and"))
}

// line is any line of the language, whoever wrote it.
type line struct {
	span     diag.Span
	from, to []At[Peer] // nil is the line's own workload
	terms    Terms
	home     int // index into Repository.Intents, or -1 for the Platform
}

func (r *Repository) lines() []line {
	var all []line
	for i, n := range r.Intents {
		for _, l := range n.Spec.Inbound {
			all = append(all, line{span: l.Span, from: l.From, terms: l.Terms, home: i})
		}
		for _, l := range n.Spec.Outbound {
			all = append(all, line{span: l.Span, to: l.To, terms: l.Terms, home: i})
		}
	}
	for _, l := range r.Platform.Spec.Flows {
		all = append(all, line{span: l.Span, from: l.From, to: l.To, terms: l.Terms, home: -1})
	}
	return all
}

// resolver holds what is known of one environment while it is resolved.
type resolver struct {
	repo        *Repository
	spec        PlatformSpec
	environment string
	group       string
	handshakes  map[string]Handshake // by namespace
	workloads   map[string]int       // ns/name → index into plan.Workloads
	elsewhere   map[string]bool      // ns/name of intents that this environment lacks
	exclusive   bool                 // the Platform lists every namespace
	plan        *plan.Plan
	found       diag.List
}

func newResolver(r *Repository, environment string, targets []string) *resolver {
	s := &resolver{repo: r, spec: r.Platform.Spec, environment: environment,
		handshakes: map[string]Handshake{}, workloads: map[string]int{}, elsewhere: map[string]bool{},
		plan: &plan.Plan{Environment: environment, Targets: targets, Cluster: object.DefaultCluster(), Stages: plan.DefaultStages(), Platform: r.Platform.Metadata.Name.Span},
	}
	for _, e := range s.spec.Environments {
		if string(e.Key.Value) == environment {
			s.group = string(e.Value.Group.Value)
		}
	}
	return s
}

func (s *resolver) add(f diag.Diagnostic) { s.found = append(s.found, f) }

func (s *resolver) resolve(lines []line, exists []bool) {
	s.platform()
	s.namespaces()
	s.describeWorkloads()
	s.flows(lines, exists)
	s.guardrails()
}

// in reports whether something with that list exists in this environment.
func (s *resolver) in(names []At[Name]) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n At[Name]) bool {
		return string(n.Value) == s.environment || s.group != "" && string(n.Value) == s.group
	})
}

// pick is the value of this environment: its own name beats its group. Where the
// mapping leaves the environment out, the result is nil.
func pick[T any](s *resolver, p PerEnvironment[T]) *T {
	if p.All != nil {
		return p.All
	}
	var value *T
	for i, e := range p.By {
		switch {
		case string(e.Key.Value) == s.environment:
			return &p.By[i].Value
		case s.group != "" && string(e.Key.Value) == s.group:
			value = &p.By[i].Value
		}
	}
	return value
}

// platform settles what this cluster is.
func (s *resolver) platform() {
	chosen, dns, cluster := s.spec.Targets, s.spec.DNS, s.spec.Cluster
	for _, e := range s.spec.Environments {
		if string(e.Key.Value) != s.environment {
			continue
		}
		if e.Value.Targets != nil {
			chosen = e.Value.Targets
		}
		dns = cmp.Or(e.Value.DNS, dns)
		cluster = cmp.Or(e.Value.Cluster, cluster)
	}
	if chosen != nil {
		asked := wordsOf(chosen)
		s.plan.Targets = slices.DeleteFunc(slices.Clone(s.plan.Targets), func(t string) bool { return !slices.Contains(asked, t) })
	}
	c := &s.plan.Cluster
	if s.spec.System != nil {
		c.System = wordsOf(*s.spec.System)
	}
	if dns != nil {
		s.dns(*dns)
	}
	if cluster != nil {
		c.PodCIDRs, c.ServiceCIDRs, c.NodeCIDRs = prefixes(cluster.PodCIDRs), prefixes(cluster.ServiceCIDRs), prefixes(cluster.NodeCIDRs)
		for _, n := range cluster.NodeCIDRs {
			if pods, both := overlap(n.Value.Prefix, c.PodCIDRs); both {
				s.add(overlapsCluster.At(n.Span, "nodeCIDRs %s overlaps podCIDRs %s", n.Value, pods).
					Because("a rule for nodes would open pods as well").
					Suggest("give tunnels an IPPool of their own, with allowedUses: [Tunnel]"))
			}
		}
	}
	if s.spec.Calico != nil {
		s.calico(*s.spec.Calico)
	}
	if u := s.spec.UnknownNamespaces; u.Value == Deny {
		s.plan.DenyUnknown = true
		s.requireCalico(u.Span, "unknownNamespaces: deny")
	}
}

func (s *resolver) dns(d DNS) {
	c := &s.plan.Cluster
	if d.Namespace.Given() {
		c.DNS.Namespace = string(d.Namespace.Value)
	}
	if d.Selector != nil {
		labels := map[string]string{}
		for _, r := range d.Selector.Selector {
			if r.Op != object.In || len(r.Values) != 1 {
				s.add(badPeer.At(d.Selector.Span, "the DNS pods' selector needs exact labels").Suggest("write {k8s-app: kube-dns}"))
				return
			}
			labels[r.Key] = r.Values[0]
		}
		c.DNS.Labels = labels
	}
	if d.Port.Given() {
		if d.Port.Value < 1 || d.Port.Value > 65535 {
			s.add(badPort.At(d.Port.Span, "%d is not a port", d.Port.Value).Suggest("CoreDNS listens on 53, OpenShift's DNS on 5353"))
			return
		}
		c.DNS.Port = int(d.Port.Value)
	}
	for _, a := range d.NodeLocal {
		if !a.Value.IsSingleIP() {
			s.add(badAddress.At(a.Span, "expected one address, found the range %s", a.Value).Suggest("a node-local cache answers on one address, mostly 169.254.20.10"))
			continue
		}
		c.DNS.NodeLocal = append(c.DNS.NodeLocal, a.Value.Addr())
	}
}

func (s *resolver) calico(c Calico) {
	if c.API.Given() {
		s.plan.Cluster.API = object.APIForm(c.API.Value)
	}
	if !c.Version.Given() {
		return
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(c.Version.Value, "v"), "3."))
	if err != nil || minor < 31 || minor > 33 {
		s.add(wrongType.At(c.Version.Span, "expected a Calico version from 3.31 to 3.33, found %.40q", c.Version.Value).
			Suggest("write \"3.31\""))
		return
	}
	s.plan.Cluster.CalicoMinor = minor
	if s.plan.Cluster.API == object.NativeCRD && minor < 32 {
		s.add(wrongType.At(c.API.Span, "Calico 3.%d has no custom resources of projectcalico.org/v3", minor).
			Suggest("they came with 3.32: use api: aggregated, or a later version"))
	}
}

func (s *resolver) requireCalico(span diag.Span, what string) {
	if !s.plan.HasTarget("calico") {
		s.add(needsCalico.At(span, "%s needs Calico, which environment %s does not target", what, s.environment).
			Suggest("add calico to the targets of %s, or keep this out of it with in", s.environment))
	}
}

func prefixes(list []At[CIDR]) []netip.Prefix {
	all := make([]netip.Prefix, 0, len(list))
	for _, c := range list {
		all = append(all, c.Value.Prefix)
	}
	return all
}

// describeWorkloads turns intents into workloads of the plan.
func (s *resolver) describeWorkloads() {
	for _, i := range s.repo.Intents {
		name, namespace := string(i.Metadata.Name.Value), string(i.Metadata.Namespace.Value)
		if name == "" || namespace == "" {
			continue
		}
		ref := namespace + "/" + name
		if !s.knownNamespace(namespace, i.Metadata.Namespace.Span) || !s.in(i.Spec.In) {
			s.elsewhere[ref] = true
			continue
		}
		n, _ := s.plan.Namespace(namespace)
		entry, _ := s.namespaceEntry(namespace)
		label := cmp.Or(string(entry.NameLabel.Value), string(s.spec.NameLabel.Value), "app.kubernetes.io/name")
		w := plan.Workload{
			Namespace: namespace, Name: name, Owner: cmp.Or(i.Spec.Owner.Value, n.Owner),
			Selector: object.NewSelector(object.Equals(label, name)), DNS: true, Span: i.Metadata.Name.Span,
			HostNetwork: i.Spec.HostNetwork.Value,
		}
		if i.Spec.Selector != nil {
			w.Selector = i.Spec.Selector.Selector
		}
		if i.Spec.DNS.Given() {
			w.DNS = i.Spec.DNS.Value
		}
		for _, p := range i.Spec.Ports {
			w.Ports = append(w.Ports, plan.NamedPort{Name: string(p.Key.Value), Ports: portNumbers(p.Value)})
		}
		slices.SortFunc(w.Ports, func(a, b plan.NamedPort) int { return cmp.Compare(a.Name, b.Name) })
		s.plan.Workloads = append(s.plan.Workloads, w)
	}
	slices.SortStableFunc(s.plan.Workloads, func(a, b plan.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for i, w := range s.plan.Workloads {
		s.workloads[w.Ref()] = i
	}
}

func portNumbers(list []At[PortNumber]) []plan.Port {
	all := make([]plan.Port, len(list))
	for i, p := range list {
		all[i] = p.Value.Port
	}
	return plan.NormalPorts(all)
}
