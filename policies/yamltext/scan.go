package yamltext

// Closing finds the bracket or brace that closes the one with which a text begins; -1 where
// there is none, or the text begins otherwise. What stands between quotes and in comments is
// passed over.
func Closing[Text ~string | ~[]byte](text Text) int {
	_, closing := Inside(text)
	return closing
}

// Inside finds what Closing does, and where the last of what stands before it ends, be it a
// comma: what follows is blanks and comments.
func Inside[Text ~string | ~[]byte](text Text) (last, closing int) {
	depth := 0
	fresh := true     // a value may begin here, so a quote would be one
	property := false // the word is an anchor or a tag, behind which a value begins
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '[', '{':
			depth++
			fresh = true
		case ']', '}':
			if depth--; depth == 0 {
				return last, i
			}
			fresh = false
		case ',':
			fresh = true
		case ':':
			fresh = i+1 < len(text) && blank(text[i+1]) || i > 0 && (text[i-1] == '"' || text[i-1] == '\'')
		case '"', '\'':
			if fresh {
				i += QuotedLength(text[i:]) - 1
			}
			fresh = false
		case '#':
			if i > 0 && blank(text[i-1]) {
				for i+1 < len(text) && text[i+1] != '\n' && text[i+1] != '\r' {
					i++
				}
				continue
			}
			fresh = false
		case ' ', '\t', '\n', '\r':
			fresh = fresh || property
			property = false
			if depth > 0 {
				continue
			}
		default:
			property = property || fresh && (c == '&' || c == '!')
			fresh = false
		}
		if depth <= 0 {
			return 0, -1
		}
		last = i + 1
	}
	return 0, -1
}

// blank reports whether a byte is white space between what is scanned.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// QuotedLength measures the quoted scalar with which a text begins, its quotes included; all of
// the text where it has no end.
func QuotedLength[Text ~string | ~[]byte](text Text) int {
	if len(text) == 0 {
		return 0
	}
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}
