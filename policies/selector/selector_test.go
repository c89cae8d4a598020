package selector

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSelectorGrammar(t *testing.T) {
	t.Parallel()
	labels := Map{"a": "b", "tier": "front-end", "in": "x", "empty": ""}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"", true}, {" \t ", true}, {"all()", true}, {"all( )", true}, {"global()", true},
		{"a == 'b'", true}, {`a=="b"`, true}, {"a == 'B'", false}, {"a != 'b'", false}, {"x == ''", false}, {"empty == ''", true},
		{"x != 'b'", true}, {"has(a)", true}, {"has( x )", false}, {"!has(x)", true}, {"!!has(x)", false}, {"! has(x)", true},
		{"a in {'b', 'c'}", true}, {"a in {'c',}", false}, {"a in {}", false}, {"a not in {}", true}, {"a notin {'b'}", false},
		{"x not in {'b'}", true}, {"x in {''}", false}, {"tier contains '-'", true}, {"tier starts with 'front'", true},
		{"tier startswith 'end'", false}, {"tier ends with 'end'", true}, {"tier endswith'end'", true}, {"x contains ''", false},
		{"in == 'x'", true}, {"in in {'x'}", true}, {"!a == 'b'", false},
		{"a == 'b' || a == 'c' && has(x)", true}, {"(a == 'b' || a == 'c') && has(x)", false}, {"((has(a)))", true},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := s.Matches(labels); got != c.want {
			t.Errorf("%q is %v on %v", c.text, got, labels)
		}
	}
}

func TestSelectorErrors(t *testing.T) {
	t.Parallel()
	for text, offset := range map[string]int{
		"a = 'b'": 2, "a == b": 5, "'a' == 'b'": 0, "a == 'b' and has(c)": 9, "has (x)": 4, "has(a:b)": 5, "a == 'b'\n": 8,
		"\n": 0, "a == 'b": 5, "a in {'b' 'c'}": 10, "a in {,}": 6, "a in ": 5, "(has(a)": 7, "has(a) has(b)": 7, "has()": 4,
		"a": 1, "&& has(a)": 0, "has(a) &&": 9, "a is 'b'": 2, "a inside {'b'}": 2, "a == 'b' ∧ has(c)": 9, strings.Repeat("(", 2000): deepest + 1,
		strings.Repeat("x", 513) + " == 'a'": 0,
	} {
		_, err := Parse(text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.30q parses", text)
		} else if syntax.Offset != offset {
			t.Errorf("%.30q: %v, expected offset %d", text, err, offset)
		}
	}
}

func TestSelectorNormalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a=='b'&&has(c)||!d in {'z','y','z'}": `((a == "b" && has(c)) || !d in {"y", "z"})`,
		`a == 'say "x"'`:                      `a == 'say "x"'`,
		"a notin {}":                          `a not in {}`,
		"x startswith 'y'":                    `x starts with "y"`,
		" ":                                   "all()",
	} {
		s, err := Parse(text)
		if err != nil || s.String() != want {
			t.Errorf("%q gives %s (%v), expected %s", text, s, err, want)
		}
	}
	s, _ := Parse("env == 'dev' && !has(x) || all()")
	if got, want := s.Prefixed("pcns.").String(), `((pcns.env == "dev" && !has(pcns.x)) || all())`; got != want {
		t.Errorf("prefixed: %s, expected %s", got, want)
	}
}

// A selector and its normal form are the same: reading it back gives the same text,
// and the same answer on labels.
func FuzzSelector(f *testing.F) {
	for _, seed := range []string{
		"", "all()", "has(a) && !b == 'c'", "a in {'x', \"y\",} || (global() && c not in {})", "a starts with 'b'", "a = b", "!!!(has(x))",
		"a == '\n'", "((((", "a notin{'é'}", "not == 'not in'", "a == '\"' || b == \"'\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := Parse(s.String())
		if err != nil {
			// Parentheses that the normal form adds may exceed the depth.
			if strings.Count(text, "!")+strings.Count(text, "(") < deepest/2 {
				t.Fatalf("%q: the normal form %q does not parse: %v", text, s, err)
			}
			return
		}
		if again.String() != s.String() {
			t.Fatalf("%q: %q becomes %q", text, s, again)
		}
		for _, labels := range []Map{{}, {"a": "x"}, {"a": "", "b": "c"}, {"c": "c", "x": "y"}} {
			if s.Matches(labels) != again.Matches(labels) {
				t.Fatalf("%q and %q differ on %v", text, again, labels)
			}
		}
	})
}

func TestFromKubernetes(t *testing.T) {
	t.Parallel()
	req := func(op metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: op, Values: values}}}
	}
	for _, c := range []struct {
		ls   *metav1.LabelSelector
		want string // empty: an error
	}{
		{&metav1.LabelSelector{}, "all()"},
		{&metav1.LabelSelector{MatchLabels: map[string]string{"b": "2", "a": "1"}}, `(a == "1" && b == "2")`},
		{req(metav1.LabelSelectorOpIn, "y", "x"), `k in {"x", "y"}`},
		{req(metav1.LabelSelectorOpNotIn, "x"), `k not in {"x"}`},
		{req(metav1.LabelSelectorOpExists), `has(k)`},
		{req(metav1.LabelSelectorOpDoesNotExist), `!has(k)`},
		{req(metav1.LabelSelectorOpIn), ""},
		{req(metav1.LabelSelectorOpExists, "x"), ""},
		{req("Equals", "x"), ""},
	} {
		s, err := FromKubernetes(c.ls)
		if (err != nil) != (c.want == "") || err == nil && s.String() != c.want {
			t.Errorf("%v gives %s (%v), expected %s", c.ls, s, err, c.want)
		}
	}
}
