package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/compiler/bundle"
	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
)

// What Argo CD hands to a plugin (its manual: Config Management Plugins). Whoever
// may edit an Application writes the parameters, and the variables with the prefix.
const (
	argoParameters = "ARGOCD_APP_PARAMETERS"
	argoPrefix     = "ARGOCD_ENV_"
	argoChoice     = argoPrefix + "PORTCULLIS_ENV"
)

// argoTimeout is how long a plugin takes if the operator names no time. Argo CD's
// controller waits 60 s for its repo-server, and the repo-server 90 s for a plugin
// (ARGOCD_EXEC_TIMEOUT): whoever is ended by them says nothing of the reason.
const argoTimeout = 50 * time.Second

// parameter is one of an Application's. PARAM_… variables say the same, but there
// a-b and a_b are one name.
type parameter struct {
	Name   string            `json:"name"`
	String *string           `json:"string"`
	Array  []string          `json:"array"`
	Map    map[string]string `json:"map"`
}

// buildForArgoCD builds in the seat of Argo CD's plugin. Whoever reads an error there has an
// Application before them, and no command line.
func (p *program) buildForArgoCD(c *cli.Context, asked building) error {
	if err := p.seatArgoCD(c, &asked); err != nil {
		return err
	}
	if err := pathOfApplication(c.Args().First()); err != nil {
		return err
	}
	err := p.build(c, asked)
	var unchosen unchosenError
	var unknown *compiler.UnknownEnvironment
	var late lateError
	switch {
	case errors.As(err, &unchosen):
		return usageError{fmt.Errorf("there are %d environments: set the Application's parameter environment to one of %s", len(unchosen), strings.Join(unchosen, ", "))}
	case errors.As(err, &unknown):
		return usageError{fmt.Errorf("the Application's parameter environment: %w", unknown)}
	case errors.As(err, &late):
		return usageError{fmt.Errorf("not done after %s, and Argo CD itself waits for 60s; nothing was written. Give each environment an Application of its own (portcullis ci argocd), and leave what is not of the network out of the Application's path", late.timeout)}
	}
	return err
}

// pathOfApplication refuses a path of an Argo CD Application that leads below a repository, or
// into what was built of one.
func pathOfApplication(dir string) error {
	if dir == "" || isRepository(dir) {
		return nil
	}
	for up := dir; ; up = filepath.Join(up, "..") {
		if _, err := os.Lstat(filepath.Join(up, bundle.IndexFile)); err == nil {
			return usageError{fmt.Errorf("the Application's path lies in a bundle, which is compiled already (%s): leave the plugin out, and Argo CD builds it with kustomize", filepath.ToSlash(filepath.Join(up, bundle.IndexFile)))}
		}
		if isRepository(up) {
			return usageError{fmt.Errorf("the Application's path lies below the directory of %s: name that directory (%s) as its path", language.PlatformFile, filepath.ToSlash(up))}
		}
		if abs, err := filepath.Abs(up); err != nil || isTop(abs) {
			return nil
		}
	}
}

// seatArgoCD puts the command into the seat of an Argo CD plugin. An Application
// chooses the environment and nothing else: what is judged, and how strictly, is
// the operator's to say, on the plugin's command line and in the sidecar's own
// environment.
func (p *program) seatArgoCD(c *cli.Context, asked *building) (err error) {
	if !c.IsSet("timeout") {
		asked.timeout = argoTimeout
	}
	if asked.usual, err = report.Lookup("brief"); err != nil { // Argo CD shows stderr whole
		return err
	}
	chosen, err := p.argoEnvironments()
	if err != nil {
		return usageError{err}
	}
	if c.String("env") != "" {
		chosen["the plugin"] = c.String("env")
	}
	var first string
	for i, by := range diag.SortedKeys(chosen) {
		if i == 0 {
			first = by
			continue
		}
		if chosen[by] != chosen[first] {
			return usageError{fmt.Errorf("%s asks for environment %.60q and %s for %.60q: leave one of the two out", first, chosen[first], by, chosen[by])}
		}
	}
	if first == "" {
		return nil
	}
	return c.Set("env", chosen[first])
}

// argoEnvironments gathers the environments that an Application asks for, by the place in which
// it does.
func (p *program) argoEnvironments() (map[string]string, error) {
	chosen := map[string]string{}
	for _, name := range diag.SortedKeys(p.environ) {
		switch suffix, ours := strings.CutPrefix(name, argoPrefix+"PORTCULLIS_"); {
		case p.environ[name] == "": // as Argo CD sends what nobody filled in
		case name == argoChoice:
			chosen[argoChoice] = p.environ[name]
		case ours:
			return nil, fmt.Errorf("%s: an Application chooses the environment (PORTCULLIS_ENV) and nothing else; PORTCULLIS_%s is the operator's to set", name, suffix)
		}
	}
	parameters, err := parametersOf(p.environ[argoParameters])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argoParameters, err)
	}
	if len(parameters) > 0 && *parameters[0].String != "" {
		chosen["parameter environment"] = *parameters[0].String
	}
	return chosen, nil
}

// parametersOf reads the list of parameters that Argo CD hands to its plugin, which may hold the
// environment once.
func parametersOf(text string) ([]parameter, error) {
	if text == "" {
		return nil, nil
	}
	var all []parameter
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("expected a JSON list of parameters: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("expected one JSON list of parameters, found more after it")
	}
	for i, q := range all {
		switch {
		case q.Name != "environment":
			return nil, fmt.Errorf("there is no parameter %.60q; there is environment", q.Name)
		case i > 0:
			return nil, fmt.Errorf("parameter %.60q is given twice", q.Name)
		case q.String == nil || q.Array != nil || q.Map != nil:
			return nil, fmt.Errorf("parameter %.60q is one string, not an array or a map", q.Name)
		}
	}
	return all, nil
}
