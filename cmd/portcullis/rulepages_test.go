package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"portcullis.dev/ci/report"
	"portcullis.dev/compiler"
	"portcullis.dev/policies/diag"
	examples "portcullis.dev/testdata/rules"
)

// TestRulePagesAreCurrent holds docs/rules to the declarations of rules and their examples.
func TestRulePagesAreCurrent(t *testing.T) {
	t.Parallel()
	all, err := compiler.AllRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"README.md": ruleIndex(all)}
	for _, r := range all {
		page := markdownPage(r, exampleOf(t, r.Code))
		pages[r.Code+".md"] = page
		if link := "[" + r.Code + "](" + r.Code + ".md)"; strings.Count(pages["README.md"], link) != 1 {
			t.Errorf("%s is not once in the index: its family has no row in the table", r.Code)
		}
		if finding := examples.Finding(r.Code); !strings.Contains(page, finding) {
			t.Errorf("the page of %s does not show what people read:\n%s", r.Code, finding)
		}
	}
	dir := filepath.Join("..", "..", "docs", "rules")
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range diag.SortedKeys(pages) {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != pages[name] {
			t.Errorf("docs/rules/%s is not what the rule says (%v); write it anew: go test ./cmd/portcullis -run %s -update", name, err, t.Name())
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(pages) {
		t.Errorf("docs/rules holds %d files, expected %d (%v)", len(entries), len(pages), err)
	}
}

// families are the kinds of rules, by the first digit of their codes.
var families = []struct{ digit, name, about string }{
	{"0", "Syntax", "What is written cannot be read, or not in one way alone."},
	{"1", "Intent", "What intents and the Platform say makes no sense, or contradicts the manifests beside them."},
	{"2", "Zero trust", "What policies do, whoever wrote them. These rules are written in Rego, as are those of your own (PC9xx)."},
	{"3", "Proof", "What was rendered does something else than was meant, or a test does not hold."},
	{"5", "Governance", "Who accepted what, and until when."},
}

// ruleIndex is the page that leads to all others.
func ruleIndex(all []*diag.Rule) string {
	var b strings.Builder
	b.WriteString("# Rules\n\nOne page for each rule: why it matters, how to mend what it finds, and an example.\n" +
		"`portcullis rules CODE` says the same in a terminal. These pages are written by\n" +
		"`go test ./cmd/portcullis -run TestRulePagesAreCurrent -update`.\n")
	for _, family := range families {
		fmt.Fprintf(&b, "\n## PC%sxx: %s\n\n%s\n\n| code | severity | finds |\n|---|---|---|\n", family.digit, family.name, family.about)
		for _, r := range all {
			if strings.HasPrefix(r.Code, "PC"+family.digit) {
				fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", r.Code, r.Code, r.Severity, escaped(r.Title))
			}
		}
	}
	return b.String()
}

// markdownPage is what is known of one rule.
func markdownPage(r *diag.Rule, example ruleExample) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n", r.Code, escaped(r.Title))
	fmt.Fprintf(&b, "- **Severity:** %s. %s\n- **Waiver:** %s\n- **Exit code:** %s\n", r.Severity, relaxed(r), waivers(r), exit(r))
	fmt.Fprintf(&b, "\n## Why it matters\n\n%s\n\n## How to mend it\n\n%s\n", prose(r.Why), prose(r.Mend))
	for i, address := range r.See {
		fmt.Fprintf(&b, "%s- <%s>\n", map[bool]string{true: "\nSee also:\n\n"}[i == 0], address)
	}
	b.WriteString("\n## Example\n\n")
	if example.finding == "" {
		b.WriteString("None that a page can hold.\n")
		return b.String()
	}
	if example.about != "" {
		b.WriteString(prose(example.about) + "\n\n")
	}
	for _, f := range example.wrong {
		fmt.Fprintf(&b, "`%s`:\n\n%s\n", f.Name, fenced(strings.TrimPrefix(path.Ext(f.Name), "."), visible(string(f.Data))))
	}
	fmt.Fprintf(&b, "What is said of it:\n\n%s\n", fenced("text", example.finding))
	if example.change != "" {
		fmt.Fprintf(&b, "Put right:\n\n%s\n", fenced("diff", visible(example.change)))
	}
	fmt.Fprintf(&b, "The example in whole: [testdata/rules/%s.txtar](../../testdata/rules/%s.txtar).\n", r.Code, r.Code)
	return b.String()
}

func relaxed(r *diag.Rule) string {
	if r.Fixed() {
		return "Nobody can lower it."
	}
	return "`checks.severity` of the [Platform](../language.md#platform) may change it."
}

func waivers(r *diag.Rule) string {
	if !r.Waivable() {
		return "it cannot be waived."
	}
	return "a [Waiver](../language.md#waiver) lifts it, as far as a line of an intent means the traffic."
}

func exit(r *diag.Rule) string {
	switch {
	case r.Severity < diag.Error:
		return "0, unless `--fail-on` lowers the bar."
	case r.Unjudgeable():
		return "2: while it stands, the input cannot be judged."
	}
	return "1"
}

// ruleExample is what a page shows of a rule's archive.
type ruleExample struct {
	about   string
	wrong   []txtar.File // where the finding lies, by the names that people gave them
	finding string
	change  string // what puts it right, as a difference
}

// largestExcerpt is the number of lines after which a page shows less of an archive.
const largestExcerpt = 60

var findingPlace = regexp.MustCompile(`^(\S+?)(?::([0-9]+):[0-9]+)?: `)

// exampleOf takes from a rule's archive the file in which the finding of the page lies, and
// how that one differs from the right one; in small archives, whatever differs.
func exampleOf(t *testing.T, code string) ruleExample {
	t.Helper()
	e := ruleExample{finding: examples.Finding(code)}
	if e.finding == "" {
		return e
	}
	archive, err := txtar.ParseFile("../../testdata/rules/" + code + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	e.about = strings.Join(strings.Fields(string(archive.Comment)), " ")
	wrong, right := map[string][]byte{}, map[string][]byte{}
	for _, f := range archive.Files {
		name, isLink := strings.CutSuffix(f.Name, ".symlink")
		if isLink {
			f.Data = append([]byte("a link to "), f.Data...)
		}
		if name, ok := strings.CutPrefix(name, "wrong/"); ok {
			wrong[name] = f.Data
		}
		if name, ok := strings.CutPrefix(name, "right/"); ok {
			right[name] = f.Data
		}
		if name == "now" {
			e.about += " The day is " + strings.TrimSpace(string(f.Data)) + "."
		}
		if name == "calico" {
			e.about += " Calico is 3." + strings.TrimSpace(string(f.Data)) + "."
		}
	}
	if place := findingPlace.FindStringSubmatch(e.finding); place != nil && wrong[place[1]] != nil {
		line, _ := strconv.Atoi(place[2])
		e.wrong = []txtar.File{{Name: place[1], Data: excerpt(wrong[place[1]], line)}}
		if now, stays := right[place[1]]; stays {
			e.change = difference(place[1], wrong[place[1]], now)
		}
	} else if all := slices.Concat(slices.Collect(maps.Values(wrong))...); bytes.Count(all, []byte("\n")) <= largestExcerpt {
		for _, name := range diag.SortedKeys(wrong) {
			e.wrong = append(e.wrong, txtar.File{Name: name, Data: wrong[name]})
		}
	}
	if e.change == "" || strings.Count(e.change, "\n") > largestExcerpt {
		e.change = differences(wrong, right)
	}
	return e
}

// differences are those of all files, or nothing where that would be too much to read.
func differences(wrong, right map[string][]byte) string {
	both := map[string]bool{}
	for name := range wrong {
		both[name] = true
	}
	for name := range right {
		both[name] = true
	}
	var all strings.Builder
	for _, name := range diag.SortedKeys(both) {
		all.WriteString(difference(name, wrong[name], right[name]))
	}
	if strings.Count(all.String(), "\n") > largestExcerpt {
		return ""
	}
	return all.String()
}

// difference is that of one file, under its name.
func difference(name string, wrong, right []byte) string {
	_, all, _ := strings.Cut(string(diff.Diff(name, wrong, name, right)), "\n") // the first line names both
	return all
}

// excerpt is a text, or of a long one the YAML document that holds the line.
func excerpt(text []byte, line int) []byte {
	if bytes.Count(text, []byte("\n")) <= largestExcerpt {
		return text
	}
	lines := slices.Collect(bytes.Lines(text))
	isEnd := func(l []byte) bool { return string(l) == "---\n" }
	at := min(max(line, 1), len(lines)) - 1
	first, last := at, at
	for first > 0 && !isEnd(lines[first-1]) {
		first--
	}
	for last < len(lines) && !isEnd(lines[last]) {
		last++
	}
	return bytes.Join(lines[first:last], nil)
}

// fenced is a text as a block of code.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// visible shows what a reader of a page would not see.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == '\t' || r == ' ' || unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "<%s>", cmp.Or(map[rune]string{unicode.ReplacementChar: "no UTF-8"}[r], fmt.Sprintf("U+%04X", r)))
	}
	return b.String()
}

var special = regexp.MustCompile("[\\\\*_<>\\[\\]`|]")

// escaped is a text that Markdown leaves as it is.
func escaped(text string) string { return special.ReplaceAllString(text, `\$0`) }

func prose(text string) string { return report.Wrap(escaped(text), 96) }
