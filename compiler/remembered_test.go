package compiler

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/render"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
)

// TestRememberedIsMadeAlike renders random fleets, each as it is and as somebody changes it, one
// after the other with one memory. Each comes to what it comes to by itself: the tree, the objects,
// what they mean, and the lines that each part of them comes from.
func TestRememberedIsMadeAlike(t *testing.T) {
	t.Parallel()
	memory := render.NewMemory()
	made := 0
	for seed := range 40 {
		f := fleets.Example(seed)
		files := []language.File{{Path: language.PlatformFile, Data: []byte(f.platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		for range 4 {
			repo, found := language.Parse(files)
			plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
			if slices.Concat(found, resolved).Failed() {
				break
			}
			together, x, err := memory.Plans(plans, nil, nil)
			apart, y, err2 := render.Plans(plans, nil, nil)
			if err != nil || err2 != nil || !reflect.DeepEqual(x, y) || !reflect.DeepEqual(together.Tree, apart.Tree) {
				t.Fatalf("seed %d: %v, %v\n%v\n%v", seed, err, err2, x.Err(), y.Err())
			}
			for i := range apart.Environments {
				a, b := &together.Environments[i], &apart.Environments[i]
				if !reflect.DeepEqual(a.Emitted, b.Emitted) || !reflect.DeepEqual(a.Objects, b.Objects) {
					t.Fatalf("seed %d: %s is another: %v\n%v", seed, a.Plan.Environment, a.Emitted, b.Emitted)
				}
				m, unread := a.Assumed()
				n, unread2 := b.Assumed()
				if !reflect.DeepEqual(m, n) || !reflect.DeepEqual(unread, unread2) {
					t.Fatalf("seed %d: %s means something else", seed, a.Plan.Environment)
				}
				made += b.Objects.Len()
			}
			files = retold(r, withEdits(r, files))
		}
	}
	if memory.Remembered() < 500 || made-memory.Remembered() < 500 {
		t.Errorf("of %d objects %d are remembered", made, memory.Remembered())
	}
}

// TestEnvironmentsAreResolvedAlike resolves random fleets, and one whose environments differ in whatever
// a workload or a line may hang on. The plan of each environment is the one that is made where it is
// the only one that is asked about, and so is what is found.
func TestEnvironmentsAreResolvedAlike(t *testing.T) {
	t.Parallel()
	shared, several := 0, [][]language.File{{{Path: language.PlatformFile, Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  environments: {dev: {}, prod: {cluster: {podCIDRs: [10.1.0.0/16], serviceCIDRs: [10.2.0.0/16], nodeCIDRs: [10.3.0.0/16]}}, test: {}}
  cluster: {podCIDRs: [10.4.0.0/16], serviceCIDRs: [10.5.0.0/16], nodeCIDRs: [10.6.0.0/16]}
  handshake: either
  namespaces: {shop: {owner: one}, kube-public: {owner: two, in: [dev, test]}, db: {in: [dev, prod]}}
  peers:
    partner: {is: {dev: [shop/web, db/pg], prod: [{cidr: 203.0.113.0/24}, db/pg], test: [shop/web]}}
    other: {is: {dev: [shop/web], prod: [db/pg], test: []}}
`)}, {Path: "a.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec:
  ports: {http: [80, 81], metrics: 90}
  inbound: [{from: ["@internet", "@partner", db/pg], ports: [http, metrics], why: w}, {from: db/pg, ports: [metrics], in: [prod]}]
  outbound: [{to: [db/pg, "@partner", kube-public/info], ports: [any], why: all}, {to: "@other", ports: [http], why: h}, {to: [kube-public/late, db/pg], ports: [http], why: h}, {to: kube-public/info, ports: [http], in: [test]}]
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: pg, namespace: db}
spec: {selector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}, ports: {http: 5432, pg: 5433}, inbound: [{from: shop/web, ports: [pg]}]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: info, namespace: kube-public}
spec: {ports: {http: 80}}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: late, namespace: kube-public}
spec: {ports: {http: 5432}, in: [test]}
`)}}}
	for seed := range 60 {
		f := fleets.Example(seed)
		files := []language.File{{Path: language.PlatformFile, Data: []byte(f.platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		several = append(several, files, retold(rand.New(rand.NewPCG(uint64(seed), 19)), files))
	}
	for i, files := range several {
		repo, _ := language.Parse(files)
		together, found := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
		for j, name := range repo.Environments() {
			apart, alone := resolve.Plans(repo, resolve.Options{Targets: lower.Names(), Only: []string{name}})
			if j < len(together) && !reflect.DeepEqual(together[j], apart[0]) {
				t.Errorf("fleet %d: beside others %s is %+v, and alone %+v", i, name, together[j], apart[0])
			}
			for _, d := range alone {
				if !slices.ContainsFunc(found, func(f diag.Diagnostic) bool {
					return f.Span == d.Span && f.Message == d.Message && (len(f.Environments) == 0 || slices.Contains(f.Environments, name))
				}) {
					t.Errorf("fleet %d: of %s alone it is found that %v", i, name, d)
				}
			}
			shared += len(apart[0].Flows)
		}
	}
	if shared < 300 {
		t.Errorf("%d flows: too few to prove anything", shared)
	}
}

// retold changes what a repository says of something, or only where it is said.
func retold(r *rand.Rand, files []language.File) []language.File {
	files = slices.Clone(files)
	of := &files[r.IntN(len(files))]
	edit := [][2]string{
		{"", "# moves what follows\n"}, {"why: because", "why: of need"}, {"ticket: T-1", "ticket: T-2"}, {"owner: team-", "owner: crew-"},
		{"dns: false", "dns: true"}, {"name: fleet", "name: navy"}, {"tier: ", "rank: "}, {"in: [dev]", "in: [prod]"}, {"8080", "8081"},
	}[r.IntN(9)]
	of.Data = bytes.Replace(of.Data, []byte(edit[0]), []byte(edit[1]), 1)
	return files
}
