package halfopen

import (
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
)

var onHostAlone = &diag.Rule{Code: "PC313", Severity: diag.Warning,
	Title: "A policy for pods of the host's network alone",
	Why:   "Pods with hostNetwork: true have the addresses and the interfaces of their node. Policies that select pods never act on them: what such a policy denies is let through, and what it allows was never closed.",
	Mend:  "Take hostNetwork away, where the pods can do without it. Else close the node: a HostEndpoint, and a GlobalNetworkPolicy that selects it. Or remove the policy."}

// OnHost finds the policies of a namespace that select pods of the host's network, and no others.
// Those for all pods of their namespace are there for pods that may come.
func OnHost(m *meaning.Meaning, described []*meaning.Endpoint) diag.List {
	in := map[string][]*meaning.Endpoint{}
	hosts := map[string]bool{} // namespaces that have such pods
	for _, e := range described {
		in[e.Namespace] = append(in[e.Namespace], e)
		hosts[e.Namespace] = hosts[e.Namespace] || e.HostNetwork
	}
	var found diag.List
	for _, p := range m.Policies {
		if p.ID.Namespace == "" || !hosts[p.ID.Namespace] || !p.Live() {
			continue
		}
		if pods := selectedOnHost(p, in[p.ID.Namespace]); len(pods) > 0 {
			found = append(found, inert(p, pods))
		}
	}
	return found
}

// selectedOnHost are the pods that a policy selects, if all of them are in the host's network, and
// others that may come would need their labels.
func selectedOnHost(p *meaning.Policy, described []*meaning.Endpoint) []*meaning.Endpoint {
	var pods []*meaning.Endpoint
	for _, e := range described {
		if !p.Selects(e) {
			continue
		}
		bare := *e
		bare.Labels = nil
		if !e.HostNetwork || p.Selects(&bare) {
			return nil
		}
		pods = append(pods, e)
	}
	return pods
}

// inert makes the finding that all pods of a policy are on the host's network, where it holds none.
func inert(p *meaning.Policy, pods []*meaning.Endpoint) diag.Diagnostic {
	pointer := "/spec/selector"
	if p.ID.Group == "networking.k8s.io" {
		pointer = "/spec/podSelector"
	}
	var names []string
	for _, e := range pods {
		names = append(names, e.Ref())
	}
	d := onHostAlone.On(diag.Subject{Object: p.ID, Pointer: pointer}, "%s never acts: it selects %s alone, of the host's network", p.ID, diag.Enumerate(names, "and")).
		Because("pods with hostNetwork: true have the addresses of their node, and policies for pods do not hold them").
		Suggest("take hostNetwork away, where the pods can do without it; else a HostEndpoint of the nodes and a GlobalNetworkPolicy that selects it close them; or remove the policy")
	for _, e := range pods {
		if !e.Object.IsZero() {
			d.Related = append(d.Related, diag.Related{Subject: diag.Subject{Object: e.Object}, Message: e.Ref() + " is in the host's network"})
		}
	}
	return d
}
