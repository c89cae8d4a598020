// Package fleet writes repositories of any size, for those who measure: the same bytes for
// the same size.
//
// Its invariant: what it writes compiles without a finding, and grows with the number of
// namespaces and with nothing else. It must not know how anything is compiled.
package fleet

import (
	"fmt"
	"strings"
)

// Size is how large a repository is.
type Size struct {
	Namespaces   int // of ten workloads each; a multiple of ten
	Environments int // up to four, which share four fifths of the namespaces
}

const (
	workloads = 10
	tenants   = 5
)

var environments = []string{"dev", "eu", "test", "us"}

// Files writes the texts of a fleet's repository by their paths. An ingress controller calls into
// each namespace, a scraper calls every pod, each workload calls the next, one calls a namespace
// of the same tenant, which both sides wrote, and one an address outside. Guardrails keep
// everybody from an address, namespaces of one label from those of another, and tenants from each
// other.
func (s Size) Files() map[string]string {
	files := map[string]string{
		"portcullis.yaml":                    s.platform(),
		"intents/edge/controller.yaml":       intent("edge", "controller") + "  ports: {https: 443}\n",
		"intents/monitoring/prometheus.yaml": intent("monitoring", "prometheus") + "  ports: {http: 9090}\n",
	}
	for n := range s.Namespaces {
		for w := range workloads {
			files[fmt.Sprintf("intents/%s/w%d.yaml", namespace(n), w)] = s.workload(n, w)
		}
	}
	return files
}

// namespace names a fleet's namespace by its number.
func namespace(n int) string { return fmt.Sprintf("ns-%05d", n) }

// stage chooses the label of a fleet's namespace: the same for namespaces of one tenant that lie
// ten apart.
func stage(n int) string { return []string{"live", "trial"}[n%2] }

// platform writes the fleet's portcullis.yaml: environments, namespaces, flows and guardrails.
func (s Size) platform() string {
	var b strings.Builder
	b.WriteString("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: fleet}\nspec:\n" +
		"  unknownNamespaces: deny\n" +
		"  cluster: {podCIDRs: [10.244.0.0/14], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}\n")
	if s.Environments > 1 {
		fmt.Fprintf(&b, "  environments: {%s: {}}\n", strings.Join(environments[:s.Environments], ": {}, "))
	}
	b.WriteString("  namespaces:\n" +
		"    edge: {owner: edge, labels: {stage: live}}\n" +
		"    monitoring: {owner: observability, labels: {stage: live}}\n")
	for n := range s.Namespaces {
		fmt.Fprintf(&b, "    %s: {owner: team-%d, labels: {stage: %s, tenant: t%d}}\n", namespace(n), n%tenants, stage(n), n%tenants)
	}
	b.WriteString("  flows:\n" +
		"    - {from: monitoring/prometheus, to: \"*/*\", ports: [9090], why: scraping}\n" +
		"  guardrails:\n" +
		"    - {name: no-metadata, deny: {to: {cidr: 169.254.169.254/32}}, why: credentials}\n" +
		"    - {name: trial-live, deny: {from: {namespaceSelector: {stage: trial}}, to: {namespaceSelector: {stage: live}}}, unless: [edge/controller, monitoring/prometheus], why: stages}\n" +
		"    - {name: tenants, isolate: tenant, why: tenants}\n")
	return b.String()
}

// intent writes the head of a workload's intent in a fleet.
func intent(namespace, name string) string {
	return fmt.Sprintf("apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: %s, namespace: %s}\nspec:\n", name, namespace)
}

// workload writes the intent of one of a fleet's workloads: whom it calls, and by whom it is
// called.
func (s Size) workload(n, w int) string {
	var inbound, outbound []string
	if w == 0 {
		inbound = append(inbound, "{from: edge/controller, ports: [http], why: web}")
	} else {
		inbound = append(inbound, fmt.Sprintf("{from: w%d, ports: [http]}", w-1))
	}
	switch w {
	case 5:
		inbound = append(inbound, fmt.Sprintf("{from: %s/w6, ports: [http], why: shared}", namespace((n+10)%s.Namespaces)))
	case 6:
		outbound = append(outbound, fmt.Sprintf("{to: %s/w5, ports: [http], why: shared}", namespace((n+s.Namespaces-10)%s.Namespaces)))
	case 9:
		outbound = append(outbound, "{to: {cidr: 203.0.0.0/16, except: [203.0.1.0/24, 203.0.2.0/24]}, ports: [443]}")
		for i, e := range environments[:s.Environments] {
			if s.Environments > 1 && n%5 == 0 {
				outbound = append(outbound, fmt.Sprintf("{to: {cidr: 198.51.100.%d/32}, ports: [443], in: [%s]}", i, e))
			}
		}
	}
	text := intent(namespace(n), fmt.Sprintf("w%d", w)) + "  ports: {http: 8080, metrics: 9090}\n  inbound:\n    - " + strings.Join(inbound, "\n    - ") + "\n"
	if len(outbound) > 0 {
		text += "  outbound:\n    - " + strings.Join(outbound, "\n    - ") + "\n"
	}
	return text
}
