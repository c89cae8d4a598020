package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler/language"
	"portcullis.dev/compiler/sources"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/object"
)

// The types of what flags hold, each with the one parser that reads it. A parser's error
// says what there is; whoever asked for the value is named before it.

// colour is when output gets colour.
type colour string

const (
	colourAuto   colour = "auto" // on a terminal
	colourAlways colour = "always"
	colourNever  colour = "never"
)

var colours = []colour{colourAuto, colourAlways, colourNever}

// parseColour reads the value of the flag --color.
func parseColour(text string) (colour, error) { return oneOf(colours, text) }

// form is how a list is written.
type form string

const (
	formText form = "text"
	formJSON form = "json"
)

// forms are those there are, the default first.
var forms = []form{formText, formJSON}

// parseForm reads the value of the flag --output of a list: text or json.
func parseForm(text string) (form, error) { return oneOf(forms, text) }

// sink is a format of reports, and where one goes.
type sink struct {
	format report.Format
	file   string // empty for the stream
}

// formatNames lists the formats of reports that a flag may have as value.
func formatNames() []string {
	var names []string
	for _, f := range report.Formats {
		names = append(names, f.Name)
	}
	return names
}

// parseSink reads the value of the flag --output of a report, FORMAT or FORMAT=FILE.
func parseSink(text string) (s sink, err error) {
	name, file, hasFile := strings.Cut(text, "=")
	if s.format, err = report.Lookup(name); err != nil {
		return s, err
	}
	if hasFile && file == "" {
		return s, fmt.Errorf("%s= names no file", name)
	}
	s.file = file
	return s, nil
}

// severities are the values of diag.ParseSeverity, the gravest first.
var severities = []diag.Severity{diag.Error, diag.Warning, diag.Info}

var ruleCode = regexp.MustCompile(`^PC[0-9]{3}$`)

// parseCode reads the value of the flag --rule: the code of a rule, the program's or the user's
// own.
func parseCode(text string) (string, error) {
	if !ruleCode.MatchString(text) {
		return "", fmt.Errorf("expected the code of a rule, such as PC203, found %q", text)
	}
	return text, nil
}

// calicoRelease is a minor release of Calico 3.
type calicoRelease int

// newestCalico is the release whose order of evaluation is taken where nobody says which
// one runs.
const newestCalico calicoRelease = object.NewestCalico

// String writes a release of Calico as the value of a flag has it: 3.28.
func (r calicoRelease) String() string { return fmt.Sprintf("3.%d", int(r)) }

// parseRelease reads the value of the flag --calico, 3.28 or v3.28.
func parseRelease(text string) (r calicoRelease, err error) {
	if text == "" {
		return 0, nil // nothing is said
	}
	minor, major3 := strings.CutPrefix(strings.TrimPrefix(text, "v"), "3.")
	n, err := strconv.ParseUint(minor, 10, 8)
	if !major3 || err != nil || n == 0 {
		return 0, fmt.Errorf("expected a release such as %s, found %q", newestCalico, text)
	}
	return calicoRelease(n), nil
}

var programVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// parseProgramVersion reads which release of this program is meant.
func parseProgramVersion(text string) (string, error) {
	if text != "" && !programVersion.MatchString(text) {
		return "", fmt.Errorf("expected a release such as v1.2.3, found %q", text)
	}
	return text, nil
}

var sha256Digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseSHA256 reads a digest as sha256sum writes it.
func parseSHA256(text string) (string, error) {
	if text != "" && !sha256Digest.MatchString(text) {
		return "", fmt.Errorf("expected 64 hexadecimal digits, as sha256sum writes them, found %q", text)
	}
	return text, nil
}

// parseDNS reads the value of the flag --dns, who resolves names:
// NAMESPACE/key=value[,key=value][:PORT].
func parseDNS(text string) (*object.DNS, error) {
	if text == "" {
		return nil, nil
	}
	bad := func(format string, args ...any) (*object.DNS, error) {
		return nil, fmt.Errorf("%s, found %q; write NAMESPACE/key=value[,key=value][:PORT], as in kube-system/k8s-app=kube-dns or openshift-dns/dns.operator.openshift.io/daemonset-dns=default:5353",
			fmt.Sprintf(format, args...), text)
	}
	namespace, labels, ok := strings.Cut(text, "/")
	if !ok || !language.IsName(namespace) {
		return bad("expected a namespace and the labels of the pods that resolve names")
	}
	d := object.DefaultDNS()
	d.Namespace, d.Labels = namespace, map[string]string{}
	if at := strings.LastIndexByte(labels, ':'); at >= 0 {
		port, err := strconv.ParseUint(labels[at+1:], 10, 16)
		if err != nil || port == 0 {
			return bad("expected a port from 1 to 65535 behind the colon")
		}
		d.Port, labels = int(port), labels[:at]
	}
	for _, label := range strings.Split(labels, ",") {
		key, value, ok := strings.Cut(label, "=")
		switch _, twice := d.Labels[key]; {
		case !ok || !language.IsLabel(key, value):
			return bad("%q is no label, which is key=value", label)
		case twice:
			return bad("the label %s is given twice", key)
		}
		d.Labels[key] = value
	}
	return &d, nil
}

// parsePodRanges reads the value of the flag --pod-cidrs: ranges of addresses, separated by
// commas.
func parsePodRanges(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.Split(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		p, err := netip.ParsePrefix(word)
		switch {
		case err != nil:
			return nil, fmt.Errorf("expected ranges such as 10.244.0.0/16,fd00:10::/48, found %q", word)
		case p != p.Masked():
			return nil, fmt.Errorf("%s has bits behind its length: write %s", word, p.Masked())
		case p.Bits() == 0:
			return nil, fmt.Errorf("%s is every address there is; expected the ranges of pods, such as 10.244.0.0/16", word)
		}
		all = append(all, p)
	}
	return all, nil
}

// parseInstant reads the value of the flag --effective-time; none is the zero time. A day is all
// of it: what ends on it has not ended.
func parseInstant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 2000 {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("expected a day such as 2026-12-01, or a time such as 2026-12-01T09:30:00Z, found %q", text)
}

// parseTimeout reads the value of the flag --timeout, a duration such as 50s.
func parseTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("expected a time such as 50s or 1m30s, found %q", text)
	}
	return d, nil
}

// oneOf reads a flag's value that is one of a few words, and lists them where it is none.
func oneOf[T ~string](all []T, text string) (T, error) {
	if !slices.Contains(all, T(text)) {
		return "", fmt.Errorf("expected %s, found %q", either(words(all)), text)
	}
	return T(text), nil
}

// words writes the values that a flag may have, for help and errors.
func words[T any](all []T) []string {
	var texts []string
	for _, v := range all {
		texts = append(texts, fmt.Sprint(v))
	}
	return texts
}

// either joins the values that a flag may have as a sentence does: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// parseGlob reads a flag's value that is a pattern of paths, as of --exclude and --path.
func parseGlob(text string) (string, error) {
	if !sources.IsPattern(text) {
		return "", fmt.Errorf("%q is no pattern of paths: expected names with *, ?, [a-z] and {a,b}, and ** for any directories", text)
	}
	return text, nil
}
