package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"portcullis.dev/compiler/delta"
	"portcullis.dev/compiler/reach"
	"portcullis.dev/policies/diag"
)

// hostile are names and reasons that would do something in one of the places where reports are
// shown, had that place's escaping a hole.
var hostile = []string{
	"@everyone", "#1", "/merge", "\r/merge", "\n/approve", "-->", "<!-- portcullis:diff key=default changes=0 -->", "```", "````\n# title", "</details>",
	"|", "a | b", "]]>", "click n0 \"javascript:x\"", "n0[\"x\"]", "%%{init: {}}%%", "\" -- x", "\\\"; x [label=\"", "<img src=x onerror=y>", "&#96;",
	"=cmd()", "+1", "-1", "@SUM(1)", "\u202etxt", "a\u200bb", "\x1b[31m", "##[error]x", "::error::x", "[x](https://example.org)", "`", "a`b``c", strings.Repeat("x", 5000),
}

// trafficOf is a map and a difference in which every text of a file's is the same.
func trafficOf(text string) (*reach.Map, *delta.Diff) {
	from := []reach.Term{{Kind: "workload", Namespace: "shop", Name: text}}
	to := []reach.Term{{Kind: "labels", Namespace: "shop", Selector: "shop/{app=" + text + "}"}, {Kind: "peer", Name: text}}
	because := []reach.Source{{Kind: reach.Intent, File: text, Line: 3, Column: 1, Text: text, Why: text, Owner: text, Ticket: text, Until: text}}
	packets := []reach.Packets{{Protocol: "TCP", Ports: [][2]int{{80, 80}}}}
	m := &reach.Map{
		Environments: []string{"dev", text}, Groups: map[string][]string{text: {"dev"}}, Namespaces: map[string]string{"shop": text}, Total: 1, Missing: []string{text},
		Workloads: []reach.Workload{{Namespace: "shop", Name: text, Owner: text}},
		Lines:     []reach.Line{{From: from, To: to, Packets: packets, Environments: []string{text}, Verdict: reach.Allow, Because: because}},
	}
	risk := delta.Risk{Tag: "owner-crossing", Level: delta.High, Text: text}
	d := &delta.Diff{
		Old: delta.Side{Ref: text, Commit: "0123456789"}, New: delta.Side{Ref: text}, Environments: []string{"dev", text}, Compared: []string{"dev"}, Groups: map[string][]string{text: {"dev"}}, Files: []string{text}, Missing: []string{text},
		Changes: []delta.Change{
			{ID: "1", Sign: delta.Opened, From: from, To: to, Packets: packets, Environments: []string{text}, Because: because, Risks: []delta.Risk{risk}, Was: text, Now: text, Witness: delta.Packet{From: text, To: text, Packet: "TCP 80"}},
			{ID: "2", Sign: delta.Closed, From: to, To: from, Packets: packets, Environments: []string{"dev"}, Because: because, Risks: []delta.Risk{}},
		},
		Governance:  []delta.Note{{Risk: risk, What: text, Environments: []string{text}, Because: because}, {What: text}},
		Renamed:     []delta.Renamed{{From: text, To: text, Labels: text}},
		NewFindings: diag.List{},
	}
	return m, d
}

// outsideCode is what is left of Markdown without its code.

func outsideCode(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '`' {
			b.WriteByte(text[i])
			i++
			continue
		}
		n := 0
		for i+n < len(text) && text[i+n] == '`' {
			n++
		}
		fence := text[i : i+n]
		end := -1
		for j := i + n; j < len(text); {
			k := strings.Index(text[j:], fence)
			if k < 0 {
				break
			}
			k += j
			if (k+n == len(text) || text[k+n] != '`') && text[k-1] != '`' {
				end = k + n
				break
			}
			for j = k; j < len(text) && text[j] == '`'; {
				j++
			}
		}
		if end < 0 {
			return b.String() + "UNCLOSED" + text[i:]
		}
		i = end
	}
	return b.String()
}

// TestHostileTraffic writes names that would be commands, links, formulas or pictures into every
// sink: none of them is more than a text there.
func TestHostileTraffic(t *testing.T) {
	t.Parallel()
	maps, diffs := map[string]string{}, map[string]string{} // with harmless names
	harmlessMap, harmlessDiff := trafficOf("harmless")
	write := func(m *reach.Map, d *delta.Diff, asMap func(string, string), asDiff func(string, string)) {
		for _, f := range MapFormats {
			var b bytes.Buffer
			if err := WriteMap(&b, f, m, MapOptions{}); err != nil {
				t.Fatal(err)
			}
			asMap(f.Name, b.String())
		}
		for _, f := range DiffFormats {
			var b bytes.Buffer
			if err := WriteDiff(&b, f, d, DiffOptions{LinkBase: "https://example.org/blob/1/", Key: m.Missing[0]}); err != nil {
				t.Fatal(err)
			}
			asDiff(f.Name, b.String())
		}
	}
	write(harmlessMap, harmlessDiff, func(name, text string) { maps[name] = text }, func(name, text string) { diffs[name] = text })
	for _, text := range hostile {
		m, d := trafficOf(text)
		check := func(kind, format, got, harmless string) {
			name := fmt.Sprintf("%s of %.20q as %s", kind, text, format)
			for _, r := range got {
				if r != '\n' && r != '\r' && (r < ' ' || r == 0x7f || r == 0x202e || r == 0x200b) {
					t.Errorf("%s has %q", name, r)
				}
			}
			switch format {
			case "json":
				if !json.Valid([]byte(got)) {
					t.Errorf("%s is not valid", name)
				}
			case "csv":
				rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
				if err != nil || len(rows) != 2 {
					t.Errorf("%s: %d rows, %v", name, len(rows), err)
					break
				}
				for _, cell := range rows[1] {
					if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
						t.Errorf("%s has the cell %q", name, cell)
					}
				}
			case "sarif", "sarif-github", "github", "gitlab", "junit":
				shape, err := shapeOf(format, got)
				if expected, _ := shapeOf(format, harmless); err != nil || shape != expected {
					t.Errorf("%s has another structure (%v):\n%s\nexpected\n%s", name, err, shape, expected)
				}
			case "mermaid", "dot":
				unquoted := regexp.MustCompile(`"(\\.|[^"\\])*"`)
				if a, b := unquoted.ReplaceAllString(got, "Q"), unquoted.ReplaceAllString(harmless, "Q"); a != b {
					t.Errorf("%s is not the same picture:\n%s\n%s", name, a, b)
				}
				if format == "mermaid" && strings.ContainsAny(unquoted.FindString(got), "<>`&%|[]{}") {
					t.Errorf("%s has in a label %s", name, unquoted.FindString(got))
				}
			case "markdown":
				a, b := outsideCode(got), outsideCode(harmless)
				strip := regexp.MustCompile(`key=\S+|\(https://example\.org/blob/1/[^()\s]*\)`)
				if a, b = strip.ReplaceAllString(a, ""), strip.ReplaceAllString(b, ""); a != b {
					t.Errorf("%s says something outside of code:\n%s\n%s", name, a, b)
				}
				for line := range strings.SplitSeq(got, "\n") {
					if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "|") && cells != 5 && cells != 6 {
						t.Errorf("%s has a row with %d bars: %.200s", name, cells, line)
					}
				}
				if len(got) > commentBytes {
					t.Errorf("%s has %d bytes", name, len(got))
				}
			}
		}
		write(m, d, func(format, got string) { check("map", format, got, maps[format]) }, func(format, got string) { check("diff", format, got, diffs[format]) })
	}
}

// TestCommentsAreBounded has far more changes than a comment has room for: what is left out is
// counted, and everything that was begun is closed.
func TestCommentsAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 150, 1000} {
		for _, length := range []int{3, 60, 2000} {
			_, d := trafficOf("x")
			first := d.Changes[0]
			d.Changes = nil
			for i := range n {
				x := first
				x.Because = []reach.Source{{Kind: reach.Intent, File: "a.yaml", Line: int32(i + 1), Why: strings.Repeat("w", length)}}
				x.To = []reach.Term{{Kind: "workload", Namespace: fmt.Sprintf("ns-%d", i%20), Name: strings.Repeat("n", min(length, 63))}}
				x.Risks = nil
				if i%3 == 0 {
					x.Risks = []delta.Risk{{Tag: "internet-exposure", Level: delta.High, Text: strings.Repeat("t", length)}}
				}
				d.Changes = append(d.Changes, x)
			}
			var b bytes.Buffer
			markdown, err := LookupDiff("markdown")
			if err != nil {
				t.Fatal(err)
			}
			if err := WriteDiff(&b, markdown, d, DiffOptions{}); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			if len(got) > commentBytes || strings.Contains(outsideCode(got), "UNCLOSED") || strings.Count(got, "<details>") != strings.Count(got, "</details>") {
				t.Errorf("%d changes of %d: %d bytes", n, length, len(got))
			}
			if rows := strings.Count(got, "\n| "); n == 1000 && (rows < 20 || !strings.Contains(got, "all of them in the report")) {
				t.Errorf("%d changes of %d: %d rows, and the rest is not told", n, length, rows)
			}
		}
	}
}
