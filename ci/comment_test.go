package ci_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portcullis.dev/ci"
)

const (
	forgeToken = "the-token-of-the-run"
	ownID      = 5
	ownLogin   = "github-actions[bot]"
)

// posted is a comment of a pull request or of a merge request.
type posted struct {
	id     int
	author int // ownID is who posts
	body   string
	system bool
}

// forge is a stub of the API: what is posted below one request, and what it refuses.
type forge struct {
	http.ServeMux
	sync.Mutex
	comments []posted
	refuses  map[string]int // methods, with the status that they get
	longest  int            // characters of a comment; 0 is any
	asked    []string       // methods, with the page where there are pages
}

// seat is a script that posts, and how the API that it speaks to looks.
type seat struct {
	integration, script, edits string
	pathOf                     func(suffix string) string
	json                       func(posted) map[string]any
	authorized                 func(http.Header) bool
	environ                    func(url, dir string) []string
}

var seats = []seat{
	{
		integration: "github", script: ".github/actions/portcullis/comment.sh", edits: "PATCH",
		pathOf: func(suffix string) string {
			if strings.Contains(suffix, "{") {
				return "/repos/o/r/issues/comments" + suffix
			}
			return "/repos/o/r/issues/7/comments"
		},
		json: func(p posted) map[string]any {
			login := ownLogin
			if p.author != ownID {
				login = "someone-else"
			}
			return map[string]any{"id": p.id, "body": p.body, "user": map[string]any{"login": login}}
		},
		authorized: func(h http.Header) bool { return h.Get("Authorization") == "Bearer "+forgeToken },
		environ: func(url, dir string) []string {
			return []string{"GITHUB_API_URL=" + url, "GITHUB_REPOSITORY=o/r", "NUMBER=7", "GH_TOKEN=" + forgeToken, "AUTHOR=" + ownLogin,
				"GITHUB_SERVER_URL=https://github.example", "GITHUB_RUN_ID=9"}
		},
	},
	{
		integration: "gitlab", script: ".gitlab/portcullis-note.sh", edits: "PUT",
		pathOf: func(suffix string) string { return "/projects/42/merge_requests/7/notes" + suffix },
		json: func(p posted) map[string]any {
			return map[string]any{"id": p.id, "body": p.body, "system": p.system, "author": map[string]any{"id": p.author}}
		},
		authorized: func(h http.Header) bool { return h.Get("Private-Token") == forgeToken },
		environ: func(url, dir string) []string {
			return []string{"CI_API_V4_URL=" + url, "CI_PROJECT_ID=42", "CI_MERGE_REQUEST_IID=7", "PORTCULLIS_TOKEN=" + forgeToken}
		},
	},
}

// serve is the API of a seat, over what a forge has.
func (s seat) serve(f *forge) http.Handler {
	answer := func(w http.ResponseWriter, status int, data any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(data)
	}
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		f.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.Lock()
			defer f.Unlock()
			f.asked = append(f.asked, strings.TrimSpace(r.Method+" "+r.URL.Query().Get("page")))
			switch status := f.refuses[r.Method]; {
			case !s.authorized(r.Header):
				answer(w, 401, nil)
			case status != 0:
				answer(w, status, map[string]any{"message": "::error::refused"})
			default:
				h(w, r)
			}
		})
	}
	text := func(w http.ResponseWriter, r *http.Request) (string, bool) {
		var sent struct{ Body string }
		data, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(data, &sent); err != nil || f.longest > 0 && len([]rune(sent.Body)) > f.longest {
			answer(w, 422, map[string]any{"message": "Validation Failed"})
			return "", false
		}
		return sent.Body, true
	}
	handle("GET "+s.pathOf(""), func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		rows := []map[string]any{}
		for i := (page - 1) * size; i >= 0 && i < min(page*size, len(f.comments)); i++ {
			rows = append(rows, s.json(f.comments[i]))
		}
		answer(w, 200, rows)
	})
	handle("POST "+s.pathOf(""), func(w http.ResponseWriter, r *http.Request) {
		if body, ok := text(w, r); ok {
			f.comments = append(f.comments, posted{id: len(f.comments) + 1, author: ownID, body: body})
			answer(w, 201, nil)
		}
	})
	handle(s.edits+" "+s.pathOf("/{id}"), func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id"))
		if body, ok := text(w, r); ok {
			f.comments[id-1].body = body
			answer(w, 200, nil)
		}
	})
	if s.integration == "gitlab" {
		f.HandleFunc("GET /user", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, map[string]any{"id": ownID}) })
	}
	return f
}

// run posts a text by a seat's script. What it wrote where nothing belongs is an error, and so
// is a token among the arguments of a process.
func (s seat) run(t *testing.T, f *forge, text string) (code int, said string) {
	t.Helper()
	server := httptest.NewServer(s.serve(f))
	defer server.Close()
	dir, programs := t.TempDir(), t.TempDir()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\nprintf '%s\\n' \"$@\" >> '" + programs + "/arguments'\nexec '" + curl + "' \"$@\"\n"
	script := file(t, s.integration, s.script)
	for name, data := range map[string]string{filepath.Join(programs, "curl"): wrapper, filepath.Join(programs, "script"): script} {
		if err := os.WriteFile(name, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const name = "portcullis-diff.md"
	if text != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", filepath.Join(programs, "script"), name)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + programs + ":" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}, s.environ(server.URL, dir)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 1 || len(entries) == 1 && entries[0].Name() != name {
		t.Errorf("it wrote %v", entries)
	}
	if arguments, _ := os.ReadFile(filepath.Join(programs, "arguments")); strings.Contains(string(arguments), forgeToken) {
		t.Error("every process of the machine may read the token")
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func markdownOf(key string, changes int, rest string) string {
	return fmt.Sprintf("<!-- portcullis:diff key=%s changes=%d risk=none -->\n%s", key, changes, rest)
}

// TestCommentIsKept has each script post into a stub of the API that it speaks to: its own
// comment is found behind pages of others and edited, and nobody else's is, whatever it says.
func TestCommentIsKept(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s: the scripts that post were NOT tried", program)
		}
	}
	others := func(n int) []posted {
		var all []posted
		for i := range n {
			all = append(all, posted{id: i + 1, author: 1, body: "fine\n" + markdownOf("default", 1, "")})
		}
		return all
	}
	behind := func(n int, p posted) []posted {
		p.id = n + 1
		return append(others(n), p)
	}
	hostile := markdownOf("default", 2, "`$(touch gone)` \"quoted\" \\u0041 '; touch gone #\r\n/merge é\U0001f512\n")
	old := markdownOf("default", 1, "old")
	long := markdownOf("default", 2, strings.Repeat("x", 70_000))
	for _, s := range seats {
		fork, refused := 0, "the summary of the run says the same"
		if s.integration == "gitlab" {
			fork, refused = 1, "the artifact says the same"
		}
		edit := []string{s.edits}
		for _, c := range []struct {
			name    string
			there   []posted
			refuses map[string]int
			longest int
			text    string
			code    int
			asked   []string
			body    string // of the last comment, where that is ours
			says    string
			only    string // the seat, where the other one has no such thing or does the same
		}{
			{name: "the first", text: hostile, asked: []string{"GET 1", "POST"}, body: hostile, says: "wrote"},
			{name: "edited", there: behind(3, posted{author: ownID, body: old}), text: hostile, asked: append([]string{"GET 1"}, edit...), body: hostile, says: "edited"},
			{name: "behind pages", there: behind(250, posted{author: ownID, body: old}), text: hostile, asked: append([]string{"GET 1", "GET 2", "GET 3"}, edit...), body: hostile},
			{name: "a whole page of others", there: others(100), text: hostile, asked: []string{"GET 1", "GET 2", "POST"}, body: hostile, only: "github"},
			{name: "a stranger's marker", there: behind(0, posted{author: 1, body: old}), text: hostile, asked: []string{"GET 1", "POST"}, body: hostile},
			{name: "another key", there: behind(0, posted{author: ownID, body: markdownOf("default2", 1, "")}), text: hostile, asked: []string{"GET 1", "POST"}, body: hostile},
			{name: "not at the beginning", there: behind(0, posted{author: ownID, body: "> " + old}), text: hostile, asked: []string{"GET 1", "POST"}, body: hostile, only: "github"},
			{name: "of the system", there: behind(0, posted{author: ownID, body: old, system: true}), text: hostile, asked: []string{"GET 1", "POST"}, body: hostile, only: "gitlab"},
			{name: "nothing changes", text: markdownOf("default", 0, "same"), asked: []string{"GET 1"}, says: "no packet is treated differently"},
			{name: "nothing changes any more", there: behind(0, posted{author: ownID, body: old}), text: markdownOf("default", 0, "same"), asked: append([]string{"GET 1"}, edit...), body: markdownOf("default", 0, "same"), only: "github"},
			{name: "a fork may not list", refuses: map[string]int{"GET": 403}, text: hostile, code: fork, asked: []string{"GET 1"}, says: refused},
			{name: "a fork may not write", refuses: map[string]int{"POST": 403}, text: hostile, code: fork, asked: []string{"GET 1", "POST"}, says: refused},
			{name: "a fork may not edit", there: behind(0, posted{author: ownID, body: old}), refuses: map[string]int{s.edits: 403}, text: hostile, code: fork, asked: append([]string{"GET 1"}, edit...), body: old, says: refused, only: "github"},
			{name: "out of order", refuses: map[string]int{"GET": 502}, text: hostile, code: 1, asked: []string{"GET 1"}, says: "HTTP 502", only: "github"},
			{name: "too long", text: long, asked: []string{"GET 1", "POST"}, says: "wrote", only: "github",
				body: markdownOf("default", 2, "### The difference is too long for a comment\n\nThe [summary of the run](https://github.example/o/r/actions/runs/9) has it.\n")},
			{name: "too long as the API counts", longest: 300, text: markdownOf("default", 2, strings.Repeat("x", 400)), asked: []string{"GET 1", "POST", "POST"}, only: "github",
				body: markdownOf("default", 2, "### The difference is too long for a comment\n\nThe [summary of the run](https://github.example/o/r/actions/runs/9) has it.\n")},
			{name: "nothing compared", says: "nothing was compared"},
			{name: "somebody else's file", text: "<!-- portcullis:diff key=x\" changes=1 risk=none -->\n", code: 1, says: "was not written by portcullis diff", only: "github"},
		} {
			if c.only != "" && c.only != s.integration {
				continue
			}
			t.Run(s.integration+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				f := &forge{comments: c.there, refuses: c.refuses, longest: c.longest}
				before := slices.Clone(c.there)
				code, said := s.run(t, f, c.text)
				if code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, "::error::") {
					t.Errorf("exit %d, expected %d and %q: %s", code, c.code, c.says, said)
				}
				if !slices.Equal(f.asked, c.asked) {
					t.Errorf("it asked for %q, expected %q", f.asked, c.asked)
				}
				own := ""
				for i, p := range f.comments {
					if p.author == ownID && i == len(f.comments)-1 {
						own = p.body
					} else if i < len(before) && p.body != before[i].body {
						t.Errorf("it changed %q of somebody else", p.body)
					}
				}
				if own != c.body {
					t.Errorf("it wrote\n%q, expected\n%q", own, c.body)
				}
			})
		}
	}
}

// TestScriptsAreShell has bash parse every script of every integration.
func TestScriptsAreShell(t *testing.T) {
	t.Parallel()
	number := 0
	for _, i := range ci.Integrations {
		files, err := i.Files()
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range files {
			if filepath.Ext(name) != ".sh" {
				continue
			}
			number++
			cmd := exec.Command("bash", "-n")
			cmd.Stdin = strings.NewReader(string(data))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
			if text := string(data); !strings.HasPrefix(text, "#!/usr/bin/env bash\n") || !strings.Contains(text, "\nset -euo pipefail\n") || strings.Contains(text, "\t") {
				t.Errorf("%s goes on after what failed, or holds a tab", name)
			}
		}
	}
	if number != len(seats) {
		t.Errorf("there are %d scripts, of which %d are tried", number, len(seats))
	}
}
