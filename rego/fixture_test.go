package rego

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"portcullis.dev/policies/diag"
)

// doc is a document as JSON decodes it.
type doc = map[string]any

// parseDoc reads a part of a document.
func parseDoc(text string) doc {
	var d doc
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return d
}

// namespaceDoc is a governed namespace with one pod, as it should be, less the
// changes of single fields at its top.
func namespaceDoc(name string, changes doc) doc {
	by := fmt.Sprintf(`{"object": {"group": "networking.k8s.io", "kind": "NetworkPolicy", "namespace": %q, "name": "default-deny"}, "pointer": "/spec"}`, name)
	half := fmt.Sprintf(`{"isolated": true, "policies": [%s], "isolatedBy": [%s]}`, by, by)
	verdict := fmt.Sprintf(`{"verdict": "allow", "cause": "none", "tier": "default", "by": %s, "reason": ""}`, by)
	probe := `{"purpose": "resolve", "to": "DNS", "protocol": %q, "port": 53, "egress": %s, "ingress": %s}`
	d := parseDoc(fmt.Sprintf(`{
		"version": "v1alpha1", "environment": "prod", "scope": "namespace",
		"namespace": {"name": %q, "owner": "team", "labels": {}, "governed": true, "system": false},
		"platform": {"dns": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}, "port": 53, "nodeLocal": []},
			"system": ["kube-system"], "calico": 30, "targets": []},
		"endpoints": [{"name": %q, "kind": "workload", "labels": {"app": "web"}, "dns": true, "ingress": %s, "egress": %s,
			"probes": [%s, %s], "world": []}],
		"policies": [], "tiers": [], "conflicts": [], "selected": [], "objects": [{"kind": "Service", "any": ["thing"]}]
	}`, name, name+"/web", half, half, fmt.Sprintf(probe, "UDP", verdict, verdict), fmt.Sprintf(probe, "TCP", verdict, verdict)))
	for key, value := range changes {
		d[key] = value
	}
	return d
}

// openDoc is a namespace without a default deny.
func openDoc(name string) doc {
	d := namespaceDoc(name, nil)
	endpoint := d["endpoints"].([]any)[0].(doc)
	for _, half := range []string{"ingress", "egress"} {
		endpoint[half] = doc{"isolated": false, "policies": []any{}, "isolatedBy": []any{}}
	}
	return d
}

func prepared(t testing.TB, modules map[string][]byte) *Engine {
	t.Helper()
	e, found, err := Prepare(t.Context(), Options{Modules: modules})
	if err != nil || len(found) > 0 {
		t.Fatalf("Prepare: %v, %v", found.Err(), err)
	}
	// No test fails because the machine is busy, or because others run beside it: the memory
	// that is watched is the whole program's.
	e.limits.time, e.limits.memory = time.Hour, 1<<40
	return e
}

// refused is what Prepare has against modules.
func refused(t *testing.T, modules map[string][]byte) diag.List {
	t.Helper()
	e, found, err := Prepare(t.Context(), Options{Modules: modules})
	if err != nil {
		t.Fatal(err)
	}
	if (e == nil) != found.Failed() {
		t.Fatalf("Prepare gave an engine: %v, with findings %v", e != nil, found.Err())
	}
	return found
}

const metadata = `# METADATA
# title: A test
# description: It tests.
# custom:
#   code: PC900
#   severity: warning
#   remediation: Nothing to do.
`

// usersRule is a module with METADATA and a body; the package clause is line 8.
func usersRule(body string) map[string][]byte {
	return map[string][]byte{"rules/own.rego": []byte(metadata + "package portcullis.checks.own\n\n" + body)}
}
