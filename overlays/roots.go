package overlays

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// Root is what somebody deploys: a kustomization of somebody else's that no other one lists, or
// what a program says that it deploys.
type Root struct {
	Dir      string
	Deployed int // the place of what it is of among those that a program deploys; -1 for none
	Objects  []object.Object
	Passed   []object.Passed
}

// Render builds what is deployed, and the roots that none of that takes and whose directories are
// wanted, each apart, in one process that child starts; without one in this process. Every object
// tells the file that it most likely comes from, and the kustomization. The findings are about
// those that could not be built.
//
// kustomize itself could say where each object comes from, and takes three times as long then.
func (ks Kustomizations) Render(wanted func(dir string) bool, deployed []Deployed, child Child) ([]Root, diag.List) {
	r := rendering{
		ks: ks, deployed: deployed, child: child, deep: ks.deep(),
		from:  origins{files: ks.all.files, held: map[string][]object.ID{}},
		built: map[string]bool{}, asked: map[string]bool{},
	}
	for all := ks.buildings(wanted, deployed); len(all) > 0; {
		all = r.round(all)
	}
	return r.roots, r.found
}

// rendering is what is known while roots are rendered.
type rendering struct {
	ks       Kustomizations
	deployed []Deployed
	child    Child
	deep     string
	from     origins

	roots []Root
	found diag.List
	built map[string]bool // directories of which something is made
	asked map[string]bool // those that are built in the place of what lists them
}

// round builds some roots. What one that cannot be built lists is built and read by itself: it
// returns what is to be built next.
func (r *rendering) round(all []building) []building {
	var built, failed []building
	j := job{Files: map[string][]byte{}}
	for i, b := range all {
		reach, refused := r.ks.all.reach(b.k)
		if refused != nil {
			r.found = append(r.found, b.refusal(refused))
		}
		if slices.ContainsFunc(reach, func(k *kustomization) bool { return k.whole }) {
			failed = append(failed, b)
			continue
		}
		b.reach, b.partly = reach, refused != nil
		built = append(built, b)
		in := r.deep
		if b.k.text != nil { // which may take the place of a file
			in = path.Join(r.deep, "deployed"+strconv.Itoa(i))
		}
		j.Units = append(j.Units, r.ks.unit(b.k, reach, in, j.Files))
	}
	if len(built) > 0 {
		results, died := j.do(r.child)
		for i, result := range results {
			if !r.take(built[i], result) {
				failed = append(failed, built[i])
			}
		}
		if died != nil {
			b := built[len(results)]
			r.found = append(r.found, Unbuilt.At(diag.Span{File: b.k.place()}, "the kustomization %s is not built, nor are those after it: %s", b.shown(), reasonOf(died)).
				Because("kustomize builds it in a process of its own, which ends before the machine does").
				Suggest("render it yourself: kustomize build %s | portcullis check -", b.shown()))
		}
	}
	var next []building
	for _, b := range failed {
		next = append(next, r.instead(b)...)
	}
	return next
}

// take reads what kustomize made of a root, and reports whether it made anything.
func (r *rendering) take(b building, made result) bool {
	if made.Error != "" {
		if !b.partly {
			r.found = append(r.found, Unbuilt.At(diag.Span{File: b.k.place()}, "the kustomization %s is not built: kustomize says: %.400s", b.shown(), said(made.Error, r.deep)).
				Because("what it comes to is not judged").Suggest("see kustomize build %s", b.shown()))
		}
		return false
	}
	for _, k := range b.reach {
		r.built[k.dir] = true
	}
	for _, of := range b.of {
		manifests := made.Manifests
		if of >= 0 && r.deployed[of].Substitute != nil {
			manifests = substituted(manifests, r.deployed[of].Substitute)
		}
		root, wrong := r.from.read(b.k, b.reach, manifests)
		root.Dir, root.Deployed = b.shown(), of
		r.roots, r.found = append(r.roots, root), append(r.found, wrong...)
	}
	return true
}

// instead takes the manifests that a root lists which cannot be built, and returns the
// kustomizations that it lists and nothing else is made of.
func (r *rendering) instead(b building) []building {
	var next []building
	for _, dir := range b.k.dirs {
		if k := r.ks.all.byDir[dir]; !r.built[dir] && !r.asked[dir] && !k.component {
			r.asked[dir] = true
			next = append(next, building{k: k, of: b.of})
		}
	}
	if len(b.k.members) == 0 || r.built[b.k.dir] {
		return next
	}
	r.built[b.k.dir] = true
	for _, of := range b.of {
		root := Root{Dir: b.shown(), Deployed: of}
		for _, name := range b.k.members {
			scanned, wrong := object.Scan(name, r.ks.all.files[name])
			root.Objects, root.Passed = append(root.Objects, scanned.Objects...), append(root.Passed, scanned.Passed...)
			r.found = append(r.found, wrong...)
		}
		r.roots = append(r.roots, root)
	}
	return next
}

// partly says how much of a root is not built, behind "not built": " in whole" where something of
// it is left out.
func (k *kustomization) partly() string {
	if k.whole {
		return ""
	}
	return " in whole"
}

// refusal says that a root is not built as it is, for one of the kustomizations that it is made
// of.
func (b building) refusal(refused *kustomization) diag.Diagnostic {
	d := *refused.refused
	if refused != b.k {
		d.Message = fmt.Sprintf("the kustomization %s is not built%s, for it lists another: %s", b.shown(), refused.partly(), d.Message)
	}
	return d.Suggest("%s", strings.ReplaceAll(refused.mend, "DIR", b.shown()))
}

// said tells what kustomize says of a root, without the way that it came there.
func said(problem, deep string) string {
	const way = "recursed accumulation of path '"
	if i := strings.LastIndex(problem, way); i >= 0 {
		if _, cause, found := strings.Cut(problem[i+len(way):], "': "); found {
			problem = cause
		}
	}
	return strings.ReplaceAll(problem, deep+"/", "")
}

// deep makes a directory so deep that no path of a root's files leads out of it.
func (ks Kustomizations) deep() string {
	up := 0
	for name := range ks.all.files {
		up = max(up, strings.Count(name, "../"))
	}
	return strings.TrimSuffix(strings.Repeat("deep/", up+1), "/")
}

// unit lists the files of a root for the job that builds it, and adds them to those of the job.
func (ks Kustomizations) unit(k *kustomization, reach []*kustomization, deep string, files map[string][]byte) jobUnit {
	u := jobUnit{Dir: path.Join(deep, k.dir)}
	add := func(name string, data []byte) {
		if _, there := files[name]; !there {
			files[name] = data
		}
		u.Files = append(u.Files, name)
	}
	spare := true
	for _, k := range reach {
		spare = spare && !bytes.Contains(ks.all.files[k.file], []byte(definitions))
	}
	for _, k := range reach {
		text := k.text
		switch {
		case text != nil:
		case k.without != nil:
			text = k.without
		default:
			text = ks.all.files[k.file]
		}
		add(path.Join(deep, k.file), text)
		for _, f := range k.files {
			data := ks.all.files[f]
			if spare {
				data = withoutDefinitions(data)
			}
			add(path.Join(deep, f), data)
		}
		for _, f := range k.texts {
			add(path.Join(deep, f), ks.all.files[f])
		}
	}
	return u
}
