package meaning

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/api/pkg/lib/numorstring"
	"k8s.io/apimachinery/pkg/util/validation"

	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
	"portcullis.dev/policies/yamltext"
)

// icmpByNumber is the release whose validators know ICMP as protocol 1 or 58 too.
const icmpByNumber = 33

// calicoRules reads the ingress or the egress rules of a Calico policy, or of a profile.
func (r *reader) calicoRules(written []calico.Rule, d Direction) []Rule {
	var rules []Rule
	for i, w := range written {
		rules = append(rules, r.calicoRule(w, item("/spec/"+d.String(), i), d))
	}
	return rules
}

// calicoRule reads one rule of a Calico policy, and reports the criteria that Calico refuses.
func (r *reader) calicoRule(w calico.Rule, pointer string, d Direction) Rule {
	rule := Rule{Pointer: pointer, Action: r.action(w.Action, pointer), HTTP: w.HTTP != nil}
	rule.Protocol = r.protocol(w.Protocol, pointer+"/protocol")
	rule.NotProtocol = r.protocol(w.NotProtocol, pointer+"/notProtocol")
	rule.ICMP = r.icmp(w.ICMP, pointer+"/icmp")
	rule.NotICMP = r.icmp(w.NotICMP, pointer+"/notICMP")
	if w.ICMP != nil && (!isICMP(rule.Protocol) || w.Protocol.Type == numorstring.NumOrStringNum && r.cluster.CalicoMinor < icmpByNumber) {
		r.add(badPort.On(r.at(pointer+"/icmp"), "icmp without protocol ICMP or ICMPv6").
			Suggest("add the protocol by its name"))
	}
	rule.Source = r.entity(w.Source, pointer+"/source", d == Egress)
	rule.Destination = r.entity(w.Destination, pointer+"/destination", d == Ingress)
	rule.Family = r.families(w, &rule, pointer)
	r.portProtocol(w, &rule, pointer)
	r.http(w, pointer, d)
	return rule
}

// action reads a Calico rule's action as Calico stores it: in lower case, where none is Allow.
func (r *reader) action(a calico.Action, pointer string) Action {
	for _, known := range []Action{Allow, Deny, Pass, Log} {
		if string(a) == known.String() {
			return known
		}
	}
	r.add(badAction.On(r.at(pointer+"/action"), "the action %q is none of Allow, Deny, Log and Pass", string(a)).
		Respell(inCase(string(a), "Allow", "Deny", "Log", "Pass")))
	switch strings.ToLower(string(a)) {
	case "", "allow":
		return Allow
	case "deny":
		return Deny
	case "log":
		return Log
	case "next-tier":
		return Pass
	}
	r.drop("it has a rule without a valid action")
	return Log
}

// protocol reads the protocol of a Calico rule, by name or by number. One that does not exist
// drops the policy.
func (r *reader) protocol(p *numorstring.Protocol, pointer string) *Protocol {
	if p == nil {
		return nil
	}
	bad := func() {
		r.add(badPort.On(r.at(pointer), "the protocol %q is none of TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite and 1 to 255", p.String()))
	}
	if n, err := (*numorstring.Uint8OrString)(p).NumValue(); err == nil {
		if n == 0 {
			bad()
		}
		protocol := Protocol(n)
		return &protocol
	}
	protocol, ok := packet.ProtocolNamed(p.StrVal)
	if !ok || protocol.String() != p.StrVal {
		bad()
	}
	if !ok {
		r.drop("it has a rule with a protocol that does not exist")
	}
	return &protocol
}

// isICMP reports whether a rule's protocol is one of those that icmp may stand beside.
func isICMP(p *Protocol) bool { return p != nil && (*p == ICMP || *p == ICMPv6) }

// icmp reads ICMP type and code of a Calico rule; Felix ignores a code without a type.
func (r *reader) icmp(f *calico.ICMPFields, pointer string) *ICMPMatch {
	if f == nil {
		return nil
	}
	if f.Type == nil {
		if f.Code != nil {
			r.add(badPort.On(r.at(pointer+"/code"), "an ICMP code without a type"))
		}
		return nil
	}
	if *f.Type < 0 || *f.Type > 254 {
		r.add(badPort.On(r.at(pointer+"/type"), "the ICMP type %d is not 0 to 254", *f.Type))
	}
	m := &ICMPMatch{Type: uint8(*f.Type)}
	if f.Code != nil {
		if *f.Code < 0 || *f.Code > 255 {
			r.add(badPort.On(r.at(pointer+"/code"), "the ICMP code %d is not 0 to 255", *f.Code))
		}
		code := uint8(*f.Code)
		m.Code = &code
	}
	return m
}

// families reads a Calico rule's ipVersion, and reports ranges and protocols that contradict it.
func (r *reader) families(w calico.Rule, rule *Rule, pointer string) int {
	version := 0
	if w.IPVersion != nil {
		version = *w.IPVersion
	}
	if version != 0 && version != 4 && version != 6 || w.IPVersion != nil && version == 0 {
		r.add(badPort.On(r.at(pointer+"/ipVersion"), "the ipVersion %d is neither 4 nor 6", version))
	}
	for _, p := range []*Protocol{rule.Protocol, rule.NotProtocol} {
		if p != nil && (*p == ICMP && version == 6 || *p == ICMPv6 && version == 4) {
			r.add(badPort.On(r.at(pointer+"/ipVersion"), "%s with ipVersion %d", *p, version))
		}
	}
	var has4, has6 bool
	for _, nets := range [][]netip.Prefix{rule.Source.Nets, rule.Source.NotNets, rule.Destination.Nets, rule.Destination.NotNets} {
		for _, n := range nets {
			has4 = has4 || n.Addr().Is4()
			has6 = has6 || n.Addr().Is6()
		}
	}
	switch {
	case has4 && has6:
		r.add(badCIDR.On(r.at(pointer), "one rule has IPv4 and IPv6 ranges").
			Suggest("write one rule for each family"))
	case has4 && version == 6, has6 && version == 4:
		r.add(badCIDR.On(r.at(pointer+"/ipVersion"), "the ranges are not of ipVersion %d", version))
	}
	return version
}

// entity reads a Calico rule's source or destination; own is the end that the policy governs.
func (r *reader) entity(e calico.EntityRule, pointer string, own bool) Entity {
	out := Entity{
		Nets: r.nets(e.Nets, pointer+"/nets"), NotNets: r.nets(e.NotNets, pointer+"/notNets"),
		Ports: r.ports(e.Ports, pointer+"/ports"), NotPorts: r.ports(e.NotPorts, pointer+"/notPorts"),
		Selector: r.entitySelector(e, pointer),
	}
	for i, n := range out.NotNets {
		if n.Bits() == 0 {
			r.add(badCIDR.On(r.at(item(pointer+"/notNets", i)), "%s excludes every address of its family", n).
				Because("Calico refuses a rule that cannot match").Suggest("leave the rule out"))
		}
	}
	if e.NotSelector != "" {
		s, ok := r.selector(e.NotSelector, pointer+"/notSelector", false)
		if !ok {
			r.drop("a rule's notSelector does not parse")
		}
		out.NotSelector = &s
	}
	if e.Services != nil {
		out.Service = &ServiceMatch{Namespace: e.Services.Namespace, Name: e.Services.Name}
		r.services(e, pointer+"/services", own)
	}
	out.seal()
	return out
}

// entitySelector combines selector, namespaceSelector and serviceAccounts of a Calico rule's
// source or destination (libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go). In a
// namespaced policy any of them, or notSelector, limits the rule to the policy's namespace.
func (r *reader) entitySelector(e calico.EntityRule, pointer string) *selector.Selector {
	var terms []selector.Selector
	read := func(text, field string, mayBeGlobal bool) selector.Selector {
		s, ok := r.selector(text, pointer+field, mayBeGlobal)
		if !ok {
			r.drop("a rule's selector does not parse")
		}
		return s
	}
	if e.Selector != "" {
		terms = append(terms, read(e.Selector, "/selector", false))
	}
	if a := e.ServiceAccounts; a != nil {
		if a.Selector != "" {
			terms = append(terms, read(a.Selector, "/serviceAccounts/selector", false).Prefixed(accountPrefix))
		}
		if len(a.Names) > 0 {
			terms = append(terms, selector.In(labelServiceAccount, a.Names))
		}
	}
	switch {
	case e.NamespaceSelector != "":
		s := read(e.NamespaceSelector, "/namespaceSelector", true).Prefixed(namespacePrefix)
		terms = append(terms, s.Replacing(selector.OpAll, selector.Has(labelNamespace)).Replacing(selector.OpGlobal, selector.Not(selector.Has(labelNamespace))))
	case r.id.Namespace != "" && (len(terms) > 0 || e.NotSelector != ""):
		terms = append(terms, selector.Equals(labelNamespace, r.id.Namespace))
	case len(terms) == 0:
		return nil
	}
	s := selector.And(terms...)
	return &s
}

// nets reads nets or notNets of a Calico rule, which have to be in canonical form.
func (r *reader) nets(texts []string, pointer string) []netip.Prefix {
	var nets []netip.Prefix
	for i, text := range texts {
		n, ok := r.network(text, item(pointer, i))
		if !ok {
			continue
		}
		if !canonical(text) {
			f := badCIDR.On(r.at(item(pointer, i)), "%q is not a network in canonical form", text).
				Because("Calico refuses an address without a length or with host bits in a rule").
				Suggest("write %s", n)
			if !strings.Contains(text, "/") { // of host bits nobody knows whether they or the length are meant
				f = f.Respell(oneHost(n))
			}
			r.add(f)
		}
		nets = append(nets, n)
	}
	return nets
}

// ports reads ports or notPorts of a Calico rule: numbers, ranges, and names of ports.
func (r *reader) ports(written []numorstring.Port, pointer string) []PortMatch {
	var ports []PortMatch
	for i, p := range written {
		switch {
		case p.PortName != "" && len(validation.IsValidPortName(p.PortName)) > 0:
			r.add(badPort.On(r.at(item(pointer, i)), "%q is neither a port, nor a range, nor a port's name", p.PortName).
				Because("a name has at most 15 lower-case letters, digits and single dashes").
				Suggest("write a range as first:last"))
		case p.PortName == "" && p.MinPort == 0:
			r.add(badPort.On(r.at(item(pointer, i)), "port %s: ports are 1 to 65535", p))
		}
		ports = append(ports, PortMatch{First: p.MinPort, Last: p.MaxPort, Name: p.PortName})
	}
	return ports
}

// portProtocol checks that a Calico rule's ports stand beside a protocol that has ports.
func (r *reader) portProtocol(w calico.Rule, rule *Rule, pointer string) {
	for _, l := range []struct {
		ports []PortMatch
		field string
	}{
		{rule.Source.Ports, "/source/ports"}, {rule.Source.NotPorts, "/source/notPorts"},
		{rule.Destination.Ports, "/destination/ports"}, {rule.Destination.NotPorts, "/destination/notPorts"},
	} {
		for i, p := range l.ports {
			subject := r.at(item(pointer+l.field, i))
			switch {
			case rule.Protocol != nil && !rule.Protocol.HasPorts():
				r.add(badPort.On(subject, "a port with protocol %s, which has none", w.Protocol.String()))
			case rule.Protocol == nil && p.Name == "":
				r.add(badPort.On(subject, "port %s without a protocol", spell(p)).
					Because("Felix drops the whole policy").
					Suggest("add protocol: TCP, UDP or SCTP to the rule"))
				r.drop("a rule has a port without a protocol")
			case rule.Protocol == nil && r.cluster.CalicoMinor < kindTieBreak:
				r.add(badPort.On(subject, "the named port %q without a protocol", p.Name).
					Because("Calico accepts that from 3.32 on").
					Suggest("add protocol: TCP, UDP or SCTP to the rule"))
			}
		}
	}
}

// spell writes ports as a Calico rule does: 80, or 8000:8080.
func spell(p PortMatch) string {
	if p.First == p.Last {
		return strconv.Itoa(int(p.First))
	}
	return strconv.Itoa(int(p.First)) + ":" + strconv.Itoa(int(p.Last))
}

// services checks a Calico rule's match on a Service: at the far end, and alone there. The source
// may have ports beside it, which a Service says nothing about; a destination has those of the
// Service.
func (r *reader) services(e calico.EntityRule, pointer string, own bool) {
	subject := r.at(pointer)
	if own {
		r.add(contradiction.On(subject, "services at the end that the policy governs").
			Because(calicoRefuses).Suggest("use services in the source of ingress rules and in the destination of egress rules"))
	}
	ports := len(e.Ports)+len(e.NotPorts) > 0 && strings.HasSuffix(pointer, "/destination/services")
	if e.Selector != "" || e.NotSelector != "" || e.NamespaceSelector != "" || e.ServiceAccounts != nil ||
		len(e.Nets)+len(e.NotNets) > 0 || ports {
		r.add(contradiction.On(subject, "services beside other conditions on the same end").
			Because(calicoRefuses).Suggest("put them into two rules"))
	}
	switch {
	case e.Services.Name == "":
		r.add(contradiction.On(subject, "services without a name").Because(calicoRefuses))
	case e.Services.Namespace == "" && r.id.Namespace == "":
		r.add(contradiction.On(subject, "services without a namespace in a cluster-wide policy").Because(calicoRefuses))
	case e.Services.Namespace == "":
		r.add(matchesNothing.On(subject, "services without a namespace matches nothing").
			Because("Calico's API says that it means the policy's namespace, but nothing fills that in").
			Suggest("add %s", yamltext.Line(yamltext.Field{Key: "namespace", Value: r.id.Namespace})))
	}
}

// http checks a Calico rule's criteria on requests, which only the application layer evaluates.
func (r *reader) http(w calico.Rule, pointer string, d Direction) {
	if w.HTTP == nil {
		return
	}
	subject := r.at(pointer + "/http")
	refuse := func(format string, args ...any) {
		r.add(contradiction.On(subject, format, args...).Because(calicoRefuses))
	}
	if d == Egress {
		refuse("http in an egress rule")
	}
	if w.Action != calico.Allow {
		refuse("http in a rule whose action is not Allow")
	}
	if w.Protocol != nil && w.Protocol.String() != numorstring.ProtocolTCP {
		refuse("http with protocol %s", w.Protocol.String())
	}
	for i, m := range w.HTTP.Methods {
		if slices.Contains(w.HTTP.Methods[:i], m) {
			refuse("the method %s is written twice", m)
		}
	}
	for _, p := range w.HTTP.Paths {
		path := p.Exact + p.Prefix
		if p.Exact != "" && p.Prefix != "" || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# ") {
			refuse("the path %q: a path is either exact or prefix, begins with / and has no ?, # or space", path)
		}
	}
	r.add(notEvaluated.On(subject, "http criteria are not evaluated: the rule is taken to allow whatever the request").
		Because("without Calico's application layer policy the data plane ignores them"))
}
