package language

import (
	"testing"
)

func TestReferencesOfWaivers(t *testing.T) {
	t.Parallel()
	for word, ok := range map[string]bool{
		"shop/web": true, "pr-*/web": true, "shop": false, "shop/*": false, "*/web": false, "shop/web/x": false, "Shop/web": false, "": false,
	} {
		var v WorkloadRef
		if m := v.parse(word, "!!str"); (m == nil) != ok {
			t.Errorf("%q as an intent: %v", word, m)
		}
	}
	for word, ok := range map[string]bool{
		"NetworkPolicy/shop/web": true, "Tier/default": true, "GlobalNetworkPolicy/a.b": true,
		"web": false, "NetworkPolicy shop/web": false, "a/b/c/d": false, "a//c": false, "/b": false, "a/b, c/d": false, "": false,
	} {
		var v ObjectRef
		if m := v.parse(word, "!!str"); (m == nil) != ok {
			t.Errorf("%q as an object: %v", word, m)
		}
	}
	for _, c := range []struct {
		ref, workload string
		want          bool
	}{
		{"shop/web", "shop/web", true}, {"shop/web", "shop/webs", false}, {"shop/web", "pay/web", false},
		{"pr-*/web", "pr-12/web", true}, {"pr-*/web", "pr-*/web", true}, {"pr-*/web", "pr-/web", false}, {"pr-*/web", "shop/web", false},
	} {
		if got := WorkloadRef(c.ref).Is(c.workload); got != c.want {
			t.Errorf("%s is %s: %v", c.ref, c.workload, got)
		}
	}
}
