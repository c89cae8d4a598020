package compiler

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/cache"
	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/object"
	"portcullis.dev/testdata/fleet"
)

func openCache(t *testing.T) *cache.Dir {
	t.Helper()
	dir, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCacheChangesNothing judges repositories as somebody edits them, one edit after the other, with one
// cache: what is told of each is what is told without, of those that fail as well, and the tree is the
// same.
func TestCacheChangesNothing(t *testing.T) {
	t.Parallel()
	bases := [][]language.File{
		exampleFiles(t, "online-shop"), exampleFiles(t, "zero-trust-demo"), newStages(fleet.Size{Namespaces: 10, Environments: 2}).files,
	}
	for seed := range 12 {
		f := fleets.Example(seed)
		platform := f.platform
		if seed%2 > 0 {
			platform = strings.Replace(platform, "podCIDRs: [10.244.0.0/16], ", "", 1)
		}
		files := []language.File{{Path: language.PlatformFile, Data: []byte(platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		bases = append(bases, files)
	}
	recalled, edited, found := 0, 0, 0
	for i, files := range bases {
		r := rand.New(rand.NewPCG(uint64(i), 15))
		with := Options{Cache: openCache(t)}
		for step := range 6 {
			with.Unemitted = r.IntN(3) > 0
			x, err := with.Build(t.Context(), files, nil)
			y, err2 := Build(t.Context(), files, nil)
			if err != nil || err2 != nil || x.Unkept != nil {
				t.Fatal(err, err2, x.Unkept)
			}
			if !reflect.DeepEqual(x.Report.Findings, y.Report.Findings) || !reflect.DeepEqual(x.Report.Survey, y.Report.Survey) {
				t.Errorf("repository %d, step %d: with a cache:\n%v\n%+v\nwithout:\n%v\n%+v", i, step, x.Report.Findings.Err(), x.Report.Survey, y.Report.Findings.Err(), y.Report.Survey)
			}
			if !with.Unemitted && (!reflect.DeepEqual(x.Tree, y.Tree) || !reflect.DeepEqual(x.Proofs, y.Proofs)) {
				t.Errorf("repository %d, step %d: another tree", i, step)
			}
			if recalled += x.recalled; x.recalled > 0 && step > 0 {
				edited++
			}
			found += len(y.Report.Findings)
			if files = retold(r, files); r.IntN(2) > 0 {
				files = withEdits(r, bases[i])
			}
		}
	}
	if recalled < 50 || edited < 30 || found < 20 {
		t.Errorf("%d environments are recalled, in %d edited repositories; %d findings", recalled, edited, found)
	}
}

// TestNearFindsWhatThereIs changes a rendered policy of one namespace, in every way that the mutation
// tests know, and judges both all that was rendered and what is near that namespace alone: where the
// whole is found at fault, by the proof or by a conflict of policies, so is what is near; and the
// documents of the namespaces that are there say the same.
func TestNearFindsWhatThereIs(t *testing.T) {
	t.Parallel()
	var plans []*plan.Plan
	for _, files := range [][]language.File{exampleFiles(t, "online-shop"), newStages(fleet.Size{Namespaces: 10, Environments: 1}).files} {
		repo, _ := language.Parse(files)
		resolved, found := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		if found.Failed() {
			t.Fatal(found.Err())
		}
		for _, p := range resolved {
			p.Components = nil
			alone := *p // where nothing but the halves themselves keeps a guardrail
			alone.Targets, alone.DenyUnknown, alone.Quarantine = []string{"kubernetes"}, false, nil
			alone.Flows = slices.DeleteFunc(slices.Clone(p.Flows), func(f plan.Flow) bool { return slices.ContainsFunc(f.Ports, plan.Port.IsICMP) })
			plans = append(plans, p, &alone)
		}
	}
	faulty, sound := 0, 0
	for number, p := range plans {
		rendering, found, err := render.Plans([]*plan.Plan{p}, nil, nil)
		if err != nil || found.Failed() {
			t.Fatal(err, found.Err())
		}
		set := rendering.Environments[0].Objects
		everybody := population.Of(p, object.Set{})
		judge := func(set object.Set, names, changed map[string]bool) (found int, conflicts int, documents map[string]facts.Document) {
			e := &render.Environment{Plan: p, Objects: set}
			does, unread := relationOf(e)
			if unread.Failed() {
				return 1, 1, nil
			}
			documents = map[string]facts.Document{}
			all := facts.Of(p, does, set, everybody)
			if names == nil {
				found = len(proof.Prove(p, provable(e, does), everybody.Known()))
			} else {
				found = len(proof.Near(p, provable(e, does), everybody.Known(), names, changed))
				all = facts.Near(p, does, set, everybody, names)
			}
			for d := range all {
				documents[d.Namespace.Name] = d
			}
			return found, len(documents[""].Conflicts), documents
		}
		if found, conflicts, _ := judge(set, nil, nil); found+conflicts > 0 {
			t.Fatalf("plan %d is at fault as it is: %d, %d", number, found, conflicts)
		}
		var mutants []mutant
		for _, o := range set.All() {
			if o.ID.Namespace != "" {
				mutants = append(mutants, mutate(o, nil)...)
			}
		}
		for i := number % 7; i < len(mutants); i += 1 + len(mutants)/12 {
			m := mutants[i]
			names := map[string]bool{m.was.ID.Namespace: true, p.Cluster.DNS.Namespace: true}
			changed := m.among(set)
			near, _ := object.NewSet(slices.DeleteFunc(slices.Clone(changed.All()), func(o object.Object) bool {
				return o.ID.Namespace != "" && !names[o.ID.Namespace]
			}))
			found, conflicts, documents := judge(changed, nil, nil)
			foundNear, conflictsNear, documentsNear := judge(near, names, map[string]bool{m.was.ID.Namespace: true})
			if found > 0 && foundNear == 0 || conflicts > 0 && conflictsNear == 0 {
				t.Errorf("plan %d, %s: %d findings and %d conflicts, near it %d and %d", number, m.name, found, conflicts, foundNear, conflictsNear)
			}
			for name := range names {
				if d := documentsNear[name]; hangsTogether(d) && !reflect.DeepEqual(d, documents[name]) {
					t.Errorf("plan %d, %s: the document of %s is another near it:\n%+v\n%+v", number, m.name, name, d, documents[name])
				}
			}
			if found > 0 {
				faulty++
			} else if foundNear == 0 {
				sound++
			}
		}
	}
	if faulty < 100 || sound == 0 {
		t.Errorf("%d mutants are at fault, and %d are not", faulty, sound)
	}
}

// TestCacheKnowsOfWhomTestsSpeak takes away an intent of an open namespace, so that a test of another
// one speaks of pods of which it did not: whoever was both workloads. That they are closed is found,
// though nothing that the other namespace says has changed.
func TestCacheKnowsOfWhomTestsSpeak(t *testing.T) {
	t.Parallel()
	for _, test := range []string{"alpha/a -> beta/x:8080 allow", "alpha/* -> beta/x:8080 allow", "*/* -> beta/x:8080 allow"} {
		files := []language.File{
			{Path: language.PlatformFile, Data: []byte(head("Platform", "fleet") + "spec:\n  namespaces: {alpha: {}, beta: {enforce: false}, gamma: {enforce: false}, delta: {enforce: false}}\n  tests: [\"" + test + "\"]\n")},
			{Path: "a.yaml", Data: []byte(head("NetworkIntent", "a, namespace: alpha") + "spec:\n  outbound: [{to: {namespace: beta, selector: {matchExpressions: [{key: tier, operator: NotIn, values: [y]}]}}, ports: [8080]}]\n")},
			{Path: "all.yaml", Data: []byte(head("Platform", "all") + "spec:\n  flows: [{from: alpha/*, to: {namespace: beta, selector: {matchExpressions: [{key: tier, operator: NotIn, values: [y]}]}}, ports: [8080]}]\n")},
			{Path: "x.yaml", Data: []byte(head("NetworkIntent", "x, namespace: beta") + "spec: {ports: {http: 8080}}\n")},
			{Path: "y.yaml", Data: []byte(head("NetworkIntent", "y, namespace: beta") + "spec: {selector: {tier: y}}\n")},
		}
		with := Options{Cache: openCache(t), Unemitted: true}
		built, err := with.Build(t.Context(), files, nil)
		if err != nil || built.Failed() || built.Unkept != nil {
			t.Fatal(err, built.Report.Findings.Err(), built.Unkept)
		}
		built, err = with.Build(t.Context(), files[:len(files)-1], nil)
		if err != nil || !built.Failed() {
			t.Errorf("%s: that it does not hold is not found: %v", test, err)
		}
	}
}

// TestCacheServesTestsOfEverybody edits a namespace where the Platform tests that nobody reaches another,
// pods included that nobody holds: what the edit does is judged alone.
func TestCacheServesTestsOfEverybody(t *testing.T) {
	t.Parallel()
	files := newStages(fleet.Size{Namespaces: 10, Environments: 1}).files
	edit := func(path, old, new string) {
		t.Helper()
		i := slices.IndexFunc(files, func(f language.File) bool { return f.Path == path })
		text := strings.Replace(string(files[i].Data), old, new, 1)
		if text == string(files[i].Data) {
			t.Fatalf("%s has no %q", path, old)
		}
		files[i].Data = []byte(text)
	}
	edit(language.PlatformFile, "\nspec:\n", "\nspec:\n  tests: [\"*/* -> ns-00003/*:5999 deny\"]\n")
	with := Options{Cache: openCache(t), Unemitted: true}
	if built, err := with.Build(t.Context(), files, nil); err != nil || len(built.Report.Findings) > 0 {
		t.Fatal(err, built.Report.Findings.Err())
	}
	edit("intents/ns-00008/w4.yaml", "ports: [http]", "ports: [http, metrics]")
	if built, err := with.Build(t.Context(), files, nil); err != nil || built.recalled != 1 {
		t.Errorf("all is judged again: %v", err)
	}
}
