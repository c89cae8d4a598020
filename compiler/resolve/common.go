package resolve

import (
	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// common is what was made for the environments before, and is made once of what is the same in another:
// plans are nobody's to change, so that they can share it. It is nil where there is one environment.
type common struct {
	described []described         // by the place of the intent among the instances
	ends      map[string]plan.End // by the name of the workload
}

// described is a workload as an intent describes it, where its namespace has an owner.
type described struct {
	owner    string
	workload plan.Workload
	found    diag.List
	known    bool
}

// newCommon prepares to share between environments what instances of intents say.
func newCommon(instances int) *common {
	return &common{make([]described, instances), make(map[string]plan.End, instances)}
}

// end makes the end of a line that is the pods of one workload, or finds the one that was made before.
func (c *common) end(name string, pods plan.Pods) plan.End {
	if c == nil {
		return plan.End{Name: name, Pods: &pods}
	}
	made := plan.End{Name: name, Pods: &pods}
	if known := c.ends[name]; known.Equal(&made) {
		return known
	}
	c.ends[name] = made
	return made
}
