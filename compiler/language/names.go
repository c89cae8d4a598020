package language

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"portcullis.dev/policies/yamltext"
)

// expression is a regular expression that is compiled where it is first needed. Those
// that count characters are large, and few runs need all of them.
type expression struct {
	text     string
	compiled func() *regexp.Regexp
}

// expressionOf holds the pattern of a name back until it is first matched, when it is compiled
// once.
func expressionOf(text string) expression {
	return expression{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// MatchString reports whether the name matches the expression.
func (e expression) MatchString(word string) bool { return e.compiled().MatchString(word) }

// String returns the expression of a name as written.
func (e expression) String() string { return e.text }

var dnsLabel = expressionOf(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// IsName reports whether a word is a DNS label, as names of namespaces and workloads are.
func IsName(word string) bool { return dnsLabel.MatchString(word) }

// IsLabel reports whether a pod may carry a label with this name and value.
func IsLabel(key, value string) bool {
	var k LabelKey
	var v LabelValue
	return k.parse(key, "!!str") == nil && v.parse(value, "!!str") == nil
}

// Name is a DNS label (RFC 1123), as names of namespaces and workloads are.
type Name string

// parse reads a name that must be a DNS label, and suggests one that differs in case or separators
// alone.
func (v *Name) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected a name, found " + tagged(word, tag), hint: "quote it: " + yamltext.Quoted(word), replace: yamltext.Quoted(word)}
	}
	if !dnsLabel.MatchString(word) {
		m := &mistake{rule: BadName, message: fmt.Sprintf("%.80q is not a name", word),
			hint: "a name has at most 63 lower-case letters, digits and dashes, and begins and ends with a letter or digit"}
		if mended := mendName(word); mended != "" {
			m.hint += "; did you mean " + yamltext.Quote(mended) + "?"
		}
		return m
	}
	*v = Name(word)
	return nil
}

// NamespaceName is a namespace's name, or a pattern for namespaces that are made
// elsewhere: a beginning and a star, as in pr-*.
type NamespaceName string

var namespacePattern = expressionOf(`^[a-z0-9][a-z0-9-]{0,61}\*$`)

// IsPattern reports whether the name stands for many namespaces.
func (v NamespaceName) IsPattern() bool { return strings.HasSuffix(string(v), "*") }

// Covers reports whether the namespace's name fits the pattern.
func (v NamespaceName) Covers(namespace string) bool {
	head, pattern := strings.CutSuffix(string(v), "*")
	return pattern && strings.HasPrefix(namespace, head) && len(namespace) > len(head)
}

// isNamespace reports whether the word is the name of a namespace, or a pattern of names with a
// star.
func isNamespace(word string) bool {
	return dnsLabel.MatchString(word) || namespacePattern.MatchString(word)
}

// parse reads the name of a namespace, or a pattern of names with a star at its end.
func (v *NamespaceName) parse(word, tag string) *mistake {
	if tag == "!!str" && NamespaceName(word).IsPattern() && namespacePattern.MatchString(word) {
		*v = NamespaceName(word)
		return nil
	}
	return (*Name)(v).parse(word, tag)
}

// mendName suggests the valid name that differs from the word in case and separators alone.
func mendName(word string) string {
	mended := strings.Trim(strings.NewReplacer("_", "-", " ", "-", ".", "-").Replace(strings.ToLower(word)), "-")
	if mended != word && dnsLabel.MatchString(mended) {
		return mended
	}
	return ""
}

var (
	labelKey   = expressionOf(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	labelValue = expressionOf(`^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$`)
)

// LabelKey is the key of a Kubernetes label.
type LabelKey string

// parse reads the key, or name, of a Kubernetes label, with or without a DNS prefix.
func (v *LabelKey) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected a label's key, found " + tagged(word, tag), hint: "quote it", replace: yamltext.Quoted(word)}
	}
	if !labelKey.MatchString(word) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q is not the key of a label", word),
			hint: "a key is at most 63 letters, digits, dashes, underscores and dots, optionally after a DNS name and a slash"}
	}
	*v = LabelKey(word)
	return nil
}

// LabelValue is the value of a Kubernetes label.
type LabelValue string

// parse reads the value of a Kubernetes label, which must be text to YAML.
func (v *LabelValue) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected a label's value, found " + tagged(word, tag),
			hint: "label values are strings: quote it", replace: yamltext.Quoted(word)}
	}
	if !labelValue.MatchString(word) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q is not the value of a label", word),
			hint: "a value is at most 63 letters, digits, dashes, underscores and dots, and begins and ends with a letter or digit"}
	}
	*v = LabelValue(word)
	return nil
}

var kindName = expressionOf(`^[A-Z][A-Za-z0-9]{0,62}(\.[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$`)

// KindName is a kind of Kubernetes objects, as Kind or Kind.group.
type KindName string

// parse reads the name of a kind of Kubernetes objects, with its API group or without.
func (v *KindName) parse(word, tag string) *mistake {
	if tag != "!!str" || !kindName.MatchString(word) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q is not a kind", word),
			hint: "write it as manifests do, ServiceAccount, with its API group where several have it: Certificate.cert-manager.io"}
	}
	*v = KindName(word)
	return nil
}

// User is who may name an @name: a workload as namespace/name, or all of a namespace
// as namespace/*.
type User string

// parse reads who may name an @name: namespace/name, or namespace/*.
func (v *User) parse(word, tag string) *mistake {
	namespace, name, both := strings.Cut(word, "/")
	if tag != "!!str" || !both || !dnsLabel.MatchString(namespace) || name != "*" && !dnsLabel.MatchString(name) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q names no intent", word),
			hint: "write namespace/name, or namespace/* for all of a namespace"}
	}
	*v = User(word)
	return nil
}

// WorkloadRef is a workload in full: namespace/name. Its namespace may be a pattern
// of the Platform.
type WorkloadRef string

// parse reads a workload's full name, namespace/name, where the namespace may be a pattern.
func (v *WorkloadRef) parse(word, tag string) *mistake {
	namespace, name, both := strings.Cut(word, "/")
	if tag != "!!str" || !both || !isNamespace(namespace) || !dnsLabel.MatchString(name) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q names no intent", word), hint: "write namespace/name"}
	}
	*v = WorkloadRef(word)
	return nil
}

// Is reports whether the reference means the workload, given as namespace/name.
func (v WorkloadRef) Is(workload string) bool {
	namespace, name, _ := strings.Cut(string(v), "/")
	otherNamespace, otherName, _ := strings.Cut(workload, "/")
	return name == otherName && NamespaceName(namespace).Is(otherNamespace)
}

// Is reports whether the name, or pattern, means the namespace.
func (v NamespaceName) Is(namespace string) bool {
	return string(v) == namespace || v.Covers(namespace)
}

// ObjectRef is an object as evidence spells it: Kind/namespace/name, or Kind/name for
// what has no namespace.
type ObjectRef string

// parse reads an object's full name, Kind/namespace/name or Kind/name.
func (v *ObjectRef) parse(word, tag string) *mistake {
	parts := strings.Split(word, "/")
	if tag != "!!str" || len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") || strings.ContainsAny(word, " \t,") {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.80q names no object", word),
			hint: "write Kind/namespace/name, as in NetworkPolicy/shop/web, or Kind/name for what has no namespace"}
	}
	*v = ObjectRef(word)
	return nil
}
