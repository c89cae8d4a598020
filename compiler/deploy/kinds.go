package deploy

import (
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// hostKinds are read with policies and are not judged: what they do to the traffic of
// nodes is not modelled.
var hostKinds = []string{"HostEndpoint", "Profile"}

// names reports whether the Platform lets a component over the unit bring an object's kind.
func (v *vetting) names(id object.ID) bool {
	return slices.ContainsFunc(v.Components, func(c plan.Component) bool {
		return v.Wrote(c, id.Kind) && slices.ContainsFunc(c.Kinds, func(k plan.NamedKind) bool {
			kind, group, grouped := strings.Cut(k.Name, ".")
			return kind == id.Kind && (!grouped || group == id.Group)
		})
	})
}

// refuseKind refuses an object of a kind that the proof does not judge and the Platform does not
// name.
func (v *vetting) refuseKind() {
	id := v.object.ID
	d := notJudged.On(v.at("kind"), "%s is of a kind that the proof does not judge", id)
	if slices.Contains(hostKinds, id.Kind) && v.object.Role == object.Policy {
		v.add(d.Because("policies decide at host endpoints what enters and leaves nodes, before and behind what pods' policies decide, and that is not modelled").
			Suggest("deploy it apart from the policies of pods"))
		return
	}
	v.add(d.Because("what it does to traffic, or to the program that enforces policies, is not known here: a proof beside it would promise more than it knows").
		Suggest("deploy it apart or, if it is to be carried without a judgement, name the kind in the Platform: %s", v.example("kinds", yamltext.List{id.Kind}, id.Kind)))
}

// hostFields are the fields by which a policy acts on host endpoints, and what then
// decides.
var hostFields = map[string]string{
	"applyOnForward": "the policy decides what a node forwards to its pods and from them",
	"preDNAT":        "the policy decides before the addresses of Services become those of pods",
	"doNotTrack":     "the policy decides before connections are tracked, on their replies as well",
}

// hostFields refuses fields of policies that are about host endpoints, which no proof judges.
func (v *vetting) hostFields() {
	spec, _ := v.manifest["spec"].(map[string]any)
	for _, field := range diag.SortedKeys(hostFields) {
		if spec[field] == true {
			v.add(notJudged.On(v.at("spec", field), "%s is set on %s, which the proof does not judge", field, v.object.ID).
				Because("%s, at host endpoints, which is not modelled", hostFields[field]).
				Suggest("remove it, or deploy a policy for host endpoints apart from the policies of pods"), field)
		}
	}
}

// vetKindName refuses in the Platform a name of a kind by which nothing would be carried.
func vetKindName(k plan.NamedKind) diag.List {
	kind, group, _ := strings.Cut(k.Name, ".")
	switch {
	case slices.Contains(hostKinds, kind) && (group == "" || group == "projectcalico.org"):
		return diag.List{notJudged.At(k.Span, "%s cannot be carried", k.Name).
			Because("policies decide at host endpoints what enters and leaves nodes, before and behind what pods' policies decide, and that is not modelled").
			Suggest("deploy it apart from the policies of pods")}
	case object.IsPolicyKind(group, kind):
		return diag.List{notJudged.At(k.Span, "%s cannot be carried", k.Name).
			Because("it is a policy, or a part of one: where the proof models it, it is judged and needs no name, and where it does not, it is refused").
			Suggest("remove it from kinds")}
	}
	return nil
}
