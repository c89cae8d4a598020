package language_test

import (
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/compiler/language"
	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// One more entry leaves every other byte as it is, however the document is written; and
// what there is no room for is refused.
func TestAmend(t *testing.T) {
	t.Parallel()
	const head = "# first\nkind: A\n---\nkind: NetworkIntent\nmetadata: {name: x}\n"
	tests := map[string]struct {
		field, text, want string // below head; no want: there is no room
		inside            bool
	}{
		"a list":              {"inbound", "spec:\n  inbound:\n    - {from: a}\n    - from: b\n      ports: [c]\n  # end\n  dns: false\n", "spec:\n  inbound:\n    - {from: a}\n    - from: b\n      ports: [c]\n    - NEW\n  # end\n  dns: false\n", false},
		"a list at its key":   {"inbound", "spec:\n  inbound:\n  - {from: a}\n  dns: false\n", "spec:\n  inbound:\n  - {from: a}\n  - NEW\n  dns: false\n", false},
		"a list at the end":   {"inbound", "spec:\n  inbound:\n    - {from: a}", "spec:\n  inbound:\n    - {from: a}\n    - NEW\n", false},
		"before a document":   {"inbound", "spec:\n  inbound:\n    - {from: a}\n\n---\nkind: B\n", "spec:\n  inbound:\n    - {from: a}\n    - NEW\n\n---\nkind: B\n", false},
		"no list":             {"inbound", "spec:\n    ports: {a: 1}\n", "spec:\n    ports: {a: 1}\n    inbound:\n      - NEW\n", false},
		"nothing":             {"inbound", "spec: {}\n", "spec:\n  inbound:\n    - NEW\n", false},
		"brackets":            {"inbound", "spec:\n  inbound: [{from: a, why: \"]}\"}]  # ]\n", "spec:\n  inbound: [{from: a, why: \"]}\"}, NEW]  # ]\n", true},
		"empty brackets":      {"inbound", "spec:\n  inbound: []\n", "spec:\n  inbound: [NEW]\n", true},
		"all in brackets":     {"inbound", "spec: {ports: {a: 1}}\n", "spec: {ports: {a: 1}, inbound: [NEW]}\n", true},
		"a mapping":           {"ports", "spec:\n  ports:\n    a: 1\n  dns: false\n", "spec:\n  ports:\n    a: 1\n    NEW: 1\n  dns: false\n", false},
		"a mapping in braces": {"ports", "spec:\n  ports: {a: 1}\n", "spec:\n  ports: {a: 1, NEW: 1}\n", true},
		"no mapping":          {"ports", "spec:\n  dns: false\n", "spec:\n  dns: false\n  ports:\n    NEW: 1\n", false},
		"no spec":             {"inbound", "", "", false},
		"a word":              {"inbound", "spec:\n  inbound: a\n", "", false},
		"no YAML":             {"inbound", "spec: [\n", "", false},
		"a comment inside":    {"inbound", "spec:\n  inbound: [  # ]\n    {from: a}]\n", "spec:\n  inbound: [  # ]\n    {from: a}, NEW]\n", true},
		"quotes inside":       {"inbound", "spec:\n  inbound: [{why: 'it''s ]', from: \"\\\"]\"}]\n", "spec:\n  inbound: [{why: 'it''s ]', from: \"\\\"]\"}, NEW]\n", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := diag.Span{File: "x.yaml", Start: diag.Position{Line: 5, Column: 18}}
			var entry any = "NEW"
			if test.field == "ports" {
				entry = yamltext.Field{Key: "NEW", Value: 1}
			}
			f := language.File{Path: "x.yaml", Data: []byte(head + test.text)}
			changed, where, ok := language.Amend(f, language.Amendment{At: at, Field: test.field, Entry: entry})
			if ok != (test.want != "") {
				t.Fatalf("ok is %t:\n%s", ok, changed.Data)
			}
			if !ok {
				return
			}
			if got := strings.TrimPrefix(string(changed.Data), head); got != test.want {
				t.Errorf("it is\n%s\nexpected\n%s", got, test.want)
			}
			if w := where[0]; w.Inside != test.inside || !w.After.HasPosition() || !strings.Contains(strings.Join(w.Lines, "\n"), "NEW") {
				t.Errorf("%+v", w)
			}
		})
	}
}

// Two mistakes of a list are told in one run, wherever they stand, and a list without
// one keeps its order.
func TestParseList(t *testing.T) {
	t.Parallel()
	all, found := language.ParseList(language.File{Path: "f", Data: []byte("- {from: a/b, to: 10.0.0.1, port: 80}\n- {from: \"::1\", to: c/d, protocol: icmpv6, icmp: {type: 128, code: 1}}\n- {from: a/b, to: c/d, protocol: 50}\n")})
	if len(found) > 0 || len(all) != 3 || all[0].Protocol != nil || all[0].Ports[0].Ports[0].String() != "80" || *all[1].Message != (language.Message{Type: 128, Code: 1}) || *all[2].Protocol != 50 {
		t.Errorf("%+v %v", all, found)
	}
	if at := all[1].ToSpan().String(); at != "f:2:21" {
		t.Errorf("the end stands at %s", at)
	}
	_, found = language.ParseList(language.File{Path: "f", Data: []byte("[{from: \"\", to: a/b, port: 1}, {from: a/b, to: a/b, port: true}, [x]]")})
	if len(found) != 3 {
		t.Errorf("%v", found)
	}
	for text, want := range map[string]diag.Position{
		"# c\n[]\n\n- {from: a/b, to: c/d, port: 80}\n": {Line: 4, Column: 1},
		"[]\n... [{from: a/b, to: c/d, port: 80}]\n":    {Line: 2, Column: 5},
		"[]\n...\n[]\n": {Line: 3, Column: 1},
	} {
		if _, found = language.ParseList(language.File{Path: "f", Data: []byte(text)}); len(found) != 1 || found[0].Span.Start != want {
			t.Errorf("%q: %v; expected a finding at %v", text, found, want)
		}
	}
}

// TestListedPorts: ports by number, name and word, one or several, of the protocol that the
// flow gives; and each contradiction at its place.
func TestListedPorts(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"port: 80":                 "80",
		"port: http":               "http",
		"port: 53/udp":             "53/udp",
		`port: "8000-8100"`:        "8000-8100",
		"port: [80, http, 53/udp]": "80 http 53/udp",
		"port: any":                "every",
		"port: [80, any]":          "every",
		"protocol: UDP, port: any": "UDP every",
		"protocol: UDP, port: 53":  "UDP 53/udp",
		"protocol: udp, port: [53, dns, 5353/udp]": "UDP 53/udp dns 5353/udp",
		"protocol: UDPLite, port: 53":              "UDPLite 53",
		"port: ping":                               "ping",
		"":                                         "every",
		"protocol: ICMP":                           "ICMP every",
		"sourcePort: 40000, port: 80":              "from 40000 80",
		"sourcePort: null, port: null, protocol: null": "every",
		"protocol: TCP, port: 53/udp":                  "PC133 1:44",
		"protocol: TCP, port: [1, ping]":               "PC133 1:48",
		"protocol: ICMP, port: 80":                     "PC133 1:45",
		"protocol: ICMP, sourcePort: 80":               "PC133 1:51",
		"port: []":                                     "PC133 1:29",
		"port: [[80]]":                                 "PC004 1:30",
		"port: 0":                                      "PC133 1:29",
		"port: 1e3":                                    "PC107 1:29",
		"port: 80/tpc":                                 "PC107 1:29",
		"sourcePort: http, port: 80":                   "PC133 1:35",
		"port: [" + strings.Repeat("1,", 100) + "1]":   "PC006 1:29",
	} {
		all, found := language.ParseList(language.File{Path: "f", Data: []byte("[{from: a/b, to: c/d, " + fields + "}]")})
		got := ""
		for _, d := range found {
			got += fmt.Sprintf("%s %d:%d ", d.Rule.Code, d.Span.Start.Line, d.Span.Start.Column)
		}
		if len(found) == 0 {
			q := all[0]
			if q.Protocol != nil {
				got += q.Protocol.String() + " "
			}
			if q.SourcePort > 0 {
				got += fmt.Sprintf("from %d ", q.SourcePort)
			}
			if q.Ports == nil {
				got += "every"
			}
			for _, p := range q.Ports {
				if name := p.Name; name != "" {
					got += name + " "
				} else if p.Ports[0].IsICMP() {
					got += "ping "
				} else {
					got += p.Ports[0].String() + " "
				}
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, expected %s", fields, got, want)
		}
	}
}
