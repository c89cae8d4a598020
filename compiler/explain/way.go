package explain

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// example says what becomes of one packet: what one change would turn it, and the way
// that it takes on either half.
// Of an answer about more, the change is for the example alone.
func (w *World) example(p *page, e example, alone bool) {
	halves := []struct {
		d    meaning.Direction
		half meaning.Half
		own  meaning.Peer
	}{{meaning.Egress, e.verdict.Egress, e.packet.From}, {meaning.Ingress, e.verdict.Ingress, e.packet.To}}
	governed := halves[0].half.By.Cause != meaning.Outside && halves[1].half.By.Cause != meaning.Outside
	switch a, b := halves[0].half.Outcome, halves[1].half.Outcome; {
	case governed && a == meaning.Allowed && b == meaning.Denied:
		p.add(0, "Half-open: %s may send it, and %s does not accept it, so it is dropped.", e.packet.From, e.packet.To)
	case governed && a == meaning.Denied && b == meaning.Allowed:
		p.add(0, "Half-open: %s would accept it, and %s may not send it, so it is dropped.", e.packet.To, e.packet.From)
	}
	w.meant(p, e.packet)
	change := w.change(e)
	if !alone {
		change.Text = strings.NewReplacer("to open it:", "to open this example alone:", "to close it:", "to close this example:").Replace(change.Text)
	}
	p.add(0, "")
	p.add(0, "%s", change.Text)
	p.lines = append(p.lines, change.Lines...)
	for _, h := range halves {
		p.add(0, "")
		p.add(0, "%s of %s: %s", h.d, h.own, outcomes[h.half.Outcome])
		w.way(p, e.packet, h.d, h.half)
	}
	if by := e.verdict.OnTheWay; by != nil {
		p.add(0, "")
		p.add(0, "on the way between them: not known")
		w.decided(p, *by)
	}
}

// change is what turns the verdict of a packet.
func (w *World) change(e example) Change {
	switch {
	case e.outcome == meaning.Unknown && w.asking().Walk(e.packet).Outcome() != meaning.Unknown: // for what is at host endpoints
		return Change{Text: "no change is named: what decides is not evaluated."}
	case e.outcome != meaning.Allowed && w.Mend != nil:
		return w.Mend(e.packet)
	case e.outcome != meaning.Allowed:
		return w.open(e)
	case w.Unmean != nil:
		return w.Unmean(e.packet)
	default:
		return w.close(e)
	}
}

// way is how one half is decided.
func (w *World) way(p *page, k meaning.Packet, d meaning.Direction, h meaning.Half) {
	w.decided(p, h.By)
	if h.By.Cause == meaning.Outside {
		return
	}
	seen := map[*meaning.Policy]bool{}
	for _, s := range h.Steps {
		w.step(p, k, d, s, seen)
	}
	if h.By.Cause == meaning.ByProfile {
		if len(h.Steps) == 0 {
			p.add(2, "No policy governs the %s here, so no tier has a say.", d)
		} else {
			p.add(2, "After the last tier: the profile, %s.", map[meaning.Outcome]string{meaning.Allowed: "which allows what no tier decides", meaning.Denied: "which drops it", meaning.Unknown: "of which it is not known"}[h.Outcome])
		}
	}
	own := k.To
	if d == meaning.Egress {
		own = k.From
	}
	w.bystanders(p, own, d, seen)
}

// decided says what decides a half, and shows it: in manifests what is written there,
// else the line that asked for it.
func (w *World) decided(p *page, by meaning.Decision) {
	text := upperFirst(by.Reason)
	at := diag.Span{}
	if id := by.Policy; !id.IsZero() {
		at = w.place(diag.Subject{Object: id, Pointer: by.Pointer})
	}
	if by.Pointer != "" {
		text += ", " + by.Pointer
	}
	switch {
	case at.IsZero():
		text += "."
	case w.Plan != nil:
		text += ", because of this line"
	}
	p.lines = append(p.lines, Line{Indent: 2, Text: text, At: at})
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// step is the way through one tier.
func (w *World) step(p *page, k meaning.Packet, d meaning.Direction, s meaning.Step, seen map[*meaning.Policy]bool) {
	t := w.tier(s.Tier)
	end := map[string]string{"allow": "allowed here", "deny": "denied here", "pass": "passed on to the next tier", "unknown": "not known here"}[s.Result]
	if s.Policy.IsZero() {
		end = "no rule matches; its end denies"
		if s.Result == "pass" {
			end = "no rule matches; its end passes on to the next tier"
		}
	}
	p.add(2, "tier %s, order %s: %s", s.Tier, number(t.Order), end)
	for i, policy := range s.Policies {
		seen[policy] = true
		decides := policy.ID == s.Policy && s.Pointer != ""
		w.policy(p, policy, k, d, s.Pointer, decides, fmt.Sprintf("%d. %s, order %s: ", i+1, policy.ID, number(policy.Order)))
		if decides {
			if rest := len(s.Policies) - i - 1; rest > 0 {
				for _, later := range s.Policies[i+1:] {
					seen[later] = true
				}
				p.add(4, "%s of the tier after it %s not asked", plural(rest, "policy", "policies"), map[bool]string{true: "is", false: "are"}[rest == 1])
			}
			return
		}
	}
}

func (w *World) tier(name string) *meaning.Tier {
	for _, t := range w.Meaning.Tiers {
		if t.Name == name {
			return t
		}
	}
	return &meaning.Tier{Name: name}
}

func number(order float64) string {
	if math.IsInf(order, 1) {
		return "last"
	}
	return strconv.FormatFloat(order, 'f', -1, 64)
}

// policy says how a policy fares: of its rules each in a line, of the only one in its
// own.
func (w *World) policy(p *page, policy *meaning.Policy, k meaning.Packet, d meaning.Direction, deciding string, decides bool, title string) {
	var of page
	w.rules(&of, policy, k, d, deciding, decides)
	groups := grouped(policy.Rules[d])
	if len(groups) == 1 {
		only := of.lines[0]
		p.near(only.Near, 4, "%s%s", title, only.Text)
		return
	}
	p.near(w.place(diag.Subject{Object: policy.ID}), 4, "%s%s", title, w.summary(groups, k, d))
	p.lines = append(p.lines, of.lines...)
}

// summary says how a policy's rules fare together.
func (w *World) summary(groups [][]*meaning.Rule, k meaning.Packet, d meaning.Direction) string {
	first := slices.IndexFunc(groups, func(g []*meaning.Rule) bool { return w.mismatch(g, k) == meaning.Matching })
	switch {
	case len(groups) == 0:
		return fmt.Sprintf("no %s rules; it isolates, and allows nothing", d)
	case first < 0:
		return fmt.Sprintf("none of its %d rules matches", len(groups))
	case w.certain(groups[first], k):
		return fmt.Sprintf("rule %d of %d matches", first+1, len(groups))
	default:
		return fmt.Sprintf("rule %d of %d may match", first+1, len(groups))
	}
}

// certain reports whether one of some rules matches, whatever is not known.
func (w *World) certain(group []*meaning.Rule, k meaning.Packet) bool {
	return slices.ContainsFunc(group, func(r *meaning.Rule) bool { return w.Meaning.Matches(r, k) })
}

// grouped are rules by the manifest's rule that they were made of.
func grouped(rules []meaning.Rule) [][]*meaning.Rule {
	var all [][]*meaning.Rule
	for i := range rules {
		if n := len(all) - 1; n >= 0 && all[n][0].Pointer == rules[i].Pointer {
			all[n] = append(all[n], &rules[i])
			continue
		}
		all = append(all, []*meaning.Rule{&rules[i]})
	}
	return all
}

// mismatch is why none of some rules matches: what the one says that comes nearest.
func (w *World) mismatch(group []*meaning.Rule, k meaning.Packet) meaning.Mismatch {
	nearest := meaning.Mismatch(0)
	for _, r := range group {
		m := w.Meaning.Mismatch(r, k)
		if m == meaning.Matching {
			return m
		}
		nearest = max(nearest, m)
	}
	return nearest
}

// rules says of a policy's rules why they do not match, as far as the one that does.
func (w *World) rules(p *page, policy *meaning.Policy, k meaning.Packet, d meaning.Direction, deciding string, decides bool) {
	const most = 4
	told, others := 0, 0
	for _, g := range grouped(policy.Rules[d]) {
		m := w.mismatch(g, k)
		at := w.place(diag.Subject{Object: policy.ID, Pointer: g[0].Pointer})
		switch {
		case decides && g[0].Pointer == deciding:
			if others > 0 {
				p.add(7, "%s before it %s not match", plural(others, "other rule", "other rules"), map[bool]string{true: "does", false: "do"}[others == 1])
			}
			how := mayMatch
			if w.certain(g, k) {
				how = "matches"
			}
			p.near(at, 7, "%s: %s", how, describe(g, d))
			return
		case m == meaning.Matching && g[0].Action == meaning.Log:
			p.near(at, 7, "matches: Log, which decides nothing")
		case m == meaning.Matching:
			p.near(at, 7, "%s: %s", mayMatch, shortText(describe(g, d)))
		case told < most:
			told++
			p.near(at, 7, "no match, %s: %s", reasons[m], shortText(describe(g, d)))
		default:
			others++
		}
	}
	if others > 0 {
		p.add(7, "%s %s not match either", plural(others, "other rule", "other rules"), map[bool]string{true: "does", false: "do"}[others == 1])
	}
}

const mayMatch = "may match, which depends on an address or port that is not known"

// shortText is the beginning of what a rule says that does not decide: its place is
// told beside it.
func shortText(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// reasons are mismatches in words.
var reasons = map[meaning.Mismatch]string{
	meaning.OtherFamily: "other address family", meaning.OtherProtocol: "other protocol", meaning.OtherMessage: "other ICMP type",
	meaning.OtherSource: "other sender", meaning.OtherSourcePort: "other source port", meaning.OtherDestination: "other receiver",
	meaning.OtherPort: "other port", meaning.OtherService: "not an endpoint of the Service",
}

// bystanders says which policies near an endpoint have no say, and why.
func (w *World) bystanders(p *page, own meaning.Peer, d meaning.Direction, seen map[*meaning.Policy]bool) {
	namespace, labels := "", selector.Labels(nil)
	if e := own.Endpoint; e != nil && !e.HostNetwork {
		namespace, labels = e.Namespace, e
	} else if h := w.hostAt(own); h != nil {
		labels = h
	} else {
		return
	}
	var selected, inert, others []Line // from the nearest
	for _, policy := range w.Meaning.Policies {
		if seen[policy] || policy.ID.Namespace != "" && policy.ID.Namespace != namespace {
			continue
		}
		near := func(format string, args ...any) Line {
			return Line{Indent: 4, Text: policy.ID.String() + " " + fmt.Sprintf(format, args...), Near: w.place(diag.Subject{Object: policy.ID})}
		}
		selects := policy.Selects(labels)
		switch {
		case !policy.Enforced && selects:
			inert = append(inert, near("is staged: it decides nothing yet"))
		case policy.HostsOnly && selects:
			inert = append(inert, near("is for host endpoints alone"))
		case policy.Dropped != "":
			inert = append(inert, near("is dropped by Calico: %s", policy.Dropped))
		case selects && !policy.Governs[d]:
			selected = append(selected, near("governs %s alone", other(d)))
		case !selects:
			others = append(others, near("selects others: %s", shortText(spell(policy.Selector()))))
		}
	}
	const most = 3
	all := slices.Concat(selected, inert)
	if len(all)+len(others) == 0 {
		return
	}
	scope := "of the cluster"
	if namespace != "" {
		scope = "of namespace " + namespace + " and of the cluster"
	}
	p.add(2, "no say: %s %s", plural(len(all)+len(others), "other policy", "other policies"), scope)
	p.lines = append(p.lines, all[:min(len(all), most)]...)
	if rest := len(all) - most; rest > 0 {
		p.add(4, "and %d more that select it", rest)
	}
	if len(others) > 0 {
		p.lines = append(p.lines, others[0])
	}
	if rest := len(others) - 1; rest > 0 {
		p.add(4, "and %d more that %s others", rest, map[bool]string{true: "selects", false: "select"}[rest == 1])
	}
}

func other(d meaning.Direction) meaning.Direction { return meaning.Ingress + meaning.Egress - d }

func (w *World) hostAt(p meaning.Peer) *meaning.Host {
	for _, h := range w.Meaning.Hosts {
		if p.Addr.IsValid() && slices.Contains(h.Addresses, p.Addr.Unmap()) {
			return h
		}
	}
	return nil
}

// describe is what some rules of one manifest's rule match: Allow TCP 80 from pods …
func describe(group []*meaning.Rule, d meaning.Direction) string {
	r := group[0]
	text := r.Action.String()
	if traffic := spoken(group); traffic != "" {
		text += " " + traffic
	}
	if r.Family != 0 {
		text += fmt.Sprintf(" of IPv%d", r.Family)
	}
	from, to := peers(group, func(r *meaning.Rule) *meaning.Entity { return &r.Source }), peers(group, func(r *meaning.Rule) *meaning.Entity { return &r.Destination })
	if d == meaning.Ingress || from != "" {
		text += " from " + orAnyone(from)
	}
	if d == meaning.Egress || to != "" {
		text += " to " + orAnyone(to)
	}
	return text
}

func orAnyone(text string) string {
	if text == "" {
		return "anyone"
	}
	return text
}

// spoken are the protocols and ports of some rules.
func spoken(group []*meaning.Rule) string {
	var words []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" && !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	for _, r := range group {
		text := ""
		if r.Protocol != nil {
			text = r.Protocol.String()
		}
		if r.NotProtocol != nil {
			text = "all but " + r.NotProtocol.String()
		}
		if r.ICMP != nil {
			text += " type " + strconv.Itoa(int(r.ICMP.Type))
		}
		if r.NotICMP != nil {
			text += " all but type " + strconv.Itoa(int(r.NotICMP.Type))
		}
		if len(r.Destination.Ports) > 0 {
			text += " " + portList(r.Destination.Ports)
		}
		if len(r.Destination.NotPorts) > 0 {
			text += " not on " + portList(r.Destination.NotPorts)
		}
		add(text)
	}
	return shortened(words)
}

func portList(ports []meaning.PortMatch) string {
	var words []string
	for _, p := range ports {
		switch {
		case p.Name != "":
			words = append(words, p.Name)
		case p.First == p.Last:
			words = append(words, strconv.Itoa(int(p.First)))
		default:
			words = append(words, fmt.Sprintf("%d-%d", p.First, p.Last))
		}
	}
	return shortenedBy(words, ",")
}

// peers are the ends that some rules name.
func peers(group []*meaning.Rule, of func(*meaning.Rule) *meaning.Entity) string {
	var words []string
	for _, r := range group {
		var terms []string
		e := of(r)
		if e.Selector != nil {
			terms = append(terms, spell(*e.Selector))
		}
		if e.NotSelector != nil {
			terms = append(terms, "not "+spell(*e.NotSelector))
		}
		for i, nets := range [][]string{texts(e.Nets), texts(e.NotNets)} {
			if len(nets) > 0 {
				terms = append(terms, []string{"", "not "}[i]+shortened(nets))
			}
		}
		if e.Service != nil {
			terms = append(terms, "the Service "+e.Service.Namespace+"/"+e.Service.Name)
		}
		if text := strings.Join(terms, " and "); text != "" && !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	return shortenedBy(words, "; ")
}

// spell is a selector for people: that pods are pods is said by nobody who writes one.
func spell(s selector.Selector) string {
	text := s.String()
	const orchestrator = `projectcalico.org/orchestrator == "k8s"`
	text = strings.ReplaceAll(strings.ReplaceAll(text, orchestrator+" && ", ""), orchestrator, "every pod")
	if inner, ok := strings.CutPrefix(text, "("); ok && strings.HasSuffix(inner, ")") && !strings.ContainsAny(inner[:len(inner)-1], "()") {
		text = inner[:len(inner)-1]
	}
	return text
}

func texts[T fmt.Stringer](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, v.String())
	}
	return all
}

func shortened(words []string) string { return shortenedBy(words, ", ") }

func shortenedBy(words []string, separator string) string {
	const most = 4
	if len(words) > most {
		words = append(slices.Clone(words[:most]), fmt.Sprintf("%d more", len(words)-most))
	}
	return strings.Join(words, separator)
}
