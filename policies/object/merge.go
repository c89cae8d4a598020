package object

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/diag"
)

// Merge makes a set of objects of which several may be written down more than once, as a
// repository has them that serves several clusters. Definitions that say the same of what
// decides traffic are one. Where they differ, the first counts, and all of them meet in one
// finding: none of them is known to be the one that runs.
func Merge(objects []Object) (Set, diag.List) {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b Object) int { return a.ID.Compare(b.ID) })
	unique := sorted[:0]
	var differ []Object // the second definitions
	for _, o := range sorted {
		last := len(unique) - 1
		if last < 0 || unique[last].ID != o.ID {
			unique = append(unique, o)
			continue
		}
		if unique[last].Agrees(o) {
			continue
		}
		unique[last].Differs = true
		if len(differ) == 0 || differ[len(differ)-1].ID != o.ID {
			differ = append(differ, o)
		}
	}
	set := Set{objects: unique}
	return set, set.differing(differ)
}

// differing tells of merged definitions that say something else than those in the set.
func (s Set) differing(again []Object) diag.List {
	var policies []Object
	byKind := map[string][]Object{}
	for _, o := range again {
		if o.Role == Policy || o.Role == Unmodelled {
			policies = append(policies, o)
		} else {
			byKind[o.ID.Kind] = append(byKind[o.ID.Kind], o)
		}
	}
	var found diag.List
	if len(policies) > 0 {
		found = append(found, s.differingIn(policies))
	}
	for _, kind := range diag.SortedKeys(byKind) {
		d := s.differingIn(byKind[kind]).CausedBy(kind)
		d.Severity = diag.Warning
		found = append(found, d)
	}
	return found
}

// differingIn is one finding about definitions that differ.
func (s Set) differingIn(again []Object) diag.Diagnostic {
	first, _ := s.Get(again[0].ID)
	var names, files []string
	for i, o := range again {
		was, _ := s.Get(o.ID)
		if i < mostNamed {
			names = append(names, o.ID.String())
		}
		files = append(files, orHere(was.File), orHere(o.File))
	}
	slices.Sort(files)
	files = slices.Compact(files)
	message := names[0] + " is defined twice"
	if more := len(again) - len(names); more > 0 {
		message = strings.Join(names, ", ") + " and more are defined twice"
	} else if len(again) > 1 {
		message = diag.Enumerate(names, "and") + " are defined twice"
	}
	return Duplicate.On(diag.Subject{Object: first.ID}, "%s, and differently", message).
		Because("the second definition overwrites the first when both are applied; which one is second depends on the order of the files. %s", goesBy(first)).
		Suggest("%s; files of different clusters are judged one cluster at a time: --exclude leaves out the others", keepOneOf(files))
}

// goesBy says what is taken for granted where definitions of an object differ.
func goesBy(o Object) string {
	if o.Role == Addresses {
		return "Where pods and nodes are is not known by them"
	}
	return "What else is said here goes by the first"
}

// mostNamed is how many objects and files a message enumerates.
const mostNamed = 8

// keepOneOf advises to keep one of several definitions that differ, and names the files that hold
// them.
func keepOneOf(files []string) string {
	switch {
	case len(files) == 1:
		return "keep one of the two definitions in " + files[0]
	case len(files) > mostNamed:
		return "keep one of the definitions in " + strings.Join(files[:mostNamed], ", ") + " and other files"
	default:
		return "keep one of the definitions in " + diag.Enumerate(files, "and")
	}
}

// Agrees reports whether two definitions say the same of what decides traffic.
func (o Object) Agrees(with Object) bool { return reflect.DeepEqual(o.deciding(), with.deciding()) }

// deciding picks what an object says of traffic, by which definitions are merged: whatever can
// change a verdict, and nothing of images, volumes, annotations and numbers of replicas.
func (o Object) deciding() any {
	switch typed := o.Typed.(type) {
	case nil:
		var raw struct {
			Spec json.RawMessage `json:"spec"`
		}
		if json.Unmarshal(o.JSON, &raw) != nil {
			return string(o.JSON)
		}
		var spec any
		_ = json.Unmarshal(raw.Spec, &spec) // an absent one is nil
		return []any{o.APIVersion, spec}
	case *corev1.Namespace:
		return metav1.ObjectMeta{Labels: typed.Labels}
	case *corev1.ServiceAccount:
		return metav1.ObjectMeta{Labels: typed.Labels}
	case *corev1.Service:
		spec := typed.Spec
		spec.SessionAffinity, spec.SessionAffinityConfig = "", nil
		return spec
	case *calico.HostEndpoint:
		return []any{typed.Labels, typed.Spec}
	case *calico.NetworkSet:
		return []any{typed.Labels, typed.Spec}
	case *calico.GlobalNetworkSet:
		return []any{typed.Labels, typed.Spec}
	}
	template := o.PodTemplate()
	if template == nil {
		return specOf(o.Typed)
	}
	type pod struct {
		Labels  map[string]string
		Account string
		Host    bool
		Ports   [][]corev1.ContainerPort
		IPs     any
	}
	p := pod{Labels: template.Labels, Account: template.Spec.ServiceAccountName, Host: template.Spec.HostNetwork}
	for _, c := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
		p.Ports = append(p.Ports, c.Ports)
	}
	if alone, is := o.Typed.(*corev1.Pod); is {
		p.IPs = []any{alone.Status.PodIP, alone.Status.PodIPs}
	}
	return p
}

// specOf picks the Spec of a typed object that is merged, or all of it where it has none.
func specOf(typed any) any {
	if spec := reflect.Indirect(reflect.ValueOf(typed)).FieldByName("Spec"); spec.IsValid() {
		return spec.Interface()
	}
	return typed
}
