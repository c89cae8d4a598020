package govern

import (
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// liftsBare reports whether a waiver beside manifests lifts a finding: it names the object,
// the peer and the port of it, for no line of an intent says how far it is meant to go. If it
// names too little, or the finding is about more, beyond is a clause about that.
func (g *Governance) liftsBare(w *language.Waiver, d diag.Diagnostic, environment string) (lifted bool, beyond string) {
	m := w.Spec.Match
	name := string(w.Metadata.Name.Value)
	object := m
	object.Peer, object.Port = language.At[string]{}, language.At[language.PortRef]{}
	switch missing := lacking(m); {
	case !m.Object.Given() || !g.names(object, d, environment):
		return false, ""
	case len(missing) > 0:
		return false, "the waiver " + name + " names no " + diag.Enumerate(missing, "and no") + ", and lifts nothing"
	case !g.names(m, d, environment):
		g.matched[w] = true
		return false, "it is about " + extent(d) + ", and the waiver " + name + " is about less"
	}
	g.matched[w] = true
	return true, ""
}

// lacking lists the parts that a match of a bare waiver, beside manifests, has to have and has
// not.
func lacking(m language.Match) []string {
	var missing []string
	for _, part := range []struct {
		name  string
		given bool
	}{{"object", m.Object.Given()}, {"peer", m.Peer.Given()}, {"port", m.Port.Given()}} {
		if !part.given {
			missing = append(missing, part.name)
		}
	}
	return missing
}

// extent tells what a finding says of its traffic, which a bare waiver has to name.
func extent(d diag.Diagnostic) string {
	var parts []string
	for _, key := range []string{diag.PeerEvidence, diag.PortEvidence} {
		if values := d.EvidenceOf(key); len(values) > 0 {
			parts = append(parts, key+" "+strings.Join(values, " and "))
		}
	}
	if len(parts) == 0 {
		return "no one peer and port"
	}
	return strings.Join(parts, ", ")
}

// incomplete makes the finding of a waiver beside manifests that does not say how far it goes.
func (g *Governance) incomplete(w *language.Waiver, missing []string, found diag.List) diag.Diagnostic {
	m := w.Spec.Match
	d := waiverUnused.At(m.Span, "the waiver %s names no %s, and lifts nothing", w.Metadata.Name.Value, diag.Enumerate(missing, "and no")).
		Because("beside manifests no line says what is meant: object, peer and port are all that a waiver lifts")
	hint := "add " + diag.Enumerate(missing, "and") + " to its match, as the finding's evidence says them (check -o json)"
	for _, f := range found {
		if f.Rule.Code == string(w.Spec.Rule.Value) && (!m.Object.Given() || f.Evidence[diag.ObjectEvidence] == string(m.Object.Value)) && f.Evidence[diag.PeerEvidence] != "" {
			hint = "add " + diag.Enumerate(missing, "and") + " to its match: the finding is about " + extent(f)
			if len(f.EvidenceOf(diag.PortEvidence)) > 1 {
				hint += ", which port: any covers"
			}
			break
		}
	}
	return d.Suggest("%s", hint)
}

// unusedHint advises what to do about a waiver beside manifests or lines that nothing needs.
func (g *Governance) unusedHint() string {
	if g.bare {
		return "remove it; if the finding still stands, its evidence says another object, peer or port (check -o json)"
	}
	return "remove it; if the finding still stands, no line that match names means the finding's traffic"
}
