package sources

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/rego"
)

// World reads the manifests beside the intents, for what they tell of namespaces
// and workloads. They are other people's YAML, and not judged; but what cannot be read
// where something of ours may lie is a finding.
// The second result are the files that count: those that tell something, ours, and the
// user's own rules. Tests of rules change nothing that is built.
func World(repo *language.Repository, files []language.File) (object.Set, map[string][]byte, diag.List) {
	var objects []object.Object
	var found diag.List
	counted := make(map[string][]byte, len(files))
	for _, f := range files {
		if language.Ours(f) || language.IsRego(f.Path) {
			if !rego.IsTest(f.Path) {
				counted[f.Path] = f.Data
			}
			continue
		}
		unread := language.Unreadable(f)
		var decoded []object.Object
		if unread == nil {
			decoded, unread = object.Decode(f.Path, f.Data)
			unread = slices.DeleteFunc(unread, func(d diag.Diagnostic) bool {
				return !tellsOfCluster(d) && (!d.Is(object.NotYAML) || !repo.Undecodable(f))
			})
		}
		for _, d := range unread {
			switch {
			case d.Is(object.BadField):
				d.Severity = diag.Warning
				found = append(found, d.Because("it is not applied as it stands, and what it tells of the cluster is not compared with the intents"))
			case repo.MayHold(f.Path):
				found = append(found, d.Because(mayStandHere))
			}
		}
		for _, o := range decoded {
			if o.Role == object.World && o.Typed != nil {
				objects = append(objects, o)
				counted[f.Path] = f.Data
			}
		}
	}
	set, _ := object.NewSet(objects)
	return set, counted, found
}

// tellsOfCluster reports whether a finding is that a namespace or a workload beside the intents
// cannot be read.
func tellsOfCluster(d diag.Diagnostic) bool {
	return d.Is(object.BadField) && object.RoleOf(d.Subject.Object) == object.World
}

// mayStandHere is why a file that cannot be read ends the run.
const mayStandHere = "something of the language, or of a component, may stand here, and would be left out in silence"

// Hidden makes errors of what was left out where something of ours may lie: of large files, for
// what their beginning holds says nothing of what stands behind it, and of links that may stand
// for a directory and lead to what was not read.
func Hidden(repo *language.Repository, found diag.List) diag.List {
	found = slices.Clone(found)
	for i, d := range found {
		remedy := ""
		switch {
		case d.Severity != diag.Warning:
		case d.Is(overLimit) && isYAML(d.Span.File) && repo.MayHold(d.Span.File):
			remedy = "split it into several files"
		case d.Is(refusedFile) && repo.MayHoldBelow(d.Span.File):
			remedy = "put here what it leads to"
		}
		if remedy != "" {
			d.Severity = diag.Error
			found[i] = d.Because(mayStandHere).
				Suggest("%s, or let the Platform say where ours lie: trusted, and the path of each namespace", remedy)
		}
	}
	return found
}
