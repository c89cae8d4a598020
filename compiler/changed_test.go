package compiler

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// TestDifferencesAreThoseOfExplain draws pairs of manifests. What is opened the old policies deny
// and the new ones allow, and what is closed the other way round, as explain has it of the very
// words that are printed; of the same manifests nothing differs; and where the naive evaluator
// allows a packet on one side and denies it on the other, a difference is told.
func TestDifferencesAreThoseOfExplain(t *testing.T) {
	t.Parallel()
	changes, differing := 0, 0
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 9))
		old, changed := randomManifests(r), randomManifests(r)
		sides := [2]*Explained{Options{}.ExplainManifests(old, nil), Options{}.ExplainManifests(changed, nil)}
		if sides[0].Worlds == nil || sides[1].Worlds == nil {
			continue
		}
		diff := func(a, b []language.File) *delta.Diff {
			d, _, err := Options{}.Diff(t.Context(), State{Files: a, Manifests: true}, State{Files: b, Manifests: true})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		if same := diff(old, old); !same.IsEmpty() || len(same.Governance) > 0 {
			t.Errorf("seed %d: a side differs from itself: %+v", seed, same.Changes)
		}
		d := diff(old, changed)
		for i := range d.Changes {
			x := &d.Changes[i]
			changes++
			want := map[delta.Sign][2]explain.Verdict{delta.Opened: {explain.Deny, explain.Allow}, delta.Closed: {explain.Allow, explain.Deny}}[x.Sign]
			for side, e := range sides {
				answers, rep := e.Explain(x.Question(), explain.Brief)
				switch {
				case rep.Findings.Failed():
					// A pod that one side alone describes has no name on the other.
					if !strings.Contains(rep.Findings[0].Message, "there is no pod or workload") {
						t.Errorf("seed %d: %s: %s", seed, x.Question(), rep.Findings[0].Message)
					}
				case x.Sign != delta.Unknown && answers.Flows[0].Verdict != want[side]:
					t.Errorf("seed %d: %s %s, and side %d says %s", seed, x.Sign, x.Question(), side, answers.Flows[0].Verdict)
				}
			}
		}
		differing += oracleJudged(t, seed, sides, d)
	}
	if changes < 100 || differing < 20 {
		t.Errorf("%d changes, and %d packets that differ", changes, differing)
	}
}

// oracleJudged counts the packets between pods that both sides describe on which the naive evaluator
// of each says otherwise. There must be none where nothing is told.
func oracleJudged(t *testing.T, seed uint64, sides [2]*Explained, d *delta.Diff) int {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	old := oracle.Of(sides[0].Worlds[0].Set, object.DefaultCluster())
	changed := oracle.Of(sides[1].Worlds[0].Set, object.DefaultCluster())
	known := map[string]bool{}
	for _, e := range sides[1].Worlds[0].Pods {
		known[e.Ref()] = true
	}
	n := 0
	for _, p := range old.Packets(r, 60, false) {
		if p.From.Name != "" && !known[p.From.Name] || p.To.Name != "" && !known[p.To.Name] {
			continue
		}
		a, b := old.Judge(p).Outcome(), changed.Judge(p).Outcome()
		if a != b && a != oracle.Unknown && b != oracle.Unknown {
			n++
			if d.IsEmpty() {
				t.Errorf("seed %d: %+v is %s and then %s, and nothing is told to differ", seed, p, a, b)
			}
		}
	}
	return n
}

// edit is a change of a file: a text in the place of another; a new file where there is none.
type edit struct{ file, from, to string }

// TestRisks has for each tag a small change that has it, and nearly the same one that has not.
func TestRisks(t *testing.T) {
	t.Parallel()
	archive, err := os.ReadFile(filepath.Join("..", "testdata", "history", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	base := map[string]string{}
	for _, f := range txtar.Parse(archive).Files {
		base[f.Name] = string(f.Data)
	}
	const platform, frontend, mailer, reports = "portcullis.yaml", "shop/frontend.yaml", "shop/mailer.yaml", "reports/reports.yaml"
	inbound := "    - {from: ingress/controller, ports: [http]}\n"
	outbound := "    - {to: data/orders-db, ports: [pg], why: the monthly figures}\n"
	wave := func(name, rest string) string {
		return "apiVersion: portcullis.dev/v1alpha1\nkind: Waiver\nmetadata: {name: " + name + "}\nspec:\n  rule: PC203\n  match: {intent: shop/frontend}\n" +
			"  owner: team-shop\n  approvedBy: team-platform\n  reason: r\n  ticket: NET-1\n  " + rest + "\n"
	}
	seen := map[string]bool{}
	for _, c := range []struct {
		name     string
		old, new []edit
		want     string
	}{
		{"nothing", nil, nil, ""},
		{"a comment", nil, []edit{{frontend, "spec:", "spec: # the pages"}}, ""},
		{"the internet", nil, []edit{{frontend, inbound, inbound + "    - {from: \"@internet\", ports: [http]}\n"}, {platform, "    - \"@internet -> shop/* deny\"\n", ""}}, "internet-exposure test-removed"},
		{"a range outside", nil, []edit{{frontend, inbound, inbound + "    - {from: {cidr: 203.0.113.0/24}, ports: [http]}\n"}}, "outside-exposure"},
		{"to the internet", nil, []edit{{reports, outbound, outbound + "    - {to: \"@internet\", ports: [443]}\n"}}, "internet-egress"},
		{"to one address", nil, []edit{{reports, outbound, outbound + "    - {to: {cidr: 203.0.113.7/32}, ports: [443]}\n"}}, ""},
		{"the API server", []edit{{platform, "  peers:\n", "  peers:\n    apiserver: {is: {dev: [172.18.0.2], prod: [10.1.0.10]}}\n"}},
			[]edit{{platform, "  peers:\n", "  peers:\n    apiserver: {is: {dev: [172.18.0.2], prod: [10.1.0.10]}}\n"}, {reports, outbound, outbound + "    - {to: \"@apiserver\", ports: [6443]}\n"}}, "control-plane"},
		{"a boundary and an owner", nil, []edit{{reports, outbound, outbound + "    - {to: data/orders-db, ports: [9300]}\n"}}, "boundary-crossing owner-crossing"},
		{"an owner", nil, []edit{{reports, outbound, outbound + "    - {to: shop/mailer, ports: [smtp]}\n"}}, "owner-crossing"},
		{"inside", nil, []edit{{frontend, "    - {to: checkout, ports: [grpc]}\n", "    - {to: checkout, ports: [grpc, admin]}\n"}}, ""},
		{"what a test asks for", nil, []edit{{frontend, "  inbound:\n" + inbound, ""}, {platform, "    - \"ingress/controller -> shop/frontend:http allow\"\n", ""}}, "protected-flow-lost test-removed"},
		{"what none asks for", nil, []edit{{frontend, "    - {to: checkout, ports: [grpc]}\n", "    []\n"}}, ""},
		{"many ports", nil, []edit{{"data/orders.yaml", "9300-9302", "9300-9399"}}, "wide-ports"},
		{"nearly as many", nil, []edit{{"data/orders.yaml", "9300-9302", "9300-9398"}}, ""},
		{"another mailer", nil, []edit{{mailer, "name: mailer,", "name: post,"}, {"shop/checkout.yaml", "to: mailer", "to: post"}}, "endpoint-replaced"},
		{"let go", nil, []edit{{platform, "    reports: {owner: team-reports}", "    reports: {owner: team-reports, enforce: false}"}}, "enforcement-loosened unisolated"},
		{"held", []edit{{platform, "    reports: {owner: team-reports}", "    reports: {owner: team-reports, enforce: false}"}}, nil, "enforcement-tightened isolated"},
		{"a guardrail less", nil, []edit{{platform, "    - name: no-metadata\n      deny: {to: \"@cloud-metadata\"}\n      why: credentials of the node\n", ""}}, "guardrail-loosened"},
		{"a guardrail more", []edit{{platform, "    - name: no-metadata\n      deny: {to: \"@cloud-metadata\"}\n      why: credentials of the node\n", ""}}, nil, "guardrail-tightened"},
		{"a guardrail in other words", nil, []edit{{platform, "ports: [5432]", "ports: [5432/tcp]"}}, ""},
		{"a test that fails", nil, []edit{{platform, "    - \"ingress/controller -> data/orders-db deny\"", "    - \"ingress/controller -> data/orders-db deny\"\n    - \"shop/mailer -> shop/frontend:http allow\""}}, "test-fails"},
		{"half a test", nil, []edit{{platform, "@internet -> shop/* deny", "@internet -> shop/frontend deny"}}, "test-weakened"},
		{"a larger test", nil, []edit{{platform, "ingress/controller -> data/orders-db deny", "ingress/* -> data/* deny"}}, ""},
		{"a waiver", nil, []edit{{"waivers/w.yaml", "", wave("w", "expires: 2099-01-31")}}, "waiver-added"},
		{"a longer waiver", []edit{{"waivers/w.yaml", "", wave("w", "expires: 2099-01-31")}}, []edit{{"waivers/w.yaml", "", wave("w", "expires: 2099-02-28")}}, "waiver-extended"},
		{"a shorter waiver", []edit{{"waivers/w.yaml", "", wave("w", "expires: 2099-01-31")}}, []edit{{"waivers/w.yaml", "", wave("w", "expires: 2099-01-30")}}, "waiver-removed"},
		{"a lower rule", nil, []edit{{platform, "  guardrails:\n", "  checks: {severity: {PC203: warning}}\n  guardrails:\n"}}, "rule-lowered"},
		{"a higher rule", []edit{{platform, "  guardrails:\n", "  checks: {severity: {PC203: warning}}\n  guardrails:\n"}}, []edit{{platform, "  guardrails:\n", "  checks: {severity: {PC203: error}}\n  guardrails:\n"}}, ""},
		{"another component", nil, []edit{{"parts/metrics/kustomization.yaml", "kind: Component\n", "kind: Component\n# of the shop\n"}}, "component-changed"},
		{"a later end", nil, []edit{{mailer, "2099-03-31", "2099-04-30"}}, "deadline-extended"},
		{"an earlier end", nil, []edit{{mailer, "2099-03-31", "2099-02-28"}}, ""},
	} {
		files := func(edits []edit) []language.File {
			all := map[string]string{}
			for name, text := range base {
				all[name] = text
			}
			for _, e := range edits {
				if e.from != "" && !strings.Contains(all[e.file], e.from) {
					t.Fatalf("%s: %s has no %q", c.name, e.file, e.from)
				}
				if all[e.file] = strings.Replace(all[e.file], e.from, e.to, 1); e.from == "" {
					all[e.file] = e.to
				}
			}
			var list []language.File
			for name, text := range all {
				list = append(list, language.File{Path: name, Data: []byte(text)})
			}
			slices.SortFunc(list, func(a, b language.File) int { return strings.Compare(a.Path, b.Path) })
			return list
		}
		d, reports, err := Options{}.Diff(t.Context(), State{Files: files(c.old)}, State{Files: files(c.new)})
		if err != nil || d.Old.Failed+d.New.Failed > 0 {
			t.Errorf("%s: %v %v", c.name, err, reports)
			continue
		}
		tags := map[string]bool{}
		for _, r := range d.Risks() {
			tags[r.Tag], seen[r.Tag] = true, true
		}
		var got []string
		for _, tag := range delta.Risks {
			if tags[tag.Tag] {
				got = append(got, tag.Tag)
			}
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: the risks are %q, expected %q", c.name, text, c.want)
		}
	}
	for _, tag := range delta.Risks {
		// component-opens needs a kustomization that is built: the nine pull requests have it.
		if !seen[tag.Tag] && tag.Tag != "component-opens" {
			t.Errorf("no change has the risk %s", tag.Tag)
		}
	}
}

// TestNothingIsSaidOfWhatIsNotCompared has a repository begin and end: no side says that packets
// are treated alike.
func TestNothingIsSaidOfWhatIsNotCompared(t *testing.T) {
	t.Parallel()
	repository, nothing := State{Files: exampleFiles(t, "zero-trust-demo")}, State{}
	for _, c := range []struct {
		old, changed State
		worst        delta.Level
	}{{nothing, repository, delta.Medium}, {repository, nothing, delta.High}} {
		d, _, err := Options{}.Diff(t.Context(), c.old, c.changed)
		if err != nil || d.IsSame() || len(d.Compared) > 0 || d.Old.Failed+d.New.Failed > 0 || d.Worst() != c.worst {
			t.Errorf("%v: %+v, %d compared, the worst risk is %q", err, d.Governance, len(d.Compared), d.Worst())
		}
	}
}

// TestFindingsAreComparedBesideOwnRules has a repository with a rule of the user's, in the default
// directory or in one of their own, with a severity and a waiver for it. The rule is not run, nobody
// takes its code for a mistake, and what our own rules find of the change is told.
func TestFindingsAreComparedBesideOwnRules(t *testing.T) {
	t.Parallel()
	for dir, checks := range map[string]string{
		"checks": "  checks: {severity: {PC900: warning}}\n",
		"policy": "  checks: {dir: policy, severity: {PC900: warning}}\n",
	} {
		state := func(intent string, waiver string) State {
			return State{Files: []language.File{
				{Path: dir + "/own.rego", Data: []byte(ownRule("own", "PC900"))},
				{Path: "portcullis.yaml", Data: []byte(testPlatform + checks)},
				{Path: "shop.yaml", Data: []byte(intent + waiver)},
			}}
		}
		open := openIntent("shop", "a", "http", "dev")
		closed := strings.Replace(open, `"@internet"`, "{cidr: 192.168.1.0/24}", 1)
		waiver := testWaiver{name: "w", rule: "PC900", namespace: "shop", expires: "2099-01-31"}.String()
		d, reports, err := Options{}.Diff(t.Context(), state(closed, ""), state(open, waiver))
		if err != nil || d.Old.Failed+d.New.Failed > 0 {
			t.Fatal(err, reports)
		}
		var got []string
		for _, f := range append(slices.Clone(d.NewFindings), d.GoneFindings...) {
			got = append(got, f.Rule.Code)
		}
		if !slices.Equal(got, []string{"PC203"}) {
			t.Errorf("%s: findings %v differ, expected that of the internet alone: %v", dir, got, d.NewFindings)
		}
	}
}
