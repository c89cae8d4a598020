package compiler

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/language"
	"portcullis.dev/testdata/fleet"
)

// TestWhatIsSharedIsTold edits repositories at random: lines are taken out, written twice, or open to the
// internet, so that some are refused and most have findings. What is told of the environments of each,
// or of the change, is what is told where nothing is shared between them.
func TestWhatIsSharedIsTold(t *testing.T) {
	t.Parallel()
	shop, town := exampleFiles(t, "online-shop"), newStages(fleet.Size{Namespaces: 10, Environments: 1}).files
	found, spared, held := 0, 0, 0
	same := func(seed uint64, together, apart any) {
		t.Helper()
		if !reflect.DeepEqual(together, apart) {
			t.Errorf("seed %d: together:\n%+v\napart:\n%+v", seed, together, apart)
		}
	}
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 15))
		o, apart := Options{shared: newShared(seed%3 > 0)}, Options{apart: true}
		switch seed % 3 {
		case 0:
			files := withEdits(r, shop)
			x, err := o.Build(t.Context(), files, nil)
			y, err2 := apart.Build(t.Context(), files, nil)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			same(seed, x.Report, y.Report)
			same(seed, x.Tree, y.Tree)
			same(seed, x.Proofs, y.Proofs)
			found += len(x.Report.Findings)
		default:
			old := withEdits(r, [][]language.File{1: town, 2: shop}[seed%3])
			changed := withEdits(r, old)
			if r.IntN(2) == 0 {
				changed = retold(r, changed)
			}
			x, reports, err := o.diff(t.Context(), State{Files: old}, State{Files: changed})
			y, reports2, err2 := apart.Diff(t.Context(), State{Files: old}, State{Files: changed})
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			same(seed, reports, reports2)
			for _, d := range []*delta.Diff{x, y} { // sides hold worlds, which are the same in no two runs
				d.Old, d.New = delta.Side{Failed: d.Old.Failed, Findings: d.Old.Findings}, delta.Side{Failed: d.New.Failed, Findings: d.New.Findings}
			}
			same(seed, x, y)
			found += len(x.Old.Findings)
		}
		spared, held = spared+o.shared.documents.spared, held+o.shared.spared
	}
	if found < 10 || spared < 50 || held < 15 {
		t.Errorf("%d findings, %d documents that were not judged again, and %d namespaces that were not proven again", found, spared, held)
	}
}

// TestNobodyIsGatheredForNothing has a side that cannot be explained, and one that there is not, beside
// one that can be: to compare nothing it is not found out who everybody is.
func TestNobodyIsGatheredForNothing(t *testing.T) {
	t.Parallel()
	e, err := ExplainRepository(exampleFiles(t, "online-shop"), nil, []string{"dev"})
	if err != nil || e.Report.Findings.Failed() {
		t.Fatal(err, e.Report.Findings)
	}
	known := func() bool { return !reflect.ValueOf(e.Worlds[0]).Elem().FieldByName("everybody").IsNil() }
	for i, sides := range [][]*Explained{{e, {}}, {{}, e}} {
		if gather(sides); known() {
			t.Fatalf("sides %d: everybody is gathered, to compare nothing", i)
		}
	}
	if gather([]*Explained{e, e}); !known() {
		t.Error("nobody is gathered for a comparison")
	}
}

// TestMostIsJudgedOnce counts of twenty namespaces those that are not judged again, and of their
// objects those that are not made again: in the second environment the four fifths that are the
// first's, and of a difference all but the edited ones: all of them where only the places differ at
// which the Platform says things.
func TestMostIsJudgedOnce(t *testing.T) {
	t.Parallel()
	held := func(what string, s *shared, documents, namespaces, objects int) {
		t.Helper()
		if d := s.documents; len(d.last) > 0 || len(d.of) > 0 || s.held != nil {
			t.Errorf("%s: %d documents are kept, and of %d what they are made of, that nobody asks for", what, len(d.last), len(d.of))
		}
		if made := s.rendered.Remembered(); made < objects {
			t.Errorf("%s: %d objects are not made again, expected %d", what, made, objects)
		}
		if d := s.documents; d.spared < documents || d.unmade < documents || s.spared < namespaces {
			t.Errorf("%s: %d documents are not judged again, %d not even made, and %d namespaces are not proven again, expected %d and %d", what, d.spared, d.unmade, s.spared, documents, namespaces)
		}
	}
	o := Options{shared: newShared(false)}
	if built, err := o.Build(t.Context(), newStages(fleet.Size{Namespaces: 20, Environments: 2}).files, nil); err != nil || built.Failed() {
		t.Fatal(err, built.Report.Findings.Err())
	}
	held("two environments", o.shared, 16, 16, 264)
	old := newStages(fleet.Size{Namespaces: 20, Environments: 1}).files
	changed := slices.Clone(old)
	for i, f := range changed {
		if f.Path == "intents/ns-00008/w4.yaml" {
			changed[i].Data = []byte(strings.Replace(string(f.Data), "{from: w3, ports: [http]}", "{from: w3, ports: [http, metrics]}", 1))
		}
	}
	o = Options{shared: newShared(true)}
	if _, _, err := o.diff(t.Context(), State{Files: old}, State{Files: changed}); err != nil {
		t.Fatal(err)
	}
	held("one edit", o.shared, 19, 19, 266)
	moved := slices.Clone(old)
	for i, f := range moved {
		if f.Path == language.PlatformFile {
			moved[i].Data = append([]byte("# moves everything\n"), f.Data...)
		}
	}
	o = Options{shared: newShared(true)}
	if _, _, err := o.diff(t.Context(), State{Files: old}, State{Files: moved}); err != nil {
		t.Fatal(err)
	}
	held("the Platform is moved", o.shared, 20, 20, 0)
}

// TestForbiddenWithTheSameObjects has two environments with the same objects, and pods that the
// second alone puts into quarantine, of which a component of both deletes every trace: that nothing
// was found of the first says nothing of what the second forbids.
func TestForbiddenWithTheSameObjects(t *testing.T) {
	t.Parallel()
	built, err := Build(t.Context(), []language.File{
		{Path: "portcullis.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  environments: {dev: {}, prod: {}}
  components: [{path: parts, cluster: true}]
  guardrails: [{name: apart, deny: {from: db/*, to: shop/*}}]
  quarantine: [{peer: shop/web, in: [prod], ticket: A-1, until: 2027-03-31}]
`)},
		{Path: "intents.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec: {}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: pg, namespace: db}
spec: {ports: {pg: 5432}, inbound: [{from: shop/web, ports: [pg]}]}
`)},
		{Path: "parts/kustomization.yaml", Data: []byte(`apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target: {kind: GlobalNetworkPolicy, name: .*quarantine.*}
    patch: '{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: any}, $patch: delete}'
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range built.Report.Findings {
		found = append(found, f.Rule.Code+" "+strings.Join(f.Environments, ","))
	}
	if !slices.Equal(found, []string{"PC305 prod"}) {
		t.Errorf("found %q, expected that the quarantine does not hold in prod, and nothing else:\n%v", found, built.Report.Findings.Err())
	}
}

// TestAddressesOfASetOfAnotherNamespace has a component whose NetworkSet in one namespace gets more
// addresses, and whose policy in another lets them in: that what was let in before was meant says
// nothing of what is let in now, although nothing of that namespace has changed.
func TestAddressesOfASetOfAnotherNamespace(t *testing.T) {
	t.Parallel()
	of := func(nets string) State {
		return State{Files: []language.File{
			{Path: "portcullis.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  components: [{path: set, namespaces: [shop]}, {path: policy, namespaces: [db]}]
`)},
			{Path: "intents.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec: {}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: pg, namespace: db}
spec: {ports: {pg: 5432}, inbound: [{from: {cidr: 203.0.113.0/24}, ports: [pg]}]}
`)},
			{Path: "set/kustomization.yaml", Data: []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n")},
			{Path: "policy/kustomization.yaml", Data: []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n")},
			{Path: "set/more.yaml", Data: []byte(`apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: partners, namespace: shop, labels: {role: partner}}
spec: {nets: [` + nets + `]}
`)},
			{Path: "policy/more.yaml", Data: []byte(`apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: partners, namespace: db}
spec:
  order: 500
  selector: app.kubernetes.io/name == 'pg'
  types: [Ingress]
  ingress: [{action: Allow, protocol: TCP, source: {selector: role == 'partner' && !has(projectcalico.org/serviceaccount), namespaceSelector: projectcalico.org/name == 'shop'}, destination: {ports: [5432]}}]
`)},
		}}
	}
	d, _, err := Options{}.Diff(t.Context(), of("203.0.113.0/24"), of("203.0.113.0/24, 198.51.100.0/24"))
	if err != nil {
		t.Fatal(err)
	}
	if old, changed := d.Old.Findings, d.New.Findings; len(old) > 0 || len(changed) != 1 || changed[0].Rule.Code != "PC304" || changed[0].Subject.Object.Namespace != "db" {
		t.Errorf("before: %v\nafter: %v\nexpected that the policy in db opens more than was meant", old.Err(), changed.Err())
	}
}

// withEdits edits a line or two of the lists of a repository.
func withEdits(r *rand.Rand, files []language.File) []language.File {
	files = slices.Clone(files)
	for range 1 + r.IntN(2) {
		of := &files[r.IntN(len(files))]
		lines := strings.Split(string(of.Data), "\n")
		var items []int
		for i, line := range lines {
			if strings.HasPrefix(line, "    - {") {
				items = append(items, i)
			}
		}
		if len(items) == 0 {
			continue
		}
		i := items[r.IntN(len(items))]
		switch r.IntN(3) {
		case 0:
			lines = slices.Delete(lines, i, i+1)
		case 1:
			lines = slices.Insert(lines, i, lines[i])
		default:
			lines = slices.Insert(lines, i, `    - {from: "@internet", why: whoever asks}`)
		}
		of.Data = []byte(strings.Join(lines, "\n"))
	}
	return files
}
