package proof_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"portcullis.dev/compiler"
	"portcullis.dev/compiler/cluster"
	"portcullis.dev/compiler/explain"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/proof"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

const (
	attacksDir = "../../testdata/attacks"
	component  = "platform/comp/r.yaml" // the malicious part
)

// TestAttacks builds repositories whose components open or close what nobody meant, for pods
// that no file describes. What a finding shows must be so: its ends are written down as
// manifests beside what was rendered, and the oracle and explain --manifests are asked. Each
// is tried once more with a further condition, which holds of every pod.
func TestAttacks(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(attacksDir, "[0-9]*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no attacks (%v)", err)
	}
	base := archived(t, filepath.Join(attacksDir, "base.txtar"))
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			attack := archived(t, name)
			want := strings.Split(attack["want"], "\n")
			delete(attack, "want")
			files := maps.Clone(base)
			maps.Copy(files, attack)
			judgeAttack(t, files, want)
			if narrowed, ok := conjoined(t, files[component]); ok {
				files[component] = narrowed
				judgeAttack(t, files, want)
			}
		})
	}
}

// archived are the files of an archive, by path.
func archived(t *testing.T, name string) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// conjoined adds a condition that every pod fulfils to the selectors of Calico's policies,
// if there are some.
func conjoined(t *testing.T, manifests string) (text string, some bool) {
	t.Helper()
	objects, found := object.Decode(component, []byte(manifests))
	if found.Failed() {
		t.Fatal(found.Err())
	}
	var all []string
	for _, o := range objects {
		var v map[string]any
		if err := json.Unmarshal(o.JSON, &v); err != nil {
			t.Fatal(err)
		}
		if spec, _ := v["spec"].(map[string]any); o.ID.Kind == "GlobalNetworkPolicy" {
			const always = "has(projectcalico.org/namespace)"
			if selector, ok := spec["selector"].(string); ok {
				spec["selector"] = "(" + selector + ") && " + always
			} else {
				spec["selector"] = always
			}
			some = true
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(raw))
	}
	return strings.Join(all, "\n---\n"), some
}

func judgeAttack(t *testing.T, contents map[string]string, want []string) {
	t.Helper()
	var files []language.File
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		files = append(files, language.File{Path: name, Data: []byte(contents[name])})
	}
	built, err := compiler.Build(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := built.Report.Findings; !found.Failed() || found.Unjudgeable() {
		t.Fatalf("the exit code is not 1: %v", found.Err())
	}
	// What rules of Rego find about the same policies is not what is tried here.
	proved := slices.DeleteFunc(slices.Clone(built.Report.Findings), func(d diag.Diagnostic) bool { return !slices.Contains(proof.Rules, d.Rule) })
	said := false
	for _, d := range proved {
		said = said || strings.Contains(d.Message, want[1])
		if d.Rule.Code != want[0] {
			t.Errorf("%s: %s, expected %s", d.Rule.Code, d.Message, want[0])
		}
	}
	if !said {
		t.Errorf("nothing that was found says %q: %v", want[1], built.Report.Findings.Err())
	}
	explained, err := compiler.ExplainRepository(files, nil, nil)
	if err != nil || len(explained.Worlds) != 1 {
		t.Fatal(err, explained.Report.Findings.Err())
	}
	w := explained.Worlds[0]
	shown := proof.Witnesses(w.Plan, w.Meaning, w.Pods)
	if len(shown) != len(proved) {
		t.Errorf("%d findings show %d witnesses", len(proved), len(shown))
	}
	for _, s := range shown {
		p, set := w.Plan, w.Set
		if n := s.Own().Endpoint.Namespace; ofPattern(p, n) {
			p, set = alsoBuilt(t, files, n, set)
		}
		confirm(t, p, set, s)
	}
}

// ofPattern reports whether a namespace is one that is built by itself.
func ofPattern(p *plan.Plan, namespace string) bool {
	if _, listed := p.Namespace(namespace); listed {
		return false
	}
	return slices.ContainsFunc(p.Namespaces, func(n plan.Namespace) bool {
		before, after, _ := strings.Cut(n.Name, "*")
		return n.Pattern && strings.HasPrefix(namespace, before) && strings.HasSuffix(namespace, after)
	})
}

// alsoBuilt adds what is built for a namespace of a pattern, and the plan of that build.
func alsoBuilt(t *testing.T, files []language.File, namespace string, set object.Set) (*plan.Plan, object.Set) {
	t.Helper()
	repo, found := language.Parse(files)
	plans, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names(), Namespace: namespace})
	if found = append(found, resolved...); found.Failed() || len(plans) != 1 {
		t.Fatal(found.Err())
	}
	emitted, _ := lower.Lower(plans[0])
	objects := slices.Clone(set.All())
	for _, e := range emitted {
		if object.IDOf(e.Manifest).Namespace != namespace {
			continue
		}
		decoded, found := object.Decode("", e.Manifest.YAML())
		if found.Failed() {
			t.Fatal(found.Err())
		}
		objects = append(objects, decoded...)
	}
	both, found := object.NewSet(objects)
	if found.Failed() || both.Len() == set.Len() {
		t.Fatalf("nothing is built for %s: %v", namespace, found.Err())
	}
	return plans[0], both
}

// confirm holds a witness against two judges that have not been told of it, and against the
// plan.
func confirm(t *testing.T, p *plan.Plan, rendered object.Set, s proof.Shown) {
	t.Helper()
	if len(s.Unsettled) > 0 {
		t.Fatalf("%s hangs on what no manifest can say: %v", s.Packet, s.Unsettled)
	}
	ends := [2]witnessed{write(s.Packet.From, "sender"), write(s.Packet.To, "receiver")}
	beside := slices.Concat(ends[0].manifests, ends[1].manifests)
	objects := slices.DeleteFunc(slices.Clone(rendered.All()), func(o object.Object) bool {
		return slices.ContainsFunc(beside, func(b object.Object) bool { return b.ID == o.ID })
	})
	for i, b := range beside { // both ends may have the same namespace
		if !slices.ContainsFunc(beside[:i], func(o object.Object) bool { return o.ID == b.ID }) {
			objects = append(objects, b)
		}
	}
	set, found := object.NewSet(objects)
	if found.Failed() {
		t.Fatal(found.Err())
	}
	h := s.Packet.Header()
	judged := oracle.Of(set, p.Cluster).Judge(oracle.Packet{
		From: oracle.End{Name: ends[0].name, Address: ends[0].peer.Addr}, To: oracle.End{Name: ends[1].name, Address: ends[1].peer.Addr},
		Protocol: int(h.Protocol), Port: int(h.Port), Type: int(h.Type), Code: int(h.Code), SourcePort: int(s.Packet.SourcePort), Family: s.Packet.Family,
	})
	var text strings.Builder
	for _, o := range set.All() {
		text.WriteString("---\n" + string(o.JSON) + "\n")
	}
	manifests := compiler.Options{Cluster: cluster.Said{CalicoMinor: p.Cluster.CalicoMinor}}.ExplainManifests([]language.File{{Path: "rendered.yaml", Data: []byte(text.String())}}, nil)
	if len(manifests.Worlds) != 1 {
		t.Fatal(manifests.Report.Findings.Err())
	}
	q := language.Listed{From: ends[0].asked(), To: ends[1].asked(), Protocol: &h.Protocol, SourcePort: s.Packet.SourcePort}
	switch {
	case h.Protocol.HasPorts():
		q.Ports = []language.PortRef{{Ports: []plan.Port{{Protocol: plan.Protocol(h.Protocol.String()), First: h.Port, Last: h.Port}}}}
	case h.Protocol.HasTypes():
		q.Message = &language.Message{Type: h.Type, Code: h.Code}
	}
	answers := manifests.Worlds[0].AnswerList([]language.Listed{q}, explain.Deciding)
	if len(answers[0].Examples) != 1 {
		t.Fatalf("%+v", answers[0])
	}
	meant := p.Between(ends[0].place(), ends[1].place()).Allows(plan.Protocol(h.Protocol.String()), h.Port)
	answer := answers[0].Examples[0]
	for _, judge := range []struct{ name, flow, egress, ingress string }{
		{"the oracle", string(judged.Outcome()), string(judged.Egress.Outcome), string(judged.Ingress.Outcome)},
		{"explain --manifests", string(answer.Verdict), string(answer.Egress.Verdict), string(answer.Ingress.Verdict)},
	} {
		half := judge.egress
		if s.Direction == meaning.Ingress {
			half = judge.ingress
		}
		got, want := half, "allow"
		switch s.Code {
		case "PC305":
			got = judge.flow
		case "PC303", "PC307":
			want = "deny"
		}
		if got != want || meant == (want == "allow") {
			t.Errorf("%s, %s of %s: %s says %s (the flow: %s), and meant is %v\n%s", s.Code, s.Direction, s.Packet, judge.name, got, judge.flow, meant, text.String())
		}
	}
}

// witnessed is one end of a witness, with the manifests that describe it.
type witnessed struct {
	peer      meaning.Peer
	name      string // empty for an address
	manifests []object.Object
}

// write describes one end. Whatever it wears is in a manifest of it, its namespace or its
// service account.
func write(p meaning.Peer, name string) witnessed {
	if p.Endpoint == nil {
		return witnessed{peer: p}
	}
	e := p.Endpoint
	type fields = map[string]any
	labels := maps.Clone(e.NamespaceLabels)
	delete(labels, meaning.NameLabel)
	var ports []any
	for _, named := range e.Ports {
		ports = append(ports, fields{"name": named.Name, "containerPort": named.Number, "protocol": named.Protocol.String()})
	}
	made := witnessed{peer: p, name: e.Namespace + "/" + name}
	for _, manifest := range []fields{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": e.Namespace, "labels": labels}},
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": fields{"name": e.ServiceAccount, "namespace": e.Namespace, "labels": e.ServiceAccountLabels}},
		{
			"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": name, "namespace": e.Namespace, "labels": e.Labels},
			"spec":   fields{"serviceAccountName": e.ServiceAccount, "containers": []any{fields{"name": "c", "image": "i", "ports": ports}}},
			"status": fields{"phase": "Running", "podIP": p.Addr.String(), "podIPs": []any{fields{"ip": p.Addr.String()}}},
		},
	} {
		raw, err := json.Marshal(manifest)
		if err != nil {
			panic(err)
		}
		decoded, found := object.DecodeJSON(raw)
		if found.Failed() {
			panic(found.Err())
		}
		made.manifests = append(made.manifests, decoded...)
	}
	return made
}

func (w witnessed) asked() string {
	if w.name != "" {
		return w.name
	}
	return w.peer.Addr.String()
}

func (w witnessed) place() plan.Place {
	if e := w.peer.Endpoint; e != nil {
		return plan.Place{Namespace: e.Namespace, NamespaceLabels: e.NamespaceLabels, Labels: e.Labels}
	}
	return plan.Place{Address: w.peer.Addr}
}
