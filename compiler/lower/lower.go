// Package lower turns a plan into the objects that carry it out, one file for each
// kind of policy that may be emitted.
//
// Its invariant: what is emitted allows the plan's flows, on both halves, and
// nothing else; and of every rule it is known which line asked for it.
//
// It must not know the intent language, nor where the objects are written.
package lower

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Emitted is one object, and the lines that its parts come from.
type Emitted struct {
	Manifest object.Map
	// Origins has, by JSON pointer, the place in the intents that asked for that
	// part of the manifest. The empty pointer is the object as a whole; a part
	// without an entry has that of its nearest ancestor.
	Origins map[string]diag.Span
}

// At is the place in the intents that asked for the part of the manifest that a JSON
// pointer names.
func (e Emitted) At(pointer string) diag.Span {
	for ; ; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
		if span, ok := e.Origins[pointer]; ok || !strings.Contains(pointer, "/") {
			return span
		}
	}
}

// Target is a kind of policy that may be emitted.
type Target struct {
	Name  string
	Title string
	lower func(*plan.Plan) []Emitted
}

// Targets is the table of what a Platform may name under targets.
var Targets = []Target{
	{"kubernetes", "NetworkPolicy of networking.k8s.io/v1", kubernetes},
	{"calico", "GlobalNetworkPolicy, Tier and GlobalNetworkSet of projectcalico.org/v3", calico},
}

// Names of the targets, in the order of the table.
func Names() []string {
	all := make([]string, len(Targets))
	for i, t := range Targets {
		all[i] = t.Name
	}
	return all
}

// Lower emits a plan for the targets that it names, in the order of object IDs.
func Lower(p *plan.Plan) []Emitted {
	var all []Emitted
	for _, t := range Targets {
		if p.HasTarget(t.Name) {
			all = append(all, t.lower(p)...)
		}
	}
	slices.SortFunc(all, func(a, b Emitted) int { return a.Manifest.ID().Compare(b.Manifest.ID()) })
	return all
}

// Annotations on emitted objects, and the label that marks them as ours.
const (
	IntentAnnotation = plan.Group + "/intent"
	OwnerAnnotation  = plan.Group + "/owner"
	ReasonAnnotation = plan.Group + "/reason"

	managedBy     = "app.kubernetes.io/managed-by"
	manager       = "portcullis"
	syncWave      = "argocd.argoproj.io/sync-wave"
	noSubstitutes = "kustomize.toolkit.fluxcd.io/substitute"
)

// Waves of Argo CD: what opens comes before what closes, so that a first sync cuts
// nothing off. Wave 0 is the default and is not written.
const (
	waveTiers    = "-2"
	waveSets     = "-1"
	waveAllows   = ""
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

func metadata(a about) object.Map {
	m := object.Map{{Key: "name", Value: a.name}}
	if a.namespace != "" {
		m = append(m, object.Field{Key: "namespace", Value: a.namespace})
	}
	labels := map[string]string{managedBy: manager}
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
		if strings.Contains(value, "${") {
			annotations[noSubstitutes] = "disabled" // Flux would expand it
		}
	}
	m = append(m, object.Field{Key: "labels", Value: object.StringMap(labels)})
	if len(annotations) > 0 {
		m = append(m, object.Field{Key: "annotations", Value: object.StringMap(annotations)})
	}
	return m
}

// maxName is the length of a DNS label: names of both APIs may be longer, and
// tools that put them into labels may not.
const maxName = 63

// named joins a prefix and a name within maxName. A name that does not fit is cut
// and gets a digest of its whole, so that two long names stay two.
func named(prefix, name string) string {
	full := prefix + name
	if len(full) <= maxName {
		return full
	}
	digest := shortDigest(full)
	return strings.TrimRight(full[:maxName-len(digest)-1], "-.") + "-" + digest
}

func shortDigest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:8]
}

// reasons joins what the lines of some flows say of themselves, once each, in an order
// that does not tell in which files they stand.
func reasons(origins []plan.Origin) string {
	var all []string
	for _, o := range origins {
		why := o.Why
		if o.Ticket != "" {
			why = strings.TrimSpace(why + " (" + o.Ticket + ")")
		}
		if why != "" && !slices.Contains(all, why) {
			all = append(all, why)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
