package facts

import (
	"strings"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// Where OpenShift resolves names (its DNS operator's pods): the namespace, the port on which the
// pods listen, and both as --dns takes them.
const (
	openShiftNamespace = "openshift-dns"
	openShiftPort      = 5353
	openShiftDNS       = openShiftNamespace + "/dns.operator.openshift.io/daemonset-dns=default:5353"
)

// note keeps what the rules of a policy for egress say by themselves: which let everything
// through, and whether one is meant for OpenShift's DNS, though others are said to resolve names.
func (a *asker) note(p *meaning.Policy) {
	for i := range p.Rules[meaning.Egress] {
		r := &p.Rules[meaning.Egress][i]
		if r.Action != meaning.Allow {
			continue
		}
		if r.MatchesAll() {
			a.open[Reference{Object: p.ID, Pointer: r.Pointer}] = true
		}
		if a.plan.Cluster.DNS.Namespace != openShiftNamespace && isForOpenShift(&r.Destination) {
			a.elsewhere = openShiftDNS
		}
	}
}

// isForOpenShift reports whether an egress rule is meant for OpenShift's DNS, by its port or its
// selector.
func isForOpenShift(to *meaning.Entity) bool {
	for _, p := range to.Ports {
		if p.Name == "" && p.First == openShiftPort && p.Last == openShiftPort {
			return true
		}
	}
	return to.Selector != nil && namesOpenShift(to.Selector.Root())
}

// namesOpenShift reports whether an egress rule's selector asks for the namespace of OpenShift's
// DNS by its name.
func namesOpenShift(n *selector.Node) bool {
	if of, _ := meaning.LabelOf(n.Key); of == meaning.NamespaceName && (n.Op == selector.OpEqual || n.Op == selector.OpIn) {
		return strings.Join(n.Values, "") == openShiftNamespace
	}
	if n.Op != selector.OpAnd && n.Op != selector.OpOr {
		return false
	}
	for i := range n.Kids {
		if namesOpenShift(&n.Kids[i]) {
			return true
		}
	}
	return false
}
