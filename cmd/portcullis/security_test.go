//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/plan"
)

// hostile is one thing that a repository may hold, or that somebody may ask for, which
// nobody meant or somebody meant ill.
type hostile struct {
	class string // its row in SECURITY.md
	name  string
	files map[string]string
	make  func(t *testing.T, dir string) // what files cannot say
	args  []string                       // DIR stands for the repository; build DIR if there are none
	exit  int
	says  string // in the first line of stderr: the rule
}

const (
	platformFile = apiVersion + "kind: Platform\nmetadata: {name: fleet}\n"
	intentFile   = apiVersion + "kind: NetworkIntent\nmetadata: {name: web, namespace: shop}\nspec:\n  ports: {http: 80}\n"
)

// soundWith is a sound repository with files in place of its own, or beside them.
func soundWith(files ...string) map[string]string {
	all := map[string]string{language.PlatformFile: platformFile, "intents/a.yaml": intents(2)}
	for i := 0; i < len(files); i += 2 {
		all[files[i]] = files[i+1]
	}
	return all
}

// intentWith is a repository with one more intent.
func intentWith(text string) map[string]string { return soundWith("intents/web.yaml", text) }

// platformWith is a repository whose Platform says more.
func platformWith(text string, files ...string) map[string]string {
	return soundWith(append([]string{language.PlatformFile, platformFile + "spec:\n" + text}, files...)...)
}

// waiver is a Waiver for whatever a match says.
func waiver(match string) string {
	return apiVersion + "kind: Waiver\nmetadata: {name: once}\nspec:\n  rule: PC203\n  match: {" + match + "}\n  owner: team-shop\n  approvedBy: platform\n  reason: a trial\n  ticket: NET-1\n  expires: 2026-01-31\n"
}

// rule is a rule of the user's with that body.
func rule(body string) string {
	return "# METADATA\n# title: A rule\n# description: It is somebody's own.\n# custom:\n#   code: PC901\n#   severity: error\n#   remediation: Mend it.\npackage portcullis.checks.own\n\nfindings contains {\"message\": \"m\"} if {\n\t" + body + "\n}\n"
}

// tenant is a repository in which a tenant may write below apps/evil.
func tenant(files ...string) map[string]string {
	return platformWith("  trusted: [platform]\n  namespaces: {shop: {path: intents}, evil: {path: apps/evil}}\n", files...)
}

// component is a repository with a kustomize component laid over the namespace shop.
func component(kustomization string, files ...string) map[string]string {
	return platformWith("  trusted: [platform]\n  components: [{path: platform/comp, namespaces: [shop]}]\n",
		append([]string{"platform/comp/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + kustomization}, files...)...)
}

// link makes a symbolic link in a repository.
func link(name, target string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		name := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(target, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// many are files of nothing.
func many(n int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		for i := range n {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%06d.yaml", i)), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// hostiles are what SECURITY.md promises about, row by row.
func hostiles() []hostile {
	var all []hostile
	class := func(name string, of ...hostile) {
		for _, h := range of {
			h.class = name
			all = append(all, h)
		}
	}
	class("Nothing ill", hostile{name: "a sound repository", files: soundWith()})
	class("Anchors, aliases and merge keys, also such as grow without end",
		hostile{name: "an alias bomb", files: intentWith("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nkind: NetworkIntent\n"), exit: exitInput, says: "PC005"},
		hostile{name: "an anchor that contains itself", files: intentWith(intentFile + "  selector: &s {a: *s}\n"), exit: exitInput, says: "PC005"},
		hostile{name: "a harmless merge key", files: intentWith(strings.Replace(intentFile, "{http: 80}", "{<<: {http: 80}}", 1)), exit: exitInput, says: "PC005"},
		hostile{name: "an alias bomb in a component's file", files: component("resources: [p.yaml]\n", "platform/comp/p.yaml", "a: &a [x, x]\nb: &b [*a, *a]\n"), exit: exitInput, says: "PC018"},
		hostile{name: "an alias bomb in a patch in a string", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: |\n    a: &a [x, x]\n    b: &b [*a, *a]\n"), exit: exitInput, says: "PC018"},
	)
	class("Depth",
		hostile{name: "65 levels", files: intentWith(intentFile + "  selector: " + strings.Repeat("[", 65) + strings.Repeat("]", 65) + "\n"), exit: exitInput, says: "PC006"},
		hostile{name: "100,000 levels", files: intentWith("kind: NetworkIntent\nspec: " + strings.Repeat("[", 100_000) + "\n"), exit: exitInput, says: "PC001"},
	)
	class("Size and number of files, lines, values and documents",
		hostile{name: "a file of 10 MB", files: intentWith(intentFile + strings.Repeat("# words\n", 10<<17)), exit: exitInput, says: "PC015"},
		hostile{name: "a scalar of 7 MB", files: intentWith(intentFile + "  owner: " + strings.Repeat("x", 7<<20) + "\n")},
		hostile{name: "20,000 lines that make no sense", files: intentWith(strings.Replace(intentFile, "  ports: {http: 80}\n", "  in:\n"+strings.Repeat("    - [a]\n", 20_000), 1)), exit: exitInput, says: "PC006"},
		hostile{name: "10,000 intents, the last one misspelt", files: soundWith("intents/a.yaml", intents(10_000)+"  inbuond: []\n"), exit: exitInput, says: "PC002"},
		hostile{name: "20,000 empty files", files: soundWith(), make: many(20_000)},
	)
	class("Keys said twice, unknown keys, another case",
		hostile{name: "a key twice", files: intentWith(intentFile + "  ports: {http: 81}\n"), exit: exitInput, says: "PC003"},
		hostile{name: "a key twice, once quoted", files: intentWith(strings.Replace(intentFile, "{http: 80}", "{http: 80, 'http': 81}", 1)), exit: exitInput, says: "PC003"},
		hostile{name: "an unknown key", files: intentWith(intentFile + "  inbuond: []\n"), exit: exitInput, says: "PC002"},
		hostile{name: "a guardrail whose kind has another case", files: soundWith("platform/p.yaml", "apiversion: "+plan.Group+"/v1alpha1\nKind: Platform\nmetadata: {name: more}\nspec: {guardrails: [{name: g, isolate: t}]}\n"), exit: exitInput, says: "PC002"},
		hostile{name: "another case", files: intentWith(intentFile + "  INBOUND: []\n"), exit: exitInput, says: "PC002"},
	)
	class("Documents that are not what stands beside them",
		hostile{name: "a Deployment in an intent's file", files: intentWith(intentFile + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"), exit: exitInput, says: "PC009"},
		hostile{name: "the end of a document, and one more", files: intentWith("---\n" + intentFile + "...\n---\n" + strings.Replace(intentFile, "web", "api", 1))},
		hostile{name: "a file that is not YAML", files: intentWith("Dear all,\n\nkind: NetworkIntent\n\tis what we want: [\n"), exit: exitInput, says: "PC001"},
		hostile{name: "a Helm template of an intent", files: intentWith("{{- if .Values.enabled }}\n" + intentFile + "{{- end }}\n"), exit: exitInput, says: "PC001"},
		hostile{name: "a Helm template beside the intents", files: soundWith("charts/web/templates/deployment.yaml", "{{- if .Values.enabled }}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\n{{- end }}\n")},
	)
	class("Scalars that YAML 1.1 and 1.2 read differently",
		hostile{name: "no", files: intentWith(intentFile + "  dns: no\n"), exit: exitInput, says: "PC004"},
		hostile{name: "an octal port", files: intentWith(strings.Replace(intentFile, "80", "012", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "a port with a separator", files: intentWith(strings.Replace(intentFile, "80", "8_0", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "an exponent", files: intentWith(strings.Replace(intentFile, "80", "8e1", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "nothing", files: intentWith(strings.Replace(intentFile, "80", "~", 1)), exit: exitInput, says: "PC004"},
	)
	class("Ports that are none",
		hostile{name: "65536", files: intentWith(strings.Replace(intentFile, "80", "65536", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "-1", files: intentWith(strings.Replace(intentFile, "80", "-1", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "80.0", files: intentWith(strings.Replace(intentFile, "80", "80.0", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "beyond 64 bits", files: intentWith(strings.Replace(intentFile, "80", "18446744073709551696", 1)), exit: exitInput, says: "PC107"},
		hostile{name: "a range upside down", files: intentWith(strings.Replace(intentFile, "80", "90-80", 1)), exit: exitInput, says: "PC107"},
	)
	class("Tags and directives",
		hostile{name: "a tag", files: intentWith(intentFile + "  owner: !!python/object x\n"), exit: exitInput, says: "PC005"},
		hostile{name: "binary", files: intentWith(intentFile + "  owner: !!binary eA==\n"), exit: exitInput, says: "PC005"},
		hostile{name: "a directive", files: intentWith("%YAML 1.1\n---\n" + intentFile), exit: exitInput, says: "PC005"},
	)
	class("Encodings",
		hostile{name: "a byte order mark and CRLF", files: intentWith("\ufeff" + strings.ReplaceAll(intentFile, "\n", "\r\n"))},
		hostile{name: "UTF-16", files: intentWith(utf16of(intentFile, true)), exit: exitInput, says: "PC007"},
		hostile{name: "invalid UTF-8", files: intentWith(intentFile + "  owner: \xff\n"), exit: exitInput, says: "PC007"},
		hostile{name: "a tab", files: intentWith(intentFile + "\towner: x\n"), exit: exitInput, says: "PC001"},
		hostile{name: "a binary file with the name of an intent", files: intentWith("\x7fELF\x02\x01\x00kind: NetworkIntent\xff\xfe\x00"), exit: exitInput, says: "PC007"},
		hostile{name: "a binary file where an intent may lie", files: soundWith("intents/image.yaml", "\x89PNG\r\n\x1a\n\x00\xff"), exit: exitInput, says: "PC007"},
	)
	class("Characters that act on terminals, reports and readers",
		hostile{name: "an escape", files: intentWith(intentFile + "  owner: \"\\e[31m\"\n"), exit: exitInput, says: "PC007"},
		hostile{name: "NUL", files: intentWith(intentFile + "  owner: \"\\0\"\n"), exit: exitInput, says: "PC007"},
		hostile{name: "text that runs backwards", files: intentWith(intentFile + "  owner: a\u202eb\n"), exit: exitInput, says: "PC007"},
		hostile{name: "a look-alike in a name", files: intentWith(strings.Replace(intentFile, "name: web", "name: w\u0435b", 1)), exit: exitInput, says: "PC108"},
		hostile{name: "a workflow command in a name", files: intentWith(strings.Replace(intentFile, "name: web", `name: "w\n::error::x"`, 1)), exit: exitInput, says: "PC108"},
		hostile{name: "markup in a text", files: intentWith(intentFile + "  owner: \"```<script>|](javascript:-->\"\n")},
		hostile{name: "variables in a text", files: intentWith(intentFile + "  owner: \"${SECRET} $(cmd) {{ .Values }} $ARGOCD_APP_NAME\"\n")},
	)
	class("Links, pipes and devices",
		hostile{name: "a link to a file outside", files: soundWith(), make: link("intents/web.yaml", "/etc/passwd"), exit: exitInput, says: "PC014"},
		hostile{name: "a link up", files: soundWith(), make: link("intents/web.yaml", "../../other/intent.yaml"), exit: exitInput, says: "PC014"},
		hostile{name: "a link to the environment", files: soundWith(), make: link("intents/web.yaml", "/proc/self/environ"), exit: exitInput, says: "PC014"},
		hostile{name: "a directory that is a link", files: soundWith(), make: link("more", "/etc"), exit: exitInput, says: "PC014"},
		hostile{name: "a directory that is a link, in a tenant's path", files: tenant(), make: link("apps/evil/more", "/etc"), exit: exitInput, says: "PC014"},
		hostile{name: "a directory that is a link to another of the repository", files: soundWith(), make: link("more", "intents")},
		hostile{name: "a directory that is a link, where nothing of ours may lie", files: tenant(), make: link("docs", "/etc")},
		hostile{name: "a loop", files: soundWith(), make: link("intents/loop.yaml", "loop.yaml"), exit: exitInput, says: "PC014"},
		hostile{name: "a pipe", files: soundWith(), make: pipe("intents/web.yaml"), exit: exitInput, says: "PC014"},
	)
	class("File names",
		hostile{name: "an option", files: soundWith("intents/--output=x.yaml", intentFile)},
		hostile{name: "quotes, spaces, per cent", files: soundWith("intents/a 'b' \"c\" %2e%2e .yaml", intentFile)},
		hostile{name: "a line break", files: soundWith("intents/a\n::error::b.yaml", intentFile)},
	)
	class("Paths that lead out of the repository",
		hostile{name: "a component above", files: platformWith("  components: [{path: ../comp, namespaces: [shop]}]\n"), exit: exitInput, says: "PC123"},
		hostile{name: "an absolute component", files: platformWith("  components: [{path: /etc, namespaces: [shop]}]\n"), exit: exitInput, says: "PC123"},
		hostile{name: "rules above", files: platformWith("  checks: {dir: ../rules}\n"), exit: exitInput, says: "PC123"},
		hostile{name: "a trusted path above", files: platformWith("  trusted: [../x]\n"), exit: exitInput, says: "PC123"},
		hostile{name: "a component's resource above", files: component("resources: [../../../x.yaml]\n"), exit: exitInput, says: "PC018"},
		hostile{name: "an environment called so", files: platformWith("  environments: {../../x: {}}\n"), exit: exitInput, says: "PC108"},
	)
	class("The same thing twice",
		hostile{name: "two intents of one name", files: intentWith(intentFile + "---\n" + intentFile), exit: exitInput, says: "PC110"},
		hostile{name: "two keys of one Platform", files: platformWith("  trusted: [platform]\n  unknownNamespaces: deny\n", "platform/part.yaml", platformFile+"spec: {unknownNamespaces: open}\n"), exit: exitInput, says: "PC126"},
	)
	class("Components that are read from elsewhere, run something, or refer to themselves",
		hostile{name: "a remote base", files: component("resources: ['https://example.com/base?ref=v1']\n"), exit: exitInput, says: "PC018"},
		hostile{name: "a Helm chart", files: component("helmCharts: [{name: x, repo: 'https://example.com'}]\n"), exit: exitInput, says: "PC018"},
		hostile{name: "a function", files: component("transformers: [f.yaml]\n", "platform/comp/f.yaml", "apiVersion: v1\nkind: X\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}}\n"), exit: exitInput, says: "PC018"},
		hostile{name: "a generator of files", files: component("configMapGenerator: [{name: x, files: [/etc/passwd]}]\n"), exit: exitInput, says: "PC018"},
		hostile{name: "itself", files: component("components: [../comp]\n"), exit: exitInput, says: "PC018"},
		hostile{name: "a patch that copies, in disguise", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: '[{op: !!binary Y29weQ==, from: /spec, path: /spec/egress}]'\n"), exit: exitInput, says: "PC018"},
		hostile{name: "a patch that copies", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: '[{op: copy, from: /spec, path: /spec/egress}]'\n"), exit: exitInput, says: "PC018"},
	)
	class("Kinds and metadata that nobody judges",
		hostile{name: "a FelixConfiguration", files: component("resources: [p.yaml]\n", "platform/comp/p.yaml", "apiVersion: projectcalico.org/v3\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {defaultEndpointToHostAction: Accept}\n"), exit: exitInput, says: "PC040"},
		hostile{name: "a HostEndpoint", files: component("resources: [p.yaml]\n", "platform/comp/p.yaml", "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: node}\nspec: {node: n, interfaceName: '*'}\n"), exit: exitInput, says: "PC040"},
		hostile{name: "a hook", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: |\n    - {op: add, path: /metadata/annotations/argocd.argoproj.io~1hook, value: Skip}\n"), exit: exitInput, says: "PC041"},
		hostile{name: "our own wave taken away", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: |\n    - {op: replace, path: /metadata/annotations, value: null}\n"), exit: exitInput, says: "PC041"},
		hostile{name: "an owner", files: component("patches:\n- target: {kind: NetworkPolicy}\n  patch: |\n    - {op: add, path: /metadata/ownerReferences, value: [{apiVersion: v1, kind: ConfigMap, name: x, uid: u1}]}\n"), exit: exitInput, says: "PC041"},
		hostile{name: "a variable in a selector", files: component("resources: [p.yaml]\n", "platform/comp/p.yaml", "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {order: 5, selector: \"app == '${X}'\", types: [Egress], egress: [{action: Deny}]}\n"), exit: exitInput, says: "PC043"},
	)
	class("Rules in a tenant's path",
		hostile{name: "Rego beside the intents", files: soundWith("intents/x.rego", "package portcullis.checks.own\n\nthis is nothing\n")},
	)
	class("Rules that ask the machine",
		hostile{name: "the network", files: soundWith("checks/own.rego", rule(`http.send({"url": "http://127.0.0.1", "method": "GET"}).status_code == 200`)), exit: exitInput, says: "PC030"},
		hostile{name: "the environment", files: soundWith("checks/own.rego", rule(`opa.runtime().env.HOME`)), exit: exitInput, says: "PC030"},
		hostile{name: "the clock", files: soundWith("checks/own.rego", rule(`time.now_ns() > 0`)), exit: exitInput, says: "PC030"},
		hostile{name: "chance", files: soundWith("checks/own.rego", rule(`rand.intn("x", 2) == 1`)), exit: exitInput, says: "PC030"},
	)
	class("Rules that fail",
		hostile{name: "a function's error", files: soundWith("checks/own.rego", rule(`to_number("80a") > 1024`)), exit: exitInput, says: "PC032"},
		hostile{name: "an empty package", files: soundWith("checks/own.rego", "package portcullis.checks.own\n"), exit: exitInput, says: "PC030"},
		hostile{name: "a term of 60,000 levels", files: soundWith("checks/own.rego", rule("x := "+strings.Repeat("[", 60_000)+strings.Repeat("]", 60_000))), exit: exitInput, says: "PC030"},
		hostile{name: "one number of a billion digits", files: soundWith("checks/own.rego", rule("1e1000000000 > 0")), exit: exitInput, says: "PC030"},
	)
	class("Rules that cost",
		hostile{name: "shifts", files: soundWith("checks/own.rego", rule("bits.lsh(1, 4000000000) > 0")), exit: exitInput, says: "PC030"},
		hostile{name: "a range", files: soundWith("checks/own.rego", rule("count(numbers.range(1, 1000000000)) > 0")), exit: exitInput, says: "PC032"},
		hostile{name: "a message of 10,000 characters", files: soundWith("checks/own.rego", strings.Replace(rule("true"), `"m"`, `concat("", ["x" | some _ in numbers.range(1, 10000)])`, 1)), exit: exitFindings, says: "PC901"},
	)
	class("Parts of the Platform where a tenant may write",
		hostile{name: "outside the trusted directories", files: tenant("apps/evil/p.yaml", platformFile+"spec: {flows: [{from: shop/w0, to: shop/w1, ports: [80]}]}\n"), exit: exitInput, says: "PC125"},
		hostile{name: "that trusts itself", files: tenant("apps/evil/p.yaml", platformFile+"spec: {trusted: [apps/evil], checks: {severity: {PC203: info}}}\n"), exit: exitInput, says: "PC125"},
		hostile{name: "of a Platform that trusts nobody by name", files: platformWith("  namespaces: {shop: {path: intents}}\n"), exit: exitInput, says: "PC115"},
	)
	class("Waivers that lift what they should not",
		hostile{name: "expired", files: soundWith("intents/web.yaml", intentFile+"  inbound: [{from: {cidr: 0.0.0.0/0}, ports: [http]}]\n", "waivers/w.yaml", waiver("namespace: shop")), args: []string{"check", "DIR", "--effective-time", "2026-06-01"}, exit: exitFindings, says: "PC203"},
		hostile{name: "without an end", files: soundWith("waivers/w.yaml", strings.Replace(waiver("namespace: shop"), "  expires: 2026-01-31\n", "", 1)), exit: exitInput, says: "PC008"},
		hostile{name: "for everything", files: soundWith("waivers/w.yaml", waiver("")), exit: exitInput, says: "PC008"},
		hostile{name: "for a proof", files: soundWith("waivers/w.yaml", strings.Replace(waiver("namespace: shop"), "PC203", "PC304", 1)), exit: exitFindings, says: "PC505"},
		hostile{name: "in a tenant's path", files: platformWith("  trusted: [platform]\n  namespaces: {shop: {path: intents}}\n", "intents/w.yaml", waiver("namespace: shop")), exit: exitInput, says: "PC125"},
	)
	class("Baselines that would excuse what they should not",
		hostile{name: "beside the manifests", files: map[string]string{"web.yaml": openPolicy, "known.yaml": knownOpen}, args: []string{"check", "DIR", "--rule", "PC203"}, exit: exitFindings, says: "PC203"},
		hostile{name: "for another port", files: map[string]string{"web.yaml": strings.Replace(openPolicy, "8080", "22", 1), "known.yaml": knownOpen}, args: []string{"check", "DIR", "--baseline", "DIR/known.yaml", "--rule", "PC203"}, exit: exitFindings, says: "PC203"},
		hostile{name: "for what is not read", files: map[string]string{"a.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelectors: {}}\n", "web.yaml": openPolicy, "known.yaml": knownOpen}, args: []string{"check", "DIR", "--baseline", "DIR/known.yaml"}, exit: exitInput, says: "PC010"},
		hostile{name: "with a mistake", files: map[string]string{"web.yaml": openPolicy, "known.yaml": knownOpen + "    counts: 1000\n"}, args: []string{"check", "DIR", "--baseline", "DIR/known.yaml"}, exit: exitInput, says: "PC002"},
	)
	class("Ranges of addresses",
		hostile{name: "host bits", files: intentWith(intentFile + "  outbound: [{to: {cidr: 192.0.2.3/8}, ports: [443]}]\n"), exit: exitInput, says: "PC106"},
		hostile{name: "leading zeros", files: intentWith(intentFile + "  outbound: [{to: {cidr: 010.0.0.0/8}, ports: [443]}]\n"), exit: exitInput, says: "PC106"},
		hostile{name: "33 bits", files: intentWith(intentFile + "  outbound: [{to: {cidr: 10.0.0.0/33}, ports: [443]}]\n"), exit: exitInput, says: "PC106"},
		hostile{name: "IPv4 inside IPv6", files: intentWith(intentFile + "  outbound: [{to: {cidr: '::ffff:10.0.0.0/104'}, ports: [443]}]\n"), exit: exitInput, says: "PC106"},
		hostile{name: "everybody in two halves", files: intentWith(intentFile + "  inbound: [{from: [{cidr: 0.0.0.0/1}, {cidr: 128.0.0.0/1}], ports: [http]}]\n"), exit: exitFindings, says: "PC203"},
	)
	class("Selectors and labels",
		hostile{name: "a value of 64 characters", files: intentWith(intentFile + "  selector: {app: " + strings.Repeat("a", 64) + "}\n"), exit: exitInput, says: "PC108"},
		hostile{name: "a key of Unicode", files: intentWith(intentFile + "  selector: {äpp: x}\n"), exit: exitInput, says: "PC108"},
		hostile{name: "no values", files: intentWith(intentFile + "  selector: {matchExpressions: [{key: app, operator: In, values: []}]}\n"), exit: exitInput, says: "PC004"},
	)
	class("Names",
		hostile{name: "300 characters", files: intentWith(strings.Replace(intentFile, "name: web", "name: "+strings.Repeat("a", 300), 1)), exit: exitInput, says: "PC108"},
		hostile{name: "a directory", files: intentWith(strings.Replace(intentFile, "namespace: shop", "namespace: ../shop", 1)), exit: exitInput, says: "PC108"},
	)
	class("Files that are not what they seem",
		hostile{name: "a pointer of git-LFS", files: intentWith("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"), exit: exitInput, says: "PC007"},
		hostile{name: "an index of a bundle over what cannot be decoded", files: soundWith("out/bundle.json", `{"schema": "portcullis.dev/bundle/v1", "outputs": {"a.yaml": "`+bundle.Digest([]byte(lfs))+`"}}`, "out/a.yaml", lfs), exit: exitInput, says: "PC007"},
		hostile{name: "an intent in JSON", files: soundWith("intents/web.json", `{"kind": "NetworkIntent", "apiVersion": "portcullis.dev/v1alpha1"}`), exit: exitInput, says: "PC014"},
		hostile{name: "a file that says it is a bundle", files: soundWith("checks/bundle.json", "{}", "checks/own.rego", rule("true")), exit: exitFindings, says: "PC901"},
	)
	class("Nothing to deploy",
		hostile{name: "an empty repository", files: map[string]string{}, exit: exitInput, says: "PC116"},
		hostile{name: "a Platform alone", files: map[string]string{language.PlatformFile: platformFile}, exit: exitInput, says: "PC121"},
		hostile{name: "an empty Platform", files: soundWith(language.PlatformFile, ""), exit: exitInput, says: "PC116"},
		hostile{name: "a repository inside another, which lists the directory above it", files: platformWith("  repositories: [apps]\n", "apps/evil/portcullis.yaml", platformFile, "apps/evil/a.yaml", intents(2)), make: checkout, args: []string{"build", "DIR/apps/evil"}, exit: exitInput, says: "same checkout"},
		hostile{name: "a repository inside another", files: platformWith("", "intents/portcullis.yaml", platformFile), make: checkout, args: []string{"build", "DIR/intents"}, exit: exitInput, says: "same checkout"},
	)
	class("A bundle's place",
		hostile{name: "no name", files: soundWith(), args: []string{"build", "DIR", "--out", ""}, exit: exitInput, says: "--out"},
		hostile{name: "the repository itself", files: soundWith(), args: []string{"build", "DIR", "--out", "DIR"}, exit: exitInput, says: "--out"},
		hostile{name: "somebody's files", files: soundWith("out/theirs.txt", "x"), args: []string{"build", "DIR", "--out", "DIR/out"}, exit: exitInput, says: "--out"},
	)
	return all
}

// openPolicy lets everybody in, and knownOpen knows of it.
const (
	openPolicy = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 8080}]}]
`
	knownOpen = `apiVersion: portcullis.dev/v1alpha1
kind: Baseline
findings:
  - rule: PC203
    severity: error
    message: open
    fingerprint: cabf3ecae1eba106
`
)

// checkout makes a directory a checkout of Git.
func checkout(t *testing.T, dir string) {
	if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".git", "HEAD"), []byte("ref: refs/heads/main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// refusesWhatIsHostile runs each case in a process of its own, in an empty environment, and
// holds it to SECURITY.md: the exit code and the first line, no manifest beside a refusal, no
// text of a file that may not be read, no more memory than the page says. What it took is in
// the log.
func (p builtProgram) refusesWhatIsHostile(t *testing.T) {
	t.Parallel()
	promised := promises(t)
	seen := map[string]bool{}
	for _, h := range hostiles() {
		seen[h.class] = true
		if promise, ok := promised[h.class]; !ok || !slices.Contains(promise, h.exit) {
			t.Errorf("%s, %s: exit %d is not what SECURITY.md says: %v", h.class, h.name, h.exit, promise)
		}
		t.Run(h.class+"/"+h.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "repo")
			for name, text := range h.files {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if h.make != nil {
				h.make(t, dir)
			}
			args := []string{"build", dir}
			if h.args != nil {
				args = nil
				for _, a := range h.args {
					args = append(args, strings.Replace(a, "DIR", dir, 1))
				}
			}
			var out, err bytes.Buffer
			cmd := exec.Command("measure", append([]string{p.path}, args...)...)
			cmd.Stdout, cmd.Stderr = &out, &err
			started := time.Now()
			if failed := cmd.Run(); failed != nil {
				t.Fatal(failed)
			}
			took := time.Since(started).Round(time.Millisecond)
			said := strings.ReplaceAll(err.String(), filepath.ToSlash(dir)+"/", "")
			said = strings.ReplaceAll(said, filepath.ToSlash(dir), "DIR")
			said, measured, _ := cutLast(strings.TrimSuffix(said, "\n"))
			var code, memory int
			if _, failed := fmt.Sscan(measured, &code, &memory); failed != nil {
				t.Fatalf("nothing was measured: %q", measured)
			}
			first, _, _ := strings.Cut(said, "\n")
			if args[0] == "check" { // its product is the report
				first, _, _ = strings.Cut(out.String(), "\n")
			}
			if code != h.exit || !strings.Contains(first, h.says) || h.says == "" && code != exitOK {
				t.Errorf("exit %d, expected %d; first line:\n%s\nexpected in it: %q", code, h.exit, first, h.says)
			}
			if args[0] == "build" && (out.Len() > 0) != (h.exit == exitOK) {
				t.Errorf("exit %d with %d bytes of manifests", h.exit, out.Len())
			}
			if len(said) > 1<<20 || strings.Contains(said, "root:") || strings.Contains(said, "HOME=") || workflowCommands.MatchString(said) {
				t.Errorf("it says %.2000s", said)
			}
			if memory > mostMemory {
				t.Errorf("%d MiB of memory, more than %d", memory, mostMemory)
			}
			t.Logf("exit %d, %v, %d MiB: %.200s", h.exit, took, memory, first)
		})
	}
	for class := range promised {
		if !seen[class] {
			t.Errorf("SECURITY.md promises something about %q, and no case asks", class)
		}
	}
}

// workflowCommands are lines that a workflow would take for a command.
var workflowCommands = regexp.MustCompile(`(?m)^::`)

// mostMemory is what SECURITY.md says about memory.
const mostMemory = 256 // MiB

// promises are the exit codes that SECURITY.md allows, by class.
func promises(t *testing.T) map[string][]int {
	t.Helper()
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([0-9, ]+) \|`).FindAllStringSubmatch(string(text), -1) {
		for _, code := range strings.Split(row[2], ",") {
			n, err := strconv.Atoi(strings.TrimSpace(code))
			if err != nil {
				t.Fatal(err)
			}
			all[row[1]] = append(all[row[1]], n)
		}
	}
	return all
}

// cutLast parts a text at its last line.
func cutLast(text string) (before, last string, found bool) {
	if at := strings.LastIndexByte(text, '\n'); at >= 0 {
		return text[:at+1], text[at+1:], true
	}
	return "", text, false
}

// pipe makes a pipe that nobody writes to.
func pipe(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := syscall.Mkfifo(filepath.Join(dir, filepath.FromSlash(name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
