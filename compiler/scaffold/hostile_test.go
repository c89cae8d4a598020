package scaffold_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/lower"
	"portcullis.dev/compiler/resolve"
	"portcullis.dev/compiler/scaffold"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
	_ "portcullis.dev/testdata/seed"
)

// hostile are texts that manifests may hold wherever a text stands, among them the
// usual ones.
var hostile = rapid.SampledFrom([]string{
	"web", "web", "web", "backend", "backend", "data", "shop", "default", "kube-system", "no", "true", "1", "012", "a.b", "a/b", "A_B",
	"x\nspec: {inbound: [{from: \"*/*\", ports: [any]}]}", "#: y", "*", "&a", "@internet", "{}", "[", "'", "\"", "\\", "\x1b[31m", "\u202e", "../../x", "any",
	"ping", "a--b", strings.Repeat("a", 63), strings.Repeat("a", 64), "é", "", " ", "web:80", "http://backend:80", "http://web.shop/,backend:http",
})

// TestHostileManifests drafts from manifests of any texts. Whatever they hold, the
// language reads the draft without an error, no flow is open, and none of the
// suggestions is wrong.
func TestHostileManifests(t *testing.T) {
	t.Parallel()
	// Most texts are usual ones, so that drafts come of them and flows between them.
	mostly := func(usual ...string) *rapid.Generator[string] {
		good := rapid.SampledFrom(usual)
		return rapid.OneOf(good, good, good, good, good, good, good, hostile)
	}
	name, namespace := mostly("web", "backend", "data"), mostly("shop", "shop", "other")
	portNames := mostly("", "http", "http", "any", "metrics")
	value := mostly("http://backend:80", "web:80", "data.shop", "http://web.other/x", "http://data.shop:80,http://web.shop:80,http://backend.shop:80")
	values := mostly("web", "backend", "data")
	label := rapid.MapOfN(rapid.SampledFrom([]string{"app", "app.kubernetes.io/name", "k8s-app", "name", "é", "a\nb", "no"}), values, 0, 3)
	good := rapid.Custom(func(t *rapid.T) map[string]string {
		return map[string]string{"app": rapid.SampledFrom([]string{"web", "backend", "data"}).Draw(t, "app")}
	})
	label = rapid.OneOf(good, good, good, good, good, good, label)
	protocol := rapid.SampledFrom([]corev1.Protocol{"", "TCP", "UDP", "SCTP", "ICMP"})
	number := rapid.SampledFrom([]int32{80, 80, 80, 8080, 443, 53, 65535, 65536, 0, -1})
	rapid.Check(t, func(t *rapid.T) {
		var files []language.File
		put := func(o any) {
			data, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, language.File{Path: "in.yaml", Data: data})
		}
		meta := func() metav1.ObjectMeta {
			return metav1.ObjectMeta{Name: name.Draw(t, "name"), Namespace: namespace.Draw(t, "namespace"), Labels: label.Draw(t, "labels")}
		}
		pod := func() corev1.PodTemplateSpec {
			template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: label.Draw(t, "pod labels")}}
			template.Spec.HostNetwork = rapid.IntRange(0, 5).Draw(t, "hostNetwork") == 0
			template.Spec.Containers = []corev1.Container{{
				Ports: []corev1.ContainerPort{
					{Name: portNames.Draw(t, "port"), ContainerPort: number.Draw(t, "number"), Protocol: protocol.Draw(t, "protocol")},
					{Name: portNames.Draw(t, "port"), ContainerPort: number.Draw(t, "number")}},
				Env: []corev1.EnvVar{{Name: hostile.Draw(t, "variable"), Value: value.Draw(t, "value")}, {Name: "URL", Value: value.Draw(t, "url")}},
			}}
			return template
		}
		for range rapid.IntRange(1, 3).Draw(t, "deployments") {
			d := appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta()}
			d.Spec.Template = pod()
			if rapid.Bool().Draw(t, "has selector") {
				d.Spec.Selector = &metav1.LabelSelector{MatchLabels: label.Draw(t, "selector")}
			}
			put(d)
		}
		for range rapid.IntRange(0, 2).Draw(t, "cron jobs") {
			c := batchv1.CronJob{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "CronJob"}, ObjectMeta: meta()}
			c.Spec.JobTemplate.Spec.Template = pod()
			put(c)
		}
		for range rapid.IntRange(1, 4).Draw(t, "services") {
			s := corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta()}
			s.Spec.Selector = label.Draw(t, "selected")
			s.Spec.Type = corev1.ServiceType(hostile.Draw(t, "type"))
			s.Spec.Ports = []corev1.ServicePort{{Name: portNames.Draw(t, "service port"), Port: number.Draw(t, "port"), Protocol: protocol.Draw(t, "protocol"), TargetPort: intstr.FromInt32(number.Draw(t, "target"))}}
			put(s)
		}
		for range rapid.IntRange(0, 2).Draw(t, "namespaces") {
			put(corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: meta()})
		}
		draft, found := scaffold.From("x", object.DefaultCluster(), files)
		if found.Failed() || len(draft.Files) == 0 {
			return // the manifests could not be read, or nothing could be drafted
		}
		repo := planned(t, filesOf(draft, asWritten))
		for _, i := range repo.Intents {
			if len(i.Spec.Inbound)+len(i.Spec.Outbound) > 0 {
				t.Fatalf("%s opens a flow", i.Span.File)
			}
		}
		suggested := filesOf(draft, withSuggestions)
		for i, f := range suggested {
			if f.Path == language.PlatformFile {
				suggested[i].Data = append(f.Data, "  cluster: {podCIDRs: [10.244.0.0/16], serviceCIDRs: [10.96.0.0/12], nodeCIDRs: [172.18.0.0/16]}\n"...)
			}
		}
		planned(t, suggested)
		for _, note := range draft.Notes {
			if strings.ContainsFunc(note, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("a note is not harmless: %q", note)
			}
		}
	})
}

func planned(t *rapid.T, files []language.File) *language.Repository {
	repo, found := language.Parse(files)
	_, resolved := resolve.Plans(repo, resolve.Options{Targets: lower.Names()})
	for _, d := range append(found, resolved...) {
		if d.Severity == diag.Error {
			var all strings.Builder
			for _, f := range files {
				all.WriteString("-- " + f.Path + " --\n" + string(f.Data))
			}
			t.Fatalf("%s: %s: %s\n%s", d.Span, d.Rule.Code, d.Message, all.String())
		}
	}
	return repo
}
