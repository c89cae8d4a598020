package facts

import (
	"net/netip"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
)

// Servers outside that anybody may ask for names, one of each family, and one that
// stands for the servers that the DNS pods ask in their turn. Where policies tell them
// from other addresses, another takes their place.
var (
	outside  = []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888")}
	upstream = netip.MustParseAddr("1.1.1.1")
)

// clientProbes makes the probes that ask about name resolution from an endpoint's side.
func (a *asker) clientProbes(e *population.Pods, egress meaning.Governed) []*Probe {
	probes := []*Probe{}
	dns := a.plan.Cluster.DNS
	ask := func(purpose string, to meaning.Peer, name string, port int) {
		for _, protocol := range dnsProtocols {
			probes = append(probes, a.probe(purpose, meaning.Pod(e.Endpoint), to, name, protocol, port))
		}
	}
	for _, server := range a.known.DNS {
		ask("resolve", meaning.Pod(server.Endpoint), server.Ref(), dns.Port)
		if wearing := a.wearing[server]; wearing != nil {
			a.doubt(probes[len(probes)-len(dnsProtocols):], e, wearing, dns.Port)
		}
	}
	for _, address := range dns.NodeLocal {
		ask("node-local", meaning.Address(address), address.String(), dnsPort)
	}
	anywhere := a.world.anywhere(e, egress)
	for _, sample := range outside {
		for _, protocol := range dnsProtocols {
			address := anywhere(sample, protocol)
			probes = append(probes, a.probe("anywhere", meaning.Pod(e.Endpoint), meaning.Address(address), address.String(), protocol, dnsPort))
		}
	}
	ask("look-alike", meaning.Pod(a.known.Stranger.Endpoint), a.known.Stranger.Ref(), dns.Port)
	return probes
}

// doubt makes probes unknown that do not pass to the DNS pods that are assumed, and may pass to
// them with labels that nobody wrote down: who asks for one of those more has seen them. What
// passes is not doubted, for a rule that denies by another label is not about them.
func (a *asker) doubt(probes []*Probe, e *population.Pods, wearing *meaning.Endpoint, port int) {
	for i := range probes {
		if probes[i].Egress.Verdict != meaning.Denied.String() {
			continue
		}
		half := a.walks.WalkHalf(a.packet(meaning.Pod(e.Endpoint), meaning.Pod(wearing), dnsProtocols[i], port), meaning.Egress)
		if half.Outcome == meaning.Unknown {
			probes[i].Egress = a.half(half)
		}
	}
}

// probesAlike shares a pod's client probes with those of its class in its namespace: the first
// one's are computed.
func (a *asker) probesAlike(known map[string][]*Probe, e *population.Pods, egress meaning.Governed) []*Probe {
	class, named := a.likeness.sender(e, egress)
	if probes, asked := known[class]; named && asked {
		return probes
	}
	probes := a.clientProbes(e, egress)
	if named {
		known[class] = probes
	}
	return probes
}

// serverProbes makes the probes of the DNS pods: whether they let clients in, and reach their
// upstream. Of the clients that get the same answer for the same reason, the first stands for all.
func (a *asker) serverProbes(server *population.Pods, egress meaning.Governed) []*Probe {
	probes := []*Probe{}
	for _, protocol := range dnsProtocols {
		type answer struct {
			verdict string
			by      Reference
		}
		seen := map[answer]bool{}
		heard := map[string]bool{} // classes
		for _, e := range a.known.All {
			class, named := a.likeness.client(e, server)
			if e.Kind == population.DNS || named && heard[class] {
				continue
			}
			heard[class] = true
			half := a.half(a.walks.WalkHalf(a.packet(meaning.Pod(e.Endpoint), meaning.Pod(server.Endpoint), protocol, a.plan.Cluster.DNS.Port), meaning.Ingress))
			if key := (answer{half.Verdict, half.By}); !seen[key] {
				seen[key] = true
				p := a.probe("resolve", meaning.Pod(e.Endpoint), meaning.Pod(server.Endpoint), server.Ref()+" from "+e.Ref(), protocol, a.plan.Cluster.DNS.Port)
				probes = append(probes, p)
			}
		}
	}
	for _, protocol := range dnsProtocols {
		address := a.world.upstream(server, egress, upstream, protocol)
		probes = append(probes, a.probe("upstream", meaning.Pod(server.Endpoint), meaning.Address(address), address.String(), protocol, dnsPort))
	}
	return probes
}

// packet makes the packet of a probe.
func (a *asker) packet(from, to meaning.Peer, protocol meaning.Protocol, port int) meaning.Packet {
	return meaning.Packet{From: from, To: to, Protocol: protocol, Port: uint16(port)}
}

// probe walks one packet, and states the verdict on both halves with what decided it.
func (a *asker) probe(purpose string, from, to meaning.Peer, name string, protocol meaning.Protocol, port int) *Probe {
	v := a.walks.Walk(a.packet(from, to, protocol, port))
	return &Probe{
		Purpose: purpose, To: name, Protocol: protocol.String(), Port: port,
		Egress: a.half(v.Egress), Ingress: a.half(v.Ingress),
	}
}

// half states the verdict of a probe on one half, and the rule or end of a tier that decided it.
func (a *asker) half(h meaning.Half) Half {
	return Half{Verdict: h.Outcome.String(), Cause: a.cause(h), Tier: h.By.Tier, By: reference(h.By), Reason: h.By.Reason, Everything: a.opens(h)}
}

// opens reports whether a probe's packet passes by a rule that asks nothing.
func (a *asker) opens(h meaning.Half) bool {
	return h.Outcome == meaning.Allowed && h.By.Cause == meaning.ByRule && a.open[reference(h.By)]
}

// cause tells what stops a probe's packet, if it does: a rule that denies it, or may, the end of a
// tier, or neither.
func (a *asker) cause(h meaning.Half) string {
	switch {
	case h.Outcome == meaning.Allowed:
		return "none"
	case h.By.Cause == meaning.ByTierEnd:
		return "tier-end"
	case h.By.Cause == meaning.ByRule && (h.Outcome == meaning.Denied || a.denies(h.By)):
		return "deny"
	}
	return "none"
}

// denies reports whether the rule that decided a probe is one that denies.
func (a *asker) denies(by meaning.Decision) bool {
	for _, p := range a.policies[by.Policy.Namespace] {
		if p.ID != by.Policy {
			continue
		}
		for _, rules := range p.Rules {
			for i := range rules {
				if rules[i].Pointer == by.Pointer {
					return rules[i].Action == meaning.Deny
				}
			}
		}
	}
	return false
}
