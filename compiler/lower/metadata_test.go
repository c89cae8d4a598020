package lower

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// TestDollarsAreGuarded holds that Flux leaves an object alone whose texts hold a dollar:
// it would replace ${…}, and make one dollar of two.
func TestDollarsAreGuarded(t *testing.T) {
	t.Parallel()
	for text, guarded := range map[string]bool{
		"a page": false, "": false, "{HOME}": false, "costs 5$": true, "$$": true, "${HOME}": true, "$HOME": true,
	} {
		for _, a := range []about{{name: "a", reason: text}, {name: "a", owner: text}, {name: "a", intent: text}} {
			annotations, _ := metadata(a).Get("annotations").(object.Map)
			if got := annotations.Get(noSubstitutes) == "disabled"; got != guarded {
				t.Errorf("%+v: guarded: %v", a, got)
			}
		}
	}
}

// TestEveryObjectNamesItsIntent: whoever reads an object in a cluster finds in it the intent that
// asks for it, or several, or that the Platform does.
func TestEveryObjectNamesItsIntent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		known := map[string]bool{"Platform/" + p.PlatformName: true}
		for _, f := range p.Flows {
			for _, o := range f.Origins {
				known[o.Intent] = true
			}
		}
		for _, w := range p.Workloads {
			known[w.Ref()] = true
		}
		emitted, _ := Lower(p)
		for _, e := range emitted {
			metadata, _ := e.Manifest.Get("metadata").(object.Map)
			annotations, _ := metadata.Get("annotations").(object.Map)
			text, _ := annotations.Get(IntentAnnotation).(string)
			for name := range strings.SplitSeq(text, ", ") {
				if name == "" || !known[name] {
					t.Fatalf("%s is of %q, of which nothing asks for it", object.IDOf(e.Manifest), text)
				}
			}
		}
	})
}

// TestReasonsStandAtTheirRules: every policy has a reason of its own, or each of its rules begins
// with the lines that ask for it, whatever else stands above; and above each peer the nearest
// comment in its rule is of the lines that ask for that peer.
func TestReasonsStandAtTheirRules(t *testing.T) {
	t.Parallel()
	peers := 0
	rapid.Check(t, func(t *rapid.T) {
		p := aPlan(t)
		byLine := map[int32]string{}
		for i := range p.Flows {
			for j := range p.Flows[i].Origins {
				o := &p.Flows[i].Origins[j]
				line := int32(1000*i + j)
				o.Span.Start.Line, o.Why = line, "reason\n\u2028 of "+fmt.Sprint(line)+" end"
				byLine[line] = ": reason of " + fmt.Sprint(line) + " end"
			}
		}
		emitted, _ := Lower(p)
		for _, e := range emitted {
			id := object.IDOf(e.Manifest)
			if slices.Contains([]string{"Tier", "GlobalNetworkSet"}, id.Kind) {
				continue
			}
			metadata, _ := e.Manifest.Get("metadata").(object.Map)
			annotations, _ := metadata.Get("annotations").(object.Map)
			spec, _ := e.Manifest.Get("spec").(object.Map)
			_, own := annotations.Get(ReasonAnnotation).(string)
			for _, direction := range []string{"ingress", "egress"} {
				rules, _ := spec.Get(direction).(object.List)
				said := func(list object.List, pointer string) {
					last := ""
					for i, item := range list {
						c, is := item.(yamltext.Commented)
						if is {
							last = c.Comment
						}
						if last == "" {
							t.Fatalf("%s has no reason at %s:\n%s", id, pointer, e.Manifest.YAML())
						}
						line := e.At(pointer + "/" + strconv.Itoa(i)).Start.Line
						if !strings.Contains(last, byLine[line]) && !strings.HasSuffix(last, "…") {
							t.Fatalf("%s says at %s/%d %q, and line %d asks for it", id, pointer, i, last, line)
						}
						peers++
					}
				}
				switch {
				case own:
				case id.Group == "networking.k8s.io" || id.Kind == "StagedKubernetesNetworkPolicy":
					for i, rule := range rules {
						key := map[string]string{"ingress": "from", "egress": "to"}[direction]
						list, _ := rule.(object.Map).Get(key).(object.List)
						said(list, object.Pointer("spec", direction, strconv.Itoa(i), key))
					}
				default:
					said(rules, object.Pointer("spec", direction))
				}
			}
		}
	})
	if peers < 500 {
		t.Errorf("%d peers and rules had a reason: the law says little", peers)
	}
}

// TestALineOfAPatternIsSaidOnce: of a line that stands in a pattern and in a namespace that was
// made after it, a rule names the namespace's intent alone.
func TestALineOfAPatternIsSaidOnce(t *testing.T) {
	t.Parallel()
	l := &lowering{Plan: &plan.Plan{PlatformName: "fleet"}}
	at := func(line int) diag.Span { return diag.Span{File: "a", Start: diag.At(line, 1)} }
	for want, lines := range map[string][]plan.Origin{
		"pr-7/web: the door (T-1, until 2027-01-01)": {{Span: at(1), Intent: "pr-*/web", Why: "the door", Ticket: "T-1", Until: "2027-01-01"}, {Span: at(1), Intent: "pr-7/web", Why: "the door", Ticket: "T-1", Until: "2027-01-01"}},
		"pr-*/web\npr-7/web":                         {{Span: at(1), Intent: "pr-*/web"}, {Span: at(2), Intent: "pr-7/web"}},
		"Platform/fleet: a b":                        {{Span: at(1), Why: "a\n  b"}, {Span: at(2), Why: "a b"}},
		"a/b: " + strings.Repeat("é", 295) + "…":     {{Span: at(1), Intent: "a/b", Why: strings.Repeat("é", 400)}},
	} {
		if got := l.why(lines); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}
