package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// agreed returns the ports of a claim on which both sides agree, as the handshake between their
// namespaces asks, and complains where the other side's line is missing.
func (s *resolver) agreed(c *claim, answers acceptances) []plan.Port {
	if c.home == nil || !c.from.pods() || !c.to.pods() {
		return c.ports // the Platform asks nobody, and addresses cannot be asked
	}
	from, to := c.from.namespace, c.to.namespace
	if from == to && from != "" {
		return c.ports
	}
	mode := s.handshake(c.from, c.to)
	if mode == language.Either || c.far().set() && !s.anyHeld(*c.far().end.Pods) {
		return c.ports
	}
	outbound := c.line.from == nil
	if far := c.far(); far.set() {
		if !outbound && mode == language.Callee {
			return c.ports // who may call is the callee's own business
		}
		s.add(setCannotAccept.At(far.span, "%s cannot agree to this flow", far.end.Name).
			Because("a set has no intent in which its owners could accept, and the handshake between the namespaces is %s", mode).
			Suggest("name the workloads one by one, or ask the platform team for handshake: either or a Platform flow"))
		return nil
	}
	if outbound && !s.agreements[to].held || !outbound && mode == language.Both && !s.agreements[from].held {
		return c.ports // nobody there is held to anything, so nobody need accept
	}
	if !outbound && mode == language.Callee {
		return c.ports
	}
	accepted := answers.of(s, c, mode)
	other := c.far().workload
	if missing := plan.SubtractPorts(c.ports, accepted); len(missing) > 0 && (other == nil || !s.misread[other.Ref()]) {
		s.add(s.oneSided(c, missing, outbound, mode))
	}
	if outbound && mode == language.Callee {
		return nil // the callee's own line opens it
	}
	return plan.IntersectPorts(c.ports, accepted)
}

// handshake returns the stricter of two namespaces' settings; a set over many namespaces is held
// to the strictest that it could meet.
func (s *resolver) handshake(from, to party) language.Handshake {
	mode := language.Either
	for _, p := range []party{from, to} {
		if p.namespace != "" {
			mode = max(mode, s.agreements[p.namespace].handshake)
			continue
		}
		for _, n := range s.plan.Namespaces {
			if s.agreements[n.Name].held && p.end.Pods.In(n) {
				mode = max(mode, s.agreements[n.Name].handshake)
			}
		}
	}
	return mode
}

// anyHeld reports whether a set has a namespace in which policies hold pods to what was agreed.
func (s *resolver) anyHeld(set plan.Pods) bool {
	return slices.ContainsFunc(s.plan.Namespaces, func(n plan.Namespace) bool { return s.agreements[n.Name].held && set.In(n) })
}

// acceptances are the claims that can answer another one: by the workload whose
// intent makes them, and by whether they ask for a way out.
type acceptances map[acceptor][]*claim

type acceptor struct {
	workload string
	outbound bool
}

// add keeps an intent's claim, by which it may accept one of the other side.
func (a acceptances) add(s *resolver, c *claim) {
	if c.home != nil {
		key := acceptor{s.identity(c.home), c.line.from == nil}
		a[key] = append(a[key], c)
	}
}

// of returns the ports that the other side's lines accept between the same pair.
func (a acceptances) of(s *resolver, c *claim, mode language.Handshake) []plan.Port {
	outbound := c.line.from == nil
	asked, asking := c.to.workload, c.from.workload
	if !outbound {
		asked, asking = asking, asked
	}
	var ports []plan.Port
	for _, other := range a[acceptor{s.identity(asked), !outbound}] {
		far := other.far()
		named := far.workload != nil && asking != nil && s.identity(far.workload) == s.identity(asking)
		if named || mode != language.Both && far.set() && asking != nil && s.inSet(asking, *far.end.Pods) {
			ports = append(ports, other.ports...)
		}
	}
	return ports
}

// oneSided says of a flow that one side alone agreed to what the other side must write.
func (s *resolver) oneSided(c *claim, missing []plan.Port, outbound bool, mode language.Handshake) diag.Diagnostic {
	other, field, key, named := c.to.workload, "inbound", "from", c.from.end.Name
	verb := "accepted"
	if !outbound {
		other, field, key, named = c.from.workload, "outbound", "to", c.to.end.Name
		verb = "asked for"
	}
	terms := yamltext.Map{{Key: key, Value: named}, {Key: "ports", Value: s.portWords(*c.to.workload, missing)}}
	if len(c.line.terms.In) > 0 {
		terms = append(terms, yamltext.Field{Key: "in", Value: yamltext.Strings(language.Words(c.line.terms.In))})
	}
	paste := "- " + yamltext.Line(terms)
	return oneSided.At(c.far().span, "%s has not %s %s → %s on %s", other.Ref(), verb, c.from.end.Name, c.to.end.Name, plan.FormatPorts(missing)).
		Because("the handshake between namespaces %s and %s is %s", c.from.workload.Namespace, c.to.workload.Namespace, mode).
		See(other.Span, "%s is described here", other.Ref()).
		Suggest("add to spec.%s of %s:\n\n    %s", field, other.Ref(), paste)
}
