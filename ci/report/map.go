package report

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/compiler/reach"
)

// MapOptions are what a caller may choose about the look of a map.
type MapOptions struct {
	Platform bool // lines of the Platform one by one, and not folded
	BySource bool // sections by who sends
	Fold     bool // more lines than people read are told by namespaces
	Color    bool // ANSI colours, in texts
	Width    int  // of the terminal, or 0
}

// MapFormat is one way to write a map.
type MapFormat struct {
	Name        string // as in -o NAME
	Description string // for help texts: a clause without a full stop
	write       func(w *bufio.Writer, m *reach.Map, o MapOptions) error
}

// MapFormats is the table of the formats there are, the default first.
var MapFormats = []MapFormat{
	{"text", "for people: who reaches whom, by who is reached", writeMapText},
	{"json", "for programs: as map.schema.json describes it", writeMapJSON},
	{"csv", "for spreadsheets: a line of the map on each line", writeMapCSV},
	{"mermaid", "a picture in Mermaid's language", writeMapMermaid},
	{"dot", "a picture in Graphviz' language", writeMapDOT},
	{"markdown", "for reviews: a table", writeMapMarkdown},
}

// LookupMap finds a format of maps by its name.
func LookupMap(name string) (MapFormat, error) {
	names := make([]string, len(MapFormats))
	for i, f := range MapFormats {
		if names[i] = f.Name; f.Name == name {
			return f, nil
		}
	}
	return MapFormat{}, unknownFormat(ofMaps, name, names)
}

// WriteMap writes a map of who reaches whom in the format. The error is the writer's.
func WriteMap(w io.Writer, f MapFormat, m *reach.Map, o MapOptions) error {
	buffered := bufio.NewWriter(w)
	err := f.write(buffered, m, o)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the map as %s: %w", f.Name, err)
	}
	return nil
}

// whereWords names the environments of a map's line: by their groups where those are whole, and
// not at all where they are all there are.
func whereWords(in, all []string, groups map[string][]string) string {
	if len(in) == len(all) {
		return ""
	}
	left := slices.Clone(in)
	var words []string
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		members := groups[name]
		if len(members) > 1 && !slices.ContainsFunc(members, func(e string) bool { return !slices.Contains(left, e) }) {
			words = append(words, name)
			left = slices.DeleteFunc(left, func(e string) bool { return slices.Contains(members, e) })
		}
	}
	words = append(words, left...)
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// mostLines is how many lines of a map people read at once.
const mostLines = 200

// folded reports whether a map has more lines than people read, so that it is told by namespaces.
func folded(m *reach.Map, o MapOptions) bool { return o.Fold && len(m.Lines) > mostLines }

// endpointOf names a term as a map by namespaces calls it: any workload is all of its namespace.
func endpointOf(t reach.Term) string {
	if t.Kind == "workload" || t.Kind == "labels" && t.Namespace != "" {
		return t.Namespace + "/*"
	}
	return t.String()
}
