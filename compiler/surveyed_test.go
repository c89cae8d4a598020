package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSurveyOfRepository changes what lies beside two intents, and what the Platform says.
func TestSurveyOfRepository(t *testing.T) {
	t.Parallel()
	const (
		platform = "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: fleet}\nspec: "
		intent   = "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: %s, namespace: shop}\nspec: {}\n---\n"
		workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec:\n" +
			"  selector: {matchLabels: {app.kubernetes.io/name: %[3]s}}\n  template:\n    metadata: {labels: {app.kubernetes.io/name: %[3]s}}\n    spec: {%s containers: [{name: c, image: c}]}\n"
	)
	intents := fmt.Sprintf(intent, "web") + fmt.Sprintf(intent, "till")
	for _, c := range []struct {
		name, spec string
		workloads  []string
		want       []string // the counts, and then what is not judged, with its examples
	}{
		{"nothing beside", "{namespaces: {shop: {}}}", nil, []string{"2 workloads in 1 namespace", "2 intents that no manifest was compared with (shop/till, shop/web)"}},
		{"all beside", "{namespaces: {shop: {}}}", []string{fmt.Sprintf(workload, "web", "shop", "web", ""), fmt.Sprintf(workload, "till", "shop", "till", "")}, []string{"2 workloads in 1 namespace"}},
		{"one of another name", "{namespaces: {shop: {}}}", []string{fmt.Sprintf(workload, "till-v2", "shop", "till", "")},
			[]string{"2 workloads in 1 namespace", "2 intents of which 1 was compared with a manifest (shop/web)"}},
		{"one that no intent describes", "{namespaces: {shop: {}}}", []string{fmt.Sprintf(workload, "mail", "shop", "mail", "")}, []string{
			"2 workloads in 1 namespace", "1 workload of governed namespaces without an intent: it gets DNS (Deployment shop/mail)",
			"2 intents that no manifest was compared with (shop/till, shop/web)"}},
		{"on the host's network, or elsewhere", "{namespaces: {shop: {}}}",
			[]string{fmt.Sprintf(workload, "agent", "shop", "agent", "hostNetwork: true,"), fmt.Sprintf(workload, "wine", "cellar", "wine", "")},
			[]string{"2 workloads in 1 namespace", "2 intents that no manifest was compared with (shop/till, shop/web)"}},
		{"staged and open", "{environments: {dev: {}, prod: {}}, namespaces: {shop: {}, cellar: {enforce: {dev: staged, prod: true}}, attic: {enforce: false}}}", nil, []string{
			"2 workloads in 2 namespaces", "1 namespace that is staged: nothing is denied there yet (cellar [dev])",
			"1 namespace that is not governed: nothing is closed there (attic)", "2 intents that no manifest was compared with (shop/till, shop/web)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"portcullis.yaml": platform + c.spec + "\n", "shop.yaml": intents}
			for i, text := range c.workloads {
				files[fmt.Sprintf("workload-%d.yaml", i)] = text
			}
			s := builtOf(t, files).Report.Survey
			if s == nil || s.Policies == 0 {
				t.Fatalf("nothing was judged: %v", s)
			}
			got := []string{fmt.Sprintf("%s in %s", count(s.Workloads, "workload"), count(s.Namespaces, "namespace"))}
			for _, n := range s.NotJudged {
				got = append(got, fmt.Sprintf("%s (%s)", n.Text(), strings.Join(n.Examples, ", ")))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
