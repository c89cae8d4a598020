package diag_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/go-multierror"
	"pgregory.net/rapid"

	"portcullis.dev/policies/diag"
)

var (
	rules = []*diag.Rule{
		{Code: "PC001", Severity: diag.Error}, {Code: "PC101", Severity: diag.Error},
		{Code: "PC501", Severity: diag.Warning}, {Code: "PC901", Severity: diag.Info},
	}
	// A small universe, so that findings meet.
	word    = rapid.SampledFrom([]string{"", "a", "b"})
	spanGen = rapid.Custom(func(t *rapid.T) diag.Span {
		at := diag.At(rapid.IntRange(0, 2).Draw(t, "line"), rapid.IntRange(0, 2).Draw(t, "column"))
		return diag.Span{File: word.Draw(t, "file"), Start: at, End: at}
	})
	subjectGen = rapid.Custom(func(t *rapid.T) diag.Subject {
		return diag.Subject{
			Object:  diag.ObjectID{Group: word.Draw(t, "group"), Kind: word.Draw(t, "kind"), Namespace: word.Draw(t, "namespace"), Name: word.Draw(t, "name")},
			Pointer: word.Draw(t, "pointer"),
		}
	})
	findingGen = rapid.Custom(func(t *rapid.T) diag.Diagnostic {
		d := rapid.SampledFrom(rules).Draw(t, "rule").At(diag.Span{}, "%s", word.Draw(t, "message"))
		switch rapid.IntRange(0, 8).Draw(t, "what differs") {
		case 0:
			d.Span = spanGen.Draw(t, "span")
		case 1:
			d.Subject = subjectGen.Draw(t, "subject")
		case 2:
			d.Severity = rapid.SampledFrom([]diag.Severity{diag.Info, diag.Warning, diag.Error}).Draw(t, "severity")
		case 3:
			d.WaivedBy, d.WaivedUntil = word.Draw(t, "waiver"), word.Draw(t, "until")
		case 4:
			d.Evidence = map[string]string{word.Draw(t, "key"): word.Draw(t, "value")}
		case 5:
			d = d.Because("%s", word.Draw(t, "why")).Suggest("%s", word.Draw(t, "hint"))
		case 6:
			d = d.See(spanGen.Draw(t, "see"), "%s", word.Draw(t, "note"))
		case 7:
			d = d.Replace(spanGen.Draw(t, "edit"), word.Draw(t, "text"))
		}
		d.Environments = rapid.SampledFrom([][]string{nil, {"eu"}, {"us"}, {"eu", "us"}}).Draw(t, "environments")
		return d
	})
	findingsGen = rapid.SliceOfN(findingGen, 0, 8)
	listGen     = rapid.Map(findingsGen, func(l []diag.Diagnostic) diag.List { return l })
)

// A generator takes its name when it is first drawn as part of another one, and two
// tests that share it would race for that.
var _, _ = findingGen.String(), findingsGen.String()

func TestSortedDoesNotSeeTheOrderOfItsInput(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := listGen.Draw(t, "list")
		before := slices.Clone(l)
		sorted := l.Sorted()
		if diff := cmp.Diff(before, l); diff != "" {
			t.Fatalf("the input was changed:\n%s", diff)
		}
		shuffled := diag.List(rapid.Permutation(l).Draw(t, "shuffled"))
		if diff := cmp.Diff(sorted, shuffled.Sorted(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the order shows:\n%s", diff)
		}
		if diff := cmp.Diff(sorted, sorted.Sorted(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("sorted is not final:\n%s", diff)
		}
		inOrder := slices.IsSortedFunc(sorted, func(a, b diag.Diagnostic) int { return a.Span.Compare(b.Span) })
		if !inOrder {
			t.Fatal("findings do not read top to bottom")
		}
	})
}

// TestSortedMergesEnvironmentsAlone: each finding that went in comes out once, in
// every environment in which it was found and in no other.
func TestSortedMergesEnvironmentsAlone(t *testing.T) {
	t.Parallel()
	without := func(d diag.Diagnostic) diag.Diagnostic {
		d.Environments = nil
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		l := listGen.Draw(t, "list")
		sorted := l.Sorted()
		for i, d := range sorted {
			environments, everywhere := map[string]bool{}, false
			for _, given := range l {
				if cmp.Equal(without(given), without(d)) {
					everywhere = everywhere || len(given.Environments) == 0
					for _, e := range given.Environments {
						environments[e] = true
					}
				}
			}
			want := diag.SortedKeys(environments)
			if everywhere {
				want = nil
			}
			if diff := cmp.Diff(want, d.Environments, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s in other environments (-want +got):\n%s", d.Message, diff)
			}
			for _, other := range sorted[:i] {
				if cmp.Equal(without(other), without(d)) {
					t.Fatalf("%s is told twice", d.Message)
				}
			}
		}
		for _, given := range l {
			if !slices.ContainsFunc(sorted, func(d diag.Diagnostic) bool { return cmp.Equal(without(given), without(d)) }) {
				t.Fatalf("%s is lost", given.Message)
			}
		}
	})
}

func TestWorst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := listGen.Draw(t, "list")
		var standing []diag.Severity
		unjudgeable := false
		for _, d := range l {
			if d.WaivedBy == "" {
				standing = append(standing, d.Severity)
			}
			family := d.Rule.Code[:3]
			unjudgeable = unjudgeable || d.Severity == diag.Error && (family == "PC0" || family == "PC1")
		}
		var want diag.Severity
		if len(standing) > 0 {
			want = slices.Max(standing)
		}
		if got := l.Worst(); got != want {
			t.Fatalf("the worst is %v, not %v", got, want)
		}
		if got := l.Failed(); got != (want == diag.Error) {
			t.Fatalf("failed is %v", got)
		}
		if got := l.Unjudgeable(); got != unjudgeable {
			t.Fatalf("unjudgeable is %v", got)
		}
		errs := 0
		for _, d := range l.Sorted() {
			if d.WaivedBy == "" && d.Severity == diag.Error {
				errs++
			}
		}
		err := l.Err()
		if err == nil {
			if errs > 0 {
				t.Fatalf("%d errors are no error", errs)
			}
			return
		}
		var all *multierror.Error
		if !errors.As(err, &all) || all.Len() != errs || strings.Count(err.Error(), "\n") != errs-1 {
			t.Fatalf("%d errors are told of as %q", errs, err)
		}
	})
}

func TestErrLines(t *testing.T) {
	t.Parallel()
	at := diag.Span{File: "a.yaml", Start: diag.Position{Line: 3, Column: 4}}
	on := diag.Subject{Object: diag.ObjectID{Group: "networking.k8s.io", Kind: "NetworkPolicy", Namespace: "n", Name: "p"}, Pointer: "/spec"}
	waived := rules[0].At(at, "waived")
	waived.WaivedBy = "w"
	l := diag.List{
		rules[1].At(at, "with a place"),
		rules[2].At(at, "a warning"),
		waived,
		rules[0].On(on, "with an object"),
		rules[0].On(diag.Subject{Object: diag.ObjectID{Kind: "Tier", Name: "t"}}, "cluster-scoped"),
		rules[0].On(diag.Subject{Pointer: "/x"}, "with a pointer alone"),
		rules[0].At(diag.Span{File: "b.yaml"}, "a file, and a name with\r\na line break"),
	}
	const want = `with a pointer alone [PC001]
Tier t: cluster-scoped [PC001]
NetworkPolicy n/p: with an object [PC001]
a.yaml:3:4: with a place [PC101]
b.yaml: a file, and a name with\r\na line break [PC001]`
	if diff := cmp.Diff(want, l.Err().Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := l[1:3].Err(); err != nil {
		t.Errorf("a warning and a waived error are an error: %v", err)
	}
}

func TestInMarksACopy(t *testing.T) {
	t.Parallel()
	l := diag.List{rules[0].At(diag.Span{}, "x")}
	if got := l.In("eu")[0].Environments; !slices.Equal(got, []string{"eu"}) {
		t.Errorf("it is in %v", got)
	}
	if l[0].Environments != nil {
		t.Error("the original was marked")
	}
}
