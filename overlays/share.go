package overlays

import (
	"bytes"
	"slices"
	"strings"
)

const (
	// allBut begins the name of a directory of what all environments share but those that it names.
	allBut = "all-but-"
	// between stands between two of them: no environment's name holds it.
	between = "_"
	// mostExceptions bounds how many environments a directory may name: a reader has to keep them
	// in mind.
	mostExceptions = 3
)

// share finds the files of a unit that environments have with the same bytes, by the directory
// below the unit's base in which they find them: the base itself for what all have, and for what
// all have but few, fewer than have it, one that is named after those.
func share(byEnvironment map[string]map[string][]byte) map[string]map[string][]byte {
	shared := map[string]map[string][]byte{}
	if len(byEnvironment) == 1 {
		for _, files := range byEnvironment {
			if len(files) > 0 {
				shared[""] = files
			}
		}
		return shared
	}
	type text struct {
		data         []byte
		environments []string
	}
	having := map[string][]text{} // by file
	for environment, files := range byEnvironment {
		for name, data := range files {
			i := slices.IndexFunc(having[name], func(t text) bool { return bytes.Equal(t.data, data) })
			if i < 0 {
				i = len(having[name])
				having[name] = append(having[name], text{data: data})
			}
			having[name][i].environments = append(having[name][i].environments, environment)
		}
	}
	for name, alike := range having {
		for _, t := range alike {
			environments := t.environments
			exceptions := len(byEnvironment) - len(environments)
			if exceptions > mostExceptions || exceptions >= len(environments) {
				continue
			}
			var without []string
			for environment := range byEnvironment {
				if !slices.Contains(environments, environment) {
					without = append(without, environment)
				}
			}
			slices.Sort(without)
			dir := ""
			if len(without) > 0 {
				dir = allBut + strings.Join(without, between)
			}
			if shared[dir] == nil {
				shared[dir] = map[string][]byte{}
			}
			shared[dir][name] = t.data
		}
	}
	return shared
}

// excepts reports whether an environment is one of those that a directory of shared files names.
func excepts(dir, environment string) bool {
	names, few := strings.CutPrefix(dir, allBut)
	return few && slices.Contains(strings.Split(names, between), environment)
}
