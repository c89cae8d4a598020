package reach

import (
	"cmp"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/packet"
)

// Verdict is what becomes of a line's traffic.
type Verdict string

// The verdicts of lines.
const (
	Allow   Verdict = "allow"
	Deny    Verdict = "deny"
	Unknown Verdict = "unknown"
)

// Line is a rectangle in words.
type Line struct {
	From         []Term    `json:"from"`
	To           []Term    `json:"to"`
	Packets      []Packets `json:"packets"`
	Family       Family    `json:"family,omitempty"` // IPv4 or IPv6, where not both are treated alike
	Environments []string  `json:"environments"`
	Verdict      Verdict   `json:"verdict"`
	Platform     bool      `json:"platform"` // the Platform's own lines mean it
	Because      []Source  `json:"because"`
}

// Ends writes a line's ends in the language of explain.
func (l *Line) Ends() (from, to string) { return TermWords(l.From), TermWords(l.To) }

// Ports writes a map line's packets in the language of explain; empty for every one.
func (l *Line) Ports() string { return Words(l.Packets) }

// Question writes the line of a map as the question that explain takes.
func (l *Line) Question() string { return Question(l.From, l.To, l.Packets, l.Family) }

// Question writes a flow of a map as the question that explain takes.
func Question(from, to []Term, packets []Packets, f Family) string {
	text := TermWords(from) + " -> " + TermWords(to)
	if ports := Words(packets); ports != "" {
		text += ":" + ports
	}
	if f != EitherFamily {
		text += " over " + string(f)
	}
	return text
}

// Workload is one that the map is about.
type Workload struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Owner     string `json:"owner,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int32  `json:"line,omitempty"`
}

// Repository is what a map or a difference is about.
type Repository struct {
	Name   string `json:"name,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// Map is who can reach whom.
type Map struct {
	Repository   Repository          `json:"repository"`
	Environments []string            `json:"environments"`
	Groups       map[string][]string `json:"groups"`
	Workloads    []Workload          `json:"workloads"`
	Namespaces   map[string]string   `json:"namespaces"` // with their owners
	Lines        []Line              `json:"lines"`
	Missing      []string            `json:"notInThisMap"` // what it says nothing of
	Total        int                 `json:"total"`        // lines before they were chosen from
	Survey       *diag.Survey        `json:"coverage,omitempty"`
}

// Draw makes a map of the relations of environments: only what ends hold back that drop what no
// rule allows. With denied, it is what is denied between known workloads.
func Draw(relations []*Relation, denied bool) *Map {
	m := &Map{Environments: []string{}, Groups: map[string][]string{}, Workloads: []Workload{}, Lines: []Line{}, Missing: []string{}, Namespaces: map[string]string{}}
	seen := map[Workload]bool{}
	for _, r := range relations {
		m.Environments = append(m.Environments, r.World.Environment)
		m.Lines = append(m.Lines, r.drawn(denied)...)
		if p := r.World.Plan; p != nil {
			for _, n := range p.Namespaces {
				m.Namespaces[n.Name] = n.Owner
			}
			for _, wl := range p.Workloads {
				w := Workload{wl.Namespace, wl.Name, wl.Owner, wl.Span.File, wl.Span.Start.Line}
				if !seen[w] {
					seen[w] = true
					m.Workloads = append(m.Workloads, w)
				}
			}
			continue
		}
		for _, e := range r.World.Pods {
			w := Workload{Namespace: e.Namespace, Name: e.Name}
			if m.Namespaces[e.Namespace] = ""; !seen[w] {
				seen[w] = true
				m.Workloads = append(m.Workloads, w)
			}
		}
	}
	slices.SortFunc(m.Workloads, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	m.Lines = Merge(m.Lines)
	m.Total = len(m.Lines)
	return m
}

// drawn draws the map of one environment: its rectangles in words.
func (r *Relation) drawn(denied bool) []Line {
	var allowed, unknown []Pair
	for _, p := range r.Pairs() {
		if f := r.cells[p]; r.Held(p) {
			if !f.Allowed.IsEmpty() {
				allowed = append(allowed, p)
			}
			if !f.Unknown.IsEmpty() {
				unknown = append(unknown, p)
			}
		}
	}
	var all []Line
	add := func(v Verdict, pairs []Pair, traffic func(Pair) Load) {
		for _, of := range r.Rectangles(pairs, traffic) {
			all = append(all, r.Line(v, of))
		}
	}
	if denied {
		add(Deny, r.deniedPairs(), func(p Pair) Load {
			f := r.cells[p]
			return Both(packet.Anything()).Subtract(f.Allowed).Subtract(f.Unknown)
		})
		return all
	}
	add(Allow, allowed, func(p Pair) Load { return r.cells[p].Allowed })
	add(Unknown, unknown, func(p Pair) Load { return r.cells[p].Unknown })
	return all
}

// deniedPairs lists the pairs of named pods between which something is dropped, for a map of what
// is denied.
func (r *Relation) deniedPairs() []Pair {
	var all []Pair
	for i := range r.Members {
		for j := range r.Members {
			if p := (Pair{i, j}); len(r.Members[i].Names) > 0 && len(r.Members[j].Names) > 0 && i != j && r.Held(p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// Line puts a rectangle into the words of a map's line.
func (r *Relation) Line(v Verdict, of Rectangle) Line {
	l := Line{From: r.Terms(of.From), To: r.Terms(of.To), Packets: PacketsOf(of.Traffic), Family: of.Family, Environments: []string{r.World.Environment}, Verdict: v, Because: of.Sources}
	if l.Because == nil {
		l.Because = []Source{}
	}
	l.Platform = len(of.Sources) > 0 && of.Sources[0].Kind == Platform
	return l
}

// Merge makes one of lines that differ in environments alone, and sorts them by destination.
func Merge(lines []Line) []Line {
	at := map[string]int{}
	var all []Line
	for _, l := range lines {
		key := string(l.Verdict) + "\x00" + l.Question()
		if len(l.Because) > 0 {
			key += "\x00" + l.Because[0].key()
		}
		i, known := at[key]
		if !known {
			at[key] = len(all)
			all = append(all, l)
			continue
		}
		all[i].Environments = append(all[i].Environments, l.Environments...)
		for _, s := range l.Because {
			if !slices.Contains(all[i].Because, s) {
				all[i].Because = append(all[i].Because, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Line) int {
		af, at := a.Ends()
		bf, bt := b.Ends()
		return cmp.Or(compareBool(a.Platform, b.Platform), compareBool(a.outward(), b.outward()), strings.Compare(at, bt), strings.Compare(af, bf), strings.Compare(a.Ports(), b.Ports()))
	})
	return all
}

// outward reports whether no pod is a map line's destination.
func (l *Line) outward() bool {
	return !slices.ContainsFunc(l.To, func(t Term) bool { return t.IsPods() })
}

// IsPods reports whether a term of a map's line is about pods.
func (t Term) IsPods() bool {
	return t.Kind == "all" || t.Kind == "namespace" || t.Kind == "workload" || t.Kind == "labels"
}

// compareBool orders lines of a map by whether something holds, those last of which it does.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
