package explain

import (
	"math"
	"slices"
	"strconv"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/selector"
)

// example explains one packet's way: what becomes of it, and why on either half.
func (w *World) example(s sample, d Detail) Example {
	e := Example{Flow: flowOf(s.packet), Verdict: verdicts[s.outcome], Meant: w.meant(s.packet), packet: s.packet, verdict: s.verdict}
	e.Egress = w.half(s.packet, meaning.Egress, s.verdict.Egress, d)
	e.Ingress = w.half(s.packet, meaning.Ingress, s.verdict.Ingress, d)
	if by := s.verdict.OnTheWay; by != nil {
		way := decided(*by, meaning.Unknown)
		way.Of, way.Rule = "the way between them", "" // it is the policy's field that decides where it acts
		e.OnTheWay = &way
	}
	return e
}

// flowOf writes a packet in one line for people: source, destination, traffic.
func flowOf(k meaning.Packet) string {
	text := k.From.String() + " -> " + k.To.String() + " " + k.Header().String()
	if k.SourcePort > 0 {
		text += " from port " + strconv.Itoa(int(k.SourcePort))
	}
	return text
}

var causes = map[meaning.Cause]string{
	meaning.ByRule: "rule", meaning.ByTierEnd: "tier-end", meaning.ByProfile: "profile", meaning.Outside: "none",
}

// decided says what decides a half: the rule, default or lack of policies at which the walk ended.
func decided(by meaning.Decision, o meaning.Outcome) Half {
	h := Half{Verdict: verdicts[o], By: causes[by.Cause], Tier: by.Tier, Rule: by.Pointer, Reason: by.Reason}
	if id := by.Policy; !id.IsZero() {
		h.Policy = &id
		h.At.Subject = diag.Subject{Object: id, Pointer: by.Place()}
	}
	return h
}

// half tells the way of a packet through one half: what decides it, tier by tier where detail is
// asked for.
func (w *World) half(k meaning.Packet, d meaning.Direction, walked meaning.Half, detail Detail) Half {
	own := k.To
	if d == meaning.Egress {
		own = k.From
	}
	h := decided(walked.By, walked.Outcome)
	h.Of = own.String()
	if e := own.Endpoint; e != nil && e.HostNetwork && h.By == "none" && h.Verdict == Allow {
		h.Reason = "it is on the host's network, where no policy can hold its end"
	}
	if h.By == "rule" && len(w.networkSets()) > 0 {
		h.Sets = w.setsOf(w.rulesAt(walked.By.Policy, walked.By.Pointer, d), k, d)
	}
	if detail < Everything || walked.By.Cause == meaning.Outside {
		return h
	}
	seen := map[*meaning.Policy]bool{}
	for _, s := range walked.Steps {
		h.Tiers = append(h.Tiers, w.step(k, d, s, seen))
	}
	h.NoSay = w.bystanders(own, d, seen)
	return h
}

// step tells the way of a packet through one tier.
func (w *World) step(k meaning.Packet, d meaning.Direction, s meaning.Step, seen map[*meaning.Policy]bool) Tier {
	t := Tier{Name: s.Tier, Result: s.Result, AtEnd: s.Policy.IsZero(), Policies: []Policy{}}
	for _, known := range w.Meaning.Tiers {
		if known.Name == s.Tier {
			t.Order = finite(known.Order)
		}
	}
	decides := false
	for _, policy := range s.Policies {
		seen[policy] = true
		if decides {
			t.NotAsked++
			continue
		}
		decides = policy.ID == s.Policy && s.Pointer != ""
		deciding := ""
		if decides {
			deciding = s.Pointer
		}
		t.Policies = append(t.Policies, w.policy(policy, k, d, deciding))
	}
	return t
}

// finite returns a tier's or policy's order for an answer, or nil for the last, which is infinite.
func finite(order float64) *float64 {
	if math.IsInf(order, 1) {
		return nil
	}
	return &order
}

// policy tells how a policy's rules fare on a packet's way, as far as the one that decides.
func (w *World) policy(policy *meaning.Policy, k meaning.Packet, d meaning.Direction, deciding string) Policy {
	groups := grouped(policy.Rules[d])
	p := Policy{ID: policy.ID, Order: finite(policy.Order), Count: len(groups), At: Place{Subject: diag.Subject{Object: policy.ID}}}
	for _, g := range groups {
		r := w.rule(g, k, d)
		r.At.Subject = diag.Subject{Object: policy.ID, Pointer: r.Pointer}
		r.Decides = deciding != "" && r.Pointer == deciding
		p.Rules = append(p.Rules, r)
		if r.Decides {
			break
		}
	}
	return p
}

// rule tells how the rules made of one rule of a manifest fare on a packet's way: as the one does
// that comes nearest.
func (w *World) rule(group []*meaning.Rule, k meaning.Packet, d meaning.Direction) Rule {
	r := Rule{Pointer: group[0].Pointer, Text: describe(group, d), Logs: group[0].Action == meaning.Log}
	nearest := meaning.Mismatch(0)
	for _, g := range group {
		m := w.Meaning.Mismatch(g, k)
		if m == meaning.Matching {
			r.Matches = Maybe
			if slices.ContainsFunc(group, func(r *meaning.Rule) bool { return w.Meaning.Matches(r, k) }) {
				r.Matches = Yes
			}
			if len(w.networkSets()) > 0 {
				r.Sets = w.setsOf(group, k, d)
			}
			return r
		}
		nearest = max(nearest, m)
	}
	r.Matches, r.Why = No, reasons[nearest]
	return r
}

// grouped gathers rules by the manifest's rule that they were made of.
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

// bystanders tells of policies beside a packet's way, at one of its ends, that have no say, and why.
func (w *World) bystanders(own meaning.Peer, d meaning.Direction, seen map[*meaning.Policy]bool) *NoSay {
	namespace, labels := "", selector.Labels(nil)
	if e := own.Endpoint; e != nil && !e.HostNetwork {
		namespace, labels = e.Namespace, e
	} else if h := w.hostAt(own); h != nil {
		labels = h
	} else {
		return nil
	}
	var selected, inert, others []Bystander // from the nearest
	for _, policy := range w.Meaning.Policies {
		if seen[policy] || policy.ID.Namespace != "" && policy.ID.Namespace != namespace {
			continue
		}
		selects := policy.Selects(labels)
		b := Bystander{ID: policy.ID, Selects: selects, At: Place{Subject: diag.Subject{Object: policy.ID}}}
		switch {
		case !policy.Enforced && selects:
			b.Why = "is staged: it decides nothing yet"
			inert = append(inert, b)
		case policy.HostsOnly && selects:
			b.Why = "is for host endpoints alone"
			inert = append(inert, b)
		case policy.Dropped != "":
			b.Selects, b.Why = true, "is dropped by Calico: "+policy.Dropped
			inert = append(inert, b)
		case selects && !policy.Governs[d]:
			b.Why = "governs " + other(d).String() + " alone"
			selected = append(selected, b)
		case !selects:
			b.Why = "selects others: " + spell(policy.Selector())
			others = append(others, b)
		}
	}
	all := slices.Concat(selected, inert, others)
	if len(all) == 0 {
		return nil
	}
	return &NoSay{Namespace: namespace, Policies: all}
}

// other returns the opposite direction, for the other half of a packet's way.
func other(d meaning.Direction) meaning.Direction { return meaning.Ingress + meaning.Egress - d }

// hostAt finds the host endpoint that a packet's way begins or ends at, by its address.
func (w *World) hostAt(p meaning.Peer) *meaning.Host {
	for _, h := range w.Meaning.Hosts {
		if p.Addr.IsValid() && slices.Contains(h.Addresses, p.Addr.Unmap()) {
			return h
		}
	}
	return nil
}
