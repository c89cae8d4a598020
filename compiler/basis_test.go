package compiler

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"portcullis.dev/compiler/facts"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/population"
)

// documented are the documents of an environment's namespaces, and what they are made of.
type documented struct {
	basis *facts.Basis
	of    map[string]facts.Document
}

// documentedIn makes the documents of each environment of a repository; none where it does not
// compile.
func documentedIn(t *testing.T, files []language.File) (all []documented) {
	t.Helper()
	repo, found := language.Parse(files)
	c, found, err := Options{AllowEmpty: true}.compile(repo, files, found, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found.Failed() {
		return nil
	}
	for i := range c.rendering.Environments {
		e := &c.rendering.Environments[i]
		does, _ := relationOf(e)
		d := documented{of: map[string]facts.Document{}}
		for x := range facts.AllBut(e.Plan, does, e.Objects, population.Of(e.Plan, c.world), func(of *facts.Basis, _ string) bool { d.basis = of; return false }) {
			if x.Environment = ""; x.Scope == "namespace" {
				d.of[x.Namespace.Name] = x
			}
		}
		all = append(all, d)
	}
	return all
}

// TestAlikeIsEqual edits random fleets: wherever a settled document is made of the same as another,
// it is the same.
func TestAlikeIsEqual(t *testing.T) {
	t.Parallel()
	alike, edited := 0, 0
	for seed := range 60 {
		f := fleets.Example(seed)
		files := []language.File{{Path: language.PlatformFile, Data: []byte(f.platform)}}
		for i, d := range f.documents {
			files = append(files, language.File{Path: strings.Repeat("a", i+1) + ".yaml", Data: []byte(d)})
		}
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		all := append(documentedIn(t, files), documentedIn(t, retold(r, withEdits(r, files)))...)
		for i, now := range all {
			for _, before := range all[:i] {
				for name, d := range now.of {
					switch {
					case !facts.Settled(before.of[name]) || !now.basis.Alike(before.basis, name):
						edited++
					case !reflect.DeepEqual(before.of[name], d):
						t.Errorf("seed %d: what is made of the same of %s says something else:\n%+v\n%+v", seed, name, before.of[name], d)
					default:
						alike++
					}
				}
			}
		}
	}
	if alike < 150 || edited < 150 {
		t.Errorf("%d documents are alike, %d are not: the law says little", alike, edited)
	}
}

// TestNotAlike changes one thing that the document of a namespace is made of, which is not alike
// then; and others, which have nothing to do with it.
func TestNotAlike(t *testing.T) {
	t.Parallel()
	const platform = `apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  targets: [kubernetes, calico]
  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  namespaces: {shop: {owner: one}, db: {owner: one}, open: {owner: one, enforce: false}}
  components: [{path: parts, namespaces: [kube-system]}]
`
	const intents = `apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec: {ports: {http: 8080}, inbound: [{from: db/pg, ports: [http]}]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: pg, namespace: db}
spec: {ports: {pg: 5432}, inbound: [{from: {cidr: 203.0.113.0/24}, ports: [pg]}]}
`
	const set = "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: x}\nspec: {nets: [203.0.113.9/32]}\n"
	const server = "apiVersion: v1\nkind: Pod\nmetadata: {name: dns-1, namespace: kube-system, labels: {k8s-app: kube-dns}}\nspec: {containers: [{name: c, image: c}]}\n"
	of := func(edit [2]string) documented {
		t.Helper()
		texts := map[string]string{"portcullis.yaml": platform, "intents.yaml": intents, "world.yaml": "", "parts/more.yaml": set,
			"parts/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n"}
		var files []language.File
		changed := edit[0] == "" && edit[1] == ""
		for name, text := range texts {
			was := text
			if edit[0] == name {
				text = edit[1]
			} else if edit[0] != "" {
				text = strings.ReplaceAll(text, edit[0], edit[1])
			}
			changed = changed || was != text
			files = append(files, language.File{Path: name, Data: []byte(text)})
		}
		all := documentedIn(t, files)
		if len(all) != 1 || !changed {
			t.Fatalf("%q: %d environments", edit, len(all))
		}
		return all[0]
	}
	before := of([2]string{})
	for name, edit := range map[string][2]string{
		"targets":                   {"targets: [kubernetes, calico]", "targets: [kubernetes]"},
		"the cluster":               {"  targets", "  dns: {nodeLocal: [169.254.20.10]}\n  targets"},
		"where pods are":            {"cluster: {podCIDRs: [10.244.0.0/16], ", "cluster: {"},
		"a server":                  {"world.yaml", server},
		"who has a stranger's name": {"db: {owner: one}", "db: {owner: one}, unknown-namespace: {}"},
		"a set of addresses":        {"203.0.113.9/32", "203.0.113.8/32"},
		"who resolves elsewhere":    {"ports: {pg: 5432}", "ports: {pg: 5432}, outbound: [{to: {cidr: 192.0.2.0/24}, ports: [5353/udp]}]"},
		"a policy of the servers":   {"parts/more.yaml", set + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x, namespace: kube-system}\nspec: {podSelector: {matchLabels: {a: b}}}\n"},
		"the owner":                 {"shop: {owner: one}", "shop: {owner: two}"},
		"a line":                    {"{http: 8080}", "{http: 8081}"},
		"a pod":                     {"world.yaml", strings.NewReplacer("kube-system", "shop", "kube-dns", "x").Replace(server)},
	} {
		if now := of(edit); now.basis.Alike(before.basis, "shop") || !facts.Settled(before.of["shop"]) {
			t.Errorf("%s differs, and the document is said to be alike", name)
		}
	}
	owner := of([2]string{"open: {owner: one", "open: {owner: two"})
	if owner.basis.Alike(before.basis, "open") {
		t.Error("the owner of a namespace without an object differs, and its document is said to be alike")
	}
	for name, edit := range map[string][2]string{
		"nothing":             {"", ""},
		"a line elsewhere":    {"203.0.113.0/24", "203.0.112.0/24"},
		"an owner elsewhere":  {"db: {owner: one}", "db: {owner: two}"},
		"a namespace more":    {"db: {owner: one}", "db: {owner: one}, more: {}"},
		"where it is written": {"  targets", "  # moved\n  targets"},
	} {
		now := of(edit)
		if !now.basis.Alike(before.basis, "shop") || !reflect.DeepEqual(now.of["shop"], before.of["shop"]) {
			t.Errorf("%s has nothing to do with the document, which is not alike", name)
		}
	}
}
