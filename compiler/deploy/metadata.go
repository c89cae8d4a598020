package deploy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"portcullis.dev/compiler/locate"
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// Metadata are the labels and annotations of an object.
type Metadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// MetadataOf reads an object's labels and annotations.
func MetadataOf(o object.Object) Metadata {
	var head struct {
		Metadata Metadata `json:"metadata"`
	}
	if json.Unmarshal(o.JSON, &head) != nil {
		return Metadata{} // of a kind that nothing is asked of
	}
	return head.Metadata
}

// powers are the fields of metadata that decide whether an object stays, or is applied,
// and how.
var powers = map[string]string{
	"ownerReferences":            "the API server deletes an object whose owner is not there",
	"finalizers":                 "an object with a finalizer cannot be deleted, and so not be mended by who replaces it",
	"deletionTimestamp":          "it is the API server's own, and says that the object is being deleted",
	"deletionGracePeriodSeconds": "it is the API server's own, and says that the object is being deleted",
	"generateName":               "the API server makes a name of it, another one each time",
	"managedFields":              "it is the API server's own, and says whose each field is: who applies the object leaves other people's alone",
	"resourceVersion":            "the API server refuses an object of another version than the one that it has",
	"uid":                        "the API server refuses an object of another identity than the one that it has",
}

// fields refuses metadata that is neither a name nor a text.
func (v *vetting) fields() {
	fields, _ := v.manifest["metadata"].(map[string]any)
	for _, field := range diag.SortedKeys(fields) {
		switch field {
		case "name", "namespace", "labels", "annotations":
			continue
		}
		if fields[field] == nil {
			continue // as if it were not there
		}
		why := powers[field]
		if why == "" {
			why = "it is the API server's own"
		}
		v.add(actsOnDeployers.On(v.at("metadata", field), "metadata.%s is set on %s", field, v.object.ID).Because("%s", why).
			Suggest("remove it: the metadata of a policy is its name, its namespace, labels and annotations"), field)
	}
}

// The forms of names, as the API server checks them.
var (
	subdomain  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	label      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	key        = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
)

const longestName = 253

// name refuses an object that the API server would refuse for its name. What Calico asks
// of names beyond that is for who reads policies.
func (v *vetting) name() {
	id := v.object.ID
	if !strings.Contains(id.Name, "$") && (!subdomain.MatchString(id.Name) || len(id.Name) > longestName) {
		v.add(refusedName.On(v.at("metadata", "name"), "the name %q of a %s is no DNS subdomain", quoted(id.Name), id.Kind).
			Because("the API server refuses the object, and what it was to close stays open").
			Suggest("use at most %d lower-case letters, digits, dashes and dots, and begin and end each part with a letter or digit", longestName))
	}
	written, _ := v.manifest["metadata"].(map[string]any)["namespace"].(string)
	switch clusterScoped := object.ClusterScoped(v.object.APIVersion, id.Kind); {
	case clusterScoped && written != "":
		v.add(refusedName.On(v.at("metadata", "namespace"), "%s has the namespace %q, and no %s has one", id, quoted(written), id.Kind).
			Because("the API server refuses the object, or a deployer leaves it out of what it prunes and compares").
			Suggest("remove the namespace"), "namespace")
	case !clusterScoped && written == "":
		v.add(refusedName.On(v.at("metadata", "name"), "%s %s has no namespace", id.Kind, quoted(id.Name)).
			Because("whoever deploys it chooses one: kubectl takes that of its context, Argo CD that of the Application, and here it was judged in default").
			Suggest("write the namespace that is meant"))
	}
	if id.Namespace != "" && !strings.Contains(id.Namespace, "$") && !label.MatchString(id.Namespace) {
		v.add(refusedName.On(v.at("metadata", "namespace"), "the namespace %q of %s %s is no DNS label", quoted(id.Namespace), id.Kind, quoted(id.Name)).
			Because("there can be no namespace of that name, and the API server refuses the object").
			Suggest("use at most 63 lower-case letters, digits and dashes"))
	}
	for _, k := range diag.SortedKeys(v.Labels) {
		if value := v.Labels[k]; !strings.Contains(k+value, "$") && (!isKey(k) || !labelValue.MatchString(value)) {
			v.add(refusedName.On(v.at("metadata", "labels", k), "the label %s: %q of %s is not valid", quoted(k), quoted(value), id).
				Because("the API server refuses the object, and what it was to close stays open").
				Suggest("keys and values have at most 63 letters, digits, dashes, underscores and dots; before a key may stand a DNS name and a slash"), k)
		}
	}
	for _, k := range diag.SortedKeys(v.Annotations) {
		if !strings.Contains(k, "$") && !isKey(strings.ToLower(k)) {
			v.add(refusedName.On(v.at("metadata", "annotations", k), "the annotation %s of %s has no valid key", quoted(k), id).
				Because("the API server refuses the object, and what it was to close stays open").
				Suggest("a key has at most 63 letters, digits, dashes, underscores and dots; before it may stand a DNS name and a slash"), k)
		}
	}
}

// isKey reports whether a word is a qualified name, as keys of labels and annotations are.
func isKey(word string) bool {
	domain, name, prefixed := strings.Cut(word, "/")
	if !prefixed {
		return key.MatchString(word)
	}
	return subdomain.MatchString(domain) && len(domain) <= longestName && key.MatchString(name)
}

// metadata lets through what deployers act on where we wrote it or the Platform names it.
func (v *vetting) metadata() {
	labels := v.actedOn("labels", v.Labels, func(m *Metadata) map[string]string { return m.Labels }, func(c plan.Component) []plan.NamedMetadata { return c.Labels })
	annotations := v.actedOn("annotations", v.Annotations, func(m *Metadata) map[string]string { return m.Annotations }, func(c plan.Component) []plan.NamedMetadata { return c.Annotations })
	if labels != nil || annotations != nil {
		v.carried = &Carried{Object: v.object.ID, Labels: labels, Annotations: annotations}
	}
}

// actedOn refuses labels, or annotations, on which deployers act, and returns those that the
// Platform names.
func (v *vetting) actedOn(field string, values map[string]string, ours func(*Metadata) map[string]string, named func(plan.Component) []plan.NamedMetadata) (carried map[string]string) {
	var emitted map[string]string
	if before := v.Emitted(); before != nil {
		emitted = ours(before)
	}
	v.taken(field, values, emitted)
	for _, k := range diag.SortedKeys(values) {
		d := deployerOf(k)
		was, our := emitted[k]
		if d == nil || our && was == values[k] || !our && (k == substitute && values[k] == disabled || len(d.values) > 0 && !slices.Contains(d.values, values[k])) {
			continue
		}
		refused := d.refuses(k, values[k])
		if !refused && v.isNamed(named, k, values[k]) {
			if carried == nil {
				carried = map[string]string{}
			}
			carried[k] = values[k]
			continue
		}
		hint := "remove it: it never passes on a policy"
		if !refused {
			hint = "remove it or, if it is meant, name it in the Platform: " + v.example(field, yamltext.Map{{Key: k, Value: values[k]}}, k, object.Pointer(k)[1:])
		}
		v.add(actsOnDeployers.On(v.at("metadata", field, k), "the %s %s on %s is for those who deploy it", strings.TrimSuffix(field, "s"), entry(k, values[k]), v.object.ID).
			Because("%s", d.does).Suggest("%s", hint), k, object.Pointer(k)[1:])
	}
	return carried
}

// entry writes a label, or an annotation, as YAML has it, its value shortened.
func entry(key, value string) string {
	return yamltext.Line(yamltext.Field{Key: key, Value: quoted(value)})
}

// taken refuses that a label, or an annotation, is gone that we wrote for those who deploy the
// object: they would do something else with it, as they would at another value.
func (v *vetting) taken(field string, values, emitted map[string]string) {
	for _, k := range diag.SortedKeys(emitted) {
		d := deployerOf(k)
		if _, kept := values[k]; kept || d == nil {
			continue
		}
		v.add(actsOnDeployers.On(v.at("metadata", field), "the %s %s is gone from %s, and is for those who deploy it", strings.TrimSuffix(field, "s"), entry(k, emitted[k]), v.object.ID).
			Because("%s; it was written so that they do it right", d.does).
			Suggest("leave it as it was written: a component adds labels and annotations, and takes none of ours away"), k, object.Pointer(k)[1:], field, "metadata")
	}
}

// isNamed reports whether the Platform names a label or annotation for a component that wrote it.
func (v *vetting) isNamed(named func(plan.Component) []plan.NamedMetadata, key, value string) bool {
	return slices.ContainsFunc(v.Components, func(c plan.Component) bool {
		return slices.ContainsFunc(named(c), func(m plan.NamedMetadata) bool {
			return m.Key == key && m.Value == value && v.Wrote(c, key, object.Pointer(key)[1:])
		})
	})
}

// emittedMetadata returns the labels and annotations that we wrote into an object, or nil.
func emittedMetadata(from locate.Origins, id object.ID) *Metadata {
	emitted, ours := from[id]
	if !ours {
		return nil
	}
	decoded, _ := object.DecodeManifest(emitted.Manifest)
	if len(decoded) != 1 {
		return nil
	}
	m := MetadataOf(decoded[0])
	return &m
}
