// Package delta says what a change does: which traffic it opens and closes, of which that is
// not known, how that is to be judged, and what it changes of the rules by which people hold
// each other.
//
// Its invariant: the old relation, less what is closed, with what is opened, is the new one, in
// each environment, but for what is not known. A change has a tag exactly where the condition
// holds that the table of risks has for it.
//
// It must not know where a side comes from, nor how a difference is written.
package delta

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Side is one of two states of a repository, or of manifests.
type Side struct {
	Ref       string // as people call it
	Commit    string // empty where it is none
	Failed    int    // errors by which nothing could be compared
	Absent    bool   // there is no repository of intents yet, or any more
	Worlds    []*reach.World
	Repo      *language.Repository  // nil for manifests
	Files     map[string][]byte     // by path
	Objects   map[string]object.Set // that are deployed, by environment
	Findings  diag.List
	relations map[string]*reach.Relation
}

// Sign is what becomes of traffic.
type Sign string

// The signs.
const (
	Opened  Sign = "opened"
	Closed  Sign = "closed"
	Unknown Sign = "unknown" // what becomes of it, before or after
)

// Packet is one that a change is about.
type Packet struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Packet string `json:"packet"` // TCP 8080
}

// Change is a rectangle of traffic that is treated otherwise.
type Change struct {
	ID           string          `json:"id"`
	Sign         Sign            `json:"sign"`
	Was          string          `json:"was,omitempty"` // the ports that the same line meant between the ends
	Now          string          `json:"now,omitempty"`
	From         []reach.Term    `json:"from"`
	To           []reach.Term    `json:"to"`
	Packets      []reach.Packets `json:"packets"`
	Family       reach.Family    `json:"family,omitempty"`
	Environments []string        `json:"environments"`
	Because      []reach.Source  `json:"because"`
	Witness      Packet          `json:"witness"`
	Risks        []Risk          `json:"risks"`
	Isolation    bool            `json:"isolation,omitempty"` // an end is closed, or open, as a whole
}

// Question writes the changed flow as the question that explain takes.
func (c *Change) Question() string { return reach.Question(c.From, c.To, c.Packets, c.Family) }

// Risk is a tag, why it is there, and how bad that is.
type Risk struct {
	Tag     string `json:"tag"`
	Level   Level  `json:"level"`
	Text    string `json:"text,omitempty"`
	Perhaps bool   `json:"perhaps,omitempty"` // it hangs on what is not known
}

// Level is how bad a risk is.
type Level string

// The levels, the worst first.
const (
	High   Level = "high"
	Medium Level = "medium"
	Low    Level = "low"
)

// Levels lists them, the worst first.
var Levels = []Level{High, Medium, Low}

// Note is a change of what holds people, and not packets.
type Note struct {
	Risk
	What         string         `json:"what"` // whom or what it is about
	Environments []string       `json:"environments,omitempty"`
	Because      []reach.Source `json:"because"`
}

// Renamed is a workload with another name, and the same pods.
type Renamed struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Labels string `json:"labels"`
}

// Diff is what a change does.
type Diff struct {
	Old, New     Side
	Environments []string // of either side, in the order of the new one
	Groups       map[string][]string
	Compared     []string // environments that both have
	Added, Gone  []string // environments
	Changes      []Change
	Governance   []Note
	Renamed      []Renamed
	Policies     Policies
	Files        []string // that differ
	NewFindings  diag.List
	GoneFindings diag.List
	Missing      []string // what was not judged
	Undecided    []string // what was, and took too many steps: more than is told may be treated otherwise
}

// Policies counts objects that are deployed.
type Policies struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Edited  int `json:"edited"`
}

// Compare says what a change from one side to another does. Where one of them could not be
// judged, it is what people wrote that is compared.
func Compare(old, changed Side) *Diff {
	d := &Diff{Old: old, New: changed, Groups: map[string][]string{}}
	was, is := environmentsOf(&d.Old), environmentsOf(&d.New)
	for _, e := range is {
		d.Environments = append(d.Environments, e)
		if slices.Contains(was, e) {
			d.Compared = append(d.Compared, e)
		} else if len(was) > 0 || old.Absent {
			d.Added = append(d.Added, e)
		}
	}
	for _, e := range was {
		if !slices.Contains(is, e) {
			d.Environments = append(d.Environments, e)
			d.Gone = append(d.Gone, e)
		}
	}
	d.Files = differing(old.Files, changed.Files)
	d.policies()
	c := &comparison{Diff: d}
	for _, e := range d.Compared {
		c.environment(e)
	}
	c.merge()
	c.findings()
	c.governance()
	slices.SortStableFunc(d.Changes, compareChanges)
	return d
}

// environmentsOf lists the environments of one side of a comparison.
func environmentsOf(s *Side) []string {
	var all []string
	for _, w := range s.Worlds {
		all = append(all, w.Environment)
	}
	return all
}

// world finds the world of an environment on one side, or nil.
func (s *Side) world(environment string) *reach.World {
	for _, w := range s.Worlds {
		if w.Environment == environment {
			return w
		}
	}
	return nil
}

// differing lists the files that one side alone has, or that differ.
func differing(a, b map[string][]byte) []string {
	var all []string
	for name, data := range a {
		if other, both := b[name]; !both || string(other) != string(data) {
			all = append(all, name)
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// policies counts the deployed policies that differ between the sides, each once for all
// environments.
func (d *Diff) policies() {
	kind := map[object.ID]string{}
	for _, e := range d.Compared {
		was, is := d.Old.Objects[e], d.New.Objects[e]
		for _, o := range is.All() {
			if o.Role != object.Policy {
				continue
			}
			before, there := was.Get(o.ID)
			if !there {
				kind[o.ID] = "added"
			} else if string(before.JSON) != string(o.JSON) && kind[o.ID] == "" {
				kind[o.ID] = "edited"
			}
		}
		for _, o := range was.All() {
			if _, there := is.Get(o.ID); !there && o.Role == object.Policy {
				kind[o.ID] = "removed"
			}
		}
	}
	for _, k := range kind {
		switch k {
		case "added":
			d.Policies.Added++
		case "removed":
			d.Policies.Removed++
		default:
			d.Policies.Edited++
		}
	}
}

// Count counts the changes that have a sign, less those by which an end is closed or open as a
// whole.
func (d *Diff) Count(s Sign) int {
	n := 0
	for i := range d.Changes {
		if d.Changes[i].Sign == s {
			n++
		}
	}
	return n
}

// Risks collects the risks of all changes and notes, each tag of a change once.
func (d *Diff) Risks() []Risk {
	var all []Risk
	for i := range d.Changes {
		all = append(all, d.Changes[i].Risks...)
	}
	for _, n := range d.Governance {
		if n.Tag != "" {
			all = append(all, n.Risk)
		}
	}
	return all
}

// Worst returns the worst level of a difference's risks; empty where there is none.
func (d *Diff) Worst() Level {
	for _, l := range Levels {
		if slices.ContainsFunc(d.Risks(), func(r Risk) bool { return r.Level == l }) {
			return l
		}
	}
	return ""
}

// IsSame reports whether both sides have the same environments, and every packet is treated alike
// there.
func (d *Diff) IsSame() bool { return d.IsEmpty() && len(d.Added)+len(d.Gone) == 0 }

// IsEmpty reports whether no packet is treated otherwise, as far as that is known.
func (d *Diff) IsEmpty() bool { return len(d.Changes) == 0 }

// worst finds the place of a change's worst level in [Levels], to put the worst changes first.
func worst(risks []Risk) int {
	best := len(Levels)
	for _, r := range risks {
		best = min(best, slices.Index(Levels, r.Level))
	}
	return best
}
