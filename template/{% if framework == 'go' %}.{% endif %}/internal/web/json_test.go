package web

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// statusOf is the status of a refusal; 200 for what is accepted.
func statusOf(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 200
	}
	var problem *Problem
	if !errors.As(err, &problem) {
		t.Fatalf("no problem: %v", err)
	}
	return problem.Kind.Status
}

func TestWhatIsNoJSONIs400(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                              "",
		"not JSON":                           "{",
		"two values":                         "{} {}",
		"a trailing comma":                   `{"a": 1,}`,
		"a name twice":                       `{"a": 1, "a": 2}`,
		"a name twice, spelled differently":  `{"a": 1, "\u0061": 2}`,
		"a name twice, further in":           `{"a": [{"b": 1, "b": 1}]}`,
		"a name twice, with colons about":    `{"a:": ":", "a:": ":", "b": "\":"}`,
		"NaN":                                `{"a": NaN}`,
		"Infinity":                           `{"a": -Infinity}`,
		"a number of 5000 digits":            strings.Repeat("1", 5000),
		"nested 100000 deep":                 strings.Repeat("[", 100_000),
		"nested 100000 deep, and closed":     strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"nested 201 deep, and closed":        strings.Repeat("[", 201) + strings.Repeat("]", 201),
		"objects nested 100000 deep":         strings.Repeat(`{"a":`, 100_000),
		"Latin-1":                            "\"\xe4\"",
		"UTF-16":                             "\xff\xfe{\x00}\x00",
		"a byte order mark":                  "\xef\xbb\xbf{}",
		"an overlong encoding":               "\"\xc0\x80\"",
		"an encoded surrogate":               "\"\xed\xa0\x80\"",
		"half of a surrogate pair":           `{"a": "\ud800"}`,
		"half of one before something else":  `"\ud800\u0041"`,
		"half of one at the end":             `"\\\udfff"`,
		"half of a surrogate pair as a name": `{"\udc00": 1}`,
		"a control character in a string":    "\"\x00\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := decodeJSON([]byte(body))
			if status := statusOf(t, err); status != 400 {
				t.Errorf("status %d for %v", status, value)
			}
		})
	}
}

func TestJSONIsWhatItSays(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`null`, `true`, `1`, `1.5`, `1e2`, `-0`, `"ä😀"`, `[]`, `{}`,
		`{"a": [{"b": null}]}`,
		`{"a:": ":", "b\"": "\\\":", "c": [{"a:": 1}, {"a:": 1}]}`,
		`"\ud83d\ude00 \\ud800 \n"`,
		`{"__proto__": 1}`,
		strings.Repeat("[", 200) + strings.Repeat("]", 200),
	} {
		value, err := decodeJSON([]byte(body))
		if err != nil {
			t.Errorf("%.40s: %v", body, err)
			continue
		}
		var plain any
		if err := json.Unmarshal([]byte(body), &plain); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(value, plain) {
			t.Errorf("%.40s: %v", body, value)
		}
	}
}

func TestASyntaxErrorHasAPlace(t *testing.T) {
	t.Parallel()
	_, err := decodeJSON([]byte("{\n  \"ä\": x}"))
	if want := "(line 2, column 8)"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %s", err, want)
	}
}

func TestEqualValuesHaveEqualCanonicalTexts(t *testing.T) {
	t.Parallel()
	canonical := func(body string) string {
		value, err := decodeJSON([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := canonicalJSON(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	same := canonical(`{"b": 1, "a": {"d": "ä", "c": []}}`)
	if other := canonical(`{"a":{"c":[],"d":"\u00e4"},"b":1.0}`); other != same {
		t.Errorf("%s is not %s", other, same)
	}
	for _, other := range []string{`{"a": 1}`, `{"b": "1", "a": {"d": "ä", "c": []}}`} {
		if canonical(other) == same {
			t.Errorf("%s is %s", other, same)
		}
	}
}
