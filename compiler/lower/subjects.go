package lower

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// half is one flow seen from one of its ends.
type half struct {
	egress  bool
	peer    plan.End
	ports   []plan.Port
	origins []plan.Origin
}

// subject is pods of one namespace at which flows begin or end: a workload's, or
// those of a set.
type subject struct {
	namespace plan.Namespace
	workload  string // its name, empty for a set
	intent    string // namespace/name of the workload, empty for a set
	owner     string
	selector  object.Selector
	text      string // the selector's
	span      diag.Span
	halves    []half
}

// subjectsOf distributes flows over the pods at their ends. Ends that are
// addresses, or pods of namespaces that are neither governed nor staged, get
// nothing: no policy of ours selects them. A set whose pods in a namespace are by
// its selector a workload's is that workload there: a namespace made after a pattern
// has the intents of the pattern as its own, and would have all they say twice. Those of namespaces
// that are not asked for are left out.
func subjectsOf(p *plan.Plan, asked func(namespace string) bool) []*subject {
	type workload struct {
		*plan.Workload
		ref, text string
	}
	type key struct{ namespace, workload, selector string }
	size := 0
	for i := range p.Workloads {
		if asked(p.Workloads[i].Namespace) {
			size++
		}
	}
	workloads := make(map[string]workload, size)
	byPods := make(map[key]workload, size)
	for i := range p.Workloads {
		w := workload{Workload: &p.Workloads[i]}
		if !asked(w.Namespace) {
			continue
		}
		w.ref, w.text = w.Ref(), w.Selector.String()
		workloads[w.ref] = w
		pods := key{namespace: w.Namespace, selector: w.text}
		if _, shared := byPods[pods]; !shared && !w.HostNetwork {
			byPods[pods] = w
		}
	}
	var all []*subject
	index := make(map[key]*subject, size)
	find := func(n plan.Namespace, end plan.End) *subject {
		text := end.Pods.Selector.String()
		at := key{namespace: n.Name, selector: text}
		w, named := workloads[end.Name]
		if !named || w.Namespace != end.Pods.Namespace || w.text != text {
			w, named = byPods[at]
		}
		if named {
			at = key{workload: w.ref}
		}
		if known, ok := index[at]; ok {
			return known
		}
		s := &subject{namespace: n, owner: n.Owner, selector: end.Pods.Selector, text: text}
		if named {
			s.workload, s.intent, s.owner, s.span = w.Name, w.ref, w.Owner, w.Span
		}
		index[at] = s
		all = append(all, s)
		return s
	}
	at := func(end plan.End, h half) {
		if end.Pods == nil || end.Pods.Namespace != "" && !asked(end.Pods.Namespace) {
			return
		}
		for _, n := range namespacesOf(p, *end.Pods) {
			if (n.Governed || n.Staged) && !n.Pattern && asked(n.Name) {
				s := find(n, end)
				s.halves = append(s.halves, h)
			}
		}
	}
	for _, f := range p.Flows {
		at(f.From, half{true, f.To, f.Ports, f.Origins})
		at(f.To, half{false, f.From, f.Ports, f.Origins})
	}
	return all
}

// namespacesOf lists the namespaces of the plan in which a subject's pods may be.
func namespacesOf(p *plan.Plan, pods plan.Pods) []plan.Namespace {
	if pods.Namespace != "" {
		n, ok := p.Namespace(pods.Namespace)
		if !ok {
			return nil
		}
		return []plan.Namespace{n}
	}
	var all []plan.Namespace
	for _, n := range p.Namespaces {
		if pods.In(n) {
			all = append(all, n)
		}
	}
	return all
}

// name makes the names of the subject's policies, behind the prefix for workloads or that for
// sets.
func (s *subject) name(workload, set string) string {
	if s.workload != "" {
		return named(workload, s.workload)
	}
	return selected(set, s.selector)
}

// about makes the metadata of a policy for a subject, for the lines of some of its halves, and
// says where it is asked for. A set is no intent's: its policy names those whose lines mean it, and
// is asked for by the first of them. Why is said at its rules.
func (l *lowering) about(s *subject, name string, origins []plan.Origin) (about, diag.Span) {
	intent, span := s.intent, s.span
	if intent == "" {
		intent = l.intents(origins)
	}
	if span.IsZero() {
		span = earliest(origins)
	}
	return about{
		namespace: s.namespace.Name, name: name, intent: intent, owner: s.owner, wave: waveAllows,
	}, span
}

// divide parts the ports of a subject's half into what has ports, or is everything, and control
// messages, which only Calico can tell apart.
func divide(ports []plan.Port) (numbered, control []plan.Port) {
	if !slices.ContainsFunc(ports, plan.Port.IsICMP) {
		return ports, nil
	}
	for _, p := range ports {
		if p.IsICMP() {
			control = append(control, p)
		} else {
			numbered = append(numbered, p)
		}
	}
	return numbered, control
}
