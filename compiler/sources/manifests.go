package sources

import (
	"fmt"
	"path"
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
	counted := map[string][]byte{}
	for _, f := range files {
		if language.Ours(f) || IsRego(f) {
			if !rego.IsTest(f.Path) {
				counted[f.Path] = f.Data
			}
			continue
		}
		unread := language.Unreadable(f)
		var decoded []object.Object
		if unread == nil {
			decoded, unread = object.Decode(f.Path, f.Data)
			unread = slices.DeleteFunc(unread, func(d diag.Diagnostic) bool { return !d.Is(object.NotYAML) || !repo.Undecodable(f) })
		}
		if repo.MayHold(f.Path) {
			for _, d := range unread {
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

// Manifests reads what is judged without intents. Rules of the user's are passed over.
func Manifests(files []language.File, before diag.List) (object.Set, diag.List) {
	found := slices.Clone(before)
	var objects []object.Object
	for _, f := range files {
		if IsRego(f) {
			continue // manifests have no rules of their own
		}
		if path.Base(f.Path) == "kustomization.yaml" || path.Base(f.Path) == "kustomization.yml" {
			found = append(found, kustomization.At(diag.Span{File: f.Path}, "a kustomization, not manifests").
				Because("what counts is what reaches the cluster, and a kustomization can change every manifest beside it").
				Suggest("kustomize build %s | portcullis check -", path.Dir(f.Path)))
			continue
		}
		if language.Ours(f) {
			found = append(found, NothingToJudge.At(diag.Span{File: f.Path}, "an intent among manifests").
				Because("intents are judged as a repository, from the directory of their %s", language.PlatformFile).
				Suggest("give that directory instead of single files"))
			continue
		}
		decoded, f := object.Decode(f.Path, f.Data)
		objects = append(objects, decoded...)
		found = append(found, f...)
	}
	set, duplicates := object.NewSet(objects)
	found = append(found, duplicates...)
	if !slices.ContainsFunc(objects, func(o object.Object) bool { return o.Role == object.Policy || o.Role == object.World }) && !found.Failed() {
		found = append(found, NothingToJudge.At(diag.Span{}, "no policy, namespace or workload in %s", counted(len(files))).
			Because("a green answer about nothing would be worse than none").
			Suggest("give the directory, the files or (as -) the stream with the manifests"))
	}
	return set, found
}

func counted(files int) string {
	if files == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", files)
}
