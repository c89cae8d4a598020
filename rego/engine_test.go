package rego

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis.dev/policies/diag"
)

// codesAndPlaces are findings as CODE file:line:column.
func codesAndPlaces(found diag.List) []string {
	var all []string
	for _, d := range found {
		all = append(all, d.Rule.Code+" "+d.Span.String())
	}
	return all
}

func TestUsersRulesAreEvaluatedBesideOurs(t *testing.T) {
	t.Parallel()
	e := prepared(t, map[string][]byte{
		"rules/own.rego": []byte(metadata + `package portcullis.checks.own

import data.portcullis.lib.words

findings contains {"message": words.hello(input.namespace.name), "severity": "info"}
`),
		"rules/words.rego":    []byte("package portcullis.lib.words\n\nhello(name) := sprintf(\"hello %s\", [name])\n"),
		"rules/own_test.rego": []byte("this is a test and not a rule"),
	})
	found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found.Err(), err)
	}
	if d := found[0]; d.Rule.Code != "PC900" || d.Message != "hello shop" || d.Severity != diag.Info {
		t.Errorf("found %+v", d)
	}
	if n := len(e.Rules()); n != 5 {
		t.Errorf("%d rules, want 5", n)
	}
}

func TestRulesThatPrepareRefuses(t *testing.T) {
	t.Parallel()
	entry := "findings contains {\"message\": \"m\"} if "
	rule := func(body string) map[string][]byte { return usersRule(entry + "{\n\t" + body + "\n}\n") }
	module := func(source string) map[string][]byte { return map[string][]byte{"rules/own.rego": []byte(source)} }
	for name, c := range map[string]struct {
		modules map[string][]byte
		want    []string // code and place
		says    string
	}{
		"syntax":               {rule("input.scope =="), []string{"PC030 rules/own.rego:12:1"}, "unexpected"},
		"no text":              {module(""), []string{"PC030 rules/own.rego"}, "empty module"},
		"nested too deep":      {rule("x := " + strings.Repeat("[", 200_000)), nil, ""},
		"number out of bounds": {rule("x := 1e1000000000"), []string{"PC030 rules/own.rego:11:7"}, "number too big"},
		"unsafe variable":      {rule("nowhere"), []string{"PC030 rules/own.rego:11:2"}, "nowhere is unsafe"},
		"type error":           {rule(`input.scope == 3`), []string{"PC030 rules/own.rego:11:2"}, "match error"},
		"columns count runes":  {rule(`x := "äöü"; nowhere; x`), []string{"PC030 rules/own.rego:11:14"}, "nowhere"},
		"two mistakes":         {usersRule(entry + "nowhere\n\n" + entry + "elsewhere\n"), []string{"PC030 rules/own.rego:10:39", "PC030 rules/own.rego:12:39"}, ""},
		"our package":          {module(metadata + "package portcullis.checks.dns\n\nfindings := set()\n"), []string{"PC030 rules/own.rego:8:1"}, "one of the product's"},
		"our library":          {module("package portcullis.lib\n\nx := 1\n"), []string{"PC030 rules/own.rego:1:1"}, "one of the product's"},
		"another place":        {module(metadata + "package rules\n\n" + entry + "true\n"), []string{"PC030 rules/own.rego:8:1"}, "expected portcullis.checks"},
		"empty package":        {usersRule("x := 1\n"), []string{"PC030 rules/own.rego:8:1"}, "no rule \"findings contains\""},
		"one finding only":     {usersRule("findings := {\"message\": \"m\"}\n"), []string{"PC030 rules/own.rego:8:1"}, "expected a set"},
		"no METADATA":          {module("package portcullis.checks.own\n\n" + entry + "true\n"), []string{"PC031 rules/own.rego:1:1"}, "0 METADATA blocks"},
		"no remediation":       {module(strings.Replace(metadata, "remediation: Nothing to do.", "x: y", 1) + "package portcullis.checks.own\n\n" + entry + "true\n"), []string{"PC031 rules/own.rego:1:1"}, "remediation is missing"},
		"code of ours":         {module(strings.Replace(metadata, "PC900", "PC201", 1) + "package portcullis.checks.own\n\n" + entry + "true\n"), []string{"PC031 rules/own.rego:1:1"}, "PC900 to PC999"},
		"code is a number":     {module(strings.Replace(metadata, "PC900", "900", 1) + "package portcullis.checks.own\n\n" + entry + "true\n"), []string{"PC031 rules/own.rego:1:1"}, "expected text"},
		"severity unknown":     {module(strings.Replace(metadata, "warning", "fatal", 1) + "package portcullis.checks.own\n\n" + entry + "true\n"), []string{"PC031 rules/own.rego:1:1"}, "fatal"},
		"METADATA not YAML":    {module("# METADATA\n# title: [\npackage portcullis.checks.own\n"), nil, ""},
		"code taken twice": {map[string][]byte{
			"a.rego": []byte(metadata + "package portcullis.checks.a\n\n" + entry + "true\n"),
			"b.rego": []byte(metadata + "package portcullis.checks.b\n\n" + entry + "true\n"),
		}, []string{"PC031 b.rego:8:1"}, "package a already"},
		"a rule in a builtin's place": {module(metadata + "package portcullis.checks.own\n\n" + entry + "semver.own\n"), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := refused(t, c.modules)
			if c.want != nil {
				if diff := cmp.Diff(c.want, codesAndPlaces(found)); diff != "" {
					t.Errorf("findings (-want +got):\n%s%v", diff, found.Err())
				}
			}
			if !found.Unjudgeable() || !strings.Contains(fmt.Sprint(found.Err()), c.says) {
				t.Errorf("found %v, want an unjudgeable input with %q", found.Err(), c.says)
			}
		})
	}
}

func TestRulesMayNotReachOutside(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		`http.send({"method": "GET", "url": "http://localhost"})`, `net.lookup_ip_addr("localhost")`, `opa.runtime()`,
		`rand.intn("x", 2)`, `uuid.rfc4122("x")`, `time.now_ns()`, `json.match_schema({}, {})`, `json.verify_schema({})`,
		`bits.lsh(1, 100000000)`, `trace("x")`, `json.patch({}, [])`, `net.cidr_expand("::/0")`,
		`rego.parse_module("x", "package x")`, `graphql.is_valid("{a}", "type Query {a: Int}")`, `io.jwt.decode("x")`,
		`crypto.x509.parse_certificates("x")`, `providers.aws.sign_req({}, {}, 1)`, `strings.render_template("{{.x}}", {"x": 1})`,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			found := refused(t, usersRule("findings contains {\"message\": \"m\"} if "+call+"\n"))
			if len(found) == 0 || !found[0].Is(doesNotCompile) || !strings.Contains(found[0].Message, "undefined function") {
				t.Errorf("found %v, want an undefined function", found.Err())
			}
		})
	}
}

// A release of OPA may bring builtins. This list makes somebody look at them.
func TestCapabilitiesAreKnown(t *testing.T) {
	t.Parallel()
	c := capabilities()
	if c.AllowNet == nil || len(c.AllowNet) > 0 {
		t.Errorf("AllowNet is %#v, want an empty list", c.AllowNet)
	}
	families := map[string]int{}
	for _, b := range c.Builtins {
		if b.Nondeterministic {
			t.Errorf("%s is not deterministic", b.Name)
		}
		family, _, dotted := strings.Cut(b.Name, ".")
		if !dotted {
			family = "core"
		}
		families[family]++
	}
	want := map[string]int{
		"array": 4, "base64": 3, "base64url": 3, "bits": 5, "core": 67, "crypto": 9, "glob": 2, "graph": 2, "hex": 2,
		"internal": 5, "json": 6, "net": 6, "numbers": 2, "object": 7, "regex": 8, "rego": 2, "semver": 2, "strings": 6,
		"time": 9, "units": 2, "uri": 2, "urlquery": 4, "yaml": 3,
	}
	if diff := cmp.Diff(want, families); diff != "" {
		t.Errorf("builtins by family (-want +got):\n%s", diff)
	}
}

func TestVocabulary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, where, nearest string }{
		"directly":               {"input.namespace.governd", "2:18", "governed"},
		"in an argument":         {"count(input.endpoint) > 0", "2:14", "endpoints"},
		"under not":              {"not input.namespace.governd", "2:22", "governed"},
		"of an iteration":        {"input.endpoints[_].egres.isolated", "2:21", "egress"},
		"of a local variable":    {"some e in input.endpoints\n\tnot e.dsn", "3:8", "dns"},
		"with an index":          {"some i, e in input.endpoints\n\te.Name\n\ti > 0", "3:4", "name"},
		"in every":               {"every e in input.endpoints {\n\t\te.egress.isolate\n\t}", "3:12", "isolated"},
		"in object.get":          {`object.get(input.namespace, "governd", true)`, "2:30", "governed"},
		"in a path":              {`object.get(input, ["namespace", "sytem"], true)`, "2:34", "system"},
		"of what object.get got": {`object.get(input, "platform", {}).dns.prot`, "2:40", "port"},
		"in a comprehension":     {"count([p | some p in input.policies; p.oder > 1]) > 0", "2:41", "order"},
		"in a set of a set":      {"some p in {p | some p in input.policies}\n\tp.enforce", "3:4", "enforced"},
		"by a constant":          {"some half in [\"ingress\", \"egres\"]\n\tinput.endpoints[_][half].isolated", "3:21", "egress"},
		"behind a function":      {"some e in input.endpoints\n\topened(e, \"ingress\")", "6:32", "isolated"},
		"behind a rule":          {"some e in named\n\te.nam", "3:4", "name"},
		"in a pattern":           {`{"objct": _} = input.policies[_]`, "2:3", "object"},
		"in a filter":            {`object.filter(input.namespace, ["owners"])`, "2:33", "owner"},
		"in paths":               {`json.remove(input, ["namespace/owners"])`, "2:21", "owner"},
		"of a list":              {"input.endpoints.name", "2:18", ""},
		"of a rule":              {"data.portcullis.lib.listd > 1", "2:22", "data.portcullis.lib.listed"},
		"of half a rule's name":  {"not data.portcullis.lib.liste", "2:26", "data.portcullis.lib.listed"},
		"after sorting":          {"sort(input.tiers)[0].nme", "2:23", "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The body begins on line 2 of what follows the entry's head on line 10.
			source := "findings contains {\"message\": \"m\"} if {\n\t" + c.body + "\n}\n\n"
			helpers := "named := [e | some e in input.endpoints; e.dns]\n\n"
			if strings.Contains(c.body, "opened") {
				helpers = "\nopened(e, half) if not e[half].isolatd\n"
				source = strings.TrimSuffix(source, "\n")
			}
			found := refused(t, usersRule(source+helpers))
			if len(found) != 1 || !found[0].Is(unknownField) {
				t.Fatalf("found %v, want one unknown field", found.Err())
			}
			var line, column int
			if _, err := fmt.Sscanf(c.where, "%d:%d", &line, &column); err != nil {
				t.Fatal(err)
			}
			if got, want := found[0].Span.String(), fmt.Sprintf("rules/own.rego:%d:%d", line+9, column); got != want {
				t.Errorf("at %s, want %s", got, want)
			}
			if c.nearest != "" && found[0].Hint != "Write "+c.nearest+"." {
				t.Errorf("hint %q, want %s", found[0].Hint, c.nearest)
			}
		})
	}
}

// Labels are anybody's words, rendered objects are as written, and what a rule
// makes up itself has the fields that it gives it.
func TestVocabularyIsNoNuisance(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`input.namespace.labels.team == "a"`,
		`input.endpoints[_].labels["app.kubernetes.io/name"]`,
		`input.objects[_].spec.template.anything`,
		"some p in input.policies\n\tnot p.object.namespace",
		"made := {\"anything\": input.scope}\n\tmade.anything",
		"some e in [{\"x\": 1}]\n\te.x > 0",
		"walk(input, [path, value])\n\tpath[0]\n\tvalue.anything",
		"some half in [\"ingress\", \"egress\"]\n\tsome e in input.endpoints\n\tnot e[half].isolated",
		"some key, value in input.namespace\n\tvalue == key",
		"by := {e.name: e | some e in input.endpoints}\n\tby[\"shop/a\"].dns",
		"some x in array.concat(input.endpoints, [{\"y\": 1}])\n\tx.y",
		`object.get(input.objects[0], ["metadata", "name"], "") == "x"`,
		`input["scope"]`,
	} {
		e, found, err := Prepare(t.Context(), Options{Modules: usersRule("findings contains {\"message\": \"m\"} if {\n\t" + body + "\n}\n")})
		if err != nil || len(found) > 0 || e == nil {
			t.Errorf("%s: %v %v", body, found.Err(), err)
		}
	}
}

func TestTwentyThousandRulesCompile(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "findings contains {\"message\": \"%d\"} if input.platform.calico == %d\n", i, i)
	}
	e := prepared(t, usersRule(b.String()))
	found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 || found[0].Message != "30" {
		t.Errorf("found %v, %v", found.Err(), err)
	}
}

func TestCodesOfTheEngineAreItsOwn(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, r := range Rules {
		codes = append(codes, r.Code)
		if !r.Fixed() || r.Title == "" || r.Why == "" || r.Mend == "" {
			t.Errorf("%+v", r)
		}
	}
	if !slices.Equal(codes, []string{"PC030", "PC031", "PC032", "PC033", "PC310", "PC311"}) {
		t.Errorf("codes %v", codes)
	}
}
