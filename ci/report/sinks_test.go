package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/policies/diag"
)

// findingsOf is a report in which every text that somebody else may write is the same.
func findingsOf(text string) diag.Report {
	rule := &diag.Rule{Code: "PC601", Title: text, Why: text, Mend: text, See: []string{text}, Severity: diag.Error}
	soft := &diag.Rule{Code: "PC602", Title: text, Severity: diag.Warning}
	file := text + ".yaml"
	at := diag.Span{File: file, Start: diag.Position{Line: 3, Column: 2}, End: diag.Position{Line: 3, Column: 9}}
	one := rule.At(at, "%s", text).Because("%s", text).Suggest("%s", text).See(at, "%s", text).CausedBy(text).Testify(diag.IntentEvidence, text).Testify(diag.PortEvidence, text)
	one.Environments = []string{text}
	about := soft.On(diag.Subject{Object: diag.ObjectID{Kind: text, Namespace: text, Name: text}, Pointer: text}, "%s", text)
	waived, known := one, about
	waived.WaivedBy, waived.WaivedUntil, known.KnownBy = text, text, text
	r := diag.NewReport(diag.List{one, about, waived, known}, []*diag.Rule{rule, soft}, map[string][]byte{file: []byte(text), mainFile: nil})
	r.Tests = []diag.Test{{Name: text, Outcome: diag.Failed, Span: at, Environments: []string{text}}, {Name: text, Outcome: diag.Paused, Span: at}, {Name: text, Outcome: diag.Passed}}
	r.Survey = &diag.Survey{Workloads: 1, NotJudged: []diag.NotJudged{{Reason: text, Count: 2, Means: text, Help: text, Examples: []string{text}}}}
	r.Assumptions = []string{text}
	return r
}

// TestHostileTextIsInertInEveryFormat: whatever a file says, a report has the structure that it
// has of a harmless one, in the eyes of what reads the format.
func TestHostileTextIsInertInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, f := range Formats {
		shape := func(text string) (string, string) {
			var b bytes.Buffer
			if err := Write(&b, f, findingsOf(text), Options{Judged: true}); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			shape, err := shapeOf(f.Name, got)
			if err != nil {
				t.Errorf("%s of %.20q: %v", f.Name, text, err)
			}
			return shape, got
		}
		harmless, _ := shape("harmless")
		for _, text := range hostile {
			found, got := shape(text)
			if found != harmless {
				t.Errorf("%s of %.20q has another structure:\n%s\nexpected\n%s", f.Name, text, found, harmless)
			}
			for _, r := range got {
				if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200b) {
					t.Errorf("%s of %.20q has %q", f.Name, text, r)
				}
			}
		}
	}
}

// shapeOf is what remains of a report without the texts in it. Formats without one are made for
// eyes alone.
func shapeOf(format, got string) (string, error) {
	switch format {
	case "json", "sarif", "sarif-github", "gitlab":
		var document any
		if err := json.Unmarshal([]byte(got), &document); err != nil {
			return "", err
		}
		if strings.Contains(format, "sarif") && strings.Contains(got, "](") {
			return "", errors.New("a link in a message")
		}
		return jsonShape(document), nil
	case "junit":
		return junitShape(got)
	case "markdown":
		if len(got) > commentBytes {
			return "", fmt.Errorf("%d bytes", len(got))
		}
		for line := range strings.Lines(got) {
			if bars := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "|") && bars != 5 {
				return "", fmt.Errorf("a row with %d bars: %.200s", bars, line)
			}
		}
		return outsideCode(got), nil
	case "github":
		return commandShape(got)
	default:
		return "", nil
	}
}

// jsonShape is a document of which the strings are gone, and the keys of maps that are names.
func jsonShape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		for _, key := range diag.SortedKeys(v) {
			b.WriteString(key + ":" + jsonShape(v[key]) + ",")
		}
		return "{" + b.String() + "}"
	case []any:
		var b strings.Builder
		for _, item := range v {
			b.WriteString(jsonShape(item) + ",")
		}
		return "[" + b.String() + "]"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// junitElements is what junit-10.xsd of Jenkins' xunit plugin lets stand in an element, and which
// attributes it may have; those that it must have come first, up to the empty one.
var junitElements = map[string]struct{ children, attributes []string }{
	"testsuites": {[]string{"testsuite"}, []string{"", "name", "time", "tests", "failures", "errors"}},
	"testsuite": {[]string{"testsuite", "properties", "testcase", "system-out", "system-err"},
		[]string{"name", "tests", "failures", "errors", "", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"}},
	"testcase":   {[]string{"skipped", "error", "failure", "system-out", "system-err"}, []string{"name", "", "time", "classname", "group"}},
	"failure":    {nil, []string{"", "type", "message"}},
	"skipped":    {nil, []string{"", "type", "message"}},
	"system-out": {nil, []string{""}},
}

// junitShape holds a document against that schema, and its counts against its cases.
func junitShape(got string) (string, error) {
	var b strings.Builder
	var within []string
	decoder := xml.NewDecoder(strings.NewReader(got))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			element, known := junitElements[name]
			if !known || len(within) == 0 && name != "testsuites" || len(within) > 0 && !slices.Contains(junitElements[within[len(within)-1]].children, name) {
				return "", fmt.Errorf("%s stands in %v", name, within)
			}
			var has []string
			for _, a := range token.Attr {
				if has = append(has, a.Name.Local); !slices.Contains(element.attributes, a.Name.Local) {
					return "", fmt.Errorf("%s has the attribute %s", name, a.Name.Local)
				}
			}
			for _, must := range element.attributes[:slices.Index(element.attributes, "")] {
				if !slices.Contains(has, must) {
					return "", fmt.Errorf("%s has no attribute %s", name, must)
				}
			}
			within = append(within, name)
			b.WriteString("<" + name + ">")
		case xml.EndElement:
			within = within[:len(within)-1]
		case xml.Comment, xml.Directive:
			return "", fmt.Errorf("%T", token)
		}
	}
}

// workflowCommand is a command as GitHub's runner reads one: a trimmed line that begins so.
var workflowCommand = regexp.MustCompile(`^::([a-z]+) ([^:]*)::(.*)$`)

func commandShape(got string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(got) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			return "", fmt.Errorf("a command of old: %s", line)
		}
		if !strings.HasPrefix(line, "::") {
			continue
		}
		m := workflowCommand.FindStringSubmatch(line)
		if m == nil {
			return "", fmt.Errorf("not a command of ours: %.200s", line)
		}
		b.WriteString(m[1])
		for property := range strings.SplitSeq(m[2], ",") {
			name, value, _ := strings.Cut(property, "=")
			if b.WriteString(" " + name); name != "file" && name != "title" && strings.Trim(value, "0123456789") != "" {
				return "", fmt.Errorf("%s is %q", name, value)
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// TestShapesSeeWhatIsWrong forges each format, which its judge must notice.
func TestShapesSeeWhatIsWrong(t *testing.T) {
	t.Parallel()
	for format, forged := range map[string]string{
		"json": `{"x": 1`, "sarif": `{"x": "[a](b)"}`, "markdown": "| a | b |\n", "github": "::stop-commands::x\n",
		"junit": `<testsuites><testcase name="x"/></testsuites>`,
	} {
		if _, err := shapeOf(format, forged); err == nil {
			t.Errorf("%s: %s passes", format, forged)
		}
	}
	for format, pair := range map[string][2]string{
		"gitlab": {`[{"a": "b"}]`, `[{"a": "b", "c": "d"}]`}, "markdown": {"`x`", "`x` @everyone"},
		"junit":  {`<testsuites/>`, `<testsuites><testsuite name="" tests="" failures="" errors=""/></testsuites>`},
		"github": {"::error title=x::a\n", "::error title=x::a\n::error file=go.mod,title=x::b\n"},
	} {
		a, errA := shapeOf(format, pair[0])
		if b, errB := shapeOf(format, pair[1]); a == b || errA != nil || errB != nil {
			t.Errorf("%s: a forged report passes: %v, %v", format, errA, errB)
		}
	}
}

// TestGitLabFields holds a report to what GitLab documents of code quality reports: these fields,
// a fingerprint of its own for each, a severity that it knows, and a path relative to the
// repository.
func TestGitLabFields(t *testing.T) {
	t.Parallel()
	lost := (&diag.Rule{Code: "PC603", Severity: diag.Info}).At(diag.Span{}, "no place")
	for name, r := range map[string]diag.Report{"findings": findingsOf("x"), "clean": {}, "placeless": diag.NewReport(diag.List{lost, lost}, nil, nil)} {
		var b bytes.Buffer
		if err := Write(&b, gitlabFormat, r, Options{}); err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(&b)
		decoder.DisallowUnknownFields()
		var issues []gitlabIssue
		if err := decoder.Decode(&issues); err != nil || issues == nil {
			t.Errorf("%s: not an array of issues: %v", name, err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if i.Description == "" || i.CheckName == "" || i.Fingerprint == "" || seen[i.Fingerprint] ||
				!slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, i.Severity) ||
				i.Location.Path == "" || path.IsAbs(i.Location.Path) || strings.HasPrefix(i.Location.Path, "./") || i.Location.Lines.Begin < 1 {
				t.Errorf("%s: %+v is not what GitLab reads", name, i)
			}
			seen[i.Fingerprint] = true
		}
		if standing, _ := split(r.Findings); len(issues) != len(standing) {
			t.Errorf("%s: %d of %d findings", name, len(issues), len(standing))
		}
	}
}

// TestAnnotationsAreBounded: GitHub shows ten of a kind. With more causes the last says how many
// are missing; up to ten findings have one each, of whatever cause.
func TestAnnotationsAreBounded(t *testing.T) {
	t.Parallel()
	rule := &diag.Rule{Code: "PC604", Severity: diag.Warning, Title: "x"}
	for _, n := range []int{1, 10, 11, 40} {
		for _, causes := range []int{1, n} {
			var all diag.List
			for i := range n {
				at := diag.Span{File: "a.yaml", Start: diag.At(i+1, 1)}
				all = append(all, rule.At(at, "wrong %d", i).CausedBy(fmt.Sprint(i%causes)))
			}
			var b bytes.Buffer
			if err := Write(&b, githubFormat, diag.NewReport(all, nil, nil), Options{}); err != nil {
				t.Fatal(err)
			}
			annotations := strings.Count(b.String(), "::warning ")
			if annotations > annotationsOfStep || n <= annotationsOfStep && annotations != n {
				t.Errorf("%d findings of %d causes have %d annotations", n, causes, annotations)
			}
			told := annotations
			for _, m := range regexp.MustCompile(`and (\d+) more of this cause`).FindAllStringSubmatch(b.String(), -1) {
				told += number(m[1])
			}
			for _, m := range regexp.MustCompile(`without an annotation: (\d+) further`).FindAllStringSubmatch(b.String(), -1) {
				told += number(m[1])
			}
			if told != n {
				t.Errorf("%d findings of %d causes: %d are told", n, causes, told)
			}
		}
	}
}

func number(digits string) (n int) {
	fmt.Sscan(digits, &n)
	return n
}

// TestMarkdownIsBounded has far more findings than a comment has room for: the table has the
// gravest, what it lacks is counted, and what was begun is closed.
func TestMarkdownIsBounded(t *testing.T) {
	t.Parallel()
	for _, length := range []int{3, 5000} {
		grave, soft := &diag.Rule{Code: "PC605", Severity: diag.Error, Title: "x"}, &diag.Rule{Code: "PC606", Severity: diag.Warning, Title: "y"}
		var all diag.List
		for i := range 900 {
			rule := []*diag.Rule{soft, grave}[i%2]
			d := rule.At(diag.Span{File: strings.Repeat("é`", length) + ".yaml", Start: diag.At(i+1, 1)}, "%d %s", i, strings.Repeat("`|", length)).CausedBy(fmt.Sprint(i / 20))
			if i%3 == 0 {
				d.WaivedBy = strings.Repeat("w", length)
			}
			all = append(all, d)
		}
		r := diag.NewReport(all, nil, nil)
		r.Survey = &diag.Survey{}
		for range 500 {
			r.Survey.NotJudged = append(r.Survey.NotJudged, diag.NotJudged{Reason: strings.Repeat("n", length), Count: 2})
		}
		var b bytes.Buffer
		if err := Write(&b, markdownFormat, r, Options{}); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if len(got) > commentBytes || strings.Count(got, "<details>") != 2 || strings.Count(got, "</details>") != 2 {
			t.Errorf("texts of %d: %d bytes", length, len(got))
		}
		rows := regexp.MustCompile(`(?m)^\| (error|warning) `).FindAllStringSubmatch(got, -1)
		if len(rows) < 10 || rows[0][1] != "error" {
			t.Errorf("texts of %d: %d rows", length, len(rows))
		}
		if cut := strings.Contains(got, "not in this table"); cut != (length > 3) {
			t.Errorf("texts of %d: what is left out is told: %t", length, cut)
		}
	}
}
