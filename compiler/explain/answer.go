package explain

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

// Detail is how much of an answer is asked for. The zero Detail is invalid.
type Detail int

// The details, each with what those before it have.
const (
	Brief      Detail = iota + 1 // verdicts alone
	Deciding                     // what decides each half, and which lines mean the flow
	Everything                   // the way through every policy
)

// Answers is what questions are answered with. Whoever writes them for people or for
// programs finds everything here.
type Answers struct {
	Warnings    diag.List // about what the questions were asked of
	Assumptions []string  // sentences about the cluster; of manifests alone
	Flows       []Answer  // in the order of the questions
	Sources     map[string][]byte
}

// Verdict is what becomes of all that was asked about.
type Verdict string

// The verdicts.
const (
	Allow      Verdict = "allow"
	Deny       Verdict = "deny"
	Unknown    Verdict = "unknown"    // what is not known of a packet or of an end decides
	Partly     Verdict = "partly"     // some of it is allowed for certain, and some is not
	NoPacket   Verdict = "none"       // nothing can go from the one end to the other
	Unanswered Verdict = "unanswered" // an end or a port is not there
)

// Answer is what becomes of a flow, in environments in which that is the same.
type Answer struct {
	Question     Query     `json:"question"`
	Environments []string  `json:"environments,omitempty"` // empty for manifests, and where there is one alone
	Verdict      Verdict   `json:"verdict"`
	Missing      []Missing `json:"missing,omitempty"` // why it is unanswered
	Reason       string    `json:"reason,omitempty"`  // where no example shows it
	Notes        []string  `json:"notes,omitempty"`   // what a reader should know of the question
	Open         *Open     `json:"open,omitempty"`
	Examples     []Example `json:"examples,omitempty"` // one of each outcome, the allowed one first
}

// Query is a question, with its names resolved.
type Query struct {
	Number  int    `json:"number,omitempty"` // in a list, from 1
	From    string `json:"from"`
	To      string `json:"to"`
	Traffic string `json:"traffic,omitempty"` // TCP 80, or on every port; empty where an end is missing
	Many    bool   `json:"many,omitempty"`    // it is about more than one packet between two ends
}

// Missing is why a question has no answer.
type Missing struct {
	What   string `json:"what"` // from, to or ports
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// Open is what is allowed of a question about much.
type Open struct {
	Traffic    string   `json:"traffic,omitempty"` // between some of the ends; empty for nothing
	Everywhere bool     `json:"everywhere,omitempty"`
	Pairs      []string `json:"pairs,omitempty"` // what is allowed between whom, shortened
	Sets       bool     `json:"-"`               // an end is several
}

// Example is one packet: what becomes of it, why, and what would change that.
type Example struct {
	Flow     string  `json:"flow"` // for people: shop/web -> shop/api TCP 8080
	Verdict  Verdict `json:"verdict"`
	Egress   Half    `json:"egress"`             // what the source may send
	Ingress  Half    `json:"ingress"`            // what the destination accepts
	OnTheWay *Half   `json:"onTheWay,omitempty"` // what may decide between the halves and is not evaluated
	Meant    []Meant `json:"meantBy,omitzero"`   // nil for manifests, which have no lines
	Change   *Change `json:"change,omitempty"`   // nil where none was looked for
	packet   meaning.Packet
	verdict  meaning.Verdict
}

// Packet returns the packet that an answer's example is about.
func (e *Example) Packet() meaning.Packet { return e.packet }

// Place is where something is written, or the part of an object whose place is looked up
// when somebody shows it.
type Place struct {
	Subject diag.Subject `json:"-"`
	diag.Span
}

// Meant is a line that means a packet.
type Meant struct {
	Intent string `json:"intent,omitempty"` // empty for the Platform's own
	From   string `json:"from"`
	To     string `json:"to"`
	Ports  string `json:"ports"`
	Why    string `json:"why,omitempty"`
	At     Place  `json:"at,omitzero"`
}

// Half is the verdict of one end, and what decides it.
type Half struct {
	Of      string          `json:"of"`
	Verdict Verdict         `json:"verdict"`
	By      string          `json:"by"` // rule, tier-end, profile or none
	Tier    string          `json:"tier,omitempty"`
	Policy  *diag.ObjectID  `json:"policy,omitempty"`
	Rule    string          `json:"rule,omitempty"`        // RFC 6901 JSON pointer into the policy
	Sets    []diag.ObjectID `json:"networkSets,omitempty"` // by which the rule finds the other end
	Reason  string          `json:"reason"`
	At      Place           `json:"at,omitzero"`
	Tiers   []Tier          `json:"tiers,omitempty"`
	NoSay   *NoSay          `json:"noSay,omitempty"`
}

// Tier is the way through one tier.
type Tier struct {
	Name     string   `json:"name"`
	Order    *float64 `json:"order,omitempty"` // nil is the last
	Result   string   `json:"result"`          // allow, deny, pass or unknown
	AtEnd    bool     `json:"atEnd,omitempty"` // no rule matches: its end decides
	Policies []Policy `json:"policies"`        // as far as the one that decides
	NotAsked int      `json:"notAsked,omitempty"`
}

// Policy is how a policy fares.
type Policy struct {
	ID    diag.ObjectID `json:"policy"`
	Order *float64      `json:"order,omitempty"` // nil is the last
	Count int           `json:"count"`           // of its rules in this direction
	Rules []Rule        `json:"rules,omitempty"` // as far as the one that decides
	At    Place         `json:"at,omitzero"`
}

// Match is whether a rule matches.
type Match string

// The matches.
const (
	Yes   Match = "yes"
	No    Match = "no"
	Maybe Match = "maybe" // it depends on an address or port that is not known
)

// Rule is how a rule fares.
type Rule struct {
	Pointer string          `json:"rule"`
	Text    string          `json:"text"` // Allow TCP 80 from …
	Matches Match           `json:"matches"`
	Why     string          `json:"why,omitempty"` // not
	Logs    bool            `json:"logs,omitempty"`
	Decides bool            `json:"decides,omitempty"`
	Sets    []diag.ObjectID `json:"networkSets,omitempty"`
	At      Place           `json:"at,omitzero"`
}

// NoSay are the policies near an end that have no say.
type NoSay struct {
	Namespace string      `json:"namespace,omitempty"`
	Policies  []Bystander `json:"policies"` // those that select the end first
}

// Bystander is a policy that has no say, and why.
type Bystander struct {
	ID      diag.ObjectID `json:"policy"`
	Selects bool          `json:"selects,omitempty"` // the end
	Why     string        `json:"why"`
	At      Place         `json:"at,omitzero"`
}

// The aims of a change.
const (
	ToOpen  = "open"
	ToClose = "close"
)

// Change is what turns a verdict.
type Change struct {
	Aim   string `json:"aim,omitempty"` // open or close; empty where what decides is not evaluated
	Found bool   `json:"found"`         // the steps were tried, and do it
	Text  string `json:"text"`          // a sentence or two: which steps, and what was found of them
	Steps []Step `json:"steps,omitempty"`
}

// Step is a part of a change.
type Step struct {
	Text  string   `json:"text"`
	At    Place    `json:"at,omitzero"`
	Lines []string `json:"lines,omitempty"` // to paste there
}

// Places lists all places of an answer, for those who look them up or move them.
func (a *Answer) Places() []*Place {
	var all []*Place
	for i := range a.Examples {
		e := &a.Examples[i]
		for _, h := range []*Half{&e.Egress, &e.Ingress, e.OnTheWay} {
			if h != nil {
				all = append(all, h.places()...)
			}
		}
		for j := range e.Meant {
			all = append(all, &e.Meant[j].At)
		}
		if e.Change != nil {
			for j := range e.Change.Steps {
				all = append(all, &e.Change.Steps[j].At)
			}
		}
	}
	return all
}

// places lists the places of one half of an answer: its own, and those of its policies and rules.
func (h *Half) places() []*Place {
	all := []*Place{&h.At}
	for i := range h.Tiers {
		for j := range h.Tiers[i].Policies {
			p := &h.Tiers[i].Policies[j]
			all = append(all, &p.At)
			for k := range p.Rules {
				all = append(all, &p.Rules[k].At)
			}
		}
	}
	if h.NoSay != nil {
		for i := range h.NoSay.Policies {
			all = append(all, &h.NoSay.Policies[i].At)
		}
	}
	return all
}

// AllAllowed reports whether every question has an answer, and all that was asked about is allowed
// wherever it could be asked.
func (a *Answers) AllAllowed() bool {
	allowed := map[int]bool{}
	for _, f := range a.Flows {
		switch f.Verdict {
		case Allow:
			allowed[f.Question.Number] = true
		case Unanswered:
		default:
			return false
		}
	}
	for _, f := range a.Flows {
		if !allowed[f.Question.Number] {
			return false
		}
	}
	return true
}
