package intent

import (
	"slices"

	"portcullis.dev/policies/diag"
)

// checkPlaces holds documents to the directories in which their authors may write:
// the intents of a namespace with a path below it, Waivers and further parts of the
// Platform below the trusted directories. What lies in a trusted directory may speak
// of any namespace.
func (k *known) checkPlaces() diag.List {
	var found diag.List
	trusted := k.Platform.Spec.Trusted
	inTrusted := func(file string) bool {
		return file == PlatformFile || trusted != nil && slices.ContainsFunc(*trusted, func(d At[Directory]) bool { return d.Value.Holds(file) })
	}
	if trusted != nil {
		guarded := func(span diag.Span, what string) {
			if !inTrusted(span.File) {
				found = append(found, wrongPlace.At(span, "%s lies outside the trusted directories", what).See(first(*trusted, k.Platform.Span), "they are named here").
					Because("what changes everybody's rules is reviewed by those who guard the trusted directories").
					Suggest("move the document below %s", listed(wordsOf(*trusted), "or")))
			}
		}
		for _, p := range k.parts {
			guarded(p.Metadata.Name.Span, "a part of the Platform")
		}
		for _, w := range k.Waivers {
			guarded(w.Metadata.Name.Span, "a waiver")
		}
	}
	found = append(found, k.checkTrusted()...)
	for _, i := range k.instances {
		entry := k.entries[i.namespace]
		if entry.Path.Value != "" && !entry.Path.Value.Holds(i.intent.Span.File) && !inTrusted(i.intent.Span.File) {
			found = append(found, wrongPlace.At(i.span, "an intent of namespace %s lies outside %s", i.namespace, entry.Path.Value).See(entry.Path.Span, "the namespace's path").
				Because("whoever reviews %s reviews what that namespace may do, and would not see this document", entry.Path.Value).
				Suggest("move the document below %s", entry.Path.Value))
		}
	}
	return found
}

// checkTrusted asks who is trusted where teams are kept to their directories: else whoever may
// write there may write a part of the Platform, or a waiver, there. And nobody but the root's
// own document may say which directories are not read.
func (k *known) checkTrusted() diag.List {
	var found diag.List
	if spec := k.Platform.Spec; spec.Trusted == nil && spec.Namespaces != nil {
		i := slices.IndexFunc(*spec.Namespaces, func(e Entry[NamespaceName, NamespaceSpec]) bool { return e.Value.Path.Given() })
		if i >= 0 {
			e := (*spec.Namespaces)[i]
			found = append(found, missingFact.At(e.Value.Path.Span, "namespace %s has a path, and the Platform does not say which directories are trusted", e.Key.Value).
				Because("whoever may write below %s could put a part of the Platform or a waiver there, and open what no line of an intent may", e.Value.Path.Value).
				Suggest("name the directories in which those may lie, such as trusted: [platform]; with trusted: [] they may lie nowhere but in %s", PlatformFile))
		}
	}
	for _, p := range k.parts {
		if p.Span.File != PlatformFile && len(p.Spec.Repositories) > 0 {
			found = append(found, wrongPlace.At(p.Spec.Repositories[0].Span, "repositories is said by a part of the Platform, expected in %s", PlatformFile).
				Because("which directories are not read has to be known before anything is").
				Suggest("move the list to %s", PlatformFile))
		}
	}
	return found
}

// first is the place of a list's first member, or else of what holds the list.
func first[T any](list []At[T], holder diag.Span) diag.Span {
	if len(list) > 0 {
		return list[0].Span
	}
	return holder
}
