package scaffold

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/policies/object"
)

// workload is what manifests say of pods that are made alike.
type workload struct {
	id          object.ID
	name        string                // of its intent, once in its namespace
	labels      map[string]string     // of its pods, as far as nobody generates them
	selector    *metav1.LabelSelector // its own, if it has one
	hostNetwork bool
	ports       []port
	settings    []setting
}

// setting is an environment variable whose value is known.
type setting struct{ name, value string }

// workloadsOf reads the workloads of a set, in order. Those that another one owns
// are left out: a ReplicaSet of a Deployment, a Pod of either.
func workloadsOf(set object.Set) []*workload {
	values := configMaps(set)
	var all []*workload
	for _, o := range set.All() {
		meta, selector, template := templateOf(o.Typed)
		if template == nil || len(meta.OwnerReferences) > 0 {
			continue
		}
		w := &workload{id: o.ID, selector: selector, labels: map[string]string{}, hostNetwork: template.Spec.HostNetwork}
		for key, value := range template.Labels {
			if !slices.Contains(object.GeneratedLabels, key) {
				w.labels[key] = value
			}
		}
		if o.ID.Kind == "Job" && len(w.labels) == 0 {
			w.labels["batch.kubernetes.io/job-name"] = o.ID.Name // its controller does
		}
		for _, c := range containersOf(template.Spec) {
			for _, p := range c.Ports {
				w.addPort(port{p.Name, p.Name, protocolOf(p.Protocol), p.ContainerPort})
			}
			w.settings = append(w.settings, settingsOf(c, o.ID.Namespace, values)...)
		}
		all = append(all, w)
	}
	nameAll(all)
	return all
}

// templateOf reads what a kind of workload says of its pods: labels, selector and template; nil
// for other kinds.
func templateOf(typed any) (meta metav1.ObjectMeta, selector *metav1.LabelSelector, template *corev1.PodTemplateSpec) {
	switch w := typed.(type) {
	case *appsv1.Deployment:
		return w.ObjectMeta, w.Spec.Selector, &w.Spec.Template
	case *appsv1.StatefulSet:
		return w.ObjectMeta, w.Spec.Selector, &w.Spec.Template
	case *appsv1.DaemonSet:
		return w.ObjectMeta, w.Spec.Selector, &w.Spec.Template
	case *appsv1.ReplicaSet:
		return w.ObjectMeta, w.Spec.Selector, &w.Spec.Template
	case *batchv1.Job:
		return w.ObjectMeta, nil, &w.Spec.Template
	case *batchv1.CronJob:
		return w.ObjectMeta, nil, &w.Spec.JobTemplate.Spec.Template
	case *corev1.Pod:
		return w.ObjectMeta, nil, &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: w.Labels}, Spec: w.Spec}
	}
	return metav1.ObjectMeta{}, nil, nil
}

// containersOf lists the containers that run as long as the workload's pod does, sidecars
// included.
func containersOf(spec corev1.PodSpec) []corev1.Container {
	all := slices.Clone(spec.Containers)
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return all
}

// configMaps reads the values of ConfigMaps, by namespace/name, for the settings of workloads.
// Secrets are nobody's business.
func configMaps(set object.Set) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, o := range set.All() {
		if o.ID.Kind == "ConfigMap" && o.ID.Group == "" {
			all[o.ID.Namespace+"/"+o.ID.Name] = dataOf(o)
		}
	}
	return all
}

// settingsOf reads the environment variables of a workload's container, in the order of their
// names.
func settingsOf(c corev1.Container, namespace string, configMaps map[string]map[string]string) []setting {
	values := map[string]string{}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			for key, value := range configMaps[namespace+"/"+from.ConfigMapRef.Name] {
				values[from.Prefix+key] = value
			}
		}
	}
	for _, e := range c.Env {
		values[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
			ref := e.ValueFrom.ConfigMapKeyRef
			values[e.Name] = configMaps[namespace+"/"+ref.Name][ref.Key]
		}
	}
	var all []setting
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, setting{name, values[name]})
	}
	return all
}

// nameAll gives every workload a name that is its own in its namespace. A later one of the same
// name gets its kind as well.
func nameAll(all []*workload) {
	taken := map[string]bool{}
	for _, w := range all {
		name := Name(w.id.Name)
		for i := 1; taken[w.id.Namespace+"/"+name]; i++ {
			suffix := "-" + strings.ToLower(w.id.Kind)
			if i > 1 {
				suffix = fmt.Sprintf("%s-%d", suffix, i)
			}
			name = strings.TrimRight(Name(w.id.Name)[:min(len(Name(w.id.Name)), 63-len(suffix))], "-") + suffix
		}
		taken[w.id.Namespace+"/"+name] = true
		w.name = name
	}
}
