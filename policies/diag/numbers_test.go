package diag_test

import (
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
)

// TestEnvironmentsMergeWhereNumbersDiffer: each line is a list of environment=message, and what
// becomes of it.
func TestEnvironmentsMergeWhereNumbersDiffer(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"dev=98% of it|prod=100% of it":            "dev,prod=98 or 100% of it",
		"a=3 of 5|b=3 of 7|c=4 of 5":               "a,b,c=3 or 4 of 5 or 7",
		"a=1 pod|b=2 pods":                         "a=1 pod|b=2 pods",
		"a=9 pods|b=10 pods|c=2 pods|d=9 pods|e=3": "a,b,c,d=2, 9 or 10 pods|e=3",
		"a=1 x|b=2 x|c=3 x|d=11 x":                 "a,b,c,d=1…11 x",
		"a=1 x|a=2 x|b=3 x":                        "a=1 x|a=2 x|b=3 x", // two things in a
		"a=1 x|=2 x":                               "=2 x|a=1 x",        // the one holds anywhere
		"a=10.0.0.1 is|b=10.0.0.2 is":              "a=10.0.0.1 is|b=10.0.0.2 is",
		"a=to 10.0.0.0/8|b=to 10.0.0.0/9":          "a=to 10.0.0.0/8|b=to 10.0.0.0/9",
		"a=web-1 is|b=web-2 is":                    "a=web-1 is|b=web-2 is",
		"a=v3 is|b=v4 is":                          "a=v3 is|b=v4 is",
		"a=on 80,443 is|b=on 80,444 is":            "a=on 80,443 is|b=on 80,444 is",
		"a=fd00::1 is|b=fd00::2 is":                "a=fd00::1 is|b=fd00::2 is",
		"a=x (12), y|b=x (13), y":                  "a,b=x (12 or 13), y",
		"a=from 7.|b=from 8.":                      "a,b=from 7 or 8.",
		"a=1 \x00|b=\x00 1":                        "a=1 \x00|b=\x00 1",
		"a=n 1 \x00 2|b=n \x00 1 2":                "a=n 1 \x00 2|b=n \x00 1 2",
	} {
		var l diag.List
		for part := range strings.SplitSeq(given, "|") {
			environment, message, _ := strings.Cut(part, "=")
			d := rules[0].At(diag.Span{}, "%s", message)
			if environment != "" {
				d.Environments = []string{environment}
			}
			l = append(l, d)
		}
		var got []string
		for _, d := range l.Sorted() {
			got = append(got, strings.Join(d.Environments, ",")+"="+d.Message)
		}
		if sorted(got) != sorted(strings.Split(want, "|")) {
			t.Errorf("%s\nbecomes  %s\nexpected %s", given, sorted(got), want)
		}
	}
	// Anything else that differs keeps them apart.
	one := rules[0].At(diag.Span{}, "1 x").Testify(diag.PortEvidence, "80")
	other := rules[0].At(diag.Span{}, "2 x").Testify(diag.PortEvidence, "81")
	one.Environments, other.Environments = []string{"a"}, []string{"b"}
	if got := (diag.List{one, other}).Sorted(); len(got) != 2 {
		t.Errorf("findings about two ports became %s", got[0].Message)
	}
}

func sorted(texts []string) string {
	set := map[string]int{}
	for _, s := range texts {
		set[s]++
	}
	return strings.Join(diag.SortedKeys(set), "|")
}
