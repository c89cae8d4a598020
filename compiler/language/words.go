package language

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"portcullis.dev/policies/diag"
	"portcullis.dev/policies/yamltext"
)

// text is prose: any one-line string.
type text string

// parse reads prose of one line, and refuses control characters, by which a reviewer would not see
// what is there.
func (t *text) parse(word, tag string) *mistake {
	if tag != "!!str" {
		return &mistake{rule: WrongType, message: "expected text, found " + tagged(word, tag), hint: "quote it", replace: yamltext.Quoted(word)}
	}
	if i := strings.IndexFunc(word, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
		return &mistake{rule: unreadable, message: fmt.Sprintf("the text holds a control character (%q)", []rune(word[i:])[0]), hint: "remove it, so that a reviewer sees what is there"}
	}
	*t = text(word)
	return nil
}

// flag is true or false.
type flag bool

// parse reads the words true and false alone, and mends what else YAML 1.1 takes for them.
func (f *flag) parse(word, tag string) *mistake {
	if tag != "!!bool" {
		m := &mistake{rule: WrongType, message: "expected true or false, found " + tagged(word, tag), hint: "write true or false, without quotes"}
		if says, is := yamltext.Boolean(word); is {
			m.replace, m.sure = strconv.FormatBool(says), true
		}
		return m
	}
	*f = flag(strings.EqualFold(word, "true"))
	return nil
}

// Number is a whole number.
type Number int

// parse reads a word that is a whole number of 32 bits.
func (v *Number) parse(word, tag string) *mistake {
	i, err := strconv.ParseInt(word, 10, 32)
	if tag != "!!int" || err != nil {
		return &mistake{rule: WrongType, message: "expected a whole number, found " + tagged(word, tag)}
	}
	*v = Number(i)
	return nil
}

// Date is a day of the calendar (UTC), as 2006-01-02.
type Date string

// parse reads a word that is a day of the calendar, as 2006-01-02.
func (v *Date) parse(word, tag string) *mistake {
	if day, err := time.Parse(time.DateOnly, word); err != nil || day.Year() < 2000 {
		return &mistake{rule: badDate, message: fmt.Sprintf("%.40q is not a day", word), hint: "write it as 2026-12-31"}
	}
	*v = Date(word)
	return nil
}

var ruleCode = expressionOf(`^PC[0-9]{3}$`)

// Code is the code of a rule.
type Code string

// parse reads a word that is the code of a rule, PC and three digits.
func (v *Code) parse(word, _ string) *mistake {
	if !ruleCode.MatchString(word) {
		return &mistake{rule: BadName, message: fmt.Sprintf("%.40q is not the code of a rule", word), hint: "a code is PC and three digits, as findings show it"}
	}
	*v = Code(word)
	return nil
}

// Severity is diag.Severity as the language spells it.
type Severity diag.Severity

// parse reads the word for a severity: error, warning or info.
func (v *Severity) parse(word, _ string) (m *mistake) {
	*v, m = choose(word, severities)
	return m
}
