package variants

import (
	"fmt"
	"path"
	"slices"
	"strings"

	calico "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
)

// unplaced is what is known of objects that name no namespace: whoever applies them says where
// they are. Directories of which one lies in the other are applied together, and so are those of
// which one selects pods of the other, and has none of the kind itself. All others are strangers,
// and a policy of one would act on pods that it never meets.
type unplaced struct {
	group map[string]string // of a directory: the one by which those are known that it is applied with
	named map[string]string // of a group that has a policy: the first directory with one
}

// unplacedIn finds the groups; none where all are together, or no policy is among them.
func unplacedIn(sources []Source) unplaced {
	in := map[string]*inhabitants{}
	for _, s := range sources {
		for _, o := range s.Objects {
			if s.placed(o) {
				continue
			}
			dir := s.dirOf(o)
			if in[dir] == nil {
				in[dir] = &inhabitants{}
			}
			in[dir].add(o)
		}
	}
	dirs := diag.SortedKeys(in)
	u := unplaced{group: map[string]string{}, named: map[string]string{}}
	for _, dir := range dirs {
		u.group[dir] = dir
	}
	for _, dir := range dirs {
		for above := dir; above != "." && above != "/"; {
			if above = path.Dir(above); in[above] != nil {
				u.unite(dir, above)
			}
		}
		for _, wanted := range in[dir].wanted {
			if in[dir].has(wanted) {
				continue
			}
			for _, other := range dirs {
				if in[other].has(wanted) {
					u.unite(dir, other)
				}
			}
		}
	}
	groups := map[string]bool{}
	for _, dir := range dirs {
		u.group[dir] = u.root(dir)
		groups[u.group[dir]] = true
		if g := u.group[dir]; in[dir].governed && u.named[g] == "" {
			u.named[g] = dir
		}
	}
	if len(groups) < 2 || len(u.named) == 0 {
		return unplaced{}
	}
	return u
}

// root finds the directory by which the group of a directory is known.
func (u unplaced) root(dir string) string {
	for u.group[dir] != dir {
		dir = u.group[dir]
	}
	return dir
}

// unite has two directories applied together.
func (u unplaced) unite(a, b string) { u.group[u.root(a)] = u.root(b) }

// governed is the name of the group of a source, if a policy is in it, and whether the source has
// any object that names no namespace.
func (u unplaced) governed(s Source) (name string, any bool) {
	for _, o := range s.Objects {
		if !s.placed(o) {
			return u.named[u.group[s.dirOf(o)]], len(u.group) > 0
		}
	}
	return "", false
}

// parted are the sources, of plain files those apart that a policy may be about that names no
// namespace. What is in a namespace is beside each part; of what runs everywhere it is one.
func (u unplaced) parted(sources []Source) []Source {
	if len(u.named) == 0 {
		return sources
	}
	var all []Source
	for _, s := range sources {
		var placed, strangers []object.Object
		parts := map[string][]object.Object{}
		for _, o := range s.Objects {
			switch name := u.named[u.group[s.dirOf(o)]]; {
			case s.placed(o):
				placed = append(placed, o)
			case name == "":
				strangers = append(strangers, o)
			default:
				parts[name] = append(parts[name], o)
			}
		}
		if len(parts) == 0 && s.Dir != "" || len(parts) == 1 && len(strangers) == 0 && s.Dir != "" {
			all = append(all, s)
			continue
		}
		if s.Dir == "" {
			all = append(all, Source{Objects: placed})
			placed = nil
		}
		if len(strangers) > 0 {
			all = append(all, Source{Dir: s.Dir, Objects: slices.Concat(placed, strangers)})
		}
		for _, name := range diag.SortedKeys(parts) {
			all = append(all, Source{Dir: name, Objects: slices.Concat(placed, parts[name])})
		}
	}
	return all
}

// assumption says what is taken for granted of objects that name no namespace; nothing where that
// changes nothing.
func (u unplaced) assumption() string {
	if len(u.named) == 0 {
		return ""
	}
	var dirs []string
	for _, g := range diag.SortedKeys(u.named) {
		dirs = append(dirs, u.named[g])
	}
	slices.Sort(dirs)
	if more := len(dirs) - mostDirs; more > 0 {
		dirs = append(dirs[:mostDirs], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("Policies that name no namespace meet what lies in their directory and names none either, and nothing of other directories (%s): metadata.namespace, or a kustomization's namespace, says where they are.", strings.Join(dirs, ", "))
}

// mostDirs is how many directories are named.
const mostDirs = 4

// placed reports whether the namespace of an object is known, or is of no interest.
func (s Source) placed(o object.Object) bool { return !o.Unplaced || s.Cluster != "" }

// dirOf is the directory of which somebody applies an object with the rest.
func (s Source) dirOf(o object.Object) string {
	if o.Kustomization != "" {
		return s.Dir
	}
	return path.Dir(o.File)
}

// inhabitants are the objects of a directory that name no namespace.
type inhabitants struct {
	governed bool // a policy is among them
	pods     []map[string]string
	wanted   []selector.Selector // of pods of their own namespace, none of which takes every pod
}

// has reports whether a selector takes a pod of the directory.
func (in *inhabitants) has(s selector.Selector) bool {
	return slices.ContainsFunc(in.pods, func(labels map[string]string) bool { return s.Matches(selector.Map(labels)) })
}

// add notes an object of the directory: its pods, and the pods that it speaks of.
func (in *inhabitants) add(o object.Object) {
	in.governed = in.governed || o.Role == object.Policy
	if t := o.PodTemplate(); t != nil {
		in.pods = append(in.pods, t.Labels)
	}
	switch typed := o.Typed.(type) {
	case *corev1.Service:
		in.want(&metav1.LabelSelector{MatchLabels: typed.Spec.Selector})
	case *networkingv1.NetworkPolicy:
		in.want(&typed.Spec.PodSelector)
		for _, r := range typed.Spec.Ingress {
			in.wantPeers(r.From)
		}
		for _, r := range typed.Spec.Egress {
			in.wantPeers(r.To)
		}
	case *calico.NetworkPolicy:
		in.wantText(typed.Spec.Selector)
		for _, r := range slices.Concat(typed.Spec.Ingress, typed.Spec.Egress) {
			for _, end := range []calico.EntityRule{r.Source, r.Destination} {
				if end.NamespaceSelector == "" {
					in.wantText(end.Selector)
				}
			}
		}
	}
}

// wantPeers notes the pods of the own namespace that peers of a NetworkPolicy speak of.
func (in *inhabitants) wantPeers(peers []networkingv1.NetworkPolicyPeer) {
	for _, p := range peers {
		if p.PodSelector != nil && p.NamespaceSelector == nil {
			in.want(p.PodSelector)
		}
	}
}

// want notes the pods that a label selector speaks of, unless it takes every pod.
func (in *inhabitants) want(labels *metav1.LabelSelector) {
	if s, err := selector.FromKubernetes(labels); err == nil && !s.Matches(selector.Map(nil)) {
		in.wanted = append(in.wanted, s)
	}
}

// wantText does the same for a selector in Calico's words.
func (in *inhabitants) wantText(text string) {
	if s, err := selector.Parse(text); err == nil && !s.Matches(selector.Map(nil)) {
		in.wanted = append(in.wanted, s)
	}
}
