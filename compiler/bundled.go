package compiler

import (
	"slices"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/packet"
)

// asBuilt takes the pods that a build's own policies, among those that are judged, keep from
// resolving names for pods that are meant to do without: an intent may say so, and the build
// judged the rest with more knowledge of the cluster than there is here. What others add to
// that is judged.
func (r running) asBuilt(m *meaning.Meaning, everybody population.Population) {
	if !slices.ContainsFunc(r.set.All(), ofBuild) {
		return
	}
	objects := slices.DeleteFunc(slices.Clone(r.set.All()), func(o object.Object) bool { return o.Role == object.Policy && !ofBuild(o) })
	alone := m
	if len(objects) < r.set.Len() || len(r.unread) > 0 {
		set, _ := object.NewSet(objects)
		alone, _ = meaning.Of(set, r.known.Cluster)
	}
	all, ours := m.Asker(), alone.Asker()
	for _, pods := range everybody.All {
		pods.Resolves = pods.Resolves && !slices.ContainsFunc(everybody.DNS, func(server *population.Pods) bool {
			return slices.ContainsFunc([]packet.Protocol{packet.UDP, packet.TCP}, func(protocol packet.Protocol) bool {
				ask := meaning.Packet{From: meaning.Pod(pods.Endpoint), To: meaning.Pod(server.Endpoint), Protocol: protocol, Port: uint16(r.known.DNS.Port)}
				outcome := ours.WalkHalf(ask, meaning.Egress).Outcome
				return outcome != meaning.Allowed && outcome == all.WalkHalf(ask, meaning.Egress).Outcome
			})
		})
	}
}

// ofBuild reports whether a build emitted a policy that is now judged, as far as its label says.
func ofBuild(o object.Object) bool {
	return o.Role == object.Policy && o.Labels()[plan.ManagedBy] == plan.Manager
}
