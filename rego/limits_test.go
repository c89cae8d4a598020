package rego

import (
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portcullis.dev/policies/diag"
)

// limited is an engine with a rule of the user's and smaller limits.
func limited(t *testing.T, body string, change func(*limits)) *Engine {
	t.Helper()
	e := prepared(t, usersRule(body))
	change(&e.limits)
	return e
}

// Rules that would never end, or take all memory there is, are ended, and the one
// that is to blame is named; others beside it are not. Not parallel: the memory that
// is watched is the whole program's.
func TestRulesThatRunOut(t *testing.T) {
	fine := strings.Replace(metadata, "PC900", "PC901", 1) + "package portcullis.checks.fine\n\nfindings contains {\"message\": \"m\"} if input.scope\n"
	for name, c := range map[string]struct {
		body   string
		change func(*limits)
		says   string
	}{
		"time: a long range": {"count([1 | some i in numbers.range(1, 1000); some j in numbers.range(1, 1000); some k in numbers.range(1, 1000); i + j + k == 0.5]) > 0",
			func(l *limits) { l.time, l.each = 500*time.Millisecond, 0 }, "takes most of the 500ms that all rules have together"},
		"time: replacements": {`some i in numbers.range(1, 1000000); contains(replace(concat("", [sprintf("%d", [j]) | some j in numbers.range(1, 1000)]), "1", "22"), sprintf("x%d", [i]))`,
			func(l *limits) { l.time, l.each = 500*time.Millisecond, 0 }, "takes most of the 500ms"},
		"memory: a long range": {"count(numbers.range(1, 1000000000)) > 0",
			func(l *limits) { l.memory, l.time = 32<<20, time.Hour }, "holds more "},
		// Of texts: OPA adds up the hashes of an array's numbers, so that pairs of them
		// collide, and time runs out before memory does.
		"memory: a large set": {"count({sprintf(\"%d %d\", [i, j]) | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000)}) > 0",
			func(l *limits) { l.memory, l.time = 32<<20, time.Hour }, "holds more "},
	} {
		t.Run(name, func(t *testing.T) {
			modules := usersRule("findings contains {\"message\": \"m\"} if {\n\t" + c.body + "\n}\n")
			modules["rules/fine.rego"] = []byte(fine)
			e := prepared(t, modules)
			c.change(&e.limits)
			found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil), namespaceDoc("pay", nil), namespaceDoc("search", nil)}))
			if err != nil || len(found) != 1 || !found[0].Is(doesNotEvaluate) {
				t.Fatalf("found %v, %v, want PC032 once", found.Err(), err)
			}
			if m := found[0].Message; !strings.HasPrefix(m, "rule PC900 fails: ") || !strings.Contains(m, c.says) || found[0].Span.String() != "rules/own.rego:8:1" {
				t.Errorf("%s: %s, want %q of PC900", found[0].Span, m, c.says)
			}
		})
	}
}

// TestMemoryLimitIsRestored ends engines that run at once in another order than they began.
// Not parallel: the limit is the whole program's.
func TestMemoryLimitIsRestored(t *testing.T) {
	const found = math.MaxInt64 - 1
	before := debug.SetMemoryLimit(found)
	defer debug.SetMemoryLimit(before)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		var restore []func()
		for i := range order {
			restore = append(restore, collectBeyond(uint64(1<<40+i)))
		}
		for i, which := range order {
			if limit := debug.SetMemoryLimit(-1); limit == found {
				t.Errorf("order %v: nothing is limited with %d engines left", order, len(order)-i)
			}
			restore[which]()
		}
		if limit := debug.SetMemoryLimit(-1); limit != found {
			t.Errorf("order %v: the limit is %d, and was %d", order, limit, int64(found))
		}
	}
}

// A hundred thousand findings are cut and counted, on one document and on many, and
// what is left out stands for itself: no waiver could name it.
func TestTooManyFindings(t *testing.T) {
	t.Parallel()
	e := limited(t, "findings contains {\"message\": sprintf(\"%d of %s\", [i, input.namespace.name])} if some i in numbers.range(1, 34000)\n",
		func(l *limits) { l.findings, l.total = 10, 15 })
	found, err := e.Check(t.Context(), slices.Values([]any{openDoc("a"), openDoc("b"), openDoc("c")}))
	if err != nil {
		t.Fatal(err)
	}
	var own diag.List
	for _, d := range found {
		if d.Rule.Code == "PC900" {
			own = append(own, d)
		}
	}
	rest := slices.IndexFunc(own, func(d diag.Diagnostic) bool { return d.Message == "101985 more findings of this rule are not shown" })
	if len(own) != 16 || rest < 0 {
		t.Fatalf("%d findings of PC900, the rest at %d; want 15 and the rest", len(own), rest)
	}
	if d := own[rest]; d.Severity != diag.Warning || d.Evidence != nil || !d.Subject.IsZero() {
		t.Errorf("the rest is %+v", d)
	}
	if len(found)-len(own) != 3 {
		t.Errorf("%d findings of ours beside, want 3: they are not cut", len(found)-len(own))
	}
}

func TestTooMuchText(t *testing.T) {
	t.Parallel()
	e := limited(t, `long := concat("", ["ü" | some _ in numbers.range(1, 100000)])

findings contains {
	"message": long, "why": long, "hint": long, "evidence": {"peer": long},
	"related": [{"object": {"kind": "K", "name": sprintf("%d", [i])}, "pointer": "", "message": substring(long, 0, 3000)} | some i in numbers.range(1, 200)],
}
`, func(*limits) {})
	found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found.Err(), err)
	}
	d := found[0]
	for _, c := range []struct {
		text string
		more int
	}{{d.Message, 98_000}, {d.Why, 98_000}, {d.Hint, 98_000}, {d.Evidence["peer"], 98_000}, {d.Related[0].Message, 1000}} {
		if want := strings.Repeat("ü", 2000) + fmt.Sprintf("… (%d more characters)", c.more); c.text != want {
			t.Errorf("%d characters that end in %q", utf8.RuneCountInString(c.text), c.text[max(0, len(c.text)-40):])
		}
	}
	if n := len(d.Related); n != 100 || d.Related[99].Message != "and 101 more places" {
		t.Errorf("%d places beside, the last says %.60q", n, d.Related[n-1].Message)
	}
	failing := prepared(t, usersRule(`findings contains {"message": concat("\n", ["x" | some _ in numbers.range(1, 100000)])}`+"\n"))
	found, err = failing.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 || len(found[0].Message) > 10_000 {
		t.Errorf("found %d, %v: a failure quotes too much", len(found), err)
	}
}

// What the rules of the product find is bounded by its input, and is not cut: there
// may be waivers for each.
func TestOursAreNotCut(t *testing.T) {
	t.Parallel()
	e := limited(t, "findings contains {\"message\": \"m\"} if false\n", func(l *limits) { l.findings, l.total, l.text = 1, 1, 5 })
	var documents []any
	for i := range 20 {
		documents = append(documents, openDoc(fmt.Sprintf("ns-%d", i)))
	}
	found, err := e.Check(t.Context(), slices.Values(documents))
	if err != nil || len(found) != 20 || !strings.Contains(found[0].Message, "no default deny") {
		t.Errorf("%d findings, %v", len(found), err)
	}
}

// The time is that of all documents and environments: what is gone is gone, and the rule
// that took it is named, whichever is asked when it ends.
func TestTimeIsOfAllRulesTogether(t *testing.T) {
	t.Parallel()
	modules := usersRule("findings contains {\"message\": \"m\"} if input.scope\n")
	modules["rules/slow.rego"] = []byte(strings.Replace(metadata, "PC900", "PC901", 1) + "package portcullis.checks.slow\n\nfindings contains {\"message\": \"m\"} if input.scope\n")
	e := prepared(t, modules)
	e.limits.time = defaultLimits.time
	e.spent.all, e.spent.byRule["slow"] = time.Hour, time.Hour
	found, err := e.Check(t.Context(), slices.Values([]any{namespaceDoc("shop", nil)}))
	if err != nil || len(found) != 1 || !strings.HasPrefix(found[0].Message, "rule PC901 fails: takes most of the 30s") || found[0].Span.File != "rules/slow.rego" {
		t.Errorf("found %v, %v, want PC032 of PC901 once", found.Err(), err)
	}
}
