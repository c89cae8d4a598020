// Command server is argocd-cmp-server, the part of Argo CD that runs beside a plugin and
// starts it: the command of that name, as Argo CD's own main calls it. That main is not
// imported, because it is every other command of Argo CD too, with the files of a web page
// that its module does not hold.
package main

import (
	"os"

	"github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
)

func main() {
	if commands.NewCommand().Execute() != nil {
		os.Exit(1)
	}
}
