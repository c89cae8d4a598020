// Package ci holds the files that let other programs run Portcullis: hooks,
// pipelines and plugins.
//
// Its invariant: a file is data, the same for everybody but for the release that it may name,
// and its place below its integration's folder is its place in the user's repository. It must
// not know what
// Portcullis does when it is run, nor where the files go.
package ci

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Integration is one program that runs Portcullis.
type Integration struct {
	Name        string
	Description string // for help texts: a clause without a full stop
	Next        string // what is left to do once the files are there
	folder      string // of its files, where it is another's
	Fetches     string // the file that fetches the program, if any does
}

// Integrations is the table of those that there are. The files of each lie in
// files/<name>, but for those of a program that reads another's.
var Integrations = []Integration{
	{Name: "pre-commit", Description: "format and judge the intents before every commit",
		Next: "run pre-commit install, once in each clone"},
	{Name: "prek", Description: "the same, by a program that reads pre-commit's file",
		Next: "run prek install, once in each clone", folder: "pre-commit"},
	{Name: "lefthook", Description: "the same, by lefthook",
		Next: "run lefthook install, once in each clone"},
	{Name: "github", Description: "judge every pull request and say what traffic it opens, in GitHub Actions",
		Next:    "make the job of the workflow a required check",
		Fetches: ".github/actions/portcullis/action.yaml"},
	{Name: "gitlab", Description: "judge every merge request and say what traffic it opens, in GitLab CI",
		Next:    "add to .gitlab-ci.yml: include: [{local: .gitlab/portcullis.yml}]",
		Fetches: ".gitlab/portcullis.yml"},
	{Name: "argocd", Description: "let Argo CD compile the intents, as a config management plugin",
		Next: "patch the repo-server by sidecar.yaml, and name your repository in application.yaml, applicationset.yaml or hydrator.yaml"},
	{Name: "flux", Description: "let Flux deploy the bundles that are pushed to a registry",
		Next: "name your registry, and the environment of the cluster, in flux/network-policies.yaml"},
}

//go:embed all:files
var files embed.FS

// pinned are the lines that fetch a release, in the place of those that build the newest one.
//
//go:embed pinned
var pinned embed.FS

// Release is a released program: its version, and the SHA-256 of its bytes in hexadecimal.
type Release struct{ Version, SHA256 string }

// ErrFetchesNothing says that no file of an integration fetches the program.
var ErrFetchesNothing = errors.New("no file of it fetches the program")

// Files reads the embedded files of an integration with a CI system, a hook or a plugin, by their
// paths in the user's repository.
func (i Integration) Files() (map[string][]byte, error) {
	all := map[string][]byte{}
	root, err := fs.Sub(files, path.Join("files", cmp.Or(i.folder, i.Name)))
	if err != nil {
		return nil, err
	}
	return all, fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(root, name)
		return err
	})
}

// begins is the comment before the lines by which a file fetches the program. They end at an
// empty line.
var begins = regexp.MustCompile(`(?m)^ *# The program\.`)

// Pinned are the files of an integration that run one release and no other: what was fetched
// runs only if it is what somebody has named by its digest.
func (i Integration) Pinned(r Release) (map[string][]byte, error) {
	all, err := i.Files()
	if err != nil {
		return nil, err
	}
	if i.Fetches == "" {
		return nil, ErrFetchesNothing
	}
	lines, err := fs.ReadFile(pinned, path.Join("pinned", i.Name))
	if err != nil {
		return nil, err
	}
	text := string(all[i.Fetches])
	at := begins.FindStringIndex(text)
	if at == nil {
		return nil, fmt.Errorf("nothing in %s fetches the program", i.Fetches)
	}
	_, rest, _ := strings.Cut(text[at[0]:], "\n\n")
	text = text[:at[0]] + strings.NewReplacer("VERSION", r.Version, "DIGEST", r.SHA256).Replace(string(lines)) + "\n" + rest
	all[i.Fetches] = []byte(text)
	return all, nil
}
