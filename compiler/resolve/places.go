package resolve

import (
	"slices"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// checkPlaces holds documents to the directories in which their authors may write:
// the intents of a namespace with a path below it, Waivers and further parts of the
// Platform below the trusted directories. What lies in a trusted directory may speak
// of any namespace.
func (r *repository) checkPlaces() diag.List {
	var found diag.List
	trusted := r.Platform.Spec.Trusted
	inTrusted := func(file string) bool { return file == language.PlatformFile || trusted != nil && trusted.Hold(file) }
	if trusted != nil {
		guarded := func(span diag.Span, what string) {
			if !inTrusted(span.File) {
				found = append(found, language.WrongPlace.At(span, "%s lies outside the trusted directories", what).See(trusted.Place(r.Platform.Span), "they are named here").
					Because("what changes everybody's rules is reviewed by those who guard the trusted directories").
					Suggest("move the document below %s", trusted))
			}
		}
		for _, p := range r.Parts {
			guarded(p.Metadata.Name.Span, "a part of the Platform")
		}
		for _, w := range r.Waivers {
			guarded(w.Metadata.Name.Span, "a waiver")
		}
	}
	found = append(found, r.checkTrusted()...)
	for _, i := range r.instances {
		entry := r.entries[i.namespace]
		if entry.Path.Value != "" && !entry.Path.Value.Holds(i.intent.Span.File) && !inTrusted(i.intent.Span.File) {
			found = append(found, language.WrongPlace.At(i.span, "an intent of namespace %s lies outside %s", i.namespace, entry.Path.Value).See(entry.Path.Span, "the namespace's path").
				Because("whoever reviews %s reviews what that namespace may do, and would not see this document", entry.Path.Value).
				Suggest("move the document below %s", entry.Path.Value))
		}
	}
	return found
}

// checkTrusted asks who is trusted where teams are kept to their directories: else whoever may
// write there may write a part of the Platform, or a waiver, there. And nobody but the root's
// own document may say which directories are not read.
func (r *repository) checkTrusted() diag.List {
	var found diag.List
	if spec := r.Platform.Spec; spec.Trusted == nil && spec.Namespaces != nil {
		i := slices.IndexFunc(*spec.Namespaces, func(e entry) bool { return e.Value.Path.Given() })
		if i >= 0 {
			e := (*spec.Namespaces)[i]
			found = append(found, missingFact.At(e.Value.Path.Span, "namespace %s has a path, and the Platform does not say which directories are trusted", e.Key.Value).
				Because("whoever may write below %s could put a part of the Platform or a waiver there, and open what no line of an intent may", e.Value.Path.Value).
				Suggest("name the directories in which those may lie, such as trusted: [platform]; with trusted: [] they may lie nowhere but in %s", language.PlatformFile))
		}
	}
	for _, p := range r.Parts {
		if p.Span.File != language.PlatformFile && len(p.Spec.Repositories) > 0 {
			found = append(found, language.WrongPlace.At(p.Spec.Repositories[0].Span, "repositories is said by a part of the Platform, expected in %s", language.PlatformFile).
				Because("which directories are not read has to be known before anything is").
				Suggest("move the list to %s", language.PlatformFile))
		}
	}
	return found
}
