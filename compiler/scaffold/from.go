package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// From drafts a Platform and an intent for every workload among the manifests. What is known
// of their cluster beyond what a Platform need not say stands in it. The findings are about manifests that cannot be read.
func From(name string, cluster object.Cluster, files []language.File) (Draft, diag.List) {
	var objects []object.Object
	var found diag.List
	for _, f := range files {
		decoded, problems := object.Decode(f.Path, f.Data)
		objects = append(objects, decoded...)
		found = append(found, problems...)
	}
	set, duplicates := object.NewSet(objects)
	if found = append(found, duplicates...); found.Failed() {
		return Draft{}, found
	}
	r := &reading{Draft: Draft{Files: map[string][]byte{}}, labels: map[string]string{}}
	for _, o := range objects {
		if o.ID.Kind == "Kustomization" {
			r.note("%s is a kustomization, which may change what the manifests beside it say: kustomize build … | portcullis init --from - reads its output", plain(o.File))
		}
	}
	pages := r.pages(set)
	for _, p := range pages {
		r.Files[p.file] = []byte(p.text())
	}
	if len(pages) > 0 {
		r.platform(name, clusterFields(cluster), meaning.Namespaces(set))
	}
	if slices.ContainsFunc(pages, func(p *page) bool { return len(p.inbound)+len(p.outbound) > 0 }) {
		r.note("the flows that the manifests suggest are comments: none is open until you take the %s before its line away", strings.TrimSpace(suggestion))
	}
	return r.Draft, found
}

// reading is what becomes of manifests.
type reading struct {
	Draft
	labels map[string]string // namespace with intents → the label that names its workloads
}

// note notes for the user what of the manifests a draft leaves out or guesses.
func (r *reading) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// pages drafts the intents of the workloads from manifests, as far as they can be, with what the
// manifests suggest between them.
func (r *reading) pages(set object.Set) []*page {
	workloads := workloadsOf(set)
	byNamespace := map[string][]*workload{}
	for _, w := range workloads {
		byNamespace[w.id.Namespace] = append(byNamespace[w.id.Namespace], w)
	}
	services := servicesOf(set, workloads)
	var pages []*page
	for _, namespace := range diag.SortedKeys(byNamespace) {
		all := byNamespace[namespace]
		if slices.Contains(object.DefaultSystem, namespace) {
			r.note("namespace %s is the system's own, and has no intents", namespace)
			continue
		}
		label := nameLabelOf(all)
		for _, w := range all {
			w.namePorts()
			selector, ok := selectorOf(w, label, all)
			if !ok {
				r.note("%s has no intent: its pods carry no label to choose them by", nameOf(w))
				continue
			}
			p := &page{workload: w, file: path.Join("intents", namespace, w.name+".yaml"), selector: selector}
			if why := refused(language.File{Path: p.file, Data: []byte(p.text())}); why != "" {
				r.note("%s has no intent: %s", nameOf(w), why)
				continue
			}
			r.labels[namespace] = label
			pages = append(pages, p)
		}
	}
	suggest(pages, services)
	return pages
}

// refused says why the language does not take a draft, or nothing. Manifests may hold labels and
// names that no API server accepts.
func refused(f language.File) string {
	files := []language.File{f}
	if f.Path != language.PlatformFile {
		files = append(files, language.File{Path: language.PlatformFile, Data: []byte(platformText("x", nil, nil))})
	}
	_, found := language.Parse(files)
	for _, d := range found.Sorted() {
		if d.Severity == diag.Error {
			return d.Message
		}
	}
	return ""
}

// platform drafts the Platform from manifests: the namespaces with intents, and those without,
// which are described and stay open.
func (r *reading) platform(name string, cluster []yamltext.Field, known map[string]map[string]string) {
	for namespace := range r.labels {
		if known[namespace] == nil {
			known[namespace] = map[string]string{}
		}
	}
	for _, labels := range known {
		delete(labels, plan.NamespaceLabel) // every namespace has it
	}
	var lines []yamltext.Field
	var open []string
	for _, namespace := range diag.SortedKeys(known) {
		if slices.Contains(object.DefaultSystem, namespace) {
			continue
		}
		label, governed := r.labels[namespace]
		line := namespaceEntry(namespace, label, known[namespace], governed)
		if why := refused(language.File{Path: language.PlatformFile, Data: []byte(platformText("x", nil, []yamltext.Field{line}))}); why != "" {
			r.note("the labels of namespace %s are left out: %s", plain(namespace), why)
			if line = namespaceEntry(namespace, label, nil, governed); !governed {
				continue
			}
		}
		if !governed {
			open = append(open, namespace)
		}
		lines = append(lines, line)
	}
	if len(open) > 0 {
		r.note("no workload was found in %s: not governed until enforce: false goes", strings.Join(open, ", "))
	}
	r.Files[language.PlatformFile] = []byte(platformText(name, cluster, lines))
}
