// Package ci holds the files that let other programs run Portcullis: hooks,
// pipelines and plugins.
//
// Its invariant: a file is data, the same for everybody, and its place below its
// integration's folder is its place in the user's repository. It must not know what
// Portcullis does when it is run, nor where the files go.
package ci

import (
	"cmp"
	"embed"
	"io/fs"
	"path"
)

// Integration is one program that runs Portcullis.
type Integration struct {
	Name        string
	Description string // for help texts: a clause without a full stop
	Next        string // what is left to do once the files are there
	folder      string // of its files, where it is another's
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
		Next: "name a release in the action, and make the job of the workflow a required check"},
	{Name: "gitlab", Description: "judge every merge request and say what traffic it opens, in GitLab CI",
		Next: "name a release, and add to .gitlab-ci.yml: include: [{local: .gitlab/portcullis.yml}]"},
	{Name: "argocd", Description: "let Argo CD compile the intents, as a config management plugin",
		Next: "patch the repo-server by sidecar.yaml, and name your repository in application.yaml, applicationset.yaml or hydrator.yaml"},
	{Name: "flux", Description: "let Flux deploy the bundles that are pushed to a registry",
		Next: "name your registry, and the environment of the cluster, in flux/portcullis.yaml"},
}

//go:embed all:files
var files embed.FS

// Files are the files of an integration, by their paths in the user's repository.
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
