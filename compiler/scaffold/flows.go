package scaffold

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/policies/object"
)

// schemePorts are the ports of addresses that name a scheme and no port.
var schemePorts = map[string]int32{"http": 80, "ws": 80, "https": 443, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379,
	"amqp": 5672, "mongodb": 27017, "nats": 4222, "ldap": 389, "ldaps": 636, "grpc": 0}

// flow is one that manifests suggest.
type flow struct {
	from, to *workload
	ports    []string // the names of the callee's; all of them where it is open which
	because  string
}

// service leads from a name to workloads.
type service struct {
	*corev1.Service
	behind []*workload
}

// String writes the Service to which a suggested flow leads for people.
func (s *service) String() string {
	kind := cmp.Or(s.Spec.Type, corev1.ServiceTypeClusterIP)
	return fmt.Sprintf("Service %s (%s)", plain(s.Name), plain(string(kind)))
}

// servicesOf finds the Services that flows may lead through to a workload, by namespace/name. The
// ports that they lead to are the workload's, whether or not its containers list them.
func servicesOf(set object.Set, all []*workload) map[string]*service {
	services := map[string]*service{}
	object.Each(set, func(o object.Object, s *corev1.Service) {
		if len(s.Spec.Selector) == 0 {
			return
		}
		found := &service{Service: s}
		for _, w := range all {
			if w.id.Namespace != o.ID.Namespace || !covers(w.labels, s.Spec.Selector) {
				continue
			}
			found.behind = append(found.behind, w)
			for _, p := range s.Spec.Ports {
				if number := p.TargetPort.IntVal; p.TargetPort.Type == intstr.Int {
					if number == 0 {
						number = p.Port // what a Service means that does not say
					}
					w.addPort(port{p.Name, "", protocolOf(p.Protocol), number})
				}
			}
		}
		if len(found.behind) > 0 {
			services[o.ID.Namespace+"/"+o.ID.Name] = found
		}
	})
	return services
}

// covers reports whether labels of pods are among others what a Service selects, so that flows to
// it are theirs.
func covers(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// address is a place that a setting's value names.
type address struct {
	host string
	port int32 // 0 where it is not said
}

// speaking are the words in the names of variables whose value is an address even if
// it does not look like one.
var speaking = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|_)(HOST|HOSTS|HOSTNAME|ADDR|ADDRESS|ADDRESSES|URL|URI|ENDPOINT|ENDPOINTS|SERVER|SERVERS|SERVICE|BROKER|BROKERS|UPSTREAM|BACKEND|DSN)$`)
})

var hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// addressesOf reads the addresses that a setting's value seems to name, to which a flow may go:
// lists of URLs, host:port, or hosts alone where the variable's name says so.
func addressesOf(s setting) []address {
	var all []address
	for _, part := range strings.FieldsFunc(s.value, func(r rune) bool { return strings.ContainsRune(", ;\t\n", r) }) {
		scheme, rest, isURL := strings.Cut(part, "://")
		if !isURL {
			scheme, rest = "", part
		}
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			rest = rest[:i]
		}
		rest = rest[strings.LastIndexByte(rest, '@')+1:]
		host, number, hasPort := strings.Cut(strings.ToLower(rest), ":")
		a := address{host: strings.TrimSuffix(host, "."), port: schemePorts[strings.ToLower(scheme)]}
		if hasPort {
			n, err := strconv.ParseUint(number, 10, 16)
			if err != nil {
				continue
			}
			a.port = int32(n)
		}
		if hostname.MatchString(a.host) && (isURL || hasPort || speaking().MatchString(s.name)) {
			all = append(all, a)
		}
	}
	return all
}

// lookup finds the Service, to which a flow would go, that a host names from within a namespace,
// as the cluster's DNS does; a pod of a headless Service counts as the Service.
func lookup(services map[string]*service, host, namespace string) *service {
	parts := strings.Split(host, ".")
	for range 2 {
		switch {
		case len(parts) == 1:
			if s := services[namespace+"/"+parts[0]]; s != nil {
				return s
			}
		case len(parts) == 2 || parts[2] == "svc":
			if s := services[parts[1]+"/"+parts[0]]; s != nil {
				return s
			}
		}
		if parts = parts[1:]; len(parts) == 0 {
			return nil
		}
	}
	return nil
}

// flowsOf suggests the flows for which the workloads' settings speak, and the hosts outside the
// cluster that they name, by workload.
func flowsOf(all []*workload, services map[string]*service) ([]flow, map[*workload][]string) {
	var flows []flow
	outside := map[*workload][]string{}
	for _, w := range all {
		for _, s := range w.settings {
			for _, a := range addressesOf(s) {
				target := lookup(services, a.host, w.id.Namespace)
				if target == nil {
					if strings.Contains(a.host, ".") && strings.ContainsAny(a.host, letters) {
						outside[w] = append(outside[w], fmt.Sprintf("env %s names %s", plain(s.name), a.host))
					}
					continue
				}
				for _, to := range target.behind {
					if to != w {
						flows = add(flows, flow{w, to, target.portsOf(to, a.port), "env " + plain(s.name)})
					}
				}
			}
		}
	}
	return flows, outside
}

// add merges a suggested flow with one between the same workloads.
func add(flows []flow, f flow) []flow {
	for i := range flows {
		g := &flows[i]
		if g.from == f.from && g.to == f.to {
			for _, p := range f.ports {
				if !slices.Contains(g.ports, p) {
					g.ports = append(g.ports, p)
				}
			}
			if !strings.Contains(g.because+", ", f.because+", ") {
				g.because += ", " + f.because
			}
			return flows
		}
	}
	return append(flows, f)
}

// portsOf finds the workload's ports to which a flow through the Service leads by one of its
// ports; those of all its ports where it has no such port, or none is said.
func (s *service) portsOf(w *workload, number int32) []string {
	var names, all []string
	for _, p := range s.Spec.Ports {
		for _, q := range w.ports {
			target := p.TargetPort
			if target == (intstr.IntOrString{}) {
				target = intstr.FromInt32(p.Port)
			}
			hit := target.Type == intstr.Int && target.IntVal == q.number || target.Type == intstr.String && target.StrVal == q.given
			if !hit || protocolOf(p.Protocol) != q.protocol || slices.Contains(all, q.name) {
				continue
			}
			all = append(all, q.name)
			if p.Port == number {
				names = append(names, q.name)
			}
		}
	}
	if len(names) == 0 {
		return all
	}
	return names
}

// dataOf reads the values of a ConfigMap, from which workloads take settings.
func dataOf(o object.Object) map[string]string {
	var m struct {
		Data map[string]string `json:"data"`
	}
	if json.Unmarshal(o.JSON, &m) != nil {
		return nil
	}
	return m.Data
}
