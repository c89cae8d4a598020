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
func explained(t *testing.T, e *Explained, question string) []explain.Explanation {
	t.Helper()
	answers, rep := e.Explain(question)
	if len(rep.Findings) > 0 || len(answers) == 0 {
		t.Fatalf("%s: %v", question, rep.Findings)
	}
	return answers
}

func text(a explain.Explanation) string {
	var b strings.Builder
	for _, l := range a.Lines {
		b.WriteString(strings.Repeat(" ", l.Indent) + l.Text)
		if at := l.At.String(); at != "" {
			b.WriteString(" @" + at)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// pasted is the repository with what the explanation says to add, as a reader adds it:
// below the line, or before the bracket, that it points at.
func pasted(t *testing.T, files []language.File, a explain.Explanation) []language.File {
	t.Helper()
	files = slices.Clone(files)
	type insertion struct {
		at     diag.Span
		inside bool
		lines  []string
	}
	var all []insertion
	for _, l := range a.Lines {
		switch n := len(all) - 1; {
		case strings.HasPrefix(l.Text, "to spec."):
			all = append(all, insertion{at: l.At, inside: strings.HasSuffix(l.Text, "before the bracket that closes this")})
		case l.Indent == 6 && n >= 0:
			all[n].lines = append(all[n].lines, l.Text)
		case l.Indent == 0 && n >= 0 && l.Text == "":
			goto paste
		}
	}
paste:
	if len(all) == 0 {
		t.Fatalf("nothing is to be added:\n%s", text(a))
	}
	slices.SortFunc(all, func(a, b insertion) int { return b.at.Compare(a.at) }) // from the end, so that no place moves
	for _, in := range all {
		i := slices.IndexFunc(files, func(f language.File) bool { return f.Path == in.at.File })
		lines := strings.Split(string(files[i].Data), "\n")
		n := in.at.Start.Line
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
					if a.Allowed {
						continue
					}
					opened++
					again, err := ExplainRepository(pasted(t, files, a), nil, []string{test.environment})
					if err != nil || again.Report.Findings.Failed() {
						t.Fatalf("%s: %v %v\n%s", question, err, again.Report.Findings, text(a))
					}
					if !explained(t, again, question)[0].Allowed {
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
	e := ExplainManifests(files, nil, 32)
	opened := 0
	for _, from := range []string{"frontend", "backend", "test-client"} {
		for _, to := range []string{"frontend", "backend", "test-client"} {
			if from == to {
				continue
			}
			question := fmt.Sprintf("zero-trust-demo/%s -> zero-trust-demo/%s:80", from, to)
			a := explained(t, e, question)[0]
			if a.Allowed {
				t.Errorf("%s is allowed", question)
				continue
			}
			added := files
			var policies []string
			where := ""
			for _, l := range a.Lines {
				switch {
				case strings.Contains(l.Text, "needs a new policy"):
					policies = append(policies, "")
					where = "new"
				case strings.Contains(l.Text, "needs a rule in"):
					where = "rule"
				case l.Indent == 6 && where == "new":
					policies[len(policies)-1] += l.Text + "\n"
				}
			}
			for i, p := range policies {
				added = append(slices.Clone(added), language.File{Path: fmt.Sprintf("added-%d.yaml", i), Data: []byte(p)})
			}
			if strings.Contains(text(a), "needs a rule in") {
				continue // TestRepairsOpenOneHalf pastes those
			}
			opened++
			if again := ExplainManifests(added, nil, 32); !explained(t, again, question)[0].Allowed {
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
		if a.Allowed || !strings.Contains(said, "to open it: no line") || !strings.Contains(said, want) || !strings.Contains(said, "@"+language.PlatformFile) {
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
		if partly := strings.HasPrefix(a.Lines[0].Text, "partly allowed"); partly != some {
			t.Errorf("%s: %s", question, a.Lines[0].Text)
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
	for rules, want := range map[string]string{
		"":                                "deny",
		"{action: Allow, protocol: ICMP}": "allow",
		"{action: Allow, protocol: ICMP, icmp: {type: 8}}":                                                      "unknown",
		"{action: Deny, protocol: ICMP, icmp: {type: 3, code: 4}}, {action: Allow}":                             "unknown",
		"{action: Allow, protocol: ICMP, notICMP: {type: 254, code: 255}}":                                      "unknown",
		"{action: Deny, protocol: ICMP, icmp: {type: 0, code: 0}}, {action: Deny}":                              "deny",
		"{action: Allow, protocol: ICMP, icmp: {type: 5}}, {action: Allow, protocol: ICMP, notICMP: {type: 5}}": "allow",
	} {
		e := ExplainManifests(policy(rules), nil, 32)
		all, rep := e.AnswerList(language.File{Path: "flows.yaml", Data: []byte("[{from: u/a, to: u/b, protocol: ICMP}]")})
		if len(e.Report.Findings)+len(rep.Findings) > 0 {
			t.Fatal(e.Report.Findings, rep.Findings)
		}
		m, ends := e.Worlds[0].Meaning.Asker(), e.Worlds[0].Meaning.Endpoints
		outcomes := map[string]bool{}
		for message := range 1 << 16 {
			v := m.Walk(meaning.Packet{From: meaning.Pod(ends[0]), To: meaning.Pod(ends[1]), Protocol: meaning.ICMP, Type: uint8(message >> 8), Code: uint8(message)})
			outcomes[v.Outcome().String()] = true
		}
		walked := "unknown"
		if len(outcomes) == 1 {
			walked = diag.SortedKeys(outcomes)[0]
		}
		if got := all[""].Flows[0].Verdict; got != want || walked != want {
			t.Errorf("%s: %s, walks say %s, expected %s", rules, got, walked, want)
		}
	}
}

// cluster is manifests of so many namespaces with ten pods and ten policies each.
func cluster(namespaces int) []language.File {
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
	e := ExplainManifests(cluster(namespaces), nil, 32)
	if len(e.Report.Findings) > 0 {
		b.Fatal(e.Report.Findings)
	}
	f := language.File{Path: "flows.json", Data: []byte(list.String())}
	for b.Loop() {
		answers, rep := e.AnswerList(f)
		if len(rep.Findings) > 0 || len(answers[""].Flows) != questions {
			b.Fatal(rep.Findings)
		}
	}
}

// An object that is not where an index looks for it is not found, and one in a List is.
func TestExplainedPlaces(t *testing.T) {
	t.Parallel()
	list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: {name: a}\n  spec: {podSelector: {}, ingress: [{}]}\n"
	files := []language.File{{Path: "list.yaml", Data: []byte(list)}}
	set, found := sources.Manifests(files, nil)
	if len(found) > 0 {
		t.Fatal(found)
	}
	at := locate.InManifests(set, files)
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
