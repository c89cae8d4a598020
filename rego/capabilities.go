package rego

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// unsafe are the deterministic builtins that a rule may not call all the same:
// they build values out of all proportion to their arguments without listening
// to a deadline, or run languages of their own. Calls of print need no entry: the
// compiler erases them.
var unsafe = []string{"bits.lsh", "json.patch", "net.cidr_expand", "rego.parse_module", "strings.render_template", "trace"}

// unsafeFamilies are prefixes of names with the same effect; keys and tokens have
// no place in a judgement of policies.
var unsafeFamilies = []string{"crypto.x509.", "graphql.", "http.", "io.jwt.", "net.lookup", "opa.", "providers.", "rand.", "uuid."}

// capabilities lists what rules may use: the language, and every builtin that is a cheap function
// of its arguments. No network, no environment, no clock, no dice.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool {
		return b.Nondeterministic || slices.Contains(unsafe, b.Name) ||
			slices.ContainsFunc(unsafeFamilies, func(prefix string) bool { return strings.HasPrefix(b.Name, prefix) })
	})
	c.AllowNet = []string{} // nil would allow every host
	return c
}
