package compiler

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/packet"
)

// reachWorlds prepares the worlds that a map is drawn of, with what people call addresses there,
// and with places.
func (e *Explained) reachWorlds() []*reach.World {
	lines := linesOf(e.Report.Sources)
	all := make([]*reach.World, len(e.Worlds))
	for i, w := range e.Worlds {
		all[i] = &reach.World{World: w, Peers: e.addressPeers(i), Lines: lines, Locate: func(p *explain.Place) {
			if p.Span.IsZero() && !p.Subject.Object.IsZero() {
				p.Span = e.places[i](p.Subject)
			}
		}}
	}
	return all
}

// addressPeers lists for a map the @names that are addresses in an environment.
func (e *Explained) addressPeers(i int) []reach.Peer {
	if e.repo == nil {
		return nil
	}
	names := []string{"internet", "nodes"}
	for _, p := range e.repo.Platform.Spec.Peers {
		names = append(names, string(p.Key.Value))
	}
	w := e.Worlds[i]
	w.Peers = map[string]explain.Named{}
	var all []reach.Peer
	for _, name := range names {
		named := e.named(i, name)
		w.Peers[name] = named
		var of packet.Addresses
		pods := false
		for _, end := range named.Ends {
			of = of.Union(packet.AddressesOf(plan.Ranges(end.Blocks)...))
			pods = pods || end.Pods != nil
		}
		if !pods && !of.IsEmpty() {
			all = append(all, reach.Peer{Name: "@" + name, Addresses: of})
		}
	}
	return all
}

// linesOf looks up source lines, which a map shows beside its own.
func linesOf(files map[string][]byte) func(string, int) string {
	split := map[string][]string{}
	return func(file string, line int) string {
		if split[file] == nil {
			split[file] = strings.Split(string(files[file]), "\n")
		}
		if line < 1 || line > len(split[file]) {
			return ""
		}
		text := strings.TrimSpace(split[file][line-1])
		const most = 200
		if runes := []rune(text); len(runes) > most {
			text = string(runes[:most]) + "…"
		}
		return text
	}
}

// Map says who can reach whom; with denied, who cannot.
func (e *Explained) Map(denied bool) *reach.Map {
	var relations []*reach.Relation
	for _, w := range e.reachWorlds() {
		relations = append(relations, reach.Of(w, reach.MembersOf(w)))
	}
	m := reach.Draw(relations, denied)
	m.Groups = e.groups()
	if e.repo != nil {
		m.Repository.Name = string(e.repo.Platform.Metadata.Name.Value)
	}
	m.Missing = e.beyond()
	return m
}

// groups lists for a map the environments of each group, as the Platform calls them.
func (e *Explained) groups() map[string][]string {
	all := map[string][]string{}
	if e.repo == nil || e.repo.Platform == nil {
		return all
	}
	known := map[string]bool{}
	for _, w := range e.Worlds {
		known[w.Environment] = true
	}
	for _, x := range e.repo.Platform.Spec.Environments {
		if group := string(x.Value.Group.Value); group != "" && known[string(x.Key.Value)] {
			all[group] = append(all[group], string(x.Key.Value))
		}
	}
	return all
}

// beyond says of which pods a map has nothing to tell, since nothing is closed there.
func (e *Explained) beyond() []string {
	all := []string{}
	if e.repo == nil || e.repo.Platform == nil {
		return all
	}
	staged, open := map[string][]string{}, map[string][]string{}
	for _, p := range e.plans {
		for _, n := range p.Namespaces {
			switch {
			case n.Governed || n.Pattern || n.System:
			case n.Staged:
				staged[n.Name] = append(staged[n.Name], p.Environment)
			default:
				open[n.Name] = append(open[n.Name], p.Environment)
			}
		}
	}
	names := maps.Clone(staged)
	maps.Copy(names, open)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var words []string
		if in := staged[name]; in != nil {
			words = append(words, "staged"+inWords(in, len(e.plans)))
		}
		if in := open[name]; in != nil {
			words = append(words, "not governed"+inWords(in, len(e.plans)))
		}
		all = append(all, name+" ("+strings.Join(words, ", ")+")")
	}
	if slices.ContainsFunc(e.plans, func(p *plan.Plan) bool { return !p.DenyUnknown }) {
		all = append(all, "namespaces that are not listed (unknownNamespaces: open)")
	}
	return all
}

// inWords names the environments in which a map says nothing of pods, where those are not all.
func inWords(in []string, of int) string {
	if len(in) == of {
		return ""
	}
	return " in " + strings.Join(in, ", ")
}
