package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const maxDepth = 200

// decodeJSON is the value of a JSON text (RFC 8259), as json.Unmarshal gives it, but more strictly.
//
// Refused besides what is no JSON at all: names that repeat (readers disagree on which one counts),
// numbers and nesting beyond all reason, and escapes that are no character. Numbers are float64, as
// for every reader of JSON that has no other type for them.
func decodeJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, malformed("The body is not valid UTF-8.")
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		if _, isTooLarge := errors.AsType[*json.UnmarshalTypeError](err); isTooLarge {
			return nil, malformed("The body holds a number that is too large.")
		}
		return nil, malformed("The body is not valid JSON%s.", placeOf(err, body))
	}
	if holdsHalfSurrogate(body) {
		return nil, malformed("The body holds half of a surrogate pair.")
	}
	names, err := countNames(value, 0)
	if err != nil {
		return nil, err
	}
	// Each name that was kept is followed by a colon. Any more are of names that were dropped for a later
	// one of the same object.
	if names != countColons(body) {
		return nil, malformed("The body is not valid JSON: a name occurs twice in one object.")
	}
	return value, nil
}

// countNames is how many names the objects within a value have; it checks the depth on the way.
func countNames(value any, depth int) (int, error) {
	switch value.(type) {
	case map[string]any, []any:
		if depth == maxDepth {
			return 0, malformed("The body is nested too deeply.")
		}
	}
	names := 0
	switch value := value.(type) {
	case map[string]any:
		names = len(value)
		for _, member := range value {
			within, err := countNames(member, depth+1)
			if err != nil {
				return 0, err
			}
			names += within
		}
	case []any:
		for _, item := range value {
			within, err := countNames(item, depth+1)
			if err != nil {
				return 0, err
			}
			names += within
		}
	}
	return names, nil
}

// countColons counts those of a JSON text that are outside its strings.
func countColons(body []byte) int {
	colons, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inString = !inString
		case c == '\\':
			i++
		case c == ':' && !inString:
			colons++
		}
	}
	return colons
}

// holdsHalfSurrogate reports whether a \u escape stands for half of a pair, which is no character: it
// can be neither stored nor sent back, and encoding/json would replace it.
func holdsHalfSurrogate(body []byte) bool {
	for i := 0; ; {
		next := bytes.IndexByte(body[i:], '\\')
		if next < 0 {
			return false
		}
		i += next
		unit, ok := escapedUnit(body[i:])
		switch {
		case !ok:
			i += 2
		case !utf16.IsSurrogate(unit):
			i += 6
		default:
			low, _ := escapedUnit(body[i+6:])
			if utf16.DecodeRune(unit, low) == utf8.RuneError {
				return true
			}
			i += 12
		}
	}
}

// escapedUnit is the UTF-16 unit that a text begins with as a \u escape.
func escapedUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(unit), err == nil
}

func placeOf(err error, body []byte) string {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return ""
	}
	before := body[:min(max(int(syntax.Offset)-1, 0), len(body))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

// canonicalJSON is equal text for equal values: names sorted, no white space.
func canonicalJSON(value any) ([]byte, error) {
	return json.Marshal(value)
}

func malformed(format string, arguments ...any) *Problem {
	return &Problem{Kind: BadRequest, Detail: fmt.Sprintf(format, arguments...)}
}
