package compiler

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
)

const exceptionPlatform = `apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: fleet}
spec:
  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}
  namespaces: {news: {nameLabel: app}, shop: {nameLabel: app}}
`

// press is a workload that the internet reads, beside one that it does not.
const press = `apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: press, namespace: news}
spec: {ports: {http: 80, https: 443}, inbound: [{from: "@internet", ports: [http]}]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: desk, namespace: news}
spec: {ports: {http: 80}}
`

// patched is a component that patches the policy of press, and opened one that adds a policy
// of its own.
func patched(operations string) string {
	return "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n  - target: {kind: NetworkPolicy, name: allow-press}\n    patch: |-\n      - " + operations + "\n"
}

const opened = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n"

func openedFor(spec string) string {
	return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: more, namespace: news}\nspec: " + spec + "\n"
}

// TestWaiversLiftWhatLinesMean holds waivers of PC203 against what components make of a line,
// or add to it. A finding is shown with a tilde where it is lifted, and with what exceeds.
func TestWaiversLiftWhatLinesMean(t *testing.T) {
	t.Parallel()
	const press80 = "{podSelector: {matchLabels: {app: press}}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/7}}], ports: [{port: 80}]}]}"
	short := func(packet string) string { return "; beyond the lines that the waiver w names: " + packet }
	for name, c := range map[string]struct {
		match  string
		intent string // besides press; or instead of it where it begins with ---
		comp   string
		more   string // the component's policy
		rule   string // the subject and evidence of a rule of one's own, whose findings are waived
		want   []string
	}{
		"the line":                   {match: "intent: news/press", want: []string{"~PC203"}},
		"of the namespace":           {match: "namespace: news", want: []string{"~PC203"}},
		"with its peer and port":     {match: `intent: news/press, peer: "@internet", port: http`, want: []string{"~PC203"}},
		"for the object":             {match: "intent: news/press, object: NetworkPolicy/news/allow-press", want: []string{"~PC203"}},
		"for another object":         {match: "intent: news/press, object: NetworkPolicy/news/more", want: []string{"PC203", "PC502"}},
		"for another port":           {match: "namespace: news, port: 443", want: []string{"PC203", "PC502"}},
		"for another peer":           {match: "namespace: news, peer: shop/cart", want: []string{"PC203", "PC502"}},
		"for another intent":         {match: "intent: news/desk", want: []string{"PC203", "PC502"}},
		"an object alone":            {match: "object: NetworkPolicy/news/allow-press", want: []string{"PC203; the waiver w names an object and no line, and lifts nothing", "PC502"}},
		"in an environment":          {match: "intent: news/press, environment: default", want: []string{"~PC203"}},
		"no ports any more":          {match: "intent: news/press", comp: patched("{op: remove, path: /spec/ingress/0/ports}"), want: []string{"PC203" + short("8.8.8.8 -> news/press TCP 443"), "PC304"}},
		"of the namespace, no ports": {match: "namespace: news", comp: patched("{op: remove, path: /spec/ingress/0/ports}"), want: []string{"PC203" + short("8.8.8.8 -> news/press TCP 443"), "PC304"}},
		"one port more":              {match: "intent: news/press", comp: patched(`{op: add, path: /spec/ingress/0/ports/-, value: {port: 443}}`), want: []string{"PC203" + short("8.8.8.8 -> news/press TCP 443"), "PC304"}},
		"another port":               {match: "intent: news/press", comp: patched(`{op: replace, path: /spec/ingress/0/ports/0/port, value: 22}`), want: []string{"PC203" + short("8.8.8.8 -> news/press TCP 22"), "PC304", "PC303"}},
		"another protocol":           {match: "intent: news/press", comp: patched(`{op: replace, path: /spec/ingress/0/ports/0/protocol, value: UDP}`), want: []string{"PC203" + short("8.8.8.8 -> news/press UDP 80"), "PC304", "PC303"}},
		"all pods":                   {match: "namespace: news", comp: patched(`{op: replace, path: /spec/podSelector, value: {}}`), want: []string{"PC203" + short("8.8.8.8 -> news/desk TCP 80"), "PC304"}},
		"another pod":                {match: "namespace: news", comp: opened, more: openedFor("{podSelector: {matchLabels: {app: desk}}, policyTypes: [Ingress], ingress: [{ports: [{port: 22}]}]}"), want: []string{"PC203" + short("8.8.8.8 -> news/desk TCP 22"), "PC304", "~PC203"}},
		"pods that nobody knows":     {match: "namespace: news", comp: opened, more: openedFor("{podSelector: {matchLabels: {x: y}}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}]}]}"), want: []string{"PC203" + short("8.8.8.8 -> news/x=y TCP 80"), "PC304", "~PC203"}},
		"the line's pods and port, in a policy of its own": {match: "namespace: news", comp: opened, more: openedFor(strings.NewReplacer("{port: 80}", "{port: 80}, {port: 81}", "8.0.0.0/7", "64.0.0.0/2").Replace(press80)), want: []string{"PC203" + short("64.0.0.1 -> news/press TCP 81"), "PC304", "~PC203"}},
		"the same line twice":                              {match: "intent: news/press", comp: opened, more: openedFor(press80), want: []string{"~PC203"}},
		"two ports, one of them waived":                    {match: "intent: news/press, port: http", intent: strings.Replace(press, "ports: [http]}", "ports: [http, https]}", 1), want: []string{"PC203" + short("8.8.8.8 -> news/press TCP 443")}},
		"two ports, both waived":                           {match: "intent: news/press", intent: strings.Replace(press, "ports: [http]}", "ports: [http, https]}", 1), want: []string{"~PC203"}},
		"two lines, one of them by an address":             {match: `intent: news/press, peer: "@internet"`, intent: strings.Replace(press, "ports: [http]}", `ports: [http]}, {from: {cidr: 10.1.0.0/16}, ports: [https]}`, 1), want: []string{"~PC203"}},
		"much of the internet":                             {match: `intent: news/press, peer: "@internet"`, intent: strings.Replace(press, `{from: "@internet", ports: [http]}`, `{from: {cidr: 64.0.0.0/2}, ports: [http]}`, 1), want: []string{"~PC203"}},
		"a rule of one's own":                              {match: "intent: news/press", rule: `"subject": {"object": allow, "pointer": "/spec/ingress/0/ports"}, "evidence": {"port": "80"}`, want: []string{"PC203", "~PC900"}},
		"a rule of one's own, about the whole policy":      {match: "intent: news/press", rule: `"subject": {"object": allow}`, want: []string{"~PC900", "PC203"}},
		"a rule of one's own, and a port more": {match: "intent: news/press", comp: patched(`{op: add, path: /spec/ingress/0/ports/-, value: {port: 443}}`), rule: `"subject": {"object": allow}`,
			want: []string{"PC203", "PC304", "PC900" + short("8.8.8.8 -> news/press TCP 443")}},
		"a rule of one's own that names a port and no policy": {match: "namespace: news", rule: `"evidence": {"namespace": "news", "port": "53/udp"}`, want: []string{"PC900" + short("news/desk -> kube-system/k8s-app=kube-dns UDP 53"), "PC203"}},
		"a rule of one's own about no traffic":                {match: "namespace: news", rule: `"evidence": {"namespace": "news"}`, want: []string{"~PC900", "PC203"}},
		"a rule of one's own about no traffic, elsewhere":     {match: "namespace: shop", rule: `"evidence": {"namespace": "news"}`, want: []string{"PC900", "PC203", "PC502"}},
		"lines of two intents to one port": {match: "intent: news/desk", intent: strings.Replace(press, "name: desk, namespace: news}\nspec: {", "name: desk, namespace: news}\nspec: {outbound: [{to: feed, ports: [a]}], ", 1) + `---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: feed, namespace: news}
spec: {ports: {a: 1, b: 2}, inbound: [{from: news/desk, ports: [a, b]}]}
`, rule: `"subject": {"object": object.union(allow, {"name": "allow-feed"})}`, want: []string{"PC203", "PC900" + short("news/desk -> news/feed TCP 2")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"portcullis.yaml": exceptionPlatform, "press.yaml": press}
			files["w.yaml"] = waiverOf("PC203", c.match)
			if c.rule != "" {
				files["w.yaml"] = waiverOf("PC900", c.match)
				files["checks/own.rego"] = speaking(c.rule)
			}
			if c.intent != "" {
				files["press.yaml"] = c.intent
			}
			if c.comp != "" {
				files["portcullis.yaml"] += "  components: [{path: comp, namespaces: [news]}]\n"
				files["comp/kustomization.yaml"] = c.comp
			}
			if c.more != "" {
				files["comp/more.yaml"] = c.more
			}
			built := builtOf(t, files)
			if diff := cmp.Diff(c.want, lifted(built.Report.Findings)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%v", diff, built.Report.Findings.Err())
			}
			stands := func(finding string) bool { return finding[0] != '~' }
			if failed := slices.ContainsFunc(c.want, stands); built.Failed() != failed {
				t.Errorf("failed: %v", built.Failed())
			}
		})
	}
}

func waiverOf(rule, match string) string {
	return "apiVersion: portcullis.dev/v1alpha1\nkind: Waiver\nmetadata: {name: w}\nspec: {rule: " + rule + ", match: {" + match + "}, owner: a, approvedBy: b, reason: r, ticket: t, expires: 2026-12-31}\n"
}

// speaking is a rule of one's own with one finding, which says so much of itself.
func speaking(finding string) string {
	return strings.Replace(ownRule("own", "PC900"), `"evidence": {"namespace": input.namespace.name}} if {`, finding+"} if {\n\tinput.namespace.name == \"news\"", 1) +
		"\nallow := {\"group\": \"networking.k8s.io\", \"kind\": \"NetworkPolicy\", \"namespace\": \"news\", \"name\": \"allow-press\"}\n"
}

func builtOf(t *testing.T, files map[string]string) *Built {
	t.Helper()
	var all []language.File
	for _, name := range diag.SortedKeys(files) {
		all = append(all, language.File{Path: name, Data: []byte(files[name])})
	}
	built, err := Build(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// lifted shows codes of findings in the order of their places, each once, with a tilde before
// what is waived and with what a waiver says of the rest.
func lifted(found diag.List) []string {
	var all []string
	for _, d := range found {
		_, beyond, exceeds := strings.Cut(d.Message, "; ")
		text := d.Rule.Code
		if d.WaivedBy != "" {
			text = "~" + text
		}
		if exceeds {
			text += "; " + beyond
		}
		if len(all) == 0 || all[len(all)-1] != text {
			all = append(all, text)
		}
	}
	return all
}

// TestWaiverOfTheShop lays a component over the shop that takes away the ports of the policy
// whose finding is waived there.
func TestWaiverOfTheShop(t *testing.T) {
	t.Parallel()
	const shop = "../examples/online-shop"
	files := map[string]string{}
	for _, f := range examples(t, shop) {
		files[f.Path] = string(f.Data)
	}
	if built := builtOf(t, files); built.Failed() {
		t.Fatal(built.Report.Findings.Err())
	}
	files["platform/ports/kustomization.yaml"] = strings.Replace(patched("{op: remove, path: /spec/ingress/0/ports}"), "allow-press", "allow-controller", 1)
	files["portcullis.yaml"] += "  components: [{path: platform/ports, namespaces: [ingress], in: [dev, prod]}]\n"
	built := builtOf(t, files)
	var waived, excess, proved int
	for _, d := range built.Report.Findings {
		switch {
		case d.WaivedBy != "":
			waived++
		case d.Rule.Code == "PC203" && strings.Contains(d.Message, "beyond the lines that the waiver public-front-door names: 8.8.8.8 -> ingress/controller TCP "):
			excess++
		case d.Rule.Code == "PC304":
			proved++
		}
	}
	if !built.Failed() || waived != 0 || excess == 0 || proved == 0 {
		t.Errorf("%d waived, %d that name the excess, %d of the proof:\n%v", waived, excess, proved, built.Report.Findings.Err())
	}
}

func examples(t *testing.T, dir string) []language.File {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, language.PlatformFile)); err != nil {
		t.Fatal(err)
	}
	files, found, err := sources.ReadRepository(dir, sources.DefaultLimits())
	if err != nil || found.Failed() {
		t.Fatal(err, found.Err())
	}
	return files
}

// TestWaiversLiftSubsets holds random lines, waivers and policies of a component to the plain
// statement: a finding is lifted if each pair of a pod and a port that its rules open, as far as
// it names the port, is one of a line that the waiver names.
func TestWaiversLiftSubsets(t *testing.T) {
	t.Parallel()
	pods := []string{"press", "desk", "nobody"} // the last one without an intent
	ports := []string{"22", "80", "443"}
	some := func(rt *rapid.T, name string, of []string, least int) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), least, len(of), rapid.ID[string]).Draw(rt, name)
	}
	outcomes := map[bool]int{}
	rapid.Check(t, func(rt *rapid.T) {
		lines, text := map[string][]string{}, ""
		for _, pod := range pods[:2] {
			lines[pod] = some(rt, "ports of "+pod, ports, 0)
			inbound := ""
			if len(lines[pod]) > 0 {
				inbound = fmt.Sprintf(`{from: "@internet", ports: [%s]}`, strings.Join(lines[pod], ", "))
			}
			text += fmt.Sprintf("---\napiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: %s, namespace: news}\nspec: {ports: {ssh: 22, http: 80, https: 443}, inbound: [%s]}\n", pod, inbound)
		}
		intents := some(rt, "whose lines", pods[:2], 1)
		match := "namespace: news"
		if len(intents) == 1 {
			match = "intent: news/" + intents[0]
		}
		port := rapid.SampledFrom([]string{"", "22", "80"}).Draw(rt, "port of the waiver")
		if port != "" {
			match += ", port: " + port
		}
		open, on := some(rt, "opened", pods, 1), some(rt, "opened on", ports, 1)
		var rules []string
		for _, p := range on {
			rules = append(rules, "{port: "+p+"}")
		}
		built := builtOf(t, map[string]string{
			"portcullis.yaml":         exceptionPlatform + "  components: [{path: comp, namespaces: [news]}]\n",
			"intents.yaml":            text,
			"comp/kustomization.yaml": opened,
			"comp/more.yaml": openedFor(fmt.Sprintf("{podSelector: {matchExpressions: [{key: app, operator: In, values: [%s]}]}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 64.0.0.0/2}}], ports: [%s]}]}",
				strings.Join(open, ", "), strings.Join(rules, ", "))),
			"w.yaml": waiverOf("PC203", match),
		})
		for _, d := range built.Report.Findings {
			if d.Rule.Code != "PC203" {
				continue
			}
			beyond := false
			names := d.EvidenceOf(diag.PortEvidence)
			subjects := []string{d.Subject.Object.Name}
			for _, r := range d.Related {
				subjects = append(subjects, r.Subject.Object.Name)
			}
			for _, s := range subjects {
				of, to := open, on
				if pod, ours := strings.CutPrefix(s, "allow-"); ours {
					of, to = []string{pod}, lines[pod]
				} else if s != "more" {
					continue // the waiver that is shown
				}
				for _, pod := range of {
					for _, p := range to {
						means := slices.Contains(intents, pod) && slices.Contains(lines[pod], p) && (port == "" || port == p)
						beyond = beyond || slices.Contains(names, p) && !means
					}
				}
			}
			outcomes[beyond]++
			if (d.WaivedBy == "") != beyond {
				rt.Fatalf("waived by %q, and a pair beyond the lines is %v: %s\n%s, %s, open %v on %v", d.WaivedBy, beyond, d.Message, text, match, open, on)
			}
		}
	})
	if len(outcomes) != 2 {
		t.Errorf("the findings came out as %v: all or nothing proves nothing", outcomes)
	}
}
