package resolve

import (
	"fmt"
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// target is a destination with the ports that a line reaches on it.
type target struct {
	to    party
	ports []plan.Port
}

// ports gives a line's port list its meaning on one destination. To a set, a name
// means each workload in the set that declares it, and a number any pod.
func (s *resolver) ports(list []language.At[language.PortRef], to party) []target {
	switch {
	case to.workload != nil:
		return s.workloadPorts(list, to)
	case to.set():
		return s.setPorts(list, to)
	}
	var all []plan.Port
	for _, p := range list {
		switch {
		case p.Value.Name == "":
			all = append(all, p.Value.Ports...)
		case to.named != nil:
			declared := map[string][]plan.Port{}
			for _, e := range to.named.Ports {
				declared[string(e.Key.Value)] = portNumbers(e.Value)
			}
			if ports, ok := declared[p.Value.Name]; ok {
				all = append(all, ports...)
				continue
			}
			s.add(suggestName(unknownPort.At(p.Span, "%s declares no port called %s", to.end.Name, p.Value.Name),
				p.Span, p.Value.Name, diag.SortedKeys(declared), "its ports are"))
		default:
			s.add(unknownPort.At(p.Span, "addresses have no port called %s", p.Value.Name).
				Suggest("write the number, or give the addresses a name with ports in the Platform's peers"))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []target{{to, plan.NormalPorts(all)}}
}

// workloadPorts gives a port list its meaning on one workload: names and numbers must be ports
// that it declares.
func (s *resolver) workloadPorts(list []language.At[language.PortRef], to party) []target {
	w := to.workload
	if s.misread[w.Ref()] {
		return nil // the port may stand where its intent has a mistake
	}
	var all []plan.Port
	for _, p := range list {
		i := slices.IndexFunc(w.Ports, func(d plan.NamedPort) bool { return d.Name == p.Value.Name })
		switch {
		case p.Value.Name != "" && i >= 0:
			all = append(all, w.Ports[i].Ports...)
		case p.Value.Name != "":
			s.add(suggestName(unknownPort.At(p.Span, "%s declares no port called %s", w.Ref(), p.Value.Name).See(w.Span, "%s is described here", w.Ref()),
				p.Span, p.Value.Name, portNames(w.Ports), "its ports are"))
		case p.Value.Portless() || len(plan.SubtractPorts(p.Value.Ports, allPorts(w.Ports))) == 0:
			all = append(all, p.Value.Ports...)
		default:
			s.add(unknownPort.At(p.Span, "%s does not listen on %s", w.Ref(), plan.FormatPorts(p.Value.Ports)).See(w.Span, "%s is described here", w.Ref()).
				Because("policy sees the pod's own port; a Service's is translated before").
				Suggest("a Service's port? The pods listen on %s", diag.Enumerate(describePorts(w.Ports), "and")))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []target{{to, plan.NormalPorts(all)}}
}

// portNames lists the names of a workload's declared ports.
func portNames(ports []plan.NamedPort) []string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	return names
}

// allPorts collects the numbers of all ports that a workload declares.
func allPorts(ports []plan.NamedPort) []plan.Port {
	var all []plan.Port
	for _, p := range ports {
		all = append(all, p.Ports...)
	}
	return all
}

// describePorts lists a workload's declared ports by name and number, for advice.
func describePorts(ports []plan.NamedPort) []string {
	all := make([]string, len(ports))
	for i, p := range ports {
		all[i] = fmt.Sprintf("%s (%s)", p.Name, plan.FormatPorts(p.Ports))
	}
	return all
}

// setPorts gives a port list its meaning on a set: a name means each workload in it that declares
// the port, a number any pod.
func (s *resolver) setPorts(list []language.At[language.PortRef], to party) []target {
	var numbers []plan.Port
	var all []target
	for _, p := range list {
		if p.Value.Name == "" {
			numbers = append(numbers, p.Value.Ports...)
			continue
		}
		before := len(all)
		for i := range s.plan.Workloads {
			w := &s.plan.Workloads[i]
			member := s.workloadParty(w, to.span)
			declared := slices.IndexFunc(w.Ports, func(d plan.NamedPort) bool { return d.Name == p.Value.Name })
			if declared >= 0 && s.inSet(w, *to.end.Pods) {
				all = append(all, target{member, w.Ports[declared].Ports})
			}
		}
		if len(all) == before {
			s.add(unknownPort.At(p.Span, "no workload in %s declares a port called %s", to.end.Name, p.Value.Name).
				Suggest("write the number, which any pod of the set may listen on, or declare the port in the intents that are meant"))
		}
	}
	if len(numbers) > 0 {
		all = append(all, target{to, plan.NormalPorts(numbers)})
	}
	return all
}

// portWords writes ports by the destination's own names for them, where it has such.
func (s *resolver) portWords(w plan.Workload, ports []plan.Port) yamltext.List {
	var words yamltext.List
	for _, p := range ports {
		word := language.PortValue(p.String())
		for _, d := range w.Ports {
			if len(d.Ports) == 1 && d.Ports[0] == p {
				word = d.Name
			}
		}
		words = append(words, word)
	}
	return words
}

// portNumbers collects the numbers under one name of a workload's declared ports.
func portNumbers(list []language.At[language.PortNumber]) []plan.Port {
	all := make([]plan.Port, len(list))
	for i, p := range list {
		all[i] = p.Value.Port
	}
	return plan.NormalPorts(all)
}
