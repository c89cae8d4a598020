package sources

import "github.com/bmatcuk/doublestar/v4"

// Matches reports whether a pattern of paths is of a file, or of a directory that it lies in.
func Matches(pattern, file string) bool {
	return doublestar.MatchUnvalidated(pattern, file) || doublestar.MatchUnvalidated(pattern+"/**", file)
}

// IsPattern reports whether a text is a pattern of paths.
func IsPattern(text string) bool { return text != "" && doublestar.ValidatePattern(text) }
