package compiler

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/render"
	"portcullis.dev/policies/diag"
)

// render renders compiled plans: of each all objects, or, where one flow alone is asked about, those
// that can decide it.
func (o Options) render(c compiled) (*render.Rendering, diag.List, error) {
	q, err := language.ParseQuestion(o.Flow)
	if o.Flow == "" || err != nil {
		return o.shared.render(c.plans, c.components, o.Child)
	}
	near := &render.Rendering{}
	var found diag.List
	for _, p := range c.plans {
		namespaces, known := nearFlow(p, q)
		if !known {
			return o.shared.render(c.plans, c.components, o.Child)
		}
		e, wrong, err := render.Near(p, namespaces, nil, nil)
		if found = append(found, wrong.In(p.Environment)...); err != nil {
			return nil, found, err
		}
		near.Environments = append(near.Environments, *e)
	}
	return near, found, nil
}

// nearFlow lists the namespaces whose objects, beside those of the cluster, hold all that an answer
// about a flow tells; not known where that may be more. A policy elsewhere selects nobody at the
// ends, but asks for pods there, of which an answer knows those that a workload's line names.
func nearFlow(p *plan.Plan, q language.Question) (namespaces []string, known bool) {
	if len(p.Components) > 0 || q.Ends[0].Of != nil {
		return nil, false
	}
	for _, end := range []language.Peer{q.From.Peer, q.To.Peer} {
		n, listed := p.Namespace(end.Namespace)
		asksAtHome := listed && n.Governed && !n.Pattern && n.Name != p.Cluster.DNS.Namespace
		if !asksAtHome || end.Kind == language.WorkloadPeer && !names(p, end) || end.Kind != language.WorkloadPeer && end.Kind != language.SetPeer {
			return nil, false
		}
		namespaces = append(namespaces, n.Name)
	}
	for _, f := range p.Flows {
		if !wellKnown(p, f.From, namespaces) || !wellKnown(p, f.To, namespaces) {
			return nil, false
		}
	}
	return namespaces, true
}

// names reports whether an end of a question is the pods of one workload of a plan.
func names(p *plan.Plan, end language.Peer) bool {
	return slices.ContainsFunc(p.Workloads, func(w plan.Workload) bool {
		return w.Namespace == end.Namespace && w.Name == end.Name && !w.HostNetwork
	})
}

// wellKnown reports whether an end of a flow, where it may have pods in some namespaces, is all pods of
// those or those of workloads: pods that are known without asking what policies ask.
func wellKnown(p *plan.Plan, end plan.End, namespaces []string) bool {
	switch {
	case end.Pods == nil || len(end.Pods.Selector) == 0:
		return true
	case end.Pods.Namespace != "" && !slices.Contains(namespaces, end.Pods.Namespace):
		return true
	case end.Pods.Namespace == "":
		return false
	}
	selector := end.Pods.Selector.String()
	return slices.ContainsFunc(p.Workloads, func(w plan.Workload) bool {
		return w.Namespace == end.Pods.Namespace && !w.HostNetwork && w.Selector.String() == selector
	})
}
