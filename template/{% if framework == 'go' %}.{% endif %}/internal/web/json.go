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
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return nil, malformed("The body is not valid JSON%s.", placeOf(err, body))
	}
	if holdsHalfSurrogate(body) {
		return nil, malformed("The body holds half of a surrogate pair.")
	}
	return decodeValue(json.NewDecoder(bytes.NewReader(body)), 0)
}

// decodeValue reads the next value of a text that is known to be JSON.
func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, malformed("The body holds a number that is too large.")
	}
	opened, isDelimiter := token.(json.Delim)
	if !isDelimiter {
		return token, nil
	}
	if depth == maxDepth {
		return nil, malformed("The body is nested too deeply.")
	}
	if opened == '[' {
		return decodeItems(decoder, depth)
	}
	return decodeMembers(decoder, depth)
}

func decodeItems(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := decodeValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := decoder.Token() // the bracket
	return items, err
}

func decodeMembers(decoder *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, repeated := members[name]; repeated {
			return nil, malformed("The body is not valid JSON: a name occurs twice in one object.")
		}
		if members[name], err = decodeValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token() // the brace
	return members, err
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
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
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
