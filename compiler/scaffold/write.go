package scaffold

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/compiler/intent"
	"portcullis.dev/policies/diag"
)

// suggestion stands before a line that becomes part of an intent once the mark is
// taken away.
const suggestion = "#: "

// page is what goes into one workload's file.
type page struct {
	*workload
	file              string
	selector          string   // empty for the namespace's own
	inbound, outbound []string // suggested lines
	remarks           []string
}

func (p *page) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(editorLine(p.file))
	line("# %s", nameOf(p.workload))
	line("apiVersion: %s", intent.APIVersion)
	line("kind: NetworkIntent")
	line("metadata: {name: %s, namespace: %s}", word(p.name), word(p.id.Namespace))
	line("spec:")
	if p.selector != "" {
		line("  selector: %s", p.selector)
	}
	if p.hostNetwork {
		line("  hostNetwork: true   # no policy selects these pods; to others they are @nodes")
	}
	terms := make([]string, len(p.ports))
	for i, q := range p.ports {
		terms[i] = word(q.name) + ": " + q.text()
	}
	line("  ports: {%s}", strings.Join(terms, ", "))
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

// platformText is a Platform with these entries of namespaces.
func platformText(name string, namespaces []string) string {
	var b strings.Builder
	b.WriteString(editorLine(intent.PlatformFile))
	b.WriteString("# The Platform: what is true of the whole cluster and belongs to no team alone.\n")
	fmt.Fprintf(&b, "apiVersion: %s\nkind: Platform\nmetadata: {name: %s}\n", intent.APIVersion, word(Name(name)))
	if len(namespaces) == 0 {
		return b.String() + "spec: {}\n"
	}
	b.WriteString("spec:\n" +
		"  # Of the traffic of these namespaces' pods, in both directions, what no line of an\n" +
		"  # intent opens is dropped; asking the cluster's DNS is open. The list is complete:\n" +
		"  # an intent for another namespace is a mistake.\n" +
		"  namespaces:\n")
	for _, n := range namespaces {
		b.WriteString("    " + n + "\n")
	}
	return b.String()
}

func namespaceLine(name, label string, labels map[string]string, governed bool) string {
	var terms []string
	if governed && label != defaultNameLabel {
		terms = append(terms, "nameLabel: "+word(label))
	}
	if len(labels) > 0 {
		terms = append(terms, "labels: "+mapping(labels))
	}
	if !governed {
		terms = append(terms, "enforce: false")
	}
	return word(name) + ": {" + strings.Join(terms, ", ") + "}"
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	// otherwise read by some YAML parser as something else than a string
	resolved = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
	harmless = regexp.MustCompile(`^[A-Za-z0-9_./ -]+$`)
)

// word is a string as a scalar of YAML's flow style.
func word(s string) string {
	if plainWord.MatchString(s) && !slices.Contains(resolved, strings.ToLower(s)) {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(quoted)
}

func mapping(m map[string]string) string {
	terms := make([]string, 0, len(m))
	for _, key := range diag.SortedKeys(m) {
		terms = append(terms, word(key)+": "+word(m[key]))
	}
	return "{" + strings.Join(terms, ", ") + "}"
}

// plain is a text from a manifest that may stand in a comment or a message: it ends
// no line and hides nothing.
func plain(s string) string {
	if harmless.MatchString(s) {
		return s
	}
	return strconv.QuoteToASCII(s)
}

func nameOf(w *workload) string { return w.id.Kind + " " + plain(w.id.Name) }
