package meaning_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"portcullis.dev/policies/meaning"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/oracle"
)

// What is said of a pod whose Namespace nobody wrote down holds whatever labels that has: a
// random world is told with its Namespaces and without, and what the one knows of a half is
// what the other says. Some halves stay known though policies ask for labels of Namespaces.
func TestUnwrittenNamespaces(t *testing.T) {
	t.Parallel()
	holdsUnwritten(t, 7, func(o object.Object) bool { return o.ID.Kind == "Namespace" }, func(_ *rand.Rand, e *meaning.Endpoint) {
		e.NamespaceLabels, e.NamespaceUnwritten = map[string]string{meaning.NameLabel: e.Namespace}, true
	})
}

// What is said of a pod of which not all labels are written down holds whatever others it has.
func TestUnwrittenLabels(t *testing.T) {
	t.Parallel()
	holdsUnwritten(t, 8, func(object.Object) bool { return false }, func(r *rand.Rand, e *meaning.Endpoint) {
		e.Labels, e.LabelsUnwritten = maps.Clone(e.Labels), true
		for _, key := range slices.Sorted(maps.Keys(e.Labels)) {
			if r.IntN(2) == 0 {
				delete(e.Labels, key)
			}
		}
	})
}

// holdsUnwritten tells random worlds in full and without some of what is known of pods.
func holdsUnwritten(t *testing.T, stream uint64, leaves func(object.Object) bool, forget func(*rand.Rand, *meaning.Endpoint)) {
	t.Helper()
	known, unknown, asked := 0, 0, 0
	for i := range uint64(*worlds) {
		r := rand.New(rand.NewPCG(*seed+i, stream))
		c, err := oracle.Random(r, 32, oracle.Features{Tiers: true, ClusterPolicies: true})
		if err != nil {
			t.Fatal(err)
		}
		// A network set inherits labels as well; what is not known of those is the relation's.
		with := slices.DeleteFunc(slices.Clone(c.Set.All()), func(o object.Object) bool { return o.ID.Kind == "NetworkSet" })
		without := slices.DeleteFunc(slices.Clone(with), leaves)
		full, _ := object.NewSet(with)
		bare, _ := object.NewSet(without)
		written, _ := meaning.Of(full, c.Cluster)
		unwritten, _ := meaning.Of(bare, c.Cluster)
		for _, e := range unwritten.Endpoints {
			forget(r, e)
		}
		for _, p := range oracle.Of(full, c.Cluster).Packets(r, packetsPerWorld, false) {
			of, err := packetOf(written, p)
			if err != nil {
				t.Fatal(err)
			}
			if hasNoNamespace(written, of.From) || hasNoNamespace(written, of.To) {
				continue // which Calico drops, and of which there is none here
			}
			about, err := packetOf(unwritten, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []meaning.Direction{meaning.Ingress, meaning.Egress} {
				want, got := written.WalkHalf(of, d), unwritten.WalkHalf(about, d)
				switch {
				case got.Outcome == meaning.Unknown:
					unknown++
				case got.Outcome != want.Outcome:
					t.Fatalf("seed %d: the %s of %s is %s (%s), and with all labels %s (%s)", *seed+i, d, of, got.Outcome, got.By.Reason, want.Outcome, want.By.Reason)
				default:
					known++
				}
			}
			for _, end := range []meaning.Peer{of.From, of.To} {
				if end.Endpoint != nil && len(end.Endpoint.NamespaceLabels) > 1 {
					asked++
				}
			}
		}
	}
	t.Logf("%d halves known, %d unknown", known, unknown)
	if known < 1000 || unknown < 100 || asked < 1000 {
		t.Errorf("too few to tell: %d known, %d unknown, %d ends with labels of Namespaces", known, unknown, asked)
	}
}

func hasNoNamespace(m *meaning.Meaning, p meaning.Peer) bool {
	e := p.Endpoint
	if e == nil {
		e = m.PodAt(p.Addr)
	}
	return e != nil && e.NamespaceLabels == nil
}
