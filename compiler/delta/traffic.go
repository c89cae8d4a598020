package delta

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
)

// comparison is one difference on its way.
type comparison struct{ *Diff }

// flow is a rectangle of traffic in one environment that is treated otherwise.
type flow struct {
	environment string
	old, new    *reach.Relation
	sign        Sign
	of          reach.Rectangle
	isolation   bool
}

// side returns the relation of the side that knows the flow's ends.
func (f *flow) side() *reach.Relation {
	if f.sign == Closed {
		return f.old
	}
	return f.new
}

// environment compares the traffic of one environment: the relations of both sides, pair by pair.
func (c *comparison) environment(name string) {
	was, is := c.Old.world(name), c.New.world(name)
	members, whole := mayCome(was, is, reach.MembersOf(was, is))
	if !whole {
		c.Undecided = append(c.Undecided, "pods of "+name+" that nobody describes: what they may do takes too many steps to decide")
	}
	old, changed := reach.Compared(was, is, members)
	c.keep(name, old, changed)
	c.rename(old, changed)
	pairs := suspects(old, changed)
	parts := map[Sign]map[reach.Pair]reach.Load{Opened: {}, Closed: {}, Unknown: {}}
	for _, p := range pairs {
		for sign, load := range differ(old.At(p), changed.At(p)) {
			if !load.IsEmpty() {
				parts[sign][p] = load
			}
		}
	}
	for _, sign := range []Sign{Opened, Closed, Unknown} {
		of := changed
		if sign == Closed {
			of = old
		}
		for _, whole := range []bool{false, true} {
			var some []reach.Pair
			for _, p := range pairs {
				// What an end lets through that is not held at all on one side.
				if _, there := parts[sign][p]; there && (old.Held(p) != changed.Held(p)) == whole {
					some = append(some, p)
				}
			}
			for _, r := range of.Rectangles(some, func(p reach.Pair) reach.Load { return parts[sign][p] }) {
				c.add(&flow{name, old, changed, sign, r, whole})
			}
		}
	}
	c.isolation(name, old, changed)
}

// keep keeps both relations of an environment, for comparisons beside traffic.
func (c *comparison) keep(name string, old, changed *reach.Relation) {
	if c.Old.relations == nil {
		c.Old.relations, c.New.relations = map[string]*reach.Relation{}, map[string]*reach.Relation{}
	}
	c.Old.relations[name], c.New.relations[name] = old, changed
}

// suspects lists the pairs whose traffic may be treated otherwise: of which policies of either
// side have a say.
func suspects(old, changed *reach.Relation) []reach.Pair {
	known := map[reach.Pair]bool{}
	var all []reach.Pair
	add := func(p reach.Pair) {
		if !known[p] {
			known[p] = true
			all = append(all, p)
		}
	}
	for _, r := range []*reach.Relation{old, changed} {
		for _, p := range r.Pairs() {
			add(p)
		}
	}
	for i := range old.Members {
		if old.Alike(i) {
			continue
		}
		for d := range 2 {
			if old.Governed(i, meaning.Direction(d)) == changed.Governed(i, meaning.Direction(d)) {
				continue
			}
			for j := range old.Members {
				if p := (reach.Pair{From: i, To: j}); meaning.Direction(d) == meaning.Egress {
					add(p)
				} else {
					add(reach.Pair{From: j, To: i})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b reach.Pair) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return all
}

// differ parts the traffic of a pair by what becomes of it otherwise: opened, closed, or unknown.
func differ(old, changed reach.Fate) map[Sign]reach.Load {
	return map[Sign]reach.Load{
		Opened:  changed.Allowed.Subtract(old.Allowed).Subtract(old.Unknown),
		Closed:  old.Allowed.Subtract(changed.Allowed).Subtract(changed.Unknown),
		Unknown: changed.Unknown.Subtract(old.Unknown).Union(old.Unknown.Subtract(changed.Unknown)),
	}
}

// rename notes pods that are called otherwise on the new side.
func (c *comparison) rename(old, changed *reach.Relation) {
	names := func(r *reach.Relation) map[string]bool {
		all := map[string]bool{}
		for i := range r.Members {
			for _, name := range r.Members[i].Names {
				all[name] = true
			}
		}
		return all
	}
	before, after := names(old), names(changed)
	for i := range old.Members {
		a, b := old.Members[i].Names, changed.Members[i].Names
		if len(a) == 1 && len(b) == 1 && a[0] != b[0] && !after[a[0]] && !before[b[0]] {
			r := Renamed{a[0], b[0], reach.Labels(changed.Members[i].Endpoint.Labels)}
			if !slices.Contains(c.Renamed, r) {
				c.Renamed = append(c.Renamed, r)
			}
		}
	}
}

// add puts a changed flow into words, and judges its risks.
func (c *comparison) add(f *flow) {
	side := f.side()
	line := side.Line(reach.Allow, f.of)
	x := Change{Sign: f.sign, From: line.From, To: line.To, Packets: line.Packets, Family: line.Family,
		Environments: line.Environments, Because: line.Because, Isolation: f.isolation, Risks: []Risk{}}
	for i := range x.Because {
		x.Because[i].Side = map[bool]string{true: "old", false: "new"}[f.sign == Closed]
	}
	c.mark(x.From, f)
	c.mark(x.To, f)
	h, _ := f.of.Traffic.Witness()
	x.Witness = Packet{f.memberName(f.of.From[0]), f.memberName(f.of.To[0]), h.String()}
	if !f.isolation {
		f.widened(&x)
		for _, of := range Risks {
			if of.flow == nil {
				continue
			}
			if text, perhaps, is := of.flow(c, f); is {
				level := of.Level
				if of.level != nil {
					level = of.level(c, f)
				}
				x.Risks = append(x.Risks, Risk{of.Tag, level, text, perhaps || f.sign == Unknown})
			}
		}
	}
	c.Changes = append(c.Changes, x)
}

// memberName names an end of a changed flow: a workload, a pod, or an address.
func (f *flow) memberName(i int) string {
	m := &f.side().Members[i]
	switch {
	case len(m.Names) > 0:
		return m.Names[0]
	case m.IsPod():
		return m.Endpoint.Ref()
	default:
		return m.Addr.String()
	}
}

// mark marks in a changed flow's words the workloads that one side alone has.
func (c *comparison) mark(terms []reach.Term, f *flow) {
	other, state := f.old, "new"
	if f.sign == Closed {
		other, state = f.new, "gone"
	}
	for i := range terms {
		if t := &terms[i]; t.Kind == "workload" && !other.Knows(t.Namespace+"/"+t.Name) {
			renamed := slices.ContainsFunc(c.Renamed, func(r Renamed) bool { return t.String() == r.From || t.String() == r.To })
			if !renamed {
				t.State = state
			}
		}
	}
}

// widened tells of a changed flow what the line that means it meant between the same ends before,
// and what it means there now.
func (f *flow) widened(x *Change) {
	if f.sign == Unknown || len(f.of.Sources) == 0 {
		return
	}
	var common packet.Traffic
	first := true
	for _, i := range f.of.From {
		for _, j := range f.of.To {
			p := reach.Pair{From: i, To: j}
			o, n := f.old.At(p).Allowed, f.new.At(p).Allowed
			kept := o.Intersect(n)
			if here := f.side().MeantBy(p, kept, f.of.Sources[0]); first {
				common, first = here, false
			} else {
				common = common.Intersect(here)
			}
		}
	}
	if common.IsEmpty() {
		return
	}
	more := reach.Words(reach.PacketsOf(common.Union(f.of.Traffic)))
	if x.Was, x.Now = reach.Words(reach.PacketsOf(common)), more; f.sign == Closed {
		x.Was, x.Now = x.Now, x.Was
	}
}

// merge joins changes of traffic that differ in environments alone.
func (c *comparison) merge() {
	at := map[string]int{}
	var all []Change
	for _, x := range c.Changes {
		key := strings.Join([]string{string(x.Sign), x.Question(), x.Was, x.Now}, "\x00")
		if len(x.Because) > 0 {
			key += "\x00" + x.Because[0].File + "\x00" + x.Because[0].Text + "\x00" + x.Because[0].Why
		}
		i, known := at[key]
		if !known {
			at[key] = len(all)
			x.ID = idOf(key)
			all = append(all, x)
			continue
		}
		all[i].Environments = append(all[i].Environments, x.Environments...)
		for _, r := range x.Risks {
			if !slices.ContainsFunc(all[i].Risks, func(have Risk) bool { return have.Tag == r.Tag }) {
				all[i].Risks = append(all[i].Risks, r)
			}
		}
	}
	c.Changes = all
}

var signs = []Sign{Opened, Closed, Unknown}

// compareChanges orders changes of traffic as people read them: what is worst first, then by sign
// and destination.
func compareChanges(a, b Change) int {
	high := func(x *Change) int { return min(worst(x.Risks), 1) }
	return cmp.Or(cmp.Compare(high(&a), high(&b)), cmp.Compare(slices.Index(signs, a.Sign), slices.Index(signs, b.Sign)),
		cmp.Compare(reach.TermWords(a.To), reach.TermWords(b.To)), cmp.Compare(a.Question(), b.Question()))
}

// idOf makes the short digest by which a change of traffic can be referred to.
func idOf(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:6])
}
