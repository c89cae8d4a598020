package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
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
const Schema = plan.Group + "/bundle/v1alpha2"

// fileLimit is far above the size of the largest file of a bundle, the index.
const fileLimit = 64 << 20

// Index says what a bundle was built from, by which program, how that was judged
// and what the bundle holds. It holds dates and no judgement about today. Nothing in it is a
// count: two changes that each add one would merge into a number that is true of neither.
type Index struct {
	Schema     string            `json:"schema"`
	Tool       string            `json:"tool"`                 // version of the program
	Unverified bool              `json:"unverified,omitempty"` // written whatever the rules found
	Inputs     map[string]string `json:"inputs"`               // path → SHA-256, in hex, of each file that counted
	Outputs    map[string]string `json:"outputs"`              // the same of each file of the bundle but the index
	Rules      Rules             `json:"rules"`                // that were evaluated
	Proofs     []Proof           `json:"proofs"`               // of each environment, in the order of its name
	Waivers    []Waiver          `json:"waivers,omitempty"`    // by name and rule
	Carried    []Carried         `json:"carried,omitempty"`    // by environment and object
}

// Rules are the codes of those that were evaluated, each once and sorted, by what they found
// over all environments.
type Rules struct {
	Held   []string `json:"held"`             // nothing
	Waived []string `json:"waived,omitempty"` // nothing but what is waived
	Found  []string `json:"found,omitempty"`  // something that stands
}

// Proof says what was proved of one environment: that what the bundle deploys there lets
// through, on both halves, what the lines ask for, and nothing else.
type Proof struct {
	Environment string `json:"environment"`
	// Result is held or failed, which only what is unverified can have.
	Result      string   `json:"result"`
	Assumptions []string `json:"assumptions"` // sentences for whoever relies on it
}

// Waiver is an exception that somebody granted until a date.
type Waiver struct {
	Name    string `json:"name"`
	Rule    string `json:"rule"`    // code
	Expires string `json:"expires"` // as written: YYYY-MM-DD
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

// index writes the index of a bundle as JSON: digests of inputs and outputs, rules, proofs and
// waivers.
func (r Record) index(tree map[string][]byte) ([]byte, error) {
	waivers := slices.Clone(r.Waivers)
	slices.SortFunc(waivers, func(a, b Waiver) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Rule, b.Rule)) })
	var dense, text bytes.Buffer
	enc := json.NewEncoder(&dense)
	enc.SetEscapeHTML(false)
	err := enc.Encode(Index{
		Schema: Schema, Tool: r.Tool, Unverified: r.Unverified,
		Inputs: digests(r.Inputs), Outputs: digests(tree),
		Rules: rulesOf(r.Report), Proofs: append([]Proof{}, r.Proofs...), Waivers: waivers, Carried: r.Carried,
	})
	if err != nil {
		return nil, err
	}
	text.Grow(dense.Len() + dense.Len()/4) // most of it are long lines, of one name and one digest
	err = json.Indent(&text, dense.Bytes(), "", "  ")
	return text.Bytes(), err
}

// rulesOf sorts the rules of a report for the index by what they found. One that found something
// is there even where the report does not list it as evaluated.
func rulesOf(report diag.Report) Rules {
	waived, found := map[string]bool{}, map[string]bool{}
	for _, d := range report.Findings {
		if d.WaivedBy != "" {
			waived[d.Rule.Code] = true
		} else {
			found[d.Rule.Code] = true
		}
	}
	evaluated := maps.Clone(found)
	maps.Copy(evaluated, waived)
	for _, rule := range report.Rules {
		evaluated[rule.Code] = true
	}
	rules := Rules{Held: []string{}}
	for _, code := range diag.SortedKeys(evaluated) {
		switch {
		case found[code]:
			rules.Found = append(rules.Found, code)
		case waived[code]:
			rules.Waived = append(rules.Waived, code)
		default:
			rules.Held = append(rules.Held, code)
		}
	}
	return rules
}

// digests maps the names of files to their digests in the index.
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

// Outputs reads from the index of a bundle, in whatever version, which files it lists, with their
// digests; not ok where a directory carries no such index.
func Outputs(fsys fs.FS, dir string) (digests map[string]string, ok bool) {
	m, err := readMark(fsys, path.Join(dir, IndexFile))
	return m.Outputs, err == nil
}

// Digest makes the digest by which an index tells of a file.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readMark reads what marks an index as ours, and opens nothing but a regular file.
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

// parseMark reads from the bytes of an index whose it is and which files it lists, in every
// version.
func parseMark(raw []byte) (mark, error) {
	var m mark
	if json.Unmarshal(raw, &m) != nil || m.APIVersion != nil || m.Kind != nil || !strings.HasPrefix(m.Schema, path.Dir(Schema)+"/") {
		return mark{}, errNoMark
	}
	return m, nil
}
