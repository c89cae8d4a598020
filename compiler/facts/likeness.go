package facts

import (
	"slices"
	"strconv"

	"portcullis.dev/compiler/population"
	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/packet"
	"portcullis.dev/policies/selector"
)

// likeness parts pods into classes: of one class are those of a namespace that no policy can
// tell apart by packets that ask for names. What is asked about one of them holds for all.
type likeness struct {
	walks    *meaning.Asker
	world    *worldMap
	asking   packet.Traffic                    // by which names are asked for
	policies [2]map[*meaning.Policy]*resolving // by direction, of those that were looked at
	servers  []server
	off      bool // each pod is of a class of its own: for tests
}

// newLikeness prepares to part pods into classes that ask for names alike: it reads the policies
// of the servers that are asked.
func newLikeness(world *worldMap, dnsPort int, servers ...*population.Pods) *likeness {
	l := &likeness{walks: world.walks, world: world, asking: asking(dnsPort)}
	l.policies = [2]map[*meaning.Policy]*resolving{{}, {}}
	for _, of := range servers {
		s := server{Pods: of}
		for _, p := range l.walks.Governing(of.Endpoint, meaning.Ingress).Policies {
			if resolves := l.policy(p, meaning.Ingress); resolves.decides {
				s.policies = append(s.policies, resolves)
			}
		}
		l.servers = append(l.servers, s)
	}
	return l
}

// server is pods that are asked for names, and the policies that may decide whether they hear it.
type server struct {
	*population.Pods
	policies []*resolving
}

// resolving is what a policy has to do with packets from a pod that ask for names.
type resolving struct {
	number  int
	decides bool // a rule may match one
	// reads are the selectors by which such rules tell pods of one namespace apart, as sources.
	reads []*selector.Selector
	// readsMore: a rule asks something else of the source.
	readsMore bool
}

// policy reads, once for each policy, what its rules depend on when a pod asks for names.
func (l *likeness) policy(p *meaning.Policy, d meaning.Direction) *resolving {
	if known := l.policies[d][p]; known != nil {
		return known
	}
	of := &resolving{number: len(l.policies[d])}
	l.policies[d][p] = of
	for i := range p.Rules[d] {
		r := &p.Rules[d][i]
		if r.Action == meaning.Log || !r.Traffic().Overlaps(l.asking) {
			continue
		}
		of.decides, of.readsMore = true, of.readsMore || r.Source.Service != nil || r.Source.NamesPorts()
		for _, s := range []*selector.Selector{r.Source.Selector, r.Source.NotSelector} {
			if s != nil && !readsNamespace(s.Root()) {
				of.reads = append(of.reads, s)
			}
		}
	}
	return of
}

// readsNamespace reports whether a selector makes all pods of a namespace alike: it reads nothing
// of them but that.
func readsNamespace(n *selector.Node) bool {
	if selector.OpHas <= n.Op && n.Op <= selector.OpNotIn {
		of, _ := meaning.LabelOf(n.Key)
		return of == meaning.NamespaceName || of == meaning.NamespaceLabel || of == meaning.OrchestratorLabel
	}
	return !slices.ContainsFunc(n.Kids, func(kid selector.Node) bool { return !readsNamespace(&kid) })
}

// sender names the class of a pod in its namespace, as it asks servers and strangers; none where
// a policy reads more of it than can be named. It goes by the tiers that govern the pod, by
// those of their policies that may decide, or of which nobody knows whether they apply, by the
// policy that a tier's end is told of, and by what is read.
func (l *likeness) sender(e *population.Pods, g meaning.Governed) (class string, named bool) {
	if !l.canName(e) {
		return "", false
	}
	var key []byte
	for left := g.Policies; len(left) > 0; {
		tier := left
		if below := slices.IndexFunc(left, func(p *meaning.Policy) bool { return p.Tier != left[0].Tier }); below > 0 {
			tier = left[:below]
		}
		left = left[len(tier):]
		end := meaning.Isolating(tier, meaning.Egress)
		key = strconv.AppendInt(append(key, '/'), int64(l.policy(end, meaning.Egress).number), 10)
		for _, p := range tier {
			of := l.policy(p, meaning.Egress)
			if of.readsMore {
				return "", false
			}
			if e.NamespaceUnwritten && meaning.Uncertain(p.Selector(), e.Endpoint) {
				key = strconv.AppendInt(append(key, '?'), int64(of.number), 10)
			}
			if of.decides {
				key = strconv.AppendInt(append(key, ' '), int64(of.number), 10)
				key = of.read(key, e)
			}
		}
	}
	for i := range l.servers {
		if key, named = l.servers[i].hears(key, e); !named {
			return "", false
		}
	}
	if l.world.isLikeAnywhere(g) {
		key = append(key, '=')
	}
	return string(key), true
}

// client names the class of pods that are alike to one server, as its policies hear them.
func (l *likeness) client(e, of *population.Pods) (class string, named bool) {
	at := slices.IndexFunc(l.servers, func(s server) bool { return s.Pods == of })
	if at < 0 || !l.canName(e) {
		return "", false
	}
	key, named := l.servers[at].hears([]byte(e.Namespace+" "), e)
	return string(key), named
}

// canName reports whether pods are alike but for their labels, accounts and names of ports: no
// address of theirs is known.
func (l *likeness) canName(e *population.Pods) bool {
	return !l.off && !e.HostNetwork && len(e.Addresses) == 0 && e.NamespaceLabels != nil
}

// hears adds to a class's key what the policies of a server read of who asks.
func (s *server) hears(key []byte, e *population.Pods) (_ []byte, named bool) {
	for _, of := range s.policies {
		if of.readsMore {
			return nil, false
		}
		key = of.read(key, e)
	}
	return key, true
}

// read adds to a class's key what the policy reads of a pod that asks for names.
func (r *resolving) read(key []byte, e *population.Pods) []byte {
	for _, s := range r.reads {
		switch {
		case meaning.Uncertain(*s, e.Endpoint):
			key = append(key, '?')
		case s.Matches(e):
			key = append(key, '+')
		default:
			key = append(key, '-')
		}
	}
	return key
}
