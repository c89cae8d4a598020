package object_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/policies/object"
)

const scannedPolicy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n"

// TestScan holds what is read of files of any sort, what is passed over, and what is found.
func TestScan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, objects, passed, found string }{
		"a policy":                        {text: scannedPolicy, objects: "NetworkPolicy shop/a"},
		"a status that a cluster printed": {text: scannedPolicy + "status: {conditions: []}\n", objects: "NetworkPolicy shop/a"},
		"a workflow":                      {text: "name: ci\non: push\njobs: {}\n", passed: "/"},
		"a chart's head":                  {text: "apiVersion: v2\nname: web\n", passed: "v2/"},
		"a ConfigMap":                     {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    kind: NetworkPolicy\n", passed: "v1/ConfigMap"},
		"a ConfigMap in flow style":       {text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n", passed: "v1/ConfigMap"},
		"a ConfigMap that does not parse": {text: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n", passed: "v1/ConfigMap"},
		"a kind's own list":               {text: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n- metadata: {name: a, namespace: shop}\n  spec: {podSelector: {}}\n", objects: "NetworkPolicy shop/a"},
		"a list of another kind":          {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(scannedPolicy), "\n", "\n  ") + "\n", objects: "NetworkPolicy shop/a"},
		"JSON":                            {text: `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":"shop"},"spec":{"podSelector":{}}}]}`, objects: "NetworkPolicy shop/a"},
		"a head behind a text":            {text: "note: \"x\nkind: ConfigMap\n\"\n" + scannedPolicy, objects: "NetworkPolicy shop/a", found: "PC010 error 0:0"},
		"a head behind a merge":           {text: "x: &x\n  kind: NetworkPolicy\n<<: *x\napiVersion: networking.k8s.io/v1\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n", objects: "NetworkPolicy shop/a", found: "PC010 error 0:0"},
		"a policy without a version":      {text: "kind: NetworkPolicy\nmetadata: {name: a}\n", found: "PC013 error 1:1"},
		"a policy without a kind":         {text: "apiVersion: networking.k8s.io/v1\nmetadata: {name: a}\n", found: "PC013 error 1:1"},
		"a boolean for a name":            {text: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: y}\nspec: {podSelector: {}}\n", found: "PC010 error 3:32"},
		"a number for a label":            {text: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {podSelector: {matchLabels: {app: 1e3}}}\n", objects: "NetworkPolicy b/a", found: "PC010 error 4:41"},
		"a number in a list's item":       {text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: {name: a, namespace: no}\n", found: "PC010 error 6:34"},
		"a chart's policy":                {text: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {{ .Values.name }}\n", found: "PC050 error 4:9"},
		"a variable of Flux":              {text: strings.Replace(scannedPolicy, "shop", "${NS}", 1), found: "PC050 error 3:32"},
		"a variable that decides nothing": {text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: c, image: \"${IMAGE}\"}]}\n", objects: "Pod shop/a"},
		"a variable for a label":          {text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, labels: {app: \"${APP}\"}}\nspec: {containers: []}\n", found: "PC050 warning 3:53"},
		"a policy of another product":     {text: "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\n", objects: "CiliumNetworkPolicy shop/a"},
		"a pool of addresses":             {text: "apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: a}\n", passed: "crd.projectcalico.org/v1/IPPool"},
		"a field of Calico Enterprise":    {text: "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: a}\nspec:\n  egress: [{action: Allow, destination: {domains: [example.com]}}]\n", objects: "GlobalNetworkPolicy a"},
		"a generated name":                {text: "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: once-, namespace: shop}\n", objects: "Job shop/once-"},
		"a pod without a name":            {text: "apiVersion: v1\nkind: Pod\nmetadata: {namespace: shop}\n", found: "PC013 warning 1:1"},
		"a pod that does not parse":       {text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a\n", found: "PC001 warning 3:1"},
		"a pod with a port that is text":  {text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, ports: [{containerPort: '80'}]}]}\n", found: "PC010 warning 4:55"},
		"a key in another case":           {text: "apiVersion: v1\nKind: Pod\n", passed: "v1/"},
		"a list in JSON":                  {text: `[{"apiVersion": "\\u0076", "a": 1, "a": 2}]`, passed: "/"},
		"a template with a star":          {text: "{{/* a volume */}}\napiVersion: v1\nkind: Service\nmetadata: {name: {{ .x }}}\n", found: "PC050 warning 1:1"},
		"a template of a server":          {text: "kind: Service\napiVersion: v1\nmetadata: {name: {{ .x }}}\nspec: {externalName: Server}\n", found: "PC050 warning 3:18"},
		"a policy of pulling":             {text: "x: [{{ .x }}]\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: {{ .x }}}, imagePullPolicy: Always, a: \"\\n\"}\n", passed: "/", found: "PC050 warning 3:58"},
		"a server of Linkerd":             {text: "apiVersion: policy.linkerd.io/v1\nkind: Server\nmetadata: {name: {{ .x }}}\n", found: "PC050 error 3:18"},
		"a version left open":             {text: "apiVersion: {{ .v }}\nkind: Tier\nmetadata: {name: a}\n", found: "PC050 error 1:13"},
		"a kind left open":                {text: "apiVersion: networking.k8s.io/v1\nkind: {{ .k }}\nmetadata: {name: a}\n", found: "PC050 error 2:7"},
		"a kind with a tag":               {text: "apiVersion: {{ .v }}\nkind: !!str\n  NetworkPolicy\n", found: "PC050 error 1:13"},
		"a list of policies":              {text: "apiVersion: {{ .v }}\nkind: NetworkPolicyList\nitems: []\n", found: "PC050 error 1:13"},
		"a kind in escapes":               {text: "apiVersion: v1\nkind: \"Network\\x50olicy\"\nmetadata: {name: {{ .x }}}\n", found: "PC050 error 3:18"},
		"another product's policy":        {text: "apiVersion: x.example.com/v1\nkind: FooNetworkPolicy\nmetadata: {name: {{ .x }}}\n", found: "PC050 error 3:18"},
		"a stream of JSON": {text: `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":"b"},"spec":{"podSelector":{}}}
{"apiVersion":"v1","kind":"ConfigMap"} {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"c","namespace":"b"},"spec":{"podSelectr":{}}}`, objects: "NetworkPolicy b/a NetworkPolicy b/c", passed: "v1/ConfigMap", found: "PC010 error 0:0"},
		"a list of steps":            {text: "- name: test\n  commands: [e2e-ClusterNetworkPolicy]\n", passed: "/"},
		"a list of policies too":     {text: "- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n", found: "PC013 error 1:1"},
		"a report of tests":          {text: "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: ConformanceReport\ndate: today\n", passed: "policy.networking.k8s.io/v1alpha1/ConformanceReport"},
		"UTF-16":                     {text: "\xff\xfea\x00", found: "PC001 error 1:1"},
		"encrypted":                  {text: "\x00GITCRYPT\x00\x8f\xffapiVersion", found: "PC001 warning 0:0"},
		"a page in another encoding": {text: "name: caf\xe9\n", passed: "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scanned, found := object.Scan("a.yaml", []byte(c.text))
			var objects, passed, told []string
			for _, o := range scanned.Objects {
				objects = append(objects, o.ID.String())
			}
			for _, p := range scanned.Passed {
				passed = append(passed, p.APIVersion+"/"+p.Kind)
			}
			for _, d := range found {
				told = append(told, fmt.Sprintf("%s %s %d:%d", d.Rule.Code, d.Severity, d.Span.Start.Line, d.Span.Start.Column))
			}
			for _, got := range []struct{ what, is, want string }{
				{"objects", strings.Join(objects, " "), c.objects}, {"passed", strings.Join(passed, " "), c.passed}, {"found", strings.Join(told, " "), c.found},
			} {
				if got.is != got.want {
					t.Errorf("%s: %q, expected %q (%v)", got.what, got.is, got.want, found)
				}
			}
		})
	}
}
