package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"portcullis.dev/policies/diag"
)

var sarifFormat = Format{
	Name:        "sarif",
	Description: "for programs: SARIF 2.1.0, with what is waived or known as suppressed results",
	write: func(w *bufio.Writer, r diag.Report, o Options) error {
		return writeSARIF(w, r, o, o.Narrow.of(r.Findings), nil)
	},
}

var sarifGitHubFormat = Format{
	Name:        "sarif-github",
	Description: "for GitHub's code scanning: SARIF without what is waived or known, the worst first, cut to what it takes",
	write:       writeSARIFGitHub,
}

// What GitHub shows of a run: it refuses a file of more than 25,000 results or 10 MB of gzip,
// and shows 5,000. What is short before it is compressed is short behind it.
const (
	sarifMost  = 5_000 // results
	sarifBytes = 8_000_000
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID       string       `json:"id"`
	Short    sarifText    `json:"shortDescription"`
	Full     sarifText    `json:"fullDescription"`
	Help     sarifText    `json:"help"`
	HelpURI  string       `json:"helpUri,omitempty"`
	Defaults sarifDefault `json:"defaultConfiguration"`
	Tags     sarifTags    `json:"properties"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifTags struct {
	Tags     []string `json:"tags"`
	Severity string   `json:"security-severity"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool          `json:"executionSuccessful"`
	Notifications []sarifNotice `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotice struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	Rule         string             `json:"ruleId"`
	Index        int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations,omitempty"`
	Related      []sarifLocation    `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Baseline     string             `json:"baselineState,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	ID       *int          `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifText    `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int32 `json:"startLine"`
	StartColumn int32 `json:"startColumn,omitempty"`
	EndLine     int32 `json:"endLine,omitempty"`
	EndColumn   int32 `json:"endColumn,omitempty"`
}

var sarifLevels = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Info: "note"}

// sarifScores are what GitHub sorts alerts by: high, medium and low.
var sarifScores = map[diag.Severity]string{diag.Error: "8.0", diag.Warning: "5.0", diag.Info: "2.0"}

// writeSARIFGitHub leaves out what is accepted, for GitHub reads no suppressions and would open
// an alert; and what has no place at all, for which it refuses the whole file. It cuts.
func writeSARIFGitHub(w *bufio.Writer, r diag.Report, o Options) error {
	standing, _ := split(o.Narrow.of(r.Findings))
	slices.SortStableFunc(standing, func(a, b diag.Diagnostic) int { return cmp.Compare(b.Severity, a.Severity) })
	results := sarifResults{places: newPlaces(r)}
	placed := slices.DeleteFunc(slices.Clone(standing), func(d diag.Diagnostic) bool { return results.places.of(d.Span).file == "" })
	var said []string
	if n := len(standing) - len(placed); n > 0 {
		said = append(said, counted(n, "finding without a place is", "findings without a place are")+" left out")
	}
	number, left := 0, sarifBytes
	for ; number < min(len(placed), sarifMost); number++ {
		one, err := json.Marshal(results.of(placed[number]))
		if err != nil {
			return err
		}
		if left -= 2 * len(one); left < 0 { // indented
			break
		}
	}
	if number < len(placed) {
		said = append(said, fmt.Sprintf("%d of %d findings are here, the worst; left out: %s", number, len(placed), leftOut(placed[number:])))
	}
	return writeSARIF(w, r, o, placed[:number], said)
}

// leftOut counts by severity and rule the findings for which a SARIF file had no room.
func leftOut(findings diag.List) string {
	number := map[string]int{}
	for _, d := range findings {
		number[d.Rule.Code+" "+d.Severity.String()]++
	}
	var parts []string
	for _, name := range diag.SortedKeys(number) {
		parts = append(parts, fmt.Sprintf("%d of %s", number[name], terminal(name)))
	}
	return strings.Join(parts, ", ")
}

// writeSARIF writes findings as one run of SARIF: the rules, the results, and what was said of
// them.
func writeSARIF(w *bufio.Writer, r diag.Report, o Options, shown diag.List, said []string) error {
	run := sarifRun{ColumnKind: "utf16CodeUnits", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "portcullis", Version: o.Version, Rules: []sarifRule{}}
	index := map[*diag.Rule]int{}
	for _, rule := range rulesOf(r.Rules, shown) {
		index[rule] = len(index)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(rule))
	}
	results := sarifResults{newPlaces(r), index, slices.ContainsFunc(shown, isKnown)}
	unplaced := 0
	for _, d := range shown {
		result := results.of(d)
		if len(result.Locations) == 0 {
			unplaced++
		}
		run.Results = append(run.Results, result)
	}
	if unplaced > 0 {
		said = append(said, counted(unplaced, "result has no place", "results have no place"))
	}
	run.Invocations = []sarifInvocation{{Successful: true, Notifications: sarifNotices(r, said)}}
	return writeDocument(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// sarifResults turns findings into results.
type sarifResults struct {
	places *places
	index  map[*diag.Rule]int
	known  bool // whether there is a baseline: all results of a run are compared with it, or none
}

// of makes a result of SARIF from a finding, with its places, fingerprints and suppressions.
func (s sarifResults) of(d diag.Diagnostic) sarifResult {
	result := sarifResult{
		Rule: terminal(d.Rule.Code), Index: s.index[d.Rule], Level: sarifLevels[d.Severity],
		Message:      sarifText{sarifWords(joined(d, "\n"))},
		Fingerprints: map[string]string{"primaryLocationLineHash": d.Fingerprint, "portcullis/v1": d.Fingerprint},
	}
	if at := s.places.of(d.Span); at.file != "" {
		result.Locations = []sarifLocation{{Physical: at.sarif()}}
	}
	for _, related := range d.Related {
		if related.Span.File == "" {
			continue
		}
		id := len(result.Related) + 1
		result.Related = append(result.Related, sarifLocation{ID: &id, Physical: s.places.of(related.Span).sarif(),
			Message: &sarifText{sarifWords(terminal(related.Message))}})
	}
	if s.known {
		result.Baseline = "new"
	}
	switch {
	case d.WaivedBy != "":
		result.suppress("waived by " + join(" until ", d.WaivedBy, d.WaivedUntil))
	case d.KnownBy != "":
		result.Baseline = "unchanged"
		result.suppress("known by " + d.KnownBy)
	}
	return result
}

// suppress marks a result of SARIF as accepted, and says why.
func (r *sarifResult) suppress(why string) {
	r.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: sarifWords(terminal(why))}}
}

// sarifNotices tells in SARIF what was cut, what was not judged and what was taken for granted.
func sarifNotices(r diag.Report, said []string) []sarifNotice {
	var all []sarifNotice
	add := func(level, text string) {
		all = append(all, sarifNotice{level, sarifText{sarifWords(terminal(text))}})
	}
	for _, text := range said {
		add("warning", text)
	}
	if r.Survey != nil {
		for _, n := range r.Survey.NotJudged {
			add("note", "not judged: "+n.Text())
		}
	}
	for _, text := range r.Assumptions {
		add("note", text)
	}
	return all
}

// rulesOf lists the rules of a report, and those of findings that are not among them, as SARIF's
// driver and JUnit's cases name them.
func rulesOf(rules []*diag.Rule, findings diag.List) []*diag.Rule {
	all := slices.Clone(rules)
	listed := map[*diag.Rule]bool{}
	for _, rule := range rules {
		listed[rule] = true
	}
	for _, d := range findings {
		if !listed[d.Rule] {
			listed[d.Rule] = true
			all = append(all, d.Rule)
		}
	}
	slices.SortStableFunc(all, func(a, b *diag.Rule) int { return cmp.Compare(a.Code, b.Code) })
	return all
}

// sarifRuleOf describes a rule as SARIF does: title, help, level, tags and a score for GitHub.
func sarifRuleOf(rule *diag.Rule) sarifRule {
	title := cmp.Or(sarifWords(terminal(rule.Title)), terminal(rule.Code))
	help := cmp.Or(sarifWords(terminal(rule.Help())), title)
	s := sarifRule{
		ID: terminal(rule.Code), Short: sarifText{atMost(title, 1024)}, Full: sarifText{atMost(cmp.Or(sarifWords(terminal(rule.Why)), title), 1024)},
		Help: sarifText{help}, Defaults: sarifDefault{sarifLevels[rule.Severity]},
		Tags: sarifTags{[]string{"security", "network-policy"}, sarifScores[rule.Severity]},
	}
	for _, address := range rule.See {
		if u, err := url.Parse(address); err == nil && u.Scheme == "https" && u.Host != "" && s.HelpURI == "" {
			s.HelpURI = u.String()
		}
	}
	return s
}

// sarifWords makes inert text inert for SARIF: no link of Markdown begins in a message.
func sarifWords(text string) string { return strings.ReplaceAll(text, "](", `]\u{28}`) }

// sarif writes a place as SARIF's physical location.
func (s spot) sarif() sarifPhysical {
	return sarifPhysical{sarifArtifact{uri(s.file)}, sarifRegion{s.start.Line, s.start.Column, s.end.Line, s.end.Column}}
}

// uri writes a relative path as SARIF's reference to a file, by RFC 3986: a colon would make a
// scheme of what stands before it.
func uri(file string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(file) {
		switch c := file[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
