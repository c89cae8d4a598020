package language

import (
	"reflect"
	"slices"

	"portcullis.dev/policies/diag"
)

// mergeParts makes one Platform of the documents that describe it: key by key, lists
// one after the other, the document of PlatformFile first. That alone says where the others
// may lie: whoever writes a part elsewhere could trust himself.
func (r *Repository) mergeParts() diag.List {
	slices.SortStableFunc(r.Parts, func(a, b Platform) int { return rank(a) - rank(b) })
	var found diag.List
	for i := range r.Parts {
		if r.Platform == nil {
			r.Platform = &r.Parts[i]
			continue
		}
		merged, part := *r.Platform, r.Parts[i].Spec
		if part.Trusted != nil {
			found = append(found, WrongPlace.At(part.Trusted.Place(r.Parts[i].Metadata.Name.Span), "trusted is said by a part of the Platform, expected in %s", PlatformFile).
				Because("whoever may write this part could trust himself").
				Suggest("name the directories in %s", PlatformFile))
			part.Trusted = nil
		}
		for _, t := range mergeValue(reflect.ValueOf(&merged.Spec).Elem(), reflect.ValueOf(part), "spec") {
			found = append(found, SaidTwice.At(t.second, "%s is said by two parts of the Platform", t.key).See(t.first, "first here").
				Suggest("keep one of the two"))
		}
		r.Platform = &merged
	}
	return found
}

// rank puts PlatformFile's document before all other parts of the Platform.
func rank(p Platform) int {
	if p.Span.File == PlatformFile {
		return 0
	}
	return 1
}

// twice is a key that both of two documents say.
type twice struct {
	key           string
	first, second diag.Span
}

// merger is a type with a way of its own to take in what another part says.
type merger interface {
	merge(part any, key string) []twice
}

// merge takes the value from another part of the Platform, unless both parts give one.
func (a *At[T]) merge(part any, key string) []twice {
	other := part.(At[T])
	switch {
	case !other.Given():
		return nil
	case a.Given():
		return []twice{{key, a.Span, other.Span}}
	}
	*a = other
	return nil
}

// merge takes in the keys of another part of the Platform, and reports those that both have.
func (m *Mapping[K, V]) merge(part any, _ string) (conflicts []twice) {
	for _, e := range part.(Mapping[K, V]) {
		i := slices.IndexFunc(*m, func(have Entry[K, V]) bool { return have.Key.Value == e.Key.Value })
		if i < 0 {
			*m = append(slices.Clip(*m), e)
			continue
		}
		conflicts = append(conflicts, twice{reflect.ValueOf(e.Key.Value).String(), (*m)[i].Key.Span, e.Key.Span})
	}
	return conflicts
}

// mergeValue takes what one part of the Platform says into what is said already, field by field.
func mergeValue(into, part reflect.Value, key string) (conflicts []twice) {
	if m, ok := into.Addr().Interface().(merger); ok {
		return m.merge(part.Interface(), key)
	}
	switch into.Kind() {
	case reflect.Slice:
		into.Set(reflect.AppendSlice(into.Slice3(0, into.Len(), into.Len()), part))
	case reflect.Pointer:
		switch {
		case part.IsNil():
		case into.IsNil():
			into.Set(part)
		default:
			copied := reflect.New(into.Type().Elem())
			copied.Elem().Set(into.Elem())
			into.Set(copied)
			return mergeValue(into.Elem(), part.Elem(), key)
		}
	case reflect.Struct:
		for _, f := range fieldsOf(into.Type()) {
			conflicts = append(conflicts, mergeValue(into.FieldByIndex(f.index), part.FieldByIndex(f.index), f.name)...)
		}
	}
	return conflicts
}
