// Package fix looks for what of a repository turns the verdict of a packet: the fewest lines that
// open its way, or the lines that allow it.
//
// Its invariant: what it says to write was tried. The repository was compiled with it, and the
// packet was found to be treated as it says.
//
// It must not know why a packet is treated as it is.
package fix

import (
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/yamltext"
)

// Fixer tries changes of a repository in one environment.
type Fixer struct {
	Plan       *plan.Plan // of the environment
	Repository *language.Repository
	Files      []language.File               // that it was parsed from
	Parser     *language.Parser              // which knows those files
	Components map[string]overlays.Component // by path
	Child      overlays.Child                // in which components are rendered
	Namespace  string                        // see [resolve.Options]
	AllowEmpty bool
}

// mend finds the fewest lines of the intents, or else of the Platform, that open a packet's way.
// Lines are named only if the repository, compiled with them, was found to allow the packet.
func (f Fixer) mend(k meaning.Packet) explain.Change {
	if c, forbidden := f.forbidden(k); forbidden {
		return c
	}
	var refused []explain.Step // of the smallest change that does not compile
	for _, amendments := range f.candidates(k) {
		files, where, ok := f.amended(amendments)
		if !ok {
			continue
		}
		opens, wrong := f.opens(files, k)
		if !opens && wrong != "" && refused == nil {
			a := amendments[0]
			refused = []explain.Step{{Text: fmt.Sprintf("%s in spec.%s of %s does not compile: %s", yamltext.Line(a.Entry), a.Field, a.of, wrong)}}
		}
		if !opens {
			continue
		}
		both := ""
		if len(amendments) > 1 {
			both = ", all of it"
		}
		c := explain.Change{Aim: explain.ToOpen, Found: true, Text: "add what follows" + both + ". With it, the repository was found to compile and the flow to be allowed."}
		for i, a := range amendments {
			side := "after this line"
			if where[i].Inside {
				side = "before the bracket that closes this"
			}
			c.Steps = append(c.Steps, explain.Step{Text: fmt.Sprintf("to spec.%s of %s, %s", a.Field, a.of, side), At: explain.Place{Span: where[i].After}, Lines: where[i].Lines})
		}
		return c
	}
	c := explain.Change{Aim: explain.ToOpen, Text: "no line was found that does.", Steps: refused}
	for _, p := range []meaning.Peer{k.From, k.To} {
		place := explain.PlaceOf(p)
		if _, listed := f.Plan.Namespace(place.Namespace); place.Namespace != "" && !listed {
			c.Steps = append(c.Steps, explain.Step{Text: fmt.Sprintf("The namespace %s is not one of the Platform's: whoever answers for the Platform lists it first", place.Namespace), At: explain.Place{Span: f.Plan.Platform}})
		}
	}
	return c
}

// forbidden answers where no fix may open the way: a guardrail or quarantine stands in it.
func (f Fixer) forbidden(k meaning.Packet) (explain.Change, bool) {
	from, to, p := explain.PlaceOf(k.From), explain.PlaceOf(k.To), f.Plan
	for _, q := range p.Quarantine {
		if q.End.Has(from) || q.End.Has(to) {
			c := explain.Change{Aim: explain.ToOpen, Text: fmt.Sprintf("no line can while %s is in quarantine (%s). Ask whoever answers for the Platform to end it, here:", q.End.Name, about(q.Why, q.Ticket, q.Until))}
			c.Steps = []explain.Step{{Text: "the quarantine", At: explain.Place{Span: q.Span}}}
			return c, true
		}
	}
	for _, g := range p.Guardrails {
		only := *p
		only.Quarantine, only.Guardrails = nil, []plan.Guardrail{g}
		if !denies(only.Between(from, to).Denied, k) {
			continue
		}
		who := k.From.String()
		if from.Namespace == "" {
			who = k.To.String()
		}
		c := explain.Change{Aim: explain.ToOpen, Text: fmt.Sprintf("no line of an intent can, for the guardrail %s denies it (%s). Ask whoever answers for the Platform to add %s to its unless, here:", g.Name, about(g.Why), who)}
		c.Steps = []explain.Step{{Text: "the guardrail", At: explain.Place{Span: g.Span}}}
		if len(explain.FlowsMeaning(p, k)) == 0 {
			c.Steps = append(c.Steps, explain.Step{Text: "After that a line that means the flow is needed as well; ask again then."})
		}
		return c, true
	}
	return explain.Change{}, false
}

// denies reports whether what a guardrail or quarantine denies includes the packet whose way a fix
// would open.
func denies(denied []plan.Port, k meaning.Packet) bool {
	return plan.PacketsOn(denied).Contains(k.Header())
}

// about joins what the Platform says of a quarantine or guardrail against which no fix helps.
func about(words ...string) string {
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return "no reason is given"
	}
	return strings.Join(words, ", ")
}

// amendment is one of the lines that are tried.
type amendment struct {
	language.Amendment
	of string // what people call the document
}

// candidates lists the fixes that may open a way, the smallest first: a line of the workload that
// is called, which opens both halves; of the one that calls; of both, where both must agree; the
// same with the port declared; a flow of the Platform.
func (f Fixer) candidates(k meaning.Packet) [][]amendment {
	from, to := f.party(k.From), f.party(k.To)
	ports := f.ports(k, to.workload)
	var inbound, outbound, declared []amendment
	line := func(ends ...yamltext.Field) yamltext.Map {
		return append(ends, yamltext.Field{Key: "ports", Value: yamltext.List{ports}})
	}
	end := func(key string, p party, namespace string) yamltext.Field {
		return yamltext.Field{Key: key, Value: p.from(namespace)}
	}
	if w := to.workload; w != nil {
		inbound = []amendment{{language.Amendment{At: w.Span, Field: "inbound", Entry: line(end("from", from, w.Namespace))}, w.Ref()}}
		if k.Protocol.HasPorts() {
			declared = []amendment{{language.Amendment{At: w.Span, Field: "ports", Entry: yamltext.Field{Key: fmt.Sprintf("port-%d", k.Port), Value: ports}}, w.Ref()}}
		}
	}
	if w := from.workload; w != nil {
		outbound = []amendment{{language.Amendment{At: w.Span, Field: "outbound", Entry: line(end("to", to, w.Namespace))}, w.Ref()}}
	}
	platform := []amendment{{language.Amendment{At: f.Plan.Platform, Field: "flows", Entry: line(end("from", from, ""), end("to", to, ""))}, "the Platform"}}
	var all [][]amendment
	for _, lines := range [][]amendment{inbound, outbound, slices.Concat(inbound, outbound)} {
		if len(lines) > 0 {
			all = append(all, lines)
		}
	}
	if len(declared) > 0 {
		for _, lines := range slices.Clone(all) {
			all = append(all, slices.Concat(declared, lines))
		}
	}
	all = append(all, platform)
	if len(declared) > 0 {
		all = append(all, slices.Concat(declared, platform))
	}
	return all
}

// party is an end as a line names it.
type party struct {
	workload *plan.Workload // nil where no intent describes it
	place    plan.Place
	peer     meaning.Peer
	name     string // @nodes
}

// from writes the end of a fix as lines of a namespace name it.
func (p party) from(namespace string) any {
	switch {
	case p.name != "":
		return p.name
	case p.workload != nil && p.workload.Namespace == namespace:
		return p.workload.Name
	case p.workload != nil:
		return p.workload.Ref()
	case p.place.Namespace == "":
		return yamltext.Map{{Key: "cidr", Value: p.place.Address.String()}}
	}
	return yamltext.Map{{Key: "namespace", Value: p.place.Namespace}, {Key: "selector", Value: yamltext.StringMap(p.place.Labels)}}
}

// party finds out how a line of a fix can name an end: as a workload, or as @nodes.
func (f Fixer) party(peer meaning.Peer) party {
	p := party{peer: peer, place: explain.PlaceOf(peer)}
	e := peer.Endpoint
	for i := range f.Plan.Workloads {
		w := &f.Plan.Workloads[i]
		n, _ := f.Plan.Namespace(w.Namespace)
		switch {
		case n.Pattern || e == nil || w.Namespace != e.Namespace || w.HostNetwork != e.HostNetwork:
		case w.HostNetwork && w.Name == e.Name, !w.HostNetwork && w.Selector.Matches(e.Labels):
			p.workload = w
			return p
		}
	}
	if e != nil && e.HostNetwork {
		p.name = "@nodes"
	}
	return p
}

// ports writes the packet's port as a fixing line does, by its name where it has one.
func (f Fixer) ports(k meaning.Packet, w *plan.Workload) any {
	h := k.Header()
	switch {
	case h.Protocol.HasTypes() && plan.PacketsOn(plan.Ping).Contains(h):
		return "ping"
	case h.Protocol.HasTypes():
		return "icmp"
	case !h.Protocol.HasPorts():
		return "any"
	}
	port := plan.Port{Protocol: plan.Protocol(h.Protocol.String()), First: h.Port, Last: h.Port}
	if w != nil {
		for _, d := range w.Ports {
			if plan.PacketsOn(d.Ports).Contains(h) {
				return d.Name
			}
		}
	}
	if port.Protocol == plan.TCP {
		return int(h.Port)
	}
	return port.String()
}

// amended adds the lines of a fix to the repository, and says where they went, as its files were
// before.
func (f Fixer) amended(lines []amendment) (files []language.File, where []language.Amended, ok bool) {
	files, where = slices.Clone(f.Files), make([]language.Amended, len(lines))
	written := 0
	for i := range files {
		var all []language.Amendment
		var of []int
		for n, l := range lines {
			if l.At.File == files[i].Path {
				all, of = append(all, l.Amendment), append(of, n)
			}
		}
		if len(all) == 0 {
			continue
		}
		changed, at, ok := language.Amend(files[i], all...)
		if !ok {
			return nil, nil, false
		}
		files[i] = changed
		for n, place := range at {
			where[of[n]] = place
		}
		written += len(all)
	}
	return files, where, written == len(lines)
}

// opens reports whether a repository compiles and allows the packet, or what is wrong
// with it. Of the environments only the one that was asked about is rendered.
func (f Fixer) opens(files []language.File, k meaning.Packet) (opens bool, wrong string) {
	repo, parsed := f.Parser.Parse(files)
	plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names(), Namespace: f.Namespace, AllowEmpty: f.AllowEmpty})
	for _, d := range slices.Concat(parsed, resolved) {
		if d.Severity == diag.Error {
			wrong = d.Message
			if len(d.Environments) > 0 {
				wrong += " [" + strings.Join(d.Environments, ", ") + "]"
			}
			return false, wrong
		}
	}
	p := plans[slices.IndexFunc(plans, func(p *plan.Plan) bool { return p.Environment == f.Plan.Environment })]
	return f.outcome(p, k) == meaning.Allowed, ""
}

// outcome walks a packet through what an environment of the fixed repository renders.
func (f Fixer) outcome(p *plan.Plan, k meaning.Packet) meaning.Outcome {
	var namespaces []string
	for _, end := range []meaning.Peer{k.From, k.To} {
		if end.Endpoint != nil {
			namespaces = append(namespaces, end.Endpoint.Namespace)
		}
	}
	e, found, err := render.Near(p, namespaces, f.Components, f.Child)
	if err != nil || found.Failed() {
		return meaning.Unknown
	}
	rendered, _ := e.Meaning(p.Assumed()[0])
	return rendered.Walk(k).Outcome()
}

// unmean says which lines a packet is allowed by, and whether it is denied without
// them.
func (f Fixer) unmean(k meaning.Packet) explain.Change {
	p := f.Plan
	meant := explain.FlowsMeaning(p, k)
	if len(meant) == 0 {
		return explain.Change{Aim: explain.ToClose, Text: "no line of the intents allows it. What does is named above: the cluster's DNS, a namespace that is not governed, or a component."}
	}
	without := *p
	without.Flows = slices.DeleteFunc(slices.Clone(p.Flows), func(f plan.Flow) bool {
		return slices.ContainsFunc(meant, func(x plan.Flow) bool {
			return x.From.Name == f.From.Name && x.To.Name == f.To.Name && x.Platform() == f.Platform()
		})
	})
	c := explain.Change{Aim: explain.ToClose}
	lines := 0
	for _, f := range meant {
		for _, o := range f.Origins {
			lines++
			c.Steps = append(c.Steps, explain.Step{Text: "the line that allows it", At: explain.Place{Span: o.Span}})
		}
	}
	c.Found = f.outcome(&without, k) == meaning.Denied
	what, gone := "remove this line, or its part that means the flow", "Without it"
	if lines > 1 {
		what = fmt.Sprintf("remove these %d lines, or their parts that mean the flow", lines)
		gone = "Without them"
	}
	c.Text = what + ". " + gone + ", the flow was found to be denied."
	if !c.Found {
		c.Text = what + ". That alone does not close it: see above what else allows it."
	}
	return c
}

// Change finds what turns the verdict of an example.
func (f Fixer) Change(e *explain.Example) explain.Change {
	if e.Verdict == explain.Allow {
		return f.unmean(e.Packet())
	}
	return f.mend(e.Packet())
}
