// Package crosscheck holds what intents say of pods against the manifests that lie beside
// them: labels, ports, the host network, the labels of namespaces.
//
// Its invariant: manifests need not be there. What no manifest speaks of is believed,
// and a finding names the manifest that it contradicts.
//
// It must not know what a policy is, nor how a plan becomes one.
package crosscheck

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

var (
	otherLabels = &diag.Rule{Code: "PC140", Severity: diag.Error,
		Title: "An intent whose selector misses the pods of its workload",
		Why:   "The policy would select no pod, or other ones, and the workload would be left closed or open without a word.",
		Mend:  "Write the labels that the workload's pod template carries."}
	servicePort = &diag.Rule{Code: "PC141", Severity: diag.Error,
		Title: "The port of a Service instead of the pod's",
		Why:   "A Service's port is translated into the pod's before any policy sees the packet.",
		Mend:  "Declare the port on which the pod's container listens, the Service's targetPort."}
	otherPort = &diag.Rule{Code: "PC142", Severity: diag.Warning,
		Title: "A port that no container of the workload declares",
		Why:   "Containers may listen on ports that they do not declare, so this may be right. Mostly it is a slip: then the flow is open to a port on which nobody listens.",
		Mend:  "Correct the port, or declare it at the container."}
	otherNetwork = &diag.Rule{Code: "PC143", Severity: diag.Error,
		Title: "A workload on the host network that is described as if it were not",
		Why:   "No policy can select pods on the host network.",
		Mend:  "To others they are the node: say hostNetwork: true, and nothing is promised that cannot be kept."}
	otherNamespaceLabels = &diag.Rule{Code: "PC144", Severity: diag.Error,
		Title: "Labels of a namespace that its manifest does not carry",
		Why:   "Selectors over namespaces are resolved, here and in policies, by the labels that the Platform names. What the Namespace object does not carry selects nothing in the cluster.",
		Mend:  "Give the Namespace these labels, or take them from the Platform."}
	unlistedLabel = &diag.Rule{Code: "PC145", Severity: diag.Error,
		Title: "A label of a namespace that the Platform does not list",
		Why:   "Where the Platform names a label of any namespace, it is taken to say of each namespace that it lists whether it carries that label: guardrails and lines over labels of namespaces are resolved and proved by that. A Namespace that carries such a label although the Platform lists it without is another one in the cluster than here: traffic that was proved open may be denied there, and the reverse. Labels that the Platform names nowhere are free.",
		Mend:  "List the label in the Platform, or take it from the manifest."}
)

// Rules are the findings of this package.
var Rules = []*diag.Rule{otherLabels, servicePort, otherPort, otherNetwork, otherNamespaceLabels, unlistedLabel}

// Check compares one plan with the manifests of namespaces, workloads and Services.
func Check(p *plan.Plan, world object.Set) diag.List {
	c := checker{pods: map[string][]template{}, services: map[string][]*corev1.Service{}}
	for _, o := range world.All() {
		if t := o.PodTemplate(); t != nil {
			c.pods[o.ID.Namespace] = append(c.pods[o.ID.Namespace], template{o.ID, t.Labels, t.Spec})
		}
	}
	object.Each(world, func(o object.Object, s *corev1.Service) {
		c.services[o.ID.Namespace] = append(c.services[o.ID.Namespace], s)
	})
	naming := map[string]plan.Namespace{} // of each label, the first namespace of which it is named
	for _, n := range p.Namespaces {
		for key := range n.Labels {
			if _, named := naming[key]; !named {
				naming[key] = n
			}
		}
	}
	for _, n := range p.Namespaces {
		c.namespace(n, naming, world)
	}
	for _, w := range p.Workloads {
		c.workload(w)
	}
	return c.found
}

// template is what one manifest says of its pods.
type template struct {
	id     object.ID
	labels map[string]string
	spec   corev1.PodSpec
}

// seen returns the finding with the manifest that it contradicts.
func seen(f diag.Diagnostic, id object.ID, pointer string) diag.Diagnostic {
	f.Related = append(f.Related, diag.Related{Subject: diag.Subject{Object: id, Pointer: pointer}, Message: "what the manifest says"})
	return f
}

// checker holds the manifests by namespace.
type checker struct {
	pods     map[string][]template
	services map[string][]*corev1.Service
	found    diag.List
}

// add keeps a finding about plan and manifests that contradict each other.
func (c *checker) add(f diag.Diagnostic) { c.found = append(c.found, f) }

// namespace compares the labels that the Platform gives a namespace with those of its manifest.
func (c *checker) namespace(n plan.Namespace, naming map[string]plan.Namespace, world object.Set) {
	o, described := world.Get(object.ID{Kind: "Namespace", Name: n.Name})
	if !described {
		return
	}
	carried := o.Labels()
	for _, key := range diag.SortedKeys(n.Labels) {
		want := n.Labels[key]
		got, has := carried[key]
		if key == plan.NamespaceLabel || has && got == want {
			continue
		}
		what := "has no such label"
		if has {
			what = fmt.Sprintf("says %s", yamltext.Quote(got))
		}
		f := otherNamespaceLabels.At(n.Span, "the Platform gives namespace %s the label %s, and its manifest %s", n.Name, label(key, want), what)
		c.add(seen(f, o.ID, "/metadata/name").Suggest("add the label to the manifest, or correct the Platform"))
	}
	for _, key := range diag.SortedKeys(carried) {
		by, named := naming[key]
		if _, listed := n.Labels[key]; listed || !named {
			continue
		}
		f := unlistedLabel.On(diag.Subject{Object: o.ID, Pointer: "/metadata/labels" + object.Pointer(key)},
			"namespace %s carries %s, and the Platform lists it without", n.Name, label(key, carried[key])).
			Because("the Platform names %s at %s, and so says of every namespace that it lists whether it carries that label", key, by.Name).
			Suggest("add %s to the labels of %s in the Platform, or take it from the manifest", label(key, carried[key]), n.Name)
		f.Related = []diag.Related{{Span: n.Span, Message: "what the Platform lists"}, {Span: by.Span, Message: "where it names " + key}}
		c.add(f)
	}
}

// label writes a label as it can be pasted into a manifest or the Platform.
func label(key, value string) string {
	return yamltext.Line(yamltext.Field{Key: key, Value: value})
}

// workload compares a workload of the plan with the manifests that its selector finds: labels,
// host network and ports.
func (c *checker) workload(w plan.Workload) {
	var selected, namesakes []template
	for _, t := range c.pods[w.Namespace] {
		switch {
		case selects(w.Selector, t):
			selected = append(selected, t)
		case t.id.Name == w.Name:
			namesakes = append(namesakes, t)
		}
	}
	if len(selected) == 0 {
		for _, t := range namesakes {
			at := w.SelectorSpan
			if at.IsZero() {
				at = w.Span
			}
			f := otherLabels.At(at, "%s selects %s, which the pods of %s do not carry", w.Ref(), w.Selector, t.id).
				Because("its pods carry %s", labelsText(t.labels))
			c.add(seen(f, t.id, "/metadata/name").
				Suggest("write a selector with labels that the pods carry, or name the Platform's nameLabel after the label that holds the name"))
		}
		return
	}
	for _, t := range selected {
		if t.spec.HostNetwork && !w.HostNetwork {
			f := otherNetwork.At(w.Span, "the pods of %s are on the host network", t.id)
			c.add(seen(f, t.id, "/metadata/name").Suggest("add hostNetwork: true"))
		}
	}
	for _, named := range w.Ports {
		c.port(w, named, selected)
	}
}

// selects reports whether the workload's selector may select the pods of a manifest's template:
// what it asks of labels that controllers add is believed.
func selects(s object.Selector, t template) bool {
	return slices.DeleteFunc(slices.Clone(s), func(r object.Requirement) bool {
		return slices.Contains(object.GeneratedLabels, r.Key)
	}).Matches(t.labels)
}

// port looks for a declared port of the plan among those of the selected manifests' containers.
func (c *checker) port(w plan.Workload, named plan.NamedPort, selected []template) {
	var declared []plan.Port
	for _, t := range selected {
		declared = append(declared, containerPorts(t.spec)...)
	}
	missing := plan.SubtractPorts(named.Ports, declared)
	if len(missing) == 0 || len(declared) == 0 {
		return
	}
	for _, s := range c.services[w.Namespace] {
		if !selectsAny(s, selected) {
			continue
		}
		for _, p := range s.Spec.Ports {
			if target := targetPort(p, selected); slices.Contains(missing, port(p.Protocol, p.Port)) && target != p.Port {
				f := servicePort.At(named.Span, "port %s of %s is the port %s of Service %s", named.Name, w.Ref(), plan.FormatPorts(missing), s.Name)
				if target != 0 {
					f = f.Suggest("its pods listen on %d", target)
				} else {
					f = f.Suggest("its pods listen on %s", plan.FormatPorts(plan.NormalPorts(declared)))
				}
				c.add(f)
				return
			}
		}
	}
	f := otherPort.At(named.Span, "port %s of %s is %s, which no container declares", named.Name, w.Ref(), plan.FormatPorts(missing))
	c.add(seen(f, selected[0].id, "/metadata/name").
		Suggest("its containers declare %s", plan.FormatPorts(plan.NormalPorts(declared))))
}

// containerPorts lists the ports of a manifest's containers, with which declared ones are
// compared.
func containerPorts(spec corev1.PodSpec) []plan.Port {
	var all []plan.Port
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for _, container := range containers {
			for _, p := range container.Ports {
				all = append(all, port(p.Protocol, p.ContainerPort))
			}
		}
	}
	return all
}

// port makes a port of the plan of a manifest's; Kubernetes' default protocol is TCP.
func port(protocol corev1.Protocol, number int32) plan.Port {
	p := plan.Port{Protocol: plan.TCP, First: uint16(number), Last: uint16(number)}
	if protocol != "" {
		p.Protocol = plan.Protocol(protocol)
	}
	return p
}

// selectsAny reports whether a Service's manifest selects any pods of a workload.
func selectsAny(s *corev1.Service, pods []template) bool {
	return len(s.Spec.Selector) > 0 && slices.ContainsFunc(pods, func(t template) bool {
		for k, v := range s.Spec.Selector {
			if t.labels[k] != v {
				return false
			}
		}
		return true
	})
}

// targetPort finds the pod's port behind a Service's, or 0 where no pod has it.
func targetPort(p corev1.ServicePort, pods []template) int32 {
	switch {
	case p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal == 0:
		return p.Port
	case p.TargetPort.Type == intstr.Int:
		return p.TargetPort.IntVal
	}
	for _, t := range pods {
		for _, container := range t.spec.Containers {
			for _, declared := range container.Ports {
				if declared.Name == p.TargetPort.StrVal {
					return declared.ContainerPort
				}
			}
		}
	}
	return 0
}

// labelsText writes the labels of a manifest's pods in a finding.
func labelsText(labels map[string]string) string {
	if len(labels) == 0 {
		return "no labels"
	}
	var all []string
	for _, k := range diag.SortedKeys(labels) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ",")
}
