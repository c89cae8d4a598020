// Package object is the only reader and writer of Kubernetes manifests: it knows
// how an object is spelt, which kinds matter, and where in a file a value stands.
//
// Its invariant: nothing that could decide a verdict is lost between the bytes
// and the typed value. A field of a policy that the types do not know, a policy
// kind that is not modelled, a duplicate key: each is an error, never a silence.
//
// It must not know what a policy means, nor that there are intents.
package object

import (
	"encoding/json"
	"slices"

	"portcullis.dev/policies/diag"
)

// ID names an object. It is defined on the ground floor, because findings point
// with it.
type ID = diag.ObjectID

// Object is one manifest, decoded.
type Object struct {
	ID            ID
	APIVersion    string
	Role          Role
	File          string          // where it was read; empty for one that was rendered in memory
	Kustomization string          // that rendered it out of the file; empty for what was read as it is
	Typed         any             // the API's Go type, e.g. *networkingv1.NetworkPolicy; nil for Foreign and Unmodelled kinds, and for a policy that cannot be read
	JSON          json.RawMessage // the manifest as JSON, keys sorted
	Unplaced      bool            // it names no namespace, and is in whichever it is applied to: taken for the usual one
	Differs       bool            // another definition, of which this is the first, says something else
	Instead       string          // of an Unmodelled one among somebody else's manifests: what to do about it
}

// Set is a collection of objects in the order of their IDs, each ID at most once.
// The zero Set is empty and ready for use.
type Set struct {
	objects []Object
}

// NewSet sorts the objects by ID. An ID that occurs twice is a finding, for an API
// server would keep only the later one: which that is, depends on the order of
// application.
func NewSet(objects []Object) (Set, diag.List) {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b Object) int { return a.ID.Compare(b.ID) })
	var found diag.List
	unique := sorted[:0]
	for _, o := range sorted {
		if last := len(unique) - 1; last >= 0 && unique[last].ID == o.ID {
			found = append(found, Duplicate.On(diag.Subject{Object: o.ID}, "%s is defined twice", o.ID).
				Because("the second definition overwrites the first when both are applied; which one is second depends on the order of the files").
				Suggest("%s", keepOne(unique[last].File, o.File)))
			continue
		}
		unique = append(unique, o)
	}
	return Set{objects: unique}, found
}

// keepOne advises to keep one of two objects with the same ID, and names their files.
func keepOne(first, second string) string {
	if first == second {
		return "keep one of the two definitions in " + orHere(first)
	}
	return "keep one of " + orHere(first) + " and " + orHere(second)
}

// orHere names the file of an object, or the output where it was rendered.
func orHere(file string) string {
	if file == "" {
		return "the rendered output"
	}
	return file
}

// All returns the objects in order. The caller must not change them.
func (s Set) All() []Object { return s.objects }

// Len counts the objects of the set.
func (s Set) Len() int { return len(s.objects) }

// Get finds an object of the set by its ID.
func (s Set) Get(id ID) (Object, bool) {
	i, ok := slices.BinarySearchFunc(s.objects, id, func(o Object, id ID) int { return o.ID.Compare(id) })
	if !ok {
		return Object{}, false
	}
	return s.objects[i], true
}

// Each calls f with every object of the set whose Typed value is a *T.
func Each[T any](s Set, f func(Object, *T)) {
	for _, o := range s.objects {
		if typed, ok := o.Typed.(*T); ok {
			f(o, typed)
		}
	}
}

// Labels reads the labels in the object's own metadata. The caller must not change them.
func (o Object) Labels() map[string]string {
	if typed, is := o.Typed.(interface{ GetLabels() map[string]string }); is && o.Role == Policy {
		return typed.GetLabels() // which was read strictly
	}
	var head struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if json.Unmarshal(o.JSON, &head) != nil {
		return nil // a Foreign object whose labels are no labels
	}
	return head.Metadata.Labels
}
