package diag_test

import (
	"testing"

	"portcullis.dev/policies/diag"
)

// TestNotJudgedText counts each reason in the singular too.
func TestNotJudgedText(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"files that are no manifests":                        "1 file that is no manifest",
		"files that --exclude leaves out":                    "1 file that --exclude leaves out",
		"objects that --ignore-kind leaves out":              "1 object that --ignore-kind leaves out",
		"manifests that decide nothing":                      "1 manifest that decides nothing",
		"charts":                                             "1 chart",
		"HelmReleases":                                       "1 HelmRelease",
		"EgressFirewall objects of k8s.ovn.org":              "1 EgressFirewall object of k8s.ovn.org",
		"workloads of governed namespaces without an intent": "1 workload of governed namespaces without an intent",
		"namespaces that are not governed":                   "1 namespace that is not governed",
		"intents that no manifest was compared with":         "1 intent that no manifest was compared with",
		"filesystems":                                        "1 filesystem",
	} {
		if got := (diag.NotJudged{Reason: reason, Count: 1}).Text(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
		if got := (diag.NotJudged{Reason: reason, Count: 2, Means: "so"}).Text(); got != "2 "+reason+": so" {
			t.Errorf("two are %q", got)
		}
	}
}
