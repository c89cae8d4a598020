package language

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"portcullis.dev/policies/diag"
)

// Baseline is what was found in somebody's manifests when he began: findings that are known,
// and that no run need be red for.
type Baseline struct {
	Span       diag.Span
	APIVersion At[string]     `key:"apiVersion,required"`
	Kind       At[string]     `key:"kind,required"`
	Findings   []KnownFinding `key:"findings,required"`
}

// KnownFinding is one of them. Its fingerprint is what it is known by; the rest is for those
// who read the file, but that a finding which is graver, or one of more, is another one.
type KnownFinding struct {
	Span        diag.Span
	Rule        At[Code]        `key:"rule,required"`
	Severity    At[Severity]    `key:"severity,required"`
	File        At[string]      `key:"file"`
	Object      At[string]      `key:"object"`
	Message     At[string]      `key:"message,required"`
	Fingerprint At[Fingerprint] `key:"fingerprint,required"`
	Count       At[Number]      `key:"count"`
}

var fingerprint = expressionOf(`^[0-9a-f]{16}$`)

// Fingerprint is what a finding is known by, without the number by which reports tell equal ones
// apart.
type Fingerprint string

// parse reads the 16 hexadecimal digits by which a baseline knows a finding.
func (v *Fingerprint) parse(word, tag string) *mistake {
	if tag != "!!str" || !fingerprint.MatchString(word) {
		return &mistake{rule: BadName, message: "expected a fingerprint, found " + tagged(word, tag), hint: "it is 16 hexadecimal digits, in quotes where they look like a number; check --write-baseline writes it"}
	}
	*v = Fingerprint(word)
	return nil
}

// ReadBaseline reads a file that holds one Baseline, and nothing else.
func ReadBaseline(f File) (Baseline, diag.List) {
	repo := &Repository{}
	found := repo.parse(f)
	others := len(repo.Intents) + len(repo.Parts) + len(repo.Waivers)
	if len(found) == 0 && (len(repo.Baselines) != 1 || others > 0) {
		found = append(found, wrongKind.At(diag.Span{File: f.Path}, "expected one document of kind Baseline, and no other").
			Because("what is known is told from what is new by this file alone").
			Suggest("check --write-baseline writes such a file"))
	}
	if found.Failed() {
		return Baseline{}, found
	}
	return repo.Baselines[0], found
}

// tellingKinds lists the kinds whose names alone make a document ours, whatever its API group:
// others have kinds of the name Baseline.
func tellingKinds() []string {
	return slices.DeleteFunc(kindNames(), func(name string) bool { return name == baselineKind })
}

const baselineKind = "Baseline"

// addBaseline decodes a document of kind Baseline into the repository.
func (r *Repository) addBaseline(d *decoder, n *yaml.Node) {
	r.Baselines = append(r.Baselines, decoded[Baseline](d, n))
}
