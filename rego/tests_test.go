package rego

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portcullis.dev/policies/diag"
)

// testedRule is a rule of the user's, a test that holds, and others that begin on line 5.
func testedRule(tests string) map[string][]byte {
	modules := usersRule(`findings contains {"message": name} if {
	name := input.namespace.name
	named(name)
}

named(name) if startswith(name, "team-")

named("shop")
`)
	modules["rules/deep/own_test.rego"] = []byte("package portcullis.checks.own_test\n\nimport data.portcullis.checks.own\n" + findsShop + tests)
	return modules
}

const findsShop = "test_shop if count(own.findings) == 1 with input as {\"namespace\": {\"name\": \"shop\"}}\n"

// tested are the outcomes of tests but the one that holds, as LINE OUTCOME NAME.
func tested(t *testing.T, modules map[string][]byte) (Tested, []string) {
	t.Helper()
	result, err := prepared(t, modules).Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, test := range result.Tests {
		all = append(all, strings.TrimPrefix(test.Span.String(), "rules/deep/own_test.rego:")+" "+string(test.Outcome)+" "+strings.TrimPrefix(test.Name, "portcullis.checks.own_test."))
	}
	if len(all) > 0 && all[0] == "4:1 passed test_shop" {
		all = all[1:]
	}
	return result, all
}

func TestTestsOfRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tests string
		want  []string
		says  string // of the finding; none if empty
		see   string // where it comes to, if known
	}{
		"holds":             {"", nil, "", ""},
		"false":             {"test_x if 1 == 2\n", []string{"5:1 failed test_x"}, "test_x is false or undefined", ""},
		"undefined":         {"test_x if {\n\tx := 1\n\tx == 1\n\tobject.get({}, \"x\", 3) == x\n\tx > 0\n}\n", []string{"5:1 failed test_x"}, "false or undefined", "8:2"},
		"not a truth":       {"test_x := 2\n", []string{"5:1 failed test_x"}, "false or undefined", ""},
		"two of one name":   {findsShop, []string{"5:1 passed test_shop"}, "", ""},
		"under a name":      {"a.b.test_x if true\n\na.b.test_x if true\n", []string{"5:1 passed a.b.test_x", `7:1 passed a.b["test_x"]`}, "", ""},
		"not ready":         {"todo_test_x if false\n", []string{"5:1 skipped todo_test_x"}, "", ""},
		"builtin error":     {"test_x if {\n\tto_number(\"1a\") == 1\n}\n", []string{"5:1 failed test_x"}, `test_x fails: to_number: strconv.ParseFloat`, "6:2"},
		"error in the rule": {"test_x if count(own.findings) == 0 with input as {\"namespace\": {\"name\": 7}}\n", []string{"5:1 failed test_x"}, "fails: startswith: operand 1 must be string", "rules/own.rego:15:16"},
		"a conflict":        {"f := 1 if true\n\nf := 2 if count([]) == 0\n\ntest_x if f > 0\n", []string{"9:1 failed test_x"}, "conflicting values", "7:1"},
		"with arguments":    {"test_x(n) if n > 1\n", []string{"5:1 failed test_x"}, "used as reference, not called", ""},
		"cases":             {"test_x[name] if {\n\tsome name, n in {\"a\": 1, \"b\": 2, \"c\": 0}\n\tn == 1\n}\n", []string{"5:1 failed test_x"}, "test_x is not true of b, c", "7:2"},
		"many cases":        {"test_x[name] if {\n\tsome name in split(\"abcdefgh\", \"\")\n\tname == \"a\"\n}\n", []string{"5:1 failed test_x"}, "not true of b, c, d, e, f, and 2 more", "7:2"},
		"a document":        {"document(x) := {\"namespace\": {\"name\": x, \"anything\": 1}, \"other\": [x]}\n\ntest_x if {\n\tdocument(\"a\").other[0] == \"a\"\n\town.named(document(\"shop\").namespace.name)\n\tevery name in [\"x\", \"y\"] {\n\t\tnot own.findings with input as document(name)\n\t}\n}\n", []string{"7:1 failed test_x"}, "false or undefined", "11:3"},
		"a rule replaced":   {"test_x if count(own.findings) == 1 with own.named as true with input as {\"namespace\": {\"name\": \"y\"}}\n", []string{"5:1 passed test_x"}, "", ""},
		"cases that hold":   {"test_x[name] if {\n\tsome name in [\"a\", \"b\"]\n\tname != \"\"\n}\n", []string{"5:1 passed test_x"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, got := tested(t, testedRule(c.tests))
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var found diag.List
			for _, d := range result.Found {
				if d.Is(brokenTest) {
					found = append(found, d)
				}
			}
			if c.says == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found.Err())
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].Message, c.says) || found[0].Span.File != "rules/deep/own_test.rego" {
				t.Fatalf("found %v, want %q once", found.Err(), c.says)
			}
			var see string
			for _, r := range found[0].Related {
				see = strings.TrimPrefix(r.Span.String(), "rules/deep/own_test.rego:")
			}
			if see != c.see {
				t.Errorf("it points at %q, want %q", see, c.see)
			}
		})
	}
}

// Tests may do no more than rules, and nothing is said of some where others do not
// compile.
func TestTestsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ tests, at, says string }{
		"no such rule":    {"test_x if not own.finding\n", "5:19", "no rule is called data.portcullis.checks.own.finding"},
		"syntax":          {"test_x if ==\n", "5:11", "unexpected"},
		"out of reach":    {"test_x if http.send({}).status == 200\n", "5:11", "undefined function http.send"},
		"unsafe variable": {"test_x if nowhere\n", "5:11", "nowhere is unsafe"},
		"unused variable": {"test_x if {\n\tx := 1\n\ttrue\n}\n", "6:2", "x unused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modules := testedRule(c.tests)
			modules["rules/fine_test.rego"] = []byte("package portcullis.checks.fine_test\n\ntest_fine if true\n")
			result, _ := tested(t, modules)
			if result.Tests != nil || result.Coverage != nil || len(result.Found) != 1 || !result.Found.Unjudgeable() {
				t.Fatalf("tests %v, found %v, want one alone", result.Tests, result.Found.Err())
			}
			if d := result.Found[0]; !strings.Contains(d.Message, c.says) || d.Span.String() != "rules/deep/own_test.rego:"+c.at {
				t.Errorf("%s: %s, want %s: %s", d.Span, d.Message, c.at, c.says)
			}
		})
	}
}

// A file without a package is no test, whatever else it holds.
func TestFilesWithoutAPackage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# a comment\n", "test_x if true\n"} {
		modules := testedRule("")
		modules["rules/none_test.rego"] = []byte(text)
		result, _ := tested(t, modules)
		if len(result.Found) != 1 || !result.Found[0].Is(doesNotCompile) || result.Found[0].Span.File != "rules/none_test.rego" || result.Tests != nil {
			t.Errorf("%q: tests %v, found %v", text, result.Tests, result.Found.Err())
		}
	}
}

// Coverage tells for each of the user's files which lines a test evaluates, and a rule
// of which none is evaluated is named. What the product's rules do does not count.
func TestCoverage(t *testing.T) {
	t.Parallel()
	modules := testedRule("")
	modules["rules/other.rego"] = []byte(strings.Replace(metadata, "PC900", "PC901", 1) + "package portcullis.checks.other\n\nfindings contains {\"message\": \"m\"} if input.scope == \"x\"\n")
	modules["rules/words.rego"] = []byte("package portcullis.lib.words\n\nword := \"a\"\n")
	result, _ := tested(t, modules)
	want := []diag.Coverage{
		{File: "rules/other.rego", Missed: []int{10}},
		{File: "rules/own.rego", Covered: []int{10, 11, 12, 17}, Missed: []int{15}}, // it is evaluated, and never holds
		{File: "rules/words.rego", Missed: []int{3}},
	}
	if diff := cmp.Diff(want, result.Coverage); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(result.Found) != 1 || !result.Found[0].Is(noTest) || result.Found[0].Span.String() != "rules/other.rego:8:1" || result.Found.Failed() {
		t.Errorf("found %+v, want PC311 of the other rule as a warning", result.Found)
	}
	if c := result.Coverage[1]; c.Percent() != 80 {
		t.Errorf("%d %%", c.Percent())
	}
}

// The example that a rule without a test is shown compiles and runs.
func TestTheExampleOfATestIsOne(t *testing.T) {
	t.Parallel()
	modules := usersRule("findings contains {\"message\": \"m\"} if input.scope == \"namespace\"\n")
	result, got := tested(t, modules)
	if len(got) > 0 || len(result.Found) != 1 {
		t.Fatalf("tests %v, found %v", got, result.Found)
	}
	name, example, _ := strings.Cut(strings.TrimPrefix(result.Found[0].Hint, "Write tests into a file beside it, "), ":\n")
	modules["rules/"+name] = []byte(example + "\n")
	result, got = tested(t, modules)
	if len(got) != 1 || len(result.Found) > 0 || !strings.Contains(got[0], "rules/own_test.rego:5:1 passed") {
		t.Errorf("tests %v, found %v of\n%s", got, result.Found.Err(), example)
	}
}

// A test that would never end, or takes all memory there is, is ended and named. Not
// parallel: the memory that is watched is the whole program's.
func TestTestsThatRunOut(t *testing.T) {
	for name, c := range map[string]struct {
		test   string
		change func(*limits)
		says   string
		others bool // are heard all the same
	}{
		"time": {"test_x if count([1 | some i in numbers.range(1, 1000); some j in numbers.range(1, 1000); some k in numbers.range(1, 1000); i + j + k == 0.5]) > 0\n",
			func(l *limits) { l.time = 300 * time.Millisecond }, "test_x takes longer than 300ms", true},
		"memory": {"test_x if count(numbers.range(1, 1000000000)) > 0\n",
			func(l *limits) { l.memory, l.time = 32<<20, time.Hour }, "test_x holds more ", false},
	} {
		t.Run(name, func(t *testing.T) {
			e := prepared(t, testedRule(c.test))
			c.change(&e.limits)
			result, err := e.Test(t.Context())
			if err != nil || len(result.Found) != 1 || !result.Found[0].Is(brokenTest) {
				t.Fatalf("found %v, %v, want PC310 once", result.Found.Err(), err)
			}
			if d := result.Found[0]; !strings.Contains(d.Message, c.says) || d.Span.String() != "rules/deep/own_test.rego:5:1" {
				t.Errorf("%s: %s, want %q", d.Span, d.Message, c.says)
			}
			if (len(result.Tests) == 2) != c.others {
				t.Errorf("tests %v", result.Tests)
			}
		})
	}
}

// A rule or a test may lie in a file that is called like one of the product's.
func TestFilesThatAreCalledLikeOurs(t *testing.T) {
	t.Parallel()
	modules := map[string][]byte{}
	for file, source := range testedRule("") {
		name := map[string]string{"rules/own.rego": "checks/dns/dns.rego", "rules/deep/own_test.rego": "checks/dns/dns_test.rego"}[file]
		modules[name] = source
	}
	result, got := tested(t, maps.Clone(modules))
	if len(result.Found) > 0 || len(result.Tests) != 1 || len(result.Coverage) != 1 || result.Coverage[0].File != "checks/dns/dns.rego" {
		t.Errorf("tests %v, coverage %v, found %v", got, result.Coverage, result.Found.Err())
	}
	found, err := prepared(t, modules).Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 || found[0].Rule.Code != "PC900" {
		t.Errorf("found %v, %v", found.Err(), err)
	}
}
