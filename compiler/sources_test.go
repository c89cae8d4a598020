package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/sources"
)

// TestMarkersHideWhatTheyList puts indices of bundles into a repository: each hides the files
// that it lists, as they were when it was written, in its own directory, and nothing else.
func TestMarkersHideWhatTheyList(t *testing.T) {
	t.Parallel()
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
	const disguised = "\"\\x6bind\": \"Platf\\x6frm\"\nspec: [\n"
	rule := ownRule("own", "PC900")
	index := func(files ...string) string {
		var listed []string
		for i := 0; i+1 < len(files); i += 2 {
			listed = append(listed, fmt.Sprintf("%q: %q", files[i], bundle.Digest([]byte(files[i+1]))))
		}
		return `{"schema": "portcullis.dev/bundle/v1alpha1", "outputs": {` + strings.Join(listed, ", ") + `}}`
	}
	for name, c := range map[string]struct {
		files, links map[string]string
		inputs       []string // besides what every repository has
		want         []string
	}{
		"no index":                           {files: map[string]string{"out/ns.yaml": namespace}, inputs: []string{"out/ns.yaml"}},
		"what it lists":                      {files: map[string]string{"out/bundle.json": index("ns.yaml", namespace, "base/ns.yaml", namespace), "out/ns.yaml": namespace, "out/base/ns.yaml": namespace}},
		"what has changed":                   {files: map[string]string{"out/bundle.json": index("ns.yaml", "other"), "out/ns.yaml": namespace}, inputs: []string{"out/ns.yaml"}},
		"what it does not list":              {files: map[string]string{"out/bundle.json": index("ns.yaml", namespace), "out/ns.yml": namespace}, inputs: []string{"out/ns.yml"}},
		"an index of nothing":                {files: map[string]string{"out/bundle.json": `{"schema": "portcullis.dev/bundle/v1"}`, "out/ns.yaml": namespace}, inputs: []string{"out/ns.yaml"}},
		"somebody else's index":              {files: map[string]string{"out/bundle.json": strings.Replace(index("ns.yaml", namespace), "portcullis.dev", "example.org", 1), "out/ns.yaml": namespace}, inputs: []string{"out/ns.yaml"}},
		"files of another directory":         {files: map[string]string{"out/bundle.json": index("../ns/ns.yaml", namespace), "ns/ns.yaml": namespace}, inputs: []string{"ns/ns.yaml"}},
		"files of another bundle":            {files: map[string]string{"out/bundle.json": index("../ns/ns.yaml", namespace), "ns/bundle.json": index(), "ns/ns.yaml": namespace}, inputs: []string{"ns/ns.yaml"}},
		"an index in the root":               {files: map[string]string{"bundle.json": index("ns.yaml", namespace), "ns.yaml": namespace}, inputs: []string{"ns.yaml"}},
		"an intent that it lists":            {files: map[string]string{"out/bundle.json": index("a.yaml", testPlatform), "out/a.yaml": testPlatform}, want: []string{"PC014 error out/a.yaml"}},
		"an intent that it does not list":    {files: map[string]string{"out/bundle.json": index(), "out/deep/a.yaml": testPlatform}, want: []string{"PC014 error out/deep/a.yaml"}},
		"rules that it lists":                {files: map[string]string{"checks/bundle.json": index("own.rego", rule), "checks/own.rego": rule}, want: []string{"PC014 error checks/own.rego"}},
		"rules below it":                     {files: map[string]string{"checks/bundle.json": index(), "checks/sub/own.rego": rule}, want: []string{"PC014 error checks/sub/own.rego"}},
		"an intent in a spelling of its own": {files: map[string]string{"out/bundle.json": index(), "out/a.yaml": "{\"\\u0061piVersion\": \"portcullis.dev\\u002fv1alpha1\"}\n"}, want: []string{"PC014 error out/a.yaml"}},
		"UTF-16":                             {files: map[string]string{"out/bundle.json": index(), "out/a.yaml": "\xff\xfea\x00"}, want: []string{"PC007 error out/a.yaml"}},
		"a link for an output":               {files: map[string]string{"out/bundle.json": index("ns.yaml", namespace)}, links: map[string]string{"out/ns.yaml": "../a.yaml"}, want: []string{"PC014 error out/ns.yaml"}},
		"a link for a listed directory":      {files: map[string]string{"out/bundle.json": index("base", namespace)}, links: map[string]string{"out/base": ".."}, want: []string{"PC014 info out/base"}},
		"what does not parse":                {files: map[string]string{"out/bundle.json": index(), "out/a.yaml": "a: [\n"}, want: []string{"PC001 error out/a.yaml"}},
		"what parses no more":                {files: map[string]string{"out/bundle.json": index("ns.yaml", namespace), "out/ns.yaml": namespace + "a: [\n"}, want: []string{"PC001 error out/ns.yaml"}},
		"a link for something else":          {files: map[string]string{"out/bundle.json": index("ns.yaml", namespace)}, links: map[string]string{"out/a.yaml": "../a.yaml"}, want: []string{"PC014 error out/a.yaml"}},
		"a link for an output elsewhere":     {files: map[string]string{"out/bundle.json": index("../ns.yaml", namespace)}, links: map[string]string{"ns.yaml": "a.yaml"}, want: []string{"PC014 error ns.yaml"}},
		"UTF-16 that it lists":               {files: map[string]string{"out/bundle.json": index("a.yaml", "\xff\xfea\x00"), "out/a.yaml": "\xff\xfea\x00"}, want: []string{"PC007 error out/a.yaml"}},
		"NUL that it lists":                  {files: map[string]string{"out/bundle.json": index("a.yaml", "a\x00"), "out/a.yaml": "a\x00"}, want: []string{"PC007 error out/a.yaml"}},
		"a pointer that it lists":            {files: map[string]string{"out/bundle.json": index("a.yaml", pointer), "out/a.yaml": pointer}, want: []string{"PC007 error out/a.yaml"}},
		"what it lists and does not parse":   {files: map[string]string{"out/bundle.json": index("a.yaml", disguised), "out/a.yaml": disguised}, want: []string{"PC001 error out/a.yaml"}},
		"what it lists, broken at its end":   {files: map[string]string{"out/bundle.json": index("a.yaml", namespace+"---\na: [\n"), "out/a.yaml": namespace + "---\na: [\n"}, want: []string{"PC001 error out/a.yaml"}},
		"a patch that it lists":              {files: map[string]string{"out/bundle.json": index("base/p.yaml", "- {op: remove, path: /a}\n"), "out/base/p.yaml": "- {op: remove, path: /a}\n"}},
		"an intent in another case":          {files: map[string]string{"out/bundle.json": index("a.yaml", "Kind: Waiver\n"), "out/a.yaml": "Kind: Waiver\n"}, want: []string{"PC014 error out/a.yaml"}},
		"an intent in JSON":                  {files: map[string]string{"out/bundle.json": index("a.json", `{"kind": "Platform"}`), "out/a.json": `{"kind": "Platform"}`}, want: []string{"PC014 error out/a.json"}},
		"an index that is an intent":         {files: map[string]string{"out/bundle.json": strings.Replace(index("ns.yaml", namespace), "{", `{"Kind": "Waiver", `, 1), "out/ns.yaml": namespace}, want: []string{"PC014 error out/bundle.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{
				"portcullis.yaml": "apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: fleet}\nspec: {namespaces: {shop: {}}}\n",
				"a.yaml":          "apiVersion: portcullis.dev/v1alpha1\nkind: NetworkIntent\nmetadata: {name: a, namespace: shop}\nspec: {}\n",
			}
			for name, text := range c.files {
				files[name] = text
			}
			built, found := read(t, files, c.links, sources.DefaultLimits())
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var inputs []string
			for name := range built.Inputs {
				if name != "portcullis.yaml" && name != "a.yaml" {
					inputs = append(inputs, name)
				}
			}
			slices.Sort(inputs)
			if diff := cmp.Diff(c.inputs, inputs); diff != "" {
				t.Errorf("inputs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinkedDirectories links directories: what a link leads to is read where it lies, or may
// hide something of ours, where that may lie.
func TestLinkedDirectories(t *testing.T) {
	t.Parallel()
	const places = "trusted: [platform], components: [{path: parts/shop, namespaces: [shop]}], namespaces: {shop: {path: apps/shop}}"
	for name, c := range map[string]struct {
		spec  string
		links map[string]string
		want  []string
	}{
		"inside":                            {links: map[string]string{"more": "apps"}, want: []string{"PC014 info more"}},
		"inside, from below":                {links: map[string]string{"apps/more": "../platform"}, want: []string{"PC014 info apps/more"}},
		"inside, by another link":           {links: map[string]string{"more": "again", "again": "apps"}, want: []string{"PC014 info again", "PC014 info more"}},
		"to the root":                       {links: map[string]string{"more": "."}, want: []string{"PC014 info more"}},
		"to nothing":                        {links: map[string]string{"more": "nowhere"}, want: []string{"PC014 error more"}},
		"outside":                           {links: map[string]string{"more": "../elsewhere"}, want: []string{"PC014 error more"}},
		"anywhere":                          {links: map[string]string{"more": "/"}, want: []string{"PC014 error more"}},
		"to itself":                         {links: map[string]string{"more": "more"}, want: []string{"PC014 error more"}},
		"to what Git keeps":                 {links: map[string]string{"more": ".git/hooks"}, want: []string{"PC014 error more"}},
		"to another repository":             {spec: "repositories: [own]", links: map[string]string{"more": "own/apps"}, want: []string{"PC014 error more"}},
		"inside, by a link that leads out":  {links: map[string]string{"more": "out/apps", "out": ".."}, want: []string{"PC014 error more", "PC014 error out"}},
		"outside, called a rule":            {links: map[string]string{"more.rego": ".."}, want: []string{"PC014 error more.rego"}},
		"a worktree's own":                  {links: map[string]string{"apps/.git": "/elsewhere"}},
		"a file of something else":          {links: map[string]string{"more": "README"}},
		"outside, where nothing may lie":    {spec: places, links: map[string]string{"more": ".."}, want: []string{"PC014 warning more"}},
		"outside, below a namespace's path": {spec: places, links: map[string]string{"apps/shop/more": "/etc"}, want: []string{"PC014 error apps/shop/more"}},
		"outside, for a namespace's path":   {spec: places, links: map[string]string{"apps/shop": "/etc"}, want: []string{"PC014 error apps/shop"}},
		"outside, above a namespace's path": {spec: places, links: map[string]string{"apps": "/etc"}, want: []string{"PC014 error apps"}},
		"outside, for what is trusted":      {spec: places, links: map[string]string{"platform": "/etc"}, want: []string{"PC014 error platform"}},
		"outside, above a component":        {spec: places, links: map[string]string{"parts": "/etc"}, want: []string{"PC014 error parts"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const head = "apiVersion: portcullis.dev/v1alpha1\nkind: "
			files := map[string]string{
				"portcullis.yaml": head + "Platform\nmetadata: {name: fleet}\nspec: {" + c.spec + "}\n",
				"README":          "none\n", ".git/hooks/x": "",
				"own/portcullis.yaml": "", "own/apps/x": "",
			}
			if c.spec == "" {
				delete(files, "own/portcullis.yaml")
				files["portcullis.yaml"] = strings.Replace(files["portcullis.yaml"], "{}", "{namespaces: {shop: {}}}", 1)
			}
			if c.spec == places {
				delete(files, "own/portcullis.yaml")
			}
			for name, text := range map[string]string{"apps/shop/a.yaml": head + "NetworkIntent\nmetadata: {name: a, namespace: shop}\nspec: {}\n", "platform/x": "", "parts/shop/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"} {
				free := true
				for link := range c.links {
					free = free && name != link && !strings.HasPrefix(name, link+"/")
				}
				if free {
					files[name] = text
				}
			}
			_, found := read(t, files, c.links, sources.DefaultLimits())
			found = slices.DeleteFunc(found, func(f string) bool { return !strings.HasPrefix(f, "PC014") })
			if diff := cmp.Diff(c.want, found, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
