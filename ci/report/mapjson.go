package report

import (
	"bufio"

	"portcullis.dev/compiler/reach"
)

// trafficVersion is the version of the documents about traffic. A field may be added within a
// version; none changes its meaning or disappears.
const trafficVersion = "v1alpha1"

// writeMapJSON writes each line of the map on a line of its own, so that Git and grep work.
func writeMapJSON(w *bufio.Writer, m *reach.Map, _ MapOptions) error {
	w.WriteString(`{"version": "` + trafficVersion + `", "kind": "map"`)
	err := jsonFields(w, []jsonField{
		{"repository", m.Repository}, {"environments", m.Environments}, {"groups", m.Groups}, {"namespaces", m.Namespaces},
		{"notInThisMap", m.Missing}, {"total", m.Total},
	})
	if err != nil {
		return err
	}
	if err := jsonLines(w, "workloads", len(m.Workloads), func(i int) any { return m.Workloads[i] }); err != nil {
		return err
	}
	if err := jsonLines(w, "lines", len(m.Lines), func(i int) any { return m.Lines[i] }); err != nil {
		return err
	}
	w.WriteString("}\n")
	return nil // what a bufio.Writer could not write, its Flush tells
}
