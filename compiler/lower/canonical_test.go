package lower

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestEveryConstruct shows what is emitted, and of each part the line that it comes
// from.
func TestEveryConstruct(t *testing.T) {
	t.Parallel()
	const golden = "testdata/every-construct.yaml"
	var b bytes.Buffer
	for _, e := range lowered(t, everyConstruct()) {
		b.WriteString("---\n")
		for _, part := range slices.SortedFunc(slices.Values(slices.Concat(e.Places, []Place{{Span: e.Span}})), func(a, b Place) int { return strings.Compare(a.Pointer, b.Pointer) }) {
			fmt.Fprintf(&b, "# line %d: %s\n", part.Span.Start.Line, part.Pointer)
		}
		b.Write(e.Manifest.YAML())
	}
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// TestRenderedTextIsEmittedText holds the two ways to one text: what is written
// into the tree, but for the reasons at its rules, and what an object read back from it prints.
func TestRenderedTextIsEmittedText(t *testing.T) {
	t.Parallel()
	for _, e := range lowered(t, everyConstruct()) {
		id := object.IDOf(e.Manifest)
		objects, found := object.Decode("", e.Manifest.YAML())
		if found.Failed() || len(objects) != 1 {
			t.Errorf("%s does not read back: %v", id, found.Err())
			continue
		}
		if alone, _ := object.DecodeManifest(e.Manifest); !cmp.Equal(objects, alone) {
			t.Errorf("%s (-read back +as it is):\n%s", id, cmp.Diff(objects, alone))
		}
		text, err := objects[0].YAML()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutComments(e.Manifest), string(text)); diff != "" {
			t.Errorf("%s (-emitted +read back):\n%s", id, diff)
		}
	}
}

// withoutComments is the text of a manifest without the lines that are comments.
func withoutComments(m object.Map) string {
	var b strings.Builder
	for line := range strings.Lines(string(m.YAML())) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// everyConstruct is a plan that makes the lowering use all it has.
func everyConstruct() *plan.Plan {
	line := 0
	next := func() diag.Span {
		line++
		return diag.Span{File: "plan", Start: diag.At(line, 1), End: diag.At(line, 2)}
	}
	app := func(name string) object.Selector { return object.NewSelector(object.Equals("app", name)) }
	pods := func(namespace, name string) plan.End {
		return plan.End{Name: namespace + "/" + name, Pods: &plan.Pods{Namespace: namespace, Selector: app(name)}}
	}
	everybody := plan.End{Name: "*/*", Pods: &plan.Pods{}}
	tenants := plan.End{Name: "{tier in (a,b)}/*", Pods: &plan.Pods{Namespaces: object.NewSelector(
		object.Requirement{Key: "tier", Op: object.In, Values: []string{"a", "b"}},
		object.Requirement{Key: "old", Op: object.DoesNotExist})}}
	previews := plan.End{Name: "pr-*/*", Pods: &plan.Pods{Namespaces: object.NewSelector(object.Equals("preview", "true"))}}
	outside := plan.End{Name: "@outside", Peer: "outside", Blocks: []plan.Block{
		{CIDR: netip.MustParsePrefix("192.168.0.0/16"), Except: []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")}},
		{CIDR: netip.MustParsePrefix("fd00::/8")},
	}}
	nameless := outside
	nameless.Peer, nameless.Name = "", "192.168.0.0/16 and others"
	cluster := object.DefaultCluster()
	cluster.DNS.NodeLocal = []netip.Addr{netip.MustParseAddr("169.254.20.10"), netip.MustParseAddr("fd00::a")}
	labels := func(name, key, value string) map[string]string {
		return map[string]string{plan.NamespaceLabel: name, key: value}
	}
	line++ // the Platform's is the first
	p := &plan.Plan{
		Environment: "default", Targets: Names(), Cluster: cluster, DenyUnknown: true, Stages: plan.DefaultStages(), PlatformName: "fleet",
		Platform: diag.Span{File: "plan", Start: diag.Position{Line: 1, Column: 1}},
		Namespaces: []plan.Namespace{
			{Name: "crm", Staged: true, Labels: labels("crm", "tier", "c")},
			{Name: "kube-system", System: true, Labels: labels("kube-system", "tier", "a")},
			{Name: "legacy", Labels: labels("legacy", "tier", "c")},
			{Name: "pr-*", Pattern: true, Labels: labels("pr-*", "preview", "true")},
			{Name: "quiet", Governed: true, Labels: labels("quiet", "tier", "a")},
			{Name: "shop", Owner: "team-shop", Governed: true, Labels: labels("shop", "tier", "a")},
			{Name: "try-*", Pattern: true, Open: true, Labels: labels("try-*", "trial", "yes")},
		},
		Workloads: []plan.Workload{
			{Namespace: "crm", Name: "web", Selector: app("web"), DNS: true},
			{Namespace: "quiet", Name: "other", Selector: app("other"), DNS: true},
			{Namespace: "quiet", Name: "vault", Selector: app("vault")},
			{Namespace: "shop", Name: "cart", Owner: "team-cart", Selector: app("cart"), DNS: true},
			{Namespace: "shop", Name: "web", Selector: app("web"), DNS: true},
		},
	}
	for i := range p.Namespaces {
		p.Namespaces[i].Span = next()
	}
	for i := range p.Workloads {
		p.Workloads[i].Span = next()
	}
	flow := func(from, to plan.End, origin plan.Origin, ports ...plan.Port) {
		origin.Span = next()
		p.Flows = append(p.Flows, plan.Flow{From: from, To: to, Ports: plan.NormalPorts(ports), Origins: []plan.Origin{origin}})
	}
	tcp := func(first, last uint16) plan.Port { return plan.Port{Protocol: plan.TCP, First: first, Last: last} }
	flow(pods("shop", "web"), pods("shop", "cart"), plan.Origin{Intent: "shop/cart", Why: "carts: ${HOME} # of people", Ticket: "NET-1", Until: "2026-12-31"},
		tcp(80, 80), plan.Port{Protocol: plan.UDP, First: 5000, Last: 5010})
	flow(tenants, pods("shop", "web"), plan.Origin{Intent: "shop/web"}, plan.Everything...)
	flow(everybody, pods("quiet", "vault"), plan.Origin{Intent: "quiet/vault"}, plan.Port{Protocol: plan.SCTP, First: 3868, Last: 3868})
	flow(pods("shop", "cart"), outside, plan.Origin{Intent: "shop/cart"}, append([]plan.Port{tcp(443, 443)}, plan.Ping...)...)
	flow(previews, pods("shop", "web"), plan.Origin{Intent: "shop/web"}, tcp(8080, 8080))
	flow(pods("crm", "web"), nameless, plan.Origin{Intent: "crm/web"}, append([]plan.Port{tcp(25, 25)}, plan.AllICMP...)...)
	flow(pods("shop", "web"), everybody, plan.Origin{Why: "probes"}, append([]plan.Port{tcp(9090, 9099)}, plan.Ping...)...)
	p.Guardrails = []plan.Guardrail{
		{Name: "apart", From: &tenants, To: &everybody, Unless: []plan.End{pods("shop", "cart"), tenants}, Why: "tenants are strangers", Span: next()},
		{Name: "no-outside", To: &outside, Ports: []plan.Port{tcp(80, 90), {Protocol: plan.UDP, First: 53, Last: 53}}, Span: next()},
		{Name: "no-inside", From: &nameless, Ports: plan.Ping, Span: next()},
	}
	p.Quarantine = []plan.Quarantined{
		{End: pods("quiet", "other"), Ticket: "INC-2", Until: "2026-12-01", Span: next()},
		{End: everybody, Why: "everything stops", Span: next()},
		{End: pods("quiet", "other"), Ticket: "INC-1", Until: "2027-12-01", Span: next()},
	}
	return p
}

func lowered(t *testing.T, p *plan.Plan) []Emitted {
	t.Helper()
	emitted, found := Lower(p)
	if len(found) > 0 {
		t.Fatal(found.Err())
	}
	return emitted
}
