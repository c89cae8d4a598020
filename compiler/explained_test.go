package compiler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
)

func exampleFiles(t testing.TB, name string) []language.File {
	t.Helper()
	files, found, err := sources.ReadRepository("../examples/"+name, sources.DefaultLimits())
	if err != nil || found.Failed() {
		t.Fatal(err, found)
	}
	return files
}

// explained asks the question, which must have an answer.
func explained(t *testing.T, e *Explained, question string) []explain.Answer {
	t.Helper()
	answers, rep := e.Explain(question, explain.Everything)
	if len(rep.Findings) > 0 || len(answers.Flows) == 0 {
		t.Fatalf("%s: %v", question, rep.Findings)
	}
	return answers.Flows
}

// text is what an answer says of changes.
func text(a explain.Answer) string {
	var b strings.Builder
	fmt.Fprintln(&b, a.Question.From, "->", a.Question.To, a.Question.Traffic, a.Verdict)
	for _, e := range a.Examples {
		fmt.Fprintln(&b, e.Change.Aim, e.Change.Text)
		for _, s := range e.Change.Steps {
			fmt.Fprintln(&b, s.Text, "@"+s.At.String())
			fmt.Fprintln(&b, strings.Join(s.Lines, "\n"))
		}
	}
	return b.String()
}

// pasted is the repository with what the answer's first example says to add, as a reader
// adds it: below the line, or before the bracket, that it points at.
func pasted(t *testing.T, files []language.File, a explain.Answer) []language.File {
	t.Helper()
	files = slices.Clone(files)
	type insertion struct {
		at     diag.Span
		inside bool
		lines  []string
	}
	var all []insertion
	for _, s := range a.Examples[0].Change.Steps {
		if len(s.Lines) > 0 {
			all = append(all, insertion{at: s.At.Span, inside: strings.HasSuffix(s.Text, "before the bracket that closes this"), lines: s.Lines})
		}
	}
	if len(all) == 0 {
		t.Fatalf("nothing is to be added:\n%s", text(a))
	}
	slices.SortFunc(all, func(a, b insertion) int { return b.at.Compare(a.at) }) // from the end, so that no place moves
	for _, in := range all {
		i := slices.IndexFunc(files, func(f language.File) bool { return f.Path == in.at.File })
		lines := strings.Split(string(files[i].Data), "\n")
		n := int(in.at.Start.Line)
		if in.inside {
			line := lines[n-1]
			end := in.at.End.Column - 2
			lines[n-1] = line[:end] + strings.Join(in.lines, "") + line[end:]
		} else {
			lines[n-1] = strings.TrimSuffix(lines[n-1], " {}")
			lines = slices.Insert(lines, n, in.lines...)
		}
		files[i] = language.File{Path: files[i].Path, Data: []byte(strings.Join(lines, "\n"))}
	}
	return files
}

// Of denied pairs of workloads of the examples, on a port of each, what is
// said to open it opens it: the lines are pasted, as a reader pastes them, and the
// result is built and asked anew.
func TestWhatIsPastedOpens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ example, environment string }{{"zero-trust-demo", "default"}, {"online-shop", "prod-eu"}} {
		t.Run(test.example, func(t *testing.T) {
			t.Parallel()
			files := exampleFiles(t, test.example)
			e, err := ExplainRepository(files, nil, []string{test.environment})
			if err != nil || e.Report.Findings.Failed() {
				t.Fatal(err, e.Report.Findings)
			}
			opened := 0
			p := e.Worlds[0].Plan
			for i, from := range p.Workloads {
				for j, to := range p.Workloads {
					if from.HostNetwork || to.HostNetwork || len(to.Ports) == 0 || len(p.Workloads) > 5 && (i+2*j)%11 != 0 {
						continue
					}
					question := fmt.Sprintf("%s -> %s:%s", from.Ref(), to.Ref(), to.Ports[len(to.Ports)-1].Name)
					a := explained(t, e, question)[0]
					if a.Verdict == explain.Allow {
						continue
					}
					opened++
					again, err := ExplainRepository(pasted(t, files, a), nil, []string{test.environment})
					if err != nil || again.Report.Findings.Failed() {
						t.Fatalf("%s: %v %v\n%s", question, err, again.Report.Findings, text(a))
					}
					if explained(t, again, question)[0].Verdict != explain.Allow {
						t.Fatalf("%s stays denied\n%s", question, text(a))
					}
				}
			}
			if opened < 3 || test.example == "online-shop" && opened < 12 {
				t.Errorf("%d were opened, expected more", opened)
			}
		})
	}
}

// So it is for the tutorial's manifests: the policies that are said to be missing are
// added to the stream of manifests.
func TestWhatIsAddedOpens(t *testing.T) {
	t.Parallel()
	files, _, err := sources.ReadTree("../examples/tutorial-as-written", sources.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	e := Options{}.ExplainManifests(files, nil)
	opened := 0
	for _, from := range []string{"frontend", "backend", "test-client"} {
		for _, to := range []string{"frontend", "backend", "test-client"} {
			if from == to {
				continue
			}
			question := fmt.Sprintf("zero-trust-demo/%s -> zero-trust-demo/%s:80", from, to)
			a := explained(t, e, question)[0]
			if a.Verdict == explain.Allow {
				t.Errorf("%s is allowed", question)
				continue
			}
			added := files
			into := false
			for i, step := range a.Examples[0].Change.Steps {
				into = into || strings.Contains(step.Text, "needs a rule in")
				added = append(slices.Clone(added), language.File{Path: fmt.Sprintf("added-%d.yaml", i), Data: []byte(strings.Join(step.Lines, "\n"))})
			}
			if into {
				continue // TestRepairsOpenOneHalf pastes those
			}
			opened++
			if again := (Options{}).ExplainManifests(added, nil); explained(t, again, question)[0].Verdict != explain.Allow {
				t.Errorf("%s stays denied\n%s", question, text(a))
			}
		}
	}
	if opened < 3 {
		t.Errorf("%d were opened", opened)
	}
}

// Where a guardrail or a quarantine forbids a flow, nothing is to be pasted: whom to ask,
// and about which line, is said.
func TestWhatIsForbidden(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t, "online-shop")
	for i, f := range files {
		if f.Path == language.PlatformFile {
			files[i].Data = append(slices.Clone(f.Data), "\n  quarantine:\n    - {peer: shop/mailer, ticket: SEC-1, until: 2027-01-31, why: it was broken into, in: [dev]}\n"...)
		}
	}
	e, err := ExplainRepository(files, nil, []string{"dev"})
	if err != nil || e.Report.Findings.Failed() {
		t.Fatal(err, e.Report.Findings)
	}
	for question, want := range map[string]string{
		"shop/cart -> 169.254.169.254:80":   "the guardrail no-metadata denies it (credentials of the node)",
		"shop/checkout -> shop/mailer:smtp": "while shop/mailer is in quarantine (it was broken into, SEC-1, 2027-01-31)",
	} {
		a := explained(t, e, question)[0]
		said := text(a)
		if a.Verdict == explain.Allow || !strings.Contains(said, "open no line") || !strings.Contains(said, want) || !strings.Contains(said, "@"+language.PlatformFile) {
			t.Errorf("%s\n%s", question, said)
		}
	}
}

// What an explanation says of every port is what Walk says of each.
func TestOpenPortsAreWalked(t *testing.T) {
	t.Parallel()
	e, err := ExplainRepository(exampleFiles(t, "online-shop"), nil, []string{"prod-us"})
	if err != nil {
		t.Fatal(err)
	}
	w := e.Worlds[0]
	endpoint := func(name string) *meaning.Endpoint {
		i := slices.IndexFunc(w.Pods, func(e *meaning.Endpoint) bool { return e.Ref() == name })
		if i < 0 {
			t.Fatalf("there is no %s", name)
		}
		return w.Pods[i]
	}
	for question, ports := range map[string]map[uint16]bool{
		"shop/cart -> shop/cart-cache":             {6379: true, 6380: false},
		"shop/cart -> monitoring/otel-collector":   {4317: true, 4318: true, 4319: false, 8888: false},
		"monitoring/prometheus -> shop/cart":       {9090: true, 7000: false},
		"payments/ledger -> data/orders-db":        {5432: false},
		"shop/checkout -> shop/mailer":             {1025: true},
		"shop/catalog -> data/search":              {9200: true, 9300: false},
		"ingress/controller -> accounts/accounts":  {8080: true, 9090: false},
		"monitoring/prometheus -> data/orders-db":  {9187: true, 5432: false},
		"data/orders-db -> monitoring/prometheus":  {9090: false},
		"shop/frontend -> monitoring/alertmanager": {9093: false},
	} {
		a := explained(t, e, question)[0]
		from, to, _ := strings.Cut(question, " -> ")
		for port, open := range ports {
			v := w.Meaning.Walk(meaning.Packet{From: meaning.Pod(endpoint(from)), To: meaning.Pod(endpoint(to)), Protocol: meaning.TCP, Port: port})
			if (v.Outcome() == meaning.Allowed) != open {
				t.Errorf("%s on %d is %s", question, port, v.Outcome())
			}
		}
		some := false
		for _, open := range ports {
			some = some || open
		}
		if partly := a.Verdict == explain.Partly; partly != some {
			t.Errorf("%s: %s", question, a.Verdict)
		}
	}
}

// A question about control messages of no given type is answered for all of them, as
// walks of each type and code are.
func TestAnyMessage(t *testing.T) {
	t.Parallel()
	policy := func(rules string) []language.File {
		return []language.File{{Path: "icmp.yaml", Data: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: u}\n" +
			"---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: u, labels: {app: a}}\nspec: {containers: [{name: c}]}\nstatus: {podIP: 10.0.0.1}\n" +
			"---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: u, labels: {app: b}}\nspec: {containers: [{name: c}]}\nstatus: {podIP: 10.0.0.2}\n" +
			"---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: p, namespace: u}\nspec: {selector: app == 'b', types: [Ingress], ingress: [" + rules + "]}\n")}}
	}
	for rules, want := range map[string]explain.Verdict{
		"":                                "deny",
		"{action: Allow, protocol: ICMP}": "allow",
		"{action: Allow, protocol: ICMP, icmp: {type: 8}}":                                                      "partly",
		"{action: Deny, protocol: ICMP, icmp: {type: 3, code: 4}}, {action: Allow}":                             "partly",
		"{action: Allow, protocol: ICMP, notICMP: {type: 254, code: 255}}":                                      "partly",
		"{action: Deny, protocol: ICMP, icmp: {type: 0, code: 0}}, {action: Deny}":                              "deny",
		"{action: Allow, protocol: ICMP, icmp: {type: 5}}, {action: Allow, protocol: ICMP, notICMP: {type: 5}}": "allow",
	} {
		e := Options{}.ExplainManifests(policy(rules), nil)
		all, rep := e.AnswerList(language.File{Path: "flows.yaml", Data: []byte("[{from: u/a, to: u/b, protocol: ICMP}]")}, explain.Deciding)
		if len(e.Report.Findings)+len(rep.Findings) > 0 {
			t.Fatal(e.Report.Findings, rep.Findings)
		}
		m, ends := e.Worlds[0].Meaning.Asker(), e.Worlds[0].Meaning.Endpoints
		outcomes := map[string]bool{}
		for message := range 1 << 16 {
			v := m.Walk(meaning.Packet{From: meaning.Pod(ends[0]), To: meaning.Pod(ends[1]), Protocol: meaning.ICMP, Type: uint8(message >> 8), Code: uint8(message)})
			outcomes[v.Outcome().String()] = true
		}
		walked := explain.Partly
		if len(outcomes) == 1 {
			walked = explain.Verdict(diag.SortedKeys(outcomes)[0])
		}
		if got := all.Flows[0].Verdict; got != want || walked != want {
			t.Errorf("%s: %s, walks say %s, expected %s", rules, got, walked, want)
		}
	}
}

// cluster is manifests of so many namespaces with ten pods and ten policies each.
func clusterOf(namespaces int) []language.File {
	var b strings.Builder
	for n := range namespaces {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns%d}\n", n)
		for w := range 10 {
			fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: w%d, namespace: ns%d, labels: {app: w%d}}\nspec: {containers: [{name: c}]}\nstatus: {podIP: 10.%d.%d.%d}\n", w, n, w, n/250, n%250, w+1)
		}
		for w := range 9 {
			fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: ns%d}\nspec:\n  podSelector: {matchLabels: {app: w%d}}\n  policyTypes: [Ingress, Egress]\n", w, n, w)
			fmt.Fprintf(&b, "  ingress: [{from: [{podSelector: {matchLabels: {app: w%d}}}], ports: [{port: 80}]}]\n  egress: [{to: [{namespaceSelector: {}}]}]\n", (w+1)%10)
		}
		fmt.Fprintf(&b, "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: g%d}\nspec: {order: %d, namespaceSelector: \"projectcalico.org/name == 'ns%d'\", types: [Ingress], ingress: [{action: Deny, source: {nets: [192.0.2.0/24]}}]}\n", n, n+1, n)
	}
	return []language.File{{Path: "cluster.yaml", Data: []byte(b.String())}}
}

// 10,000 questions about 1,000 pods under 1,000 policies.
func BenchmarkExplainList(b *testing.B) {
	const namespaces, questions = 100, 10_000
	r := rand.New(rand.NewPCG(1, 1))
	var list strings.Builder
	list.WriteByte('[')
	for i := range questions {
		if i > 0 {
			list.WriteByte(',')
		}
		fmt.Fprintf(&list, `{"from": "ns%d/w%d", "to": "ns%d/w%d", "port": 80}`, r.IntN(namespaces), r.IntN(10), r.IntN(namespaces), r.IntN(10))
	}
	list.WriteByte(']')
	e := Options{}.ExplainManifests(clusterOf(namespaces), nil)
	if len(e.Report.Findings) > 0 {
		b.Fatal(e.Report.Findings)
	}
	f := language.File{Path: "flows.json", Data: []byte(list.String())}
	for b.Loop() {
		answers, rep := e.AnswerList(f, explain.Deciding)
		if len(rep.Findings) > 0 || len(answers.Flows) != questions {
			b.Fatal(rep.Findings)
		}
	}
}

// An object that is not where an index looks for it is not found, and one in a List is.
func TestExplainedPlaces(t *testing.T) {
	t.Parallel()
	list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: {name: a}\n  spec: {podSelector: {}, ingress: [{}]}\n"
	files := []language.File{{Path: "list.yaml", Data: []byte(list)}}
	shown, found := Options{}.show(files, nil)
	set := shown.clusters[0].Set
	if len(found) > 0 {
		t.Fatal(found)
	}
	at := locate.TextsOf(files).Of(set)
	id := object.ID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "default", Name: "a"}
	for pointer, want := range map[string]string{"": "list.yaml:6:20", "/spec/ingress/0": "list.yaml:7:37", "/spec/egress/0": "list.yaml:6:20"} {
		if got := at(diag.Subject{Object: id, Pointer: pointer}).String(); got != want {
			t.Errorf("%q is at %s, expected %s", pointer, got, want)
		}
	}
	id.Name = "b"
	if got := at(diag.Subject{Object: id}); !got.IsZero() {
		t.Errorf("an object that is not there is at %s", got)
	}
}

// A pod on the host's network is told as what it is: lines that name it or every node mean
// what goes to it, and no policy holds its end.
func TestHostNetworkIsAnswered(t *testing.T) {
	t.Parallel()
	e, err := ExplainRepository(exampleFiles(t, "online-shop"), nil, []string{"dev"})
	if err != nil {
		t.Fatal(err)
	}
	for question, want := range map[string]string{ // the line that means it
		"monitoring/prometheus -> monitoring/node-exporter:metrics":                     "platform/monitoring.yaml:7:13",
		"shop/cart -> monitoring/node-exporter:metrics":                                 "",
		"{from: monitoring/prometheus, to: monitoring/node-exporter, port: 9100}":       "platform/monitoring.yaml:7:13",
		"{from: shop/cart, to: monitoring/node-exporter, port: 9100}":                   "",
		"{from: monitoring/prometheus, to: monitoring/node-exporter, icmp: {type: 8}}":  "monitoring/monitoring.yaml:8:12", // of @nodes
		"{from: monitoring/node-exporter, to: monitoring/prometheus, icmp: {type: 13}}": "",
	} {
		var x explain.Example
		if strings.HasPrefix(question, "{") {
			answers, rep := e.AnswerList(language.File{Path: "flows.yaml", Data: []byte("- " + question)}, explain.Deciding)
			if len(rep.Findings) > 0 || len(answers.Flows[0].Examples) != 1 {
				t.Fatalf("%s: %v %+v", question, rep.Findings, answers)
			}
			x = answers.Flows[0].Examples[0]
		} else {
			x = explained(t, e, question)[0].Examples[0]
		}
		got := ""
		for _, m := range x.Meant {
			got += m.At.String()
		}
		half, other := x.Ingress, x.Egress
		if strings.HasPrefix(x.Flow, "monitoring/node-exporter") {
			half, other = other, half
		}
		if half.By != "none" || half.Verdict != explain.Allow || !strings.Contains(half.Reason, "host's network") || strings.Contains(other.Reason, "host's network") {
			t.Errorf("%s: %+v", question, half)
		}
		if got != want || (x.Verdict == explain.Allow) != (want != "") {
			t.Errorf("%s: %s, meant by %q, expected %q", question, x.Verdict, got, want)
		}
	}
}

// TestTheSecondPeerIsItsOwnLine has two lines that become two peers of one rule, which findings
// and answers must tell apart.
func TestTheSecondPeerIsItsOwnLine(t *testing.T) {
	t.Parallel()
	files := []language.File{
		{Path: language.PlatformFile, Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: Platform
metadata: {name: shop}
spec:
  cluster: {podCIDRs: [10.244.0.0/16], nodeCIDRs: [172.18.0.0/24]}
  environments: {dev: {}}
  namespaces: {shop: {owner: team-shop}, ingress: {owner: team-platform}}
`)},
		{Path: "web.yaml", Data: []byte(`apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: web, namespace: shop}
spec:
  ports: {http: 8080}
  inbound:
    - {from: ingress/controller, ports: [http]}
    - {from: "@internet", ports: [http]}
---
apiVersion: portcullis.dev/v1alpha1
kind: NetworkIntent
metadata: {name: controller, namespace: ingress}
spec: {}
`)},
	}
	built, err := Build(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, d := range built.Report.Findings {
		if d.Rule.Code == "PC203" {
			at = append(at, d.Span.String())
		}
	}
	if want := []string{"web.yaml:8:14"}; !slices.Equal(at, want) {
		t.Errorf("PC203 stands at %q, expected %q", at, want)
	}
	e, err := ExplainRepository(files, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for flow, want := range map[string]string{
		"ingress/controller -> shop/web:8080": "web.yaml:7:14", "8.8.8.8 -> shop/web:8080": "web.yaml:8:14",
	} {
		answers, _ := e.Explain(flow, explain.Deciding)
		if got := answers.Flows[0].Examples[0].Ingress.At.String(); got != want {
			t.Errorf("%s: its ingress is decided at %s, expected %s", flow, got, want)
		}
	}
}
