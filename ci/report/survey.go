package report

import (
	"fmt"
	"strings"

	"portcullis.dev/policies/diag"
)

// The closing block: its two words stand in a column of their own.
const (
	judgedWord    = "judged      "
	notJudgedWord = "not judged  "
)

// survey says what was judged and what was not: that nothing was found says little of what nobody
// looked at.
func (t *textWriter) survey(s *diag.Survey, all bool) {
	if s == nil {
		return
	}
	t.WriteString("\n" + judgedWord + judged(s) + "\n")
	word := notJudgedWord
	row := func(text string) {
		t.WriteString(word + text)
		word = strings.Repeat(" ", len(notJudgedWord))
	}
	var short []string
	var others []diag.NotJudged
	named := false
	for _, n := range s.NotJudged {
		named = named || len(n.Examples) > 0
		if text := terminal(n.Text()); n.Means == "" && columns(text) <= pageWidth/2 && !all {
			short = append(short, text)
		} else {
			others = append(others, n)
		}
	}
	if len(short) > 0 {
		row(strings.TrimLeft(flow(short, len(notJudgedWord)), " "))
	}
	for _, n := range others {
		row(t.page().wrap(terminal(n.Text()), len(word), len(word)) + "\n")
		if all {
			t.passedOver(n)
		}
	}
	if named && !all {
		row("--not-judged lists them\n")
	}
}

// judged counts for a survey what was looked at. What there is none of goes without saying.
func judged(s *diag.Survey) string {
	var what []string
	if s.Workloads > 0 {
		what = append(what, counted(s.Workloads, "workload", "workloads"))
	}
	if s.Policies > 0 {
		what = append(what, counted(s.Policies, "policy", "policies"))
	}
	text := strings.Join(what, " and ")
	if s.Namespaces > 0 {
		text = join(" in ", text, counted(s.Namespaces, "namespace", "namespaces"))
	}
	if s.Environments > 1 {
		text += fmt.Sprintf(", %d environments", s.Environments)
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// passedOver lists what a survey did not judge for one reason.
func (t *textWriter) passedOver(n diag.NotJudged) {
	indent := strings.Repeat(" ", len(notJudgedWord)+2)
	for _, name := range n.Examples {
		t.WriteString(indent + terminal(name) + "\n")
	}
	if n.Help != "" {
		t.WriteString(indent + "help: " + t.page().wrap(terminal(n.Help), len(indent)+6, len(indent)+6) + "\n")
	}
}

// mostExamples is how many of what was passed over for one reason programs are told.
const mostExamples = 5

// jsonSurvey is what a run looked at, and what it passed over.
type jsonSurvey struct {
	Judged struct {
		Workloads    int `json:"workloads"`
		Policies     int `json:"policies"`
		Namespaces   int `json:"namespaces"`
		Environments int `json:"environments,omitempty"`
	} `json:"judged"`
	PassedOver []diag.NotJudged `json:"passedOver"`
}

// surveyed makes the survey of a run a value for JSON, with few examples of what was passed over.
func surveyed(s *diag.Survey) jsonSurvey {
	j := jsonSurvey{PassedOver: []diag.NotJudged{}}
	j.Judged.Workloads, j.Judged.Policies, j.Judged.Namespaces, j.Judged.Environments = s.Workloads, s.Policies, s.Namespaces, s.Environments
	for _, n := range s.NotJudged {
		n.Examples = n.Examples[:min(len(n.Examples), mostExamples)]
		j.PassedOver = append(j.PassedOver, n)
	}
	return j
}
