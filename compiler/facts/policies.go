package facts

import (
	"slices"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

// policy states the facts about one policy: tier, order, directions, actions, and the pods that it
// selects.
func (a *asker) policy(p *meaning.Policy) Policy {
	f := Policy{
		Object: p.ID, Tier: p.Tier, OrderGiven: p.OrderGiven, Enforced: p.Live(),
		Ingress: p.Governs[meaning.Ingress], Egress: p.Governs[meaning.Egress],
		IngressRules: count(p.Rules[meaning.Ingress]), EgressRules: count(p.Rules[meaning.Egress]),
		Actions: []string{}, Selects: []string{}, TypesGiven: p.TypesGiven,
	}
	if p.OrderGiven {
		f.Order = p.Order
	}
	for _, rules := range p.Rules {
		for i := range rules {
			if action := rules[i].Action.String(); !slices.Contains(f.Actions, action) {
				f.Actions = append(f.Actions, action)
			}
		}
	}
	slices.Sort(f.Actions)
	candidates := a.known.All
	if p.ID.Namespace != "" {
		candidates = a.known.ByNamespace[p.ID.Namespace]
	} else {
		hosts := a.hosts(p)
		f.SelectsHosts, f.ClosesHosts = len(hosts) > 0, a.closes(p, hosts)
		f.NamespaceSelector = a.written(p.ID, "/spec/namespaceSelector")
	}
	for _, e := range a.fewer(candidates, p) {
		if p.Selects(e) {
			f.Selects = append(f.Selects, e.Ref())
			f.SelectsBare = f.SelectsBare || e.Kind == population.Unlabelled
		}
	}
	slices.Sort(f.Selects)
	f.Selects = slices.Compact(f.Selects)
	for _, e := range a.known.DNS {
		f.SelectsDNS = f.SelectsDNS || p.Selects(e)
	}
	return f
}

// labelled is a label in a namespace; the empty one stands for all of them.
type labelled struct{ namespace, key string }

// fewer narrows the pods that a policy may select to those that have one of the labels that it
// asks for: of the labels, one that the fewest have.
func (a *asker) fewer(candidates []*population.Pods, p *meaning.Policy) []*population.Pods {
	for _, n := range p.Selector().Required() {
		at := labelled{p.ID.Namespace, n.Key}
		byValue, known := a.labelled[at]
		if !known {
			all := a.known.All
			if at.namespace != "" {
				all = a.known.ByNamespace[at.namespace]
			}
			byValue = map[string][]*population.Pods{}
			for _, e := range all {
				if value, has := e.Label(n.Key); has {
					byValue[value] = append(byValue[value], e)
				}
			}
			if a.labelled == nil {
				a.labelled = map[labelled]map[string][]*population.Pods{}
			}
			a.labelled[at] = byValue
		}
		var having []*population.Pods
		for i, value := range n.Values {
			if i == 0 {
				having = slices.Clip(byValue[value])
				continue
			}
			having = append(having, byValue[value]...)
		}
		if len(having) < len(candidates) {
			candidates = having
		}
	}
	return candidates
}

// written returns the text that a policy's manifest has at a place; empty if it has none.
func (a *asker) written(id diag.ObjectID, pointer string) string {
	o, _ := a.set.Get(id)
	value, _ := o.Values().At(pointer)
	text, _ := value.(string)
	return text
}

// count counts the rules that the policy's manifest has: one may be evaluated as several.
func count(rules []meaning.Rule) int {
	n := 0
	for i := range rules {
		if i == 0 || rules[i].Pointer != rules[i-1].Pointer {
			n++
		}
	}
	return n
}

// tier states the facts about one tier of policies: order, what its end does, and how many it
// holds.
func tier(t *meaning.Tier) Tier {
	f := Tier{
		Object: t.ID, Name: t.Name, Order: t.Order, OrderGiven: t.OrderGiven,
		DefaultAction: "Deny", Defined: t.Defined, Policies: len(t.Policies),
	}
	if t.PassAtEnd {
		f.DefaultAction = "Pass"
	}
	return f
}
