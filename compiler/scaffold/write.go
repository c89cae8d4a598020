package scaffold

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/object"
	"portcullis.dev/policies/yamltext"
)

// suggestion stands before a line that becomes part of an intent once the mark is
// taken away.
const suggestion = "#: "

// page is what goes into one workload's file.
type page struct {
	*workload
	file              string
	selector          yamltext.Map // nil for the namespace's own
	inbound, outbound []string     // suggested lines
	remarks           []string
}

// text writes the file of one drafted intent, with remarks as comments.
func (p *page) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(editorLine(p.file))
	line("# %s", nameOf(p.workload))
	line("apiVersion: %s", language.APIVersion)
	line("kind: NetworkIntent")
	line("%s", yamltext.Line(yamltext.Field{Key: "metadata", Value: yamltext.Map{{Key: "name", Value: p.name}, {Key: "namespace", Value: p.id.Namespace}}}))
	line("spec:")
	if p.selector != nil {
		line("  %s", yamltext.Line(yamltext.Field{Key: "selector", Value: p.selector}))
	}
	if p.hostNetwork {
		line("  hostNetwork: true   # no policy selects these pods; to others they are @nodes")
	}
	ports := make(yamltext.Map, len(p.ports))
	for i, q := range p.ports {
		ports[i] = yamltext.Field{Key: q.name, Value: q.value()}
	}
	line("  %s", yamltext.Line(yamltext.Field{Key: "ports", Value: ports}))
	for _, r := range p.remarks {
		line("  # %s", r)
	}
	for _, s := range []struct {
		key   string
		lines []string
	}{{"inbound", p.inbound}, {"outbound", p.outbound}} {
		if len(s.lines) > 0 {
			line("  %s%s:", suggestion, s.key)
		}
		for _, l := range s.lines {
			line("  %s  - %s", suggestion, l)
		}
	}
	return b.String()
}

// clusterFields writes what a drafted Platform has to say of a cluster that is not the usual one.
func clusterFields(c object.Cluster) []yamltext.Field {
	var fields []yamltext.Field
	usual := object.DefaultCluster()
	if c.CalicoMinor != usual.CalicoMinor {
		fields = append(fields, yamltext.Field{Key: "calico", Value: yamltext.Map{{Key: "version", Value: fmt.Sprintf("3.%d", c.CalicoMinor)}}})
	}
	if c.DNS.Namespace != usual.DNS.Namespace || c.DNS.Port != usual.DNS.Port || !maps.Equal(c.DNS.Labels, usual.DNS.Labels) {
		fields = append(fields, yamltext.Field{Key: "dns", Value: yamltext.Map{
			{Key: "namespace", Value: c.DNS.Namespace}, {Key: "selector", Value: yamltext.StringMap(c.DNS.Labels)}, {Key: "port", Value: c.DNS.Port},
		}})
	}
	var ranges yamltext.Map
	for _, r := range []struct {
		key string
		all []netip.Prefix
	}{{"podCIDRs", c.PodCIDRs}, {"serviceCIDRs", c.ServiceCIDRs}, {"nodeCIDRs", c.NodeCIDRs}} {
		if len(r.all) > 0 {
			var words []string
			for _, p := range r.all {
				words = append(words, p.String())
			}
			ranges = append(ranges, yamltext.Field{Key: r.key, Value: yamltext.Strings(words)})
		}
	}
	if len(ranges) > 0 {
		fields = append(fields, yamltext.Field{Key: "cluster", Value: ranges})
	}
	return fields
}

// platformText writes the file of a Platform with these settings of the cluster and entries of
// namespaces.
func platformText(name string, cluster, namespaces []yamltext.Field) string {
	var b strings.Builder
	b.WriteString(editorLine(language.PlatformFile))
	b.WriteString("# The Platform: what is true of the whole cluster and belongs to no team alone.\n")
	fmt.Fprintf(&b, "apiVersion: %s\nkind: Platform\n%s\n", language.APIVersion, yamltext.Line(nameField(name)))
	if len(namespaces) == 0 {
		return b.String() + "spec: {}\n"
	}
	b.WriteString("spec:\n")
	for _, f := range cluster {
		b.WriteString("  " + yamltext.Line(f) + "\n")
	}
	b.WriteString(
		"  # Of the traffic of these namespaces' pods, in both directions, what no line of an\n" +
			"  # intent opens is dropped; asking the cluster's DNS is open. The list is complete:\n" +
			"  # an intent for another namespace is a mistake.\n" +
			"  namespaces:\n")
	for _, n := range namespaces {
		b.WriteString("    " + yamltext.Line(n) + "\n")
	}
	return b.String()
}

// nameField writes the metadata of a document without a namespace.
func nameField(name string) yamltext.Field {
	return yamltext.Field{Key: "metadata", Value: yamltext.Map{{Key: "name", Value: Name(name)}}}
}

// namespaceEntry writes the entry of a namespace in a Platform: its nameLabel, its labels, and
// whether it is enforced.
func namespaceEntry(name, label string, labels map[string]string, governed bool) yamltext.Field {
	var terms yamltext.Map
	if governed && label != defaultNameLabel {
		terms = append(terms, yamltext.Field{Key: "nameLabel", Value: label})
	}
	if len(labels) > 0 {
		terms = append(terms, yamltext.Field{Key: "labels", Value: yamltext.StringMap(labels)})
	}
	if !governed {
		terms = append(terms, yamltext.Field{Key: "enforce", Value: false})
	}
	return yamltext.Field{Key: name, Value: terms}
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9_./ -]+$`)

// plain spells a text from a manifest so that it may be written into a comment or a message: it
// ends no line and hides nothing.
func plain(s string) string {
	if harmless.MatchString(s) {
		return s
	}
	return strconv.QuoteToASCII(s)
}

// nameOf writes a workload's kind and name as people read them in comments.
func nameOf(w *workload) string { return w.id.Kind + " " + plain(w.id.Name) }
