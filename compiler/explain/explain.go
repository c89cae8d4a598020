// Package explain says why a flow is allowed or denied: which policies a packet meets
// on either half, which rule decides and where it is written, why nothing else does,
// and what one change would turn the verdict.
//
// Its invariant: what it says of verdicts is what policies/meaning says, of all traffic
// between the ends that are there: everybody who has a name, every range of addresses that
// is told apart, a pod without labels in each namespace, and one for whatever else policies
// ask of pods. A change is named only if policies with that change were found to do what
// it promises.
//
// An answer is data: those who write it for people and for programs share it, and so do
// those who look up where something stands and what change of a repository would do.
//
// It must not know how a file is read or a terminal is written to, nor any rule by
// which policies are judged good or bad.
package explain

import (
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/relation"
)

// World is what one cluster's policies are explained in.
type World struct {
	Environment string     // empty for manifests
	Plan        *plan.Plan // nil for manifests
	Set         object.Set // what Meaning is of
	Meaning     *meaning.Meaning
	// Pods are the endpoints that have a name: those that manifests describe, and those
	// that stand for workloads of the plan.
	Pods []*meaning.Endpoint
	// Namespaces are those of manifests, with what is known of their labels; nil with a plan.
	Namespaces []plan.Namespace
	// Peers are what the @names of the questions mean; nil for manifests.
	Peers map[string]Named

	byName    map[string][]*meaning.Endpoint
	byAddress map[netip.Addr]*meaning.Endpoint
	asker     *meaning.Asker
	labels    map[string]map[string]string // of namespaces, as far as they are known
	asked     []*asked
	sets      []meaning.Holder
	known     *relation.Universe
	spaces    []string // the namespaces that anything is known of
	byID      map[diag.ObjectID]*meaning.Policy
	near      *nearby
	everybody []Member
}

// Named is what an @name of the Platform's means in the world's environment, or why it
// means nothing.
type Named struct {
	Ends        []plan.End
	Wrong, Hint string
}

// walk follows one packet through the policies of the world that is explained.
func (w *World) walk(k meaning.Packet) meaning.Verdict { return w.asking().Follow(k) }

// asking returns the world's one walker of packets, made when it is first asked.
func (w *World) asking() *meaning.Asker {
	if w.asker == nil {
		w.asker = w.Meaning.Asker()
	}
	return w.asker
}

// precedence is which kind a name means where several objects have it: what runs
// before what makes it.
var precedence = []string{"Pod", "Deployment", "StatefulSet", "DaemonSet"}

// named looks up the pods and workloads of the world with a name, the one that it means first.
func (w *World) named(name string) []*meaning.Endpoint {
	if w.byName == nil {
		w.byName, w.byAddress = map[string][]*meaning.Endpoint{}, map[netip.Addr]*meaning.Endpoint{}
		for _, e := range w.Pods {
			w.byName[e.Ref()] = append(w.byName[e.Ref()], e)
			for _, a := range e.Addresses {
				if !e.HostNetwork && w.byAddress[a] == nil {
					w.byAddress[a] = e
				}
			}
		}
		rank := func(e *meaning.Endpoint) int {
			if i := slices.Index(precedence, e.Object.Kind); i >= 0 {
				return i
			}
			return len(precedence)
		}
		for _, all := range w.byName {
			slices.SortStableFunc(all, func(a, b *meaning.Endpoint) int { return rank(a) - rank(b) })
		}
	}
	return w.byName[name]
}

// at looks up who in the world that is explained has an address: a pod, or else whoever Meaning
// knows.
func (w *World) at(a netip.Addr) meaning.Peer {
	w.named("")
	a = a.Unmap().WithZone("")
	if e := w.byAddress[a]; e != nil {
		return meaning.Peer{Endpoint: e, Addr: a}
	}
	return meaning.Address(a)
}

// peer looks up the end that a name or an address means in the world that is explained. Where it
// means none, the text says why, with what was meant if something is near.
func (w *World) peer(text string) (p meaning.Peer, wrong, hint string) {
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Zone() != "" {
			return p, "the address " + text + " has a zone", "leave it out: policies see none"
		}
		return w.at(a), "", ""
	}
	if r, err := netip.ParsePrefix(text); err == nil {
		if !r.IsSingleIP() {
			return p, text + " is a range of addresses", "name one address of it"
		}
		return w.at(r.Addr()), "", ""
	}
	if found := w.named(text); len(found) > 0 {
		return meaning.Pod(found[0]), "", ""
	}
	if wl := w.planned(text); wl != nil && wl.HostNetwork { // which no pod stands for
		return w.workload(wl).shown[0], "", ""
	}
	return p, "there is no pod or workload called " + quoted(text), w.nearest(text)
}

// planned finds the workload with a name in the plan of the world, or nil.
func (w *World) planned(name string) *plan.Workload {
	if w.Plan == nil {
		return nil
	}
	for i := range w.Plan.Workloads {
		if wl := &w.Plan.Workloads[i]; wl.Ref() == name {
			return wl
		}
	}
	return nil
}

// nearest suggests the pod or workload of the world whose name was meant.
func (w *World) nearest(text string) string {
	w.named("")
	known := diag.SortedKeys(w.byName)
	for _, k := range known { // the name alone, in whichever namespace
		if _, name, _ := strings.Cut(k, "/"); name == text {
			return "did you mean " + k + "?"
		}
	}
	if near := diag.Nearest(text, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "an end is namespace/name of a pod or workload, or an address"
}

// quoted quotes a name that was asked for, cut where it is longer than a line bears.
func quoted(text string) string {
	if len([]rune(text)) > 80 {
		text = string([]rune(text)[:80]) + "…"
	}
	return `"` + text + `"`
}
