package object_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"portcullis.dev/policies/object"
)

// TestManifestsAreReadAsTheirText: a manifest that is to be written is read to the same object and
// the same findings as its JSON, whatever stands in it: what a policy cannot say, too. Where nothing
// is wrong with it, its YAML, which is UTF-8, is read to the same object. Its labels are its text's.
func TestManifestsAreReadAsTheirText(t *testing.T) {
	t.Parallel()
	policy := func(apiVersion, kind string, metadata, spec object.Map) object.Map {
		return object.Map{{Key: "apiVersion", Value: apiVersion}, {Key: "kind", Value: kind}, {Key: "metadata", Value: metadata}, {Key: "spec", Value: spec}}
	}
	named := object.Map{{Key: "name", Value: "x"}, {Key: "namespace", Value: "n"}, {Key: "labels", Value: object.Map{{Key: "a", Value: "b"}}}}
	pods := object.Map{{Key: "podSelector", Value: object.Map{{Key: "matchLabels", Value: object.Map{{Key: "a", Value: "b"}}}}}}
	ports := func(all ...any) object.Map {
		return object.Map{{Key: "podSelector", Value: object.Map{}}, {Key: "ingress", Value: object.List{object.Map{{Key: "ports", Value: object.List(all)}}}}}
	}
	port := func(key string, value any) object.Map { return object.Map{{Key: key, Value: value}} }
	calico := func(key string, value any) object.Map {
		return policy(object.CalicoAPI, "GlobalNetworkPolicy", named, object.Map{{Key: key, Value: value}})
	}
	for name, m := range map[string]object.Map{
		"a policy":         policy(object.KubernetesAPI, "NetworkPolicy", named, pods),
		"ports":            policy(object.KubernetesAPI, "NetworkPolicy", named, ports(port("port", 80), port("port", "http"), port("endPort", 90), port("protocol", "UDP"))),
		"a large port":     policy(object.KubernetesAPI, "NetworkPolicy", named, ports(port("port", 1<<40))),
		"a large end":      policy(object.KubernetesAPI, "NetworkPolicy", named, ports(port("endPort", 1<<40))),
		"a port in quotes": policy(object.KubernetesAPI, "NetworkPolicy", named, ports(port("endPort", "80"))),
		"a wrong case":     policy(object.KubernetesAPI, "NetworkPolicy", named, ports(port("Port", 80))),
		"a field twice":    policy(object.KubernetesAPI, "NetworkPolicy", named, ports(append(port("port", 80), port("port", 81)...))),
		"a label twice":    policy(object.KubernetesAPI, "NetworkPolicy", append(named[:2:2], object.Field{Key: "labels", Value: object.Map{{Key: "a", Value: "b"}, {Key: "a", Value: "c"}}}), pods),
		"a label's number": policy(object.KubernetesAPI, "NetworkPolicy", append(named[:2:2], object.Field{Key: "labels", Value: object.Map{{Key: "a", Value: 1}}}), pods),
		"no UTF-8":         policy(object.KubernetesAPI, "NetworkPolicy", append(named[:2:2], object.Field{Key: "labels", Value: object.Map{{Key: "a", Value: "\xff"}}}), pods),
		"a list":           policy(object.KubernetesAPI, "NetworkPolicy", named, object.Map{{Key: "podSelector", Value: object.List{}}}),
		"an empty list":    policy(object.KubernetesAPI, "NetworkPolicy", named, append(pods[:1:1], object.Field{Key: "egress", Value: object.List{}})),
		"no namespace":     policy(object.KubernetesAPI, "NetworkPolicy", named[:1], pods),
		"no name":          policy(object.KubernetesAPI, "NetworkPolicy", nil, pods),
		"a time":           policy(object.KubernetesAPI, "NetworkPolicy", append(named[:2:2], object.Field{Key: "creationTimestamp", Value: "2026-01-01T00:00:00Z"}), pods),
		"no time":          policy(object.KubernetesAPI, "NetworkPolicy", append(named[:2:2], object.Field{Key: "creationTimestamp", Value: "soon"}), pods),
		"an order":         calico("order", 10),
		"a precise order":  calico("order", json.Number("10.5")),
		"a large order":    calico("order", 1<<55+1),
		"a low order":      calico("order", -10),
		"a huge order":     calico("order", json.Number("1e999")),
		"Calico's ports":   calico("ingress", object.List{object.Map{{Key: "action", Value: "Allow"}, {Key: "protocol", Value: "TCP"}, {Key: "destination", Value: object.Map{{Key: "ports", Value: object.List{80, "81:82", "http"}}}}}}),
		"a wrong range":    calico("ingress", object.List{object.Map{{Key: "action", Value: "Allow"}, {Key: "destination", Value: object.Map{{Key: "ports", Value: object.List{"82:81"}}}}}}),
		"an unknown field": calico("selektor", "all()"),
		"a flag":           calico("doNotTrack", true),
		"a flag in quotes": calico("doNotTrack", "true"),
		"a namespace":      {{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Namespace"}, {Key: "metadata", Value: named[:1]}},
		"an unknown kind":  policy("example.org/v1", "Thing", named, pods),
		"an older version": policy("extensions/v1beta1", "NetworkPolicy", named, pods),
	} {
		want, wrong := object.DecodeJSON(m.JSON())
		got, found := object.DecodeManifest(m)
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(found, wrong) {
			t.Errorf("%s: as a value\n%+v %v\nas text\n%+v %v", name, got, found, want, wrong)
		}
		if read, told := object.Decode("", m.YAML()); len(wrong) == 0 && !strings.Contains(string(m.JSON()), `\ufffd`) && (!reflect.DeepEqual(read, want) || len(told) > 0) {
			t.Errorf("%s: as YAML\n%+v %v\nas text\n%+v", name, read, told, want)
		}
		for _, o := range got {
			if read := (object.Object{JSON: o.JSON}).Labels(); !reflect.DeepEqual(o.Labels(), read) {
				t.Errorf("%s: labels %v, and in its text %v", name, o.Labels(), read)
			}
		}
		if strings.Contains(name, "wrong") && len(wrong) == 0 {
			t.Errorf("%s: nothing was found", name)
		}
	}
}
