package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"portcullis.dev/compiler/plan"
	"portcullis.dev/policies/diag"
)

// IndexFile is the name of a bundle's index, which also marks a directory as one
// of ours: only such a directory is ever replaced, and what it lists is no input.
const IndexFile = "bundle.json"

// Schema is the version of the index, which bundle.schema.json describes.
const Schema = plan.Group + "/bundle/v1alpha1"

// fileLimit is far above the size of the largest file of a bundle, the index.
const fileLimit = 64 << 20

// Index says what a bundle was built from, by which program, how that was judged
// and what the bundle holds. It holds dates and no judgement about today.
type Index struct {
	Schema     string            `json:"schema"`
	Tool       string            `json:"tool"`                 // version of the program
	Unverified bool              `json:"unverified,omitempty"` // written whatever the rules found
	Inputs     map[string]string `json:"inputs"`               // path → SHA-256, in hex, of each file that counted
	Outputs    map[string]string `json:"outputs"`              // the same of each file of the bundle but the index
	Rules      []Result          `json:"rules"`                // of each rule that was evaluated, by code
	Proofs     []Proof           `json:"proofs"`               // of each environment, in the order of its name
	Waivers    []Waiver          `json:"waivers,omitempty"`    // by name and rule
	Carried    []Carried         `json:"carried,omitempty"`    // by environment and object
}

// Result is what one rule found, over all environments.
type Result struct {
	Code    string `json:"code"`
	Result  string `json:"result"` // held, found, or waived: it found nothing but what is waived
	Error   int    `json:"error,omitempty"`
	Warning int    `json:"warning,omitempty"`
	Info    int    `json:"info,omitempty"`
	Waived  int    `json:"waived,omitempty"` // counts here alone, whatever the severity
}

// Proof says what was proved of one environment: that what the bundle deploys there lets
// through, on both halves, what the lines ask for, and nothing else.
type Proof struct {
	Environment string `json:"environment"`
	// Result is held or failed, which only what is unverified can have.
	Result      string   `json:"result"`
	Flows       int      `json:"flows"`
	Guardrails  int      `json:"guardrails"`
	Quarantines int      `json:"quarantines"`
	Tests       int      `json:"tests"`
	Assumptions []string `json:"assumptions"` // sentences for whoever relies on it
}

// Waiver is an exception that somebody granted until a date.
type Waiver struct {
	Name    string `json:"name"`
	Rule    string `json:"rule"`    // code
	Expires string `json:"expires"` // as written: YYYY-MM-DD
	Used    int    `json:"used"`    // number of findings that it covers
}

// Carried is an object that the bundle deploys and nobody judged, because the Platform
// names its kind or, where labels or annotations are given, those alone of an object that
// was judged otherwise.
type Carried struct {
	Environment string            `json:"environment"`
	Object      diag.ObjectID     `json:"object"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Record is what a bundle tells of its making.
type Record struct {
	Tool       string            // version of the program
	Inputs     map[string][]byte // path → bytes of each file that counted
	Report     diag.Report       // of the run that built it
	Proofs     []Proof           // in the order of the environments' names
	Waivers    []Waiver          // in any order
	Carried    []Carried         // in the order of environments and objects
	Unverified bool              // the caller writes whatever the rules found
}

func (r Record) index(tree map[string][]byte) ([]byte, error) {
	waivers := slices.Clone(r.Waivers)
	slices.SortFunc(waivers, func(a, b Waiver) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Rule, b.Rule)) })
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(Index{
		Schema: Schema, Tool: r.Tool, Unverified: r.Unverified,
		Inputs: digests(r.Inputs), Outputs: digests(tree),
		Rules: results(r.Report), Proofs: append([]Proof{}, r.Proofs...), Waivers: waivers, Carried: r.Carried,
	})
	return b.Bytes(), err
}

// results counts a report's findings by rule. A rule that found something is
// listed even where the report does not list it as evaluated.
func results(report diag.Report) []Result {
	byCode := map[string]*Result{}
	of := func(code string) *Result {
		if byCode[code] == nil {
			byCode[code] = &Result{Code: code, Result: "held"}
		}
		return byCode[code]
	}
	for _, rule := range report.Rules {
		of(rule.Code)
	}
	for _, d := range report.Findings {
		r := of(d.Rule.Code)
		switch {
		case d.WaivedBy != "":
			r.Waived++
		case d.Severity == diag.Error:
			r.Error++
		case d.Severity == diag.Warning:
			r.Warning++
		default:
			r.Info++
		}
	}
	all := make([]Result, 0, len(byCode))
	for _, code := range diag.SortedKeys(byCode) {
		r := *byCode[code]
		switch {
		case r.Error+r.Warning+r.Info > 0:
			r.Result = "found"
		case r.Waived > 0:
			r.Result = "waived"
		}
		all = append(all, r)
	}
	return all
}

func digests(files map[string][]byte) map[string]string {
	all := make(map[string]string, len(files))
	for name, data := range files {
		all[name] = Digest(data)
	}
	return all
}

// mark is what every version of the index says: whose it is, and which files. What no version
// has is the head of an object: a file with one is something else, whatever it says besides.
type mark struct {
	Schema  string            `json:"schema"`
	Outputs map[string]string `json:"outputs"`

	APIVersion any `json:"apiVersion"`
	Kind       any `json:"kind"`
}

var errNoMark = errors.New("no " + IndexFile + " of ours")

// Outputs are the files that the index of a bundle lists, in whatever version, with their
// digests; not ok where a directory carries no such index.
func Outputs(fsys fs.FS, dir string) (digests map[string]string, ok bool) {
	m, err := readMark(fsys, path.Join(dir, IndexFile))
	return m.Outputs, err == nil
}

// Digest is how an index tells of a file.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readMark opens nothing but a regular file.
func readMark(fsys fs.FS, name string) (mark, error) {
	info, err := fs.Lstat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mark{}, errNoMark
	case err != nil:
		return mark{}, err
	case !info.Mode().IsRegular() || info.Size() > fileLimit:
		return mark{}, errNoMark
	}
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return mark{}, err
	}
	return parseMark(raw)
}

func parseMark(raw []byte) (mark, error) {
	var m mark
	if json.Unmarshal(raw, &m) != nil || m.APIVersion != nil || m.Kind != nil || !strings.HasPrefix(m.Schema, path.Dir(Schema)+"/") {
		return mark{}, errNoMark
	}
	return m, nil
}
