package web

import (
	"math"
	"regexp"
)

// Ruled is a type that says what is allowed of it beyond its Go type. Bodies, queries and paths are
// structs whose fields have such types; the same rules check what is sent and stand in the document.
type Ruled interface {
	Rules() Rules
}

// Rules of a type; all of them may be left away.
type Rules struct {
	// Name has the document show the type once, under this name.
	Name        string
	Description string
	Examples    []any

	// Length is that of a text, in characters.
	Length *Bounds
	// Pattern is a regular expression of ECMA 262 that means the same in Go, which only spells \uXXXX
	// otherwise. The class \s does not: in Go it is ASCII alone.
	Pattern string
	// Format is for readers of the document; a text is checked by its type's UnmarshalText.
	Format string
	// Enum is all that a text may be.
	Enum []string
	// Range is that of an integer.
	Range *Bounds
	// Count is that of the items of a list.
	Count *Bounds
	// Default is what an absent field gets.
	Default any

	// Code and Message tell of a text that is not in Enum, or that UnmarshalText does not take.
	Code    string
	Message string
}

// Bounds are inclusive.
type Bounds struct {
	Least int64
	Most  int64
}

// Between bounds on both sides.
func Between(least, most int64) *Bounds {
	return &Bounds{Least: least, Most: most}
}

// AtLeast bounds below.
func AtLeast(least int64) *Bounds {
	return &Bounds{Least: least, Most: math.MaxInt64}
}

var codePoint = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

// goPattern is a pattern as Go spells it.
func goPattern(pattern string) string {
	return codePoint.ReplaceAllString(pattern, `\x{$1}`)
}
