package compiler

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/intent"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/overlays"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

var (
	mutants  = flag.Bool("mutants", false, "try every mutant, not one of some")
	matching = flag.String("mutant", "", "try the mutants whose names contain this")
)

// rendering is what one environment of a repository gets.
type rendering struct {
	name       string
	plan       *plan.Plan
	set, world object.Set
}

// renderings are those of the examples, of what is right in the examples of rules, and of
// the language's page; of those that are the same, one.
func renderings(t *testing.T) []rendering {
	t.Helper()
	var all []rendering
	seen := map[string]bool{}
	add := func(name string, files []intent.File) {
		for _, r := range rendered(t, name, files) {
			var key strings.Builder
			for _, o := range r.set.All() {
				key.Write(o.JSON)
			}
			if !seen[key.String()] && r.set.Len() > 0 {
				seen[key.String()] = true
				all = append(all, r)
			}
		}
	}
	tree := func(name, dir string) {
		files, _, err := ReadTree(dir, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		add(name, files)
	}
	for _, dir := range repositories(t) {
		tree(filepath.Base(dir), dir)
	}
	add("language", languagePage(t))
	names, err := filepath.Glob(filepath.Join(rulesDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dir := unpacked(t, archive, "right/")
		if _, err := os.Stat(filepath.Join(dir, intent.PlatformFile)); err == nil {
			tree(strings.TrimSuffix(filepath.Base(name), ".txtar"), dir)
		}
	}
	return all
}

func rendered(t *testing.T, name string, files []intent.File) []rendering {
	t.Helper()
	repo, found := intent.Parse(files)
	plans, resolved := repo.Resolve(intent.Options{Targets: lower.Names(), AllowEmpty: true})
	parts, vetted := components(plans, files)
	_, overlaid, lowered := emit(plans, parts)
	if found = slices.Concat(found, resolved, vetted, lowered); found.Failed() {
		t.Fatalf("%s: %v", name, found.Err())
	}
	environments, found, err := render(overlays.Write(overlaid), overlaid)
	if err != nil || found.Failed() {
		t.Fatal(name, err, found.Err())
	}
	world, _ := worldOf(files)
	var all []rendering
	for i, p := range plans {
		all = append(all, rendering{name + "/" + p.Environment, p, environments[i].Objects, world})
	}
	return all
}

// TestMutants changes what was rendered, one thing at a time: an object, a rule, a peer,
// a port, an address, a label, an order. What the oracle answers otherwise for some packet,
// the proof must find; what it answers alike for all of them, the proof must not.
//
// Answers are the verdict on the packet and, at pods that the plan holds, that of their
// half: a half that lets more through is a mistake, though the other one still stops it.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, r := range renderings(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := newComparison(r)
			total, equivalent := 0, 0
			for _, m := range mutantsOf(r.set) {
				if !strings.Contains(m.name, *matching) {
					continue
				}
				total++
				w, differs := c.differs(m)
				switch {
				case !differs:
					equivalent++
					t.Logf("equivalent: %s", m.name)
				case !w.meant:
					t.Errorf("%s: what was rendered for %s is not what is meant", m.name, w)
				}
			}
			t.Logf("COUNT %d %d (%d pods)", total, equivalent, len(c.pods))
		})
	}
}

// mutantsOf are all mutants of a set.
func mutantsOf(set object.Set) []mutant {
	orders := map[string][]float64{} // of policies, by tier
	tierOf := func(o object.Object) (string, float64) {
		order := 1000.0
		tier := "default"
		switch typed := o.Typed.(type) {
		case *calico.GlobalNetworkPolicy:
			tier, order = typed.Spec.Tier, *typed.Spec.Order
		case *calico.NetworkPolicy:
			tier, order = typed.Spec.Tier, *typed.Spec.Order
		}
		return tier, order
	}
	for _, o := range set.All() {
		if strings.HasSuffix(o.ID.Kind, "NetworkPolicy") && !strings.HasPrefix(o.ID.Kind, "Staged") {
			tier, order := tierOf(o)
			if !slices.Contains(orders[tier], order) {
				orders[tier] = append(orders[tier], order)
			}
		}
	}
	var all []mutant
	for _, o := range set.All() {
		tier, _ := tierOf(o)
		all = append(all, mutate(o, orders[tier])...)
	}
	return all
}

// comparison asks the oracle about what was rendered and about its mutants.
type comparison struct {
	*universe
	set   object.Set
	whole *oracle.World
}

func newComparison(r rendering) *comparison {
	u := universeOf(r.plan, r.set, r.world)
	c := &comparison{universe: u, set: r.set}
	c.whole = c.oracle(r.set.All())
	return c
}

// oracle is the world with some objects beside the pods.
func (c *comparison) oracle(objects []object.Object) *oracle.World {
	set, _ := object.NewSet(slices.Concat(objects, c.beside))
	return oracle.Of(set, c.plan.Cluster)
}

// witness is a packet to which the two worlds give different answers.
type witness struct {
	from, to end
	family   int
	cell
	was, now oracle.Verdict
	meant    bool // what was rendered agrees with the plan
}

func (w witness) String() string {
	return fmt.Sprintf("%s -> %s, IPv%d protocol %d number %d: %v, now %v", w.from, w.to, []int{4, 6}[w.family], w.protocol, w.number, w.was, w.now)
}

// changed is the set with the mutant in its object's place.
func (m mutant) changed(set object.Set) []object.Object {
	objects := slices.Clone(set.All())
	i := slices.IndexFunc(objects, func(o object.Object) bool { return o.ID == m.was.ID })
	return slices.Concat(objects[:i:i], m.now, objects[i+1:])
}

func isPolicy(o object.Object) bool {
	return o.ID.Kind == "NetworkPolicy" || o.ID.Kind == "GlobalNetworkPolicy"
}

// differs looks for a packet that is answered otherwise when the mutant has its
// object's place.
//
// An evaluation asks each policy what it alone makes of a packet: nothing, for it
// does not govern it or no rule matches, or what a rule says (Calico's semantics,
// evaluation). So only packets of which a policy makes something else than before,
// or makes anything and stands elsewhere, can be answered otherwise, and those are
// sought policy by policy, among ends and cells that its text, old or new, can tell
// apart. Whatever is found stands for all ends and cells that the policy does not
// tell apart but others may: they are asked about in the whole.
func (c *comparison) differs(m mutant) (witness, bool) {
	after := m.changed(c.set)
	all := c.edges
	for _, o := range m.now {
		all.read(o)
	}
	ends := slices.Concat(c.pods, c.outside(all))
	search := search{comparison: c, before: c.whole, after: c.oracle(after), ends: ends}
	for f := range search.cells {
		search.cells[f] = all.cells(f)
	}
	moved := m.was.ID.Kind == "Tier" || isPolicy(m.was) && position(m.was) != position(m.now...)
	for _, o := range c.set.All() {
		var now []object.Object
		switch {
		case !isPolicy(o):
			continue
		case o.ID == m.was.ID:
			now = m.now
		case isPolicy(m.was), o.APIVersion == object.KubernetesAPI:
			continue // it is as it was, and knows neither sets nor tiers
		default:
			now = []object.Object{o}
		}
		if w, ok := search.policy(o, now, after, moved); ok {
			return w, true
		}
	}
	return witness{}, false
}

// position is where a policy stands.
func position(objects ...object.Object) string {
	text := ""
	for _, o := range objects {
		tier, _ := o.Value("/spec/tier")
		order, _ := o.Value("/spec/order")
		text += fmt.Sprint(tier, order)
	}
	return text
}

// search is one comparison of the old world with a new one.
type search struct {
	*comparison
	before, after *oracle.World
	ends          []end
	cells         [2][]cell // by family
}

// policy looks for a witness among the packets of which the policy makes something else.
func (s *search) policy(was object.Object, now, after []object.Object, moved bool) (witness, bool) {
	alone := func(policy, objects []object.Object) *oracle.World {
		var others []object.Object
		for _, o := range objects {
			if !isPolicy(o) {
				others = append(others, o)
			}
		}
		return s.oracle(append(others, policy...))
	}
	before, behind := alone([]object.Object{was}, s.set.All()), alone(now, after)
	var spelt edges
	text := string(was.JSON)
	for _, o := range slices.Concat([]object.Object{was}, now) {
		spelt.read(o)
		text += string(o.JSON)
	}
	for _, o := range slices.Concat(s.set.All(), after) {
		if strings.HasSuffix(o.ID.Kind, "NetworkSet") {
			spelt.read(o)
		}
	}
	groups := grouped(s.ends, text, spelt.nets)
	for _, own := range groups {
		if own[0].Namespace == "" || was.ID.Namespace != "" && own[0].Namespace != was.ID.Namespace {
			continue // nothing governs an address; a policy with a namespace governs its pods alone
		}
		for _, other := range groups {
			for _, f := range s.families {
				if !other[0].has[f].IsValid() {
					continue
				}
				coarse := spelt.cells(f)
				for _, ingress := range []bool{false, true} {
					from, to := own, other
					if ingress {
						from, to = other, own
					}
					for i, c := range coarse {
						a := half(judge1(before, from[0], to[0], f, c), ingress)
						b := half(judge1(behind, from[0], to[0], f, c), ingress)
						if kind(a) == kind(b) && !(moved && kind(a) == "rule") {
							continue
						}
						if w, ok := s.whole(from, to, f, c, coarse[i+1:]); ok {
							return w, true
						}
					}
				}
			}
		}
	}
	return witness{}, false
}

// whole asks both worlds about all packets between two groups from a cell on, up to the
// next one that the policy tells apart.
func (s *search) whole(from, to []end, f int, first cell, behind []cell) (witness, bool) {
	cells := s.cells[f]
	start, _ := slices.BinarySearchFunc(cells, first, compareCells)
	stop := len(cells)
	_ = start
	var within []cell
	for _, c := range cells[:stop] {
		if c.protocol == first.protocol && c.number >= first.number && (len(behind) == 0 || behind[0].protocol != c.protocol || c.number < behind[0].number) {
			within = append(within, c)
		}
	}
	for _, x := range from {
		for _, y := range to {
			for _, c := range within {
				was, now := judge1(s.before, x, y, f, c), judge1(s.after, x, y, f, c)
				if was.Outcome() != now.Outcome() || x.held && was.Egress.Outcome != now.Egress.Outcome || y.held && was.Ingress.Outcome != now.Ingress.Outcome {
					meant := s.plan.Between(x.Place, y.Place).Allows(planned[c.protocol], uint16(c.number)) == (was.Outcome() == oracle.Allow)
					return witness{x, y, f, c, was, now, meant}, true
				}
			}
		}
	}
	return witness{}, false
}

// grouped are ends that a text with some blocks does not tell apart. A selector knows
// labels and values that it spells, and compares with nothing else.
func grouped(ends []end, text string, nets []netip.Prefix) [][]end {
	var all [][]end
	index := map[string]int{}
	for _, e := range ends {
		var key strings.Builder
		for _, labels := range []map[string]string{{"": e.Namespace}, e.NamespaceLabels, e.Labels} {
			key.WriteByte('\n')
			for _, k := range sortedKeys(labels) {
				switch {
				case !strings.Contains(text, k):
				case strings.Contains(text, labels[k]):
					fmt.Fprintf(&key, "%s=%s ", k, labels[k])
				default:
					fmt.Fprintf(&key, "%s ", k)
				}
			}
		}
		for _, a := range e.has {
			for _, n := range nets {
				fmt.Fprint(&key, n.Contains(a))
			}
		}
		if e.Namespace == "" {
			fmt.Fprint(&key, familyOf(e.Address), "address")
		}
		i, ok := index[key.String()]
		if !ok {
			i = len(all)
			index[key.String()] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], e)
	}
	return all
}

func sortedKeys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func judge1(w *oracle.World, from, to end, f int, c cell) oracle.Verdict {
	p := oracle.Packet{From: oracle.End{Address: from.has[f]}, To: oracle.End{Address: to.has[f]}, Protocol: c.protocol, SourcePort: 40000}
	if p.Protocol == oracle.ICMP || p.Protocol == oracle.ICMPv6 {
		p.SourcePort, p.Type = 0, c.number
	} else {
		p.Port = c.number
	}
	return w.Among(from.has[f], to.has[f]).Judge(p)
}

func half(v oracle.Verdict, ingress bool) oracle.Half {
	if ingress {
		return v.Ingress
	}
	return v.Egress
}

func kind(h oracle.Half) string {
	what := "none"
	switch {
	case strings.HasPrefix(h.By, "tier "):
		what = "rule"
	case strings.HasPrefix(h.By, "the end"):
		what = "end"
	}
	return what + string(h.Outcome)
}
