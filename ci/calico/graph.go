package main

import (
	"fmt"
	"net/netip"

	v3 "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/calico/felix/calc"
	"github.com/projectcalico/calico/felix/config"
	"github.com/projectcalico/calico/felix/proto"
	libv3 "github.com/projectcalico/calico/libcalico-go/lib/apis/v3"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/api"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/model"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/syncersv1/updateprocessors"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/watchersyncer"
)

// node has all endpoints, so that the graph calculates all of them.
const node = "node1"

// graph is Felix' calculation graph, and what it sends to a dataplane.
type graph struct {
	policies  map[string]*proto.Policy
	profiles  map[string]*proto.Profile
	sets      map[string]*ipSet
	endpoints map[netip.Addr]endpoint
}

// endpoint is a pod or host endpoint: its policies in order, and its profiles.
type endpoint struct {
	ingress, egress []string
	profiles        []string
}

type ipSet struct {
	withPorts bool
	members   map[string]bool
}

// newGraph begins a calculation graph of Felix that has sent nothing yet.
func newGraph() *graph {
	return &graph{
		policies: map[string]*proto.Policy{}, profiles: map[string]*proto.Profile{},
		sets: map[string]*ipSet{}, endpoints: map[netip.Addr]endpoint{},
	}
}

// noConfig is asked by the sequencer for configuration that nobody changes.
type noConfig struct{}

// UpdateFrom changes nothing: the configuration of Felix' graph is what it began with.
func (noConfig) UpdateFrom(map[string]string, config.Source) (bool, error) { return false, nil }

// RawValues gives the sequencer of Felix' graph no configuration.
func (noConfig) RawValues() map[string]string { return nil }

// ToConfigUpdate gives the sequencer of Felix' graph an empty update of configuration.
func (noConfig) ToConfigUpdate() *proto.ConfigUpdate { return &proto.ConfigUpdate{} }

// feed runs the objects through the processors of a syncer, Felix' filter of invalid objects and
// the calculation graph, and keeps what comes out.
func (g *graph) feed(pairs []*model.KVPair) error {
	processors := map[string]watchersyncer.SyncerUpdateProcessor{
		v3.KindProfile:             updateprocessors.NewProfileUpdateProcessor(),
		v3.KindNetworkPolicy:       updateprocessors.NewNetworkPolicyUpdateProcessor(),
		v3.KindGlobalNetworkPolicy: updateprocessors.NewGlobalNetworkPolicyUpdateProcessor(),
		v3.KindNetworkSet:          updateprocessors.NewNetworkSetUpdateProcessor(),
		v3.KindGlobalNetworkSet:    updateprocessors.NewGlobalNetworkSetUpdateProcessor(),
		v3.KindHostEndpoint:        updateprocessors.NewHostEndpointUpdateProcessor(),
		libv3.KindWorkloadEndpoint: updateprocessors.NewWorkloadEndpointUpdateProcessor(),
	}
	settings := config.New()
	settings.FelixHostname = node
	sequencer := calc.NewEventSequencer(noConfig{})
	var failure error
	sequencer.Callback = func(message any) {
		if err := g.receive(message); err != nil {
			failure = err
		}
	}
	calculation := calc.NewCalculationGraph(sequencer, settings, func() {})
	filter := calc.NewValidationFilter(calculation, settings)
	for _, pair := range pairs {
		processed := []*model.KVPair{pair}
		if key, ok := pair.Key.(model.ResourceKey); ok && processors[key.Kind] != nil {
			var err error
			if processed, err = processors[key.Kind].Process(pair); err != nil {
				return fmt.Errorf("%v: %w", pair.Key, err)
			}
		}
		var updates []api.Update
		for _, p := range processed {
			updates = append(updates, api.Update{KVPair: *p, UpdateType: api.UpdateTypeKVNew})
		}
		filter.OnUpdates(updates)
	}
	filter.OnStatusUpdated(api.InSync)
	calculation.Flush()
	sequencer.Flush()
	return failure
}

// receive does what a dataplane would do with the messages of the graph's first calculation, in
// which nothing is taken back.
func (g *graph) receive(message any) error {
	switch m := message.(type) {
	case *proto.IPSetUpdate:
		s := &ipSet{withPorts: m.Type == proto.IPSetUpdate_IP_AND_PORT, members: map[string]bool{}}
		for _, member := range m.Members {
			s.members[member] = true
		}
		g.sets[m.Id] = s
	case *proto.ActivePolicyUpdate:
		g.policies[m.Id.Name] = m.Policy
	case *proto.ActiveProfileUpdate:
		g.profiles[m.Id.Name] = m.Profile
	case *proto.WorkloadEndpointUpdate:
		e := endpointOf(m.Endpoint.Tiers, m.Endpoint.ProfileIds)
		for _, text := range append(m.Endpoint.Ipv4Nets, m.Endpoint.Ipv6Nets...) {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				return err
			}
			g.endpoints[prefix.Addr()] = e
		}
	case *proto.HostEndpointUpdate:
		e := endpointOf(m.Endpoint.Tiers, m.Endpoint.ProfileIds)
		for _, text := range append(m.Endpoint.ExpectedIpv4Addrs, m.Endpoint.ExpectedIpv6Addrs...) {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return err
			}
			g.endpoints[address] = e
		}
	case *proto.IPSetDeltaUpdate, *proto.IPSetRemove, *proto.ActivePolicyRemove, *proto.ActiveProfileRemove:
		return fmt.Errorf("the first calculation sent %T", m)
	}
	return nil
}

// endpointOf reads an endpoint that Felix' graph sends: its policies in order of evaluation, and
// its profiles.
func endpointOf(tiers []*proto.TierInfo, profiles []string) endpoint {
	e := endpoint{profiles: profiles}
	for _, t := range tiers {
		e.ingress = append(e.ingress, t.IngressPolicies...)
		e.egress = append(e.egress, t.EgressPolicies...)
	}
	return e
}
