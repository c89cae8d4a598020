package lower

import (
	"cmp"
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
	m := object.Map{{Key: "name", Value: a.name}}
	if a.namespace != "" {
		m = append(m, object.Field{Key: "namespace", Value: a.namespace})
	}
	labels := map[string]string{plan.ManagedBy: plan.Manager}
	for k, v := range a.labels {
		labels[k] = v
	}
	annotations := map[string]string{}
	for key, value := range map[string]string{
		IntentAnnotation: a.intent, OwnerAnnotation: a.owner, ReasonAnnotation: a.reason, syncWave: a.wave,
	} {
		if value != "" {
			annotations[key] = value
		}
		if strings.Contains(value, "$") {
			annotations[noSubstitutes] = "disabled" // Flux would expand ${…}, and make one dollar of two
		}
	}
	m = append(m, object.Field{Key: "labels", Value: yamltext.StringMap(labels)})
	if len(annotations) > 0 {
		m = append(m, object.Field{Key: "annotations", Value: yamltext.StringMap(annotations)})
	}
	return m
}

// platform names the Platform as an annotation names an intent: no namespace has a capital letter.
func (l *lowering) platform() string { return "Platform/" + l.PlatformName }

// intents names those whose lines ask for something, each once and by their names.
func (l *lowering) intents(origins []plan.Origin) string {
	all := make([]string, len(origins))
	for i, o := range origins {
		all[i] = cmp.Or(o.Intent, l.platform())
	}
	slices.Sort(all)
	return cut(strings.Join(slices.Compact(all), ", "))
}

// longestReason is how many characters of reasons an object carries: the lines
// themselves hold them all.
const longestReason = 1000

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
	return cut(strings.Join(slices.Compact(all), "; "))
}

// cut shortens what an annotation says to what an object carries of it.
func cut(text string) string {
	if runes := []rune(text); len(runes) > longestReason {
		return string(runes[:longestReason]) + "…"
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
