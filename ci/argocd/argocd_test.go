// Package argocd lets Argo CD's own plugin server run the plugin that portcullis ci argocd
// writes, and asks of it what Argo CD's repo-server asks. The module of its own keeps Argo CD
// out of the product; ci/test builds both programs and names them:
//
//	PORTCULLIS_PROGRAM=… PORTCULLIS_CMP_SERVER=… go -C ci/argocd test ./...
package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"sigs.k8s.io/yaml"
)

const (
	plugins = "home/argocd/cmp-server/plugins" // Argo CD's own places, which sidecar.yaml mounts
	config  = "home/argocd/cmp-server/config"
)

func program(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		t.Fatalf("%s names no program; bash ci/test builds it", variable)
	}
	return name
}

// sidecar starts the server as sidecar.yaml does: as a user who owns nothing, in a file system
// that holds the two programs and the plugin, is not written to but for /tmp, and with nothing
// in its environment but where programs are. Only root can do that, where it may mount; for
// others the server runs as they do.
func sidecar(t *testing.T) apiclient.ConfigManagementPluginServiceClient {
	t.Helper()
	root, err := os.MkdirTemp("", "cmp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	place := func(from, to string, mode os.FileMode) {
		t.Helper()
		data, err := os.ReadFile(from)
		to = filepath.Join(root, to)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, data, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	place(program(t, "PORTCULLIS_PROGRAM"), "usr/local/bin/portcullis", 0o755)
	place(program(t, "PORTCULLIS_CMP_SERVER"), "var/run/argocd/argocd-cmp-server", 0o755)
	place("../files/argocd/plugin.yaml", config+"/plugin.yaml", 0o644)
	for _, dir := range []string{plugins, "tmp", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	var cmd *exec.Cmd
	var log bytes.Buffer
	if os.Geteuid() == 0 && exec.Command("unshare", "--mount", "true").Run() == nil {
		for _, dir := range []string{plugins, "tmp"} {
			if err := os.Chmod(filepath.Join(root, dir), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		cmd = exec.Command("unshare", "--mount", "sh", "-ec", `
			mount --bind "$1" "$1"
			mount --bind "$1/tmp" "$1/tmp"
			mount --bind "$1/$2" "$1/$2"
			mount --bind /dev "$1/dev"
			mount -o remount,bind,ro "$1"
			exec chroot --userspec=999:999 "$1" /var/run/argocd/argocd-cmp-server`, "sh", root, plugins)
		cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	} else {
		t.Log("LEFT OUT: another user on a file system that is not written to: root alone can, with mounts of its own")
		cmd = exec.Command(filepath.Join(root, "var/run/argocd/argocd-cmp-server"), "--config-dir-path", filepath.Join(root, config))
		cmd.Env = []string{"PATH=" + filepath.Join(root, "usr/local/bin"), "ARGOCD_PLUGINSOCKFILEPATH=" + filepath.Join(root, plugins)}
	}
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill() // it outlives a request to end
		<-ended
	})
	socket := filepath.Join(root, plugins, "portcullis.sock")
	for {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended: %v\n%s", err, log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(apiclient.MaxGRPCMessageSize), grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return apiclient.NewConfigManagementPluginServiceClient(connection)
}

// application is a repository of Git in which an Application's path lies.
type application struct{ repository, path string }

func newApplication(t *testing.T, example string) application {
	t.Helper()
	a := application{repository: t.TempDir()}
	a.path = filepath.Join(a.repository, "network")
	if err := os.CopyFS(a.path, os.DirFS(filepath.Join("../../examples", example))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.repository, "README"), []byte("of another team"), 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a application) edit(t *testing.T, name, old, new string) {
	t.Helper()
	name = filepath.Join(a.path, name)
	data, err := os.ReadFile(name)
	if err == nil && !strings.Contains(string(data), old) {
		err = fmt.Errorf("%s holds no %q", name, old)
	}
	if err == nil {
		err = os.WriteFile(name, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// environ is what the repo-server sends of an Application whose parameters are these.
func environ(parameters map[string]string) []string {
	type parameter struct {
		Name   string `json:"name"`
		String string `json:"string"`
	}
	list := []parameter{}
	all := []string{"ARGOCD_APP_NAME=network", "ARGOCD_APP_NAMESPACE=argocd", "ARGOCD_APP_REVISION=0123456789abcdef0123456789abcdef01234567", "ARGOCD_APP_SOURCE_PATH=network", "KUBE_VERSION=1.36"}
	for name, value := range parameters {
		list = append(list, parameter{name, value})
		all = append(all, "PARAM_"+strings.ToUpper(name)+"="+value)
	}
	text, _ := json.Marshal(list)
	return append(all, "ARGOCD_APP_PARAMETERS="+string(text))
}

func generate(ctx context.Context, client apiclient.ConfigManagementPluginServiceClient, a application, parameters map[string]string) ([]string, error) {
	stream, err := client.GenerateManifest(ctx)
	if err != nil {
		return nil, err
	}
	if err := cmp.SendRepoStream(ctx, a.path, a.repository, stream, environ(parameters), []string{".git/*"}); err != nil {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	return answer.Manifests, nil
}

// built is what the program itself builds, each object as JSON.
func built(t *testing.T, dir, environment string) []string {
	t.Helper()
	out, err := exec.Command(program(t, "PORTCULLIS_PROGRAM"), "build", dir, "--env", environment).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for document := range strings.SplitSeq("\n"+string(out), "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		object, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, canonical(t, string(object)))
	}
	return all
}

func canonical(t *testing.T, object string) string {
	t.Helper()
	var value any
	err := json.Unmarshal([]byte(object), &value)
	data, err2 := json.Marshal(value)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return string(data)
}

func environments(t *testing.T, dir string) []string {
	t.Helper()
	deploy := filepath.Join(t.TempDir(), "deploy")
	if out, err := exec.Command(program(t, "PORTCULLIS_PROGRAM"), "build", dir, "--out", deploy).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	entries, err := os.ReadDir(filepath.Join(deploy, "overlays"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestPlugin asks the real server all that Argo CD asks of a plugin.
func TestPlugin(t *testing.T) {
	client := sidecar(t)
	shop := newApplication(t, "online-shop")

	t.Run("is configured", func(t *testing.T) {
		answer, err := client.CheckPluginConfiguration(t.Context(), &emptypb.Empty{})
		if err != nil || !answer.IsDiscoveryConfigured || answer.ProvideGitCreds {
			t.Errorf("%+v: %v", answer, err)
		}
	})
	t.Run("knows its repositories", func(t *testing.T) {
		foreign := application{repository: shop.repository, path: shop.repository}
		for _, a := range []application{shop, foreign} {
			stream, err := client.MatchRepository(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := cmp.SendRepoStream(t.Context(), a.path, a.repository, stream, environ(nil), nil); err != nil {
				t.Fatal(err)
			}
			answer, err := stream.CloseAndRecv()
			if err != nil || answer.IsSupported != (a == shop) {
				t.Errorf("%s: %+v, %v", a.path, answer, err)
			}
		}
	})
	t.Run("announces its parameters", func(t *testing.T) {
		stream, err := client.GetParametersAnnouncement(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := cmp.SendRepoStream(t.Context(), shop.path, shop.repository, stream, environ(nil), nil); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.CloseAndRecv()
		if err != nil || len(answer.ParameterAnnouncements) != 1 {
			t.Fatalf("%+v: %v", answer, err)
		}
		if p := answer.ParameterAnnouncements[0]; p.Name != "environment" || p.Title == "" || p.Tooltip == "" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("gives what build gives", func(t *testing.T) {
		for _, example := range []string{"online-shop", "zero-trust-demo"} {
			a := newApplication(t, example)
			for _, environment := range environments(t, a.path) {
				got, err := generate(t.Context(), client, a, map[string]string{"environment": environment})
				if err != nil {
					t.Fatal(err)
				}
				for i := range got {
					got[i] = canonical(t, got[i])
				}
				if want := built(t, a.path, environment); len(want) < 5 || !slices.Equal(got, want) {
					t.Errorf("%s %s: %d objects, of build %d, or others", example, environment, len(got), len(want))
				}
			}
		}
	})
	t.Run("agrees with itself", func(t *testing.T) {
		answers := make([]string, 20)
		var calls sync.WaitGroup
		for i := range answers {
			calls.Go(func() {
				got, err := generate(t.Context(), client, shop, map[string]string{"environment": "prod-eu"})
				answers[i] = fmt.Sprint(got, err)
			})
		}
		calls.Wait()
		for i, answer := range answers {
			if answer != answers[0] || !strings.HasSuffix(answer, "<nil>") {
				t.Errorf("call %d: %.300s\ncall 0: %.300s", i, answer, answers[0])
			}
		}
	})
	t.Run("says what is wrong", func(t *testing.T) {
		unknown := newApplication(t, "zero-trust-demo")
		unknown.edit(t, "intents/backend.yaml", "from: frontend", "from: fronted")
		empty := newApplication(t, "zero-trust-demo")
		if err := os.RemoveAll(filepath.Join(empty.path, "intents")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(empty.path, "portcullis.yaml"), []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: empty}\nspec: {}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []struct {
			name       string
			of         application
			parameters map[string]string
			says       []string
		}{
			{"a workload that is none", unknown, nil, []string{"PC101", "intents/backend.yaml:7:14"}},
			{"an empty result", empty, nil, []string{"PC121"}},
			{"an unknown parameter", shop, map[string]string{"checks": "none"}, []string{`there is no parameter "checks"`}},
			{"an unknown environment", shop, map[string]string{"environment": "moon"}, []string{`there is no environment "moon"`}},
			{"no environment", shop, nil, []string{"set the Application's parameter environment"}},
			{"a path below", application{shop.repository, filepath.Join(shop.path, "shop")}, nil, []string{"lies below the directory of portcullis.yaml"}},
		} {
			got, err := generate(t.Context(), client, wrong.of, wrong.parameters)
			if err == nil {
				t.Errorf("%s: %d objects and no error", wrong.name, len(got))
				continue
			}
			for _, part := range wrong.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: Argo CD shows no %q: %v", wrong.name, part, err)
				}
			}
			if strings.Contains(err.Error(), "_cmp_server") {
				t.Errorf("%s: the error names a directory of the moment: %v", wrong.name, err)
			}
		}
	})
}
