package lower

import (
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Annotations on emitted objects, and the label that marks them as ours.
const (
	IntentAnnotation = plan.Group + "/intent"
	OwnerAnnotation  = plan.Group + "/owner"
	ReasonAnnotation = plan.Group + "/reason"

	syncWave      = "argocd.argoproj.io/sync-wave"
	noSubstitutes = "kustomize.toolkit.fluxcd.io/substitute"
)

// Waves of Argo CD: what opens comes before what closes, so that a first sync cuts
// nothing off. Wave 0 is the default and is not written.
const (
	waveTiers    = "-2"
	waveSets     = "-1"
	waveAllows   = ""
	waveStaged   = "1"
	waveDenies   = "2"
	waveDefaults = "3"
)

// about is what an object says of itself.
type about struct {
	namespace, name string
	intent, owner   string
	reason          string
	wave            string
	labels          map[string]string
}

// metadata writes an object's name, namespace, labels and annotations, which say who emitted it,
// for whom and why.
func metadata(a about) object.Map {
	m := append(make(object.Map, 0, 4), object.Field{Key: "name", Value: a.name})
	if a.namespace != "" {
		m = append(m, object.Field{Key: "namespace", Value: a.namespace})
	}
	labels := oursAlone
	if len(a.labels) > 0 {
		all := map[string]string{plan.ManagedBy: plan.Manager}
		maps.Copy(all, a.labels)
		labels = yamltext.StringMap(all)
	}
	m = append(m, object.Field{Key: "labels", Value: labels})
	if annotations := annotationsOf(a); len(annotations) > 0 {
		m = append(m, object.Field{Key: "annotations", Value: annotations})
	}
	return m
}

// longestReason is how many characters of reasons an object carries, and longestComment how many a
// rule does: the lines themselves hold them all.
const (
	longestReason  = 1000
	longestComment = 300
)

// explained lays above the next of some parts of a policy why it is there, unless that is said
// already of the one before.
type explained struct {
	why  func([]plan.Origin) string // nil: nothing is said
	last string
}

// item returns the next item of a list of those parts.
func (e *explained) item(part any, origins []plan.Origin) any {
	if e.why == nil {
		return part
	}
	why := e.why(origins)
	if why == e.last {
		return part
	}
	e.last = why
	return yamltext.Commented{Comment: why, Item: part}
}

// oursAlone is what most objects wear: the label that marks them as ours.
var oursAlone any = object.Map{{Key: plan.ManagedBy, Value: plan.Manager}}

// annotationsOf writes an object's annotations, in the order of their keys.
func annotationsOf(a about) object.Map {
	said := [...]struct{ key, value string }{
		{syncWave, a.wave}, {noSubstitutes, ""}, {IntentAnnotation, a.intent}, {OwnerAnnotation, a.owner}, {ReasonAnnotation, a.reason},
	}
	count := 0
	for i := range said {
		if strings.Contains(said[i].value, "$") {
			said[1].value = "disabled" // Flux would expand ${…}, and make one dollar of two
		}
	}
	for _, s := range said {
		if s.value != "" {
			count++
		}
	}
	annotations := make(object.Map, 0, count)
	for _, s := range said {
		if s.value != "" {
			annotations = append(annotations, object.Field{Key: s.key, Value: s.value})
		}
	}
	return annotations
}

// reasons joins what some lines say of themselves into one annotation, once each and by their
// text, so that the order of flows does not show.
func reasons(origins []plan.Origin) string {
	var all []string
	for _, o := range origins {
		if text := reason(o.Why, o.Ticket, o.Until); text != "" {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return cut(strings.Join(slices.Compact(all), "; "), longestReason)
}

// cut shortens what is said to so many characters.
func cut(text string, longest int) string {
	if len(text) > longest {
		if runes := []rune(text); len(runes) > longest {
			return string(runes[:longest]) + "…"
		}
	}
	return text
}

// reason joins a line's why, its ticket and its last day into the text of an annotation.
func reason(why, ticket, until string) string {
	if until != "" {
		until = "until " + until
	}
	terms := slices.DeleteFunc([]string{ticket, until}, func(s string) bool { return s == "" })
	switch {
	case len(terms) == 0:
		return why
	case why == "":
		return strings.Join(terms, ", ")
	default:
		return why + " (" + strings.Join(terms, ", ") + ")"
	}
}

// earliest finds the first of some lines in the order of files, to name it in an object's
// metadata.
func earliest(origins []plan.Origin) diag.Span {
	if len(origins) == 0 {
		return diag.Span{}
	}
	return slices.MinFunc(origins, func(a, b plan.Origin) int { return a.Span.Compare(b.Span) }).Span
}
