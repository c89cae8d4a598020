package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v3 "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/k8s/conversion"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/model"
	"github.com/projectcalico/calico/libcalico-go/lib/resources"
	validator "github.com/projectcalico/calico/libcalico-go/lib/validator/v3"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cluster is the objects of a world, on their way into calculation graphs.
type cluster struct {
	converter conversion.Converter
	common    []*model.KVPair            // for the graphs of all tiers
	policies  map[string][]*model.KVPair // by tier
	tiers     map[string]tier
	accounts  map[string]bool // namespace/name of the service accounts that exist
	chain     []*tier         // in the order of evaluation
}

type tier struct {
	name      string
	order     float64
	passAtEnd bool
	graph     *graph
}

// newCluster begins a cluster without objects: with tier default, and with Calico's own profile
// default-allow.
func newCluster() *cluster {
	return &cluster{
		converter: conversion.NewConverter(),
		common:    []*model.KVPair{resources.DefaultAllowProfile()},
		policies:  map[string][]*model.KVPair{"default": nil},
		tiers:     map[string]tier{"default": {name: "default", order: 1e6}},
		accounts:  map[string]bool{},
	}
}

// uid is any: Calico's conversions insist on one.
const uid = "3f1a5c00-0000-4000-8000-000000000001"

// add converts one manifest for Calico's own code, validates it and keeps it in the cluster that
// is judged.
func (c *cluster) add(raw json.RawMessage) error {
	var head struct {
		APIVersion string
		Kind       string
		Metadata   struct{ Namespace, Name string }
		Spec       struct{ Tier string }
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	switch head.APIVersion + " " + head.Kind {
	case "v1 Namespace":
		return convert(c, raw, func(ns *corev1.Namespace) (*model.KVPair, error) {
			ns.UID = uid
			return c.converter.NamespaceToProfile(ns)
		})
	case "v1 ServiceAccount":
		c.accounts[head.Metadata.Namespace+"/"+head.Metadata.Name] = true
		return convert(c, raw, func(account *corev1.ServiceAccount) (*model.KVPair, error) {
			account.UID = uid
			return c.converter.ServiceAccountToProfile(account)
		})
	case "v1 Pod":
		return c.addPod(raw)
	case "discovery.k8s.io/v1 EndpointSlice":
		return convert(c, raw, c.converter.EndpointSliceToKVP)
	case "networking.k8s.io/v1 NetworkPolicy":
		return c.addKubernetesPolicy(raw)
	case "projectcalico.org/v3 NetworkPolicy":
		return addPolicy(c, raw, head.Spec.Tier, func(p *v3.NetworkPolicy) (*metav1.ObjectMeta, []v3.Rule, []v3.Rule, *[]v3.PolicyType) {
			return &p.ObjectMeta, p.Spec.Ingress, p.Spec.Egress, &p.Spec.Types
		})
	case "projectcalico.org/v3 GlobalNetworkPolicy":
		return addPolicy(c, raw, head.Spec.Tier, func(p *v3.GlobalNetworkPolicy) (*metav1.ObjectMeta, []v3.Rule, []v3.Rule, *[]v3.PolicyType) {
			return &p.ObjectMeta, p.Spec.Ingress, p.Spec.Egress, &p.Spec.Types
		})
	case "projectcalico.org/v3 NetworkSet":
		return convert(c, raw, store[v3.NetworkSet](head.Kind, head.Metadata.Namespace, head.Metadata.Name))
	case "projectcalico.org/v3 GlobalNetworkSet":
		return convert(c, raw, store[v3.GlobalNetworkSet](head.Kind, "", head.Metadata.Name))
	case "projectcalico.org/v3 HostEndpoint":
		return convert(c, raw, store[v3.HostEndpoint](head.Kind, "", head.Metadata.Name))
	case "projectcalico.org/v3 Tier":
		return c.addTier(raw)
	case "projectcalico.org/v3 StagedGlobalNetworkPolicy":
		return nil // this release has none; newer ones do not enforce it
	}
	return fmt.Errorf("the judge does not know %s %s", head.APIVersion, head.Kind)
}

// convert reads a manifest, and keeps in the cluster what Calico's conversion makes of it.
func convert[T any](c *cluster, raw []byte, to func(*T) (*model.KVPair, error)) error {
	read := new(T)
	if err := json.Unmarshal(raw, read); err != nil {
		return err
	}
	pair, err := to(read)
	if err != nil {
		return err
	}
	c.common = append(c.common, pair)
	return nil
}

// store validates one of Calico's objects, which the cluster stores as it is.
func store[T any](kind, namespace, name string) func(*T) (*model.KVPair, error) {
	return func(object *T) (*model.KVPair, error) {
		return &model.KVPair{Key: model.ResourceKey{Kind: kind, Namespace: namespace, Name: name}, Value: object}, validator.Validate(object)
	}
}

// addPod converts a pod into workload endpoints of Calico, and keeps in the cluster the service
// account without which none runs.
func (c *cluster) addPod(raw []byte) error {
	pod := new(corev1.Pod)
	if err := json.Unmarshal(raw, pod); err != nil {
		return err
	}
	pod.Spec.NodeName = node
	if account := pod.Namespace + "/" + pod.Spec.ServiceAccountName; !c.accounts[account] {
		c.accounts[account] = true // no pod runs without it
		profile, err := c.converter.ServiceAccountToProfile(&corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Spec.ServiceAccountName, UID: uid},
		})
		if err != nil {
			return err
		}
		c.common = append(c.common, profile)
	}
	if !c.converter.IsValidCalicoWorkloadEndpoint(pod) {
		return nil
	}
	pairs, err := c.converter.PodToWorkloadEndpoints(pod)
	c.common = append(c.common, pairs...)
	return err
}

// addKubernetesPolicy converts a NetworkPolicy of Kubernetes for Calico's code in the cluster,
// with the types that the API server would have set.
func (c *cluster) addKubernetesPolicy(raw []byte) error {
	p := new(networkingv1.NetworkPolicy)
	if err := json.Unmarshal(raw, p); err != nil {
		return err
	}
	if len(p.Spec.PolicyTypes) == 0 {
		p.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(p.Spec.Egress) > 0 {
			p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	pair, err := c.converter.K8sNetworkPolicyToCalico(p)
	c.policies["default"] = append(c.policies["default"], pair)
	return err
}

// addPolicy reads a policy of Calico's into its tier of the cluster, with the types that its
// client sets, and without the tier's name in its own, which this release refuses.
func addPolicy[T any](c *cluster, raw []byte, in string, parts func(*T) (*metav1.ObjectMeta, []v3.Rule, []v3.Rule, *[]v3.PolicyType)) error {
	p := new(T)
	if err := json.Unmarshal(raw, p); err != nil {
		return err
	}
	in = cmp.Or(in, "default")
	meta, ingress, egress, types := parts(p)
	meta.Name = strings.TrimPrefix(meta.Name, in+".")
	if len(*types) == 0 {
		if len(ingress) > 0 || len(egress) == 0 {
			*types = append(*types, v3.PolicyTypeIngress)
		}
		if len(egress) > 0 {
			*types = append(*types, v3.PolicyTypeEgress)
		}
	}
	kind := v3.KindGlobalNetworkPolicy
	if meta.Namespace != "" {
		kind = v3.KindNetworkPolicy
	}
	pair := &model.KVPair{Key: model.ResourceKey{Kind: kind, Namespace: meta.Namespace, Name: meta.Name}, Value: p}
	c.policies[in] = append(c.policies[in], pair)
	return validator.Validate(p)
}

// addTier reads a tier of Calico's into the cluster: its order and what happens at its end.
func (c *cluster) addTier(raw []byte) error {
	var t struct {
		Metadata struct{ Name string }
		Spec     struct {
			Order         *float64
			DefaultAction string
		}
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	read := tier{name: t.Metadata.Name, order: 1e6, passAtEnd: t.Spec.DefaultAction == "Pass"}
	if t.Spec.Order != nil {
		read.order = *t.Spec.Order
	}
	c.tiers[read.name] = read
	return nil
}

// start feeds Calico's calculation graphs, one for each tier of the cluster, and puts the tiers
// into order. Tier default has a graph even without policies: the endpoints and their profiles
// are in each.
func (c *cluster) start() error {
	for name, policies := range c.policies {
		t, exists := c.tiers[name]
		if !exists { // enforced after all others
			t = tier{name: name, order: 1e300}
		}
		t.graph = newGraph()
		if err := t.graph.feed(slices.Concat(c.common, policies)); err != nil {
			return err
		}
		c.chain = append(c.chain, &t)
	}
	slices.SortFunc(c.chain, func(a, b *tier) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name)) })
	return nil
}
