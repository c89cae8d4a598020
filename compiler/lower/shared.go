package lower

import (
	"strconv"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/object"
)

// shared holds the parts that many objects of a plan have alike, each of them once: manifests refer
// to them, and nobody changes one that was made.
type shared struct {
	selectors map[string]any         // by their text: what selects pods
	ports     map[plan.Port]any      // the list of one port
	peers     map[peerKey]sharedPeer // of pods, in Kubernetes' terms
	pointers  map[pointerKey]string
	resolvers plan.Resolvers
}

// newShared prepares what the objects of a plan share, of which nothing is made yet.
func newShared(resolvers plan.Resolvers) shared {
	return shared{map[string]any{}, map[plan.Port]any{}, map[peerKey]sharedPeer{}, map[pointerKey]string{}, resolvers}
}

// peerKey tells pods apart as the peers of policies in one namespace do.
type peerKey struct {
	own                  bool   // they are in the policy's own namespace
	namespace            string // where they are, unless that is the own one
	namespaces, selector string // texts of selectors
}

// sharedPeer is a peer of a NetworkPolicy, and its text.
type sharedPeer struct {
	manifest any
	text     []byte
}

// podSelector writes a selector of pods as a manifest has it.
func (s shared) podSelector(selector object.Selector, text string) any {
	known, ok := s.selectors[text]
	if !ok {
		known = selector.Manifest()
		s.selectors[text] = known
	}
	return known
}

// kubernetesPorts writes ports as the function of that name does, or nil for every port.
func (s shared) kubernetesPorts(ports []plan.Port) (written any) {
	if len(ports) == 1 {
		if known, ok := s.ports[ports[0]]; ok {
			return known
		}
	}
	if all := kubernetesPorts(ports); all != nil {
		written = all
	}
	if len(ports) == 1 {
		s.ports[ports[0]] = written
	}
	return written
}

// kubernetesPeers writes an end as the peers of NetworkPolicies in the namespace.
func (s shared) kubernetesPeers(n plan.Namespace, end plan.End) []sharedPeer {
	if end.Pods == nil {
		var all []sharedPeer
		for _, m := range kubernetesPeers(n, end) {
			all = append(all, sharedPeer{m, m.YAML()})
		}
		return all
	}
	key := peerKey{namespace: end.Pods.Namespace, namespaces: end.Pods.Namespaces.String(), selector: end.Pods.Selector.String()}
	if key.namespace == n.Name {
		key = peerKey{own: true, selector: key.selector}
	}
	known, ok := s.peers[key]
	if !ok {
		m := kubernetesPeers(n, end)[0]
		known = sharedPeer{m, m.YAML()}
		s.peers[key] = known
	}
	return []sharedPeer{known}
}

// pointerKey is a rule of a NetworkPolicy's direction, or, unless it is negative, a peer of it.
type pointerKey struct {
	egress     bool
	rule, peer int
}

// pointer makes the JSON pointer to a rule or a peer.
func (s shared) pointer(key pointerKey) string {
	known, ok := s.pointers[key]
	if !ok {
		direction, peers := "ingress", "from"
		if key.egress {
			direction, peers = "egress", "to"
		}
		tokens := []string{"spec", direction, strconv.Itoa(key.rule)}
		if key.peer >= 0 {
			tokens = append(tokens, peers, strconv.Itoa(key.peer))
		}
		known = object.Pointer(tokens...)
		s.pointers[key] = known
	}
	return known
}
