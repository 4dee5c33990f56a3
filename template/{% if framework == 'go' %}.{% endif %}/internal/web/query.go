package web

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// parseQuery is the values of a query, each name once and none that the route would silently ignore.
func parseQuery(rawQuery string, known *shape) (map[string]any, error) {
	values := map[string]any{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		escapedName, escapedValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(escapedName)
		value, valueErr := url.QueryUnescape(escapedValue)
		if nameErr != nil || valueErr != nil || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, &Problem{Kind: BadRequest, Detail: "The query is not valid."}
		}
		if known == nil {
			return nil, badParameter(name, "unknown", "There is no such parameter.")
		}
		if _, ok := known.known[name]; !ok {
			return nil, badParameter(name, "unknown", "There is no such parameter.")
		}
		if _, repeated := values[name]; repeated {
			return nil, badParameter(name, "repeated", "The parameter may be given once.")
		}
		values[name] = value
	}
	return values, nil
}
