package web

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Integers beyond are not told apart by every reader of JSON.
const maxSafeInteger = 1<<53 - 1

// readBody fills `into` from a decoded body, or says all that is wrong with it.
func readBody[T any](shape *shape, value any, into *T) error {
	if shape == nil {
		return nil
	}
	reader := reader{}
	reader.read(shape, value, reflect.ValueOf(into).Elem(), nil)
	if len(reader.errors) == 0 {
		return nil
	}
	return &Problem{Kind: Validation, Detail: "The body is not valid.", Errors: reader.errors}
}

// readQuery does so from the values of a query.
func readQuery[T any](shape *shape, values map[string]any, into *T) error {
	if shape == nil {
		return nil
	}
	reader := reader{parameters: true}
	reader.read(shape, values, reflect.ValueOf(into).Elem(), nil)
	if len(reader.errors) == 0 {
		return nil
	}
	return &Problem{
		Kind:   BadRequest,
		Detail: "A query parameter cannot be used.",
		Errors: reader.errors,
	}
}

// readPath does so from the names in a path. What does not fit them is nowhere.
func readPath[T any](shape *shape, values map[string]any, into *T) error {
	if shape == nil {
		return nil
	}
	reader := reader{parameters: true}
	reader.read(shape, values, reflect.ValueOf(into).Elem(), nil)
	if len(reader.errors) == 0 {
		return nil
	}
	return &Problem{Kind: NotFound, Detail: "There is nothing by that id."}
}

// reader fills a value and collects what is wrong on the way.
type reader struct {
	// parameters is whether texts stand for integers and booleans, and errors name parameters.
	parameters bool
	errors     []FieldError
}

// place is where in a value the reader is.
type place struct {
	within *place
	name   string
	number int
}

// pointer is the JSON Pointer (RFC 6901) to a place.
func (p *place) pointer() string {
	if p == nil {
		return ""
	}
	part := p.name
	if part == "" && p.number >= 0 {
		part = strconv.Itoa(p.number)
	}
	return p.within.pointer() + "/" + pointerEscapes.Replace(part)
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func (r *reader) refuse(at *place, code, message string) {
	if len(r.errors) == maxFieldErrors {
		return
	}
	fault := FieldError{Code: code, Message: message}
	if r.parameters {
		fault.Parameter = new(at.name)
	} else {
		fault.Pointer = new(at.pointer())
	}
	r.errors = append(r.errors, fault)
}

func (r *reader) read(shape *shape, value any, into reflect.Value, at *place) {
	switch shape.kind {
	case object:
		r.readObject(shape, value, into, at)
	case list:
		r.readList(shape, value, into, at)
	case text:
		r.readText(shape, value, into, at)
	case integer:
		r.readInteger(shape, value, into, at)
	case boolean:
		r.readBoolean(value, into, at)
	}
}

func (r *reader) readObject(shape *shape, value any, into reflect.Value, at *place) {
	members, ok := value.(map[string]any)
	if !ok {
		r.refuse(at, "object-type", "Input should be an object")
		return
	}
	seen := 0
	for i := range shape.fields {
		field := &shape.fields[i]
		target := into.FieldByIndex(field.index)
		here := place{within: at, name: field.name, number: -1}
		member, present := members[field.name]
		switch {
		case present:
			seen++
			r.readMember(field, member, target, &here)
		case field.shape.rules.Default != nil:
			usual := reflect.ValueOf(field.shape.rules.Default).Convert(field.shape.goType)
			if target.Kind() == reflect.Pointer {
				target.Set(reflect.New(field.shape.goType))
				target = target.Elem()
			}
			target.Set(usual)
		case !field.optional:
			r.refuse(&here, "missing", "Field required")
		}
	}
	if seen < len(members) {
		r.refuseUnknown(shape, members, at)
	}
}

func (r *reader) readMember(field *field, member any, target reflect.Value, here *place) {
	if target.Kind() == reflect.Pointer {
		if member == nil && field.nullable {
			return
		}
		target.Set(reflect.New(field.shape.goType))
		target = target.Elem()
	}
	r.read(field.shape, member, target, here)
}

func (r *reader) refuseUnknown(shape *shape, members map[string]any, at *place) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, known := shape.known[name]; !known {
			here := place{within: at, name: name, number: -1}
			r.refuse(&here, "extra-forbidden", "Extra inputs are not permitted")
		}
	}
}

func (r *reader) readList(shape *shape, value any, into reflect.Value, at *place) {
	items, ok := value.([]any)
	if !ok {
		r.refuse(at, "list-type", "Input should be a valid list")
		return
	}
	if bounds := shape.rules.Count; bounds != nil {
		switch count := int64(len(items)); {
		case count < bounds.Least:
			r.refuse(at, "too-short", "List should have at least "+counted(bounds.Least, "item"))
		case count > bounds.Most:
			r.refuse(at, "too-long", "List should have at most "+counted(bounds.Most, "item"))
			return // rather than look at what may be thousands
		}
	}
	into.Set(reflect.MakeSlice(shape.goType, len(items), len(items)))
	for i, item := range items {
		here := place{within: at, number: i}
		r.read(shape.item, item, into.Index(i), &here)
	}
}

func (r *reader) readText(shape *shape, value any, into reflect.Value, at *place) {
	given, ok := value.(string)
	if !ok {
		r.refuse(at, "string-type", "Input should be a valid string")
		return
	}
	rules := &shape.rules
	if bounds := rules.Length; bounds != nil {
		switch length := int64(utf8.RuneCountInString(given)); {
		case length < bounds.Least:
			r.refuse(at, "string-too-short", "String should have at least "+counted(bounds.Least, "character"))
			return
		case length > bounds.Most:
			r.refuse(at, "string-too-long", "String should have at most "+counted(bounds.Most, "character"))
			return
		}
	}
	switch {
	case shape.pattern != nil && !shape.pattern.MatchString(given):
		r.refuse(at, "string-pattern-mismatch", "String has a character or a form that is not allowed")
	case len(rules.Enum) > 0 && !slices.Contains(rules.Enum, given):
		r.refuse(at, cmp.Or(rules.Code, "enum"), cmp.Or(rules.Message, "Input should be "+alternatives(rules.Enum)))
	case shape.unmarshals:
		unmarshaler, _ := into.Addr().Interface().(encoding.TextUnmarshaler)
		if err := unmarshaler.UnmarshalText([]byte(given)); err != nil {
			r.refuse(at, cmp.Or(rules.Code, "value"), cmp.Or(rules.Message, err.Error()))
		}
	default:
		into.SetString(given)
	}
}

func (r *reader) readInteger(shape *shape, value any, into reflect.Value, at *place) {
	number, ok := value.(float64)
	if given, isText := value.(string); isText && r.parameters {
		number, ok = digits(given)
	}
	if !ok || number != math.Trunc(number) {
		r.refuse(at, "int-type", "Input should be a valid integer")
		return
	}
	least, most := int64(-maxSafeInteger), int64(maxSafeInteger)
	if bits := into.Type().Bits(); bits < 64 {
		least, most = -1<<(bits-1), 1<<(bits-1)-1
	}
	if bounds := shape.rules.Range; bounds != nil {
		least, most = max(least, bounds.Least), min(most, bounds.Most)
	}
	switch {
	case number < float64(least):
		r.refuse(at, "greater-than-equal", fmt.Sprintf("Input should be greater than or equal to %d", least))
	case number > float64(most):
		r.refuse(at, "less-than-equal", fmt.Sprintf("Input should be less than or equal to %d", most))
	default:
		into.SetInt(int64(number))
	}
}

func (r *reader) readBoolean(value any, into reflect.Value, at *place) {
	given, ok := value.(bool)
	if word, isText := value.(string); isText && r.parameters && (word == "true" || word == "false") {
		given, ok = word == "true", true
	}
	if !ok {
		r.refuse(at, "bool-type", "Input should be a valid boolean")
		return
	}
	into.SetBool(given)
}

// digits reads a decimal integer; ParseInt would also take a plus sign.
func digits(given string) (float64, bool) {
	if unsigned := strings.TrimPrefix(given, "-"); len(unsigned) > 15 || strings.HasPrefix(unsigned, "+") {
		return 0, false
	}
	number, err := strconv.ParseInt(given, 10, 64)
	return float64(number), err == nil
}

func counted(number int64, noun string) string {
	if number != 1 {
		noun += "s"
	}
	return strconv.FormatInt(number, 10) + " " + noun
}

// alternatives lists words in prose: 'a', 'b' or 'c'.
func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "'" + word + "'"
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
