package repair

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/selector"
	"portcullis.dev/policies/yamltext"
)

// labelsOf selects the labels by which a rule in a repair's manifest names a pod. What controllers
// add is gone with the next roll-out, and what passes for a label of Calico's own is not seen.
func labelsOf(e *meaning.Endpoint) map[string]string {
	labels := maps.Clone(e.Labels)
	maps.DeleteFunc(labels, func(key, value string) bool {
		seen, ok := e.Label(key)
		return !ok || seen != value || slices.Contains(object.GeneratedLabels, key)
	})
	return labels
}

// longestSelector is Calico's limit.
const longestSelector = 1024

// nameless says why no rule of a repair's manifest can name a pod; empty if one can.
func nameless(e *meaning.Endpoint) string {
	labels := labelsOf(e)
	if len(labels) == 0 {
		return fmt.Sprintf("%s has no labels of its own, so a rule that names it names every pod of its namespace; give it a label first", e.Ref())
	}
	text := selecting(labels)
	if _, err := selector.Parse(text); err != nil || len(text) > longestSelector {
		return fmt.Sprintf("the labels of %s cannot be written in a selector", e.Ref())
	}
	return ""
}

// selecting writes the Calico selector of a repair's manifest for the pods with some labels:
// network sets and host endpoints, which may carry the same ones, are of no orchestrator.
func selecting(labels map[string]string) string {
	terms := []string{"projectcalico.org/orchestrator == 'k8s'"}
	for _, k := range diag.SortedKeys(labels) {
		terms = append(terms, k+" == "+quoted(labels[k]))
	}
	return strings.Join(terms, " && ")
}

// quoted quotes a value in the Calico selector of a repair's manifest, by whichever quote is not
// in it.
func quoted(value string) string {
	if strings.Contains(value, "'") {
		return `"` + value + `"`
	}
	return "'" + value + "'"
}

// section returns the field of a policy's manifest that holds the direction's rules.
func (w *want) section() string { return object.Pointer("spec", w.direction.String()) }

// traffic writes the wanted packet's protocol and port for people.
func (w *want) traffic() string {
	h := w.packet.Header()
	if h.Protocol.HasTypes() {
		return fmt.Sprintf("%s type %d", h.Protocol, h.Type)
	}
	return h.String()
}

// kubernetesCan reports whether a Kubernetes NetworkPolicy can allow the packet: its
// ports begin at 1, and it has no control messages.
func (w *want) kubernetesCan() bool { return w.packet.Protocol.HasPorts() && w.packet.Port > 0 }

// kubernetesRule writes the rule of a NetworkPolicy's manifest that allows the wanted packet.
func (w *want) kubernetesRule() object.Map {
	var peer object.Map
	switch {
	case w.peer == nil:
		peer = object.Map{{Key: "ipBlock", Value: object.Map{{Key: "cidr", Value: w.block()}}}}
	default:
		if w.peer.Namespace != w.own.Namespace {
			peer = object.Map{{Key: "namespaceSelector", Value: matchLabels(map[string]string{meaning.NameLabel: w.peer.Namespace})}}
		}
		peer = append(peer, object.Field{Key: "podSelector", Value: matchLabels(labelsOf(w.peer))})
	}
	side := "from"
	if w.direction == meaning.Egress {
		side = "to"
	}
	port := object.Map{{Key: "protocol", Value: w.packet.Protocol.String()}, {Key: "port", Value: int(w.packet.Port)}}
	return object.Map{{Key: side, Value: object.List{peer}}, {Key: "ports", Value: object.List{port}}}
}

// block writes the peer's address as a range of one, for a manifest.
func (w *want) block() string { return netip.PrefixFrom(w.address, w.address.BitLen()).String() }

// matchLabels writes labels as a Kubernetes selector in a repair's manifest.
func matchLabels(labels map[string]string) object.Map {
	return object.Map{{Key: "matchLabels", Value: yamltext.StringMap(labels)}}
}

// calicoRule writes the rule of a Calico policy's manifest for the wanted packet. It names the own
// end where the policy governs others as well.
func (w *want) calicoRule(action string, nameOwn bool) object.Map {
	rule := object.Map{{Key: "action", Value: action}}
	h := w.packet.Header()
	switch name := h.Protocol.String(); {
	case strings.HasPrefix(name, "protocol "):
		rule = append(rule, object.Field{Key: "protocol", Value: int(h.Protocol)})
	default:
		rule = append(rule, object.Field{Key: "protocol", Value: name})
	}
	if h.Protocol.HasTypes() {
		// Without the code: type and code in one rule break nftables' transactions.
		rule = append(rule, object.Field{Key: "icmp", Value: object.Map{{Key: "type", Value: int(h.Type)}}})
	}
	var own object.Map
	if nameOwn {
		own = entity(w.own)
	}
	peer := object.Map{{Key: "nets", Value: object.List{w.block()}}}
	if w.peer != nil {
		peer = entity(w.peer)
	}
	source, destination := peer, own
	if w.direction == meaning.Egress {
		source, destination = own, peer
	}
	if h.Protocol.HasPorts() {
		destination = append(destination, object.Field{Key: "ports", Value: object.List{int(h.Port)}})
	}
	for _, side := range []object.Field{{Key: "source", Value: source}, {Key: "destination", Value: destination}} {
		if len(side.Value.(object.Map)) > 0 {
			rule = append(rule, side)
		}
	}
	return rule
}

// entity writes a pod as the source or destination of a Calico rule in a repair's manifest.
func entity(e *meaning.Endpoint) object.Map {
	return object.Map{
		{Key: "namespaceSelector", Value: "projectcalico.org/name == " + quoted(e.Namespace)},
		{Key: "selector", Value: selecting(labelsOf(e))},
	}
}

// newPolicy writes the manifest of a policy for the workload, with the one rule: a Kubernetes one
// where it can say it.
func (w *want) newPolicy() object.Map {
	api, subject, types, rule := object.KubernetesAPI, object.Field{Key: "podSelector", Value: matchLabels(labelsOf(w.own))}, "policyTypes", w.kubernetesRule
	if !w.kubernetesCan() {
		api, subject, types = object.CalicoAPI, object.Field{Key: "selector", Value: selecting(labelsOf(w.own))}, "types"
		rule = func() object.Map { return w.calicoRule("Allow", false) }
	}
	spec := object.Map{
		subject,
		{Key: types, Value: object.List{strings.ToUpper(w.direction.String()[:1]) + w.direction.String()[1:]}},
		{Key: w.direction.String(), Value: object.List{rule()}},
	}
	if api == object.CalicoAPI {
		// Behind the rules that there are: none of them decides this packet, and those
		// that deny others go on doing so.
		spec = append(object.Map{{Key: "order", Value: w.lastOrder()}}, spec...)
	}
	return object.Map{
		{Key: "apiVersion", Value: api},
		{Key: "kind", Value: "NetworkPolicy"},
		{Key: "metadata", Value: object.Map{{Key: "name", Value: w.name(api)}, {Key: "namespace", Value: w.own.Namespace}}},
		{Key: "spec", Value: spec},
	}
}

// lastOrder finds an order for a new manifest behind the policies of tier default that have one.
func (w *want) lastOrder() int {
	const most = 1 << 30
	last := 1000 // of Kubernetes' policies
	for _, p := range w.m.Policies {
		if p.Tier == meaning.DefaultTier && p.OrderGiven && p.Order < most {
			last = max(last, int(p.Order))
		}
	}
	return last + 1
}

// name makes the name of a new policy's manifest, which says what it is for, and is no other's.
func (w *want) name(api string) string {
	other := w.address.StringExpanded()
	if w.peer != nil {
		other = w.peer.Name
	}
	way := "ingress-from"
	if w.direction == meaning.Egress {
		way = "egress-to"
	}
	full := fmt.Sprintf("%s-%s-%s-%s", w.own.Name, way, other, w.traffic())
	full = strings.ToLower(strings.NewReplacer(" ", "-", ".", "-", ":", "-").Replace(full)) // a dot would end a tier's name
	const room = 245                                                                        // of the 253 characters that a name may have
	full = strings.TrimRight(full[:min(len(full), room)], "-")
	group, _, _ := strings.Cut(api, "/")
	name := full
	for n := 2; w.taken(object.ID{Group: group, Kind: "NetworkPolicy", Namespace: w.own.Namespace, Name: name}); n++ {
		name = fmt.Sprintf("%s-%d", full, n)
	}
	return name
}

// taken reports whether a policy has the name already that a new manifest would get.
func (w *want) taken(id object.ID) bool {
	return slices.ContainsFunc(w.m.Policies, func(p *meaning.Policy) bool { return p.ID == id })
}
