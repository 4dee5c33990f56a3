package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

type thingName string

func (thingName) Rules() Rules {
	return Rules{Length: Between(1, 5), Pattern: `^[^\x00]*$`}
}

type thingShade string

func (thingShade) Rules() Rules {
	return Rules{Enum: []string{"dark", "light", "none"}, Default: "none"}
}

type thingSize int32

func (thingSize) Rules() Rules {
	return Rules{Range: Between(0, 10)}
}

type thingParts []thingPart

func (thingParts) Rules() Rules {
	return Rules{Count: Between(1, 3)}
}

type thingPart struct {
	N    int64 `json:"n"`
	Sold bool  `json:"sold,omitempty"`
}

type thing struct {
	Name  thingName  `json:"name"`
	Shade thingShade `json:"shade"`
	Size  *thingSize `json:"size"`
	Owner *ID        `json:"owner,omitempty"`
	Since *Timestamp `json:"since,omitempty"`
	Parts thingParts `json:"parts"`
}

func readThing(t *testing.T, body string) (thing, []FieldError) {
	t.Helper()
	value, err := decodeJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var read thing
	err = readBody(shapeFor[thing](), value, &read)
	var problem *Problem
	if errors.As(err, &problem) {
		return read, problem.Errors
	}
	return read, nil
}

// with is a sound thing with one member changed.
func with(member, value string) string {
	members := map[string]json.RawMessage{
		"name":  json.RawMessage(`"a"`),
		"size":  json.RawMessage(`null`),
		"parts": json.RawMessage(`[{"n": 1}]`),
	}
	members[member] = json.RawMessage(value)
	if value == "" {
		delete(members, member)
	}
	body, _ := json.Marshal(members)
	return string(body)
}

func TestAnIntegerWithoutARangeFitsItsType(t *testing.T) {
	t.Parallel()
	type small struct {
		N int8 `json:"n"`
	}
	for number, message := range map[float64]string{
		-129: "Input should be greater than or equal to -128",
		-128: "",
		127:  "",
		128:  "Input should be less than or equal to 127",
	} {
		var read small
		err := readBody(shapeFor[small](), map[string]any{"n": number}, &read)
		if problem, refused := errors.AsType[*Problem](err); refused != (message != "") ||
			refused && problem.Errors[0].Message != message {
			t.Errorf("%v: %v", number, err)
		} else if !refused && float64(read.N) != number {
			t.Errorf("%v is read as %d", number, read.N)
		}
	}
}

type comment struct {
	Replies []comment `json:"replies"`
}

func TestWhatHasNoShapeSaysSoWhenTheProgramStarts(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func() *shape{
		"float64": shapeFor[struct {
			N float64 `json:"n"`
		}],
		"holds itself": shapeFor[comment],
		"no json tag":  shapeFor[struct{ N int }],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if thrown := fmt.Sprint(recover()); !strings.Contains(thrown, name) {
					t.Error(thrown)
				}
			}()
			shape()
		})
	}
}

func TestFaultsOfABodyAreNamed(t *testing.T) {
	t.Parallel()
	for body, faults := range map[string]string{
		`null`:                                       ": object-type",
		`[]`:                                         ": object-type",
		`"x"`:                                        ": object-type",
		with("name", `"x"`):                          "",
		with("name", `"😀😀😀😀😀"`):                      "",
		with("name", ``):                             "/name: missing",
		with("name", `null`):                         "/name: string-type",
		with("name", `1`):                            "/name: string-type",
		with("name", `""`):                           "/name: string-too-short",
		with("name", `"abcdef"`):                     "/name: string-too-long",
		with("name", `"a\u0000"`):                    "/name: string-pattern-mismatch",
		with("shade", `"dark"`):                      "",
		with("shade", `"Dark"`):                      "/shade: enum",
		with("size", `10`):                           "",
		with("size", `1.0`):                          "",
		with("size", `1e1`):                          "",
		with("size", `-0`):                           "",
		with("size", `11`):                           "/size: less-than-equal",
		with("size", `1e300`):                        "/size: less-than-equal",
		with("size", `-1`):                           "/size: greater-than-equal",
		with("size", `1.5`):                          "/size: int-type",
		with("size", `"1"`):                          "/size: int-type",
		with("size", `true`):                         "/size: int-type",
		with("size", ``):                             "/size: missing",
		with("owner", `null`):                        "/owner: string-type",
		with("owner", `"x"`):                         "/owner: uuid",
		with("since", `"yesterday"`):                 "/since: timestamp",
		with("parts", `{}`):                          "/parts: list-type",
		with("parts", `[]`):                          "/parts: too-short",
		with("parts", `[1, 2, 3, 4]`):                "/parts: too-long",
		with("parts", `[{"n": 1}, {"n": "1"}, 2]`):   "/parts/1/n: int-type, /parts/2: object-type",
		with("parts", `[{"n": 9007199254740993}]`):   "/parts/0/n: less-than-equal",
		with("parts", `[{"n": 1, "sold": "false"}]`): "/parts/0/sold: bool-type",
		with("a/b~c", `1`):                           "/a~1b~0c: extra-forbidden",
		with("Name", `"x"`):                          "/Name: extra-forbidden",
		`{"size": 1, "x": 1, "": 2}`:                 "/name: missing, /parts: missing, /: extra-forbidden, /x: extra-forbidden",
	} {
		_, errs := readThing(t, body)
		var found []string
		for _, fault := range errs {
			if fault.Message == "" || fault.Parameter != nil {
				t.Errorf("%s: %+v", body, fault)
			}
			found = append(found, *fault.Pointer+": "+fault.Code)
		}
		if strings.Join(found, ", ") != faults {
			t.Errorf("%s: %s, want %s", body, strings.Join(found, ", "), faults)
		}
	}
}

func TestWhatIsReadHasTheTypesOfItsFields(t *testing.T) {
	t.Parallel()
	read, faults := readThing(t, `{
		"name": "a", "size": 1e1, "owner": "01980000-0000-7000-8000-00000000ABCD",
		"since": "2026-01-31T23:30:00.1234561+01:30", "parts": [{"n": 1, "sold": true}, {"n": 2}]
	}`)
	if faults != nil {
		t.Fatal(faults)
	}
	if read.Name != "a" || read.Shade != "none" || *read.Size != 10 || *read.Owner != someID {
		t.Errorf("%+v", read)
	}
	if since := time.Time(*read.Since); since.Format(time.RFC3339Nano) != "2026-01-31T22:00:00.123457Z" {
		t.Errorf("since %v", since)
	}
	if !slices.Equal(read.Parts, thingParts{thingPart{N: 1, Sold: true}, thingPart{N: 2}}) {
		t.Errorf("parts %v", read.Parts)
	}
}

func TestFaultsAreSoManyAtMostThatNoReplyIsLargerThanItsRequest(t *testing.T) {
	t.Parallel()
	members := map[string]int{}
	for n := range 10_000 {
		members[fmt.Sprint("n", n)] = n
	}
	body, _ := json.Marshal(members)
	if _, faults := readThing(t, string(body)); len(faults) != maxFieldErrors {
		t.Errorf("%d faults", len(faults))
	}
}

type thingQuery struct {
	PageQuery
	Shade *thingShade `json:"hue,omitempty"`
	Sold  *bool       `json:"sold,omitempty"`
}

func TestAQueryIsStrict(t *testing.T) {
	t.Parallel()
	for query, fault := range map[string]string{
		"":                       "",
		"&&":                     "",
		"limit=1&cursor=x":       "",
		"limit=100&sold=true":    "",
		"hue=li%67ht":            "",
		"h%75e=dark":             "",
		"limit=0":                "limit: greater-than-equal",
		"limit=101":              "limit: less-than-equal",
		"limit=":                 "limit: int-type",
		"limit":                  "limit: int-type",
		"limit=+1":               "limit: int-type",
		"limit=%2B1":             "limit: int-type",
		"limit=1e1":              "limit: int-type",
		"limit=0x1":              "limit: int-type",
		"limit=1.0":              "limit: int-type",
		"limit=1_0":              "limit: int-type",
		"limit=-1":               "limit: greater-than-equal",
		"limit=%D9%A1":           "limit: int-type",
		"limit=9999999999999999": "limit: int-type",
		"limit=1&limit=1":        "limit: repeated",
		"Limit=1":                "Limit: unknown",
		"limit[]=1":              "limit[]: unknown",
		"=1":                     ": unknown",
		"cursor=":                "cursor: string-too-short",
		"hue=gray":               "hue: enum",
		"sold=1":                 "sold: bool-type",
		"limit=%zz":              "invalid",
		"limit=%ff":              "invalid",
		"%":                      "invalid",
	} {
		shape := shapeFor[thingQuery]()
		var read thingQuery
		values, err := parseQuery(query, shape)
		if err == nil {
			err = readQuery(shape, values, &read)
		}
		found := ""
		var problem *Problem
		if errors.As(err, &problem) {
			found = "invalid"
			if len(problem.Errors) > 0 {
				found = *problem.Errors[0].Parameter + ": " + problem.Errors[0].Code
			}
			if problem.Kind != BadRequest {
				t.Errorf("%q is %v", query, problem.Kind)
			}
		}
		if found != fault {
			t.Errorf("%q: %q, want %q", query, found, fault)
		}
	}
}

func TestTimesAreRFC3339(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"2026-01-31T12:00:00Z":              "2026-01-31T12:00:00.000000Z",
		"2026-01-31t12:00:00z":              "2026-01-31T12:00:00.000000Z",
		"2026-01-31T12:00:00.1Z":            "2026-01-31T12:00:00.100000Z",
		"2026-01-31T12:00:00.000000Z":       "2026-01-31T12:00:00.000000Z",
		"2026-01-31T12:00:00.0000001Z":      "2026-01-31T12:00:00.000001Z",
		"2026-01-31T23:59:59.9999999Z":      "2026-02-01T00:00:00.000000Z",
		"2026-01-31T12:00:00-23:59":         "2026-02-01T11:59:00.000000Z",
		"0001-01-01T00:00:00Z":              "0001-01-01T00:00:00.000000Z",
		"2024-02-29T00:00:00Z":              "2024-02-29T00:00:00.000000Z",
		"2026-02-29T00:00:00Z":              "",
		"2026-13-01T00:00:00Z":              "",
		"2026-01-31T24:00:00Z":              "",
		"2026-01-31T12:00:60Z":              "",
		"2026-01-31T12:00:00":               "",
		"2026-01-31T12:00:00+24:00":         "",
		"2026-01-31T12:00:00.Z":             "",
		"2026-01-31 12:00:00Z":              "",
		"2026-01-31":                        "",
		"2026-01-31T12:00:00Z ":             "",
		"1769860800":                        "",
		"":                                  "",
		"+002026-01-31T12:00:00Z":           "",
		"2026-01-31T12:00:00\u0660Z":        "",
		strings.Repeat("9", 100_000) + "-Z": "",
	} {
		var read Timestamp
		text := ""
		if err := read.UnmarshalText([]byte(given)); err == nil {
			shown, _ := read.MarshalText()
			text = string(shown)
		}
		if text != want {
			t.Errorf("%.40q: %q, want %q", given, text, want)
		}
	}
}
