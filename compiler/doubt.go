package compiler

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

// claim is what a rule says of traffic, as far as a policy could make it untrue that nobody
// evaluates.
type claim int

const (
	isClosed   claim = 1 << iota // traffic is denied: what allows would undo it
	isOpen                       // traffic is allowed: what denies would undo it
	isDeadRule                   // a rule decides nothing: one that goes before the others would undo it
)

// doubted makes a warning of each finding that is not true if a policy that nobody evaluates does
// what it may, and says which one. What is said of how a policy is written stays as it is, and so
// does what only a text could undo of which nobody knows that it is a policy: it is named as an
// error itself, and one such text in a directory of test data would take the edge off all.
func doubted(found diag.List, m *meaning.Meaning, everybody population.Population) diag.List {
	if len(m.Unread) == 0 {
		return found
	}
	found = slices.Clone(found)
	for i, d := range found {
		u := undoing(d, m, everybody)
		if u == nil {
			continue
		}
		d.Severity = min(d.Severity, diag.Warning)
		d.Why = strings.TrimPrefix(d.Why+"; whether it is so is unknown: "+u.Reason, "; ")
		found[i] = d
	}
	return found
}

// undoing finds the first unread policy that casts doubt on a finding, since it may make it
// untrue, or nil.
func undoing(d diag.Diagnostic, m *meaning.Meaning, everybody population.Population) *meaning.Unread {
	claims, namespace := claimOf(d), d.Evidence["namespace"]
	if namespace == "" {
		namespace = d.Subject.Object.Namespace
	}
	if d.Rule.Code == "PC201" && claims != 0 {
		return closing(m, everybody.ByNamespace[namespace])
	}
	for _, u := range m.Unread {
		if u.ID.IsZero() {
			continue
		}
		if u.ID.Kind == "Tier" && d.Rule.Code == "PC204" && d.Evidence["tier"] == u.ID.Name {
			return u
		}
		undoes := claims&isOpen != 0 || claims&isClosed != 0 && !u.Restricts || claims&isDeadRule != 0 && goesBefore(u)
		if undoes && (claims == isDeadRule || concerns(u, d, namespace, everybody)) {
			return u
		}
	}
	return nil
}

// claimOf reads from a finding what it claims of traffic, which may be doubted.
func claimOf(d diag.Diagnostic) claim {
	switch conflict := d.Evidence["conflict"]; d.Rule.Code {
	case "PC201":
		if d.Severity == diag.Warning && d.Evidence == nil { // of a policy that goes by labels, as it is written
			return 0
		}
		return isOpen
	case "PC202":
		if _, lacks := d.Evidence["lacks"]; lacks || d.Evidence["peer"] == "" {
			return isClosed
		}
		return isOpen
	case "PC203":
		return isOpen
	case "PC204":
		switch conflict {
		case "":
			return 0
		case "pass-to-nothing":
			return isOpen
		}
		return isDeadRule
	case "PC312":
		return isClosed
	}
	return 0
}

// goesBefore reports whether an unread policy may decide before those of Calico, or hand on what
// they would decide.
func goesBefore(u *meaning.Unread) bool {
	return strings.HasSuffix(u.ID.Group, "projectcalico.org") || u.ID.Group == "policy.networking.k8s.io"
}

// concerns reports whether a policy may be about the pods that a finding is about: those that it
// names, or all of the namespace; where it says neither, anybody.
func concerns(u *meaning.Unread, d diag.Diagnostic, namespace string, everybody population.Population) bool {
	if d.Rule.Code == "PC312" { // whose other half is anybody's
		namespace = ""
	}
	named := strings.Fields(strings.ReplaceAll(d.Evidence["endpoint"], ",", " "))
	known := false
	for _, e := range everybody.All {
		if namespace != "" && e.Namespace != namespace || len(named) > 0 && !slices.Contains(named, e.Ref()) {
			continue
		}
		known = true
		if u.Selects(e.Endpoint, meaning.Ingress) || u.Selects(e.Endpoint, meaning.Egress) {
			return true
		}
	}
	return !known && u.InNamespace(namespace)
}

// closing finds the first unread policy with which every pod may be isolated that nothing
// isolates, or nil where one of them stays open whatever they do. On it rests the doubt about
// findings of open pods.
func closing(m *meaning.Meaning, pods []*population.Pods) *meaning.Unread {
	var first *meaning.Unread
	for _, e := range pods {
		for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
			if g := m.Governing(e.Endpoint, d); g.Isolated {
				continue
			}
			i := slices.IndexFunc(m.Unread, func(u *meaning.Unread) bool { return !u.ID.IsZero() && u.Selects(e.Endpoint, d) })
			if i < 0 {
				return nil
			}
			if first == nil {
				first = m.Unread[i]
			}
		}
	}
	return first
}

// unreadTexts lists the unread texts that no object of a set stands for, though they may hold a
// policy. They have an ID where the text says which one it is.
func unreadTexts(found diag.List, set object.Set) []*meaning.Unread {
	var all []*meaning.Unread
	for _, d := range found {
		if d.Severity < diag.Error || !slices.Contains(object.Rules, d.Rule) || isStoodFor(d, set) {
			continue
		}
		id, namespace := d.Subject.Object, ""
		switch role := object.RoleOf(id); {
		case !id.IsZero() && role != object.Policy && role != object.Unmodelled:
			continue
		case id.Kind == "NetworkPolicy" && !strings.ContainsAny(id.Namespace, "${"):
			namespace = id.Namespace
		}
		u := meaning.UnreadAt(d.Span.String(), namespace)
		if !strings.ContainsAny(id.String(), "${") {
			u.ID = id
		}
		all = append(all, u)
	}
	return all
}

// isStoodFor reports whether an object of the set stands for the policy that a finding says is not
// read.
func isStoodFor(d diag.Diagnostic, set object.Set) bool {
	o, there := set.Get(d.Subject.Object)
	if !there {
		return false
	}
	_, unread := o.Unread()
	return unread || o.Role != object.Policy
}

// contained turns into a doubt, by a warning, the findings about policies that are not read, as
// far as objects stand for these: what they may touch is unknown, and the rest can be explained.
func (s surroundings) contained(found diag.List) diag.List {
	found = slices.Clone(found)
	for i, d := range found {
		if role := object.RoleOf(d.Subject.Object); d.Is(object.Duplicate) && role == object.World {
			found[i].Severity = diag.Error // who explains one packet does not know which pods there are
		}
		if d.Severity == diag.Error && slices.Contains(object.Rules, d.Rule) && slices.ContainsFunc(s.clusters, func(c running) bool {
			o, there := c.set.Get(d.Subject.Object)
			_, unread := o.Unread()
			return there && unread && !c.worldDiffers()
		}) {
			found[i].Severity = diag.Warning
		}
	}
	return found
}

// worldDiffers reports whether something that tells of the cluster is defined twice, differently,
// so that findings are in doubt.
func (r running) worldDiffers() bool {
	return slices.ContainsFunc(r.set.All(), func(o object.Object) bool { return o.Differs && o.Role == object.World })
}
