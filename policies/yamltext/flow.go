package yamltext

import "strings"

// Line writes a value on one line, with its members between brackets, as people write
// intents. A Field is written as a member of its mapping, without braces.
func Line(v any) string {
	var b strings.Builder
	writeLine(&b, v)
	return b.String()
}

// writeLine writes a value in flow style, with its members between brackets.
func writeLine(b *strings.Builder, v any) {
	switch v := v.(type) {
	case Field:
		key := Quote(v.Key)
		if len(key) > longestKey {
			key = "? " + key + " "
		}
		b.WriteString(key + ": ")
		writeLine(b, v.Value)
	case Map:
		b.WriteByte('{')
		for i, f := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeLine(b, f)
		}
		b.WriteByte('}')
	case List:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeLine(b, bare(item))
		}
		b.WriteByte(']')
	default:
		b.WriteString(scalar(v, Quote))
	}
}
