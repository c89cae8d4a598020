package selector

import "strings"

// Words tells people of the set, as conditions on a label: "app=pg", "no label team", "a label
// env other than prod".
func (v *Values) Words(name string) string {
	switch {
	case !v.present:
		return "no label " + name
	case v.finite && v.absent:
		return name + "=" + oneOf(v.listed) + " or no such label"
	case v.finite:
		return name + "=" + oneOf(v.listed)
	}
	text := strings.TrimSpace("a label " + name + " " + v.terms())
	if v.absent {
		return text + ", or none"
	}
	return text
}

// NameWords tells people of the set, as conditions on the name of a thing that is always
// there: "service account ci", "a service account other than default".
func (v *Values) NameWords(thing string) string {
	if v.finite {
		return thing + " " + oneOf(v.listed)
	}
	return strings.TrimSpace("a " + thing + " " + v.terms())
}

// terms puts into words what holds of the values of a set that is not finite.
func (v *Values) terms() string {
	var terms []string
	if len(v.listed) > 0 {
		terms = append(terms, "other than "+oneOf(v.listed))
	}
	says := map[Operator][2]string{
		OpStartsWith: {"beginning with", "not beginning with"}, OpEndsWith: {"ending with", "not ending with"}, OpContains: {"containing", "not containing"},
	}
	for _, p := range v.with {
		terms = append(terms, says[p.op][0]+" "+p.text)
	}
	for _, p := range v.without {
		terms = append(terms, says[p.op][1]+" "+p.text)
	}
	return strings.Join(terms, ", ")
}

// oneOf puts a list of values into words: a or b or c, and no more than three.
func oneOf(values []string) string {
	const most = 3
	shown := make([]string, 0, most+1)
	for i, value := range values {
		if i == most {
			shown = append(shown, "…")
			break
		}
		if value == "" {
			value = `""`
		}
		shown = append(shown, value)
	}
	return strings.Join(shown, " or ")
}
